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
