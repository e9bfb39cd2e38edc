//! A leaf: a small hash table of up to 62 chunks of four 64-byte buckets, eight entries each.
//!
//! Words of a leaf: `[entries, chunks, chunk ids...]`. A leaf inlined in a slot header has room
//! for 14 chunk ids (16 words), a leaf in a chunk of its own for 62 (64 words). A leaf without
//! chunks keeps up to seven entries where the chunk ids would be, so that a slot of a few keys
//! takes nothing but its header.
//!
//! Entries live in the first bucket with room from their home on (wrapping). The invariant
//! behind every search: *all buckets from an entry's home up to the one before it are full*.
//! Removal restores it by moving displaced entries back, so there are no tombstones. Since homes
//! rise with tags, growing by a few chunks keeps the order and reads no key.
//!
//! Linear probing with buckets at load 0.9 needs about 1.2 buckets for a hit (Knuth, TAOCP 3,
//! section 6.4, table 4).

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::chunk::{ChunkId, chunk_offset};
use crate::entry::{Entry, Tag};
use crate::region::Region;

/// Entries of a bucket.
pub(crate) const BUCKET_ENTRIES: usize = 8;
/// Buckets of a chunk.
pub(crate) const CHUNK_BUCKETS: usize = 4;
const CHUNK_ENTRIES: usize = BUCKET_ENTRIES * CHUNK_BUCKETS;
const ENTRIES: usize = 0;
const CHUNKS: usize = 1;
const IDS: usize = 2;
/// Entries that a leaf without chunks keeps in its own words.
const INLINE_ENTRIES: usize = 7;
/// A leaf with no more entries than this gives up its last chunk.
const INLINE_AGAIN: usize = 4;

/// A handle on a leaf's words.
#[derive(Clone, Copy)]
pub(crate) struct Leaf<'r> {
    region: &'r Region,
    /// Where the words lie.
    at: u64,
    words: &'r [AtomicU32],
}

/// Where an entry stands.
#[derive(Clone, Copy)]
pub(crate) struct Place<'r> {
    pub(crate) cell: &'r AtomicU64,
    bucket: usize,
}

impl<'r> Leaf<'r> {
    /// The leaf of `word_count` words at an offset.
    #[inline]
    pub(crate) fn at(region: &'r Region, at: u64, word_count: usize) -> Leaf<'r> {
        Leaf { region, at, words: region.words32(at, word_count) }
    }

    /// The words themselves.
    pub(crate) fn words(self) -> &'r [AtomicU32] {
        self.words
    }

