//! Making room: samples items, remembers the best victims and removes the lowest ranked.
//!
//! A sample is 64 bytes of the index at random, wherever in it, so every key of every stripe has
//! about the same chance and victims compete across stripes. The pool of the best victims seen
//! makes the choice close to that over all keys (Redis's idea, since its version 3). Where samples
//! find nothing, because keys (or keys that expire) are few, the index is swept in order instead.
//! Work per call is bounded; a batch that outruns it is caught up with before the next one.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use skep_keyspace::{SLOT_COUNT, Slot};

use crate::STRIPE_COUNT;
use crate::chunk::{CHUNK_BYTES, chunk_offset};
use crate::entry::Entry;
use crate::keys::ScanCursor;
use crate::leaf::{BUCKET_ENTRIES, CHUNK_BUCKETS};
use crate::policy::{Candidate, Judge, Policy};
use crate::store::{Store, stripe_of};
use crate::stripe_set::StripeSet;
use crate::view::{KeyCounts, View};
use crate::writer::Writer;

/// Victims remembered between evictions.
const POOL_LEN: usize = 32;
/// Bytes evicted before one batch besides what the batches before have written: a store far above
/// its limit, because the limit was lowered, shrinks in small steps.
const CATCH_UP_BYTES: usize = 16 << 10;
/// Bytes evicted in one upkeep step.
const UPKEEP_BYTES: usize = 64 << 10;
/// Bytes evicted for each byte written at most, so that eviction keeps up with any load.
const BYTES_PER_WRITTEN: usize = 2;
/// Share of the limit by which it may be exceeded while victims are hard to find: one part in this
/// many.
const PATIENCE: u64 = 16;
/// Samples taken for one eviction at most. When none finds anything the index is swept.
const MAX_SAMPLES: usize = 64;
/// Entries a sweep looks at before it leaves the rest for the next time.
const SWEEP_ENTRIES: usize = 4096;
/// Entries looked at under one lock.
const SWEEP_STEP_ENTRIES: usize = 64;
/// Dead bytes that compaction leaves, as a share of the living ones: one in this many.
const DEAD_ALLOWANCE: u64 = 20;

/// Cache lines of an item that are prefetched, at least and at most: beyond that the processor sees
/// the pattern by itself.
const ITEM_LINES: (u64, u64) = (2, 20);

/// A victim in waiting.
#[derive(Clone, Copy)]
pub(crate) struct Victim {
    rank: u64,
    hash: u64,
    location: u64,
    run: u16,
    slot: Slot,
}

/// How looking for victims went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    /// Some were found; bytes won by evicting, if that was done.
    Found(usize),
    /// There may be some, but not where was looked within bounds.
    Unlucky,
    /// No key may be evicted.
    Nothing,
}

/// Where a sweep stands.
#[derive(Clone, Copy)]
pub(crate) struct Sweep {
    run: u16,
    cursor: ScanCursor,
}

impl Default for Sweep {
    fn default() -> Sweep {
        Sweep { run: 0, cursor: ScanCursor(0) }
    }
}

