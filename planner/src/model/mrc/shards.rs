//! Distances on a sample of the objects (Waldspurger, Park, Garthwaite and Ahmad, "Efficient MRC
//! Construction with SHARDS", FAST 2015).
//!
//! An object is in the sample if its hash is below a threshold, so either all of its requests are
//! or none. A distance in a sample of rate `R` stands for one `1/R` times as large, and a request
//! for `1/R` requests. The rate begins at 1 and falls while the sample has more objects than it
//! needs (the paper's fixed size), down to the rate wanted and no further (its fixed rate): large
//! traces are sampled at that rate, small ones at whatever gives [`OBJECTS_MIN`] objects.
//!
//! The sample's objects also go to [`GROUPS`] stacks of their own, by other bits of their hash: as
//! many independent estimates, whose spread says how far off the whole sample may be.

use std::collections::BinaryHeap;

use super::curve::{Curve, Distances};
use super::stack::Stack;
use crate::random::mix;
use crate::trace::{Access, Operation};

/// Objects that a sample has at least, unless there are fewer.
pub const OBJECTS_MIN: usize = 8000;
/// Independent parts of a sample.
const GROUPS: usize = 8;
/// How many standard errors a mean of [`GROUPS`] values is off in one case of twenty: Student's t
/// for 7 degrees of freedom.
const STUDENT_T: f64 = 2.365;
/// Decorrelates the sample from whatever else looks at ids.
const SALT: u64 = 0x5348_4152_4453_0001;

/// How much to look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// The share of objects to look at, 0 to 1; 1 looks at all.
    pub rate: f64,
    /// Objects to look at in any case.
    pub objects_min: usize,
}

/// Distances on a sample.
pub struct Shards {
    /// Hashes below it are in the sample; nothing: all are.
    threshold: Option<u64>,
    /// The threshold of the rate that is wanted.
    floor: Option<u64>,
    objects_min: usize,
    /// The sample's objects by hash, while the threshold falls.
    largest: BinaryHeap<(u64, u64)>,
    whole: Part,
    groups: Vec<Part>,
    requests: u64,
    sampled_requests: u64,
}

#[derive(Default)]
struct Part {
    stack: Stack,
    distances: Distances,
    /// Objects seen for the first time, as many as each stands for, and their bytes.
    new_objects: f64,
    new_bytes: f64,
}

impl Shards {
    /// Nothing seen yet.
    pub fn new(sampling: Sampling) -> Shards {
        let is_whole = sampling.rate >= 1.0;
        let floor = (sampling.rate.max(0.0) * 2f64.powi(64)) as u64;
        let begins_whole = is_whole || sampling.objects_min > 0;
        Shards {
            threshold: if begins_whole { None } else { Some(floor) },
            floor: if is_whole { None } else { Some(floor) },
            objects_min: sampling.objects_min,
            largest: BinaryHeap::new(),
            whole: Part::default(),
            groups: if is_whole {
                Vec::new()
            } else {
                (0..GROUPS).map(|_| Part::default()).collect()
            },
            requests: 0,
            sampled_requests: 0,
        }
    }

    /// Looks at an access. `weight_bytes` says what the object takes in a cache, and is only asked
    /// for if the object is in the sample.
    #[inline]
    pub fn observe(&mut self, access: &Access, weight_bytes: impl FnOnce() -> u32) {
        let is_request = access.operation == Operation::Get;
        self.requests += u64::from(is_request);
        let hash = mix(access.id ^ SALT);
        if self.threshold.is_some_and(|threshold| hash >= threshold) {
            return;
        }
        self.sampled_requests += u64::from(is_request);
        self.look_at(access, hash, weight_bytes());
    }

    fn look_at(&mut self, access: &Access, hash: u64, weight_bytes: u32) {
        let rate = self.rate();
        let objects = self.whole.stack.len();
        self.whole.observe(access, weight_bytes, rate);
        let group = mix(hash) as usize % GROUPS;
        if let Some(group) = self.groups.get_mut(group) {
            group.observe(access, weight_bytes, rate / GROUPS as f64);
        }
        let is_falling = self.floor.is_some() && self.threshold != self.floor;
        if is_falling && self.whole.stack.len() > objects {
            self.largest.push((hash, access.id));
            self.lower_threshold();
        }
    }

    /// Makes the sample smaller, if it has more objects than needed.
    fn lower_threshold(&mut self) {
        let floor = self.floor.unwrap_or(u64::MAX);
        while self.whole.stack.len() > self.objects_min
            && self.threshold != self.floor
            && let Some((hash, id)) = self.largest.pop()
        {
            self.threshold = Some(hash.max(floor));
            if hash >= floor {
                self.forget(hash, id);
            }
        }
        if self.threshold == self.floor {
            self.largest = BinaryHeap::new();
        } else if self.largest.len() > 4 * self.objects_min {
            // Objects that died are still in it.
            let ids = self.whole.stack.ids();
            self.largest = ids.map(|id| (mix(id ^ SALT), id)).collect();
        }
    }

    fn forget(&mut self, hash: u64, id: u64) {
        self.whole.stack.forget(id);
        if let Some(group) = self.groups.get_mut(mix(hash) as usize % GROUPS) {
            group.stack.forget(id);
        }
    }

    /// The share of objects in the sample now.
    pub fn rate(&self) -> f64 {
        self.threshold.map_or(1.0, |threshold| threshold as f64 / 2f64.powi(64))
    }

    /// Requests seen.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Requests for objects that were in the sample.
    pub fn sampled_requests(&self) -> u64 {
        self.sampled_requests
    }

    /// How many requests those stand for.
    pub fn counted(&self) -> f64 {
        self.whole.distances.counted()
    }

    /// Objects alive in the sample.
    pub fn sampled_objects(&self) -> usize {
        self.whole.stack.len()
    }

    /// Estimate of how often an object was stored that was not there before.
    pub fn objects(&self) -> f64 {
        self.whole.new_objects
    }

    /// Estimate of the bytes of those.
    pub fn objects_bytes(&self) -> f64 {
        self.whole.new_bytes
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.whole.distances.curve(self.requests)
    }

    /// The curves of independent parts of the sample; none if everything was looked at.
    pub fn group_curves(&self) -> Vec<Curve> {
        if self.threshold.is_none() {
            return Vec::new();
        }
        self.groups.iter().map(|group| group.distances.curve(self.requests)).collect()
    }

    /// How far the mean of the parts' values may be from the truth, in 19 cases of 20; 0 if
    /// everything was looked at.
    pub fn margin(values: &[f64]) -> f64 {
        let count = values.len() as f64;
        if values.len() < 2 {
            return 0.0;
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        STUDENT_T * (squares / (count - 1.0) / count).sqrt()
    }
}

impl Part {
    fn observe(&mut self, access: &Access, weight_bytes: u32, rate: f64) {
        let Access { id, time_ms, ttl_ms, .. } = *access;
        let objects = self.stack.len();
        match access.operation {
            Operation::Get => {
                let distance = self.stack.get(id, weight_bytes, time_ms, ttl_ms);
                let scaled = distance.map(|bytes| (bytes as f64 / rate) as u64);
                self.distances.count(scaled, 1.0 / rate);
            }
            Operation::Set => self.stack.set(id, weight_bytes, time_ms, ttl_ms),
            Operation::Delete => self.stack.delete(id, time_ms),
        }
        if self.stack.len() > objects {
            self.new_objects += 1.0 / rate;
            self.new_bytes += f64::from(weight_bytes) / rate;
        }
    }
}
