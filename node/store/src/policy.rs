//! Which key goes first when memory is short, decided from 24 bits kept with every item.
//!
//! | policy | the 24 bits | rank (lowest goes first) |
//! | --- | --- | --- |
//! | lru, random, ttl, noeviction | time of the last access, in quarters of a second | idle time, random, expiry |
//! | lfu | minutes of the last decay (16) and a logarithmic counter (8), as in Redis | the counter |
//! | adaptive | inflation at the last access (18) and accesses (6) | worth when last used, inflated |
//!
//! The adaptive policy is GreedyDual-Size-Frequency (Cherkasova, "Improving WWW Proxies Performance
//! with Greedy-Dual-Size-Frequency Caching Policy", HP Labs 1998): an item's rank is the inflation
//! at its last access plus its worth, and evicting an item raises the inflation to its rank. The
//! worth is `accesses^a / size^b`; which exponents are in force is decided by [`crate::shadow`], and
//! [`crate::ghost`] remembers the accesses of items that were evicted. Inflation also rises a
//! little with every eviction, so that among items of equal worth the longest unused goes first.
//! Everything is relative to the present inflation, so 18 bits of it suffice.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Length of a tick of the LRU clock.
const LRU_TICK_MS: u64 = 250;
const ACCESS_BITS: u32 = 24;
const ACCESS_MASK: u32 = (1 << ACCESS_BITS) - 1;
/// Counter that Redis gives to new keys under LFU.
const LFU_INITIAL: u32 = 5;
/// Of the 24 bits, those that count accesses under the adaptive policy.
const ACCESSES_BITS: u32 = 6;
/// The most accesses counted.
pub(crate) const MAX_ACCESSES: u32 = (1 << ACCESSES_BITS) - 1;
const STAMP_BITS: u32 = ACCESS_BITS - ACCESSES_BITS;
const STAMP_MASK: u64 = (1 << STAMP_BITS) - 1;
/// Worth of an average item that was accessed once, in ticks of inflation.
const AVERAGE_WORTH: f32 = 256.0;
/// The most an item can be worth: half of what a stamp can tell apart.
const MAX_WORTH: u64 = 1 << (STAMP_BITS - 1);
/// Ticks that inflation rises by itself while as many bytes are evicted as the limit has.
const DRIFT_TICKS: u64 = 26;
/// Inflation is kept with this many bits of fraction.
const FRACTION_BITS: u32 = 20;
/// Keeps the ranks of the first items above zero.
const RANK_OFFSET: u64 = 1 << 20;

/// What `maxmemory-policy` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Policy {
    /// Any key, by a size-aware rule that adapts to the traffic.
    AllKeysAdaptive,
    /// Keys that expire, the longest unused first.
    VolatileLru,
    /// Any key, the longest unused first.
    AllKeysLru,
    /// Keys that expire, the least used first.
    VolatileLfu,
    /// Any key, the least used first.
    AllKeysLfu,
    /// Keys that expire, at random.
    VolatileRandom,
    /// Any key at random.
    AllKeysRandom,
    /// Keys that expire, the next to expire first.
    VolatileTtl,
    /// Nothing is evicted; commands that need memory fail.
    NoEviction,
}

impl Policy {
    /// All policies, by number, with their names in the configuration.
    pub const NAMES: [(Policy, &'static str); 9] = [
        (Policy::AllKeysAdaptive, "allkeys-adaptive"),
        (Policy::VolatileLru, "volatile-lru"),
        (Policy::AllKeysLru, "allkeys-lru"),
        (Policy::VolatileLfu, "volatile-lfu"),
        (Policy::AllKeysLfu, "allkeys-lfu"),
        (Policy::VolatileRandom, "volatile-random"),
        (Policy::AllKeysRandom, "allkeys-random"),
        (Policy::VolatileTtl, "volatile-ttl"),
        (Policy::NoEviction, "noeviction"),
    ];

    /// The policy of a name.
    pub fn from_name(name: &str) -> Option<Policy> {
        let is_it = |(_, other): &&(Policy, &str)| other.eq_ignore_ascii_case(name);
        Policy::NAMES.iter().find(is_it).map(|(policy, _)| *policy)
    }

    /// The policy's name.
    pub fn name(self) -> &'static str {
        Policy::NAMES.iter().find(|(other, _)| *other == self).map_or("", |(_, name)| name)
    }

