//! Hands out the region in blocks of 256 KiB: to segments, to bucket chunks and, in runs, to
//! slot headers.
//!
//! A freed block is kept for reuse up to a small reserve; beyond it the block's memory goes back
//! to the system at once.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::huge::{HUGE_BYTES, Ranges};
use crate::region::Region;

/// Size of a block, and so of a segment.
pub(crate) const BLOCK_BYTES: usize = 256 << 10;

/// Free blocks kept resident for quick reuse.
const RESERVE_BLOCKS: usize = 8;

/// A block's number; its offset is `number * BLOCK_BYTES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Block(pub(crate) u32);

impl Block {
    /// The block that an offset lies in.
    #[inline]
    pub(crate) fn of(offset: u64) -> Block {
        Block((offset / BLOCK_BYTES as u64) as u32)
    }

    /// Where the block begins.
    #[inline]
    pub(crate) fn start(self) -> u64 {
        u64::from(self.0) * BLOCK_BYTES as u64
    }
}

/// The block allocator of a store.
pub(crate) struct Blocks {
    free: Mutex<Free>,
    /// Free blocks that are still backed by memory: how many stand in `free`.
    warm: AtomicUsize,
    total: usize,
}

#[derive(Default)]
struct Free {
    /// Blocks whose memory is still resident.
    warm: Vec<Block>,
    /// Blocks whose memory was given back.
    cold: Vec<Block>,
    /// The first block never handed out.
    next: u32,
    /// Blocks handed out in runs.
    runs: Vec<Block>,
    /// Which ranges of single blocks may become huge pages.
    ranges: Ranges,
}

/// Every block that was ever handed out and is not in single use now.
pub(crate) struct Census {
    pub(crate) free: Vec<Block>,
    pub(crate) runs: Vec<Block>,
    /// The first block never handed out.
    pub(crate) next: u32,
}

impl Blocks {
    pub(crate) fn new(region: &Region) -> Blocks {
        // Block 0 is never handed out, so that offset 0 can mean "nothing".
        let free = Free { next: 1, ..Free::default() };
        Blocks {
            free: Mutex::new(free),
            warm: AtomicUsize::new(0),
            total: region.len_bytes() / BLOCK_BYTES,
        }
    }

    /// Takes a block; its content is arbitrary. Nothing when the reservation is used up.
    pub(crate) fn take(&self) -> Option<Block> {
        let mut free = self.free.lock();
        let known = free.warm.pop().or_else(|| free.cold.pop());
        self.warm.store(free.warm.len(), Relaxed);
        let block = known.or_else(|| {
            let next = free.next;
            ((next as usize) < self.total).then(|| {
                free.next += 1;
                Block(next)
            })
        })?;
        free.ranges.taken(block);
        Some(block)
    }

    /// Takes `count` adjacent blocks of zeroed memory that are never given back.
    pub(crate) fn take_run(&self, count: usize) -> Option<u64> {
        let mut free = self.free.lock();
        let first = free.next;
        if first as usize + count > self.total {
            return None;
        }
        free.next += count as u32;
        let next = free.next;
        free.runs.extend((first..next).map(Block));
        Some(Block(first).start())
    }

    /// Gives a block back.
    pub(crate) fn give(&self, region: &Region, block: Block) {
        let mut free = self.free.lock();
        free.ranges.given(block);
        free.warm.push(block);
        if free.warm.len() > RESERVE_BLOCKS {
            discard_one(&mut free, region);
        }
        self.warm.store(free.warm.len(), Relaxed);
    }

    /// Gives the memory of free blocks beyond `keep` back to the system.
    pub(crate) fn trim(&self, region: &Region, keep: usize) {
        let mut free = self.free.lock();
        while free.warm.len() > keep {
            discard_one(&mut free, region);
        }
        self.warm.store(free.warm.len(), Relaxed);
    }

    /// Makes one huge page of a range that is wholly in use. Answers whether there was one.
    pub(crate) fn collapse_one(&self, region: &Region) -> bool {
        let Some(start) = self.free.lock().ranges.next_to_collapse() else { return false };
        // The copying is done without the lock.
        if !region.collapse(start, HUGE_BYTES) {
            self.free.lock().ranges.refuse();
        }
        true
    }

    /// Where the blocks are, for an audit.
    pub(crate) fn census(&self) -> Census {
        let free = self.free.lock();
        let all_free = free.warm.iter().chain(&free.cold).copied().collect();
        Census { free: all_free, runs: free.runs.clone(), next: free.next }
    }

    /// Free blocks that are still backed by memory.
    pub(crate) fn warm_blocks(&self) -> usize {
        self.warm.load(Relaxed)
    }
}

/// Gives the memory of the free block that was given back last to the system.
#[allow(unsafe_code, reason = "gives a free block's pages back")]
fn discard_one(free: &mut Free, region: &Region) {
    if let Some(block) = free.warm.pop() {
        free.cold.push(block);
        free.ranges.discarded(block);
        // SAFETY: the block is free, so nothing in it is in use.
        unsafe { region.discard(block.start(), BLOCK_BYTES) };
    }
}
