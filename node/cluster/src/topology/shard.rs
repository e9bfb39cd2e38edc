//! A shard: the owners of a set of slots.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_keyspace::{NodeId, SlotSet};

use super::slots;

/// The name of a shard, 40 hexadecimal digits like a node's. It outlives its members.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId(pub NodeId);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One primary and its replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which reign this is: it grows whenever the primary changes, and fences the one before.
    pub epoch: u64,
    /// Grows with every change of the shard's members. Proposals name the one that they saw.
    pub revision: u64,
    /// The only node that may acknowledge a write.
    pub primary: NodeId,
    /// Replicas that have all that was acknowledged, and may be promoted. Not the primary.
    pub in_sync: BTreeSet<NodeId>,
    /// All replicas, those that are catching up too.
    pub replicas: BTreeSet<NodeId>,
    /// What it owns.
    #[serde(with = "slots")]
    pub slots: SlotSet,
}
