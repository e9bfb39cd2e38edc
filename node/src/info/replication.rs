//! INFO replication: what a node copies from whom, in Redis's terms.

use std::fmt::Write as _;
use std::time::Duration;

use skep_cluster::topology::{NodeAddress, Role};
use skep_keyspace::NodeId;

use crate::admin::facts::ClusterFacts;
use crate::info::Facts;
use crate::node::Node;

/// Who copies what.
pub(crate) struct ReplicationFacts {
    /// The name of the history that is copied, 40 hexadecimal digits: the shard's, or the run's of a
    /// node on its own.
    pub(crate) history: String,
    /// How far the log goes, as this node knows it.
    pub(crate) offset_bytes: u64,
    /// What this node copies from, if it is a replica.
    pub(crate) primary: Option<PrimaryFacts>,
    /// Who copies from it.
    pub(crate) replicas: Vec<ReplicaFacts>,
}

/// The primary of a replica.
pub(crate) struct PrimaryFacts {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The replica receives what the primary writes.
    pub(crate) is_up: bool,
    /// Since when nothing has been heard of it, if that is known.
    pub(crate) silence: Option<Duration>,
    /// The replica lacks something of what was acknowledged before.
    pub(crate) is_syncing: bool,
    /// What the replica has not applied yet, if that is known.
    pub(crate) lag_bytes: Option<u64>,
    /// How old its data may be, if that is known.
    pub(crate) staleness: Option<Duration>,
}

/// A replica of a primary.
pub(crate) struct ReplicaFacts {
    pub(crate) node: NodeId,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// It has all that was acknowledged, or nearly; else it is catching up.
    pub(crate) is_online: bool,
    pub(crate) offset_bytes: u64,
    /// Since when nothing has been heard of it, if that is known.
    pub(crate) silence: Option<Duration>,
    /// What it has not acknowledged yet, if that is known.
    pub(crate) lag_bytes: Option<u64>,
}

impl ReplicationFacts {
    /// Of a node that runs alone: nobody copies anything.
    pub(crate) fn standalone(node: &Node) -> ReplicationFacts {
        ReplicationFacts {
            history: node.run_id.clone(),
            offset_bytes: 0,
            primary: None,
            replicas: Vec::new(),
        }
    }

    /// Of a node of a cluster.
    pub(crate) fn of_cluster(node: &Node, cluster: &ClusterFacts) -> ReplicationFacts {
        let mut facts = ReplicationFacts::standalone(node);
        let Some((id, shard)) = cluster.routes.my_shard() else { return facts };
        facts.history = id.to_string();
        facts.offset_bytes = cluster.offset_bytes.unwrap_or(0);
        match cluster.routes.role {
            Some(Role::Replica { .. }) => {
                facts.primary = Some(PrimaryFacts::new(cluster, shard.primary));
            }
            _ => {
                let replicas = shard.replicas.iter();
                facts.replicas = replicas.map(|&id| ReplicaFacts::new(cluster, id)).collect();
            }
        }
        facts
    }

    /// `master` or `slave`.
    pub(crate) fn role(&self) -> &'static str {
        if self.primary.is_some() { "slave" } else { "master" }
    }
}

impl PrimaryFacts {
    fn new(cluster: &ClusterFacts, id: NodeId) -> PrimaryFacts {
        let address = address(cluster, id);
        let following = cluster.following.as_ref();
        PrimaryFacts {
            host: address.host,
            port: address.client_port,
            is_up: following.is_some_and(|following| following.is_up),
            silence: following.and_then(|following| following.silence),
            is_syncing: cluster.routes.role != Some(Role::Replica { is_in_sync: true }),
            lag_bytes: following.and_then(|following| following.lag_bytes),
            staleness: following.and_then(|following| following.staleness),
        }
    }

    /// `up` or `down`.
    fn link(&self) -> &'static str {
        if self.is_up { "up" } else { "down" }
    }
}

impl ReplicaFacts {
    fn new(cluster: &ClusterFacts, id: NodeId) -> ReplicaFacts {
        let address = address(cluster, id);
        let progress = cluster.replicas.iter().find(|progress| progress.node == id);
        let role = cluster.routes.topology.role(id);
        ReplicaFacts {
            node: id,
            host: address.host,
            port: address.client_port,
            is_online: role == Some(Role::Replica { is_in_sync: true }),
            offset_bytes: progress.map_or(0, |progress| progress.offset_bytes),
            silence: progress.and_then(|progress| progress.silence),
            lag_bytes: progress.and_then(|progress| progress.lag_bytes),
        }
    }

    /// `online`, or `wait` while it is catching up.
    pub(crate) fn state(&self) -> &'static str {
        if self.is_online { "online" } else { "wait" }
    }
}

fn address(cluster: &ClusterFacts, id: NodeId) -> NodeAddress {
    let about = cluster.routes.topology.nodes.get(&id);
    about.map(|about| about.address.clone()).unwrap_or_default()
}

