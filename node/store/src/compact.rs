//! Live compaction: moves the living records out of mostly dead segments, so that the memory of
//! deleted and overwritten values comes back.
//!
//! A step works on one sealed segment for a bounded number of bytes, taking each record's stripe
//! lock only while that record moves. When the last record has gone, the block is free.
#![allow(unsafe_code, reason = "walks and copies raw records")]

use std::sync::atomic::Ordering::Relaxed;

use crate::block::Block;
use crate::entry::Entry;
use crate::item::Record;
use crate::key::Key;
use crate::store::Store;
use crate::table::Table;
use crate::writer::Writer;

/// A segment being compacted, and how far.
pub(crate) struct Compaction {
    block: Block,
    at: u64,
    end: u64,
}

/// What a segment costs at least of a step's budget, however little of it is walked: freeing a
/// block is a system call.
const SEGMENT_COST_BYTES: i64 = 16 << 10;

/// Dead share of the segments above which compaction is worth its copying, in per mille.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadShare(pub u32);

impl Store {
    /// Share of the segments' filled bytes that is dead.
    pub(crate) fn dead_share(&self) -> DeadShare {
        let filled = self.totals.segments.load(Relaxed) as i64 * crate::block::BLOCK_BYTES as i64
            - self.totals.unfilled_bytes.load(Relaxed);
        let dead = (filled - self.totals.live_bytes.load(Relaxed)).max(0);
        DeadShare(if filled <= 0 { 0 } else { (dead * 1000 / filled) as u32 })
    }

    /// Compacts up to `budget_bytes` of segments if more than `tolerated` is dead. Answers
    /// whether there is more to do. No stripe may be held.
    pub fn compact(&self, writer: &mut Writer, tolerated: DeadShare, budget_bytes: usize) -> bool {
        let mut left = budget_bytes as i64;
        while left > 0 {
            if writer.compaction.is_none() {
                writer.publish(self);
                if self.dead_share() <= tolerated {
                    return false;
                }
                let Some(compaction) = self.choose_victim(writer) else { return false };
                writer.compaction = Some(compaction);
            }
            left -= self.compact_some(writer, left).max(SEGMENT_COST_BYTES);
        }
        true
    }

    /// Claims the emptiest segment of a sample, if emptying it gains anything.
    fn choose_victim(&self, writer: &mut Writer) -> Option<Compaction> {
        let (block, _) = self.segments.emptiest(writer.random())?;
        if !self.segments.claim(block) {
            return None;
        }
        // Only now that it is ours: until then another worker may have emptied the block, and a
        // third one filled it anew.
        let filled_bytes = self.segments.filled_bytes(block);
        let live_bytes = self.segments.live_bytes(block);
        if live_bytes * 100 > filled_bytes * 97 {
            self.unclaim(block, filled_bytes);
            return None;
        }
        let (start, end) = (block.start(), block.start() + filled_bytes as u64);
        // Nothing alive: nothing to move.
        let at = if live_bytes == 0 { end } else { start };
        Some(Compaction { block, at, end })
    }

    /// Moves records for about `budget_bytes`; frees the block at its end. Returns the bytes
    /// passed over.
    fn compact_some(&self, writer: &mut Writer, budget_bytes: i64) -> i64 {
        let Some(mut compaction) = writer.compaction.take() else { return 0 };
        let from = compaction.at;
        while compaction.at < compaction.end {
            if (compaction.at - from) as i64 >= budget_bytes {
                let done = (compaction.at - from) as i64;
                writer.compaction = Some(compaction);
                return done;
            }
            // SAFETY: the walk stays on record boundaries of a sealed segment that this worker
            // has claimed; record lengths are immutable.
            let record = unsafe { Record::at(&self.region, compaction.at) };
            self.region.prefetch(compaction.at + 512);
            let len_bytes = record.len_bytes();
            if !record.is_dead() && !self.move_record(writer, &record) {
                // No room to move to: leave the rest for better times.
                let filled = self.segments.filled_bytes(compaction.block);
                self.unclaim(compaction.block, filled);
                return budget_bytes;
            }
            compaction.at += len_bytes as u64;
        }
        // A record that was dead when passed may still be on its way out of the accounts, in the
        // hands of another worker. Then the segment is left for the next round.
        let filled = (compaction.end - compaction.block.start()) as usize;
        self.unclaim(compaction.block, filled);
        (compaction.at - from) as i64
    }

    /// Frees the block of a segment without living records.
    pub(crate) fn free_segment(&self, block: Block) {
        self.totals.segments.fetch_sub(1, Relaxed);
        self.blocks.give(&self.region, block);
    }

    /// Which header run and entry lead to a living record, whose stripe is locked.
    pub(crate) fn home_of(
        &self,
        record: &Record<'_>,
        key: &Key<'_>,
    ) -> Option<(u16, Table<'_>, Entry)> {
        let home = (0..self.databases() as u16).find_map(|run| {
            let table = self.table(run, key.slot)?;
            let entry = table.find(key.hash, |entry| entry.location() == record.location)?;
            Some((run, table, entry))
        });
        debug_assert!(home.is_some(), "a live record without an entry");
        home
    }

    /// Moves a record that was alive a moment ago. Answers whether there was room for it.
    fn move_record(&self, writer: &mut Writer, record: &Record<'_>) -> bool {
        let stripe = usize::from(self.stripe_of(record));
        let _guard = self.stripes[stripe].0.lock();
        if record.is_dead() {
            return true;
        }
        let key = self.key(record.key());
        let location = record.location;
        let Some((_, table, entry)) = self.home_of(record, &key) else { return true };
        let len_bytes = record.len_bytes();
        let Ok(target) = writer.allocate(self, len_bytes) else { return false };
        // SAFETY: the stripe is locked, so the record stands still; the target range was just
        // taken from the open segment that only this writer uses.
        unsafe {
            let bytes = self.region.bytes(location, len_bytes);
            self.region.write(target, bytes);
        }
        table.replace(key.hash, entry, Entry::new(entry.tag(), target, entry.expires()));
        self.segments.born(target, len_bytes, record.expiry_ms());
        self.segments.died(location, len_bytes);
        record.mark_dead();
        writer.counters.compacted_bytes += len_bytes as u64;
        true
    }
}
