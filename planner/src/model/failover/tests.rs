use proptest::prelude::*;

use super::super::quorum::{left_after_cut, ln_ways, majority, no_group_in_cut};
use super::*;

const SERVICE: Service =
    Service { reads: 0.9, has_replica_reads: false, needs_full_coverage: false };

fn place_for(control: Control, primaries: u32, replicas: u32, sizes: &[usize]) -> Cluster {
    let sizes = (!sizes.is_empty()).then_some(sizes);
    Cluster::place(primaries, replicas, sizes, control).unwrap()
}

fn place(primaries: u32, replicas: u32, sizes: &[usize]) -> Cluster {
    place_for(Control::Primaries, primaries, replicas, sizes)
}

fn lose_domain(cluster: &Cluster, domain: usize) -> Outcome {
    cluster.lose(&cluster.of_domain(domain), SERVICE)
}

#[test]
fn the_articles_24_nodes_with_four_cut_off() {
    let found = cuts(&place(12, 1, &[]), 4, SERVICE, 1).unwrap();
    assert!(found.is_exact && found.seen == 10_626, "{found:?}");
    assert_eq!((found.others_decide, found.cut_side_decides), (1.0, 0.0), "{found:?}");
    assert!((found.survive - 7920.0 / 10_626.0).abs() < 1e-12, "{found:?}");
    assert_eq!(found.uncovered.len(), 3, "at worst two shards are cut off whole");
    assert_eq!(found.worst.others.unwrap().uncovered_shards, 2);
    assert_eq!((found.worst.cut_side, found.worst.undecided), (None, None));
    // Behind six switches of four, no switch has a shard twice.
    let apart = place(12, 1, &[4; 6]);
    for switch in 0..6 {
        let outcome = lose_domain(&apart, switch);
        assert!(outcome.survives() && outcome.primaries_lost == 2, "{outcome:?}");
    }
}

#[test]
fn enumeration_agrees_with_combinatorics() {
    for (primaries, replicas, cut) in [(3, 1, 2), (5, 2, 4), (6, 0, 2)] {
        let found = cuts(&place(primaries, replicas, &[]), cut, SERVICE, 1).unwrap();
        let all = primaries * (replicas + 1);
        let quorum = left_after_cut(all, primaries, cut, majority(primaries));
        assert!(found.is_exact);
        assert!((found.others_decide - quorum).abs() < 1e-12, "{primaries} {replicas} {cut}");
        // As long as the others always go on, they have every shard as often as is reckoned.
        if quorum > 1.0 - 1e-12 {
            let covered = no_group_in_cut(primaries, replicas + 1, cut);
            assert!((found.survive - covered).abs() < 1e-12, "{primaries} {replicas} {cut}");
        }
    }
}

#[test]
fn a_sample_of_many_cuts_agrees_with_combinatorics_and_misses_the_worst() {
    let found = cuts(&place(50, 1, &[]), 10, SERVICE, 7).unwrap();
    assert!(!found.is_exact && found.seen > 50_000, "{}", found.seen);
    let covered = no_group_in_cut(50, 2, 10);
    assert!((found.uncovered[0] - covered).abs() < 0.01, "{} {covered}", found.uncovered[0]);
    assert!(found.uncovered.len() < 6, "no cut that was drawn has five shards whole");
    assert_eq!(found.worst.others.unwrap().uncovered_shards, 5, "but some has");
    assert!(found.worst.is_exact() && !found.worst.survives(), "{found:?}");
}

#[test]
fn a_cut_that_cannot_be_enumerated_is_survived_only_if_every_one_is() {
    let one_switch = cuts(&place(1000, 0, &[]), 1, SERVICE, 1).unwrap();
    assert!(!one_switch.worst.survives());
    let kept = cuts(&place(100, 5, &[]), 5, SERVICE, 1).unwrap();
    assert!(!kept.is_exact && kept.worst.survives() && kept.survive == 1.0, "{kept:?}");
    let lost = cuts(&place(100, 5, &[]), 6, SERVICE, 1).unwrap();
    assert!(!lost.worst.survives() && lost.survive > 0.99, "hardly ever, but it may happen");
}

#[test]
fn after_a_cut_of_most_machines_the_side_with_the_majority_is_looked_at() {
    let found = cuts(&place(12, 1, &[]), 20, SERVICE, 1).unwrap();
    assert_eq!((found.others_decide, found.cut_side_decides), (0.0, 1.0), "{found:?}");
    assert!((found.survive - 7920.0 / 10_626.0).abs() < 1e-12, "as when the four are cut off");
    assert_eq!(found.worst.cut_side.unwrap().uncovered_shards, 2);
    assert_eq!(found.worst.others, None);
    // Twelve and twelve: six primaries on each side are no majority.
    let halves = cuts(&place(12, 1, &[]), 12, SERVICE, 1).unwrap();
    let outcome = halves.worst.undecided.unwrap();
    assert!(!outcome.has_quorum && outcome.stops(), "{outcome:?}");
    assert!(halves.undecided > 0.1 && !halves.worst.survives(), "{halves:?}");
    let rare = cuts(&place(1000, 1, &[]), 500, SERVICE, 1).unwrap();
    assert!(rare.undecided > 0.0 && rare.undecided < 1e-100 && !rare.is_quorum_sampled);
    let odd = cuts(&place(11, 1, &[]), 11, SERVICE, 1).unwrap();
    assert!(!odd.worst.may_be_undecided && odd.undecided < 1e-12, "{odd:?}");
}

