//! Waiting, always with a deadline.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(5);

/// Returns as soon as `condition` holds.
///
/// # Panics
/// When it does not within `deadline`, with `what` was waited for. Let the condition leave what it
/// last saw in a variable and show that, if `what` alone would not explain a failure.
#[track_caller]
pub fn wait_until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
        std::thread::sleep(STEP);
    }
}

/// Waits for a process to end by itself; kills it if it does not within `deadline`.
///
/// # Errors
/// When it had to be killed.
pub fn finish(child: &mut Child, deadline: Duration) -> io::Result<ExitStatus> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begin.elapsed() > deadline {
            child.kill()?;
            child.wait()?;
            let text = format!("process {} did not end within {deadline:?}", child.id());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        std::thread::sleep(STEP);
    }
}
