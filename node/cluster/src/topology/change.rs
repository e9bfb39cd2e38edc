//! What may be proposed to change a topology, and why it may be refused.

use serde::{Deserialize, Serialize};
use skep_keyspace::{NodeId, SlotSet};

use super::{Node, ShardId, slots};

/// What Raft orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The node that proposed it.
    pub proposer: NodeId,
    /// Who asked for it: a user and an address, or the node's own reason.
    pub asked_by: String,
    /// What to change.
    pub change: Change,
}

/// A change. Ids are minted by who proposes, so that applying needs no randomness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The first of a cluster: its name and its first node, with a shard of its own that has no slots
    /// yet. Refused when there is a cluster already, or without a name.
    Found {
        /// The name.
        cluster: String,
        /// The first node.
        node: NodeId,
        /// About it.
        about: Node,
        /// The shard that is made for it.
        shard: ShardId,
    },
    /// Takes a node in, with a shard of its own and the slots that it already serves. Changes nothing
    /// when the node is a member already, equally described and in that shard.
    Admit {
        /// The node.
        node: NodeId,
        /// About it.
        about: Node,
        /// The shard that it brings.
        shard: ShardId,
        /// The epoch of that shard, at most [`EPOCH_HINT_MAX`].
        epoch: u64,
        /// The slots that it claims. Refused if another shard has one of them, or for a proxy.
        #[serde(with = "slots")]
        claims: SlotSet,
    },
    /// A node has started again, or moved. With another incarnation it has forgotten all: a replica
    /// leaves the in-sync set; a primary begins a reign if no replica is in sync, else it stays in
    /// place but may not act (see [`Shard::incarnation`](super::Shard::incarnation)). Does not touch
    /// the mark of [`Change::Mark`].
    Update {
        /// The node.
        node: NodeId,
        /// About it now; `is_failed` is ignored.
        about: Node,
    },
    /// Turns a node out; changes nothing when it is no member, because Redis' tools tell every node.
    /// Refused for the last member, and for the primary of slots, unless it is marked failed and no
    /// replica is in sync: then its slots are nobody's, and whoever asked answers for it that the
    /// node does not run any more. Replicas that it leaves behind stay one shard, under the first of
    /// those in sync, else the first of all.
    Forget {
        /// The node.
        node: NodeId,
    },
    /// A node is, or is no longer, out of reach of the leader.
    Mark {
        /// The node.
        node: NodeId,
        /// Whether it failed.
        is_failed: bool,
    },
    /// Gives slots that are nobody's to a shard. Refused where a proxy is the primary.
    AddSlots {
        /// The shard.
        shard: ShardId,
        /// The slots.
        #[serde(with = "slots")]
        slots: SlotSet,
    },
    /// Takes slots from a shard. The proposer has seen that they are empty.
    DeleteSlots {
        /// The shard.
        shard: ShardId,
        /// The slots, all of them its own.
        #[serde(with = "slots")]
        slots: SlotSet,
    },
    /// Makes a node a replica of a shard, not in sync yet. Changes nothing when it is one already.
    /// The node is a replica of another shard, which it leaves, or stands alone in a shard without
    /// slots, which disappears. Else, and where it alone remembers what its shard held, refused; and
    /// so are proxies, on either side.
    Replicate {
        /// The node.
        node: NodeId,
        /// The shard.
        shard: ShardId,
    },
    /// Promotes an in-sync replica, and gives the shard an epoch above all others. The old primary
    /// becomes a replica that is not in sync.
    Promote {
        /// The shard.
        shard: ShardId,
        /// The revision that the proposer saw.
        revision: u64,
        /// The replica.
        node: NodeId,
    },
    /// Takes a replica out of the in-sync set. Refused where the primary has forgotten.
    Shrink {
        /// The shard.
        shard: ShardId,
        /// The revision that the proposer saw.
        revision: u64,
        /// The replica.
        node: NodeId,
    },
    /// Takes a replica that has caught up into the in-sync set. Only the primary may propose it,
    /// because from then on it needs that replica's answers; refused where it has forgotten.
    Extend {
        /// The shard.
        shard: ShardId,
        /// The revision that the proposer saw.
        revision: u64,
        /// The replica.
        node: NodeId,
    },
    /// Gives a shard an epoch above all others (`CLUSTER BUMPEPOCH`).
    BumpEpoch {
        /// The shard.
        shard: ShardId,
    },
    /// Gives a fresh shard the epoch that redis-cli hands out (`CLUSTER SET-CONFIG-EPOCH`).
    SetEpoch {
        /// The shard, whose epoch must be 0.
        shard: ShardId,
        /// The epoch, at most [`EPOCH_HINT_MAX`].
        epoch: u64,
    },
}

/// The highest epoch that somebody outside may name, so that promotions never run out of numbers.
pub const EPOCH_HINT_MAX: u64 = 1 << 32;

/// Why a change was refused; the topology is as it was, but for its version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Refusal {
    /// There is a cluster already.
    #[error("this node belongs to the cluster {0} already")]
    Founded(String),
    /// There is no cluster.
    #[error("there is no cluster yet")]
    Unfounded,
    /// A cluster cannot be founded without a name.
    #[error("a cluster needs a name")]
    Unnamed,
    /// An epoch beyond [`EPOCH_HINT_MAX`].
    #[error("epoch {0} is beyond {EPOCH_HINT_MAX}")]
    EpochTooHigh(u64),
    /// No such node.
    #[error("unknown node {0}")]
    UnknownNode(NodeId),
    /// No such shard.
    #[error("unknown shard {0}")]
    UnknownShard(ShardId),
    /// A node or shard of this name is there.
    #[error("{0} is a member already")]
    Member(NodeId),
    /// Somebody owns the slot.
    #[error("slot {slot} belongs to shard {owner} already")]
    SlotTaken {
        /// The slot.
        slot: u16,
        /// Whose it is.
        owner: ShardId,
    },
    /// The shard does not own the slot.
    #[error("slot {slot} does not belong to shard {shard}")]
    SlotNotOwned {
        /// The slot.
        slot: u16,
        /// The shard.
        shard: ShardId,
    },
    /// The shard has changed since.
    #[error("shard {shard} is at revision {revision} by now")]
    Overtaken {
        /// The shard.
        shard: ShardId,
        /// Where it is.
        revision: u64,
    },
    /// The node cannot have that role.
    #[error("node {node} {reason}")]
    Role {
        /// The node.
        node: NodeId,
        /// Why, as the end of a sentence.
        reason: String,
    },
    /// The shard has an epoch already.
    #[error("shard {0} has an epoch already")]
    HasEpoch(ShardId),
}