    /// The cells of the entries kept without chunks.
    #[inline]
    pub(crate) fn inline_cells(self) -> &'r [AtomicU64; INLINE_ENTRIES] {
        self.region.words64(self.at + IDS as u64 * 4)
    }

    /// Offsets of the two buckets where a search for this tag begins. A leaf without chunks has
    /// its own words instead.
    #[inline]
    pub(crate) fn first_offsets(self, tag: Tag) -> [u64; 2] {
        let buckets = self.bucket_count();
        if buckets == 0 {
            return [self.at; 2];
        }
        let home = tag.home(buckets);
        let next = if home + 1 == buckets { 0 } else { home + 1 };
        [self.bucket_offset(home), self.bucket_offset(next)]
    }

    /// Entries held.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.words[ENTRIES].load(Relaxed) as usize
    }

    /// Chunks in use. Capped, because the lock-free prefetch may read a word of another kind.
    #[inline]
    pub(crate) fn chunk_count(self) -> usize {
        (self.words[CHUNKS].load(Relaxed) as usize).min(self.chunk_limit())
    }

    /// Chunks this leaf can hold at most.
    #[inline]
    pub(crate) fn chunk_limit(self) -> usize {
        self.words.len() - IDS
    }

    pub(crate) fn bucket_count(self) -> usize {
        self.chunk_count() * CHUNK_BUCKETS
    }

    /// The chunk ids in use.
    pub(crate) fn chunk_ids(self) -> impl Iterator<Item = ChunkId> + use<'r> {
        self.words[IDS..IDS + self.chunk_count()].iter().map(|word| word.load(Relaxed))
    }

    /// Tells whether one more entry would exceed the load limit.
    #[inline]
    pub(crate) fn is_full(self) -> bool {
        is_full(self.len(), self.chunk_count())
    }

    /// Offset of a bucket.
    #[inline]
    pub(crate) fn bucket_offset(self, bucket: usize) -> u64 {
        let chunk = self.words[IDS + bucket / CHUNK_BUCKETS].load(Relaxed);
        chunk_offset(chunk) + (bucket % CHUNK_BUCKETS * BUCKET_ENTRIES * 8) as u64
    }

    #[inline]
    pub(crate) fn bucket(self, bucket: usize) -> &'r [AtomicU64; BUCKET_ENTRIES] {
        self.region.words64(self.bucket_offset(bucket))
    }

    /// Finds the first entry with this tag that `accept` takes.
    #[inline]
    pub(crate) fn find(self, tag: Tag, mut accept: impl FnMut(Entry) -> bool) -> Option<Place<'r>> {
        let buckets = self.bucket_count();
        if buckets == 0 {
            let is_it = |cell: &&AtomicU64| {
                let entry = Entry(cell.load(Relaxed));
                entry.has_tag(tag) && accept(entry)
            };
            let cell = self.inline_cells().iter().find(is_it)?;
            return Some(Place { cell, bucket: 0 });
        }
        let mut at = tag.home(buckets);
        for _ in 0..buckets {
            let mut full = true;
            for cell in self.bucket(at) {
                let entry = Entry(cell.load(Relaxed));
                full &= !entry.is_free();
                if entry.has_tag(tag) && accept(entry) {
                    return Some(Place { cell, bucket: at });
                }
            }
            if !full {
                return None;
            }
            at = if at + 1 == buckets { 0 } else { at + 1 };
        }
        None
    }

    /// Adds an entry. The leaf must have room (see [`Leaf::is_full`]).
    pub(crate) fn insert(self, entry: Entry) {
        self.place(entry);
        self.words[ENTRIES].store(self.len() as u32 + 1, Relaxed);
    }

    fn place(self, entry: Entry) {
        let buckets = self.bucket_count();
        if buckets == 0 {
            let free = self.inline_cells().iter().find(|cell| cell.load(Relaxed) == 0);
            debug_assert!(free.is_some(), "no room in a leaf");
            free.into_iter().for_each(|cell| cell.store(entry.0, Relaxed));
            return;
        }
        let mut at = entry.tag().home(buckets);
        for _ in 0..buckets {
            if let Some(free) = self.bucket(at).iter().find(|cell| cell.load(Relaxed) == 0) {
                free.store(entry.0, Relaxed);
                return;
            }
            at = if at + 1 == buckets { 0 } else { at + 1 };
        }
        debug_assert!(false, "no room in a leaf");
    }

    /// Removes the entry at `place` and moves displaced entries back.
    pub(crate) fn remove(self, place: Place<'r>) {
        self.words[ENTRIES].store(self.len() as u32 - 1, Relaxed);
        let buckets = self.bucket_count();
        if buckets == 0 {
            place.cell.store(0, Relaxed);
            return;
        }
        let mut hole = place.cell;
        let mut hole_bucket = place.bucket;
        let mut was_full = is_bucket_full(self.bucket(hole_bucket));
        hole.store(0, Relaxed);
        let mut at = hole_bucket;
        // Each step looks one bucket further along a run of full buckets.
        for _ in 1..buckets {
            if !was_full {
                return;
            }
            at = if at + 1 == buckets { 0 } else { at + 1 };
            let cells = self.bucket(at);
            was_full = is_bucket_full(cells);
            let reach = distance(hole_bucket, at, buckets);
            let displaced = cells.iter().find(|cell| {
                let entry = Entry(cell.load(Relaxed));
                !entry.is_free() && distance(entry.tag().home(buckets), at, buckets) >= reach
            });
            if let Some(cell) = displaced {
                hole.store(cell.load(Relaxed), Relaxed);
                cell.store(0, Relaxed);
                hole = cell;
                hole_bucket = at;
            }
        }
    }

    /// Calls `visit` for every entry, in bucket order.
    pub(crate) fn each(self, mut visit: impl FnMut(Entry)) {
        if self.chunk_count() == 0 {
            self.each_inline(visit);
            return;
        }
        for bucket in 0..self.bucket_count() {
            for cell in self.bucket(bucket) {
                let entry = Entry(cell.load(Relaxed));
                if !entry.is_free() {
                    visit(entry);
                }
            }
        }
    }

    fn each_inline(self, visit: impl FnMut(Entry)) {
        let entries = self.inline_cells().iter().map(|cell| Entry(cell.load(Relaxed)));
        entries.filter(|entry| !entry.is_free()).for_each(visit);
    }

    /// Visits the entries whose tag is at least `from`, up to a bucket boundary after at least
    /// one bucket; returns the tag to go on from, or nothing at the end.
    pub(crate) fn scan(self, from: Tag, mut visit: impl FnMut(Entry)) -> Option<Tag> {
        let buckets = self.bucket_count();
        if buckets == 0 {
            self.each_inline(|entry| {
                if entry.tag() >= from {
                    visit(entry);
                }
            });
            return None;
        }
        let home = from.home(buckets);
        let end = first_tag_of(home + 1, buckets);
        let mut at = home;
        for _ in 0..buckets {
            let cells = self.bucket(at);
            for cell in cells {
                let entry = Entry(cell.load(Relaxed));
                if !entry.is_free() && entry.tag() >= from && entry.tag() < end {
                    visit(entry);
                }
            }
            if !is_bucket_full(cells) {
                break;
            }
            at = if at + 1 == buckets { 0 } else { at + 1 };
        }
        (home + 1 < buckets).then_some(end)
    }

    /// Empties the leaf into `out` and forgets its chunks, whose ids it returns through `ids`.
    pub(crate) fn drain(self, out: &mut Vec<u64>, ids: &mut Vec<ChunkId>) {
        self.each(|entry| out.push(entry.0));
        ids.extend(self.chunk_ids());
        self.words[ENTRIES].store(0, Relaxed);
        self.words[CHUNKS].store(0, Relaxed);
        self.inline_cells().iter().for_each(|cell| cell.store(0, Relaxed));
    }

    /// Refills a drained leaf with zeroed chunks and entries.
    pub(crate) fn refill(self, ids: &[ChunkId], entries: &[u64]) {
        debug_assert!(ids.len() <= self.chunk_limit(), "more chunks than a leaf can name");
        for (word, &id) in self.words[IDS..].iter().zip(ids) {
            word.store(id, Relaxed);
        }
        self.words[CHUNKS].store(ids.len() as u32, Relaxed);
        for &entry in entries {
            self.place(Entry(entry));
        }
        self.words[ENTRIES].store(entries.len() as u32, Relaxed);
    }
}

