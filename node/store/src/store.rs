//! The store: 256 stripes over one region of memory.
//!
//! Everything that touches keys goes through a [`View`](crate::View), which holds the locks of
//! the stripes it may touch. The functions here need no lock: sizes, counts, prefetching.

use std::io;
use std::sync::atomic::{AtomicI64, AtomicU16, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use skep_keyspace::{SLOT_COUNT, Slot};

use crate::block::{BLOCK_BYTES, Blocks};
use crate::chunk::Chunks;
use crate::collection::Graves;
use crate::entry::{Entry, Tag};
use crate::ghost::Ghosts;
use crate::item::Record;
use crate::key::Key;
use crate::lanes::Lanes;
use crate::leaf::BUCKET_ENTRIES;
use crate::policy::Judge;
use crate::region::Region;
use crate::segment::Segments;
use crate::shadow::Shadows;
use crate::stripe::{Accounts, Stripe};
use crate::table::{HEADER_WORDS, Memory, Table};

/// Stripes of a store: the slots with the same `slot % 256`.
pub const STRIPE_COUNT: usize = 256;
/// Slots of a stripe.
pub(crate) const STRIPE_SLOTS: usize = SLOT_COUNT / STRIPE_COUNT;
pub(crate) const HEADER_BYTES: usize = HEADER_WORDS * 4;
/// Databases are numbered in 16 bits, two of which the chunk owner word does not have.
pub const MAX_DATABASES: usize = 1 << 14;

/// Records fetched ahead of the one that is worked on when many are.
pub(crate) const RECORDS_AHEAD: usize = 12;

/// A database number as clients know it.
pub type Database = u16;

/// Where an item may be found, as the lock-free prefetch saw it.
#[derive(Clone, Copy, Debug)]
pub struct Trail {
    buckets: [u64; 2],
    tag: Tag,
}

/// How to make a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Databases, 1 to [`MAX_DATABASES`].
    pub databases: usize,
    /// Address space to reserve; memory is taken as it is used.
    pub reserve_bytes: usize,
    /// Secret of the hash, so that nobody can choose keys that collide.
    pub seed: u64,
}

/// A line of its own for each lock, so that neighbours do not slow each other down.
#[repr(align(128))]
pub(crate) struct Padded(pub(crate) Mutex<Stripe>);

impl Padded {
    /// The bare lock, for a view's bookkeeping of its own.
    #[inline]
    #[allow(unsafe_code, reason = "a view locks and unlocks by hand")]
    pub(crate) fn raw(&self) -> &parking_lot::RawMutex {
        // SAFETY: only `View` uses it, and unlocks exactly what it has locked.
        unsafe { self.0.raw() }
    }
}

/// All keys and values of a node.
pub struct Store {
    pub(crate) region: Arc<Region>,
    pub(crate) blocks: Blocks,
    pub(crate) chunks: Chunks,
    pub(crate) segments: Segments,
    pub(crate) stripes: Box<[Padded]>,
    /// The stripes' accounts, for those who only read them.
    pub(crate) accounts: Box<[Accounts]>,
    /// Where each database's slot headers lie; reserved when the database is first written.
    headers: Box<[OnceLock<u64>]>,
    /// The runs that have headers, in the order they got them.
    pub(crate) written_runs: Mutex<Vec<u16>>,
    header_bytes: AtomicU64,
    /// Which header run a database uses: SWAPDB exchanges two of these under all locks.
    runs: Box<[AtomicU16]>,
    seed: u64,
    pub(crate) totals: Totals,
    pub(crate) judge: Judge,
    pub(crate) ghosts: Ghosts,
    pub(crate) shadows: Shadows,
    pub(crate) lanes: Lanes,
    /// Large collections whose keys are gone.
    pub(crate) graves: Graves,
}

/// Sums that workers bring up to date after each batch.
#[derive(Default)]
pub(crate) struct Totals {
    /// Bytes of live records.
    pub(crate) live_bytes: AtomicI64,
    /// Bytes of large keys and values outside the segments.
    pub(crate) outside_bytes: AtomicI64,
    /// Segments that are open or sealed.
    pub(crate) segments: AtomicUsize,
    /// Bytes of segments that are not filled yet.
    pub(crate) unfilled_bytes: AtomicI64,
    /// What the process holds besides the store, as last told.
    pub(crate) other_bytes: AtomicU64,
    /// The memory limit; 0 means none.
    pub(crate) limit_bytes: AtomicU64,
    /// Cache lines of an average item, to prefetch.
    pub(crate) item_lines: AtomicU64,
}

