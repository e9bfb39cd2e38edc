use proptest::prelude::*;

use super::super::quorum::{left_after_cut, majority, no_group_in_cut};
use super::*;

const READS: Reads = Reads { share: 0.9, from_replicas: false };

fn place(primaries: u32, replicas: u32, sizes: &[u32]) -> Layout {
    Layout::place(primaries, replicas, sizes, Control::Primaries).unwrap()
}

#[test]
fn the_articles_24_nodes_with_four_cut_off() {
    let layout = place(12, 1, &[24]);
    let found = cuts(&layout, 4, READS, 1).unwrap();
    assert!(found.is_exact && found.seen == 10_626, "{found:?}");
    assert_eq!((found.quorum, found.cut_side_quorum), (1.0, 0.0), "{found:?}");
    assert!((found.survive - 7920.0 / 10_626.0).abs() < 1e-12, "{found:?}");
    assert_eq!(found.uncovered.len(), 3, "at worst two shards are cut off whole");
    assert_eq!((found.worst.uncovered, found.cut_side_best.deciders_left), (2, 4));
    // Behind six switches of four, no switch has a shard twice.
    let apart = place(12, 1, &[4; 6]);
    for switch in 0..6 {
        let outcome = apart.lose(&apart.of_domain(switch), READS);
        assert!(outcome.survives() && outcome.primaries_lost == 2, "{outcome:?}");
    }
}

#[test]
fn enumeration_agrees_with_combinatorics() {
    for (primaries, replicas, cut) in [(3, 1, 2), (5, 2, 4), (4, 1, 5), (6, 0, 2), (3, 2, 8)] {
        let layout = place(primaries, replicas, &[primaries * (replicas + 1)]);
        let found = cuts(&layout, cut, READS, 1).unwrap();
        let all = primaries * (replicas + 1);
        let quorum = left_after_cut(all, primaries, cut, majority(primaries));
        let covered = no_group_in_cut(primaries, replicas + 1, cut);
        assert!(found.is_exact);
        assert!((found.quorum - quorum).abs() < 1e-12, "{primaries} {replicas} {cut}");
        assert!((found.uncovered[0] - covered).abs() < 1e-12, "{primaries} {replicas} {cut}");
    }
}

#[test]
fn a_sample_of_many_cuts_agrees_with_combinatorics() {
    let layout = place(50, 1, &[100]);
    let found = cuts(&layout, 10, READS, 7).unwrap();
    assert!(!found.is_exact && found.seen > 50_000, "{}", found.seen);
    let covered = no_group_in_cut(50, 2, 10);
    assert!((found.uncovered[0] - covered).abs() < 0.01, "{} {covered}", found.uncovered[0]);
}

#[test]
fn two_zones_never_keep_a_majority_of_the_primaries_and_three_do() {
    for (sizes, survives) in [(vec![3, 3], false), (vec![2, 2, 2], true), (vec![4, 1, 1], false)] {
        let layout = place(3, 1, &sizes);
        let all =
            (0..sizes.len()).all(|zone| layout.lose(&layout.of_domain(zone), READS).survives());
        assert_eq!(all, survives, "{sizes:?}: {layout:?}");
    }
}

#[test]
fn voters_in_three_zones_survive_any_of_them() {
    let control = Control::Voters(5);
    let layout = Layout::place(6, 1, &[4, 4, 4], control).unwrap();
    for zone in 0..3 {
        let outcome = layout.lose(&layout.of_domain(zone), READS);
        assert!(outcome.survives() && outcome.deciders_left >= 3, "{outcome:?}");
    }
}

#[test]
fn the_last_copy_serves_every_read() {
    let layout = place(3, 1, &[2, 2, 2]);
    let reads = Reads { share: 1.0, from_replicas: true };
    let outcome = layout.lose(&layout.of_domain(0), reads);
    assert!((outcome.busiest - 2.0).abs() < 1e-12, "{outcome:?}");
    assert!((layout.lose(&layout.of_domain(0), READS).busiest - 1.0).abs() < 1e-12);
}

#[test]
fn what_cannot_be_placed_says_why() {
    for (primaries, replicas, sizes, hint) in [
        (0, 1, vec![0], "at least 1"),
        (3, 1, vec![2, 2], "agree"),
        (3, 1, vec![u32::MAX, 7], "agree"),
        (u32::MAX, u32::MAX, vec![1], "at most"),
    ] {
        let error = Layout::place(primaries, replicas, &sizes, Control::Primaries).unwrap_err();
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert!(cuts(&place(3, 1, &[6]), 6, READS, 0).is_err());
    assert!(cuts(&place(3, 1, &[6]), 0, READS, 0).is_err());
}

proptest! {
    #[test]
    fn copies_are_apart_where_they_can_be_and_primaries_even(
        primaries in 1u32..30, replicas in 0u32..4, domains in 1u32..8, extra in 0usize..8,
    ) {
        let machines = primaries * (replicas + 1);
        let domains = domains.min(machines);
        let mut sizes: Vec<u32> =
            (0..domains).map(|at| machines / domains + u32::from(at < machines % domains)).collect();
        // One machine moves, so that sizes differ.
        let from = extra % sizes.len();
        if sizes[from] > 1 {
            sizes[from] -= 1;
            sizes[0] += 1;
        }
        let layout = place(primaries, replicas, &sizes);
        let can_be_apart = sizes.iter().all(|size| *size <= primaries);
        prop_assert_eq!(layout.has_copies_together(), !can_be_apart);
        for shard in 0..layout.shards() {
            prop_assert_eq!(layout.machines_of(shard).count(), replicas as usize + 1);
            prop_assert_eq!(layout.shard_of[layout.primaries[shard]], shard);
        }
        let whole = layout.lose(&[], READS);
        prop_assert!(whole.survives() && whole.has_quorum && whole.busiest == 1.0);
        for domain in 0..sizes.len() {
            let outcome = layout.lose(&layout.of_domain(domain), READS);
            prop_assert!(outcome.busiest.is_finite());
            prop_assert!(outcome.promotions + outcome.uncovered >= outcome.primaries_lost);
            if can_be_apart && replicas > 0 {
                prop_assert_eq!(outcome.uncovered, 0);
            }
        }
    }

    #[test]
    fn losing_more_is_never_better(
        primaries in 1u32..20, replicas in 0u32..3, lost in proptest::collection::vec(any::<bool>(), 60),
        more in 0usize..60,
    ) {
        let layout = place(primaries, replicas, &[primaries * (replicas + 1)]);
        let fewer = layout.lose(&lost, READS);
        let mut also = lost.clone();
        also[more] = true;
        let worse = layout.lose(&also, READS);
        prop_assert!(worse.uncovered >= fewer.uncovered);
        prop_assert!(worse.deciders_left <= fewer.deciders_left);
        prop_assert!(!worse.has_quorum || fewer.has_quorum);
    }
}
