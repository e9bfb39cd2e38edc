//! Runs the planner.

use std::time::Duration;

use skep_tests::{Finished, TestResult, planner, run};

/// Generous: the planner of a test is built without optimisation.
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs `planner` with the words of a line.
pub(crate) fn plan(line: &str) -> TestResult<Finished> {
    run(planner()?, line.split_whitespace(), b"", DEADLINE)
}

/// The exit code.
pub(crate) fn code(done: &Finished) -> i32 {
    done.status.code().unwrap_or(-1)
}

/// A figure of a JSON answer's result.
pub(crate) fn figure(json: &str, name: &str) -> TestResult<f64> {
    let result = json.split("\"result\": {").nth(1).ok_or("an answer without a result")?;
    let start = format!("\"{name}\": ");
    let value = result.split(&start).nth(1).ok_or_else(|| format!("no {name} in {result}"))?;
    let end = value.find([',', '\n', '}']).unwrap_or(value.len());
    Ok(value[..end].trim().parse()?)
}