/// The stripe of a slot.
#[inline]
pub(crate) fn stripe_of(slot: Slot) -> u8 {
    (usize::from(slot.number()) % STRIPE_COUNT) as u8
}

impl Store {
    /// Reserves the address space of a store.
    ///
    /// # Errors
    /// The system refuses even the smallest useful reservation.
    pub fn new(options: &Options) -> io::Result<Store> {
        let databases = options.databases.clamp(1, MAX_DATABASES);
        // Trie nodes mark their children in the top bit of a chunk id, hence half of the range.
        let reserve_bytes = options.reserve_bytes.min(1 << (crate::region::OFFSET_BITS - 1));
        let region = Arc::new(Region::reserve(reserve_bytes, BLOCK_BYTES)?);
        let blocks = Blocks::new(&region);
        let segments = Segments::new(&region, &blocks)
            .ok_or_else(|| io::Error::other("the address space granted is too small"))?;
        let stripes: Box<[Padded]> =
            (0..STRIPE_COUNT).map(|_| Padded(Mutex::new(Stripe::new(databases)))).collect();
        let accounts = stripes.iter().map(|stripe| stripe.0.lock().accounts.clone()).collect();
        Ok(Store {
            chunks: Chunks::new(),
            segments,
            stripes,
            accounts,
            headers: (0..databases).map(|_| OnceLock::new()).collect(),
            written_runs: Mutex::new(Vec::new()),
            header_bytes: AtomicU64::new(0),
            runs: (0..databases as u16).map(AtomicU16::new).collect(),
            seed: options.seed,
            totals: Totals::default(),
            judge: Judge::new(),
            ghosts: Ghosts::default(),
            shadows: Shadows::default(),
            lanes: Lanes::default(),
            graves: Graves::default(),
            blocks,
            region,
        })
    }

    /// What elements of collections are hashed with, as keys are.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Databases there are.
    pub fn databases(&self) -> usize {
        self.runs.len()
    }

    /// Address space that the system granted.
    pub fn reserved_bytes(&self) -> usize {
        self.region.len_bytes()
    }

