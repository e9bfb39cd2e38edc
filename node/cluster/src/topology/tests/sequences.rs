//! Whatever is applied, in whatever order.

use proptest::prelude::*;
use skep_keyspace::SlotRange;

use super::*;

/// Nodes and shards that sequences speak of.
const NAMES: u8 = 6;

/// A change as it is drawn: revisions are given as how far they are from the true one.
#[derive(Clone, Debug)]
struct Draw {
    kind: u8,
    node: u8,
    shard: u8,
    revision_back: u64,
    number: u64,
    range: (u16, u16),
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let range = (0u16..64, 0u16..64).prop_map(|(one, other)| (one.min(other), one.max(other)));
    // Most proposals are of the latest revision, or nothing would ever happen.
    let revision_back = prop_oneof![4 => Just(0u64), 1 => 1u64..3];
    let draw = (0u8..14, 0..NAMES, 0..NAMES, revision_back, 0u64..4, range);
    let draw = draw.prop_map(|(kind, node, shard, revision_back, number, range)| Draw {
        kind,
        node,
        shard,
        revision_back,
        number,
        range,
    });
    prop::collection::vec(draw, 1..80)
}

impl Draw {
    fn entry(&self, topology: &Topology) -> Entry {
        let change = self.change(topology);
        // Half of the proposals are the primary's own.
        let shard =
            topology.shards.get(&shard(self.shard)).filter(|_| self.number.is_multiple_of(2));
        Entry { proposer: shard.map_or(node(0), |shard| shard.primary), ..entry(change) }
    }

    fn change(&self, topology: &Topology) -> Change {
        let (node, shard) = (node(self.node), shard(self.shard));
        let revision = topology.shards.get(&shard).map_or(0, |shard| shard.revision);
        let revision = revision.saturating_sub(self.revision_back);
        let about = Node { is_proxy: self.number == 3, ..about(self.number) };
        let mut slots = SlotSet::new();
        slots.insert_range(SlotRange { first: self.range.0, last: self.range.1 });
        match self.kind {
            0 => Change::Found { cluster: "bees".to_owned(), node, about, shard },
            1 | 2 => Change::Admit { node, about, shard, epoch: self.number, claims: slots },
            3 => Change::Update { node, about },
            4 => Change::Forget { node },
            5 => Change::Mark { node, is_failed: self.number > 1 },
            6 => Change::AddSlots { shard, slots },
            7 => Change::DeleteSlots { shard, slots },
            8 => Change::Replicate { node, shard },
            9 => Change::Promote { shard, revision, node },
            10 => Change::Shrink { shard, revision, node },
            11 => Change::Extend { shard, revision, node },
            12 => Change::BumpEpoch { shard },
            _ => Change::SetEpoch { shard, epoch: self.number },
        }
    }
}

/// Three shards: 0 with replicas 1 and 2, 3, 4 with replica 5 that is not in sync.
fn start() -> Topology {
    let mut topology = singletons(NAMES);
    for (number, to) in [(1, 0), (2, 0), (5, 4)] {
        topology.run(Change::Replicate { node: node(number), shard: shard(to) }).unwrap();
    }
    for number in [1, 2] {
        let revision = topology.at(0).revision;
        topology.run(Change::Extend { shard: shard(0), revision, node: node(number) }).unwrap();
    }
    topology
}

/// What must be true of a topology and the one before it.
fn check_step(before: &Topology, after: &Topology, outcome: &Result<(), Refusal>) {
    after.check_invariants().unwrap();
    assert_eq!(after.version, before.version + 1);
    assert!(after.current_epoch >= before.current_epoch);
    for (id, shard) in &after.shards {
        let Some(was) = before.shards.get(id) else { continue };
        assert!(shard.epoch >= was.epoch && shard.revision >= was.revision);
        assert!(shard.primary == was.primary || shard.epoch > was.epoch, "an unfenced reign");
        assert!(
            shard.epoch == was.epoch || shard.revision > was.revision,
            "a proposal of another reign"
        );
        assert!(
            shard.in_sync == was.in_sync || shard.revision > was.revision,
            "members change under a revision"
        );
    }
    if outcome.is_err() {
        assert_eq!(*after, Topology { version: after.version, ..before.clone() });
    }
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_invariants(draws in draws(), is_founded in any::<bool>()) {
        let mut topology = if is_founded { start() } else { Topology::default() };
        for draw in draws {
            let before = topology.clone();
            let entry = draw.entry(&topology);
            let outcome = topology.apply(&entry);
            check_step(&before, &topology, &outcome);
            let mut twin = before.clone();
            prop_assert_eq!(twin.apply(&entry), outcome.clone(), "outcomes are the same everywhere");
            prop_assert_eq!(&twin, &topology);
        }
    }

    #[test]
    fn what_is_applied_again_changes_nothing_more(draws in draws()) {
        let mut topology = start();
        for draw in draws {
            let entry = draw.entry(&topology);
            let outcome = topology.apply(&entry);
            let once = topology.clone();
            let _ = topology.apply(&entry);
            // An epoch that is bumped twice is above all others twice.
            let is_counted = matches!(entry.change, Change::BumpEpoch { .. });
            let is_zero = matches!(entry.change, Change::SetEpoch { epoch: 0, .. });
            if outcome.is_err() || !(is_counted || is_zero) {
                prop_assert_eq!(&topology, &Topology { version: topology.version, ..once });
            }
        }
    }

    #[test]
    fn topologies_and_entries_survive_the_wire(draws in draws()) {
        let mut topology = start();
        for draw in draws {
            let entry = draw.entry(&topology);
            let bytes = postcard::to_stdvec(&entry).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Entry>(&bytes).unwrap(), entry.clone());
            let outcome = topology.apply(&entry);
            let bytes = postcard::to_stdvec(&outcome).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Result<(), Refusal>>(&bytes).unwrap(), outcome);
        }
        let bytes = postcard::to_stdvec(&topology).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Topology>(&bytes).unwrap(), topology);
    }
}
