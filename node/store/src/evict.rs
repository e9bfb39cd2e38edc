//! Making room: samples items, remembers the best victims and removes the lowest ranked.
//!
//! A sample is a pair of neighbouring buckets of a random index chunk, so every key of every
//! stripe has the same chance and victims compete across stripes. The pool of the best victims
//! seen makes the choice close to that over all keys (Redis's idea, since its version 3).
//! Work per call is bounded; a batch that outruns it is caught up with before the next one.

use std::sync::atomic::Ordering::Relaxed;

use skep_keyspace::Slot;

use crate::chunk::{CHUNK_BYTES, chunk_offset, owner};
use crate::entry::Entry;
use crate::leaf::BUCKET_ENTRIES;
use crate::policy::{Candidate, Policy};
use crate::store::Store;
use crate::stripe_set::StripeSet;
use crate::view::View;
use crate::writer::Writer;

/// Victims remembered between evictions.
const POOL_LEN: usize = 24;
/// Evictions before one batch at most.
const MAX_EVICTIONS: usize = 4096;
/// Samples in a row that may find nothing (free chunks, no key that expires) before it is said
/// that there is nothing to evict.
const MAX_EMPTY_SAMPLES: usize = 4096;
/// Dead bytes that compaction leaves, as a share of the living ones: one in this many.
const DEAD_ALLOWANCE: u64 = 20;

/// A victim in waiting.
#[derive(Clone, Copy)]
pub(crate) struct Victim {
    rank: u64,
    hash: u64,
    location: u64,
    run: u16,
    slot: Slot,
}

impl Store {
    /// Sets the eviction policy.
    pub fn set_policy(&self, policy: Policy, lfu_log_factor: u32, lfu_decay_minutes: u32) {
        self.judge.set_policy(policy, lfu_log_factor, lfu_decay_minutes);
    }

    /// The eviction policy in force.
    pub fn policy(&self) -> Policy {
        self.judge.policy()
    }

    /// How long ago an item was accessed, where the policy keeps that.
    pub fn idle_ms(&self, access: u32, now_ms: u64) -> Option<u64> {
        self.judge.idle_ms(access, now_ms)
    }

    /// How often an item was accessed, where the policy keeps that.
    pub fn frequency(&self, access: u32, now_ms: u64) -> Option<u64> {
        self.judge.frequency(access, now_ms)
    }

    /// Tells the policy how large the average item is.
    pub(crate) fn tell_average_size(&self) {
        let keys = self.key_count();
        let footprint = self.footprint();
        if keys > 0 {
            let bytes = footprint.live_bytes + footprint.outside_bytes;
            self.judge.set_average_size(bytes as f32 / keys as f32);
        }
    }

    /// What memory would be used if compaction had caught up.
    fn needed_bytes(&self) -> u64 {
        let footprint = self.footprint();
        let live = footprint.live_bytes + footprint.live_bytes / DEAD_ALLOWANCE;
        live + footprint.index_bytes
            + footprint.outside_bytes
            + self.totals.other_bytes.load(Relaxed)
    }

    /// Makes room for new keys if the memory limit is reached, within bounded work. Answers
    /// whether commands that use memory may run. No stripe may be held.
    #[inline]
    pub fn make_room(&self, writer: &mut Writer, now_ms: u64) -> bool {
        let limit = self.totals.limit_bytes.load(Relaxed);
        limit == 0 || self.make_room_within(writer, limit, now_ms)
    }

    fn make_room_within(&self, writer: &mut Writer, limit: u64, now_ms: u64) -> bool {
        writer.publish(self);
        for _ in 0..MAX_EVICTIONS {
            if self.needed_bytes() <= limit {
                return true;
            }
            if self.policy() == Policy::NoEviction || !self.evict_one(writer, now_ms) {
                return false;
            }
            writer.publish(self);
        }
        true
    }

    /// Evicts one key. Answers false when no key may be evicted.
    fn evict_one(&self, writer: &mut Writer, now_ms: u64) -> bool {
        let mut empty = 0;
        let rounds = writer.sample_rounds.max(1);
        loop {
            for _ in 0..rounds {
                empty = if self.sample(writer, now_ms) { 0 } else { empty + 1 };
            }
            while let Some(victim) = writer.pool.pop() {
                if self.evict(writer, &victim, now_ms) {
                    return true;
                }
            }
            if empty > MAX_EMPTY_SAMPLES {
                return false;
            }
        }
    }

    /// Offers the items of two buckets to the pool. Answers whether there were any.
    fn sample(&self, writer: &mut Writer, now_ms: u64) -> bool {
        let random = writer.random();
        let Some((chunk, owned_by)) = self.chunks.sample(&self.region, random) else {
            return false;
        };
        let Some(slot) = Slot::new((owned_by & 0x3fff) as u16) else { return false };
        let run = (owned_by >> 14) as u16;
        let _guard = self.stripes[usize::from(slot.number()) % crate::STRIPE_COUNT].0.lock();
        // Between the draw and the lock the chunk may have gone elsewhere.
        if owner(&self.region, chunk) != owned_by {
            return false;
        }
        let half = (random >> 60) & 1;
        let offset = chunk_offset(chunk) + half * CHUNK_BYTES as u64 / 2;
        let cells = self.region.words64::<{ BUCKET_ENTRIES * 2 }>(offset);
        let volatile = self.policy().is_volatile();
        let entries = cells.iter().map(|cell| Entry(cell.load(Relaxed)));
        let entries = entries.filter(|entry| !entry.is_free() && (!volatile || entry.expires()));
        entries.clone().for_each(|entry| self.region.prefetch(entry.location()));
        let mut any = false;
        for entry in entries {
            any = true;
            let record = self.record(entry);
            let rank = self.rank_of(entry, now_ms, writer.random());
            if writer.wants_victim(rank, POOL_LEN) {
                let hash = self.key(record.key()).hash;
                let location = entry.location();
                writer.add_victim(Victim { rank, hash, location, run, slot }, POOL_LEN);
            }
        }
        any
    }

    fn rank_of(&self, entry: Entry, now_ms: u64, random: u64) -> u64 {
        let record = self.record(entry);
        let size_bytes = record.len_bytes() + record.outside_bytes() + size_of::<Entry>();
        let (access, expiry_ms) = (record.access(), record.expiry_ms());
        self.judge.rank(&Candidate { access, size_bytes, expiry_ms }, now_ms, random)
    }

    /// Removes a victim unless it has changed, or been used, since it was sampled.
    fn evict(&self, writer: &mut Writer, victim: &Victim, now_ms: u64) -> bool {
        let stripe = (usize::from(victim.slot.number()) % crate::STRIPE_COUNT) as u8;
        let mut view = View::new(self, writer, StripeSet::one(stripe), now_ms);
        let Some(table) = self.table(victim.run, victim.slot) else { return false };
        let found = table.find(victim.hash, |entry| entry.location() == victim.location);
        let Some(entry) = found else { return false };
        // The key may have lost its expiry, or the policy changed, while the victim waited.
        if self.policy().is_volatile() && !entry.expires() {
            return false;
        }
        let rank = self.rank_of(entry, now_ms, victim.rank);
        if rank > victim.rank {
            return false;
        }
        let record = self.record(entry);
        let key = self.key(record.key());
        view.evict(victim.run, &key);
        self.judge.evicted(rank);
        true
    }
}

impl Victim {
    pub(crate) fn rank(&self) -> u64 {
        self.rank
    }

    pub(crate) fn is_same_item(&self, other: &Victim) -> bool {
        self.location == other.location
    }
}
