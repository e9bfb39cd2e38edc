//! Each kind of change by example (`changes`), sequences of any of them (`sequences`), and what is
//! built of a topology (`views`).

mod changes;
mod sequences;
mod views;

use skep_keyspace::{NodeId, SlotSet};

use super::{Change, Entry, Node, Refusal, Shard, ShardId, Topology};

fn node(number: u8) -> NodeId {
    NodeId([number; 20])
}

fn shard(number: u8) -> ShardId {
    ShardId(NodeId([100 + number; 20]))
}

fn about(incarnation: u64) -> Node {
    Node { incarnation, ..Node::default() }
}

fn slots(text: &str) -> SlotSet {
    text.parse().unwrap()
}

fn entry(change: Change) -> Entry {
    Entry { proposer: node(0), asked_by: "a test".to_owned(), change }
}

impl Topology {
    fn run(&mut self, change: Change) -> Result<(), Refusal> {
        let outcome = self.apply(&entry(change));
        self.check_invariants().unwrap();
        outcome
    }

    fn at(&self, number: u8) -> &Shard {
        &self.shards[&shard(number)]
    }
}

/// Nodes 0 to `count - 1`, each of incarnation 1 in a shard of its own number, without slots.
fn singletons(count: u8) -> Topology {
    let mut topology = Topology::default();
    let first = Change::Found {
        cluster: "bees".to_owned(),
        node: node(0),
        about: about(1),
        shard: shard(0),
    };
    topology.run(first).unwrap();
    for number in 1..count {
        topology.run(admit(number, "")).unwrap();
    }
    topology
}

fn admit(number: u8, claims: &str) -> Change {
    Change::Admit {
        node: node(number),
        about: about(1),
        shard: shard(number),
        epoch: 0,
        claims: slots(claims),
    }
}

/// Shard 0: node 0 with all slots, nodes 1 and 2 its replicas in sync. Node 3 alone in shard 3.
fn trio() -> Topology {
    let mut topology = singletons(4);
    topology.run(Change::AddSlots { shard: shard(0), slots: slots("0-16383") }).unwrap();
    for number in [1, 2] {
        topology.run(Change::Replicate { node: node(number), shard: shard(0) }).unwrap();
        let revision = topology.at(0).revision;
        topology.run(Change::Extend { shard: shard(0), revision, node: node(number) }).unwrap();
    }
    topology
}
