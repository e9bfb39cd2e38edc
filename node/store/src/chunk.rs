//! Allocates index memory in chunks of 256 bytes: four buckets of eight entries, or one leaf, or
//! one trie node.
//!
//! A block of chunks begins with a header page: the owner of each chunk (which database and slot
//! it indexes, so that a random chunk is a fair sample of all keys), the block's free list and
//! its count of chunks in use. A block without chunks in use goes back to the block allocator.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::block::{BLOCK_BYTES, Block, Blocks};
use crate::region::Region;

/// Size of a chunk.
pub(crate) const CHUNK_BYTES: usize = 256;
pub(crate) const CHUNKS_PER_BLOCK: u32 = (BLOCK_BYTES / CHUNK_BYTES) as u32;
/// The first chunks of a block are its header: four bytes for each chunk.
pub(crate) const HEADER_CHUNKS: u32 = CHUNKS_PER_BLOCK * 4 / CHUNK_BYTES as u32;
/// Header words 0 and 1: chunk number of the first free chunk (0: none), and chunks in use. They
/// share the space of the header chunks' own (unneeded) owner words.
const FREE_HEAD: usize = 0;
const IN_USE: usize = 1;

/// A chunk's number: its offset in the region divided by 256. Never 0.
pub(crate) type ChunkId = u32;

/// Owner of a chunk that samples must pass over: a leaf, a trie node or a free chunk.
pub(crate) const NO_OWNER: u32 = u32::MAX;

/// Where a chunk begins.
#[inline]
pub(crate) fn chunk_offset(chunk: ChunkId) -> u64 {
    u64::from(chunk) * CHUNK_BYTES as u64
}

/// The chunk allocator of a store.
pub(crate) struct Chunks {
    state: Mutex<State>,
    in_use: AtomicUsize,
    /// Blocks that hold chunks: how many stand in `state`.
    blocks: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Every block of chunks, for sampling and accounting.
    blocks: Vec<Block>,
    /// The blocks that have a free chunk. A block is listed at most once.
    partial: Vec<Block>,
}

impl Chunks {
    pub(crate) fn new() -> Chunks {
        Chunks {
            state: Mutex::new(State::default()),
            in_use: AtomicUsize::new(0),
            blocks: AtomicUsize::new(0),
        }
    }

    /// Takes a zeroed chunk for `owner`. Nothing when the region is used up.
    pub(crate) fn take(&self, region: &Region, blocks: &Blocks, owner: u32) -> Option<ChunkId> {
        let mut state = self.state.lock();
        let block = match state.partial.last() {
            Some(&block) => block,
            None => {
                let block = blocks.take()?;
                format_block(region, block);
                state.blocks.push(block);
                self.blocks.store(state.blocks.len(), Relaxed);
                state.partial.push(block);
                block
            }
        };
        let header = header(region, block);
        let index = header[FREE_HEAD].load(Relaxed);
        let chunk = block.0 * CHUNKS_PER_BLOCK + index;
        let words = region.words32(chunk_offset(chunk), CHUNK_BYTES / 4);
        let next = words[0].load(Relaxed);
        header[FREE_HEAD].store(next, Relaxed);
        header[IN_USE].fetch_add(1, Relaxed);
        if next == 0 {
            state.partial.pop();
        }
        for word in region.words64::<{ CHUNK_BYTES / 8 }>(chunk_offset(chunk)) {
            word.store(0, Relaxed);
        }
        header[index as usize].store(owner, Relaxed);
        self.in_use.fetch_add(1, Relaxed);
        Some(chunk)
    }

    /// Gives a chunk back.
    pub(crate) fn give(&self, region: &Region, blocks: &Blocks, chunk: ChunkId) {
        let mut state = self.state.lock();
        let block = Block(chunk / CHUNKS_PER_BLOCK);
        let index = chunk % CHUNKS_PER_BLOCK;
        let header = header(region, block);
        header[index as usize].store(NO_OWNER, Relaxed);
        let next = header[FREE_HEAD].load(Relaxed);
        region.words32(chunk_offset(chunk), 1)[0].store(next, Relaxed);
        header[FREE_HEAD].store(index, Relaxed);
        if next == 0 {
            state.partial.push(block);
        }
        self.in_use.fetch_sub(1, Relaxed);
        if header[IN_USE].fetch_sub(1, Relaxed) == 1 {
            state.partial.retain(|&other| other != block);
            state.blocks.retain(|&other| other != block);
            self.blocks.store(state.blocks.len(), Relaxed);
            blocks.give(region, block);
        }
    }