    /// Whether only keys that expire are evicted.
    pub fn is_volatile(self) -> bool {
        use Policy::*;
        matches!(self, VolatileLru | VolatileLfu | VolatileRandom | VolatileTtl)
    }

    /// Whether accesses are counted as Redis's LFU counts them.
    pub fn is_lfu(self) -> bool {
        matches!(self, Policy::AllKeysLfu | Policy::VolatileLfu)
    }

    #[inline]
    fn from_number(number: u8) -> Policy {
        Policy::NAMES[usize::from(number) % Policy::NAMES.len()].0
    }
}

/// The policy in force and its shared state.
pub(crate) struct Judge {
    policy: AtomicU8,
    lfu_log_factor: AtomicU32,
    lfu_decay_minutes: AtomicU32,
    /// Ticks by which the ranks of all items have been overtaken so far, with a fraction.
    inflation: AtomicU64,
    /// Worth of one access to an item of one byte, as the bits of an `f32`.
    scale: AtomicU32,
    /// Which [`Weights`] are in force.
    weights: AtomicU8,
}

/// Exponents of the adaptive policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weights {
    /// Of the number of accesses.
    pub(crate) frequency: f32,
    /// Of the size.
    pub(crate) size: f32,
}

impl Weights {
    /// What makes an item of the average size that was accessed once worth [`AVERAGE_WORTH`].
    pub(crate) fn scale(self, average_bytes: f32) -> f32 {
        AVERAGE_WORTH * average_bytes.max(1.0).powf(self.size)
    }

    /// What an item is worth, in ticks of inflation.
    pub(crate) fn worth(self, scale: f32, accesses: u32, size_bytes: usize) -> u64 {
        let (accesses, size) = (accesses.max(1) as f32, size_bytes.max(1) as f32);
        let worth = scale * power(accesses, self.frequency) / power(size, self.size);
        (worth as u64).clamp(1, MAX_WORTH)
    }
}

/// `base` to the power of one of the exponents in [`CANDIDATES`], most of which need no `powf`.
#[inline]
fn power(base: f32, exponent: f32) -> f32 {
    match exponent {
        0.0 => 1.0,
        0.5 => base.sqrt(),
        1.0 => base,
        _ => base.powf(exponent),
    }
}

/// The exponents to choose from; the first is where to begin.
pub(crate) const CANDIDATES: [Weights; 4] = [
    Weights { frequency: 1.0, size: 1.0 },
    Weights { frequency: 1.0, size: 0.5 },
    Weights { frequency: 1.0, size: 0.0 },
    Weights { frequency: 0.0, size: 0.0 },
];

/// What is known of an item that may be evicted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) access: u32,
    pub(crate) size_bytes: usize,
    pub(crate) expiry_ms: Option<u64>,
}

impl Judge {
    pub(crate) fn new() -> Judge {
        Judge {
            policy: AtomicU8::new(Policy::NoEviction as u8),
            lfu_log_factor: AtomicU32::new(10),
            lfu_decay_minutes: AtomicU32::new(1),
            inflation: AtomicU64::new(0),
            scale: AtomicU32::new(CANDIDATES[0].scale(512.0).to_bits()),
            weights: AtomicU8::new(0),
        }
    }

    /// A judge by the adaptive policy with fixed exponents, for items of this average size.
    pub(crate) fn adaptive(candidate: usize, average_bytes: f32) -> Judge {
        let judge = Judge::new();
        judge.policy.store(Policy::AllKeysAdaptive as u8, Relaxed);
        judge.choose(candidate);
        judge.set_average_size(average_bytes);
        judge
    }

