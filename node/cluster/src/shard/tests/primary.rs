//! The primary's rules.

use super::*;

#[test]
fn a_primary_that_nobody_could_replace_needs_no_lease() {
    let mut bench = Bench::new(2, 0);
    assert_eq!(bench.cores[0].lease_until(), Some(u64::MAX));
    assert_eq!(bench.cores[1].lease_until(), None);
    bench.exchange(1, START + 50 * MS, START + 50 * MS, 0);
    assert_eq!(bench.cores[0].lease_until(), Some(u64::MAX));
}

#[test]
fn the_lease_counts_from_when_the_beacon_was_sent_that_all_answered() {
    let mut bench = Bench::new(3, 2);
    assert_eq!(bench.cores[0].lease_until(), None, "nobody has answered in this reign");
    bench.exchange(1, START + 50 * MS, START + 90 * MS, 0);
    assert_eq!(bench.cores[0].lease_until(), None, "one has not answered");
    bench.exchange(2, START + 100 * MS, START + 140 * MS, 0);
    assert_eq!(bench.cores[0].lease_until(), Some(START + 350 * MS));
    bench.exchange(1, START + 150 * MS, START + 160 * MS, 0);
    assert_eq!(bench.cores[0].lease_until(), Some(START + 400 * MS));
}

#[test]
fn an_answer_that_comes_late_does_not_take_the_lease_back() {
    let mut bench = Bench::new(2, 1);
    let early = beacon_for(&bench.cores[0].tick(START + 50 * MS, 0), node(1));
    let late = bench.cores[1].receive(START + 51 * MS, 0, node(0), &early);
    bench.exchange(1, START + 100 * MS, START + 101 * MS, 0);
    let [Action::Send { message, .. }] = late.as_slice() else { panic!("{late:?}") };
    bench.cores[0].receive(START + 103 * MS, 0, node(1), message);
    assert_eq!(bench.cores[0].lease_until(), Some(START + 400 * MS));
}

#[test]
fn beacons_go_out_in_time_and_at_once_in_a_new_view() {
    let mut bench = Bench::new(2, 1);
    assert_eq!(bench.cores[0].next_wake(), Some(START + 50 * MS));
    assert_eq!(bench.cores[0].tick(START + 49 * MS, 0), []);
    beacon_for(&bench.cores[0].tick(START + 50 * MS, 0), node(1));
    assert_eq!(bench.cores[0].next_wake(), Some(START + 100 * MS));
    bench.apply(Change::BumpEpoch { shard: shard() });
    let actions = bench.tell(0, START + 60 * MS);
    let Message::Beacon(beacon) = beacon_for(&actions, node(1)) else { panic!("{actions:?}") };
    assert_eq!((beacon.epoch, beacon.sent_at), (1, START + 60 * MS));
    assert_eq!(bench.cores[0].lease_until(), None, "answers of another reign do not count");
}

#[test]
fn a_silent_replica_is_to_leave_before_the_lease_ends_and_is_needed_until_it_has() {
    let mut bench = Bench::new(2, 1);
    bench.exchange(1, START + 50 * MS, START + 50 * MS, 0);
    assert_eq!(proposals(&bench.cores[0].tick(START + 249 * MS, 0)), []);
    let revision = bench.revision();
    let shrink = Change::Shrink { shard: shard(), revision, node: node(1) };
    let actions = bench.cores[0].tick(START + 250 * MS, 0);
    assert_eq!(proposals(&actions), std::slice::from_ref(&shrink));
    assert_eq!(bench.cores[0].lease_until(), Some(START + 350 * MS), "it may be promoted yet");
    assert_eq!(proposals(&bench.cores[0].tick(START + 349 * MS, 0)), []);
    assert_eq!(proposals(&bench.cores[0].tick(START + 350 * MS, 0)), std::slice::from_ref(&shrink));
    bench.apply(shrink);
    bench.tell(0, START + 360 * MS);
    assert_eq!(bench.cores[0].lease_until(), Some(u64::MAX));
}

#[test]
fn a_shrink_is_not_proposed_again_for_one_that_answers() {
    let mut bench = Bench::new(2, 1);
    assert_eq!(proposals(&bench.cores[0].tick(START + 200 * MS, 0)).len(), 1);
    bench.exchange(1, START + 250 * MS, START + 251 * MS, 0);
    assert_eq!(proposals(&bench.cores[0].tick(START + 350 * MS, 0)), []);
}

#[test]
fn a_shrink_that_was_overtaken_is_proposed_at_the_new_revision_at_once() {
    let mut bench = Bench::new(3, 2);
    let first = proposals(&bench.cores[0].tick(START + 200 * MS, 0));
    assert_eq!(first.len(), 2);
    bench.apply(first[0].clone());
    let revision = bench.revision();
    let again = proposals(&bench.tell(0, START + 205 * MS));
    assert_eq!(again, [Change::Shrink { shard: shard(), revision, node: node(2) }]);
}

