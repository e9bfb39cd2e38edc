//! Skep answers as Redis 7.2 does, whatever it is asked.

use skep_tests::differential::{Run, templates};
use skep_tests::{Program, TestResult};

const REDIS_72_AND_NEWER: [Program; 2] = [Program::Valkey91, Program::Redis82];

#[test]
fn random_commands_are_answered_as_redis_does_in_resp2() -> TestResult {
    let (templates, oracles) = (templates::COMMON, &Program::ORACLES[..]);
    most_succeed(&Run { templates, oracles, protocol: "2", steps: 8_000 })
}

#[test]
fn random_commands_are_answered_as_redis_does_in_resp3() -> TestResult {
    let (templates, oracles) = (templates::COMMON, &Program::ORACLES[..]);
    most_succeed(&Run { templates, oracles, protocol: "3", steps: 8_000 })
}

#[test]
fn commands_that_are_new_in_72_are_answered_as_newer_servers_do() -> TestResult {
    let templates = [templates::SINCE_72, &[(1, "SET %key %value"), (1, "GET %key")]].concat();
    most_succeed(&Run {
        templates: &templates,
        oracles: &REDIS_72_AND_NEWER,
        protocol: "3",
        steps: 2_000,
    })
}

#[test]
fn commands_of_redis_82_are_answered_as_it_does() -> TestResult {
    let more = [(6, "SET %key %value"), (2, "GET %key"), (1, "DEL %key+"), (2, "SETBIT %key 9 1")];
    let templates = [templates::REDIS, &more].concat();
    most_succeed(&Run {
        templates: &templates,
        oracles: &[Program::Redis82],
        protocol: "2",
        steps: 2_000,
    })
}

#[test]
fn commands_of_valkey_are_answered_as_valkey_does() -> TestResult {
    let more = [(6, "SET %key %value"), (2, "GET %key"), (1, "EXISTS %key+")];
    let templates = [templates::VALKEY, &more].concat();
    most_succeed(&Run {
        templates: &templates,
        oracles: &[Program::Valkey91],
        protocol: "2",
        steps: 2_000,
    })
}

/// Commands that fail show only that they fail alike.
fn most_succeed(run: &Run<'_>) -> TestResult {
    let (compared, fine) = run.run()?;
    assert!(fine * 2 > compared, "of {compared} replies only {fine} were no errors");
    Ok(())
}
