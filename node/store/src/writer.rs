//! What one worker owns of the store: its open segment, its counters and its random sequence.
//!
//! A worker appends only to its own open segment, so appending needs no lock. Its sums reach the
//! store's totals once per batch, so that workers do not fight over a cache line per command.

use std::sync::atomic::Ordering::Relaxed;

use crate::block::{BLOCK_BYTES, Block};
use crate::compact::Compaction;
use crate::evict::{Sweep, Victim};
use crate::item::Draft;
use crate::lanes::Group;
use crate::shadow::{Event, EventKind, MAX_EVENTS};
use crate::store::Store;
use crate::table::Exhausted;

/// Items looked at for each eviction unless told otherwise.
const USUAL_ITEMS: usize = 32;

/// A worker's share of the store's work.
pub struct Writer {
    open: Option<Open>,
    random: u64,
    /// Counters since the worker started.
    pub counters: Counters,
    pub(crate) live_delta: i64,
    pub(crate) outside_delta: i64,
    unfilled_told: i64,
    pub(crate) compaction: Option<Compaction>,
    /// Bytes appended since compaction last looked.
    appended: usize,
    /// Bytes written, in segments and outside, since eviction last looked.
    pub(crate) written: usize,
    /// Where the expiry cycle stands in the list of sealed segments.
    pub(crate) expire_cursor: usize,
    /// The best victims seen, the highest ranked first.
    pub(crate) pool: Vec<Victim>,
    /// Items looked at for each eviction.
    pub(crate) sample_items: usize,
    /// What happened to keys of the shadows' sample, not passed on yet.
    pub(crate) events: Vec<Event>,
    /// Where the search for rare victims stands.
    pub(crate) sweep: Sweep,
    /// The group that effects are part of.
    pub(crate) group: Option<Group>,
    /// Changes come from another store's lanes, and are logged as they came.
    pub(crate) is_replaying: bool,
}

/// What a worker has seen and done.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Lookups of read commands that found the key.
    pub hits: u64,
    /// Lookups of read commands that did not.
    pub misses: u64,
    /// Keys that were removed because their time had come.
    pub expired: u64,
    /// Keys that were removed to make room.
    pub evicted: u64,
    /// Changes to the data.
    pub changes: u64,
    /// Bytes of records moved by compaction.
    pub compacted_bytes: u64,
}

impl Counters {
    /// Adds another worker's counters.
    pub fn add(&mut self, other: &Counters) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.expired += other.expired;
        self.evicted += other.evicted;
        self.changes += other.changes;
        self.compacted_bytes += other.compacted_bytes;
    }

    /// Takes earlier counters off.
    pub fn subtract(&mut self, earlier: &Counters) {
        self.hits -= earlier.hits;
        self.misses -= earlier.misses;
        self.expired -= earlier.expired;
        self.evicted -= earlier.evicted;
        self.changes -= earlier.changes;
        self.compacted_bytes -= earlier.compacted_bytes;
    }
}

struct Open {
    block: Block,
    filled: usize,
}

impl Writer {
    /// A worker's writer. Each needs its own seed.
    pub fn new(seed: u64) -> Writer {
        Writer {
            open: None,
            random: seed | 1,
            counters: Counters::default(),
            live_delta: 0,
            outside_delta: 0,
            unfilled_told: 0,
            compaction: None,
            appended: 0,
            written: 0,
            expire_cursor: 0,
            pool: Vec::new(),
            sample_items: USUAL_ITEMS,
            events: Vec::new(),
            sweep: Sweep::default(),
            group: None,
            is_replaying: false,
        }
    }

    /// The next of a pseudo-random sequence (Marsaglia, "Xorshift RNGs", 2003; the multiplier is
    /// Vigna's). Good for sampling, not for secrets.
    #[inline]
    pub fn random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Writes a record at the end of the open segment and returns where.
    #[allow(unsafe_code, reason = "writes into the segment it owns")]
    #[inline]
    pub(crate) fn append(&mut self, store: &Store, draft: &Draft<'_>) -> Result<u64, Exhausted> {
        let len_bytes = draft.len_bytes();
        let location = self.allocate(store, len_bytes)?;
        // SAFETY: the range was just taken from the open segment that only this writer uses.
        unsafe { draft.write(&store.region, location) };
        store.segments.born(location, len_bytes, draft.expiry_ms);
        self.live_delta += len_bytes as i64;
        self.appended += len_bytes;
        self.written += len_bytes;
        Ok(location)
    }

