//! The cluster, and who copies what.

use std::time::Duration;

use skep_cluster::topology::Role;
use skep_command::cluster::Lease;

use super::{Kind, Metric, Read, Samples, counter, gauge, labelled};
use crate::admin::facts::ClusterFacts;
use crate::info::Facts;
use crate::info::replication::{PrimaryFacts, ReplicaFacts};

pub(super) const METRICS: &[Metric] = &[
    gauge("redis_cluster_enabled", "cluster_enabled", "The node is one of a cluster.", |facts| {
        f64::from(facts.is_clustered())
    }),
    of_cluster(
        "cache_cluster_connected_nodes",
        "Nodes of the cluster that this one hears, and itself.",
        |facts| facts.connected_nodes as f64,
    ),
    of_cluster("cache_cluster_expected_nodes", "Nodes that the cluster has.", |facts| {
        facts.figures.nodes as f64
    }),
    of_cluster(
        "cache_cluster_slots_fail",
        "Slots that nobody serves: without an owner, or with one out of reach.",
        |facts| facts.figures.unreachable_slots() as f64,
    ),
    labelled(
        "cache_replication_lag_bytes",
        Kind::Gauge,
        "What a replica has not got yet: as its primary knows it, by replica, and as it knows itself.",
        lag_bytes,
    ),
    of_cluster("redis_cluster_state", "Every slot has an owner within reach.", |facts| {
        f64::from(facts.figures.is_well())
    }),
    of_cluster("redis_cluster_slots_assigned", "Slots with an owner.", |facts| {
        facts.figures.assigned_slots as f64
    }),
    of_cluster("redis_cluster_slots_ok", "Slots with an owner within reach.", |facts| {
        facts.figures.ok_slots() as f64
    }),
    of_cluster("redis_cluster_slots_pfail", "Always 0: a node is failed or not.", |_| 0.0),
    of_cluster("redis_cluster_slots_fail", "Slots with an owner out of reach.", |facts| {
        facts.figures.failed_slots as f64
    }),
    of_cluster("redis_cluster_known_nodes", "Nodes that the cluster has.", |facts| {
        facts.figures.nodes as f64
    }),
    of_cluster("redis_cluster_size", "Shards with slots.", |facts| {
        facts.figures.shards_with_slots as f64
    }),
    of_cluster("redis_cluster_current_epoch", "The highest epoch of a shard.", |facts| {
        facts.figures.current_epoch as f64
    }),
    of_cluster("redis_cluster_my_epoch", "The epoch of the node's shard.", |facts| {
        facts.figures.my_epoch as f64
    }),
    of_cluster("skep_topology_version", "The version of the topology.", |facts| {
        facts.routes.topology.version as f64
    }),
    labelled(
        "skep_moved_total",
        Kind::Counter,
        "MOVED replies, by the name that the client has given itself.",
        |facts, out| {
            for (name, count) in facts.node.moved.lock().iter() {
                out.add(&[("client", &String::from_utf8_lossy(name))], *count as f64);
            }
        },
    ),
    labelled(
        "skep_replica_staleness_seconds",
        Kind::Gauge,
        "How old a replica's data may be.",
        |facts, out| {
            let cluster = facts.cluster().and_then(|cluster| cluster.following.as_ref());
            let staleness = cluster.and_then(|following| following.staleness);
            staleness.iter().for_each(|staleness| out.add(&[], staleness.as_secs_f64()));
        },
    ),
    labelled("skep_lease_held", Kind::Gauge, "A primary may serve its slots.", lease_held),
    gauge("redis_connected_slaves", "connected_slaves", "Replicas of this node.", |facts| {
        facts.replication().replicas.len() as f64
    }),
    gauge(
        "redis_master_repl_offset",
        "master_repl_offset",
        "How many bytes of changes this node has logged or, as a replica, applied.",
        |facts| facts.replication().offset_bytes as f64,
    ),
    counter(
        "redis_replica_resyncs_full",
        "sync_full",
        "Times that stripes had to be copied to a replica.",
        |facts| facts.resyncs().full as f64,
    ),
    counter(
        "redis_replica_partial_resync_accepted",
        "sync_partial_ok",
        "Times that a replica went on where it had stopped.",
        |facts| facts.resyncs().partial as f64,
    ),
    counter(
        "skep_replica_copied_stripes_total",
        "sync_copied_stripes",
        "Stripes that were copied to replicas.",
        |facts| facts.resyncs().stripes as f64,
    ),
    labelled(
        "redis_connected_slave_offset_bytes",
        Kind::Gauge,
        "What a replica has acknowledged.",
        |facts, out| each_replica(facts, out, |replica| Some(replica.offset_bytes as f64)),
    ),
    labelled(
        "redis_connected_slave_lag_seconds",
        Kind::Gauge,
        "Since when nothing was heard of a replica.",
        |facts, out| {
            each_replica(facts, out, |replica| replica.silence.as_ref().map(Duration::as_secs_f64));
        },
    ),
    labelled("redis_master_link_up", Kind::Gauge, "A replica hears its primary.", |facts, out| {
        primary(facts, out, |primary, _| Some(f64::from(primary.is_up)));
    }),
    labelled(
        "redis_master_last_io_seconds_ago",
        Kind::Gauge,
        "Since when a replica heard nothing of its primary.",
        |facts, out| primary(facts, out, |primary, _| primary.silence.map(|one| one.as_secs_f64())),
    ),
    labelled(
        "redis_slave_repl_offset",
        Kind::Gauge,
        "What a replica has applied of its primary's changes.",
        |facts, out| primary(facts, out, |_, offset_bytes| Some(offset_bytes as f64)),
    ),
    labelled("redis_slave_info", Kind::Gauge, "A replica's primary: always 1.", |facts, out| {
        if let Some(primary) = &facts.replication().primary {
            let port = primary.port.to_string();
            let labels =
                [("master_host", &*primary.host), ("master_port", &port), ("read_only", "1")];
            out.add(&labels, 1.0);
        }
    }),
];

