//! What objects take in a node: an item's bytes, and what of a node's memory is there for items.

use skep_store::cost;

use super::replica::{GHOST_SHARE_TEXT, HEADER_BYTES, ghost_bytes};
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

/// How much of a node's memory is there for items.
#[derive(Clone, Copy, Debug)]
pub struct NodeMemory {
    /// What the process holds before any key is there; 0: memory is all for items.
    pub process_bytes: u64,
}

impl NodeMemory {
    /// What a memory limit leaves for items.
    pub fn items_bytes(self, memory_bytes: u64) -> u64 {
        memory_bytes.saturating_sub(self.fixed_bytes(memory_bytes))
    }

    /// The memory limit that leaves so much for items.
    pub fn memory_bytes(self, items_bytes: u64) -> u64 {
        // At twice the sum there is room for the table of evicted keys, a hundredth of it, too.
        let sum = items_bytes.saturating_add(self.process_bytes + HEADER_BYTES);
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
        match self.process_bytes {
            0 => 0,
            process => process + HEADER_BYTES + ghost_bytes(memory_bytes),
        }
    }

    /// How that comes about.
    pub fn step(self, memory_bytes: u64) -> Step {
        Step {
            id: "fixed_bytes",
            label: "what a node takes before it holds any key".to_owned(),
            formula: format!(
                "{} process + {HEADER_BYTES} slot headers + {} for evicted keys",
                self.process_bytes,
                ghost_bytes(memory_bytes)
            ),
            value: self.fixed_bytes(memory_bytes) as f64,
            unit: Unit::Bytes,
            why: format!("a memory limit is for the whole process; {GHOST_SHARE_TEXT}"),
            source: "the node's own store; the process measured",
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
        fn memory_for_items_has_an_inverse(items in 0u64..1 << 40, process in 0u64..1 << 30) {
            let node = NodeMemory { process_bytes: process };
            let memory = node.memory_bytes(items);
            prop_assert!(node.items_bytes(memory) >= items);
            prop_assert!(memory == 0 || node.items_bytes(memory - 1) < items);
        }
    }
}
