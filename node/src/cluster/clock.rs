//! The clock of leases: it goes on while the machine sleeps, and nobody sets it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since some moment before the machine started.
#[inline]
pub(crate) fn now() -> u64 {
    #[cfg(test)]
    if let Some(now) = crate::simulated::now() {
        return now;
    }
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// How long ago a moment of that clock was.
pub(crate) fn since(moment: u64) -> Duration {
    Duration::from_nanos(now().saturating_sub(moment))
}

/// How long until a moment of that clock; nothing when it is over.
pub(crate) fn until(moment: u64) -> Duration {
    Duration::from_nanos(moment.saturating_sub(now()))
}
