//! A recount of the whole store, to find accounts that have drifted. Tests call it; it costs
//! nothing until it is called.
//!
//! It holds every stripe, walks every index and every segment, and compares what it finds with
//! every counter the store keeps. Other workers must be at rest and have published their sums
//! ([`Writer::publish`](crate::Writer::publish)). The first difference is reported.
#![allow(unsafe_code, reason = "walks raw records under all locks")]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering::Relaxed;

use skep_keyspace::{SLOT_COUNT, Slot};

use crate::block::{BLOCK_BYTES, Block};
use crate::chunk::{CHUNKS_PER_BLOCK, ChunkId, NO_OWNER, owner};
use crate::entry::{Entry, Tag};
use crate::item::Record;
use crate::store::Store;
use crate::stripe::{Account, Stripe};
use crate::table::Table;

/// What the indexes say.
#[derive(Default)]
struct Recount {
    live_bytes: i64,
    outside_bytes: i64,
    /// Live bytes and earliest expiry by block.
    segments: HashMap<u32, (usize, u64)>,
    locations: HashSet<u64>,
    /// Every chunk in use, with the owner it must have.
    chunks: HashMap<ChunkId, u32>,
}

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}

impl Store {
    /// Recounts everything and compares it with the store's accounts; see the module.
    ///
    /// # Errors
    /// What has drifted, and by how much.
    #[doc(hidden)]
    pub fn audit(&self) -> Result<(), String> {
        let stripes: Vec<_> = self.stripes.iter().map(|stripe| stripe.0.lock()).collect();
        let mut recount = Recount::default();
        for run in 0..self.databases() as u16 {
            let mut accounts = vec![Account::default(); stripes.len()];
            for slot in (0..SLOT_COUNT as u16).filter_map(Slot::new) {
                let Some(table) = self.table(run, slot) else { continue };
                let stripe = usize::from(slot.number()) % stripes.len();
                self.audit_table(table, run, slot, &mut accounts[stripe], &mut recount)?;
            }
            let held: Vec<&Stripe> = stripes.iter().map(|stripe| &**stripe).collect();
            audit_accounts(run, &held, &accounts)?;
        }
        self.audit_chunks(&recount)?;
        self.audit_blocks(&recount)?;
        self.audit_totals(&recount)
    }

    /// Counts a table's keys and checks that each is found where it stands.
    fn audit_table(
        &self,
        table: Table<'_>,
        run: u16,
        slot: Slot,
        account: &mut Account,
        recount: &mut Recount,
    ) -> Result<(), String> {
        let owned_by = u32::from(run) << 14 | u32::from(slot.number());
        table.each_chunk(|chunk, holds_buckets| {
            recount.chunks.insert(chunk, if holds_buckets { owned_by } else { NO_OWNER });
        });
        let mut entries = Vec::new();
        table.each(|entry| entries.push(entry));
        let (counted, told) = (entries.len(), table.len());
        ensure!(counted == told, "slot {slot:?} of run {run}: {counted} entries, told {told}");
        for entry in entries {
            self.audit_entry(table, slot, entry, recount)?;
            account.keys += 1;
            account.expiring += u32::from(entry.expires());
        }
        Ok(())
    }

    fn audit_entry(
        &self,
        table: Table<'_>,
        slot: Slot,
        entry: Entry,
        recount: &mut Recount,
    ) -> Result<(), String> {
        let record = self.record(entry);
        let location = entry.location();
        let key = self.key(record.key());
        ensure!(!record.is_dead(), "{entry:?} leads to a dead record");
        ensure!(recount.locations.insert(location), "two entries lead to {location}");
        ensure!(key.slot() == slot, "{entry:?} of {:?} in slot {slot:?}", key.slot());
        ensure!(entry.has_tag(Tag::of(key.hash)), "{entry:?} has not its key's tag");
        let found = table.find(key.hash, |other| self.record(other).key() == key.bytes);
        ensure!(found == Some(entry), "{entry:?} is not found by its key, but {found:?}");
        let expiry_ms = record.expiry_ms();
        ensure!(entry.expires() == expiry_ms.is_some(), "{entry:?}, but expiry {expiry_ms:?}");
        let block = Block::of(location).0;
        let (live_bytes, first_ms) = recount.segments.entry(block).or_insert((0, u64::MAX));
        *live_bytes += record.len_bytes();
        *first_ms = expiry_ms.unwrap_or(u64::MAX).min(*first_ms);
        recount.live_bytes += record.len_bytes() as i64;
        recount.outside_bytes += record.outside_bytes() as i64;
        Ok(())
    }

