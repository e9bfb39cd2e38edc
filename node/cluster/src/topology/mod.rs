//! The versioned truth about nodes, shards and slots. Raft orders the changes; every node applies
//! them in that order and so arrives at the same topology.
//!
//! Invariants, held by `apply` whatever it is given:
//! * every node is a member of exactly one shard, as its primary or as a replica, and every member
//!   of a shard is a node; the in-sync set is among the replicas;
//! * a slot has at most one owner;
//! * `epoch` of a shard, `current_epoch` and `version` of the topology never go back, and no shard's
//!   epoch is above `current_epoch`;
//! * a change that names a `revision` counts only if the shard is still at it, so that of two
//!   contrary proposals the first one wins and the other is refused;
//! * a refused change changes nothing but `version`;
//! * applying the same entry to equal topologies gives equal topologies and outcomes.

mod apply;
mod change;
mod invariants;
mod members;
mod node;
mod placement;
mod query;
mod reign;
mod replicas;
mod shard;
mod slot_map;
mod slots;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skep_keyspace::NodeId;

pub use change::{Change, EPOCH_HINT_MAX, Entry, Refusal};
pub use node::{Node, NodeAddress};
pub use placement::{PlacementError, assign_unowned, ring_weight};
pub use query::Role;
pub use shard::{Shard, ShardId};
pub use slot_map::{SlotMap, SlotOwner};

/// What all nodes agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// Counts the entries that were applied, refused ones too.
    pub version: u64,
    /// The cluster's name, which every certificate carries. Empty before it is founded.
    pub cluster: String,
    /// The highest epoch that a shard has had.
    pub current_epoch: u64,
    /// Every member.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Every shard; a member without slots has one of its own.
    pub shards: BTreeMap<ShardId, Shard>,
}
