//! The index of one slot of one database.
//!
//! A slot header is 16 words (one cache line). Up to seven keys it is all there is; up to about 400
//! keys it is a leaf of its own. Beyond that it becomes the root of a trie whose nodes have 64
//! children and consume 6 bits of the hash each, with extendible hashing inside a node: a leaf may
//! stand in several neighbouring places and splits in two when full. So a slot of one key and a
//! slot of five million grow alike, a few hundred bytes at a time, and no step touches more than
//! one leaf (about 2,000 entries).
//!
//! ```text
//! tiny slot   [entries, 0, entries x 7]
//! small slot  [entries, chunks, chunk ids x 14]
//! large slot  [entries, LARGE, root node, ...]     node: 64 x (leaf | NODE + node)
//! ```

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::block::Blocks;
use crate::chunk::{CHUNK_BYTES, ChunkId, Chunks, NO_OWNER, chunk_offset};
use crate::entry::{Entry, Tag};
use crate::leaf::{CHUNK_BUCKETS, Leaf, Place, chunks_for, grown, is_sparse, tightest};
use crate::region::Region;

/// Words of a slot header.
pub(crate) const HEADER_WORDS: usize = 16;
/// In the chunk count of a header: the slot has a trie.
const LARGE: u32 = u32::MAX;
/// In a child word of a node: the child is a node, not a leaf.
const NODE: u32 = 1 << 31;
const NODE_BITS: u32 = 6;
pub(crate) const NODE_CHILDREN: usize = 1 << NODE_BITS;
/// Bits of the hash, far below the tag, that the trie may consume: enough for 30 billion keys in
/// one slot, and few enough for slot, path and tag to fit in a scan cursor.
pub(crate) const TRIE_BITS: u32 = 24;

/// The memory that tables are made of.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'s> {
    pub(crate) region: &'s Region,
    pub(crate) blocks: &'s Blocks,
    pub(crate) chunks: &'s Chunks,
}

/// No memory is left for the index.
#[derive(Debug)]
pub(crate) struct Exhausted;

/// A handle on one slot's index. The caller holds the lock of the slot's stripe.
#[derive(Clone, Copy)]
pub(crate) struct Table<'s> {
    memory: Memory<'s>,
    header_at: u64,
    header: &'s [AtomicU32],
    /// Recorded with every chunk; see `chunk.rs`.
    owner: u32,
}

/// Where a leaf hangs: in the header itself, or at a child of a node.
#[derive(Clone, Copy)]
struct Spot<'s> {
    leaf: Leaf<'s>,
    /// Node, child index and bits consumed before the node; nothing for an inline leaf.
    parent: Option<(ChunkId, usize, u32)>,
}

impl<'s> Table<'s> {
    pub(crate) fn new(memory: Memory<'s>, header_offset: u64, owner: u32) -> Table<'s> {
        let header = memory.region.words32(header_offset, HEADER_WORDS);
        Table { memory, header_at: header_offset, header, owner }
    }

    #[inline]
    pub(crate) fn prefetch_header(self) {
        crate::region::prefetch(self.header.as_ptr());
    }

    /// Keys of this slot.
    pub(crate) fn len(self) -> usize {
        self.header[0].load(Relaxed) as usize
    }

    fn is_large(self) -> bool {
        self.header[1].load(Relaxed) == LARGE
    }

    fn node(self, id: ChunkId) -> &'s [AtomicU32] {
        self.memory.region.words32(chunk_offset(id), NODE_CHILDREN)
    }

