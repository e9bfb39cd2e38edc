//! What items will cost, before there are any: from the very functions that lay records out and
//! grow the index, so that a plan cannot drift from the node.
//!
//! Expectations are over hashes: keys fall on slots at random (Poisson), and a leaf of a large slot
//! splits evenly. They are of a store that was loaded and not changed since.

use crate::block::BLOCK_BYTES;
use crate::chunk::{CHUNK_BYTES, CHUNKS_PER_BLOCK, HEADER_CHUNKS};
use crate::item::item_bytes;
use crate::leaf::{chunks_for, grown, is_full};
use crate::store::HEADER_BYTES;
use crate::table::{HEADER_WORDS, NODE_CHILDREN};
use crate::upkeep::Footprint;
use skep_keyspace::SLOT_COUNT;

/// Chunks of a leaf in a slot's header, and in a chunk of its own.
const HEADER_LEAF_CHUNKS: usize = HEADER_WORDS - 2;
const LEAF_CHUNKS: usize = CHUNK_BYTES / 4 - 2;
/// Standard deviations around the mean that expectations look at.
const SPREAD: f64 = 8.0;

/// What one item takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ItemCost {
    /// Bytes of its record in a segment.
    pub record_bytes: usize,
    /// Bytes of a large key or value outside, as the general allocator rounds them.
    pub outside_bytes: usize,
}

/// What a fresh item with a key and a value of these lengths takes, its share of the index apart.
pub fn item(key_bytes: usize, value_bytes: usize, expires: bool) -> ItemCost {
    let (record_bytes, outside) = item_bytes(key_bytes, value_bytes, expires);
    ItemCost { record_bytes, outside_bytes: outside.into_iter().map(allocated_bytes).sum() }
}

/// What the node's allocator makes of a request: a size class up to the last small one, and whole
/// pages beyond (jemalloc 5.3.1, `opt.disable_large_size_classes`).
pub fn allocated_bytes(bytes: usize) -> usize {
    const SMALL_MAX_BYTES: usize = 14 << 10;
    const PAGE_BYTES: usize = 4 << 10;
    if bytes > SMALL_MAX_BYTES { bytes.next_multiple_of(PAGE_BYTES) } else { size_class(bytes) }
}

/// The size class of a request: multiples of 16 up to 128, then four to each doubling (jemalloc(3),
/// "Size classes").
pub fn size_class(bytes: usize) -> usize {
    match bytes {
        0..=8 => 8,
        9..=128 => bytes.next_multiple_of(16),
        _ => bytes.next_multiple_of((bytes.next_power_of_two() / 8).max(16)),
    }
}

/// Items of a store, as far as their cost depends on them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Keys.
    pub keys: u64,
    /// Slots that they are in, spread evenly: all 16,384, or a shard's share.
    pub slots: u32,
    /// Databases that were ever written.
    pub databases: u32,
    /// Mean of [`ItemCost::record_bytes`].
    pub record_bytes: f64,
    /// Mean of [`ItemCost::outside_bytes`].
    pub outside_bytes: f64,
}

/// The expected footprint of a store that was loaded with these items. What stays in reserve for
/// reuse is not in it.
pub fn footprint(load: &Load) -> Footprint {
    let keys = load.keys as f64;
    let live = keys * load.record_bytes;
    // A segment ends where the next record did not fit: half a record is left on average.
    let tail_share = (load.record_bytes / 2.0 / BLOCK_BYTES as f64).min(0.5);
    let filled_share = 1.0 - tail_share;
    Footprint {
        live_bytes: live as u64,
        dead_bytes: (live / filled_share - live) as u64,
        index_bytes: index_bytes(load),
        outside_bytes: (keys * load.outside_bytes) as u64,
        reserve_bytes: 0,
    }
}

/// The expected bytes of the index: headers of all slots, and chunks in whole blocks.
fn index_bytes(load: &Load) -> u64 {
    let headers = u64::from(load.databases) * (SLOT_COUNT * HEADER_BYTES) as u64;
    let (slots, databases) = (f64::from(load.slots.max(1)), f64::from(load.databases.max(1)));
    let chunks = slots * databases * expected_chunks(load.keys as f64 / slots / databases);
    let of_block = f64::from(CHUNKS_PER_BLOCK - HEADER_CHUNKS);
    headers + (chunks / of_block).ceil() as u64 * BLOCK_BYTES as u64
}