    /// Takes room for a record from the open segment, or from a new one.
    #[inline]
    pub(crate) fn allocate(&mut self, store: &Store, len_bytes: usize) -> Result<u64, Exhausted> {
        if let Some(open) = &mut self.open
            && open.filled + len_bytes <= BLOCK_BYTES
        {
            let location = open.block.start() + open.filled as u64;
            open.filled += len_bytes;
            return Ok(location);
        }
        // What is longer than a block never fits.
        if len_bytes > BLOCK_BYTES {
            return Err(Exhausted);
        }
        self.open_segment(store)?;
        self.allocate(store, len_bytes)
    }

    #[cold]
    fn open_segment(&mut self, store: &Store) -> Result<(), Exhausted> {
        self.seal(store);
        let block = store.blocks.take().ok_or(Exhausted)?;
        store.segments.open(block);
        store.totals.segments.fetch_add(1, Relaxed);
        self.open = Some(Open { block, filled: 0 });
        Ok(())
    }

    /// Seals the open segment, so that it can be compacted.
    pub fn seal(&mut self, store: &Store) {
        if let Some(open) = self.open.take() {
            store.segments.seal(open.block, open.filled);
        }
    }

    /// Sets how many items are looked at for each eviction (`maxmemory-samples`).
    pub fn set_samples(&mut self, items: usize) {
        self.sample_items = items.max(1);
    }

    /// Whether a victim of this rank would enter the pool.
    pub(crate) fn wants_victim(&self, rank: u64, pool_len: usize) -> bool {
        self.pool.len() < pool_len || self.pool.first().is_some_and(|worst| rank < worst.rank())
    }

    /// Puts a victim into the pool, which keeps the `pool_len` lowest ranked.
    pub(crate) fn add_victim(&mut self, victim: Victim, pool_len: usize) {
        if self.pool.iter().any(|other| other.is_same_item(&victim)) {
            return;
        }
        let place = self.pool.partition_point(|other| other.rank() > victim.rank());
        self.pool.insert(place, victim);
        if self.pool.len() > pool_len {
            self.pool.remove(0);
        }
    }

    /// Notes what happened to a key of the shadows' sample.
    #[cold]
    pub(crate) fn note_event(&mut self, hash: u64, kind: EventKind) {
        if self.events.len() < MAX_EVENTS {
            self.events.push(Event { hash, kind });
        }
    }

    /// Bytes written since the last call.
    pub(crate) fn take_written(&mut self) -> usize {
        std::mem::take(&mut self.written)
    }

    /// Bytes appended since the last call.
    pub(crate) fn take_appended(&mut self) -> usize {
        std::mem::take(&mut self.appended)
    }

    /// The open segment and how far it is filled, if a record in it may have expired.
    pub(crate) fn open_segment_to_expire(
        &self,
        store: &Store,
        now_ms: u64,
    ) -> Option<(Block, usize)> {
        let open = self.open.as_ref()?;
        let is_due = store.segments.first_expiry_ms(open.block) <= now_ms;
        is_due.then_some((open.block, open.filled))
    }

    /// Adds this worker's sums to the store's. Called once per batch.
    #[inline]
    pub fn publish(&mut self, store: &Store) {
        if self.live_delta != 0 {
            store.totals.live_bytes.fetch_add(self.live_delta, Relaxed);
            self.live_delta = 0;
        }
        // Compaction fills segments as well, without a change in what is alive.
        let unfilled = self.open.as_ref().map_or(0, |open| (BLOCK_BYTES - open.filled) as i64);
        if unfilled != self.unfilled_told {
            store.totals.unfilled_bytes.fetch_add(unfilled - self.unfilled_told, Relaxed);
            self.unfilled_told = unfilled;
        }
        if self.outside_delta != 0 {
            store.totals.outside_bytes.fetch_add(self.outside_delta, Relaxed);
            self.outside_delta = 0;
        }
    }
}