pub(super) fn replication(facts: &Facts<'_>, out: &mut String) {
    let facts = facts.replication();
    lines!(out, "role": facts.role());
    if let Some(primary) = &facts.primary {
        of_replica(primary, facts.offset_bytes, out);
    }
    lines!(out, "connected_slaves": facts.replicas.len());
    for (number, replica) in facts.replicas.iter().enumerate() {
        of_primary(number, replica, out);
    }
    lines!(out,
        "master_failover_state": "no-failover",
        "master_replid": facts.history,
        "master_replid2": "0000000000000000000000000000000000000000",
        "master_repl_offset": facts.offset_bytes,
        "second_repl_offset": -1,
        "repl_backlog_active": 0,
        "repl_backlog_size": 0,
        "repl_backlog_first_byte_offset": 0,
        "repl_backlog_histlen": 0,
    );
}

/// What a replica says of its primary.
fn of_replica(primary: &PrimaryFacts, offset_bytes: u64, out: &mut String) {
    let silence_seconds = primary.silence.map_or(-1, |silence| silence.as_secs() as i64);
    lines!(out,
        "master_host": primary.host,
        "master_port": primary.port,
        "master_link_status": primary.link(),
        "master_last_io_seconds_ago": silence_seconds,
        "master_sync_in_progress": u8::from(primary.is_syncing),
        "slave_read_repl_offset": offset_bytes,
        "slave_repl_offset": offset_bytes,
    );
    if !primary.is_up {
        lines!(out, "master_link_down_since_seconds": silence_seconds);
    }
    lines!(out, "slave_priority": 100, "slave_read_only": 1, "replica_announced": 1);
    if let Some(lag_bytes) = primary.lag_bytes {
        lines!(out, "slave_lag_bytes": lag_bytes);
    }
    if let Some(staleness) = primary.staleness {
        lines!(out, "slave_staleness_ms": staleness.as_millis());
    }
}

/// What a primary says of a replica; `lag_bytes` is ours.
fn of_primary(number: usize, replica: &ReplicaFacts, out: &mut String) {
    let lag_seconds = replica.silence.map_or(0, |silence| silence.as_secs());
    let (host, port, state) = (&replica.host, replica.port, replica.state());
    let offset = replica.offset_bytes;
    let _ = write!(
        out,
        "slave{number}:ip={host},port={port},state={state},offset={offset},lag={lag_seconds}"
    );
    if let Some(lag_bytes) = replica.lag_bytes {
        let _ = write!(out, ",lag_bytes={lag_bytes}");
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::facts::{Following, ReplicaProgress};
    use crate::admin::fixture;

    /// The section of a node of the fixture's cluster.
    fn section(cluster: ClusterFacts) -> Vec<String> {
        let node = fixture::node(|settings| settings.cluster.is_enabled = true);
        let (facts, mut out) = (Facts::with_cluster(&node, cluster), String::new());
        replication(&facts, &mut out);
        out.lines().map(str::to_owned).collect()
    }

    fn second(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn a_primary_lists_its_replicas_and_how_far_behind_they_are() {
        let mut cluster = fixture::facts(1);
        cluster.offset_bytes = Some(1000);
        let node = fixture::id(3);
        let progress =
            ReplicaProgress { node, offset_bytes: 900, lag_bytes: Some(100), silence: second(2) };
        cluster.replicas.push(progress);
        let lines = section(cluster);
        let replica = "slave0:ip=10.0.0.3,port=7000,state=online,offset=900,lag=2,lag_bytes=100";
        let shard = format!("master_replid:{}", fixture::id(0xa1));
        assert_eq!(lines[..3], ["role:master", "connected_slaves:1", replica]);
        assert_eq!(lines[4], shard);
        assert_eq!(lines[6], "master_repl_offset:1000");
    }

    #[test]
    fn a_replica_of_which_nothing_is_known_yet_is_listed() {
        let mut topology = fixture::topology();
        topology.shards.values_mut().for_each(|shard| shard.in_sync.clear());
        let lines = section(fixture::facts_of(topology, 1));
        assert_eq!(lines[2], "slave0:ip=10.0.0.3,port=7000,state=wait,offset=0,lag=0");
    }

    #[test]
    fn a_replica_names_its_primary_and_says_whether_it_hears_it() {
        let mut cluster = fixture::facts(3);
        cluster.offset_bytes = Some(900);
        cluster.following = Some(Following {
            is_up: true,
            silence: second(1),
            staleness: Some(Duration::from_millis(40)),
            lag_bytes: Some(100),
        });
        let lines = section(cluster);
        let expected = [
            "role:slave",
            "master_host:10.0.0.1",
            "master_port:7000",
            "master_link_status:up",
            "master_last_io_seconds_ago:1",
            "master_sync_in_progress:0",
            "slave_read_repl_offset:900",
            "slave_repl_offset:900",
            "slave_priority:100",
            "slave_read_only:1",
            "replica_announced:1",
            "slave_lag_bytes:100",
            "slave_staleness_ms:40",
            "connected_slaves:0",
        ];
        assert_eq!(lines[..expected.len()], expected);
        let down = section(fixture::facts(3));
        assert_eq!(down[3..5], ["master_link_status:down", "master_last_io_seconds_ago:-1"]);
        assert!(down.contains(&"master_link_down_since_seconds:-1".to_owned()), "{down:?}");
    }

    #[test]
    fn a_node_without_a_place_in_the_cluster_is_a_primary_of_nobody() {
        let lines = section(fixture::facts(9));
        assert_eq!(lines[..2], ["role:master", "connected_slaves:0"]);
    }
}