/// The expected chunks of a slot that has `mean` keys on average.
fn expected_chunks(mean: f64) -> f64 {
    let spread = SPREAD * mean.sqrt();
    let (first, last) = ((mean - spread).max(0.0) as usize, (mean + spread) as usize + 1);
    // In logarithms, because e^-mean is 0 for what a slot may well have.
    let log_probability = |n: usize| n as f64 * mean.ln() - mean - log_factorial(n);
    if mean <= 0.0 {
        return 0.0;
    }
    (first..=last).map(|n| log_probability(n).exp() * chunks_of_slot(n) as f64).sum()
}

/// ln(n!) by Stirling's series, whose first omitted term is below 1e-9 from 8 on.
fn log_factorial(n: usize) -> f64 {
    if n < 8 {
        return (2..=n).map(|factor| (factor as f64).ln()).sum();
    }
    let n = n as f64;
    n * n.ln() - n + (std::f64::consts::TAU * n).ln() / 2.0 + 1.0 / (12.0 * n)
        - 1.0 / (360.0 * n.powi(3))
        + 1.0 / (1260.0 * n.powi(5))
}

/// Chunks of a slot that grew to so many keys.
fn chunks_of_slot(keys: usize) -> usize {
    let in_header = chunks_grown(0, 0, keys);
    if in_header <= HEADER_LEAF_CHUNKS {
        return in_header;
    }
    // One leaf below one node; from then on leaves split in two when they are full.
    let (mut leaves, mut start, mut chunks) = (1, 0, 0);
    loop {
        let of_leaf = keys.div_ceil(leaves);
        let grown = chunks_grown(start, chunks, of_leaf);
        if grown <= LEAF_CHUNKS {
            let nodes = 1 + leaves / NODE_CHILDREN;
            return leaves * (1 + grown) + nodes;
        }
        leaves *= 2;
        start = keys_that_fill(LEAF_CHUNKS) / 2;
        chunks = chunks_for(start);
    }
}

/// Chunks of a leaf that had so many of them at `start` keys and grew from there.
fn chunks_grown(start: usize, chunks: usize, keys: usize) -> usize {
    let mut chunks = chunks;
    while keys > start && is_full(keys - 1, chunks) && chunks <= LEAF_CHUNKS {
        chunks = grown(chunks);
    }
    chunks
}

/// Keys at which so many chunks take no more.
fn keys_that_fill(chunks: usize) -> usize {
    (1..).find(|&keys| is_full(keys, chunks)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_costs_what_its_parts_do() {
        // 4 bytes of flags and access state, two lengths of a byte each, key and value.
        assert_eq!(item(16, 64, false), ItemCost { record_bytes: 86, outside_bytes: 0 });
        assert_eq!(item(16, 64, true), ItemCost { record_bytes: 91, outside_bytes: 0 });
        assert_eq!(item(16, 1024, false).record_bytes, 4 + 1 + 2 + 16 + 1024);
        let large = item(16, 20_000, false);
        assert_eq!(large.record_bytes, 4 + 1 + 1 + 16 + 8);
        assert_eq!(large.outside_bytes, 20_480 + 48 + 8);
    }

    #[test]
    fn the_allocator_rounds_to_four_sizes_a_doubling() {
        let sizes = [(1, 8), (9, 16), (17, 32), (129, 160), (161, 192), (320, 320), (321, 384)];
        let large = [(16_384, 16_384), (16_385, 20_480), (33_000, 40_960), (1 << 20, 1 << 20)];
        for (bytes, class) in sizes.into_iter().chain(large) {
            assert_eq!(size_class(bytes), class, "{bytes}");
        }
        assert_eq!(allocated_bytes(33_000), 36_864, "whole pages");
    }

    #[test]
    fn chances_add_up() {
        for mean in [0.3f64, 61.0, 3_000.0] {
            let spread = SPREAD * mean.sqrt();
            let all = (mean - spread).max(0.0) as usize..=(mean + spread) as usize + 1;
            let log = |n: usize| n as f64 * mean.ln() - mean - log_factorial(n);
            let sum: f64 = all.map(|n| log(n).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{mean}: {sum}");
        }
    }
}
