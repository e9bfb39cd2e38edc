//! The rules of the core one by one: those of a primary (`primary`), of a replica (`replica`), and of
//! a planned change (`hand_over`). All rules together are for the simulation.

mod hand_over;
mod primary;
mod replica;

use super::*;
use crate::topology::{Change, Entry, Node, ShardId, Topology};

const MS: u64 = 1_000_000;
/// The instant at which tests begin.
const START: u64 = 1_000 * MS;

fn node(number: u8) -> NodeId {
    NodeId([number; 20])
}

fn shard() -> ShardId {
    ShardId(node(100))
}

/// A topology and the cores of its shard's members: node 0 reigns, the others are its replicas.
struct Bench {
    topology: Topology,
    cores: Vec<ShardCore>,
}

impl Bench {
    /// `in_sync` of `count` nodes are replicas in sync.
    fn new(count: u8, in_sync: u8) -> Bench {
        let mut bench = Bench { topology: Topology::default(), cores: Vec::new() };
        let about = || Node { incarnation: 1, ..Node::default() };
        bench.apply(Change::Found {
            cluster: "bees".to_owned(),
            node: node(0),
            about: about(),
            shard: shard(),
        });
        for number in 1..count {
            let (epoch, claims) = (0, "".parse().unwrap());
            let own = ShardId(node(100 + number));
            bench.apply(Change::Admit {
                node: node(number),
                about: about(),
                shard: own,
                epoch,
                claims,
            });
            bench.apply(Change::Replicate { node: node(number), shard: shard() });
        }
        for number in 1..=in_sync {
            let revision = bench.revision();
            bench.apply(Change::Extend { shard: shard(), revision, node: node(number) });
        }
        for number in 0..count {
            bench.cores.push(ShardCore::new(node(number), 1, Timings::LAN));
            let at = usize::from(number);
            bench.cores[at].topology(START, ShardView::of(&bench.topology, node(number)));
        }
        bench
    }

    fn revision(&self) -> u64 {
        self.topology.shards[&shard()].revision
    }

    fn apply(&mut self, change: Change) {
        let proposer = self.topology.shards.get(&shard()).map_or(node(0), |shard| shard.primary);
        let entry = Entry { proposer, asked_by: "a test".to_owned(), change };
        self.topology.apply(&entry).unwrap();
    }

    /// Tells one core the topology.
    fn tell(&mut self, at: usize, now: u64) -> Vec<Action> {
        let view = ShardView::of(&self.topology, node(at as u8));
        self.cores[at].topology(now, view)
    }

    /// Node 0 sends beacons at `sent_at`, and node `to` hears and answers at `heard_at`, having
    /// applied `offset`; node 0 counts the answer then.
    fn exchange(&mut self, to: u8, sent_at: u64, heard_at: u64, offset: u64) -> Vec<Action> {
        let beacon = beacon_for(&self.cores[0].tick(sent_at, 0), node(to));
        let heard = self.cores[usize::from(to)].receive(heard_at, offset, node(0), &beacon);
        let answer = match heard.as_slice() {
            [Action::Send { message: message @ Message::Answer(_), .. }] => message.clone(),
            other => panic!("not one answer: {other:?}"),
        };
        self.cores[0].receive(heard_at, 0, node(to), &answer)
    }
}

/// The beacon for a node among what a primary does.
fn beacon_for(actions: &[Action], node: NodeId) -> Message {
    let beacon = actions.iter().find_map(|action| match action {
        Action::Send { to, message: message @ Message::Beacon(_) } if *to == node => Some(message),
        _ => None,
    });
    beacon.unwrap_or_else(|| panic!("no beacon for {node} in {actions:?}")).clone()
}

/// The changes that a core wants.
fn proposals(actions: &[Action]) -> Vec<Change> {
    let change = |action: &Action| match action {
        Action::Propose(change) => Some(change.clone()),
        Action::Send { .. } => None,
    };
    actions.iter().filter_map(change).collect()
}

#[test]
fn the_presets_keep_the_promises_and_bad_timings_are_refused() {
    assert_eq!((Timings::LAN.check(), Timings::WAN.check()), (Ok(()), Ok(())));
    let bad = [
        Timings { grace: 337 * MS, ..Timings::LAN },
        Timings { grace: Timings::LAN.lease, ..Timings::LAN },
        Timings { beacon: 0, ..Timings::LAN },
        Timings { silence: 149 * MS, ..Timings::LAN },
        Timings { silence: 251 * MS, ..Timings::LAN },
    ];
    for timings in bad {
        assert!(timings.check().is_err(), "{timings:?}");
    }
}

#[test]
fn messages_survive_the_wire_and_fit_a_datagram() {
    let offsets = (0..16).map(|number| (node(number), u64::MAX)).collect();
    let beacon = Beacon {
        shard: shard(),
        epoch: u64::MAX,
        incarnation: u64::MAX,
        sent_at: u64::MAX,
        offset: u64::MAX,
        offsets,
    };
    let answer = BeaconAnswer { shard: shard(), epoch: 1, sent_at: 2, incarnation: 3, offset: 4 };
    let deposed = Message::Deposed { shard: shard(), epoch: 9 };
    for message in [Message::Beacon(beacon), Message::Answer(answer), deposed] {
        let bytes = postcard::to_stdvec(&message).unwrap();
        assert!(bytes.len() < 1_000, "{} bytes", bytes.len());
        assert_eq!(postcard::from_bytes::<Message>(&bytes), Ok(message));
    }
}

#[test]
fn an_older_topology_changes_nothing() {
    let mut bench = Bench::new(2, 1);
    let old = ShardView::of(&bench.topology, node(1));
    let revision = bench.revision();
    bench.apply(Change::Promote { shard: shard(), revision, node: node(1) });
    bench.tell(1, START);
    assert!(bench.cores[1].is_acting());
    assert_eq!(bench.cores[1].topology(START, old), []);
    assert!(bench.cores[1].is_acting());
    bench.cores[1].topology(START, None);
    assert!(!bench.cores[1].is_acting(), "it is no member any more");
}
