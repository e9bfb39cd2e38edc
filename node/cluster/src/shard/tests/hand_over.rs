//! The rules of a planned change.

use super::super::HandOverRefusal;
use super::*;

/// Node 0 has a lease, has applied 10, and hands over to node 1 at `START + 60 ms`.
fn begun() -> Bench {
    let mut bench = Bench::new(2, 1);
    bench.exchange(1, START + 50 * MS, START + 50 * MS, 0);
    bench.cores[0].tick(START + 59 * MS, 10);
    bench.cores[0].hand_over(START + 60 * MS, node(1)).unwrap();
    bench
}

fn answer(sent_at: u64, offset: u64) -> Message {
    let (shard, epoch, incarnation) = (shard(), 0, 1);
    Message::Answer(BeaconAnswer { shard, epoch, sent_at, incarnation, offset })
}

fn promote(bench: &Bench) -> Change {
    Change::Promote { shard: shard(), revision: bench.revision(), node: node(1) }
}

#[test]
fn only_a_primary_hands_over_and_only_to_who_is_in_sync() {
    let mut bench = Bench::new(3, 1);
    let core = &mut bench.cores[0];
    assert_eq!(core.hand_over(START, node(2)), Err(HandOverRefusal::NotInSync(node(2))));
    assert!(core.hand_over(START, node(1)).is_ok());
    assert_eq!(core.hand_over(START, node(1)), Err(HandOverRefusal::UnderWay(node(1))));
    assert_eq!(bench.cores[1].hand_over(START, node(1)), Err(HandOverRefusal::NotPrimary));
}

#[test]
fn the_lease_ends_at_once_and_the_replica_is_asked_often() {
    let mut bench = begun();
    assert_eq!(bench.cores[0].lease_until(), None);
    assert_eq!(bench.cores[0].next_wake(), Some(START + 62 * MS));
    beacon_for(&bench.cores[0].tick(START + 62 * MS, 10), node(1));
}

#[test]
fn the_replica_is_proposed_when_it_has_all() {
    let mut bench = begun();
    let (now, wanted) = (START + 63 * MS, promote(&bench));
    let core = &mut bench.cores[0];
    assert_eq!(proposals(&core.receive(now, 12, node(1), &answer(START + 60 * MS, 11))), []);
    let actions = core.receive(now, 12, node(1), &answer(START + 61 * MS, 12));
    assert_eq!(proposals(&actions), [wanted]);
    bench.apply(promote(&bench));
    bench.tell(0, START + 70 * MS);
    assert!(!bench.cores[0].is_acting() && !bench.cores[0].is_handing_over());
    bench.tell(1, START + 70 * MS);
    assert_eq!(bench.cores[1].lease_until(), Some(u64::MAX));
}

#[test]
fn a_hand_over_that_takes_too_long_is_given_up() {
    let mut bench = begun();
    for at in [1_000, 1_059] {
        bench.cores[0].receive(START + at * MS, 10, node(1), &answer(START + at * MS, 9));
    }
    assert_eq!(bench.cores[0].lease_until(), None);
    bench.cores[0].tick(START + 1_060 * MS, 10);
    assert_eq!(bench.cores[0].lease_until(), Some(START + 1_359 * MS));
}

#[test]
fn what_was_proposed_cannot_be_given_up_until_the_revision_is_over() {
    let mut bench = begun();
    bench.cores[0].receive(START + 63 * MS, 10, node(1), &answer(START + 60 * MS, 10));
    let actions = bench.cores[0].tick(START + 9_000 * MS, 10);
    assert_eq!(proposals(&actions)[0], promote(&bench), "it is proposed again");
    assert_eq!(bench.cores[0].lease_until(), None);
    let revision = bench.revision();
    bench.apply(Change::Shrink { shard: shard(), revision, node: node(1) });
    bench.tell(0, START + 9_010 * MS);
    assert_eq!(bench.cores[0].lease_until(), Some(u64::MAX));
}
