//! Each kind of change: what it does, and when it is refused.

use super::*;

fn promote(topology: &Topology, number: u8) -> Change {
    Change::Promote { shard: shard(0), revision: topology.at(0).revision, node: node(number) }
}

fn shrink(topology: &Topology, number: u8) -> Change {
    Change::Shrink { shard: shard(0), revision: topology.at(0).revision, node: node(number) }
}

fn restart(number: u8, incarnation: u64) -> Change {
    Change::Update { node: node(number), about: about(incarnation) }
}

fn role(number: u8, reason: &str) -> Result<(), Refusal> {
    Err(Refusal::Role { node: node(number), reason: reason.to_owned() })
}

#[test]
fn a_cluster_is_founded_once_and_first() {
    let mut topology = Topology::default();
    assert_eq!(topology.run(admit(1, "")), Err(Refusal::Unfounded));
    let found = |name: &str| Change::Found {
        cluster: name.to_owned(),
        node: node(0),
        about: about(1),
        shard: shard(0),
    };
    assert_eq!(topology.run(found("")), Err(Refusal::Unnamed));
    assert_eq!(topology.run(found("bees")), Ok(()));
    assert_eq!(topology.run(found("wasps")), Err(Refusal::Founded("bees".to_owned())));
    assert_eq!(topology.version, 4);
    assert_eq!(topology.at(0).primary, node(0));
}

#[test]
fn a_node_brings_its_slots_unless_they_are_taken() {
    let mut topology = singletons(1);
    assert_eq!(topology.run(admit(1, "0-99")), Ok(()));
    assert_eq!(topology.run(admit(1, "0-99")), Ok(()), "admitting is idempotent");
    let taken = Refusal::SlotTaken { slot: 99, owner: shard(1) };
    assert_eq!(topology.run(admit(2, "99-200")), Err(taken));
    let elsewhere = Change::Admit {
        node: node(1),
        about: about(1),
        shard: shard(7),
        epoch: 0,
        claims: SlotSet::new(),
    };
    assert_eq!(topology.run(elsewhere), Err(Refusal::Member(node(1))));
    assert_eq!(topology.unowned_count(), 16_284);
}

#[test]
fn slots_are_given_and_taken_only_whole() {
    let mut topology = singletons(2);
    let add = |number, text| Change::AddSlots { shard: shard(number), slots: slots(text) };
    let delete = |number, text| Change::DeleteSlots { shard: shard(number), slots: slots(text) };
    assert_eq!(topology.run(add(0, "0-9")), Ok(()));
    let taken = Refusal::SlotTaken { slot: 9, owner: shard(0) };
    assert_eq!(topology.run(add(1, "9-20")), Err(taken));
    let not_owned = Refusal::SlotNotOwned { slot: 10, shard: shard(0) };
    assert_eq!(topology.run(delete(0, "5-10")), Err(not_owned));
    assert_eq!(topology.at(0).slots, slots("0-9"));
    assert_eq!(topology.run(delete(0, "5-9")), Ok(()));
    assert_eq!(topology.run(add(9, "5")), Err(Refusal::UnknownShard(shard(9))));
    assert_eq!(topology.run(add(1, "5-16383")), Ok(()));
    assert!(topology.is_covered());
}

#[test]
fn a_proxy_gets_no_slots_and_no_replicas_and_replicates_nobody() {
    let mut topology = singletons(3);
    let proxy = || Node { is_proxy: true, ..about(1) };
    let admit = |claims| Change::Admit {
        node: node(3),
        about: proxy(),
        shard: shard(3),
        epoch: 0,
        claims: slots(claims),
    };
    let refused = |number| role(number, "is a proxy, which holds no data");
    assert_eq!(topology.run(admit("7")), refused(3));
    assert_eq!(topology.run(admit("")), Ok(()));
    let add = |number| Change::AddSlots { shard: shard(number), slots: slots("7") };
    let replicate = |at, to| Change::Replicate { node: node(at), shard: shard(to) };
    assert_eq!(topology.run(add(3)), refused(3));
    assert_eq!(topology.run(replicate(1, 3)), refused(3));
    assert_eq!(topology.run(replicate(3, 0)), refused(3));
    topology.run(Change::Update { node: node(3), about: about(1) }).unwrap();
    assert_eq!(topology.run(add(3)), Ok(()), "it is no proxy any more");
    topology.run(replicate(1, 3)).unwrap();
    topology.run(Change::Update { node: node(3), about: proxy() }).unwrap();
    assert_eq!(topology.at(3).slots, slots("7"), "what it has it keeps");
    assert_eq!(topology.run(replicate(2, 3)), refused(3));
    assert_eq!(topology.run(replicate(1, 3)), Ok(()), "its replica is one already");
    topology.run(Change::DeleteSlots { shard: shard(3), slots: slots("7") }).unwrap();
    assert_eq!(topology.run(add(3)), refused(3));
}