    /// Hashes a key for this store.
    #[inline]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        Key::new(bytes, self.seed)
    }

    pub(crate) fn memory(&self) -> Memory<'_> {
        Memory { region: &self.region, blocks: &self.blocks, chunks: &self.chunks }
    }

    /// Which run of headers (and which account in a stripe) a database has now.
    #[inline]
    pub(crate) fn run(&self, database: Database) -> u16 {
        self.runs[usize::from(database)].load(Relaxed)
    }

    /// Exchanges two databases. The caller holds all stripes.
    pub(crate) fn swap_runs(&self, one: Database, other: Database) {
        let (a, b) = (self.run(one), self.run(other));
        self.runs[usize::from(one)].store(b, Relaxed);
        self.runs[usize::from(other)].store(a, Relaxed);
    }

    /// The index of a slot, if the database was ever written.
    #[inline]
    pub(crate) fn table(&self, run: u16, slot: Slot) -> Option<Table<'_>> {
        let &base = self.headers[usize::from(run)].get()?;
        Some(self.table_at(base, run, slot))
    }

    /// The index of a slot, making the database's headers when there are none.
    pub(crate) fn table_for_write(&self, run: u16, slot: Slot) -> Option<Table<'_>> {
        let header = &self.headers[usize::from(run)];
        if let Some(&base) = header.get() {
            return Some(self.table_at(base, run, slot));
        }
        let blocks = (SLOT_COUNT * HEADER_BYTES).div_ceil(BLOCK_BYTES);
        // A lost race wastes address space, not memory.
        let fresh = self.blocks.take_run(blocks)?;
        let base = *header.get_or_init(|| {
            self.written_runs.lock().push(run);
            self.header_bytes.fetch_add((SLOT_COUNT * HEADER_BYTES) as u64, Relaxed);
            fresh
        });
        Some(self.table_at(base, run, slot))
    }

    /// Memory of the slot headers of all databases that were ever written.
    pub(crate) fn header_bytes(&self) -> u64 {
        self.header_bytes.load(Relaxed)
    }

    #[inline]
    fn table_at(&self, base: u64, run: u16, slot: Slot) -> Table<'_> {
        let number = usize::from(slot.number());
        // The slots of a stripe lie side by side.
        let place = number % STRIPE_COUNT * STRIPE_SLOTS + number / STRIPE_COUNT;
        let owner = u32::from(run) << 14 | u32::from(slot.number());
        Table::new(self.memory(), base + (place * HEADER_BYTES) as u64, owner)
    }

    /// Where the header of a slot lies.
    #[cfg(test)]
    pub(crate) fn header_at(&self, run: u16, slot: Slot) -> Option<u64> {
        let number = usize::from(slot.number());
        let place = number % STRIPE_COUNT * STRIPE_SLOTS + number / STRIPE_COUNT;
        Some(self.headers[usize::from(run)].get()? + (place * HEADER_BYTES) as u64)
    }

    /// First prefetch step for a key: its stripe's lock and its slot's header. No lock needed.
    #[inline]
    pub fn prefetch_header(&self, database: Database, key: &Key<'_>) {
        crate::region::prefetch_for_write(&raw const self.stripes[usize::from(key.stripe())]);
        if let Some(table) = self.table(self.run(database), key.slot) {
            table.prefetch_header();
        }
    }

    /// Second prefetch step: the key's home bucket, and the next one, where about one entry in six
    /// is. Returns where to look for the item.
    #[inline]
    pub fn prefetch_bucket(&self, database: Database, key: &Key<'_>) -> Option<Trail> {
        let buckets = self.table(self.run(database), key.slot)?.first_offsets(key.hash)?;
        buckets.iter().for_each(|&offset| self.region.prefetch(offset));
        Some(Trail { buckets, tag: Tag::of(key.hash) })
    }

    /// Third prefetch step: the item that the buckets seem to lead to.
    #[inline]
    pub fn prefetch_item(&self, trail: &Trail) {
        for offset in trail.buckets {
            let mut is_full = true;
            for cell in self.region.words64::<BUCKET_ENTRIES>(offset) {
                let entry = Entry(cell.load(Relaxed));
                if entry.has_tag(trail.tag) {
                    for line in 0..self.totals.item_lines.load(Relaxed) {
                        self.region.prefetch(entry.location() + line * 64);
                    }
                    return;
                }
                is_full &= !entry.is_free();
            }
            if !is_full {
                return;
            }
        }
    }

    /// The record of an entry, for holders of its stripe's lock.
    #[allow(unsafe_code, reason = "an entry leads to a record")]
    #[inline]
    pub(crate) fn record(&self, entry: Entry) -> Record<'_> {
        // SAFETY: entries lead to whole records, and the caller holds the stripe's lock.
        unsafe { Record::at(&self.region, entry.location()) }
    }

    /// Fetches the record that an entry further on in a list leads to.
    #[inline]
    pub(crate) fn prefetch_record(&self, ahead: Option<Entry>) {
        ahead.into_iter().for_each(|entry| self.region.prefetch(entry.location()));
    }

    /// Takes a record out of all accounts; its entry is gone already.
    pub(crate) fn bury(&self, record: &Record<'_>) {
        record.mark_dead();
        if let Some(large) = record.take_collection() {
            self.graves.bury(*large);
        }
        record.release_outside();
        self.segments.died(record.location, record.len_bytes());
    }

    /// Computes the hashes of the keys of some entries, for splitting a leaf.
    pub(crate) fn rehash(&self, entries: &[u64], hashes: &mut Vec<u64>) {
        for (index, &entry) in entries.iter().enumerate() {
            self.prefetch_record(entries.get(index + RECORDS_AHEAD).map(|&ahead| Entry(ahead)));
            let record = self.record(Entry(entry));
            hashes.push(self.key(record.key()).hash);
        }
    }
}
