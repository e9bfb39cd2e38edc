//! A cluster for tests: node 1 has slots 0-5460 and replicas 4 (in sync) and 5 (catching up), node
//! 2 has 5461-10922 and 12000, node 3 has none. Slots from 12001 on are nobody's.

use std::sync::Arc;

use skep_cluster::topology::{Node, NodeAddress};
use skep_cluster::{Shard, ShardId, Topology};
use skep_keyspace::NodeId;

use super::Routes;
use crate::testing::Bench;

/// The id of a node.
pub(crate) fn id(number: u8) -> NodeId {
    NodeId([number; 20])
}

/// The name of the shard that a node founded.
pub(crate) fn shard_id(number: u8) -> ShardId {
    ShardId(id(0xa0 + number))
}

/// The cluster.
pub(crate) fn topology() -> Topology {
    let mut topology = Topology { version: 42, cluster: "bees".to_owned(), ..Topology::default() };
    for number in 1..=5 {
        let address = NodeAddress {
            host: format!("10.0.0.{number}"),
            client_port: 7000,
            mesh_port: 17000,
            bulk_port: 17001,
        };
        topology.nodes.insert(id(number), Node { address, ..Node::default() });
    }
    let shard = |primary, epoch, slots: &str, replicas: &[u8], in_sync: &[u8]| Shard {
        epoch,
        primary: id(primary),
        slots: slots.parse().unwrap(),
        replicas: replicas.iter().map(|&number| id(number)).collect(),
        in_sync: in_sync.iter().map(|&number| id(number)).collect(),
        ..Shard::default()
    };
    topology.current_epoch = 7;
    topology.shards.insert(shard_id(1), shard(1, 3, "0-5460", &[4, 5], &[4]));
    topology.shards.insert(shard_id(2), shard(2, 7, "5461-10922,12000", &[], &[]));
    topology.shards.insert(shard_id(3), shard(3, 0, "", &[], &[]));
    assert_eq!(topology.check_invariants(), Ok(()));
    topology
}

/// A bench at a node of the cluster.
pub(crate) fn bench(number: u8) -> Bench {
    bench_of(number, topology())
}

/// A bench at a node of another cluster.
pub(crate) fn bench_of(number: u8, topology: Topology) -> Bench {
    let mut bench = Bench::new();
    bench.server.routes = Some(Arc::new(Routes::new(id(number), Arc::new(topology))));
    bench
}
