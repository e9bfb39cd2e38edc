//! Which parts of the region deserve huge pages.
//!
//! Items lie at random places of a large region, so with pages of 4 KiB every access misses the
//! TLB and then, in a store of some hundred megabytes, the cache that holds the page table. A range
//! of 2 MiB whose blocks are all in use is collapsed into one page by upkeep: resident memory stays
//! what it was, because every page of the range was resident before. (Huge pages from the start
//! would make each half-empty range count as a full one.)
//!
//! Measured with the store alone, GETs of 64-byte values among 5 million in batches of 64, hashing
//! and key formatting included: 554 ns with small pages, 500 ns with huge ones.

use crate::block::{BLOCK_BYTES, Block};

/// Size of a huge page.
pub(crate) const HUGE_BYTES: usize = 2 << 20;
const BLOCKS_PER_RANGE: usize = HUGE_BYTES / BLOCK_BYTES;
/// Ranges looked at in one step.
const MAX_LOOKS: usize = 4096;

/// The ranges of 2 MiB that blocks were ever handed out from.
#[derive(Default)]
pub(crate) struct Ranges {
    ranges: Vec<Range>,
    cursor: usize,
    /// The system cannot do it.
    refused: bool,
}

#[derive(Clone, Copy, Default)]
struct Range {
    used_blocks: u8,
    /// It is one page already, or the system would not make it one.
    settled: bool,
}

impl Ranges {
    fn of(&mut self, block: Block) -> &mut Range {
        let number = block.0 as usize / BLOCKS_PER_RANGE;
        if number >= self.ranges.len() {
            self.ranges.resize(number + 1, Range::default());
        }
        &mut self.ranges[number]
    }

    /// A block is in use from now on.
    pub(crate) fn taken(&mut self, block: Block) {
        self.of(block).used_blocks += 1;
    }

    /// A block is no longer in use, but still backed by memory.
    pub(crate) fn given(&mut self, block: Block) {
        self.of(block).used_blocks -= 1;
    }

    /// A block's memory was given back, which splits its page.
    pub(crate) fn discarded(&mut self, block: Block) {
        self.of(block).settled = false;
    }

    /// The start of a range to collapse, which counts as settled from now on.
    pub(crate) fn next_to_collapse(&mut self) -> Option<u64> {
        let count = self.ranges.len();
        if self.refused {
            return None;
        }
        for _ in 0..count.min(MAX_LOOKS) {
            self.cursor = (self.cursor + 1) % count;
            let range = &mut self.ranges[self.cursor];
            if !range.settled && usize::from(range.used_blocks) == BLOCKS_PER_RANGE {
                range.settled = true;
                return Some((self.cursor * HUGE_BYTES) as u64);
            }
        }
        None
    }

    /// The system said that it cannot do it at all.
    pub(crate) fn refuse(&mut self) {
        self.refused = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_wholly_in_use_are_collapsed_and_each_once() {
        let mut ranges = Ranges::default();
        (0..12).for_each(|number| ranges.taken(Block(number)));
        assert_eq!(ranges.next_to_collapse(), Some(0));
        assert_eq!(ranges.next_to_collapse(), None);
        (12..16).for_each(|number| ranges.taken(Block(number)));
        assert_eq!(ranges.next_to_collapse(), Some(HUGE_BYTES as u64));
        assert_eq!(ranges.next_to_collapse(), None);
    }

    #[test]
    fn a_range_that_lost_a_block_is_collapsed_again_when_it_is_full_again() {
        let mut ranges = Ranges::default();
        (0..8).for_each(|number| ranges.taken(Block(number)));
        assert_eq!(ranges.next_to_collapse(), Some(0));
        ranges.given(Block(3));
        ranges.discarded(Block(3));
        assert_eq!(ranges.next_to_collapse(), None);
        ranges.taken(Block(3));
        assert_eq!(ranges.next_to_collapse(), Some(0));
    }

    #[test]
    fn a_system_that_refuses_is_not_asked_again() {
        let mut ranges = Ranges::default();
        (0..8).for_each(|number| ranges.taken(Block(number)));
        ranges.refuse();
        assert_eq!(ranges.next_to_collapse(), None);
    }
}
