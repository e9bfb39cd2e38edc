//! How far long work has come: one line on the standard error, rewritten, and only where somebody
//! sees it.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use crate::cli::Common;
use crate::quantity::grouped;

/// Steps between two looks at the clock.
const STEPS_BETWEEN: u64 = 1 << 16;
const SECONDS_BETWEEN: f64 = 0.2;

/// Counts steps of long work and tells of them.
pub(super) struct Progress {
    what: &'static str,
    steps: u64,
    begin: Instant,
    told_seconds: f64,
    is_shown: bool,
}

impl Progress {
    /// Begins.
    pub(super) fn new(what: &'static str, common: &Common) -> Progress {
        let is_shown = !common.quiet && std::io::stderr().is_terminal();
        Progress { what, steps: 0, begin: Instant::now(), told_seconds: 0.0, is_shown }
    }

    /// Counts a step.
    #[inline]
    pub(super) fn step(&mut self) {
        self.steps += 1;
        if self.is_shown && self.steps.is_multiple_of(STEPS_BETWEEN) {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let seconds = self.begin.elapsed().as_secs_f64();
        if seconds - self.told_seconds < SECONDS_BETWEEN {
            return;
        }
        self.told_seconds = seconds;
        let rate = (self.steps as f64 / seconds) as u64;
        let (steps, rate) = (grouped(self.steps), grouped(rate));
        let _ = write!(std::io::stderr(), "\r{steps} {}, {rate} a second   ", self.what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told_seconds > 0.0 {
            // The line makes room for the answer.
            let _ = write!(std::io::stderr(), "\r{:70}\r", "");
        }
    }
}
