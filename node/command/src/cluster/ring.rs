//! `CLUSTER RING`: what a client needs to find the node of a key without asking, as JSON.
//!
//! ```text
//! version            of this document's shape: 1. A reader refuses a version that it does not know;
//!                    fields may be added without a new one
//! cluster            the cluster's name
//! topology_version   grows with every change; of two documents of a cluster the higher one holds
//! slot_count         16384. The slot of a key is that of Redis Cluster: the CRC16 (XMODEM) of the key,
//!                    or of what stands between its first { and the next }, if that is not empty
//! shards[]           in the order of their ids
//!   id               40 hexadecimal digits
//!   epoch            grows whenever another node becomes the primary
//!   slots            [first, last] each, ascending: what the shard owns. This alone decides where a
//!                    key is; a slot that stands in no shard is served by nobody
//!   primary          takes reads and writes. A node is: id, host, port, is_failed
//!   replicas[]       take reads after READONLY. Besides: is_in_sync, has all that was acknowledged
//!   weight           how much of the ring is its; 0 for proxies, and where the primary has failed
//! ring               which shard CLUSTER PLACE gives a slot that nobody owns. What was moved, or
//!                    given out by hand, is elsewhere: only `slots` tells
//!   version          of the rule, which `skep_keyspace::ring` describes: 1
//!   hash, seed       of the points: xxh3-64 of "<shard id>#<number>", 0
//!   virtual_nodes    points of a shard of weight 1
//! ```
//! `examples/client_side_sharding/` reads it in Python and in Rust.

use serde::Serialize;
use skep_cluster::topology::{NodeAddress, ring_weight};
use skep_cluster::{Shard, ShardId, Topology};
use skep_keyspace::ring::{RING_VERSION, VIRTUAL_NODES_DEFAULT};
use skep_keyspace::{NodeId, SLOT_COUNT};

use super::nodes;

const DOCUMENT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'t> {
    version: u32,
    cluster: &'t str,
    topology_version: u64,
    slot_count: usize,
    shards: Vec<ShardEntry<'t>>,
    ring: RingEntry,
}

#[derive(Serialize)]
struct ShardEntry<'t> {
    id: String,
    epoch: u64,
    slots: Vec<[u16; 2]>,
    primary: NodeEntry<'t>,
    replicas: Vec<NodeEntry<'t>>,
    weight: f64,
}

#[derive(Serialize)]
struct NodeEntry<'t> {
    id: String,
    host: &'t str,
    port: u16,
    is_failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_in_sync: Option<bool>,
}

#[derive(Serialize)]
struct RingEntry {
    version: u32,
    hash: &'static str,
    seed: u64,
    virtual_nodes: u32,
}

/// The document.
pub(super) fn document(topology: &Topology) -> String {
    let shards = topology.shards.iter().map(|(&id, shard)| shard_entry(topology, id, shard));
    let document = Document {
        version: DOCUMENT_VERSION,
        cluster: &topology.cluster,
        topology_version: topology.version,
        slot_count: SLOT_COUNT,
        shards: shards.collect(),
        ring: RingEntry {
            version: RING_VERSION,
            hash: "xxh3-64",
            seed: 0,
            virtual_nodes: VIRTUAL_NODES_DEFAULT,
        },
    };
    // Texts and numbers are always JSON.
    serde_json::to_string(&document).unwrap_or_default()
}

fn shard_entry<'t>(topology: &'t Topology, id: ShardId, shard: &Shard) -> ShardEntry<'t> {
    let replica = |&id: &NodeId| NodeEntry {
        is_in_sync: Some(shard.in_sync.contains(&id)),
        ..node_entry(topology, id)
    };
    ShardEntry {
        id: id.to_string(),
        epoch: shard.epoch,
        slots: shard.slots.ranges().map(|range| [range.first, range.last]).collect(),
        primary: node_entry(topology, shard.primary),
        replicas: shard.replicas.iter().map(replica).collect(),
        weight: ring_weight(topology, shard),
    }
}

fn node_entry(topology: &Topology, id: NodeId) -> NodeEntry<'_> {
    let NodeAddress { host, client_port, .. } = nodes::address(topology, id);
    let is_failed = nodes::is_failed(topology, id);
    NodeEntry { id: id.to_string(), host, port: *client_port, is_failed, is_in_sync: None }
}

#[cfg(test)]
mod tests;
