//! For tests: a node, and a cluster of three. Node 1 has slots 0-8191 and replica 3, node 2 the rest,
//! and it is out of reach.

use std::sync::Arc;

use skep_cluster::topology::{Node as Member, NodeAddress};
use skep_cluster::{Shard, ShardId, Topology};
use skep_command::cluster::Routes;
use skep_keyspace::NodeId;
use skep_store::{Options, Store};

use crate::admin::facts::ClusterFacts;
use crate::config::{Configuration, Machine};
use crate::node::Node;
use crate::settings::Settings;

/// A node on its own, with changed settings.
pub(crate) fn node(change: fn(&mut Settings)) -> Node {
    let store = Options { databases: 16, reserve_bytes: 1 << 30, seed: 1 };
    let configuration = Configuration::new(Machine::detect());
    let node = Node::new(Store::new(&store).unwrap(), configuration, "0".repeat(40));
    let mut settings = Settings::clone(&node.settings.load());
    change(&mut settings);
    node.settings.store(Arc::new(settings));
    node
}

/// The id of a node.
pub(crate) fn id(number: u64) -> NodeId {
    NodeId::from(number)
}

/// See the module.
pub(crate) fn topology() -> Topology {
    let mut topology = Topology { version: 42, cluster: "bees".to_owned(), ..Topology::default() };
    for number in 1..=3 {
        let address = NodeAddress {
            host: format!("10.0.0.{number}"),
            client_port: 7000,
            mesh_port: 17000,
            bulk_port: 18000,
        };
        let (zone, is_failed) = (format!("zone-{number}"), number == 2);
        let about = Member { address, zone, is_failed, ..Member::default() };
        topology.nodes.insert(id(number), about);
    }
    let shard = |primary, epoch, slots: &str, replicas: &[u64]| Shard {
        epoch,
        primary: id(primary),
        slots: slots.parse().unwrap(),
        replicas: replicas.iter().map(|&number| id(number)).collect(),
        in_sync: replicas.iter().map(|&number| id(number)).collect(),
        ..Shard::default()
    };
    topology.current_epoch = 7;
    topology.shards.insert(ShardId(id(0xa1)), shard(1, 3, "0-8191", &[3]));
    topology.shards.insert(ShardId(id(0xa2)), shard(2, 7, "8192-16383", &[]));
    assert_eq!(topology.check_invariants(), Ok(()));
    topology
}

/// A topology as one of its nodes sees it.
pub(crate) fn facts_of(topology: Topology, me: u64) -> ClusterFacts {
    ClusterFacts::of(Arc::new(Routes::new(id(me), Arc::new(topology))))
}

/// The cluster as one of its nodes sees it.
pub(crate) fn facts(me: u64) -> ClusterFacts {
    facts_of(topology(), me)
}
