//! The replica's rules.

use super::*;

fn promote(bench: &Bench, number: u8) -> Change {
    Change::Promote { shard: shard(), revision: bench.revision(), node: node(number) }
}

/// What a replica says to a beacon of the primary's at `now`.
fn answer(bench: &mut Bench, at: usize, now: u64) -> Vec<Action> {
    let beacon = beacon_for(&bench.cores[0].tick(now, 0), node(at as u8));
    bench.cores[at].receive(now, 0, node(0), &beacon)
}

#[test]
fn a_replica_wants_the_place_of_a_primary_that_is_silent_for_a_grace() {
    let mut bench = Bench::new(2, 1);
    assert_eq!(bench.cores[1].next_wake(), Some(START + 400 * MS), "since it knows it is in sync");
    bench.exchange(1, START + 50 * MS, START + 60 * MS, 0);
    assert_eq!(bench.cores[1].next_wake(), Some(START + 460 * MS), "since it heard");
    assert_eq!(bench.cores[1].tick(START + 459 * MS, 0), []);
    let wanted = promote(&bench, 1);
    assert_eq!(proposals(&bench.cores[1].tick(START + 460 * MS, 0)), [wanted]);
}

#[test]
fn one_that_is_not_in_sync_wants_nothing_but_answers() {
    let mut bench = Bench::new(2, 0);
    assert_eq!(bench.cores[1].next_wake(), None);
    assert_eq!(bench.cores[1].tick(START + 9_000 * MS, 0), []);
    bench.exchange(1, START + 9_001 * MS, START + 9_001 * MS, 0);
}

#[test]
fn those_with_less_hold_back() {
    let mut bench = Bench::new(4, 3);
    for (number, offset) in [(1, 5), (2, 9), (3, 9)] {
        bench.exchange(number, START + u64::from(number) * 50 * MS, START + 150 * MS, offset);
    }
    // Now each knows of the others.
    for (number, offset, rank) in [(1, 5, 2), (2, 9, 0), (3, 9, 1)] {
        let sent_at = START + 150 * MS + u64::from(number) * 50 * MS;
        bench.exchange(number, sent_at, START + 350 * MS, offset);
        let wake = START + 750 * MS + rank * 10 * MS;
        assert_eq!(bench.cores[usize::from(number)].next_wake(), Some(wake), "node {number}");
    }
}

#[test]
fn one_that_proposed_does_not_answer_until_the_revision_is_over() {
    let mut bench = Bench::new(3, 2);
    let wanted = promote(&bench, 1);
    assert_eq!(proposals(&bench.cores[1].tick(START + 400 * MS, 0)), std::slice::from_ref(&wanted));
    assert_eq!(answer(&mut bench, 1, START + 401 * MS), []);
    assert!(!bench.cores[1].accepts(node(0), 0), "what it has is what it offers");
    assert_eq!(bench.cores[1].tick(START + 499 * MS, 0), []);
    assert_eq!(proposals(&bench.cores[1].tick(START + 500 * MS, 0)), [wanted]);
    // The same revision again says nothing.
    bench.tell(1, START + 505 * MS);
    assert_eq!(answer(&mut bench, 1, START + 510 * MS), []);
    let revision = bench.revision();
    bench.apply(Change::Shrink { shard: shard(), revision, node: node(2) });
    bench.tell(1, START + 520 * MS);
    assert_eq!(answer(&mut bench, 1, START + 560 * MS).len(), 1);
    assert!(bench.cores[1].accepts(node(0), 0));
}

#[test]
fn an_old_reign_gets_no_answer_but_is_told_that_it_is_over() {
    let mut bench = Bench::new(3, 2);
    let beacon = beacon_for(&bench.cores[0].tick(START + 50 * MS, 0), node(2));
    let change = promote(&bench, 1);
    bench.apply(change);
    bench.tell(2, START + 51 * MS);
    let message = Message::Deposed { shard: shard(), epoch: 1 };
    let told = [Action::Send { to: node(0), message }];
    assert_eq!(bench.cores[2].receive(START + 52 * MS, 0, node(0), &beacon), told);
    assert!(!bench.cores[2].accepts(node(0), 0));
    assert!(bench.cores[2].accepts(node(1), 1));
}

