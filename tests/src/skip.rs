//! Tests that this machine cannot run.

use std::fs::OpenOptions;
use std::io::Write;

use crate::TestResult;

/// Says that a test does not run and why; the test returns right after. `tests/run` counts it as
/// skipped and shows the reason in its summary.
///
/// # Errors
/// When the reason cannot be recorded: a skip must not be silent.
pub fn skip(reason: &str) -> TestResult {
    eprintln!("skipped: {reason}");
    if let Some(list) = std::env::var_os("SKEP_TEST_SKIPS") {
        let mut list = OpenOptions::new().create(true).append(true).open(list)?;
        writeln!(list, "{}", reason.replace('\n', " "))?;
    }
    Ok(())
}
