//! Calls, failures and time by command, as INFO commandstats and errorstats show them.
//!
//! Each worker counts for itself; the binary sums up. Time is measured per batch and shared out
//! among its commands, except for commands that may take long, which are measured one by one: a
//! clock read per GET would cost a tenth of it.

use std::collections::HashMap;

use crate::error::CommandError;
use crate::table::{self, Command};

/// Different error codes counted; more are counted as one.
const MAX_ERROR_CODES: usize = 128;

/// Buckets of durations; the last one takes everything from half a minute up.
pub const DURATION_BUCKETS: usize = 26;

/// A worker's counters by command.
pub struct Statistics {
    commands: Vec<CommandStatistics>,
    errors: HashMap<String, u64>,
    /// Commands called since the last [`Statistics::charge`]: table index and how often in a row.
    uncharged: Vec<(u16, u32)>,
    uncharged_calls: u64,
    /// Commands run.
    pub calls: u64,
}

/// Counters of one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandStatistics {
    /// Times it ran.
    pub calls: u64,
    /// Nanoseconds it ran.
    pub nanoseconds: u64,
    /// Times it was refused before it ran.
    pub rejected: u64,
    /// Times it ran and failed.
    pub failed: u64,
    /// Calls by duration: bucket `n` counts those of at most `2^n` microseconds.
    pub durations: [u32; DURATION_BUCKETS],
}

impl CommandStatistics {
    /// The duration in microseconds that this share of the calls did not exceed, by the bucket
    /// it falls into.
    pub fn duration_us(&self, share: f64) -> f64 {
        let total: u64 = self.durations.iter().map(|&count| u64::from(count)).sum();
        let mut left = (total as f64 * share).ceil();
        for (bucket, &count) in self.durations.iter().enumerate() {
            left -= f64::from(count);
            if left <= 0.0 {
                return (1u64 << bucket) as f64;
            }
        }
        0.0
    }
}

impl Default for Statistics {
    fn default() -> Statistics {
        Statistics {
            commands: vec![CommandStatistics::default(); table::commands().len()],
            errors: HashMap::new(),
            uncharged: Vec::new(),
            uncharged_calls: 0,
            calls: 0,
        }
    }
}

impl Statistics {
    #[inline]
    pub(crate) fn called(&mut self, command: &Command) {
        self.uncharged_calls += 1;
        match self.uncharged.last_mut() {
            Some((index, count)) if *index == command.index => *count += 1,
            _ => self.uncharged.push((command.index, 1)),
        }
    }

    #[cold]
    pub(crate) fn failed(&mut self, command: &Command, error: &CommandError) {
        self.called(command);
        self.commands[usize::from(command.index)].failed += 1;
        self.count_error(error);
    }

    #[cold]
    pub(crate) fn rejected(&mut self, command: Option<&Command>, error: &CommandError) {
        if let Some(command) = command {
            self.commands[usize::from(command.index)].rejected += 1;
        }
        self.count_error(error);
    }

    fn count_error(&mut self, error: &CommandError) {
        let known = self.errors.len() < MAX_ERROR_CODES || self.errors.contains_key(error.code());
        let code = if known { error.code() } else { "ERRORSTATS_OVERFLOW" };
        match self.errors.get_mut(code) {
            Some(count) => *count += 1,
            None => {
                self.errors.insert(code.to_owned(), 1);
            }
        }
    }

    /// Shares a measured time out among the commands called since the last time.
    pub fn charge(&mut self, nanoseconds: u64) {
        let calls = std::mem::take(&mut self.uncharged_calls);
        if calls == 0 {
            return;
        }
        self.calls += calls;
        let share = nanoseconds / calls;
        let microseconds = share.div_ceil(1000).max(1);
        let bucket = microseconds.next_power_of_two().ilog2() as usize;
        for (index, count) in self.uncharged.drain(..) {
            let command = &mut self.commands[usize::from(index)];
            command.calls += u64::from(count);
            command.nanoseconds += share * u64::from(count);
            command.durations[bucket.min(DURATION_BUCKETS - 1)] += count;
        }
    }

    /// Takes over another's counters, leaving zeros.
    pub fn absorb(&mut self, other: &mut Statistics) {
        if other.calls == 0 && other.errors.is_empty() {
            return;
        }
        self.add(other);
        other.calls = 0;
        other.commands.fill(CommandStatistics::default());
        other.errors.clear();
    }

    /// Adds another worker's counters.
    pub fn add(&mut self, other: &Statistics) {
        self.calls += other.calls;
        for (sum, more) in self.commands.iter_mut().zip(&other.commands) {
            sum.calls += more.calls;
            sum.nanoseconds += more.nanoseconds;
            sum.rejected += more.rejected;
            sum.failed += more.failed;
            let durations = sum.durations.iter_mut().zip(more.durations);
            durations.for_each(|(sum, more)| *sum = sum.saturating_add(more));
        }
        for (code, count) in &other.errors {
            *self.errors.entry(code.clone()).or_default() += count;
        }
    }

    /// Takes earlier counters off.
    pub fn subtract(&mut self, earlier: &Statistics) {
        self.calls -= earlier.calls;
        for (sum, before) in self.commands.iter_mut().zip(&earlier.commands) {
            sum.calls -= before.calls;
            sum.nanoseconds -= before.nanoseconds;
            sum.rejected -= before.rejected;
            sum.failed -= before.failed;
            for (sum, before) in sum.durations.iter_mut().zip(before.durations) {
                *sum = sum.saturating_sub(before);
            }
        }
        for (code, before) in &earlier.errors {
            if let Some(count) = self.errors.get_mut(code) {
                *count -= before;
            }
        }
        self.errors.retain(|_, count| *count > 0);
    }

    /// Counters of the commands that were ever called or refused, by full name.
    pub fn commands(&self) -> impl Iterator<Item = (&'static str, &CommandStatistics)> {
        let all = table::commands().iter().zip(&self.commands);
        all.filter(|(_, counters)| counters.calls + counters.rejected > 0)
            .map(|(command, counters)| (command.full_name.as_str(), counters))
    }

    /// Error replies of one code.
    pub fn error_count(&self, code: &str) -> u64 {
        self.errors.get(code).copied().unwrap_or(0)
    }

    /// Error replies by code.
    pub fn errors(&self) -> impl Iterator<Item = (&str, u64)> {
        self.errors.iter().map(|(code, &count)| (code.as_str(), count))
    }
}
