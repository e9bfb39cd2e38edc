//! The cluster that a run begins with.

use skep_keyspace::NodeId;

use super::Plant;
use super::faults::MS;
use super::random::Random;
use crate::shard::Timings;
use crate::topology::{Change, Entry, Node, ShardId, Topology};

pub(super) fn id(index: usize) -> NodeId {
    NodeId([index as u8 + 1; 20])
}

pub(super) fn index(id: NodeId) -> usize {
    usize::from(id.0[0]) - 1
}

pub(super) fn shard(index: usize) -> ShardId {
    ShardId(NodeId([index as u8 + 100; 20]))
}

pub(super) fn timings(plant: Option<Plant>) -> Timings {
    let grace = if plant == Some(Plant::GraceBelowLease) { 250 * MS } else { Timings::LAN.grace };
    // Short, so that hand-overs are given up often.
    let timings = Timings { grace, hand_over: 100 * MS, ..Timings::LAN };
    assert_eq!(timings.check().is_ok(), plant != Some(Plant::GraceBelowLease));
    timings
}

/// Five to seven nodes in two shards of a primary and one or two replicas, and the rest alone.
/// Replicas are not in sync yet.
pub(super) fn topology(random: &mut Random) -> Topology {
    let sizes = [random.range(2, 3) as usize, random.range(2, 3) as usize];
    let nodes = random.range(5, 7).max((sizes[0] + sizes[1]) as u64) as usize;
    let mut topology = Topology::default();
    let mut run = |change| {
        let entry = Entry { proposer: id(0), asked_by: "the setup".to_owned(), change };
        topology.apply(&entry).unwrap();
    };
    let about = Node { incarnation: 1, ..Node::default() };
    run(Change::Found {
        cluster: "bees".to_owned(),
        node: id(0),
        about: about.clone(),
        shard: shard(0),
    });
    for node in 1..nodes {
        let (about, claims) = (about.clone(), "".parse().unwrap());
        run(Change::Admit { node: id(node), about, shard: shard(node), epoch: 0, claims });
    }
    for (first, size) in [(0, sizes[0]), (sizes[0], sizes[1])] {
        let slots = if first == 0 { "0-8191" } else { "8192-16383" };
        run(Change::AddSlots { shard: shard(first), slots: slots.parse().unwrap() });
        for node in first + 1..first + size {
            run(Change::Replicate { node: id(node), shard: shard(first) });
        }
    }
    topology
}
