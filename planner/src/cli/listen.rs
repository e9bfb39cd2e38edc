//! Listening to what clients ask a server for (MONITOR), for every command that can do without a trace.

use std::time::Duration;

use crate::error::{PlanError, Result};
use crate::live::Live;
use crate::quantity::Seconds;
use crate::trace::{Access, MonitorDecoder};

/// How long a server may be listened to.
const SECONDS_MIN: f64 = 0.1;
const SECONDS_MAX: f64 = 86_400.0;

/// How long to listen.
///
/// # Errors
/// A moment, or more than a day.
pub(super) fn length(seconds: Seconds) -> Result<Duration> {
    match (SECONDS_MIN..=SECONDS_MAX).contains(&seconds.0) {
        true => Ok(Duration::from_secs_f64(seconds.0)),
        false => {
            Err(PlanError::usage(format!("--seconds: listen for {SECONDS_MIN} to {SECONDS_MAX} s")))
        }
    }
}

/// Hands on each access with its key, until the time is over or `most` were handed on.
///
/// # Errors
/// When the connection fails, the server refuses, or `visit` does.
pub(super) fn listen(
    live: Live,
    length: Duration,
    most: u64,
    visit: &mut dyn FnMut(Vec<u8>, &Access) -> Result<()>,
) -> Result<()> {
    let mut decoder = MonitorDecoder::default();
    let mut left = most;
    live.monitor(length, &mut |line| {
        if !decoder.line(line) {
            let shown: String = String::from_utf8_lossy(line).chars().take(60).collect();
            return Err(PlanError::source("MONITOR", format!("no line of a command: {shown}")));
        }
        while let Some((key, access)) = decoder.pending_with_key() {
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            visit(key, &access)?;
        }
        Ok(true)
    })
}
