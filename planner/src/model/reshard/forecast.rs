//! How long moving takes: `sum of max(bytes / bandwidth, keys / rate) / parallelism + slots x
//! round trip`, over speeds of which only the range is known.
//!
//! A speed is drawn once for the whole run, as likely within the lower half of its range (by
//! factors) as within the upper one; the same draws serve every plan, so that more to move never takes less.

use crate::random::SplitMix;

const DRAWS: usize = 1001;

/// How fast slots move; ranges (lowest, highest) above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Bytes per second between two nodes.
    pub bytes_per_second: (f64, f64),
    /// Keys per second.
    pub keys_per_second: (f64, f64),
    /// What handing over a slot takes, however empty it is.
    pub slot_seconds: f64,
    /// Slots that move at the same time, at least 1.
    pub parallel: u32,
}

/// Durations in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// As likely shorter as longer.
    pub p50_seconds: f64,
    /// Nine of ten are shorter.
    pub p90_seconds: f64,
    /// At the highest speeds.
    pub least_seconds: f64,
    /// At the lowest speeds.
    pub most_seconds: f64,
}

/// What one slot takes at given speeds, without its hand-over.
pub fn slot_seconds(bytes: u64, keys: u64, bytes_per_second: f64, keys_per_second: f64) -> f64 {
    (bytes as f64 / bytes_per_second).max(keys as f64 / keys_per_second)
}

/// How long it takes to move slots of so many (bytes, keys).
pub fn forecast(slots: &[(u64, u64)], speed: &Speed, seed: u64) -> Forecast {
    let parallel = f64::from(speed.parallel.max(1));
    let at = |bandwidth: f64, rate: f64| {
        let sum: f64 =
            slots.iter().map(|&(bytes, keys)| slot_seconds(bytes, keys, bandwidth, rate)).sum();
        sum / parallel + slots.len() as f64 * speed.slot_seconds
    };
    let (bandwidth, rate) = (speed.bytes_per_second, speed.keys_per_second);
    let mut random = SplitMix::new(seed);
    let mut durations: Vec<f64> = (0..DRAWS)
        .map(|_| at(between(bandwidth, random.unit()), between(rate, random.unit())))
        .collect();
    durations.sort_by(f64::total_cmp);
    let quantile = |share: f64| durations[((DRAWS - 1) as f64 * share).round() as usize];
    Forecast {
        p50_seconds: quantile(0.5),
        p90_seconds: quantile(0.9),
        least_seconds: at(bandwidth.1, rate.1),
        most_seconds: at(bandwidth.0, rate.0),
    }
}

/// A place in a range: logarithmically, because speeds differ by factors.
fn between((low, high): (f64, f64), share: f64) -> f64 {
    low * (high / low).powf(share)
}