    fn leaf(self, id: ChunkId) -> Leaf<'s> {
        Leaf::at(self.memory.region, chunk_offset(id), CHUNK_BYTES / 4)
    }

    /// The leaf that the header of a small slot is.
    #[inline]
    fn inline_leaf(self) -> Leaf<'s> {
        Leaf::at(self.memory.region, self.header_at, HEADER_WORDS)
    }

    /// The cells of a slot so small that its header holds its entries.
    pub(crate) fn inline_cells(self) -> Option<&'s [AtomicU64]> {
        let leaf = self.inline_leaf();
        let is_inline = self.header[1].load(Relaxed) == 0;
        is_inline.then(|| leaf.inline_cells().as_slice())
    }

    #[inline]
    fn spot(self, hash: u64) -> Spot<'s> {
        if !self.is_large() {
            return Spot { leaf: self.inline_leaf(), parent: None };
        }
        let mut node = self.header[2].load(Relaxed);
        let mut consumed = 0;
        loop {
            let index = child_index(hash, consumed);
            let child = self.node(node)[index].load(Relaxed);
            if child & NODE == 0 || consumed >= TRIE_BITS {
                let parent = Some((node, index, consumed));
                return Spot { leaf: self.leaf(child & !NODE), parent };
            }
            node = child & !NODE;
            consumed += NODE_BITS;
        }
    }

    /// Offsets of the first two buckets to search for a hash, for prefetching. Lock-free: they may
    /// be stale, or any words of a chunk that has become something else meanwhile, so every step
    /// is checked.
    #[inline]
    pub(crate) fn first_offsets(self, hash: u64) -> Option<[u64; 2]> {
        let offsets = self.leaf_unlocked(hash)?.first_offsets(Tag::of(hash));
        let holds = |offset: &u64| self.memory.region.holds(*offset, CHUNK_BYTES / CHUNK_BUCKETS);
        offsets.iter().all(holds).then_some(offsets)
    }

    /// As [`Table::spot`], for readers without the lock.
    #[inline]
    fn leaf_unlocked(self, hash: u64) -> Option<Leaf<'s>> {
        let region = self.memory.region;
        if !self.is_large() {
            return Some(self.inline_leaf());
        }
        let mut id = self.header[2].load(Relaxed);
        for consumed in (0..TRIE_BITS).step_by(NODE_BITS as usize) {
            if !region.holds(chunk_offset(id), CHUNK_BYTES) {
                return None;
            }
            let child = self.node(id)[child_index(hash, consumed)].load(Relaxed);
            id = child & !NODE;
            if child & NODE == 0 {
                return region.holds(chunk_offset(id), CHUNK_BYTES).then(|| self.leaf(id));
            }
        }
        None
    }

    /// Finds the entry with this hash that `accept` takes.
    #[inline]
    pub(crate) fn find(self, hash: u64, accept: impl FnMut(Entry) -> bool) -> Option<Entry> {
        let place = self.spot(hash).leaf.find(Tag::of(hash), accept)?;
        Some(Entry(place.cell.load(Relaxed)))
    }

    fn find_exact(self, hash: u64, entry: Entry) -> Option<(Leaf<'s>, Place<'s>)> {
        let leaf = self.spot(hash).leaf;
        let place = leaf.find(entry.tag(), |other| other.location() == entry.location())?;
        Some((leaf, place))
    }

    /// Replaces an entry that is in the table. Answers whether it was.
    pub(crate) fn replace(self, hash: u64, old: Entry, new: Entry) -> bool {
        let Some((_, place)) = self.find_exact(hash, old) else { return false };
        place.cell.store(new.0, Relaxed);
        true
    }

    /// Makes sure that one entry with this hash can be added.
    pub(crate) fn reserve(
        self,
        hash: u64,
        rehash: impl Fn(&[u64], &mut Vec<u64>),
    ) -> Result<(), Exhausted> {
        loop {
            let spot = self.spot(hash);
            if !spot.leaf.is_full() {
                return Ok(());
            }
            let chunks = grown(spot.leaf.chunk_count());
            if chunks <= spot.leaf.chunk_limit() {
                return self.resize(spot.leaf, chunks);
            }
            match spot.parent {
                None => self.enlarge(spot.leaf)?,
                Some(parent) => self.split(spot.leaf, parent, &rehash)?,
            }
        }
    }

    /// Adds an entry; `reserve` has been called for its hash.
    pub(crate) fn insert(self, hash: u64, entry: Entry) {
        self.spot(hash).leaf.insert(entry);
        if self.is_large() {
            self.header[0].fetch_add(1, Relaxed);
        }
    }

    /// Removes an entry. Answers whether it was there.
    pub(crate) fn remove(self, hash: u64, entry: Entry) -> bool {
        let Some((leaf, place)) = self.find_exact(hash, entry) else { return false };
        leaf.remove(place);
        if self.is_large() && self.header[0].fetch_sub(1, Relaxed) == 1 {
            self.clear();
        } else if is_sparse(leaf.len(), leaf.chunk_count()) {
            // Shrinking takes no more chunks than it gives back; a failure changes nothing.
            let _ = self.resize(leaf, chunks_for(leaf.len()));
        }
        true
    }

    /// Gives the room back that was reserved for an entry which was not added after all, if no
    /// other entry is there.
    #[cold]
    pub(crate) fn give_back(self, hash: u64) {
        let leaf = self.spot(hash).leaf;
        if leaf.len() == 0 && leaf.chunk_count() > 0 {
            let _ = self.resize(leaf, 0);
        }
    }

    /// Moves a leaf's entries to `count` chunks.
    fn resize(self, leaf: Leaf<'s>, count: usize) -> Result<(), Exhausted> {
        let Memory { region, blocks, chunks } = self.memory;
        let mut fresh = Vec::with_capacity(count);
        for _ in 0..count {
            match chunks.take(region, blocks, self.owner) {
                Some(id) => fresh.push(id),
                None => {
                    fresh.into_iter().for_each(|id| chunks.give(region, blocks, id));
                    return Err(Exhausted);
                }
            }
        }
        let mut entries = Vec::with_capacity(leaf.len());
        let mut stale = Vec::with_capacity(leaf.chunk_count());
        leaf.drain(&mut entries, &mut stale);
        leaf.refill(&fresh, &entries);
        stale.into_iter().for_each(|id| chunks.give(region, blocks, id));
        Ok(())
    }

    fn take_plain(self) -> Result<ChunkId, Exhausted> {
        let Memory { region, blocks, chunks } = self.memory;
        chunks.take(region, blocks, NO_OWNER).ok_or(Exhausted)
    }

    /// Turns a small slot into a trie of one node and one leaf.
    fn enlarge(self, inline: Leaf<'s>) -> Result<(), Exhausted> {
        let node = self.take_plain()?;
        let leaf = match self.take_plain() {
            Ok(leaf) => leaf,
            Err(error) => {
                self.memory.chunks.give(self.memory.region, self.memory.blocks, node);
                return Err(error);
            }
        };
        let target = self.leaf(leaf);
        for (to, from) in target.words().iter().zip(inline.words()) {
            to.store(from.load(Relaxed), Relaxed);
        }
        for child in self.node(node) {
            child.store(leaf, Relaxed);
        }
        self.header[2].store(node, Relaxed);
        self.header[1].store(LARGE, Relaxed);
        Ok(())
    }

    /// Splits a full leaf in two by the next bit of its keys' hashes.
    fn split(
        self,
        leaf: Leaf<'s>,
        (node, index, consumed): (ChunkId, usize, u32),
        rehash: &impl Fn(&[u64], &mut Vec<u64>),
    ) -> Result<(), Exhausted> {
        let children = self.node(node);
        let own = children[index].load(Relaxed);
        let span = children.iter().filter(|child| child.load(Relaxed) == own).count();
        if span == 1 {
            return self.deepen(node, index, consumed, own);
        }
        let sibling = self.take_plain()?;
        let first = index - index % span;
        for child in &children[first + span / 2..first + span] {
            child.store(sibling, Relaxed);
        }
        let mut entries = Vec::with_capacity(leaf.len());
        let mut ids = Vec::with_capacity(leaf.chunk_count());
        leaf.drain(&mut entries, &mut ids);
        let mut hashes = Vec::with_capacity(entries.len());
        rehash(&entries, &mut hashes);
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for (&entry, &hash) in entries.iter().zip(&hashes) {
            let is_high = child_index(hash, consumed) >= first + span / 2;
            if is_high { high.push(entry) } else { low.push(entry) }
        }
        self.share_out(leaf, &low, self.leaf(sibling), &high, ids)
    }

    /// Gives two leaves their entries, with the chunks of the leaf they came from and, where
    /// those do not suffice, fresh ones.
    fn share_out(
        self,
        left: Leaf<'s>,
        low: &[u64],
        right: Leaf<'s>,
        high: &[u64],
        mut ids: Vec<ChunkId>,
    ) -> Result<(), Exhausted> {
        let Memory { region, blocks, chunks } = self.memory;
        for &id in &ids {
            for word in region.words64::<{ CHUNK_BYTES / 8 }>(chunk_offset(id)) {
                word.store(0, Relaxed);
            }
        }
        // When all hashes fall on one side, that leaf is full again and must stay within its limit.
        let roomy =
            |entries: &[u64], leaf: Leaf<'_>| chunks_for(entries.len()).min(leaf.chunk_limit());
        let (mut need_low, mut need_high) = (roomy(low, left), roomy(high, right));
        while ids.len() < need_low + need_high {
            let Some(id) = chunks.take(region, blocks, self.owner) else {
                // A leaf splits at 15/16 of its capacity, so both halves fit without a fresh
                // chunk when they are packed to the last entry.
                (need_low, need_high) = (tightest(low.len()), tightest(high.len()));
                break;
            };
            ids.push(id);
        }
        let share = need_low.min(ids.len());
        left.refill(&ids[..share], low);
        let end = (share + need_high).min(ids.len());
        right.refill(&ids[share..end], high);
        ids[end..].iter().for_each(|&id| chunks.give(region, blocks, id));
        Ok(())
    }

    /// Puts a node between a node and a leaf that stands in a single place of it.
    fn deepen(
        self,
        node: ChunkId,
        index: usize,
        consumed: u32,
        leaf: ChunkId,
    ) -> Result<(), Exhausted> {
        if consumed + NODE_BITS >= TRIE_BITS {
            return Err(Exhausted);
        }
        let inner = self.take_plain()?;
        for child in self.node(inner) {
            child.store(leaf, Relaxed);
        }
        self.node(node)[index].store(inner | NODE, Relaxed);
        Ok(())
    }

    /// Calls `visit` for every leaf, once each, in hash order of the trie.
    fn each_leaf(self, visit: &mut impl FnMut(Leaf<'s>)) {
        if self.is_large() {
            self.each_leaf_below(self.header[2].load(Relaxed), visit);
        } else {
            visit(self.inline_leaf());
        }
    }

    fn each_leaf_below(self, node: ChunkId, visit: &mut impl FnMut(Leaf<'s>)) {
        let mut last = 0;
        for child in self.node(node) {
            let child = child.load(Relaxed);
            if child & NODE != 0 {
                self.each_leaf_below(child & !NODE, visit);
            } else if child != last {
                visit(self.leaf(child));
            }
            last = child;
        }
    }

    /// Calls `visit` for every entry.
    pub(crate) fn each(self, mut visit: impl FnMut(Entry)) {
        self.each_leaf(&mut |leaf| leaf.each(&mut visit));
    }

    /// Calls `visit` for every chunk and says whether it holds buckets.
    pub(crate) fn each_chunk(self, mut visit: impl FnMut(ChunkId, bool)) {
        self.each_leaf(&mut |leaf| leaf.chunk_ids().for_each(|id| visit(id, true)));
        let mut inner = Vec::new();
        if self.is_large() {
            self.collect_nodes(self.header[2].load(Relaxed), &mut inner);
        }
        inner.into_iter().for_each(|id| visit(id, false));
    }

    /// Forgets every entry and gives all chunks back. The items are the caller's business.
    pub(crate) fn clear(self) {
        let Memory { region, blocks, chunks } = self.memory;
        let mut stale = Vec::new();
        self.each_chunk(|id, _| stale.push(id));
        for word in self.header {
            word.store(0, Relaxed);
        }
        stale.into_iter().for_each(|id| chunks.give(region, blocks, id));
    }

    fn collect_nodes(self, node: ChunkId, out: &mut Vec<ChunkId>) {
        let mut last = 0;
        for child in self.node(node) {
            let child = child.load(Relaxed);
            if child & NODE != 0 {
                self.collect_nodes(child & !NODE, out);
            } else if child != last {
                out.push(child);
            }
            last = child;
        }
        out.push(node);
    }

    /// Visits the entries of one step of a scan that began at position 0 and returns the next
    /// position, or nothing at the end of the slot.
    ///
    /// A position is the trie path (most significant bit first) followed by a tag. Growth and
    /// splits keep the order of (path, tag), so an entry present throughout a scan is visited.
    pub(crate) fn scan(self, position: u64, mut visit: impl FnMut(Entry)) -> Option<u64> {
        let path = position >> crate::entry::TAG_BITS;
        let tag = Tag((position & ((1 << crate::entry::TAG_BITS) - 1)) as u32);
        let (leaf, next_path) = self.leaf_on_path(path);
        if let Some(tag) = leaf.scan(tag, &mut visit) {
            return Some((path << crate::entry::TAG_BITS) | u64::from(tag.0));
        }
        next_path.map(|path| path << crate::entry::TAG_BITS)
    }

    /// The leaf that holds a trie path, and the first path behind that leaf.
    fn leaf_on_path(self, path: u64) -> (Leaf<'s>, Option<u64>) {
        if !self.is_large() {
            return (self.inline_leaf(), None);
        }
        let mut node = self.header[2].load(Relaxed);
        let mut consumed = 0;
        loop {
            let shift = TRIE_BITS - consumed - NODE_BITS;
            let index = (path >> shift) as usize % NODE_CHILDREN;
            let child = self.node(node)[index].load(Relaxed);
            if child & NODE == 0 {
                let same = |other: &&AtomicU32| other.load(Relaxed) == child;
                let end = index + self.node(node)[index..].iter().take_while(same).count();
                let base = path >> (shift + NODE_BITS) << (shift + NODE_BITS);
                let next = base + ((end as u64) << shift);
                return (self.leaf(child), (next < 1 << TRIE_BITS).then_some(next));
            }
            node = child & !NODE;
            consumed += NODE_BITS;
        }
    }
}

/// The child of a node that a hash leads to, after `consumed` bits of its path.
#[inline]
fn child_index(hash: u64, consumed: u32) -> usize {
    (path(hash) >> (TRIE_BITS - consumed - NODE_BITS)) as usize % NODE_CHILDREN
}

/// The trie path of a hash: its low bits, which the tag does not use.
#[inline]
fn path(hash: u64) -> u64 {
    hash & ((1 << TRIE_BITS) - 1)
}
