//! A node's own store, run on an access trace: what it would serve at a memory limit.
//!
//! Nothing about eviction is modelled: the store that nodes use is filled and asked as a client of
//! a cache does (GET, and on a miss SET), with `maxmemory` and the rest of the process accounted
//! for. Where that would be too much, it is done for a sample of the slots with a limit in
//! proportion (Waldspurger et al., "Cache Modeling and Optimization using Miniature Simulations",
//! USENIX ATC 2017). Slots rather than keys are sampled, so that a slot has as many keys as it would
//! have; what the store takes however few keys it has is not scaled down.
//!
//! Bounds: the store's memory is at most about [`LIMIT_BYTES_MAX`]; values up to the largest of
//! the trace.

use skep_keyspace::SLOT_COUNT;
pub use skep_store::Policy;
use skep_store::{Expiry, NewValue, Options, Store, StripeSet, Upkeep, View, Writer};

use super::weight::{HEADER_BYTES, NodeMemory};
use crate::error::{PlanError, Result};
use crate::random::mix;
use crate::trace::{Access, Operation, object};

/// Larger limits are scaled down to it, by sampling slots.
pub const LIMIT_BYTES_MAX: u64 = 512 << 20;
/// Requests between two steps of upkeep, as a node has some even when busy.
const UPKEEP_REQUESTS: u64 = 1024;
/// Address space for each byte of the limit.
const RESERVE_FACTOR: usize = 4;
const RESERVE_BYTES_MIN: usize = 1 << 30;
/// Fewer slots would be no sample.
const SLOTS_MIN: f64 = 64.0;
/// Chooses slots.
const SALT: u64 = 0x5245_504c_4943_4101;
/// The node's time begins here, so that no duration reaches below 0.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// Which node to run.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Its `maxmemory`.
    pub memory_bytes: u64,
    /// Its `maxmemory-policy`.
    pub policy: Policy,
    /// What of that is there for items.
    pub node: NodeMemory,
    /// The share of slots to run, or as many as the limit allows.
    pub rate: Option<f64>,
    /// For the store's hash and its draws.
    pub seed: u64,
}

/// A node's store and what it served.
pub struct Replica {
    store: Store,
    writer: Writer,
    /// Hashes of slots below it are run; nothing: all are.
    threshold: Option<u64>,
    limit_bytes: u64,
    /// What the process holds, scaled.
    other_bytes: u64,
    /// Zeros to store.
    value: Vec<u8>,
    /// Sizes of what was stored outside the segments, as stored and as the allocator rounds them.
    outside_bytes: (u64, u64),
    requests: u64,
    sampled_requests: u64,
    hits: u64,
    refused: u64,
}

impl Replica {
    /// An empty store.
    ///
    /// # Errors
    /// A limit that does not hold the process itself, or a system without address space.
    pub fn new(setup: &Setup) -> Result<Replica> {
        let fixed_bytes = setup.node.fixed_bytes(setup.memory_bytes).max(HEADER_BYTES);
        let data_bytes = setup.memory_bytes.saturating_sub(fixed_bytes);
        if data_bytes == 0 {
            return Err(PlanError::usage(format!(
                "--mem {}: a node's process takes {fixed_bytes} bytes before it holds any key; \
                 give more",
                setup.memory_bytes
            )));
        }
        let rate = setup.rate.unwrap_or(LIMIT_BYTES_MAX as f64 / setup.memory_bytes as f64);
        let rate = rate.clamp(SLOTS_MIN / SLOT_COUNT as f64, 1.0);
        let scaled = |bytes: u64| (bytes as f64 * rate) as u64;
        // The limit is scaled as a whole where that leaves room for what is not scaled.
        let other_bytes = scaled(fixed_bytes).saturating_sub(HEADER_BYTES);
        let limit_bytes = scaled(data_bytes) + HEADER_BYTES + other_bytes;
        let reserve_bytes = (limit_bytes as usize * RESERVE_FACTOR).max(RESERVE_BYTES_MIN);
        let options = Options { databases: 1, reserve_bytes, seed: setup.seed };
        let store = Store::new(&options)
            .map_err(|error| PlanError::source("address space for a simulated node", error))?;
        store.set_policy(setup.policy, 10, 1);
        store.set_limits(limit_bytes, other_bytes);
        Ok(Replica {
            store,
            writer: Writer::new(mix(setup.seed)),
            threshold: (rate < 1.0).then_some((rate * 2f64.powi(64)) as u64),
            limit_bytes,
            other_bytes,
            value: Vec::new(),
            outside_bytes: (0, 0),
            requests: 0,
            sampled_requests: 0,
            hits: 0,
            refused: 0,
        })
    }

    /// Serves an access at its time. Answers whether a request found its object; nothing if it was
    /// none, or its slot is not in the sample.
    pub fn serve(&mut self, access: &Access, value_bytes: u32, now_ms: u64) -> Option<bool> {
        let is_request = access.operation == Operation::Get;
        self.requests += u64::from(is_request);
        let slot = u64::from(access.slot());
        if self.threshold.is_some_and(|threshold| mix(slot ^ SALT) >= threshold) {
            return None;
        }
        let now_ms = EPOCH_MS.saturating_add(now_ms);
        let bytes = key_of(access);
        let key = self.store.key(&bytes);
        let stripe = StripeSet::one(key.stripe());
        let mut found = None;
        if access.operation == Operation::Delete {
            View::new(&self.store, &mut self.writer, stripe, now_ms).remove(0, &key);
        } else {
            if is_request {
                self.sampled_requests += 1;
                let mut view = View::new(&self.store, &mut self.writer, stripe, now_ms);
                let is_hit = view.read(0, &key).is_some();
                self.hits += u64::from(is_hit);
                found = Some(is_hit);
            }
            if found != Some(true) {
                self.set(&bytes, access.ttl_ms, value_bytes as usize, now_ms);
            }
        }
        self.store.work_off(&mut self.writer);
        if self.sampled_requests.is_multiple_of(UPKEEP_REQUESTS) {
            self.look_after(now_ms);
        }
        found
    }