#[test]
fn a_replica_joins_in_three_steps_and_counts_from_the_proposal() {
    let mut bench = Bench::new(2, 0);
    let far = Timings::LAN.join_lag + 1;
    let core = &mut bench.cores[0];
    let answer = |sent_at, offset| {
        let (shard, epoch, incarnation) = (shard(), 0, 1);
        Message::Answer(BeaconAnswer { shard, epoch, sent_at, incarnation, offset })
    };
    core.receive(START + MS, far, node(1), &answer(START, 0));
    assert_eq!(core.acknowledgers(), [].into(), "it is too far behind to wait for it");
    core.receive(START + 2 * MS, far, node(1), &answer(START + MS, 1));
    assert_eq!(core.acknowledgers(), [node(1)].into(), "first acknowledgements wait for it");
    assert_eq!(core.lease_until(), Some(u64::MAX), "it cannot be promoted yet");
    // What was acknowledged without it by now is up to here.
    assert_eq!(proposals(&core.tick(START + 3 * MS, far + 5)), []);
    let actions = core.receive(START + 4 * MS, far + 9, node(1), &answer(START + 3 * MS, far + 4));
    assert_eq!(proposals(&actions), []);
    let actions = core.receive(START + 5 * MS, far + 9, node(1), &answer(START + 4 * MS, far + 5));
    let extend = Change::Extend { shard: shard(), revision: 1, node: node(1) };
    assert_eq!(proposals(&actions), std::slice::from_ref(&extend));
    assert_eq!(core.lease_until(), Some(START + 304 * MS), "from now on it may be promoted");
    // It falls silent; it is needed, and must be in before it can be put out.
    assert_eq!(proposals(&core.tick(START + 500 * MS, far)), std::slice::from_ref(&extend));
    assert_eq!(core.lease_until(), Some(START + 304 * MS));
    bench.apply(extend);
    let actions = bench.tell(0, START + 501 * MS);
    let shrink = Change::Shrink { shard: shard(), revision: 2, node: node(1) };
    assert_eq!(proposals(&actions), [shrink]);
}

#[test]
fn what_an_earlier_life_of_a_replica_said_does_not_count() {
    let mut bench = Bench::new(2, 1);
    let (shard, epoch, sent_at, offset) = (shard(), 0, START, 9);
    let answer =
        |incarnation| Message::Answer(BeaconAnswer { shard, epoch, sent_at, incarnation, offset });
    bench.cores[0].receive(START, 0, node(1), &answer(7));
    assert_eq!(bench.cores[0].lease_until(), None);
    bench.cores[0].receive(START, 0, node(1), &answer(1));
    assert_eq!(bench.cores[0].lease_until(), Some(START + 300 * MS));
}

#[test]
fn a_primary_that_hears_of_a_later_reign_stops_at_once() {
    let mut bench = Bench::new(2, 1);
    bench.exchange(1, START + 50 * MS, START + 50 * MS, 0);
    let stranger = Message::Deposed { shard: ShardId(node(77)), epoch: 5 };
    bench.cores[0].receive(START + 51 * MS, 0, node(1), &stranger);
    assert!(bench.cores[0].is_acting(), "another shard's epochs are not this one's");
    let deposed = Message::Deposed { shard: shard(), epoch: 1 };
    bench.cores[0].receive(START + 52 * MS, 0, node(1), &deposed);
    assert_eq!(bench.cores[0].lease_until(), None);
    assert_eq!(bench.cores[0].tick(START + 100 * MS, 0), [], "it does not send beacons either");
    bench.apply(Change::BumpEpoch { shard: shard() });
    beacon_for(&bench.tell(0, START + 110 * MS), node(1));
}

#[test]
fn a_process_that_started_again_does_not_act_on_what_it_finds() {
    let mut bench = Bench::new(2, 1);
    bench.cores[0] = ShardCore::new(node(0), 2, Timings::LAN);
    assert_eq!(bench.tell(0, START), [], "the topology does not know it yet");
    let about = Node { incarnation: 2, ..Node::default() };
    bench.apply(Change::Update { node: node(0), about });
    assert_eq!(bench.tell(0, START), [], "a replica remembers more");
    assert_eq!(bench.cores[0].lease_until(), None);
    let about = Node { incarnation: 2, ..Node::default() };
    bench.apply(Change::Update { node: node(1), about });
    bench.tell(0, START);
    assert_eq!(bench.cores[0].lease_until(), Some(u64::MAX), "nobody remembers anything");
}
