//! Which exponents of the adaptive policy suit the traffic, found out by trying all of them at
//! once on a sample of it.
//!
//! For each of [`CANDIDATES`] a cache without values is run on the keys whose hashes fall into the
//! sample, with a proportional capacity (Waldspurger et al., "Cache Modeling and Optimization
//! using Miniature Simulations", USENIX ATC 2017). The candidate with clearly the fewest misses of
//! late is put in force.
//!
//! Bounds: about [`SAMPLE_KEYS`] keys a candidate, at most one key in eight of the store; nothing
//! runs before the first eviction.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::policy::{CANDIDATES, Candidate, Judge};

/// Keys that a sample should have, within a factor of two.
const SAMPLE_KEYS: u64 = 2048;
/// The largest sample is one key in `2^3`, so that small stores do not pay for each access.
const MIN_SHIFT: u32 = 3;
/// The bits of a hash that decide whether a key is in the sample; the index uses others.
const SAMPLE_BITS_FROM: u32 = 24;
/// Nothing is sampled.
const OFF: u64 = u64::MAX;
/// Requests of the sample between two decisions.
const EPOCH_REQUESTS: u32 = 2048;
/// Another candidate than the first must have fewer misses than this share of the first one's.
const CLEARLY: f32 = 0.97;
/// Items looked at to find a victim.
const VICTIM_SAMPLES: usize = 16;
/// Events a worker keeps before it passes them on; more are dropped.
pub(crate) const MAX_EVENTS: usize = 256;

/// Something that happened to a key of the sample.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) hash: u64,
    pub(crate) kind: EventKind,
}

#[derive(Clone, Copy)]
pub(crate) enum EventKind {
    /// It was read and there; its size.
    Hit(u32),
    /// It was read and not there.
    Miss,
    /// It was written; its size.
    Write(u32),
}

/// The candidates' caches.
pub(crate) struct Shadows {
    mask: AtomicU64,
    trial: Mutex<Option<Trial>>,
}

impl Default for Shadows {
    fn default() -> Shadows {
        Shadows { mask: AtomicU64::new(OFF), trial: Mutex::new(None) }
    }
}

impl Shadows {
    /// Tells whether a key is in the sample.
    #[inline]
    pub(crate) fn samples(&self, hash: u64) -> bool {
        hash >> SAMPLE_BITS_FROM & self.mask.load(Relaxed) == 0
    }

    /// Fits the sample to the store; without `keys` nothing is sampled.
    pub(crate) fn fit(&self, keys: u64, live_bytes: u64) {
        let mut trial = self.trial.lock();
        if keys == 0 {
            self.mask.store(OFF, Relaxed);
            *trial = None;
            return;
        }
        let shift = (keys / SAMPLE_KEYS).max(1).ilog2().max(MIN_SHIFT);
        let kept = trial.take().filter(|trial| trial.shift.abs_diff(shift) <= 1);
        let mut fitted = kept.unwrap_or_else(|| Trial::new(shift, live_bytes as f32 / keys as f32));
        fitted.capacity_bytes = live_bytes >> fitted.shift;
        self.mask.store((1 << fitted.shift) - 1, Relaxed);
        *trial = Some(fitted);
    }

    /// Replays events, in order. Answers which candidate should be in force, whenever that has been
    /// thought over.
    pub(crate) fn replay(&self, events: &[Event]) -> Option<usize> {
        self.trial.lock().as_mut()?.replay(events)
    }
}

struct Trial {
    /// One key in `2^shift` is in the sample.
    shift: u32,
    capacity_bytes: u64,
    requests: u32,
    caches: [Cache; CANDIDATES.len()],
}

impl Trial {
    fn new(shift: u32, average_bytes: f32) -> Trial {
        let caches = std::array::from_fn(|candidate| Cache::new(candidate, average_bytes));
        Trial { shift, capacity_bytes: 0, requests: 0, caches }
    }

    fn replay(&mut self, events: &[Event]) -> Option<usize> {
        for &event in events {
            for cache in &mut self.caches {
                cache.replay(event, self.capacity_bytes);
            }
            self.requests += u32::from(!matches!(event.kind, EventKind::Write(_)));
        }
        if self.requests < EPOCH_REQUESTS {
            return None;
        }
        self.requests = 0;
        self.decide()
    }

    /// The best candidate, once each has been full; the first unless another is clearly better.
    /// Old misses count less and less.
    fn decide(&mut self) -> Option<usize> {
        let is_fair = self.caches.iter().all(|cache| cache.has_evicted);
        let handicap = |number: usize| if number == 0 { CLEARLY } else { 1.0 };
        let misses = |number: usize| self.caches[number].misses * handicap(number);
        let best = (0..self.caches.len()).min_by(|&a, &b| misses(a).total_cmp(&misses(b)));
        for cache in &mut self.caches {
            cache.misses *= if is_fair { 0.75 } else { 0.0 };
        }
        best.filter(|_| is_fair)
    }
}

/// A cache of one candidate that keeps no values.
struct Cache {
    judge: Judge,
    index: HashMap<u64, usize>,
    items: Vec<Shadow>,
    used_bytes: u64,
    random: u64,
    has_evicted: bool,
    /// Misses of late.
    misses: f32,
}

