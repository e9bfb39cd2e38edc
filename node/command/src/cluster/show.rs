//! The commands that tell about the cluster: what is said comes from the topology alone, so that
//! every node says the same of the same version.

use std::sync::Arc;

use skep_cluster::topology::Role;
use skep_cluster::{Shard, Topology};
use skep_keyspace::{NodeId, Slot};
use skep_resp::Args;

use super::answers::Question;
use super::{Routes, nodes, state};
use crate::cx::Cx;
use crate::error::CommandError;

impl Routes {
    /// Whether this node has what another one may write.
    pub fn is_replica(&self) -> bool {
        matches!(self.role, Some(Role::Replica { .. }))
    }
}

/// The cluster as this node sees it.
///
/// # Errors
/// The node runs alone.
pub(crate) fn routes(cx: &Cx<'_>) -> Result<Arc<Routes>, CommandError> {
    cx.server.routes().ok_or(CommandError::NO_CLUSTER)
}

/// The node that an argument names, and its shard.
pub(super) fn member<'t>(
    topology: &'t Topology,
    argument: &[u8],
) -> Result<(NodeId, &'t Shard), CommandError> {
    let id = std::str::from_utf8(argument).ok().and_then(|text| text.parse().ok());
    let found = id.and_then(|id| topology.shard_of(id).map(|(_, shard)| (id, shard)));
    found.ok_or_else(|| unknown_node(argument))
}

/// A name that no node has.
pub(super) fn unknown_node(argument: &[u8]) -> CommandError {
    CommandError::quoting("ERR Unknown node ", argument, "")
}

fn answer(cx: &mut Cx<'_>, question: Question) -> Result<(), CommandError> {
    let bytes = routes(cx)?.answer(question, cx.reply.protocol());
    cx.reply.raw_shared(bytes);
    Ok(())
}

/// `CLUSTER SLOTS`.
pub(crate) fn slots(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    answer(cx, Question::Slots)
}

/// `CLUSTER SHARDS`.
pub(crate) fn shards(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    answer(cx, Question::Shards)
}

/// `CLUSTER NODES`.
pub(crate) fn nodes(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    answer(cx, Question::Nodes)
}

/// `CLUSTER RING`.
pub(crate) fn ring(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    answer(cx, Question::Ring)
}

/// `CLUSTER INFO`.
pub(crate) fn info(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    cx.reply.verbatim("txt", state::text(&routes.shown(), routes.me).as_bytes());
    Ok(())
}

/// `CLUSTER MYID`.
pub(crate) fn myid(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    cx.reply.bulk(routes.me.to_string().as_bytes());
    Ok(())
}

/// `CLUSTER MYSHARDID`.
pub(crate) fn myshardid(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let shown = routes.shown();
    let (id, _) = shown.shard_of(routes.me).ok_or(CommandError::NO_CLUSTER)?;
    cx.reply.bulk(id.to_string().as_bytes());
    Ok(())
}

/// `CLUSTER LINKS`.
pub(crate) fn links(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    let links = cx.server.links();
    cx.reply.array(links.len());
    for link in links {
        cx.reply.map(6);
        cx.reply.bulk(b"direction");
        cx.reply.bulk(if link.is_outgoing { b"to" } else { b"from" });
        cx.reply.bulk(b"node");
        cx.reply.bulk(link.peer.to_string().as_bytes());
        cx.reply.bulk(b"create-time");
        cx.reply.integer(link.since_unix_ms as i64);
        // What the event loop of Redis waits for: it reads, and writes where something is left.
        cx.reply.bulk(b"events");
        cx.reply.bulk(if link.unsent_bytes > 0 { b"rw" } else { b"r" });
        cx.reply.bulk(b"send-buffer-allocated");
        cx.reply.integer(link.allocated_bytes as i64);
        cx.reply.bulk(b"send-buffer-used");
        cx.reply.integer(link.unsent_bytes as i64);
    }
    Ok(())
}

/// `CLUSTER KEYSLOT key`.
pub(crate) fn keyslot(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    cx.reply.integer(i64::from(Slot::of(&args[2]).number()));
    Ok(())
}

