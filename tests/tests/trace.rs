//! A real access trace, replayed against the node with a fixed memory limit.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use skep_tests::{Client, PATIENCE, Server, TestResult, repository, run, skip};

const FILE: &str = "adaptsize.txt.xz";
const LIMIT_BYTES: usize = 64 << 20;
/// Bounds what is sent, if the file should be another.
const VALUE_BYTES_MAX: usize = 8 << 20;
/// The floor is an exact LRU with this part of the memory for values and no overhead at all: what
/// does worse is broken. How much better it should be is a matter for benches.
const FLOOR_PART: usize = 4;
const REQUESTS_BETWEEN_LOOKS: usize = 2000;

struct Request {
    id: String,
    value_bytes: usize,
}

/// `SKEP_TEST_DATA`, or the directory of shared data beside the repository.
fn data() -> PathBuf {
    let given = std::env::var_os("SKEP_TEST_DATA").map(PathBuf::from);
    given.unwrap_or_else(|| repository().join("../shared/data"))
}

fn read(file: &std::path::Path) -> TestResult<Vec<Request>> {
    let done = run("xz", ["-dc".as_ref(), file.as_os_str()], b"", PATIENCE)?;
    assert!(done.status.success(), "{}", done.errors);
    let mut requests = Vec::new();
    for line in done.output.lines() {
        // time, id, bytes
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, id, bytes] = fields[..] else { return Err(format!("bad line: {line}").into()) };
        requests.push(Request { id: id.to_owned(), value_bytes: bytes.parse()? });
    }
    Ok(requests)
}

/// The hits of an exact LRU cache whose values alone fill the budget.
fn lru_hits(requests: &[Request], budget_bytes: usize) -> usize {
    let (mut hits, mut used) = (0, 0);
    let mut last_use: HashMap<&str, (usize, usize)> = HashMap::new();
    let mut by_use: BTreeMap<usize, &str> = BTreeMap::new();
    for (now, request) in requests.iter().enumerate() {
        let bytes = match last_use.remove(request.id.as_str()) {
            Some((then, bytes)) => {
                by_use.remove(&then);
                hits += 1;
                bytes
            }
            None => {
                used += request.value_bytes;
                request.value_bytes
            }
        };
        last_use.insert(&request.id, (now, bytes));
        by_use.insert(now, &request.id);
        while used > budget_bytes {
            let Some((_, oldest)) = by_use.pop_first() else { break };
            used -= last_use.remove(oldest).map_or(0, |(_, bytes)| bytes);
        }
    }
    hits
}

fn figure(client: &mut Client, name: &str) -> TestResult<usize> {
    let info = client.ask(&["INFO", "everything"])?;
    let info = String::from_utf8_lossy(&info).into_owned();
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    Ok(line.ok_or_else(|| format!("no {name} in:\n{info}"))?.parse()?)
}

#[test]
fn a_trace_is_replayed_within_its_memory_and_with_many_hits() -> TestResult {
    let file = data().join(FILE);
    if !file.is_file() {
        return skip(&format!("the trace replay: there is no {FILE} in ../shared/data"));
    }
    let requests = read(&file)?;
    let distinct =
        requests.iter().map(|request| &request.id).collect::<std::collections::HashSet<_>>();
    let server = Server::skep(&["--maxmemory", &LIMIT_BYTES.to_string()])?;
    let mut client = server.connect()?;
    let filler = "x".repeat(VALUE_BYTES_MAX);
    let (mut hits, mut used_max) = (0, 0);
    for (number, request) in requests.iter().enumerate() {
        let value = filler.get(..request.value_bytes).ok_or("a value above the bound")?;
        if client.ask(&["GET", &request.id])? == b"$-1\r\n" {
            assert_eq!(client.ask(&["SET", &request.id, value])?, b"+OK\r\n");
        } else {
            hits += 1;
        }
        if number % REQUESTS_BETWEEN_LOOKS == 0 {
            used_max = used_max.max(figure(&mut client, "used_memory")?);
        }
    }
    let floor = lru_hits(&requests, LIMIT_BYTES / FLOOR_PART);
    let ceiling = requests.len() - distinct.len();
    let evicted = figure(&mut client, "evicted_keys")?;
    println!("{hits} hits of {}, at most {used_max} bytes, {evicted} evicted", requests.len());
    assert!((floor..=ceiling).contains(&hits), "{hits} hits are not in {floor}..={ceiling}");
    // A write may bring in one value before its room is made.
    let value_bytes_max = requests.iter().map(|request| request.value_bytes).max().unwrap_or(0);
    assert!(used_max <= LIMIT_BYTES + value_bytes_max, "{used_max} bytes used");
    assert!(evicted > 0, "nothing was evicted, so the limit meant nothing");
    Ok(())
}
