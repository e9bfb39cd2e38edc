//! The slot map, and the ring's word about slots that nobody owns.

use skep_keyspace::{SLOT_COUNT, Slot, SlotRange};

use super::super::{PlacementError, Role, SlotMap, assign_unowned};
use super::*;

#[test]
fn a_slot_map_says_what_the_topology_says() {
    let mut topology = trio();
    let first = slots("0-100");
    topology.run(Change::DeleteSlots { shard: shard(0), slots: first.clone() }).unwrap();
    topology.run(Change::AddSlots { shard: shard(3), slots: slots("7") }).unwrap();
    let map = SlotMap::new(&topology);
    assert_eq!(map.version(), topology.version);
    for slot in (0..SLOT_COUNT as u16).filter_map(Slot::new) {
        let owner = topology.owner_of(slot).map(|(id, shard)| (id, shard.primary));
        assert_eq!(map.owner(slot).map(|owner| (owner.shard, owner.primary)), owner);
        assert_eq!(map.index(slot).map(|at| map.shards()[at].shard), owner.map(|owner| owner.0));
    }
    assert_eq!(map.shards()[0].replicas, [node(1), node(2)]);
}

#[test]
fn the_ring_gives_every_slot_that_nobody_owns_and_no_other() {
    let mut topology = singletons(3);
    let whole = assign_unowned(&topology, 150).unwrap();
    assert_eq!(whole.len(), 3);
    topology.run(Change::AddSlots { shard: shard(1), slots: slots("0-8191") }).unwrap();
    let half = assign_unowned(&topology, 150).unwrap();
    for (id, slots) in &half {
        let in_whole = whole.iter().find(|(other, _)| other == id).unwrap();
        assert!(slots.iter().all(|slot| in_whole.1.contains(slot)), "the ring did not move");
        assert!(slots.iter().all(|slot| slot.number() > 8191));
    }
    for (shard, slots) in half {
        topology.run(Change::AddSlots { shard, slots }).unwrap();
    }
    assert!(topology.is_covered());
    assert_eq!(assign_unowned(&topology, 150), Ok(Vec::new()));
}

#[test]
fn proxies_and_shards_whose_primary_has_failed_are_given_nothing() {
    let mut topology = singletons(4);
    topology.run(Change::Mark { node: node(1), is_failed: true }).unwrap();
    let proxy = Node { is_proxy: true, ..about(1) };
    topology.run(Change::Update { node: node(2), about: proxy }).unwrap();
    let gainers = |topology: &Topology| {
        let gains = assign_unowned(topology, 150).unwrap();
        let given: usize = gains.iter().map(|(_, slots)| slots.len()).sum();
        assert_eq!(given, topology.unowned_count());
        gains.into_iter().map(|(id, _)| id).collect::<Vec<ShardId>>()
    };
    assert_eq!(gainers(&topology), [shard(0), shard(3)]);
    topology.run(Change::Mark { node: node(1), is_failed: false }).unwrap();
    topology.run(Change::Update { node: node(2), about: about(1) }).unwrap();
    assert_eq!(gainers(&topology), [shard(0), shard(1), shard(2), shard(3)]);
    for number in 0..4 {
        topology.run(Change::Mark { node: node(number), is_failed: true }).unwrap();
    }
    assert_eq!(assign_unowned(&topology, 150), Err(PlacementError::NoShard));
    assert_eq!(assign_unowned(&Topology::default(), 150), Err(PlacementError::NoShard));
}

#[test]
fn roles_are_those_of_the_shard() {
    let mut topology = trio();
    topology.run(Change::Replicate { node: node(3), shard: shard(0) }).unwrap();
    assert_eq!(topology.role(node(0)), Some(Role::Primary));
    assert_eq!(topology.role(node(1)), Some(Role::Replica { is_in_sync: true }));
    assert_eq!(topology.role(node(3)), Some(Role::Replica { is_in_sync: false }));
    assert_eq!(topology.role(node(4)), None);
    assert_eq!(topology.unowned().ranges().collect::<Vec<SlotRange>>(), []);
}