#[test]
fn two_zones_never_keep_a_majority_of_the_primaries_and_three_do() {
    for (sizes, survives) in [(vec![3, 3], false), (vec![2, 2, 2], true), (vec![4, 1, 1], false)] {
        let cluster = place(3, 1, &sizes);
        let all = (0..sizes.len()).all(|zone| lose_domain(&cluster, zone).survives());
        assert_eq!(all, survives, "{sizes:?}: {cluster:?}");
    }
}

#[test]
fn voters_in_three_zones_survive_any_of_them() {
    let cluster = place_for(Control::Voters(5), 6, 1, &[4, 4, 4]);
    for zone in 0..3 {
        let outcome = lose_domain(&cluster, zone);
        assert!(outcome.survives() && outcome.deciders_left >= 3, "{outcome:?}");
    }
}

#[test]
fn the_last_copy_serves_every_read() {
    let cluster = place(3, 1, &[2, 2, 2]);
    let reads = Service { reads: 1.0, has_replica_reads: true, ..SERVICE };
    let load = |service| cluster.lose(&cluster.of_domain(0), service).busiest_load.unwrap();
    assert!((load(reads) - 2.0).abs() < 1e-9, "{}", load(reads));
    assert!((load(SERVICE) - 1.0).abs() < 1e-9, "{}", load(SERVICE));
}

#[test]
fn the_busiest_survivor_has_its_slots_and_those_that_fall_to_it() {
    // Three machines with two copies each of three shards: one that is left serves two.
    let cluster = place(3, 1, &[1, 1, 1]);
    let outcome = lose_domain(&cluster, 0);
    assert!(outcome.survives(), "{outcome:?}");
    assert!((10_922..=10_923).contains(&outcome.busiest_slots), "{outcome:?}");
    assert!(outcome.busiest_load.unwrap() > 1.5, "{outcome:?}");
}

#[test]
fn a_slot_that_nobody_serves_stops_all_if_coverage_must_be_full() {
    let cluster = place(5, 0, &[]);
    let lost = [true];
    let partly = cluster.lose(&lost, SERVICE);
    assert_eq!((partly.uncovered_slots, partly.served_slots), (3277, 13_107));
    assert_eq!(cluster.uncovered_ranges(&lost), [(0, 3276)]);
    assert!(!partly.survives() && !partly.stops());
    let whole = cluster.lose(&lost, Service { needs_full_coverage: true, ..SERVICE });
    assert!(whole.stops() && whole.busiest_load.is_none(), "{whole:?}");
}

#[test]
fn without_a_majority_redis_stops_and_others_go_on_with_the_primaries_they_have() {
    let lost = [true, true, false, false, false, false];
    assert!(place(3, 1, &[]).lose(&lost, SERVICE).stops());
    let sentinels = place_for(Control::Sentinels { count: 3, quorum: 2 }, 3, 1, &[]);
    let outcome = sentinels.lose(&lost, SERVICE);
    assert_eq!((outcome.promotions, outcome.served_slots), (2, 5461), "{outcome:?}");
}

#[test]
fn what_cannot_be_placed_says_why() {
    for (primaries, replicas, sizes, hint) in [
        (0, 1, vec![1], "at least 1"),
        (3, 1, vec![4, 4], "give fewer machines"),
        (3, 1, vec![usize::MAX, 7], "give fewer machines"),
        (3, 2, vec![2, 2], "add zones"),
        (u32::MAX, u32::MAX, vec![1], "at most"),
    ] {
        let error = Cluster::place(primaries, replicas, Some(&sizes), Control::Primaries);
        let error = error.unwrap_err();
        assert!(error.to_string().contains(hint), "{error}");
    }
    for cut in [0, 6] {
        let error = cuts(&place(3, 1, &[]), cut, SERVICE, 0).unwrap_err();
        assert!(error.to_string().contains("give 1 to 5"), "{error}");
    }
    let error = cuts(&place(1, 0, &[]), 1, SERVICE, 0).unwrap_err();
    assert!(error.to_string().contains("a single machine cannot be cut"), "{error}");
}

/// A way to decide, of those that so many machines allow.
fn control(kind: u8, machines: u32) -> Control {
    let count = 5.min(machines);
    match kind {
        0 => Control::Primaries,
        1 => Control::Voters(count),
        _ => Control::Sentinels { count, quorum: count },
    }
}