const fn of_cluster(
    name: &'static str,
    help: &'static str,
    read: fn(&ClusterFacts) -> f64,
) -> Metric {
    Metric { name, kind: Kind::Gauge, help, info: "", read: Read::OfCluster(read) }
}

fn lag_bytes(facts: &Facts<'_>, out: &mut Samples<'_>) {
    let replication = facts.replication();
    for replica in &replication.replicas {
        let id = replica.node.to_string();
        let lag_bytes = replica.lag_bytes.into_iter();
        lag_bytes.for_each(|lag_bytes| out.add(&[("replica", &id)], lag_bytes as f64));
    }
    let lag_bytes = replication.primary.as_ref().and_then(|primary| primary.lag_bytes);
    if let (Some(cluster), Some(lag_bytes)) = (facts.cluster(), lag_bytes) {
        out.add(&[("replica", &cluster.routes.me.to_string())], lag_bytes as f64);
    }
}

fn lease_held(facts: &Facts<'_>, out: &mut Samples<'_>) {
    let primary = facts.cluster().filter(|cluster| cluster.routes.role == Some(Role::Primary));
    let lease = primary.and_then(|cluster| cluster.lease);
    lease.iter().for_each(|lease| out.add(&[], f64::from(*lease == Lease::Held)));
}

fn each_replica(facts: &Facts<'_>, out: &mut Samples<'_>, value: fn(&ReplicaFacts) -> Option<f64>) {
    for replica in &facts.replication().replicas {
        let port = replica.port.to_string();
        let labels =
            [("slave_ip", &*replica.host), ("slave_port", &port), ("slave_state", replica.state())];
        value(replica).iter().for_each(|value| out.add(&labels, *value));
    }
}

/// A value about a replica's primary, which is given with how much the replica has applied.
fn primary(facts: &Facts<'_>, out: &mut Samples<'_>, value: fn(&PrimaryFacts, u64) -> Option<f64>) {
    let replication = facts.replication();
    let Some(primary) = &replication.primary else { return };
    let port = primary.port.to_string();
    let labels = [("master_host", &*primary.host), ("master_port", &port)];
    let value = value(primary, replication.offset_bytes);
    value.iter().for_each(|value| out.add(&labels, *value));
}