    /// The policy in force.
    #[inline]
    pub(crate) fn policy(&self) -> Policy {
        Policy::from_number(self.policy.load(Relaxed))
    }

    pub(crate) fn set_policy(&self, policy: Policy, lfu_log_factor: u32, lfu_decay_minutes: u32) {
        self.policy.store(policy as u8, Relaxed);
        self.lfu_log_factor.store(lfu_log_factor, Relaxed);
        self.lfu_decay_minutes.store(lfu_decay_minutes, Relaxed);
    }

    /// Tells how large the average item is, so that worth has a fitting scale.
    pub(crate) fn set_average_size(&self, size_bytes: f32) {
        let weights = self.weights();
        self.scale.store(weights.scale(size_bytes).to_bits(), Relaxed);
    }

    pub(crate) fn weights(&self) -> Weights {
        CANDIDATES[usize::from(self.weights.load(Relaxed)) % CANDIDATES.len()]
    }

    /// Puts other exponents in force.
    pub(crate) fn choose(&self, candidate: usize) {
        self.weights.store(candidate as u8, Relaxed);
    }

    /// The access state of a new item, which had been accessed `before` it was evicted last.
    #[inline]
    pub(crate) fn born(&self, now_ms: u64, before: impl FnOnce() -> u32) -> u32 {
        match self.policy() {
            Policy::AllKeysAdaptive => self.stamp(before() + 1),
            policy if policy.is_lfu() => minutes(now_ms) << 8 | LFU_INITIAL,
            _ => lru_clock(now_ms),
        }
    }

    /// The access state after an access.
    #[inline]
    pub(crate) fn touched(&self, access: u32, now_ms: u64, random: impl FnOnce() -> u64) -> u32 {
        match self.policy() {
            Policy::AllKeysAdaptive => self.stamp((access & MAX_ACCESSES) + 1),
            policy if policy.is_lfu() => {
                let counter = self.incremented(self.decayed(access, now_ms), random());
                minutes(now_ms) << 8 | counter
            }
            _ => lru_clock(now_ms),
        }
    }

    #[inline]
    fn inflation(&self) -> u64 {
        self.inflation.load(Relaxed) >> FRACTION_BITS
    }

    #[inline]
    fn stamp(&self, accesses: u32) -> u32 {
        ((self.inflation() & STAMP_MASK) as u32) << ACCESSES_BITS | accesses.min(MAX_ACCESSES)
    }

    /// How often an item was accessed, as the adaptive policy keeps it.
    pub(crate) fn accesses(access: u32) -> u32 {
        access & MAX_ACCESSES
    }

    /// The LFU counter after the decay that is due.
    fn decayed(&self, access: u32, now_ms: u64) -> u32 {
        let decay_minutes = self.lfu_decay_minutes.load(Relaxed);
        let elapsed = behind(minutes(now_ms), access >> 8, 0xffff);
        let periods = elapsed.checked_div(decay_minutes).unwrap_or(0);
        (access & 0xff).saturating_sub(periods)
    }

    /// The LFU counter after one more access: incremented with a probability that falls as the
    /// counter rises.
    fn incremented(&self, counter: u32, random: u64) -> u32 {
        if counter >= 255 {
            return 255;
        }
        let base = f64::from(counter.saturating_sub(LFU_INITIAL));
        let probability = 1.0 / (base * f64::from(self.lfu_log_factor.load(Relaxed)) + 1.0);
        let drawn = (random >> 11) as f64 / (1u64 << 53) as f64;
        counter + u32::from(drawn < probability)
    }