    fn set(&mut self, key: &[u8], ttl_ms: u64, value_bytes: usize, now_ms: u64) {
        if !self.store.make_room(&mut self.writer, now_ms) {
            self.refused += 1;
            return;
        }
        if self.value.len() < value_bytes {
            self.value.resize(value_bytes, 0);
        }
        let key = self.store.key(key);
        let expiry = if ttl_ms == 0 { Expiry::Never } else { Expiry::At(now_ms + ttl_ms) };
        let stripe = StripeSet::one(key.stripe());
        let value = NewValue::Bytes(&self.value[..value_bytes]);
        let mut view = View::new(&self.store, &mut self.writer, stripe, now_ms);
        let stored = view.set(0, &key, value, expiry);
        drop(view);
        self.refused += u64::from(stored.is_err());
        if value_bytes >= skep_store::LARGE_VALUE_BYTES {
            self.outside_bytes.0 += value_bytes as u64;
            let cost = skep_store::cost::item(key.bytes.len(), value_bytes, ttl_ms > 0);
            self.outside_bytes.1 += cost.outside_bytes as u64;
        }
        self.writer.publish(&self.store);
    }

    /// What a node's timer does.
    fn look_after(&mut self, now_ms: u64) {
        let outside = self.store.footprint().outside_bytes;
        let (stored, rounded) = self.outside_bytes;
        let rounding = match stored {
            0 => 0.0,
            stored => outside as f64 * (rounded as f64 / stored as f64 - 1.0),
        };
        self.store.set_limits(self.limit_bytes, self.other_bytes + rounding as u64);
        self.store.upkeep(&mut self.writer, &Upkeep { now_ms, expire: true });
    }

    /// The share of requests that were served. In a sample, those of slots that have too many or too
    /// few are taken to be hits (as SHARDS-adj does), because it is popular keys that tip a sample.
    pub fn hit_ratio(&self) -> f64 {
        if self.requests == 0 {
            return 0.0;
        }
        let expected = self.requests as f64 * self.rate();
        let hits = self.hits as f64 + expected - self.sampled_requests as f64;
        (hits / expected).clamp(0.0, 1.0)
    }

    /// The share of slots that were run.
    pub fn rate(&self) -> f64 {
        self.threshold.map_or(1.0, |threshold| threshold as f64 / 2f64.powi(64))
    }

    /// Keys held now, in the slots that were run.
    pub fn keys(&self) -> u64 {
        self.store.key_count()
    }

    /// Keys that were evicted, in the slots that were run.
    pub fn evicted(&self) -> u64 {
        self.writer.counters.evicted
    }

    /// Values that were refused, because nothing could be evicted for them.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// The key of a numbered object, or one as long as the trace's that stands for it: its hash, and
/// as many letters more.
fn key_of(access: &Access) -> Vec<u8> {
    let mut key = object::key(access.id).to_vec();
    key.resize((access.key_bytes as usize).clamp(object::KEY_BYTES, 1 << 16), b'.');
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    fn setup(memory_bytes: u64, policy: Policy) -> Setup {
        Setup { memory_bytes, policy, node: NodeMemory::of(2, policy), rate: None, seed: 1 }
    }

    fn run(setup: &Setup, requests: u64) -> Replica {
        let mut replica = Replica::new(setup).unwrap();
        let mut random = SplitMix::new(7);
        for number in 0..requests {
            let access = Access::of_number((40_000.0 * random.unit().powi(3)) as u64);
            replica.serve(&access, access.size_bytes(), number / 100);
        }
        replica
    }

    #[test]
    fn more_memory_serves_more_and_none_serves_what_was_never_stored() {
        let ratios = [12u64, 16, 24, 100]
            .map(|mib| run(&setup(mib << 20, Policy::AllKeysAdaptive), 60_000).hit_ratio());
        assert!(ratios.is_sorted(), "{ratios:?}");
        assert!(ratios[0] > 0.1 && ratios[0] < ratios[3] - 0.05, "{ratios:?}");
    }

    #[test]
    fn a_sample_of_the_slots_is_near_the_whole() {
        let whole = setup(24 << 20, Policy::AllKeysLru);
        let exact = run(&whole, 100_000).hit_ratio();
        let sampled = run(&Setup { rate: Some(0.25), ..whole }, 100_000);
        assert!((sampled.rate() - 0.25).abs() < 1e-6);
        let share = sampled.sampled_requests as f64 / sampled.requests as f64;
        assert!((0.2..0.3).contains(&share), "{share}");
        assert!((sampled.hit_ratio() - exact).abs() < 0.02, "{} {exact}", sampled.hit_ratio());
    }

    #[test]
    fn without_eviction_a_full_node_refuses() {
        let replica = run(&setup(12 << 20, Policy::NoEviction), 50_000);
        assert!(replica.refused() > 1000 && replica.evicted() == 0, "{}", replica.refused());
    }

    #[test]
    fn a_limit_below_the_process_is_refused() {
        let error = Replica::new(&setup(4 << 20, Policy::AllKeysLru)).err().unwrap();
        assert!(error.to_string().contains("give more"), "{error}");
    }
}
