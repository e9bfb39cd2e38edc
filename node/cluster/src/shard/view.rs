//! What a member needs to know of the topology: its own shard.

use std::collections::{BTreeMap, BTreeSet};

use skep_keyspace::NodeId;

use crate::topology::{ShardId, Topology};

/// A shard as one version of the topology has it. See [`Shard`](crate::topology::Shard).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardView {
    /// Of the topology.
    pub version: u64,
    /// Which shard.
    pub shard: ShardId,
    /// Which reign.
    pub epoch: u64,
    /// What a proposal must name.
    pub revision: u64,
    /// Who reigns.
    pub primary: NodeId,
    /// The primary's incarnation that knows what the shard holds.
    pub incarnation: u64,
    /// Replicas that may be promoted.
    pub in_sync: BTreeSet<NodeId>,
    /// All replicas.
    pub replicas: BTreeSet<NodeId>,
    /// The incarnations that the topology knows of all members.
    pub incarnations: BTreeMap<NodeId, u64>,
}

impl ShardView {
    /// The shard of a node; nothing for strangers.
    pub fn of(topology: &Topology, node: NodeId) -> Option<ShardView> {
        let (id, shard) = topology.shard_of(node)?;
        let known = |node: NodeId| Some((node, topology.nodes.get(&node)?.incarnation));
        Some(ShardView {
            version: topology.version,
            shard: id,
            epoch: shard.epoch,
            revision: shard.revision,
            primary: shard.primary,
            incarnation: shard.incarnation,
            in_sync: shard.in_sync.clone(),
            replicas: shard.replicas.clone(),
            incarnations: shard.members().filter_map(known).collect(),
        })
    }

    /// Whether the primary has started again and forgotten what the shard holds.
    pub fn has_forgotten(&self) -> bool {
        self.incarnations.get(&self.primary) != Some(&self.incarnation)
    }

    /// Whether the same node reigns in the same reign.
    pub(super) fn is_same_reign(&self, other: &ShardView) -> bool {
        let reign = |view: &ShardView| (view.shard, view.epoch, view.primary, view.incarnation);
        reign(self) == reign(other)
    }
}