    /// Compares the chunks that tables hold with the chunk allocator's books.
    fn audit_chunks(&self, recount: &Recount) -> Result<(), String> {
        let (held, told) = (recount.chunks.len(), self.chunks.in_use());
        ensure!(held == told, "{held} chunks in use, told {told}");
        let mut by_block: HashMap<u32, u32> = HashMap::new();
        for (&chunk, &expected) in &recount.chunks {
            let told = owner(&self.region, chunk);
            ensure!(told == expected, "chunk {chunk} belongs to {expected:x}, told {told:x}");
            *by_block.entry(chunk / CHUNKS_PER_BLOCK).or_default() += 1;
        }
        let blocks = self.chunks.blocks();
        ensure!(blocks.len() == by_block.len(), "chunk blocks {by_block:?}, told {blocks:?}");
        for block in blocks {
            let counted = by_block.get(&block.0).copied().unwrap_or(0);
            self.chunks.audit_block(&self.region, block, counted)?;
        }
        Ok(())
    }

    /// Checks that every block is in exactly one use, and walks the segments.
    fn audit_blocks(&self, recount: &Recount) -> Result<(), String> {
        let census = self.blocks.census();
        let mut used: HashSet<u32> = HashSet::new();
        let chunk_blocks = self.chunks.blocks();
        for block in census.free.iter().chain(&chunk_blocks).chain(&census.runs) {
            ensure!(used.insert(block.0), "block {} is in use twice", block.0);
        }
        let sealed = self.segments.sealed_blocks();
        let segments: Vec<u32> = (1..census.next).filter(|block| !used.contains(block)).collect();
        let (counted, told) = (segments.len(), self.totals.segments.load(Relaxed));
        ensure!(counted == told, "{counted} segments, told {told}");
        for block in recount.segments.keys() {
            ensure!(!used.contains(block), "records in block {block}, which is no segment");
        }
        for block in segments.into_iter().map(Block) {
            let (live, first_ms) = recount.segments.get(&block.0).copied().unwrap_or((0, u64::MAX));
            let told = self.segments.live_bytes(block);
            ensure!(live == told, "segment {block:?}: {live} bytes alive, told {told}");
            if sealed.contains(&block) {
                let told_ms = self.segments.first_expiry_ms(block);
                ensure!(told_ms <= first_ms, "{block:?}: expiry {first_ms}, told {told_ms}");
                self.audit_segment(block, live)?;
            }
        }
        Ok(())
    }

    /// Walks a sealed segment: its records end where it ends, and the living ones are indexed.
    fn audit_segment(&self, block: Block, indexed_bytes: usize) -> Result<(), String> {
        let (mut at, mut alive) = (block.start(), 0);
        let end = at + self.segments.filled_bytes(block) as u64;
        ensure!(end <= at + BLOCK_BYTES as u64, "segment {block:?} is filled beyond its end");
        while at < end {
            // SAFETY: all stripes are locked, and the walk stays on record boundaries.
            let record = unsafe { Record::at(&self.region, at) };
            alive += if record.is_dead() { 0 } else { record.len_bytes() };
            at += record.len_bytes() as u64;
        }
        ensure!(at == end, "segment {block:?}: records end at {at}, filled to {end}");
        ensure!(alive == indexed_bytes, "{block:?}: {alive} alive, {indexed_bytes} indexed");
        Ok(())
    }

    fn audit_totals(&self, recount: &Recount) -> Result<(), String> {
        let live = self.totals.live_bytes.load(Relaxed);
        let outside = self.totals.outside_bytes.load(Relaxed);
        let (live_is, outside_is) = (recount.live_bytes, recount.outside_bytes);
        ensure!(live_is == live, "{live_is} bytes alive, told {live}");
        ensure!(outside_is == outside, "{outside_is} bytes outside, told {outside}");
        let unfilled = self.totals.unfilled_bytes.load(Relaxed);
        let segments = self.totals.segments.load(Relaxed) as i64;
        let limit = segments * BLOCK_BYTES as i64 - live;
        ensure!(
            (0..=limit).contains(&unfilled),
            "{unfilled} bytes unfilled of {segments} segments"
        );
        Ok(())
    }
}

fn audit_accounts(run: u16, stripes: &[&Stripe], accounts: &[Account]) -> Result<(), String> {
    for (number, (stripe, counted)) in stripes.iter().zip(accounts).enumerate() {
        let told = stripe.accounts.get(run);
        ensure!(told == *counted, "stripe {number}, run {run}: {counted:?}, told {told:?}");
    }
    Ok(())
}
