//! The shape of every JSON answer: the keys and the kinds of their values are a promise.
//!
//! `schemas/<command>.txt` holds the shape under its schema's name. One that changes is a decision:
//! what only adds keys is recorded anew with `SKEP_TEST_RECORD=1`, what takes away or changes a
//! meaning raises the report's `schema_version` first.

use std::collections::BTreeSet;
use std::fs;

use skep_tests::{TestResult, repository};

use crate::support::{code, plan};

/// A command line for each shape, under the name of its file.
const LINES: [(&str, &str); 14] = [
    ("size", "size --masters 3 --mem 16G"),
    ("size-smallest", "size --data 200G --mem 16G --ops 2M --node-ops 200k"),
    ("size-items", "size --keys 5M --shape mixed --mem 16G --masters 3 --os-reserve 1G"),
    ("mrc", "mrc tests/planner/small.csv --mem 16M --target-hit 30%,99% --simulate"),
    (
        "simulate",
        "simulate tests/planner/small.csv --nodes 3 --mem 16M --layout ring,modulo --lose 2",
    ),
    ("probe", "probe --from tests/planner/fixtures/profile.json"),
    ("validate", "validate --from tests/planner/fixtures/profile.json"),
    ("failover", "failover --masters 12 --zones a=8,b=8,c=8 --lose-zone b --cut 4"),
    ("slots", "slots --zones a=2,b=2,c=2"),
    (
        "hotkeys",
        "hotkeys --trace tests/planner/small.csv --nodes 3 --layout ring --limit 2 --trials 50",
    ),
    (
        "throughput",
        "throughput --nodes 10 --node-ops 200k --replicas 1 --zipf 0.99 --nic 10G --value-size 1K \
         --ops 1M --layout ring",
    ),
    ("reshard", "reshard --masters 3 --add node4"),
    ("advise", "advise --data 64G --mem 16G --ha yes --auto-failover yes --nodes 6"),
    ("explain", "explain virtual node"),
];

/// The paths in a JSON text as `jq` writes them, with the kinds of what is there.
fn shape(json: &str) -> TestResult<String> {
    const PATHS: &str = "\
import json, sys
kinds = {dict: 'object', list: 'array', str: 'text', bool: 'truth', int: 'number', float: 'number'}
def walk(path, value):
    print(path, kinds.get(type(value), 'null'))
    if isinstance(value, dict):
        for key, inner in value.items():
            walk(path + '.' + key, inner)
    if isinstance(value, list):
        for inner in value:
            walk(path + '[]', inner)
answer = json.load(sys.stdin)
print(answer['schema'])
walk('', answer)
";
    let done = skep_tests::run("python3", ["-c", PATHS], json.as_bytes(), skep_tests::PATIENCE)?;
    if !done.status.success() {
        return Err(format!("no JSON: {done:?}").into());
    }
    let mut lines = done.output.lines();
    let schema = lines.next().unwrap_or_default().to_owned();
    // A value may be missing in one row and there in another: a set of what is seen.
    let seen: BTreeSet<&str> = lines.collect();
    Ok(schema + "\n" + &seen.into_iter().map(|line| format!("{line}\n")).collect::<String>())
}

#[test]
fn answers_keep_their_shape() -> TestResult {
    let folder = repository().join("tests/tests/planner/schemas");
    let records = std::env::var_os("SKEP_TEST_RECORD").is_some();
    let mut changed = Vec::new();
    for (name, line) in LINES {
        let done = plan(&format!("{line} --format json"))?;
        assert!(code(&done) < 2, "planner {line}: {done:?}");
        let (path, seen) = (folder.join(format!("{name}.txt")), shape(&done.output)?);
        if records {
            fs::create_dir_all(&folder)?;
            fs::write(&path, &seen)?;
        }
        let recorded = fs::read_to_string(&path).unwrap_or_default();
        if recorded != seen {
            let (before, after): (BTreeSet<_>, BTreeSet<_>) =
                (recorded.lines().collect(), seen.lines().collect());
            let gone: Vec<_> = before.difference(&after).collect();
            let new: Vec<_> = after.difference(&before).collect();
            changed.push(format!("planner {line}: gone {gone:?}, new {new:?}"));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
    Ok(())
}
