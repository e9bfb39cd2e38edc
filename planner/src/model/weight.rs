//! What objects take in a node: an item's bytes, and what of a node's memory is there for items.

use skep_keyspace::SLOT_COUNT;
use skep_store::{Policy, cost};

use crate::report::{Step, Unit};

/// What an entry of the index takes, with the share of free ones beside it: what the node's cost of
/// a million keys says.
const INDEX_BYTES: u64 = 12;
/// Dead bytes that compaction leaves when memory is short: one for this many living ones
/// (`node/store/src/evict.rs`).
const DEAD_ALLOWANCE: u64 = 20;

/// Bytes that an item takes in a node.
pub fn item_bytes(key_bytes: u64, value_bytes: u64, expires: bool) -> u64 {
    let cost = cost::item(key_bytes as usize, value_bytes as usize, expires);
    let record = cost.record_bytes as u64;
    record + record / DEAD_ALLOWANCE + cost.outside_bytes as u64 + INDEX_BYTES
}

/// What the headers of a database's slots take once it is written: one cache line each.
pub const HEADER_BYTES: u64 = (SLOT_COUNT * 64) as u64;
/// What a node's process holds besides, as INFO's `used_memory` counts it: the allocator's own data,
/// threads, buffers. Measured on nodes of one and two workers, each with a core.
pub const PROCESS_BYTES: u64 = 5_700_000;
/// What each worker adds to that.
pub const WORKER_BYTES: u64 = 580_000;
/// What is resident of a node beyond its data: the program's own pages count, unused ones of the
/// allocator's do not. Measured at one, two and four workers.
pub const RESIDENT_BYTES: f64 = 7_950_000.0;
/// What each worker adds to that.
pub const RESIDENT_WORKER_BYTES: f64 = 390_000.0;
/// What the adaptive policy's trials of its exponents take (`node/store/src/shadow.rs`), measured.
const TRIALS_BYTES: u64 = 650_000;
/// What it may take to remember evicted keys: one part of the limit in this many, and no more than
/// so many bytes (`node/store/src/ghost.rs`).
const GHOST_SHARE: u64 = 100;
const GHOST_BYTES_MAX: u64 = 64 << 20;

/// How much of a node's memory is there for items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeMemory {
    /// What the process holds whatever the limit.
    pub process_bytes: u64,
    /// Whether evicted keys are remembered.
    pub remembers: bool,
}

impl NodeMemory {
    /// A node with so many workers and this policy.
    pub fn of(workers: u16, policy: Policy) -> NodeMemory {
        let remembers = policy == Policy::AllKeysAdaptive;
        let trials = if remembers { TRIALS_BYTES } else { 0 };
        let process_bytes =
            HEADER_BYTES + PROCESS_BYTES + u64::from(workers) * WORKER_BYTES + trials;
        NodeMemory { process_bytes, remembers }
    }

    /// A cache that is nothing but items.
    pub fn bare() -> NodeMemory {
        NodeMemory { process_bytes: 0, remembers: false }
    }

    /// What a memory limit leaves for items.
    pub fn items_bytes(self, memory_bytes: u64) -> u64 {
        memory_bytes.saturating_sub(self.fixed_bytes(memory_bytes))
    }

    /// The memory limit that leaves so much for items.
    pub fn memory_bytes(self, items_bytes: u64) -> u64 {
        // At twice the sum there is room for the table of evicted keys, a hundredth of it, too.
        let sum = items_bytes.saturating_add(self.process_bytes);
        let (mut low, mut high) = (items_bytes, sum.saturating_mul(2));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.items_bytes(middle) >= items_bytes {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        low
    }

    /// What a node takes whatever it holds.
    pub fn fixed_bytes(self, memory_bytes: u64) -> u64 {
        self.process_bytes + self.ghost_bytes(memory_bytes)
    }

    /// What remembering evicted keys takes: a power of two of words within its share.
    fn ghost_bytes(self, memory_bytes: u64) -> u64 {
        match (memory_bytes / GHOST_SHARE).min(GHOST_BYTES_MAX) / 8 {
            0 => 0,
            words if self.remembers => 8 << words.ilog2(),
            _ => 0,
        }
    }

    /// How that comes about.
    pub fn step(self, memory_bytes: u64) -> Step {
        Step {
            id: "fixed_bytes",
            label: "what a node takes before it holds any key".to_owned(),
            formula: format!(
                "{HEADER_BYTES} slot headers + {} process + {} for evicted keys",
                self.process_bytes.saturating_sub(HEADER_BYTES),
                self.ghost_bytes(memory_bytes)
            ),
            value: self.fixed_bytes(memory_bytes) as f64,
            unit: Unit::Bytes,
            why: format!(
                "a memory limit is for the whole process; remembering evicted keys takes up to one \
                 part of it in {GHOST_SHARE}"
            ),
            source: "the node's own store; its process, measured",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_item_takes_its_record_its_index_share_and_what_compaction_leaves() {
        // 4 + 1 + 2 + 16 + 700 = 723, a twentieth more, and 12.
        assert_eq!(item_bytes(16, 700, false), 723 + 36 + 12);
        assert!(item_bytes(16, 700, true) > item_bytes(16, 700, false));
        let large = item_bytes(16, 1 << 20, false);
        assert!((1 << 20..(1 << 20) + 200).contains(&large), "{large}");
    }

    #[test]
    fn the_indexs_share_is_what_the_node_says() {
        let load = |keys| cost::Load {
            keys,
            slots: 16_384,
            databases: 1,
            record_bytes: 100.0,
            outside_bytes: 0.0,
        };
        for keys in [1_000_000, 10_000_000] {
            let index = cost::footprint(&load(keys)).index_bytes - HEADER_BYTES;
            let share = index as f64 / keys as f64;
            assert!((share - INDEX_BYTES as f64).abs() < 2.5, "{keys} keys: {share} bytes a key");
        }
    }

    proptest! {
        #[test]
        fn memory_for_items_has_an_inverse(
            items in 0u64..1 << 40,
            process_bytes in 0u64..1 << 30,
            remembers: bool,
        ) {
            let node = NodeMemory { process_bytes, remembers };
            let memory = node.memory_bytes(items);
            prop_assert!(node.items_bytes(memory) >= items);
            prop_assert!(memory == 0 || node.items_bytes(memory - 1) < items);
        }
    }
}
