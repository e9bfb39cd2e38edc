//! The active expiry cycle: removes keys whose time has come though nobody asks for them.
//!
//! Each segment knows when the first record in it may expire, so the cycle only walks segments
//! that may have something to remove, in the order they lie in memory. A step walks at most one
//! segment (256 KiB), however many keys expire at once.
#![allow(unsafe_code, reason = "walks raw records")]

use crate::block::Block;
use crate::item::Record;
use crate::store::Store;
use crate::stripe_set::StripeSet;
use crate::view::{Found, View};
use crate::writer::Writer;

/// Segments asked in one step whether they have something to remove.
const ASK_SEGMENTS: usize = 1024;

impl Store {
    /// Removes the expired keys of one segment. Answers whether others may have some too.
    pub(crate) fn expire_step(&self, writer: &mut Writer, now_ms: u64) -> bool {
        if self.lanes.is_replica() {
            return false;
        }
        if let Some((block, filled)) = writer.open_segment_to_expire(self, now_ms) {
            self.expire_segment(writer, block, filled, now_ms);
        }
        let mut is_round_over = false;
        let count = self.segments.sealed_count();
        for _ in 0..ASK_SEGMENTS.min(count) {
            writer.expire_cursor += 1;
            if writer.expire_cursor >= count {
                // A round ends here, so that a large store rests between rounds.
                writer.expire_cursor = 0;
                is_round_over = true;
            }
            let Some(block) = self.segments.sealed_at(writer.expire_cursor) else { continue };
            if self.segments.first_expiry_ms(block) > now_ms || !self.segments.claim(block) {
                continue;
            }
            let filled = self.segments.filled_bytes(block);
            self.expire_segment(writer, block, filled, now_ms);
            self.unclaim(block, filled);
            return true;
        }
        count > 0 && !is_round_over
    }

    /// Puts a claimed segment back, or frees it when nothing in it is alive.
    pub(crate) fn unclaim(&self, block: Block, filled: usize) {
        if self.segments.live_bytes(block) == 0 {
            self.free_segment(block);
        } else {
            self.segments.seal(block, filled);
        }
    }

    /// Walks a segment that nobody else walks or appends to.
    fn expire_segment(&self, writer: &mut Writer, block: Block, filled: usize, now_ms: u64) {
        self.segments.swap_first_expiry_ms(block, u64::MAX);
        let (mut at, end) = (block.start(), block.start() + filled as u64);
        let mut first_expiry_ms = u64::MAX;
        while at < end {
            // SAFETY: the walk stays on record boundaries; record lengths are immutable.
            let record = unsafe { Record::at(&self.region, at) };
            at += record.len_bytes() as u64;
            if record.is_dead() {
                continue;
            }
            match record.expiry_ms() {
                Some(expiry_ms) if expiry_ms <= now_ms => {
                    self.remove_record(writer, &record, now_ms);
                }
                Some(expiry_ms) => first_expiry_ms = first_expiry_ms.min(expiry_ms),
                None => {}
            }
        }
        self.segments.expires(block.start(), first_expiry_ms);
    }

    /// Removes the key of a record that seemed expired, if it still is under its stripe's lock.
    fn remove_record(&self, writer: &mut Writer, record: &Record<'_>, now_ms: u64) {
        let stripe = self.stripe_of(record);
        let mut view = View::new(self, writer, StripeSet::one(stripe), now_ms);
        if record.is_dead() {
            return;
        }
        let key = self.key(record.key());
        let Some((run, table, entry)) = self.home_of(record, &key) else { return };
        view.expire(run, &key, Found { table, entry, record: *record });
    }

    /// The stripe of a record. Needs no lock: the key of a living record stands still, and a large
    /// key carries its stripe.
    pub(crate) fn stripe_of(&self, record: &Record<'_>) -> u8 {
        if record.has_large_key() {
            record.large_key_stripe()
        } else {
            self.key(record.key()).stripe()
        }
    }
}