impl Store {
    /// Sets the eviction policy.
    pub fn set_policy(&self, policy: Policy, lfu_log_factor: u32, lfu_decay_minutes: u32) {
        self.judge.set_policy(policy, lfu_log_factor, lfu_decay_minutes);
        self.fit_ghosts();
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

    /// Evicted keys are remembered under the policy that asks for it.
    pub(crate) fn fit_ghosts(&self) {
        let adaptive = self.policy() == Policy::AllKeysAdaptive;
        let limit_bytes = self.totals.limit_bytes.load(Relaxed);
        self.ghosts.fit(if adaptive { limit_bytes } else { 0 });
    }

    /// Tells the policy what the store is like now.
    pub(crate) fn inform_policy(&self) {
        let keys = self.key_count();
        let footprint = self.footprint();
        let bytes = footprint.live_bytes + footprint.outside_bytes;
        let average_bytes = bytes.checked_div(keys).unwrap_or(0);
        if keys > 0 {
            self.judge.set_average_size(average_bytes as f32);
        }
        // An item may begin anywhere in its first line.
        let lines = (average_bytes / 64 + 1).clamp(ITEM_LINES.0, ITEM_LINES.1);
        self.totals.item_lines.store(lines, Relaxed);
        self.shadows.fit(if self.judge.has_evicted() { keys } else { 0 }, bytes);
    }

    /// Lets the shadows see what the worker has noted for them.
    pub(crate) fn feed_shadows(&self, writer: &mut Writer) {
        if !writer.events.is_empty() {
            if let Some(candidate) = self.shadows.replay(&writer.events) {
                self.judge.choose(candidate);
            }
            writer.events.clear();
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
        let budget_bytes = CATCH_UP_BYTES + writer.take_written() * BYTES_PER_WRITTEN;
        self.evict_some(writer, limit, budget_bytes, now_ms)
    }

    /// Evicts in the background when the limit is exceeded. Answers whether it still is and
    /// something can be done about it.
    pub(crate) fn evict_step(&self, writer: &mut Writer, now_ms: u64) -> bool {
        let limit = self.totals.limit_bytes.load(Relaxed);
        limit != 0
            && self.evict_some(writer, limit, UPKEEP_BYTES, now_ms)
            && self.needed_bytes() > limit
    }

    /// Evicts keys until the limit is kept or some bytes are won. Answers whether commands that
    /// use memory may run.
    fn evict_some(&self, writer: &mut Writer, limit: u64, bytes: usize, now_ms: u64) -> bool {
        if self.lanes.is_replica() {
            return true;
        }
        writer.publish(self);
        let mut left = bytes as i64;
        while left > 0 && self.needed_bytes() > limit {
            if self.policy() == Policy::NoEviction {
                return false;
            }
            match self.evict_one(writer, now_ms) {
                Search::Found(won_bytes) => left -= won_bytes as i64,
                Search::Unlucky => return self.needed_bytes() <= limit + limit / PATIENCE,
                Search::Nothing => return false,
            }
            writer.publish(self);
        }
        true
    }

    /// Evicts one key.
    fn evict_one(&self, writer: &mut Writer, now_ms: u64) -> Search {
        let mut swept = Search::Found(0);
        loop {
            let mut offered = 0;
            for _ in 0..MAX_SAMPLES {
                offered += self.sample(writer, now_ms);
                if offered >= writer.sample_items {
                    break;
                }
            }
            if offered == 0 {
                swept = self.sweep(writer, now_ms);
            }
            while let Some(victim) = writer.pool.pop() {
                if let Some(won_bytes) = self.evict(writer, &victim, now_ms) {
                    return Search::Found(won_bytes);
                }
            }
            if swept != Search::Found(0) {
                return swept;
            }
        }
    }

    /// Offers the items of a random piece of the index to the pool. Answers how many there were.
    fn sample(&self, writer: &mut Writer, now_ms: u64) -> usize {
        let random = writer.random();
        let runs = self.written_runs.lock().len() as u64;
        let headers = runs * SLOT_COUNT as u64;
        let buckets = (self.chunks.in_use() * CHUNK_BUCKETS) as u64;
        if headers == 0 {
            return 0;
        }
        match random % (headers + buckets) {
            header if header < headers => self.sample_header(writer, header, now_ms),
            _ => self.sample_bucket(writer, stirred(random), now_ms),
        }
    }

    /// Offers what a slot keeps in its header.
    fn sample_header(&self, writer: &mut Writer, number: u64, now_ms: u64) -> usize {
        let run = self.written_runs.lock().get(number as usize / SLOT_COUNT).copied();
        let slot = Slot::new((number as usize % SLOT_COUNT) as u16);
        let (Some(run), Some(slot)) = (run, slot) else { return 0 };
        let Some(table) = self.table(run, slot) else { return 0 };
        let _guard = self.stripes[usize::from(stripe_of(slot))].0.lock();
        let cells = table.inline_cells().unwrap_or_default();
        self.offer(writer, cells, (run, slot), now_ms)
    }

    /// Offers a random bucket of a random chunk. Waits for no stripe, because chunks are drawn under
    /// a lock that the holder of the stripe may wait for.
    pub(crate) fn sample_bucket(&self, writer: &mut Writer, random: u64, now_ms: u64) -> usize {
        let slot_of = |owner: u32| Slot::new((owner & 0x3fff) as u16);
        let try_lock = |owner| self.stripes[usize::from(stripe_of(slot_of(owner)?))].0.try_lock();
        let sample = self.chunks.sample(&self.region, random, try_lock);
        let Some((chunk, owner, _guard)) = sample else { return 0 };
        let Some(slot) = slot_of(owner) else { return 0 };
        let run = (owner >> 14) as u16;
        let bucket = (random >> 60) % CHUNK_BUCKETS as u64;
        let offset = chunk_offset(chunk) + bucket * (CHUNK_BYTES / CHUNK_BUCKETS) as u64;
        self.offer(writer, self.region.words64::<BUCKET_ENTRIES>(offset), (run, slot), now_ms)
    }

    /// Offers the items of some index cells, whose stripe is locked, to the pool. Answers how
    /// many there were.
    fn offer(
        &self,
        writer: &mut Writer,
        cells: &[AtomicU64],
        (run, slot): (u16, Slot),
        now_ms: u64,
    ) -> usize {
        let entries = cells.iter().map(|cell| Entry(cell.load(Relaxed)));
        let entries = entries.filter(|entry| !entry.is_free() && self.may_evict(*entry));
        entries.clone().for_each(|entry| self.region.prefetch(entry.location()));
        let mut count = 0;
        for entry in entries {
            count += 1;
            self.propose(writer, entry, (run, slot), now_ms);
        }
        count
    }

    fn may_evict(&self, entry: Entry) -> bool {
        entry.expires() || !self.policy().is_volatile()
    }

    fn propose(&self, writer: &mut Writer, entry: Entry, (run, slot): (u16, Slot), now_ms: u64) {
        let rank = self.rank_of(entry, now_ms, writer.random());
        if writer.wants_victim(rank, POOL_LEN) {
            let hash = self.key(self.record(entry).key()).hash;
            let location = entry.location();
            writer.add_victim(Victim { rank, hash, location, run, slot }, POOL_LEN);
        }
    }

    /// Offers a new item, whose stripe is locked, to the pool once keys are being evicted: one that
    /// ranks lowest of all (large, never accessed) should be the first to go, not wait to be found.
    #[inline]
    pub(crate) fn introduce(
        &self,
        writer: &mut Writer,
        entry: Entry,
        (run, slot): (u16, Slot),
        now_ms: u64,
    ) {
        if self.judge.has_evicted() {
            self.propose(writer, entry, (run, slot), now_ms);
        }
    }

    /// Offers the next items in scan order that may be evicted.
    fn sweep(&self, writer: &mut Writer, now_ms: u64) -> Search {
        if self.evictable_keys() == 0 {
            return Search::Nothing;
        }
        let runs = self.written_runs.lock().clone();
        let (mut looked, mut steps) = (0, 0);
        while looked < SWEEP_ENTRIES && steps <= (runs.len() + 1) * STRIPE_COUNT {
            steps += 1;
            let Sweep { run, cursor } = writer.sweep;
            let (Some(&header_run), Some(stripe)) = (runs.get(usize::from(run)), cursor.stripe())
            else {
                writer.sweep = Sweep::default();
                continue;
            };
            let mut entries = Vec::with_capacity(SWEEP_STEP_ENTRIES);
            let mut view = View::new(self, writer, StripeSet::one(stripe), now_ms);
            let next = view.scan_run(header_run, cursor, SWEEP_STEP_ENTRIES, |slot, entry| {
                if self.may_evict(entry) {
                    entries.push((slot, entry));
                }
                looked += 1;
            });
            let found = !entries.is_empty();
            let writer = view.writer();
            for (slot, entry) in entries {
                self.propose(writer, entry, (header_run, slot), now_ms);
            }
            writer.sweep = match next {
                ScanCursor(0) => Sweep { run: run + 1, cursor: next },
                cursor => Sweep { run, cursor },
            };
            if found {
                return Search::Found(0);
            }
        }
        Search::Unlucky
    }

    /// Keys that the policy may evict.
    fn evictable_keys(&self) -> u64 {
        let counts = self.key_counts();
        let is_volatile = self.policy().is_volatile();
        let of = |count: &KeyCounts| if is_volatile { count.expiring } else { count.keys };
        counts.iter().map(|(_, count)| of(count)).sum()
    }

    fn rank_of(&self, entry: Entry, now_ms: u64, random: u64) -> u64 {
        let record = self.record(entry);
        let size_bytes = record.weight_bytes() as usize;
        let (access, expiry_ms) = (record.access(), record.expiry_ms());
        self.judge.rank(&Candidate { access, size_bytes, expiry_ms }, now_ms, random)
    }

    /// Removes a victim unless it has changed, or been used, since it was sampled. Returns the bytes
    /// won.
    fn evict(&self, writer: &mut Writer, victim: &Victim, now_ms: u64) -> Option<usize> {
        let stripe = stripe_of(victim.slot);
        let mut view = View::new(self, writer, StripeSet::one(stripe), now_ms);
        let table = self.table(victim.run, victim.slot)?;
        let entry = table.find(victim.hash, |entry| entry.location() == victim.location)?;
        let rank = self.rank_of(entry, now_ms, victim.rank);
        // The key may have lost its expiry, or the policy changed, while the victim waited.
        if rank > victim.rank || !self.may_evict(entry) {
            return None;
        }
        let record = self.record(entry);
        let (size_bytes, accesses) = (record.weight_bytes() as usize, record.access());
        let key = self.key(record.key());
        view.evict(victim.run, &key);
        // Without the lock: the table of ghosts may have to be made first.
        drop(view);
        self.ghosts.remember(victim.hash, Judge::accesses(accesses));
        self.judge.evicted(rank, size_bytes, self.totals.limit_bytes.load(Relaxed));
        Some(size_bytes)
    }
}

/// Other bits of a number whose low ones have been used.
fn stirred(random: u64) -> u64 {
    random.rotate_left(32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Victim {
    pub(crate) fn rank(&self) -> u64 {
        self.rank
    }

    pub(crate) fn is_same_item(&self, other: &Victim) -> bool {
        self.location == other.location
    }
}