/// `CLUSTER REPLICAS node-id`, and SLAVES.
pub(crate) fn replicas(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let topology = routes.shown();
    let (id, shard) = member(&topology, &args[2])?;
    if shard.primary != id {
        return Err(CommandError::text("ERR The specified node is not a master"));
    }
    cx.reply.array(shard.replicas.len());
    for &replica in &shard.replicas {
        cx.reply.bulk(nodes::line(&topology, shard, replica, routes.me).as_bytes());
    }
    Ok(())
}

/// `CLUSTER COUNT-FAILURE-REPORTS node-id`: one judgement, that of all, instead of many reports.
pub(crate) fn count_failure_reports(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let topology = routes.shown();
    let (id, _) = member(&topology, &args[2])?;
    cx.reply.integer(i64::from(nodes::is_failed(&topology, id)));
    Ok(())
}

/// `CLUSTER SAVECONFIG`: the topology is on disk before anybody hears of it.
pub(crate) fn saveconfig(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    cx.reply.ok();
    Ok(())
}

/// `READONLY`.
pub(crate) fn readonly(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    cx.client.reads_replica = true;
    cx.reply.ok();
    Ok(())
}

/// `READWRITE`.
pub(crate) fn readwrite(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    cx.client.reads_replica = false;
    cx.reply.ok();
    Ok(())
}

/// `ASKING`: accepted without effect, because no node answers `-ASK`.
pub(crate) fn asking(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    cx.reply.ok();
    Ok(())
}

const HELP: &[&str] = &[
    "CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ADDSLOTS <slot> [<slot> ...]",
    "    Serve slots that no node serves.",
    "ADDSLOTSRANGE <start-slot> <end-slot> [<start-slot> <end-slot> ...]",
    "    Serve ranges of slots that no node serves.",
    "BUMPEPOCH",
    "    Give this node's shard an epoch above all others.",
    "COUNT-FAILURE-REPORTS <node-id>",
    "    Tell whether the cluster holds the node for failed: 0 or 1.",
    "COUNTKEYSINSLOT <slot>",
    "    Count the keys of a slot that this node has.",
    "DELSLOTS <slot> [<slot> ...]",
    "    Give up empty slots of this node.",
    "DELSLOTSRANGE <start-slot> <end-slot> [<start-slot> <end-slot> ...]",
    "    Give up ranges of empty slots of this node.",
    "FAILOVER [FORCE|TAKEOVER]",
    "    Make this replica the primary of its shard.",
    "FLUSHSLOTS",
    "    Give up all slots of this node, which has no keys.",
    "FORGET <node-id>",
    "    Turn a node out of the cluster.",
    "GETKEYSINSLOT <slot> <count>",
    "    List keys of a slot that this node has.",
    "INFO",
    "    Show whether the cluster is well, in figures.",
    "KEYSLOT <key>",
    "    Compute the slot of a key.",
    "LINKS",
    "    Show the connections between this node and the others.",
    "MEET <host> <port> [<mesh-port>]",
    "    Join another node's cluster, or take that node in.",
    "MYID",
    "    Show this node's id.",
    "MYSHARDID",
    "    Show the id of this node's shard.",
    "NODES",
    "    List all nodes, a line each:",
    "    <id> <host>:<port>@<mesh-port> <flags> <primary> <ping> <pong> <epoch> <link> <slots>",
    "PLACE [VNODES <virtual-nodes>]",
    "    Give slots that no node serves to the primaries, by the ring; not to proxies.",
    "REPLICAS <node-id>",
    "    List the replicas of a primary.",
    "REPLICATE <node-id>",
    "    Make this node a replica of that primary.",
    "RESET [HARD|SOFT]",
    "    Leave the cluster; with HARD under a new id.",
    "RING",
    "    Show as JSON what a client needs to find the nodes of keys by itself.",
    "SAVECONFIG",
    "    Do nothing: what the nodes agree on is always saved.",
    "SET-CONFIG-EPOCH <epoch>",
    "    Give a fresh node's shard its first epoch.",
    "SHARDS",
    "    List the shards with their slots and nodes.",
    "SLOT-STATS SLOTSRANGE <start-slot> <end-slot>",
    "SLOT-STATS ORDERBY <metric> [LIMIT <limit>] [ASC|DESC]",
    "    Show figures of slots of this node; the only metric is key-count.",
    "SLOTS",
    "    List ranges of slots with their nodes.",
];

/// `CLUSTER HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    crate::introspection::help(cx, HELP)
}

#[cfg(test)]
mod tests;
