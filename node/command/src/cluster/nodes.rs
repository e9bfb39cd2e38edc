//! Nodes as lines of text, as `CLUSTER NODES` has them and `redis-cli --cluster` reads them.

use core::net::IpAddr;
use std::borrow::Cow;
use std::fmt::Write;

use skep_cluster::topology::{Node, NodeAddress};
use skep_cluster::{Shard, ShardId, Topology};
use skep_keyspace::NodeId;

use super::Routes;

impl Routes {
    /// The topology with this node in it: one that no cluster has taken in stands alone in a shard
    /// that nobody else knows.
    pub(crate) fn shown(&self) -> Cow<'_, Topology> {
        if self.role.is_some() {
            return Cow::Borrowed(&self.topology);
        }
        let mut topology = Topology::clone(&self.topology);
        topology.nodes.insert(self.me, Node::default());
        let shard = Shard { primary: self.me, ..Shard::default() };
        topology.shards.insert(ShardId(self.me), shard);
        Cow::Owned(topology)
    }
}

/// All nodes, a line each.
pub(super) fn text(topology: &Topology, me: NodeId) -> String {
    let mut text = String::new();
    for shard in topology.shards.values() {
        for id in shard.members() {
            text.push_str(&line(topology, shard, id, me));
            text.push('\n');
        }
    }
    text
}

/// The line of a shard's member, without a line end: `<id> <host>:<port>@<mesh port>[,<name>]
/// <flags> <primary> <ping sent> <pong received> <epoch> <link> <slots> ...`. There are no pings to
/// tell of.
pub(super) fn line(topology: &Topology, shard: &Shard, id: NodeId, me: NodeId) -> String {
    let (address, is_failed) = (address(topology, id), is_failed(topology, id));
    let NodeAddress { host, client_port, mesh_port, .. } = address;
    let (is_me, is_primary) = (id == me, id == shard.primary);
    let flags = [
        (is_me, "myself"),
        (is_primary, "master"),
        (!is_primary, "slave"),
        (is_failed, "fail"),
        (!is_me && host.is_empty(), "noaddr"),
    ];
    let flags: Vec<&str> = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
    let primary = if is_primary { "-".to_owned() } else { shard.primary.to_string() };
    let name = host_name(address).map(|name| format!(",{name}")).unwrap_or_default();
    let link = if is_failed && !is_me { "disconnected" } else { "connected" };
    let mut line = format!(
        "{id} {host}:{client_port}@{mesh_port}{name} {} {primary} 0 0 {} {link}",
        flags.join(","),
        shard.epoch
    );
    if is_primary {
        for range in shard.slots.ranges() {
            // Writing to a text cannot fail.
            let _ = write!(line, " {range}");
        }
    }
    line
}

/// Where a node is; nowhere, for one that is not in the topology.
pub(crate) fn address(topology: &Topology, id: NodeId) -> &NodeAddress {
    static NOWHERE: NodeAddress =
        NodeAddress { host: String::new(), client_port: 0, mesh_port: 0, bulk_port: 0 };
    topology.nodes.get(&id).map_or(&NOWHERE, |about| &about.address)
}

/// Whether a node is out of reach.
pub(crate) fn is_failed(topology: &Topology, id: NodeId) -> bool {
    topology.nodes.get(&id).is_some_and(|about| about.is_failed)
}

/// The host of an address, where that is a name.
pub(super) fn host_name(address: &NodeAddress) -> Option<&str> {
    let is_name = !address.host.is_empty() && address.host.parse::<IpAddr>().is_err();
    is_name.then_some(&address.host)
}
