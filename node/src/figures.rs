//! Counters of the workers, where other threads can read them.
//!
//! A worker keeps its counters to itself and publishes them here on every tick; only traffic is
//! counted in place.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use parking_lot::Mutex;
use skep_command::statistics::Statistics;
use skep_store::Counters;

/// What one worker has published.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Figures {
    pub(crate) input_bytes: AtomicU64,
    pub(crate) output_bytes: AtomicU64,
    published: Mutex<Published>,
}

/// Sums over the life of a worker.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) input_bytes: u64,
    pub(crate) output_bytes: u64,
    pub(crate) counters: Counters,
    pub(crate) statistics: Statistics,
}

impl Figures {
    /// Publishes a worker's counters.
    pub(crate) fn take(&self, counters: &Counters, statistics: &mut Statistics) {
        let mut published = self.published.lock();
        published.counters = *counters;
        published.statistics.absorb(statistics);
    }
}

/// The sum over all workers.
pub(crate) fn total(figures: &[Figures]) -> Published {
    let mut sum = Published::default();
    for one in figures {
        let published = one.published.lock();
        sum.counters.add(&published.counters);
        sum.statistics.add(&published.statistics);
        sum.input_bytes += one.input_bytes.load(Relaxed);
        sum.output_bytes += one.output_bytes.load(Relaxed);
    }
    sum
}

/// What has been counted since a reset.
pub(crate) fn since(figures: &[Figures], reset: &Published) -> Published {
    let mut sum = total(figures);
    sum.counters.subtract(&reset.counters);
    sum.statistics.subtract(&reset.statistics);
    sum.input_bytes -= reset.input_bytes;
    sum.output_bytes -= reset.output_bytes;
    sum
}

/// Rates over the last measured interval.
#[derive(Default)]
pub(crate) struct Rates {
    pub(crate) operations_per_second: u64,
    input_bytes_per_second: u64,
    output_bytes_per_second: u64,
    last: Option<(Instant, [u64; 3])>,
}

impl Rates {
    pub(crate) fn input_kib_per_second(&self) -> f64 {
        self.input_bytes_per_second as f64 / 1024.0
    }

    pub(crate) fn output_kib_per_second(&self) -> f64 {
        self.output_bytes_per_second as f64 / 1024.0
    }

    /// Measures the time since the last call.
    pub(crate) fn measure(&mut self, figures: &[Figures], now: Instant) {
        let total = total(figures);
        let sums = [total.statistics.calls, total.input_bytes, total.output_bytes];
        if let Some((then, before)) = self.last {
            let seconds = now.duration_since(then).as_secs_f64().max(1e-3);
            let rate = |at: usize| (sums[at].saturating_sub(before[at]) as f64 / seconds) as u64;
            self.operations_per_second = rate(0);
            self.input_bytes_per_second = rate(1);
            self.output_bytes_per_second = rate(2);
        }
        self.last = Some((now, sums));
    }
}