#[test]
fn a_node_that_stands_alone_without_slots_may_replicate_and_its_shard_disappears() {
    let mut topology = singletons(4);
    topology.run(Change::AddSlots { shard: shard(0), slots: slots("0") }).unwrap();
    let replicate = |at, to| Change::Replicate { node: node(at), shard: shard(to) };
    assert_eq!(topology.run(replicate(1, 0)), Ok(()));
    assert!(!topology.shards.contains_key(&shard(1)));
    assert!(!topology.at(0).in_sync.contains(&node(1)), "it has caught up with nothing yet");
    let revision = topology.at(0).revision;
    assert_eq!(topology.run(replicate(1, 0)), Ok(()));
    assert_eq!(topology.at(0).revision, revision, "the second time changes nothing");
    assert_eq!(topology.run(replicate(0, 3)), role(0, "is the primary of slots"));
    assert_eq!(topology.run(replicate(0, 0)), role(0, "is the primary of that shard"));
    assert_eq!(topology.run(replicate(1, 3)), Ok(()), "a replica may change its shard");
    assert_eq!(topology.run(replicate(3, 0)), role(3, "is the primary of replicas"));
    assert_eq!(topology.run(replicate(2, 9)), Err(Refusal::UnknownShard(shard(9))));
    assert_eq!(topology.run(replicate(9, 0)), Err(Refusal::UnknownNode(node(9))));
}

#[test]
fn a_promotion_fences_the_old_primary_with_a_higher_epoch() {
    let mut topology = trio();
    topology.run(Change::BumpEpoch { shard: shard(3) }).unwrap();
    let change = promote(&topology, 1);
    assert_eq!(topology.run(change.clone()), Ok(()));
    let now = topology.at(0);
    assert_eq!((now.epoch, topology.current_epoch), (2, 2));
    assert_eq!(now.primary, node(1));
    assert_eq!(now.replicas, [node(0), node(2)].into());
    assert_eq!(now.in_sync, [node(2)].into(), "the old primary has to catch up first");
    let overtaken = Refusal::Overtaken { shard: shard(0), revision: now.revision };
    assert_eq!(topology.run(change), Err(overtaken));
}

#[test]
fn of_a_promotion_and_a_shrink_the_first_wins() {
    let topology = trio();
    let (promotion, shrinking) = (promote(&topology, 1), shrink(&topology, 1));
    for (first, second) in [(&promotion, &shrinking), (&shrinking, &promotion)] {
        let mut topology = topology.clone();
        assert_eq!(topology.run(first.clone()), Ok(()));
        let overtaken = Refusal::Overtaken { shard: shard(0), revision: topology.at(0).revision };
        assert_eq!(topology.run(second.clone()), Err(overtaken));
    }
}

#[test]
fn only_a_replica_in_sync_is_promoted() {
    let mut topology = trio();
    topology.run(shrink(&topology, 1)).unwrap();
    let reason = "is no replica of that shard in sync";
    for number in [0, 1, 3] {
        assert_eq!(topology.run(promote(&topology, number)), role(number, reason));
    }
}

#[test]
fn a_replica_that_started_again_is_not_in_sync() {
    let mut topology = trio();
    let revision = topology.at(0).revision;
    assert_eq!(topology.run(restart(1, 1)), Ok(()));
    assert_eq!(topology.at(0).revision, revision, "it has only moved");
    assert_eq!(topology.run(restart(1, 2)), Ok(()));
    assert_eq!(topology.at(0).in_sync, [node(2)].into());
    assert_eq!(topology.at(0).revision, revision + 1);
}

