//! What keeps the store in shape besides commands: compaction, expiry, giving memory back. Each
//! call does a bounded amount of work and holds no stripe when it begins.

use std::sync::atomic::Ordering::Relaxed;

use crate::block::BLOCK_BYTES;
use crate::compact::DeadShare;
use crate::store::Store;
use crate::writer::Writer;

/// Dead share compaction tolerates while commands wait and memory is plentiful.
const RELAXED: DeadShare = DeadShare(160);
/// Dead share it tolerates when memory is short, or when there is time.
const STRICT: DeadShare = DeadShare(45);
/// Bytes compacted for each byte appended, so that compaction keeps up with any load: a segment
/// with a share `d` of dead bytes costs `1/d` bytes of walking for each byte won.
const BYTES_PER_APPENDED: usize = 16;
/// Bytes compacted in one upkeep step.
const UPKEEP_BYTES: usize = 512 << 10;

/// The circumstances of an upkeep step.
#[derive(Clone, Copy, Debug)]
pub struct Upkeep {
    /// Unix time in milliseconds.
    pub now_ms: u64,
    /// Whether the active expiry cycle runs.
    pub expire: bool,
}

/// Where the store's memory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Bytes of living records.
    pub live_bytes: u64,
    /// Bytes of segments that hold no living record.
    pub dead_bytes: u64,
    /// Bytes of the index.
    pub index_bytes: u64,
    /// Bytes of large keys and values, in the general allocator.
    pub outside_bytes: u64,
    /// Bytes of free blocks kept for reuse.
    pub reserve_bytes: u64,
}

impl Footprint {
    /// Everything but what the general allocator holds.
    pub fn region_bytes(&self) -> u64 {
        self.live_bytes + self.dead_bytes + self.index_bytes + self.reserve_bytes
    }
}

impl Store {
    /// Compacts in proportion to what the worker has appended. Called after each batch.
    #[inline]
    pub fn work_off(&self, writer: &mut Writer) {
        self.feed_shadows(writer);
        let appended = writer.take_appended();
        if appended > 0 {
            let tolerated = if self.is_short() { STRICT } else { RELAXED };
            self.compact(writer, tolerated, appended * BYTES_PER_APPENDED);
        }
    }

    /// One step of upkeep. Answers whether there is more to do soon.
    pub fn upkeep(&self, writer: &mut Writer, circumstances: &Upkeep) -> bool {
        writer.publish(self);
        let mut busy = false;
        if circumstances.expire {
            busy |= self.expire_step(writer, circumstances.now_ms);
        }
        busy |= self.compact(writer, STRICT, UPKEEP_BYTES);
        busy |= self.evict_step(writer, circumstances.now_ms);
        busy |= self.blocks.collapse_one(&self.region);
        busy |= self.graves.decay();
        self.trim_lanes();
        writer.publish(self);
        if !busy {
            self.blocks.trim(&self.region, RESERVE_WHEN_IDLE);
        }
        busy
    }

    /// Whether the memory limit is near.
    fn is_short(&self) -> bool {
        let limit = self.totals.limit_bytes.load(Relaxed);
        limit != 0 && self.used_bytes() * 100 > limit * 95
    }

    /// What the store and (as last told) the rest of the process hold.
    pub fn used_bytes(&self) -> u64 {
        let footprint = self.footprint();
        footprint.region_bytes() + footprint.outside_bytes + self.totals.other_bytes.load(Relaxed)
    }

    /// Where the memory is, up to the sums that workers have not published yet.
    pub fn footprint(&self) -> Footprint {
        let blocks = |count: usize| (count * BLOCK_BYTES) as u64;
        let live_bytes = self.totals.live_bytes.load(Relaxed).max(0) as u64;
        let filled = blocks(self.totals.segments.load(Relaxed))
            .saturating_sub(self.totals.unfilled_bytes.load(Relaxed).max(0) as u64);
        Footprint {
            live_bytes,
            dead_bytes: filled.saturating_sub(live_bytes),
            index_bytes: blocks(self.chunks.block_count()) + self.header_bytes(),
            outside_bytes: self.totals.outside_bytes.load(Relaxed).max(0) as u64
                + self.graves.bytes() as u64,
            reserve_bytes: blocks(self.blocks.warm_blocks()),
        }
    }

    /// Sets the memory limit (0: none) and tells what the process holds besides the store.
    pub fn set_limits(&self, limit_bytes: u64, other_bytes: u64) {
        self.totals.limit_bytes.store(limit_bytes, Relaxed);
        self.totals.other_bytes.store(other_bytes, Relaxed);
        self.fit_ghosts();
        self.inform_policy();
    }

    /// Gives the memory of free blocks back to the system.
    pub fn trim(&self) {
        self.blocks.trim(&self.region, 0);
    }

    /// Keys of all databases. Takes no lock.
    pub fn key_count(&self) -> u64 {
        self.accounts.iter().map(crate::stripe::Accounts::keys).sum()
    }

    /// Keys of each database that has any, with how many of them expire. Takes no lock.
    pub fn key_counts(&self) -> Vec<(crate::Database, crate::KeyCounts)> {
        let mut counts = vec![crate::KeyCounts::default(); self.databases()];
        for accounts in &self.accounts {
            for (database, count) in counts.iter_mut().enumerate() {
                let account = accounts.get(self.run(database as u16));
                count.keys += u64::from(account.keys);
                count.expiring += u64::from(account.expiring);
            }
        }
        let numbered = counts.into_iter().enumerate();
        numbered.filter(|(_, count)| count.keys > 0).map(|(n, count)| (n as u16, count)).collect()
    }
}

/// Free blocks kept when there is nothing to do.
const RESERVE_WHEN_IDLE: usize = 2;
