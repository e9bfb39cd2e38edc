use proptest::prelude::*;

use super::*;
use crate::moves::differences;

fn ring(names: &[&str], virtual_nodes: u32) -> Ring {
    Ring::new(names, &vec![1.0; names.len()], virtual_nodes).unwrap()
}

#[test]
fn another_implementation_computes_the_same_ring() {
    let weights = [1.0, 1.0, 2.0, 0.0];
    let names = ["cache-1", "cache-2", "cache-3", "cache-4"];
    let ring = Ring::new(&names, &weights, 150).unwrap();
    assert_eq!(ring.points().len(), 600);
    let layout = ring.layout();
    let (mut points, mut owners) = (0, 0);
    for line in include_str!("../../tests/ring_vectors.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        match fields[..] {
            ["point", name, index, position] => {
                points += 1;
                assert_eq!(
                    point(name, index.parse().unwrap()),
                    position.parse().unwrap(),
                    "{line}"
                );
            }
            ["owner", slot, name] => {
                owners += 1;
                let slot = Slot::new(slot.parse().unwrap()).unwrap();
                assert_eq!(names[layout.owner(slot)], name, "{line}");
                assert_eq!(ring.owner(slot), layout.owner(slot));
            }
            _ => assert!(line.starts_with('#'), "{line}"),
        }
    }
    assert!(points >= 20 && owners > 250, "{points} points, {owners} owners");
}

#[test]
fn past_the_last_point_the_circle_begins_again() {
    let ring = ring(&["a", "b"], 3);
    let (first, last) = (ring.points()[0], ring.points()[5]);
    assert_eq!(ring.owner_at(last.0), usize::from(last.1));
    assert_eq!(ring.owner_at(last.0 + 1), usize::from(first.1));
    assert_eq!(ring.owner_at(0), usize::from(first.1));
}

#[test]
fn what_is_no_ring_is_refused() {
    let refused = |names: &[&str], weights: &[f64], virtual_nodes| {
        Ring::new(names, weights, virtual_nodes).unwrap_err()
    };
    assert_eq!(refused(&[], &[], 150), LayoutError::NoShards);
    assert_eq!(refused(&["a", ""], &[1.0, 1.0], 150), LayoutError::EmptyName(1));
    assert_eq!(refused(&["a", "a"], &[1.0, 1.0], 150), LayoutError::SameName("a".to_owned()));
    assert_eq!(refused(&["a", "b"], &[0.0, 0.0], 150), LayoutError::NoWeight);
    assert_eq!(refused(&["a"], &[1.0], 0), LayoutError::NoWeight);
    assert_eq!(refused(&["a"], &[1e300], 150), LayoutError::TooManyPoints(u64::MAX));
    let error = refused(&["a", "b"], &[1.0], 150);
    assert_eq!(error, LayoutError::Length { what: "weights", given: 1, wanted: 2 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_names_does_not_matter(
        names in proptest::collection::btree_set("[a-z]{1,6}", 1..12), turn in 0usize..12,
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut turned = names.clone();
        turned.rotate_left(turn % names.len());
        let numbers: Vec<usize> = turned
            .iter()
            .map(|name| names.iter().position(|other| other == name).unwrap())
            .collect();
        let (there, back) = (ring(&names, 40).layout(), ring(&turned, 40).layout());
        prop_assert_eq!(back.renumbered(&numbers, names.len()).unwrap(), there);
    }

    #[test]
    fn who_comes_takes_only_for_itself_and_who_goes_leaves_the_rest_alone(
        names in proptest::collection::btree_set("[a-z]{1,6}", 2..12),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let last = names.len() - 1;
        let fewer = ring(&names[..last], 40).layout().with_shards(names.len()).unwrap();
        let all = ring(&names, 40).layout();
        let moves = differences(&fewer, &all).unwrap();
        prop_assert!(moves.iter().all(|step| usize::from(step.target) == last));
        prop_assert_eq!(moves.len() as u32, all.counts()[last]);
    }
}

/// Names of many clusters, the same in every run.
fn cluster(seed: usize, shards: usize) -> Vec<String> {
    (0..shards).map(|shard| format!("cluster{seed}-node{shard}")).collect()
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// Median and 95th percentile of max over mean.
fn imbalances(shards: usize, virtual_nodes: u32, clusters: usize) -> (f64, f64) {
    let mut found: Vec<f64> = (0..clusters)
        .map(|seed| {
            let names = cluster(seed, shards);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            ring(&names, virtual_nodes).layout().imbalance()
        })
        .collect();
    found.sort_by(f64::total_cmp);
    (quantile(&found, 0.5), quantile(&found, 0.95))
}

#[test]
fn imbalance_is_what_the_known_tables_say() {
    for (shards, virtual_nodes, clusters, median, p95) in [
        (3, 150, 200, 1.07, Some(1.14)),
        (10, 150, 200, 1.12, Some(1.21)),
        (10, 500, 60, 1.07, None),
        (10, 1000, 40, 1.05, None),
    ] {
        let (found, found_p95) = imbalances(shards, virtual_nodes, clusters);
        assert!((found - median).abs() < 0.011, "{shards} x {virtual_nodes}: {found}");
        if let Some(p95) = p95 {
            assert!((found_p95 - p95).abs() < 0.03, "{shards} x {virtual_nodes}: {found_p95}");
        }
    }
}

#[test]
fn a_fourth_shard_moves_a_quarter() {
    let mut shares: Vec<f64> = (0..300)
        .map(|seed| {
            let names = cluster(seed, 4);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let before = ring(&names[..3], 150).layout().with_shards(4).unwrap();
            let moves = differences(&before, &ring(&names, 150).layout()).unwrap();
            moves.len() as f64 / 16_384.0
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!((mean - 0.251).abs() < 0.005, "{mean}");
    let (low, high) = (quantile(&shares, 0.05), quantile(&shares, 0.95));
    assert!((low - 0.221).abs() < 0.008 && (high - 0.279).abs() < 0.008, "{low} to {high}");
}
