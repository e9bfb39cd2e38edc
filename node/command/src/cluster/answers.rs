//! Replies about the whole cluster: the same bytes for everybody until the topology changes.
//!
//! Clients ask for them whenever a connection breaks or a slot has moved, all at once; so each is
//! written once per version and protocol. Bounded by the topology: some hundred bytes per node and
//! range of slots, times eight.

use std::sync::OnceLock;

use bytes::Bytes;
use skep_cluster::{Shard, Topology};
use skep_keyspace::{NodeId, SlotRange};
use skep_resp::{Protocol, Reply};

use super::{Routes, nodes, ring};

/// What is asked.
#[derive(Clone, Copy)]
pub(crate) enum Question {
    /// `CLUSTER SLOTS`.
    Slots,
    /// `CLUSTER SHARDS`.
    Shards,
    /// `CLUSTER NODES`.
    Nodes,
    /// `CLUSTER RING`.
    Ring,
}

const QUESTIONS: usize = 4;
const PROTOCOLS: usize = 2;

/// Replies that have been written.
#[derive(Default)]
pub(crate) struct Answers([[OnceLock<Bytes>; PROTOCOLS]; QUESTIONS]);

impl Routes {
    /// The whole reply to a question.
    pub(crate) fn answer(&self, question: Question, protocol: Protocol) -> Bytes {
        let is_resp3 = usize::from(protocol == Protocol::Resp3);
        let write = || {
            let mut reply = Reply::new(protocol);
            let topology = self.shown();
            match question {
                Question::Slots => slots(&mut reply, &topology),
                Question::Shards => shards(&mut reply, &topology),
                Question::Nodes => {
                    reply.verbatim("txt", nodes::text(&topology, self.me).as_bytes());
                }
                Question::Ring => reply.bulk(ring::document(&topology).as_bytes()),
            }
            Bytes::from(reply.into_bytes())
        };
        self.answers.0[question as usize][is_resp3].get_or_init(write).clone()
    }
}

/// Ranges of slots in ascending order; each with its primary and the replicas that may be read.
fn slots(reply: &mut Reply, topology: &Topology) {
    let mut ranges: Vec<(SlotRange, &Shard)> = Vec::new();
    for shard in topology.shards.values() {
        ranges.extend(shard.slots.ranges().map(|range| (range, shard)));
    }
    ranges.sort_unstable_by_key(|(range, _)| range.first);
    reply.array(ranges.len());
    for (range, shard) in ranges {
        // As in Redis, a replica that has not got everything yet, or does not answer, is left out.
        let is_readable = |id: &&NodeId| !nodes::is_failed(topology, **id);
        let replicas: Vec<NodeId> = shard.in_sync.iter().filter(is_readable).copied().collect();
        reply.array(3 + replicas.len());
        reply.integer(i64::from(range.first));
        reply.integer(i64::from(range.last));
        for id in std::iter::once(shard.primary).chain(replicas) {
            let address = nodes::address(topology, id);
            reply.array(4);
            reply.bulk(address.host.as_bytes());
            reply.integer(i64::from(address.client_port));
            reply.bulk(id.to_string().as_bytes());
            reply.map(0);
        }
    }
}

/// Shards, those without slots too, with all their nodes.
fn shards(reply: &mut Reply, topology: &Topology) {
    reply.array(topology.shards.len());
    for shard in topology.shards.values() {
        // No more than these two: some clients refuse a field that they do not know.
        reply.map(2);
        reply.bulk(b"slots");
        let ranges: Vec<SlotRange> = shard.slots.ranges().collect();
        reply.array(2 * ranges.len());
        for number in ranges.iter().flat_map(|range| [range.first, range.last]) {
            reply.integer(i64::from(number));
        }
        reply.bulk(b"nodes");
        let members: Vec<NodeId> = shard.members().collect();
        reply.array(members.len());
        members.into_iter().for_each(|id| shard_node(reply, topology, shard, id));
    }
}

fn shard_node(reply: &mut Reply, topology: &Topology, shard: &Shard, id: NodeId) {
    let address = nodes::address(topology, id);
    let name = nodes::host_name(address);
    let is_primary = id == shard.primary;
    let health = match () {
        () if nodes::is_failed(topology, id) => "fail",
        () if is_primary || shard.in_sync.contains(&id) => "online",
        () => "loading",
    };
    let text = |reply: &mut Reply, field: &str, value: &str| {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    };
    reply.map(7 + usize::from(name.is_some()));
    text(reply, "id", &id.to_string());
    reply.bulk(b"port");
    reply.integer(i64::from(address.client_port));
    text(reply, "ip", &address.host);
    text(reply, "endpoint", &address.host);
    if let Some(name) = name {
        text(reply, "hostname", name);
    }
    text(reply, "role", if is_primary { "master" } else { "replica" });
    // It changes with every write, and this reply does not; ROLE has it.
    reply.bulk(b"replication-offset");
    reply.integer(0);
    text(reply, "health", health);
}
