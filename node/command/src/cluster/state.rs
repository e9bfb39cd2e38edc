//! `CLUSTER INFO`: whether the cluster is well, in figures.

use skep_cluster::Topology;
use skep_keyspace::{NodeId, SLOT_COUNT};

use super::nodes::is_failed;

/// A topology in figures, as a node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterFigures {
    /// Slots that have an owner.
    pub assigned_slots: usize,
    /// Slots whose owner is out of reach.
    pub failed_slots: usize,
    /// Members.
    pub nodes: usize,
    /// Members that are out of reach.
    pub failed_nodes: usize,
    /// Shards with slots.
    pub shards_with_slots: usize,
    /// The highest epoch that a shard has had.
    pub current_epoch: u64,
    /// That of this node's shard.
    pub my_epoch: u64,
}

impl ClusterFigures {
    /// Counts what is in a topology.
    pub fn new(topology: &Topology, me: NodeId) -> ClusterFigures {
        let (mut assigned_slots, mut failed_slots, mut shards_with_slots) = (0, 0, 0);
        for shard in topology.shards.values() {
            let slots = shard.slots.len();
            assigned_slots += slots;
            failed_slots += if is_failed(topology, shard.primary) { slots } else { 0 };
            shards_with_slots += usize::from(slots > 0);
        }
        ClusterFigures {
            assigned_slots,
            failed_slots,
            nodes: topology.nodes.len(),
            failed_nodes: topology.nodes.values().filter(|about| about.is_failed).count(),
            shards_with_slots,
            current_epoch: topology.current_epoch,
            my_epoch: topology.shard_of(me).map_or(0, |(_, shard)| shard.epoch),
        }
    }

    /// Whether every slot has an owner that is within reach.
    pub fn is_well(&self) -> bool {
        self.unreachable_slots() == 0
    }

    /// Slots that have an owner within reach.
    pub fn ok_slots(&self) -> usize {
        self.assigned_slots - self.failed_slots
    }

    /// Slots that have none.
    pub fn unreachable_slots(&self) -> usize {
        SLOT_COUNT - self.ok_slots()
    }
}

/// The lines of the reply: Redis' own, in its order, then ours.
pub(super) fn text(topology: &Topology, me: NodeId) -> String {
    let figures = ClusterFigures::new(topology, me);
    let lines: [(&str, &dyn std::fmt::Display); 14] = [
        ("cluster_state", if figures.is_well() { &"ok" } else { &"fail" }),
        ("cluster_slots_assigned", &figures.assigned_slots),
        ("cluster_slots_ok", &figures.ok_slots()),
        ("cluster_slots_pfail", &0),
        ("cluster_slots_fail", &figures.failed_slots),
        ("cluster_known_nodes", &figures.nodes),
        ("cluster_size", &figures.shards_with_slots),
        ("cluster_current_epoch", &figures.current_epoch),
        ("cluster_my_epoch", &figures.my_epoch),
        ("cluster_stats_messages_sent", &0),
        ("cluster_stats_messages_received", &0),
        ("total_cluster_links_buffer_limit_exceeded", &0),
        ("cluster_name", &topology.cluster),
        ("topology_version", &topology.version),
    ];
    lines.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect()
}
