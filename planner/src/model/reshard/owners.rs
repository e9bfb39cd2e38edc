//! Who owns which slots, by name: the state that plans are made for.
//!
//! Names tell shards apart; in a live cluster they are addresses. A state's digest says nothing of
//! shards that own nothing: one that joins changes no ownership.

use serde::{Deserialize, Serialize};
use skep_keyspace::{Layout, LayoutError, Slot, SlotRange, SlotSet};
use xxhash_rust::xxh3::xxh3_128;

use crate::model::profile::cluster::ClusterNode;

/// A layout as files have it: what `planner slots --format json` answers under `layout`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayoutFile {
    /// Of this shape: 1.
    pub version: u32,
    /// The shards.
    pub shards: Vec<ShardRanges>,
}

/// A shard and its slots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardRanges {
    /// What tells it apart.
    pub name: String,
    /// The node's own identifier in a cluster, 40 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Both ends included.
    pub ranges: Vec<(u16, u16)>,
}

/// Who owns which slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Owners {
    /// Of each shard.
    pub names: Vec<String>,
    /// Identifiers in a live cluster, as far as they are known.
    pub ids: Vec<Option<String>>,
    /// Whose slots are which.
    pub layout: Layout,
}

impl Owners {
    /// From the ranges of each shard.
    ///
    /// # Errors
    /// Names that do not tell shards apart; ranges that are none; slots that two or none own.
    pub fn of(shards: &[ShardRanges]) -> Result<Owners, LayoutError> {
        let names: Vec<String> = shards.iter().map(|shard| shard.name.clone()).collect();
        check_names(&names)?;
        let mut sets = Vec::with_capacity(shards.len());
        for shard in shards {
            let mut set = SlotSet::new();
            for &(first, last) in &shard.ranges {
                if first > last || Slot::new(last).is_none() {
                    return Err(LayoutError::Range(format!("{first}-{last}")));
                }
                set.insert_range(SlotRange { first, last });
            }
            sets.push(set);
        }
        let ids = shards.iter().map(|shard| shard.id.clone()).collect();
        Ok(Owners { names, ids, layout: Layout::from_sets(&sets)? })
    }

    /// The even layout.
    ///
    /// # Errors
    /// No or too many names, or the same twice.
    pub fn even(names: Vec<String>) -> Result<Owners, LayoutError> {
        check_names(&names)?;
        Ok(Owners { layout: Layout::even(names.len())?, ids: vec![None; names.len()], names })
    }

    /// From CLUSTER NODES: primaries, under their addresses. One that is gone and owns nothing is left
    /// out.
    ///
    /// # Errors
    /// As [`Owners::of`].
    pub fn of_nodes(nodes: &[ClusterNode]) -> Result<Owners, LayoutError> {
        let primaries = nodes
            .iter()
            .filter(|node| node.is_primary() && (node.is_healthy() || !node.slots.is_empty()));
        let shard = |node: &ClusterNode| ShardRanges {
            name: if node.address.is_empty() { &node.id } else { &node.address }.clone(),
            id: Some(node.id.clone()),
            ranges: node.slots.clone(),
        };
        let mut shards: Vec<ShardRanges> = primaries.map(shard).collect();
        // CLUSTER NODES comes in no order: by slots, whoever has none last.
        shards.sort_by(|one, other| {
            let first = |shard: &ShardRanges| {
                shard.ranges.iter().map(|range| range.0).min().unwrap_or(u16::MAX)
            };
            first(one).cmp(&first(other)).then(one.name.cmp(&other.name))
        });
        Owners::of(&shards)
    }

    /// The same with further shards, those of the names that are not there yet.
    ///
    /// # Errors
    /// More shards than there are slots.
    pub fn with(mut self, names: &[String]) -> Result<Owners, LayoutError> {
        for name in names {
            if self.number(name).is_none() {
                self.names.push(name.clone());
                self.ids.push(None);
            }
        }
        self.layout = self.layout.with_shards(self.names.len())?;
        Ok(self)
    }

    /// The number of a shard.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// This layout with the numbers that shards have in another, which knows all of them.
    pub(super) fn seen_by(&self, other: &Owners) -> Result<Layout, LayoutError> {
        let numbers: Vec<usize> =
            self.names.iter().map(|name| other.number(name).unwrap_or(usize::MAX)).collect();
        self.layout.renumbered(&numbers, other.names.len())
    }

    /// Another layout of the same shards as a file has it.
    pub fn file(&self, layout: &Layout) -> LayoutFile {
        let shards = self.names.iter().zip(&self.ids).zip(layout.ranges());
        let shards = shards.map(|((name, id), ranges)| ShardRanges {
            name: name.clone(),
            id: id.clone(),
            ranges: ranges.iter().map(|range| (range.first, range.last)).collect(),
        });
        LayoutFile { version: 1, shards: shards.collect() }
    }

    /// What tells a layout of these shards from any other: 128 bits of XXH3 over names and ranges,
    /// in the order of the names.
    pub fn digest(&self, layout: &Layout) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (name, ranges) in self.names.iter().zip(layout.ranges()) {
            if !ranges.is_empty() {
                let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                lines.push(format!("{name}\t{}\n", ranges.join(",")));
            }
        }
        lines.sort();
        format!("{:032x}", xxh3_128(lines.concat().as_bytes()))
    }
}

fn check_names(names: &[String]) -> Result<(), LayoutError> {
    if let Some(shard) = names.iter().position(String::is_empty) {
        return Err(LayoutError::EmptyName(shard));
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(LayoutError::SameName(pair[0].clone())),
        None => Ok(()),
    }
}
