use proptest::prelude::*;

use super::super::popularity::Group;
use super::*;

fn even(nodes: usize) -> Vec<f64> {
    vec![1.0 / nodes as f64; nodes]
}

fn placed(popularity: &Popularity, nodes: usize) -> Imbalance {
    imbalance(&Traffic::plain(popularity), &even(nodes), Trials::default()).unwrap()
}

/// One percent of the keys get half of the traffic.
fn hot(keys: u64) -> Popularity {
    Popularity::groups(keys, &[Group { keys: keys / 100, share: 0.5 }]).unwrap()
}

/// 2,000 trials leave the median and the higher quantiles uncertain by a few percent of what they
/// exceed 1 by; the expected values have two decimals.
fn close(value: f64, expected: f64, share: f64, what: &str) {
    let error = 0.006 + share * (expected - 1.0);
    assert!((value - expected).abs() <= error, "{what}: {value:.3}, expected {expected}");
}

#[test]
fn one_percent_of_the_keys_with_half_the_traffic_on_ten_nodes() {
    for (keys, median, p95, p99) in [
        (100, 5.51, 5.76, 5.86),
        (1000, 1.96, 2.53, 2.99),
        (10_000, 1.25, 1.42, 1.51),
        (100_000, 1.07, 1.13, 1.15),
        (1_000_000, 1.02, 1.04, 1.05),
    ] {
        let imbalance = placed(&hot(keys), 10);
        close(imbalance.quantile(0.5), median, 0.04, &format!("median of {keys} keys"));
        close(imbalance.quantile(0.95), p95, 0.08, &format!("p95 of {keys} keys"));
        close(imbalance.quantile(0.99), p99, 0.12, &format!("p99 of {keys} keys"));
    }
}

#[test]
fn zipf_over_a_million_keys_on_ten_and_three_nodes() {
    for (alpha, median, p95, of_three) in
        [(0.9, 1.28, 1.45, 1.06), (0.99, 1.55, 1.82, 1.13), (1.2, 2.53, 3.28, 1.38)]
    {
        let popularity = Popularity::zipf(1_000_000, alpha).unwrap();
        let imbalance = placed(&popularity, 10);
        close(imbalance.quantile(0.5), median, 0.05, &format!("median at {alpha}"));
        close(imbalance.quantile(0.95), p95, 0.08, &format!("p95 at {alpha}"));
        let three = placed(&popularity, 3);
        close(three.quantile(0.5), of_three, 0.08, &format!("three nodes at {alpha}"));
    }
}

#[test]
fn summing_up_the_small_keys_agrees_with_placing_every_one() {
    for (popularity, nodes) in [
        (Popularity::zipf(10_000, 0.9).unwrap(), 10),
        (Popularity::zipf(10_000, 0.99).unwrap(), 3),
        (hot(10_000), 10),
        (Popularity::zipf(10_000, 0.0).unwrap(), 5),
    ] {
        let trials = Trials { count: 3000, seed: 1 };
        let traffic = Traffic::plain(&popularity);
        let fast = imbalance_with(&traffic, &even(nodes), trials, 0.01, HEAD_MAX).unwrap();
        let other = Trials { seed: 2, ..trials };
        let full = imbalance_with(&traffic, &even(nodes), other, 0.0, usize::MAX).unwrap();
        assert_eq!((full.head_keys, full.tail_error), (10_000, 0.0));
        assert!(fast.tail_keys > 5000 && fast.tail_error <= 0.01, "{}", fast.tail_error);
        for share in [0.05, 0.5, 0.95] {
            let (fast, full) = (fast.quantile(share), full.quantile(share));
            let error = 0.002 + 0.04 * (full - 1.0);
            assert!((fast - full).abs() < error, "{nodes} nodes, {share}: {fast:.4} {full:.4}");
        }
    }
}