/// A leaf grows when it would be more than this full.
const GROW_LOAD: (usize, usize) = (15, 16);

/// Tells whether one entry more than `entries` would exceed the load limit of so many chunks.
#[inline]
pub(crate) fn is_full(entries: usize, chunks: usize) -> bool {
    match chunks {
        0 => entries >= INLINE_ENTRIES,
        chunks => (entries + 1) * GROW_LOAD.1 > chunks * CHUNK_ENTRIES * GROW_LOAD.0,
    }
}

/// Chunks that hold `entries` with room to grow by about a tenth; none for a few.
pub(crate) fn chunks_for(entries: usize) -> usize {
    if entries <= INLINE_AGAIN { 0 } else { (entries * 10).div_ceil(CHUNK_ENTRIES * 9) }
}

/// The fewest chunks that hold `entries`.
pub(crate) fn tightest(entries: usize) -> usize {
    if entries <= INLINE_ENTRIES { 0 } else { entries.div_ceil(CHUNK_ENTRIES) }
}

/// Chunks that a full leaf of `chunks` grows to: by one at first, by a sixteenth later.
pub(crate) fn grown(chunks: usize) -> usize {
    chunks + 1 + chunks / 16
}

/// Tells whether a leaf is so empty that it should shrink.
pub(crate) fn is_sparse(entries: usize, chunks: usize) -> bool {
    match chunks {
        0 => false,
        1 => entries <= INLINE_AGAIN,
        _ => entries * 5 < chunks * CHUNK_ENTRIES * 2,
    }
}

fn is_bucket_full(cells: &[AtomicU64; BUCKET_ENTRIES]) -> bool {
    cells.iter().all(|cell| cell.load(Relaxed) != 0)
}

/// Steps from bucket `from` forward to bucket `to`.
fn distance(from: usize, to: usize, buckets: usize) -> usize {
    if to >= from { to - from } else { to + buckets - from }
}

/// The least tag whose home is `bucket` or later.
fn first_tag_of(bucket: usize, buckets: usize) -> Tag {
    Tag(((bucket as u64) << crate::entry::TAG_BITS).div_ceil(buckets as u64) as u32)
}