#[test]
fn a_beacon_that_the_network_repeats_is_no_sign_of_life() {
    let mut bench = Bench::new(2, 1);
    let beacon = beacon_for(&bench.cores[0].tick(START + 50 * MS, 0), node(1));
    assert_eq!(bench.cores[1].receive(START + 51 * MS, 0, node(0), &beacon).len(), 1);
    assert_eq!(bench.cores[1].receive(START + 300 * MS, 0, node(0), &beacon), []);
    assert_eq!(bench.cores[1].next_wake(), Some(START + 451 * MS));
}

#[test]
fn a_reign_that_the_topology_has_not_shown_yet_is_answered_when_it_does_and_ends_the_old_one() {
    let mut bench = Bench::new(3, 2);
    let old = beacon_for(&bench.cores[0].tick(START + 50 * MS, 0), node(2));
    let change = promote(&bench, 1);
    bench.apply(change);
    let early = beacon_for(&bench.tell(1, START + 51 * MS), node(2));
    assert_eq!(bench.cores[2].receive(START + 52 * MS, 0, node(1), &early), []);
    let told = bench.cores[2].receive(START + 53 * MS, 0, node(0), &old);
    let message = Message::Deposed { shard: shard(), epoch: 1 };
    assert_eq!(told, [Action::Send { to: node(0), message }]);
    assert_eq!(bench.cores[2].next_wake(), None, "its proposal would be of the old reign");
    let actions = bench.tell(2, START + 54 * MS);
    let [Action::Send { to, message }] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!(*to, node(1));
    bench.cores[1].receive(START + 55 * MS, 0, node(2), message);
    assert_eq!(bench.cores[1].lease_until(), Some(START + 351 * MS));
}

#[test]
fn a_primary_that_started_again_is_replaced_at_once() {
    let mut bench = Bench::new(3, 2);
    let about = Node { incarnation: 2, ..Node::default() };
    bench.apply(Change::Update { node: node(0), about });
    let wanted = promote(&bench, 1);
    assert_eq!(proposals(&bench.tell(1, START + 50 * MS)), [wanted]);
    assert_eq!(bench.tell(2, START + 50 * MS), [], "the other one goes first");
    assert_eq!(bench.cores[2].next_wake(), Some(START + 60 * MS));
}

#[test]
fn a_beacon_of_another_life_of_the_primary_says_that_it_started_again() {
    let mut bench = Bench::new(2, 1);
    let Message::Beacon(beacon) = beacon_for(&bench.cores[0].tick(START + 50 * MS, 0), node(1))
    else {
        panic!("no beacon");
    };
    let other = Message::Beacon(Beacon { incarnation: 2, ..beacon });
    let actions = bench.cores[1].receive(START + 50 * MS, 0, node(0), &other);
    assert_eq!(actions, [Action::Propose(promote(&bench, 1))]);
}

#[test]
fn one_that_started_again_neither_answers_nor_wants_anything() {
    let mut bench = Bench::new(2, 1);
    bench.cores[1] = ShardCore::new(node(1), 2, Timings::LAN);
    bench.tell(1, START);
    assert_eq!(answer(&mut bench, 1, START + 50 * MS), []);
    assert_eq!(bench.cores[1].tick(START + 900 * MS, 0), []);
    assert!(!bench.cores[1].accepts(node(0), 0));
}

#[test]
fn one_that_stood_still_itself_waits_once_more_before_it_blames_the_primary() {
    let mut bench = Bench::new(2, 1);
    let woke = START + 5_000 * MS;
    assert_eq!(bench.cores[1].tick(woke, 0), []);
    assert_eq!(bench.cores[1].next_wake(), Some(woke + 400 * MS));
    // Late a second time, it does not doubt itself again.
    let wanted = promote(&bench, 1);
    assert_eq!(proposals(&bench.cores[1].tick(woke + 500 * MS, 0)), [wanted]);
}