#[test]
fn a_primary_that_started_again_reigns_only_where_nobody_remembers_more() {
    let mut topology = trio();
    topology.run(restart(0, 2)).unwrap();
    assert!(topology.has_forgotten(topology.at(0)));
    let forgot = "has forgotten what its shard held";
    assert_eq!(topology.run(shrink(&topology, 1)), role(0, forgot));
    topology.run(restart(1, 2)).unwrap();
    let leave = Change::Replicate { node: node(2), shard: shard(3) };
    assert_eq!(topology.run(leave), role(2, "alone remembers what its shard held"));
    let mut promoted = topology.clone();
    assert_eq!(promoted.run(promote(&promoted, 2)), Ok(()));
    assert!(!promoted.has_forgotten(promoted.at(0)));
    let epoch = topology.at(0).epoch;
    topology.run(restart(2, 2)).unwrap();
    assert!(!topology.has_forgotten(topology.at(0)), "nobody remembers any more");
    assert!(topology.at(0).epoch > epoch, "what replicas have is of another reign");
}

#[test]
fn a_node_is_forgotten_unless_slots_depend_on_it() {
    let mut topology = trio();
    let forget = |number| Change::Forget { node: node(number) };
    assert_eq!(topology.run(forget(9)), Ok(()), "every node is told, also those that know");
    assert_eq!(topology.run(forget(0)), role(0, "is the primary of slots"));
    topology.run(Change::Mark { node: node(0), is_failed: true }).unwrap();
    assert_eq!(topology.run(forget(0)), role(0, "is the primary of slots"));
    topology.run(shrink(&topology, 1)).unwrap();
    assert_eq!(topology.run(forget(2)), Ok(()));
    assert_eq!(topology.run(forget(0)), Ok(()), "it failed, and nobody could be promoted");
    assert_eq!(topology.at(0).primary, node(1), "what it leaves behind stays a shard");
    assert_eq!(topology.unowned_count(), 16_384);
    assert_eq!(topology.run(forget(3)), Ok(()));
    assert_eq!(topology.run(forget(1)), role(1, "is the last member"));
}

#[test]
fn an_epoch_is_set_once_and_within_bounds() {
    let mut topology = singletons(2);
    let set = |epoch| Change::SetEpoch { shard: shard(1), epoch };
    assert_eq!(topology.run(set(u64::MAX)), Err(Refusal::EpochTooHigh(u64::MAX)));
    assert_eq!(topology.run(set(5)), Ok(()));
    assert_eq!(topology.run(set(6)), Err(Refusal::HasEpoch(shard(1))));
    topology.run(Change::BumpEpoch { shard: shard(0) }).unwrap();
    assert_eq!(topology.at(0).epoch, 6);
}

#[test]
fn the_mark_is_the_leaders_and_outlives_an_update() {
    let mut topology = singletons(1);
    topology.run(Change::Mark { node: node(0), is_failed: true }).unwrap();
    topology.run(restart(0, 2)).unwrap();
    assert!(topology.nodes[&node(0)].is_failed);
    let stranger = Change::Mark { node: node(9), is_failed: true };
    assert_eq!(topology.run(stranger), Err(Refusal::UnknownNode(node(9))));
}

#[test]
fn only_the_primary_takes_a_replica_into_the_in_sync_set() {
    let mut topology = trio();
    topology.run(shrink(&topology, 1)).unwrap();
    let revision = topology.at(0).revision;
    let change = Change::Extend { shard: shard(0), revision, node: node(1) };
    let by_another = Entry { proposer: node(1), ..entry(change.clone()) };
    assert_eq!(topology.apply(&by_another), role(1, "is not the primary of that shard"));
    assert_eq!(topology.run(change), Ok(()));
    let revision = topology.at(0).revision;
    let again = Change::Extend { shard: shard(0), revision, node: node(1) };
    assert_eq!(topology.run(again), role(1, "is in sync already"));
    let stranger = Change::Extend { shard: shard(0), revision, node: node(3) };
    assert_eq!(topology.run(stranger), role(3, "is no replica of that shard"));
}