#[test]
fn a_node_with_more_of_the_keys_is_the_busiest() {
    let popularity = Popularity::zipf(1_000_000, 0.0).unwrap();
    let traffic = Traffic::plain(&popularity);
    let found = imbalance(&traffic, &[0.4, 0.3, 0.3], Trials::default()).unwrap();
    assert!((found.quantile(0.5) - 1.2).abs() < 0.01, "{}", found.quantile(0.5));
    assert_eq!(found.head_keys, 0, "a million equal keys are summed up");
}

#[test]
fn a_key_on_every_node_loads_all_alike() {
    let popularity = Popularity::groups(1_000_000, &[Group { keys: 1, share: 0.5 }]).unwrap();
    let copied = vec![Copied { load: 0.5 * (0.95 / 10.0 + 0.05), nodes: 10 }];
    let traffic = Traffic { popularity: &popularity, skip: 1, copied };
    let found = imbalance(&traffic, &even(10), Trials::default()).unwrap();
    // Ten means of a twentieth, and a half spread evenly.
    assert!((found.quantile(0.5) - 1.227).abs() < 0.01, "{}", found.quantile(0.5));
    assert!((placed(&popularity, 10).quantile(0.5) - 5.5).abs() < 0.02);
}

#[test]
fn the_same_seed_gives_the_same_answer() {
    let popularity = Popularity::zipf(1000, 1.0).unwrap();
    assert_eq!(placed(&popularity, 7), placed(&popularity, 7));
}

#[test]
fn what_cannot_be_placed_says_why() {
    let popularity = Popularity::zipf(1000, 1.0).unwrap();
    let traffic = Traffic::plain(&popularity);
    let trials = |count| Trials { count, seed: 0 };
    for (shares, trials, hint) in [
        (vec![], trials(1), "at least 1 node"),
        (vec![0.0, 0.0], trials(1), "positive"),
        (vec![f64::NAN], trials(1), "positive"),
        (even(NODES_MAX + 1), trials(1), "at most"),
        (even(10), trials(0), "--trials 0"),
        (even(10), trials(u32::MAX), "lower --trials"),
    ] {
        let error = imbalance(&traffic, &shares, trials).unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    }
}

proptest! {
    #[test]
    fn the_busiest_node_has_at_least_the_mean_and_at_most_everything(
        keys in 1u64..1_000_000_000, alpha in 0.0..5.0, nodes in 1usize..100, seed: u64,
    ) {
        let popularity = Popularity::zipf(keys, alpha).unwrap();
        let trials = Trials { count: 20, seed };
        let found = imbalance(&Traffic::plain(&popularity), &even(nodes), trials).unwrap();
        let mut last = 0.0;
        for share in [0.0, 0.05, 0.5, 0.95, 1.0] {
            let ratio = found.quantile(share);
            prop_assert!(ratio >= last && ratio >= 0.999_999, "{ratio}");
            prop_assert!(ratio <= nodes as f64 * 1.001 + 1e-9, "{ratio} on {nodes} nodes");
            last = ratio;
        }
        let (often, error) = found.probability_above(1.1);
        let (seldom, _) = found.probability_above(2.0);
        prop_assert!((0.0..=1.0).contains(&often) && seldom <= often && error >= 0.0);
    }
}

#[test]
fn keys_that_every_node_has_cost_no_placing() {
    let popularity = Popularity::zipf(1_000_000_000, 0.0).unwrap();
    let shares = vec![0.001; 1000];
    let plain =
        imbalance(&Traffic::plain(&popularity), &shares, Trials::default()).unwrap().quantile(0.5);
    let copied = vec![Copied { load: 1e-6, nodes: 1000 }; 500];
    let traffic = Traffic { popularity: &popularity, skip: 0, copied };
    let found = imbalance(&traffic, &shares, Trials::default()).unwrap().quantile(0.5);
    // 500 keys x 10^-6 x 1000 nodes.
    assert!((found - plain - 0.5).abs() < 1e-9, "{plain} {found}");
}