proptest! {
    #[test]
    fn copies_are_apart_where_they_can_be_and_any_domain_leaves_what_it_must(
        primaries in 1u32..30, replicas in 0u32..4, domains in 1usize..8, extra in 0usize..8,
    ) {
        let machines = (primaries * (replicas + 1)) as usize;
        let domains = domains.min(machines);
        let mut sizes: Vec<usize> =
            (0..domains).map(|at| machines / domains + usize::from(at < machines % domains)).collect();
        // One machine moves, so that sizes differ.
        let from = extra % sizes.len();
        if sizes[from] > 1 {
            sizes[from] -= 1;
            sizes[0] += 1;
        }
        let cluster = place(primaries, replicas, &sizes);
        let can_be_apart = sizes.iter().all(|size| *size <= primaries as usize);
        prop_assert_eq!(cluster.conflicts() == 0, can_be_apart);
        prop_assert!(cluster.is_dedicated());
        prop_assert!(cluster.placement.copies().iter().all(|copies| *copies == 1));
        let whole = cluster.lose(&[], SERVICE);
        prop_assert!(whole.survives() && whole.has_quorum && whole.busiest_load == Some(1.0));
        for (domain, size) in sizes.iter().enumerate() {
            let outcome = lose_domain(&cluster, domain);
            prop_assert!(outcome.promotions + outcome.uncovered_shards >= outcome.primaries_lost);
            prop_assert_eq!(outcome.lost, *size);
            if can_be_apart && replicas > 0 {
                prop_assert_eq!((outcome.uncovered_shards, outcome.uncovered_slots), (0, 0));
            }
        }
    }

    #[test]
    fn losing_more_is_never_better(
        primaries in 1u32..20, replicas in 0u32..3,
        lost in proptest::collection::vec(any::<bool>(), 60), more in 0usize..60,
    ) {
        let cluster = place(primaries, replicas, &[]);
        let fewer = cluster.lose(&lost, SERVICE);
        let mut also = lost.clone();
        also[more] = true;
        let worse = cluster.lose(&also, SERVICE);
        prop_assert!(worse.uncovered_slots >= fewer.uncovered_slots);
        prop_assert!(worse.served_slots <= fewer.served_slots);
        prop_assert!(worse.deciders_left <= fewer.deciders_left);
        prop_assert!(!worse.has_quorum || fewer.has_quorum);
    }

    #[test]
    fn the_worst_cut_that_is_constructed_is_the_worst_of_all_that_there_are(
        primaries in 1u32..7, replicas in 0u32..3, cut in 1u32..20, kind in 0u8..3,
    ) {
        let machines = primaries * (replicas + 1);
        prop_assume!(machines > 1 && ln_ways(machines, cut.min(machines - 1)) < 9.0);
        let cut = cut.min(machines - 1);
        let cluster = place_for(control(kind, machines), primaries, replicas, &[]);
        let seen = cuts(&cluster, cut, SERVICE, 1).unwrap();
        prop_assert!(seen.is_exact);
        let constructed = worst::worst(&cluster, cut as usize, SERVICE);
        prop_assert!(constructed.is_exact(), "{:?}", constructed);
        let last = seen.uncovered.iter().rposition(|share| *share > 0.0).unwrap_or(0);
        prop_assert_eq!(constructed.uncovered_shards_at_most, last);
        prop_assert_eq!(constructed.may_be_undecided, seen.undecided > 1e-9);
        for (constructed, seen) in [
            (constructed.others.is_some(), seen.others_decide > 0.0),
            (constructed.cut_side.is_some(), seen.cut_side_decides > 0.0),
        ] {
            prop_assert_eq!(constructed, seen);
        }
    }

    #[test]
    fn the_worst_cut_of_machines_with_several_shards_is_within_its_bounds(
        primaries in 2u32..10, each in 1usize..4, zones in 2usize..5, cut in 1u32..12,
    ) {
        let sizes = vec![each; zones];
        prop_assume!(each * zones <= primaries as usize * 2);
        let cluster = Cluster::place(primaries, 1, Some(&sizes), Control::Primaries);
        prop_assume!(cluster.is_ok());
        let cluster = cluster.unwrap();
        let cut = cut.min((each * zones - 1) as u32);
        let seen = cuts(&cluster, cut, SERVICE, 1).unwrap();
        prop_assert!(seen.is_exact);
        let last = seen.uncovered.iter().rposition(|share| *share > 0.0).unwrap_or(0);
        let bounded = worst::worst(&cluster, cut as usize, SERVICE);
        prop_assert!(bounded.uncovered_shards_at_least() <= last);
        prop_assert!(bounded.uncovered_shards_at_most >= last, "{:?} {}", bounded, last);
        prop_assert!(bounded.may_be_undecided || seen.undecided < 1e-9);
    }
}