#[derive(Clone, Copy)]
struct Shadow {
    hash: u64,
    access: u32,
    size_bytes: u32,
}

impl Cache {
    fn new(candidate: usize, average_bytes: f32) -> Cache {
        Cache {
            judge: Judge::adaptive(candidate, average_bytes),
            index: HashMap::new(),
            items: Vec::new(),
            used_bytes: 0,
            random: 0x9e37_79b9_7f4a_7c15,
            has_evicted: false,
            misses: 0.0,
        }
    }

    fn replay(&mut self, event: Event, capacity_bytes: u64) {
        match (event.kind, self.index.get(&event.hash).copied()) {
            (EventKind::Hit(_) | EventKind::Miss, Some(at)) => self.touch(at),
            (EventKind::Write(size_bytes), Some(at)) => {
                self.used_bytes += u64::from(size_bytes);
                self.used_bytes -= u64::from(self.items[at].size_bytes);
                self.items[at].size_bytes = size_bytes;
                self.touch(at);
            }
            (EventKind::Hit(size_bytes), None) => {
                self.misses += 1.0;
                self.insert(event.hash, size_bytes);
            }
            (EventKind::Miss, None) => self.misses += 1.0,
            (EventKind::Write(size_bytes), None) => self.insert(event.hash, size_bytes),
        }
        while self.used_bytes > capacity_bytes && !self.items.is_empty() {
            self.evict(capacity_bytes);
        }
    }

    fn touch(&mut self, at: usize) {
        // The adaptive policy needs neither time nor chance.
        self.items[at].access = self.judge.touched(self.items[at].access, 0, || 0);
    }

    fn insert(&mut self, hash: u64, size_bytes: u32) {
        self.index.insert(hash, self.items.len());
        let access = self.judge.born(0, || 0);
        self.items.push(Shadow { hash, access, size_bytes });
        self.used_bytes += u64::from(size_bytes);
    }

    fn rank(&self, at: usize) -> u64 {
        let Shadow { access, size_bytes, .. } = self.items[at];
        let item = Candidate { access, size_bytes: size_bytes as usize, expiry_ms: None };
        self.judge.rank(&item, 0, 0)
    }

    /// Removes the lowest ranked of the newest item and some at random.
    fn evict(&mut self, capacity_bytes: u64) {
        let len = self.items.len();
        let mut victim = (self.rank(len - 1), len - 1);
        for _ in 0..VICTIM_SAMPLES {
            // Marsaglia, "Xorshift RNGs", 2003.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let at = self.random as usize % len;
            victim = victim.min((self.rank(at), at));
        }
        let (rank, at) = victim;
        let gone = self.items.swap_remove(at);
        self.index.remove(&gone.hash);
        if let Some(moved) = self.items.get(at) {
            self.index.insert(moved.hash, at);
        }
        self.used_bytes -= u64::from(gone.size_bytes);
        self.judge.evicted(rank, gone.size_bytes as usize, capacity_bytes);
        self.has_evicted = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: u64 = 100_000;
    const CAPACITY_BYTES: u64 = 20 << 20;

    fn hash(key: u64) -> u64 {
        key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    /// What the shadows choose after a stream of requests for `(key, size)`.
    fn chosen_for(requests: impl Iterator<Item = (u64, u32)>) -> usize {
        let shadows = Shadows::default();
        shadows.fit(KEYS, CAPACITY_BYTES);
        let mut chosen = 0;
        for (key, size_bytes) in requests {
            let hash = hash(key);
            if shadows.samples(hash) {
                // Reading and, in case it was not there, writing: as clients of a cache do.
                for kind in [EventKind::Miss, EventKind::Write(size_bytes)] {
                    chosen = shadows.replay(&[Event { hash, kind }]).unwrap_or(chosen);
                }
            }
        }
        chosen
    }

    #[test]
    fn traffic_whose_popular_keys_are_large_gets_a_rule_that_does_not_punish_size() {
        let mut state = 1u64;
        let requests = (0..4_000_000u64).map(|_| {
            state = hash(state.wrapping_add(0x1234_5677));
            // A quarter of the requests go to 3,000 large keys, the rest to smaller ones used once.
            match state >> 62 {
                0 => (state % 3_000, 6_000),
                _ => (10_000 + state % 4_000_000, 1_000),
            }
        });
        let weights = CANDIDATES[chosen_for(requests)];
        assert!(weights.size < 1.0, "{weights:?}");
    }

    #[test]
    fn without_a_clear_winner_the_first_candidate_stays() {
        let mut state = 1u64;
        let requests = (0..1_000_000u64).map(|_| {
            state = hash(state.wrapping_add(0x1234_5677));
            (state % 1_000_000, 500)
        });
        assert_eq!(chosen_for(requests), 0);
    }

    #[test]
    fn nothing_is_sampled_before_it_is_asked_for() {
        let shadows = Shadows::default();
        assert!((1..10_000).all(|key| !shadows.samples(hash(key))));
        shadows.fit(KEYS, CAPACITY_BYTES);
        let sampled = (0..KEYS).filter(|&key| shadows.samples(hash(key))).count() as u64;
        assert!((SAMPLE_KEYS / 2..SAMPLE_KEYS * 4).contains(&sampled), "{sampled}");
    }
}
