//! `CLUSTER INFO`: whether the cluster is well, in figures.

use skep_cluster::Topology;
use skep_keyspace::{NodeId, SLOT_COUNT};

use super::nodes::is_failed;

/// The lines of the reply: Redis' own, in its order, then ours.
pub(super) fn text(topology: &Topology, me: NodeId) -> String {
    let (mut assigned, mut failed, mut size) = (0, 0, 0);
    for shard in topology.shards.values() {
        let slots = shard.slots.len();
        assigned += slots;
        failed += if is_failed(topology, shard.primary) { slots } else { 0 };
        size += usize::from(slots > 0);
    }
    let is_well = assigned == SLOT_COUNT && failed == 0;
    let my_epoch = topology.shard_of(me).map_or(0, |(_, shard)| shard.epoch);
    let figures: [(&str, &dyn std::fmt::Display); 14] = [
        ("cluster_state", if is_well { &"ok" } else { &"fail" }),
        ("cluster_slots_assigned", &assigned),
        ("cluster_slots_ok", &(assigned - failed)),
        ("cluster_slots_pfail", &0),
        ("cluster_slots_fail", &failed),
        ("cluster_known_nodes", &topology.nodes.len()),
        ("cluster_size", &size),
        ("cluster_current_epoch", &topology.current_epoch),
        ("cluster_my_epoch", &my_epoch),
        ("cluster_stats_messages_sent", &0),
        ("cluster_stats_messages_received", &0),
        ("total_cluster_links_buffer_limit_exceeded", &0),
        ("cluster_name", &topology.cluster),
        ("topology_version", &topology.version),
    ];
    figures.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect()
}
