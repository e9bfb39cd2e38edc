//! A shard: the owners of a set of slots.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_keyspace::{NodeId, SlotSet};

use super::{Refusal, slots};

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
    /// Grows with every change of the shard's members or epoch, and when a member starts again.
    /// Proposals name the one that they saw.
    pub revision: u64,
    /// The only node that may acknowledge a write.
    pub primary: NodeId,
    /// The incarnation of the primary that knows what the shard holds. While the primary's own is
    /// another, it has started again and forgotten: it may not act, and an in-sync replica takes its
    /// place. When there is none, what is left of the primary is all there is, and this follows it.
    pub incarnation: u64,
    /// Replicas that have all that was acknowledged, and may be promoted. Not the primary.
    pub in_sync: BTreeSet<NodeId>,
    /// All replicas, those that are catching up too.
    pub replicas: BTreeSet<NodeId>,
    /// What it owns.
    #[serde(with = "slots")]
    pub slots: SlotSet,
}

impl Shard {
    /// A shard of one node.
    pub(super) fn alone(node: NodeId, incarnation: u64, epoch: u64, slots: SlotSet) -> Shard {
        Shard { epoch, primary: node, incarnation, slots, ..Shard::default() }
    }

    /// Whether a node is its primary or one of its replicas.
    pub fn has(&self, node: NodeId) -> bool {
        self.primary == node || self.replicas.contains(&node)
    }

    /// Its primary, then its replicas.
    pub fn members(&self) -> impl Iterator<Item = NodeId> {
        std::iter::once(self.primary).chain(self.replicas.iter().copied())
    }

    /// Refuses a proposal that was made of another revision than this.
    pub(super) fn check_revision(&self, id: ShardId, revision: u64) -> Result<(), Refusal> {
        match self.revision == revision {
            true => Ok(()),
            false => Err(Refusal::Overtaken { shard: id, revision: self.revision }),
        }
    }

    /// Takes a replica out; says whether it was one.
    pub(super) fn drop_replica(&mut self, node: NodeId) -> bool {
        self.in_sync.remove(&node);
        let was = self.replicas.remove(&node);
        self.revision += u64::from(was);
        was
    }
}
