//! Append segments: blocks that records are written into one behind the other.
//!
//! A worker appends to an open segment of its own and seals it when the next record does not
//! fit. A sealed segment only loses records (they die) until compaction moves the rest away and
//! the block is free again. For each block this table knows how much of it is filled, how much
//! of that is alive, and when the first record in it may expire.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

use parking_lot::Mutex;

use crate::block::{BLOCK_BYTES, Block, Blocks};
use crate::region::Region;

/// Sealed segments looked at to find the emptiest one.
const VICTIM_SAMPLES: usize = 64;

/// What is known of every segment. The facts lie in the region itself, whose untouched pages
/// cost nothing: `[live bytes, filled bytes, position in `sealed` plus one, -, first expiry 2]`.
pub(crate) struct Segments {
    region: Arc<Region>,
    base: u64,
    sealed: Mutex<Vec<Block>>,
}

const INFO_BYTES: usize = 32;
const FIRST_EXPIRY_AT: u64 = 16;

struct Info<'r> {
    live_bytes: &'r AtomicU32,
    filled_bytes: &'r AtomicU32,
    sealed_at: &'r AtomicU32,
    first_expiry_ms: &'r AtomicU64,
}

impl Segments {
    /// Reserves the table. Nothing when the region is too small for it.
    pub(crate) fn new(region: &Arc<Region>, blocks: &Blocks) -> Option<Segments> {
        let bytes = region.len_bytes() / BLOCK_BYTES * INFO_BYTES;
        let base = blocks.take_run(bytes.div_ceil(BLOCK_BYTES))?;
        Some(Segments { region: Arc::clone(region), base, sealed: Mutex::new(Vec::new()) })
    }

    #[inline]
    fn info(&self, block: Block) -> Info<'_> {
        let at = self.base + u64::from(block.0) * INFO_BYTES as u64;
        let words = self.region.words32(at, 4);
        Info {
            live_bytes: &words[0],
            filled_bytes: &words[1],
            sealed_at: &words[2],
            first_expiry_ms: self.region.word64(at + FIRST_EXPIRY_AT),
        }
    }

    /// Starts a segment in a fresh block.
    pub(crate) fn open(&self, block: Block) {
        let info = self.info(block);
        info.live_bytes.store(0, Relaxed);
        info.filled_bytes.store(0, Relaxed);
        info.first_expiry_ms.store(u64::MAX, Relaxed);
    }

    /// Ends appending to a segment.
    pub(crate) fn seal(&self, block: Block, filled_bytes: usize) {
        let mut sealed = self.sealed.lock();
        sealed.push(block);
        self.info(block).filled_bytes.store(filled_bytes as u32, Relaxed);
        self.info(block).sealed_at.store(sealed.len() as u32, Relaxed);
    }

    /// Takes a segment off the list of sealed ones, for compaction. Answers whether it was there.
    pub(crate) fn claim(&self, block: Block) -> bool {
        let mut sealed = self.sealed.lock();
        let position = self.info(block).sealed_at.swap(0, Relaxed) as usize;
        if position == 0 {
            return false;
        }
        sealed.swap_remove(position - 1);
        if let Some(&moved) = sealed.get(position - 1) {
            self.info(moved).sealed_at.store(position as u32, Relaxed);
        }
        true
    }

    /// Adds bytes of a live record that expires then, or never.
    #[inline]
    pub(crate) fn born(&self, location: u64, len_bytes: usize, expiry_ms: Option<u64>) {
        let info = self.info(Block::of(location));
        info.live_bytes.fetch_add(len_bytes as u32, Relaxed);
        if let Some(expiry_ms) = expiry_ms {
            info.first_expiry_ms.fetch_min(expiry_ms, Relaxed);
        }
    }

    /// Notes an expiry set in place.
    pub(crate) fn expires(&self, location: u64, expiry_ms: u64) {
        self.info(Block::of(location)).first_expiry_ms.fetch_min(expiry_ms, Release);
    }

    /// Takes the bytes of a record that died. Whoever does this is done with the record: once all
    /// bytes of a claimed segment are taken, its block is free.
    #[inline]
    pub(crate) fn died(&self, location: u64, len_bytes: usize) {
        self.info(Block::of(location)).live_bytes.fetch_sub(len_bytes as u32, Release);
    }

    pub(crate) fn filled_bytes(&self, block: Block) -> usize {
        self.info(block).filled_bytes.load(Relaxed) as usize
    }

    pub(crate) fn live_bytes(&self, block: Block) -> usize {
        self.info(block).live_bytes.load(Acquire) as usize
    }

    pub(crate) fn first_expiry_ms(&self, block: Block) -> u64 {
        self.info(block).first_expiry_ms.load(Relaxed)
    }

    /// Replaces what is known of a segment's first expiry, and returns what was known.
    pub(crate) fn swap_first_expiry_ms(&self, block: Block, expiry_ms: u64) -> u64 {
        self.info(block).first_expiry_ms.swap(expiry_ms, Acquire)
    }

    /// Sealed segments there are.
    pub(crate) fn sealed_count(&self) -> usize {
        self.sealed.lock().len()
    }

    /// The sealed segments.
    pub(crate) fn sealed_blocks(&self) -> HashSet<Block> {
        self.sealed.lock().iter().copied().collect()
    }

    /// The sealed segment at a position of the list, which changes as segments come and go.
    pub(crate) fn sealed_at(&self, position: usize) -> Option<Block> {
        self.sealed.lock().get(position).copied()
    }

    /// The emptiest of a sample of sealed segments, with its live bytes.
    pub(crate) fn emptiest(&self, random: u64) -> Option<(Block, usize)> {
        let sealed = self.sealed.lock();
        if sealed.is_empty() {
            return None;
        }
        let start = random as usize % sealed.len();
        // A prime stride visits the list evenly.
        (0..VICTIM_SAMPLES.min(sealed.len()))
            .map(|n| sealed[(start + n * 7_919) % sealed.len()])
            .map(|block| (block, self.live_bytes(block)))
            .min_by_key(|&(_, live_bytes)| live_bytes)
    }
}
