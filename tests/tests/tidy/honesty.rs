//! Tests that check something, without luck; and no lint that is switched off in silence.

use std::fs;

use skep_tests::{TestResult, repository};

use crate::report;
use crate::source::{after_pair, files, has_word, sources};

/// A test calls something of this kind, or returns what `?` found.
const CHECKING_WORDS: [&str; 9] =
    ["assert", "panic!", "unwrap", "expect", "wait_until", "check", "compare", "verify", "?"];
/// Where waiting for a condition is done, so that nobody else needs to sleep.
const SLEEPING_FILES: [&str; 5] = [
    "tests/src/differential/peer.rs",
    "tests/src/wait.rs",
    "tests/src/server.rs",
    "tests/python/conftest.py",
    "tests/node/support.js",
];
#[test]
fn every_allowance_has_a_reason() -> TestResult {
    let mut found = Vec::new();
    for source in sources()? {
        for (at, _) in
            source.code.match_indices("[allow(").chain(source.code.match_indices("[expect("))
        {
            let attribute = &source.code[at..];
            let end = attribute.find(")]").unwrap_or(attribute.len());
            if !attribute[..end].contains("reason") {
                found.push(format!("{}:{}", source.path, source.line_of(at)));
            }
        }
    }
    report("allowances without a reason", &found);
    Ok(())
}

#[test]
fn no_match_is_thrown_away() -> TestResult {
    let mut found = Vec::new();
    for source in sources()? {
        for (at, _) in source.code.match_indices("matches!(") {
            let before = source.code[..at].trim_end();
            let begins = before.is_empty() || before.ends_with([';', '{', '}']);
            let after = after_pair(&source.code[at..], '(', ')').trim_start();
            if begins && after.starts_with(';') {
                found.push(format!("{}:{}", source.path, source.line_of(at)));
            }
        }
    }
    report("bare matches!, which checks nothing", &found);
    Ok(())
}

#[test]
fn every_test_checks_something() -> TestResult {
    let (mut found, mut seen) = (Vec::new(), 0);
    for source in sources()? {
        let functions = source.functions();
        let checking: Vec<_> = functions.iter().filter(|function| checks(function.body)).collect();
        for function in functions.iter().filter(|function| function.is_test) {
            seen += 1;
            // Or it hands its parameters to a function that does.
            let calls = |name: &str| has_word(function.body, name);
            if !checks(function.body) && !checking.iter().any(|helper| calls(helper.name)) {
                found.push(format!("{}:{}", source.path, function.line));
            }
        }
    }
    assert!(seen > 50, "only {seen} tests were found");
    report("tests that check nothing", &found);
    Ok(())
}

fn checks(body: &str) -> bool {
    CHECKING_WORDS.iter().any(|word| body.contains(word))
}

#[test]
fn no_test_sleeps() -> TestResult {
    let mut found = Vec::new();
    for source in sources()?.iter().filter(|source| !SLEEPING_FILES.contains(&&*source.path)) {
        for (number, line) in source.test_lines() {
            if line.contains("::sleep(") {
                found.push(format!("{}:{number}", source.path));
            }
        }
    }
    for file in files()? {
        let name = file.to_string_lossy();
        let is_script = name.ends_with(".py") || name.ends_with(".js");
        if !is_script || SLEEPING_FILES.contains(&&*name) {
            continue;
        }
        let text = fs::read_to_string(repository().join(&file))?;
        for word in ["sleep(", "delay(", "setTimeout("] {
            found.extend(text.contains(word).then(|| format!("{name}: {word}")));
        }
    }
    report("sleeping instead of waiting for a condition", &found);
    Ok(())
}