    /// A chunk of buckets picked by `random`, with its owner and the owner's lock, which `try_lock`
    /// takes if that is possible at once. It is taken while no chunk can change hands: later the
    /// block might hold records, whose bytes must not be taken for entries. A few misses in a row
    /// (free chunks, leaves, owners at work) answer nothing; the caller asks again.
    pub(crate) fn sample<Guard>(
        &self,
        region: &Region,
        random: u64,
        try_lock: impl Fn(u32) -> Option<Guard>,
    ) -> Option<(ChunkId, u32, Guard)> {
        let state = self.state.lock();
        if state.blocks.is_empty() {
            return None;
        }
        let mut random = random;
        for _ in 0..8 {
            let block = state.blocks[(random >> 32) as usize % state.blocks.len()];
            let index = HEADER_CHUNKS + random as u32 % (CHUNKS_PER_BLOCK - HEADER_CHUNKS);
            let owner = header(region, block)[index as usize].load(Relaxed);
            if owner != NO_OWNER
                && let Some(guard) = try_lock(owner)
            {
                return Some((block.0 * CHUNKS_PER_BLOCK + index, owner, guard));
            }
            random = random.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ 0x5bd1;
        }
        None
    }

    /// Blocks that hold chunks.
    pub(crate) fn block_count(&self) -> usize {
        self.blocks.load(Relaxed)
    }

    /// The blocks that hold chunks.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        self.state.lock().blocks.clone()
    }

    /// Compares a block's books with the chunks of it that are in use.
    pub(crate) fn audit_block(
        &self,
        region: &Region,
        block: Block,
        in_use: u32,
    ) -> Result<(), String> {
        let state = self.state.lock();
        let header = header(region, block);
        let told = header[IN_USE].load(Relaxed);
        let is_partial = state.partial.contains(&block);
        let (mut free, mut index) = (0, header[FREE_HEAD].load(Relaxed));
        while index != 0 && free <= CHUNKS_PER_BLOCK {
            free += 1;
            index = region.words32(chunk_offset(block.0 * CHUNKS_PER_BLOCK + index), 1)[0]
                .load(Relaxed);
        }
        let is_right = told == in_use
            && free == CHUNKS_PER_BLOCK - HEADER_CHUNKS - in_use
            && is_partial == (free > 0);
        let books = format!("{in_use} in use, told {told}; {free} free, partial: {is_partial}");
        if is_right { Ok(()) } else { Err(format!("chunks of {block:?}: {books}")) }
    }

    /// Chunks in use.
    pub(crate) fn in_use(&self) -> usize {
        self.in_use.load(Relaxed)
    }
}

/// The owner a chunk has now.
pub(crate) fn owner(region: &Region, chunk: ChunkId) -> u32 {
    header(region, Block(chunk / CHUNKS_PER_BLOCK))[(chunk % CHUNKS_PER_BLOCK) as usize]
        .load(Relaxed)
}

fn header(region: &Region, block: Block) -> &[AtomicU32] {
    region.words32(block.start(), CHUNKS_PER_BLOCK as usize)
}

/// Makes every chunk of a fresh block free.
fn format_block(region: &Region, block: Block) {
    let header = header(region, block);
    for (index, word) in header.iter().enumerate().skip(HEADER_CHUNKS as usize) {
        word.store(NO_OWNER, Relaxed);
        let chunk = block.0 * CHUNKS_PER_BLOCK + index as u32;
        let next = if index + 1 < CHUNKS_PER_BLOCK as usize { index as u32 + 1 } else { 0 };
        region.words32(chunk_offset(chunk), 1)[0].store(next, Relaxed);
    }
    header[FREE_HEAD].store(HEADER_CHUNKS, Relaxed);
    header[IN_USE].store(0, Relaxed);
}