    /// The rank of an item: the lowest goes first. Ranks of one policy are comparable at any time.
    pub(crate) fn rank(&self, item: &Candidate, now_ms: u64, random: u64) -> u64 {
        match self.policy() {
            Policy::AllKeysAdaptive => self.adaptive_rank(item),
            Policy::AllKeysLfu | Policy::VolatileLfu => {
                u64::from(self.decayed(item.access, now_ms))
            }
            Policy::VolatileTtl => item.expiry_ms.unwrap_or(u64::MAX),
            Policy::AllKeysRandom | Policy::VolatileRandom | Policy::NoEviction => random,
            Policy::AllKeysLru | Policy::VolatileLru => u64::MAX - idle_ms(item.access, now_ms),
        }
    }

    fn adaptive_rank(&self, item: &Candidate) -> u64 {
        let inflation = self.inflation();
        let age = inflation.wrapping_sub(u64::from(item.access >> ACCESSES_BITS)) & STAMP_MASK;
        let scale = f32::from_bits(self.scale.load(Relaxed));
        let worth = self.weights().worth(scale, item.access & MAX_ACCESSES, item.size_bytes);
        (inflation + RANK_OFFSET + worth).saturating_sub(age)
    }

    /// Whether the adaptive policy has evicted anything.
    #[inline]
    pub(crate) fn has_evicted(&self) -> bool {
        self.inflation.load(Relaxed) != 0 && self.policy() == Policy::AllKeysAdaptive
    }

    /// Notes an eviction: what remains is compared with the rank that went.
    pub(crate) fn evicted(&self, rank: u64, size_bytes: usize, limit_bytes: u64) {
        if self.policy() == Policy::AllKeysAdaptive {
            let drift = (DRIFT_TICKS << FRACTION_BITS) * size_bytes as u64 / limit_bytes.max(1);
            // A rank that another policy gave just before must not carry inflation away.
            let highest = self.inflation() + MAX_WORTH;
            let reached = rank.saturating_sub(RANK_OFFSET).min(highest);
            self.inflation.fetch_max(reached << FRACTION_BITS, Relaxed);
            self.inflation.fetch_add(drift, Relaxed);
        }
    }

    /// How long an item has not been accessed, where the policy keeps that.
    pub(crate) fn idle_ms(&self, access: u32, now_ms: u64) -> Option<u64> {
        let policy = self.policy();
        let kept = policy != Policy::AllKeysAdaptive && !policy.is_lfu();
        kept.then(|| idle_ms(access, now_ms))
    }

    /// How often an item was accessed, where the policy keeps that: the LFU counter, or the plain
    /// number (63 at most) under the adaptive policy.
    pub(crate) fn frequency(&self, access: u32, now_ms: u64) -> Option<u64> {
        match self.policy() {
            Policy::AllKeysAdaptive => Some(u64::from(Judge::accesses(access))),
            policy if policy.is_lfu() => Some(u64::from(self.decayed(access, now_ms))),
            _ => None,
        }
    }
}

#[inline]
fn lru_clock(now_ms: u64) -> u32 {
    (now_ms / LRU_TICK_MS) as u32 & ACCESS_MASK
}

fn idle_ms(access: u32, now_ms: u64) -> u64 {
    u64::from(behind(lru_clock(now_ms), access, ACCESS_MASK)) * LRU_TICK_MS
}

/// How far a moment lies behind on a clock that wraps around at `mask`. A moment that lies a little
/// ahead was noted by a worker whose time is a little later than ours: it is now.
fn behind(now: u32, then: u32, mask: u32) -> u32 {
    let elapsed = now.wrapping_sub(then) & mask;
    if elapsed > mask - mask / 64 { 0 } else { elapsed }
}

fn minutes(now_ms: u64) -> u32 {
    (now_ms / 60_000) as u32 & 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_stand_at_their_numbers() {
        for (number, (policy, name)) in Policy::NAMES.iter().enumerate() {
            assert_eq!(*policy as usize, number, "{name}");
            assert_eq!(Policy::from_number(number as u8), *policy, "{name}");
            assert_eq!(Policy::from_name(&name.to_uppercase()), Some(*policy), "{name}");
        }
    }
}
