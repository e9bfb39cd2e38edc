//! What openraft is told about this product's types.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use skep_cluster::{Entry, Refusal, Topology};
use skep_keyspace::NodeId;

openraft::declare_raft_types!(
    /// Entries of the topology, ordered among nodes. A node's addresses stand in the topology.
    pub(super) TypeConfig:
        D = Entry,
        R = Outcome,
        NodeId = NodeId,
        Node = openraft::EmptyNode,
        SnapshotData = Vec<u8>,
);

/// The version of the topology that a change made, or why it was refused.
pub(crate) type Outcome = Result<u64, Refusal>;

pub(super) type Raft = openraft::Raft<TypeConfig>;
pub(super) type Vote = openraft::Vote<NodeId>;
pub(super) type LogId = openraft::LogId<NodeId>;
pub(super) type LogEntry = openraft::Entry<TypeConfig>;
pub(super) type StoredMembership = openraft::StoredMembership<NodeId, openraft::EmptyNode>;
pub(super) type SnapshotMeta = openraft::SnapshotMeta<NodeId, openraft::EmptyNode>;
pub(super) type StorageError = openraft::StorageError<NodeId>;

/// Whose log it is. Nodes of different groups never exchange what Raft says: a node that has
/// changed clusters, or the rest of a group that was given up, must not be able to mix two logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Group {
    /// The id of the cluster's first shard, which was minted at random.
    pub(crate) name: NodeId,
    /// Grows with every `unsafe_recover`. The higher one overrules.
    pub(crate) generation: u64,
}

/// What a node knows of its cluster without being a voter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Whose topology it is.
    pub(crate) group: Group,
    /// Who leads, as far as the teller knows.
    pub(crate) leader: Option<NodeId>,
    /// Who votes.
    pub(crate) voters: BTreeSet<NodeId>,
    /// The topology, committed.
    pub(crate) topology: Topology,
}
