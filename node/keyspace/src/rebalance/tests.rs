use proptest::prelude::*;

use super::*;
use crate::layout::imbalance;
use crate::moves::{differences, fewest};

/// The cheapest way to turn `supply` into `demand` where keeping is free and moving costs 1 each: a
/// minimum-cost flow, augmented along cheapest paths found by relaxing every edge (Bellman and Ford).
fn cheapest(supply: &[u32], demand: &[u32]) -> u32 {
    let count = supply.len();
    let (source, sink) = (2 * count, 2 * count + 1);
    let mut capacity = vec![vec![0i64; 2 * count + 2]; 2 * count + 2];
    let mut cost = vec![vec![0i64; 2 * count + 2]; 2 * count + 2];
    for from in 0..count {
        capacity[source][from] = supply[from].into();
        capacity[count + from][sink] = demand[from].into();
        for to in 0..count {
            capacity[from][count + to] = 16_384;
            cost[from][count + to] = i64::from(from != to);
            cost[count + to][from] = -cost[from][count + to];
        }
    }
    let mut total = 0;
    loop {
        let mut distance = vec![i64::MAX / 2; 2 * count + 2];
        let mut before = vec![usize::MAX; 2 * count + 2];
        distance[source] = 0;
        for _ in 0..distance.len() {
            for from in 0..distance.len() {
                for to in 0..distance.len() {
                    let through = distance[from] + cost[from][to];
                    if capacity[from][to] > 0 && through < distance[to] {
                        distance[to] = through;
                        before[to] = from;
                    }
                }
            }
        }
        if before[sink] == usize::MAX {
            return total as u32;
        }
        let mut path = vec![sink];
        while let Some(&node) = path.last().filter(|&&node| node != source) {
            path.push(before[node]);
        }
        let edges: Vec<(usize, usize)> = path.windows(2).map(|pair| (pair[1], pair[0])).collect();
        let flow = edges.iter().map(|&(from, to)| capacity[from][to]).min().unwrap();
        for (from, to) in edges {
            capacity[from][to] -= flow;
            capacity[to][from] += flow;
            total += flow * cost[from][to];
        }
    }
}

#[test]
fn one_more_shard_moves_its_share_and_not_half_of_everything() {
    for (count, least) in [(3, 4096), (4, 3276), (6, 2340), (10, 1489)] {
        let from = Layout::even(count).unwrap();
        let to = by_slots(&from, &vec![1.0; count + 1]).unwrap();
        let moves = differences(&from.with_shards(count + 1).unwrap(), &to).unwrap();
        assert_eq!(moves.len(), least);
        assert!(moves.iter().all(|step| usize::from(step.target) == count));
        assert!(to.counts().iter().all(|&n| n.abs_diff(16_384 / (count as u32 + 1)) <= 1));
    }
}

#[test]
fn a_weight_of_zero_empties_a_shard() {
    let to = by_slots(&Layout::even(4).unwrap(), &[1.0, 0.0, 1.0, 1.0]).unwrap();
    assert_eq!(to.counts()[1], 0);
    let loads = vec![0.0; SLOT_COUNT];
    let to = by_load(&Layout::even(4).unwrap(), &loads, &[1.0, 0.0, 1.0, 1.0], 0.0).unwrap();
    assert_eq!(to.counts()[1], 0);
}

#[test]
fn of_201_masters_the_first_gives_its_surplus() {
    // 200 masters have 81 slots, and the first has what truncation left it.
    let mut counts = vec![81; 201];
    counts[0] = 184;
    let from = Layout::contiguous(&counts).unwrap();
    let to = by_slots(&from, &[1.0; 201]).unwrap();
    assert_eq!(to.counts()[0], 82);
    assert!(to.counts().iter().all(|&count| count == 81 || count == 82));
    assert_eq!(differences(&from, &to).unwrap().len(), 102);
}

#[test]
fn skewed_slots_are_balanced_by_load_and_not_by_number() {
    // One slot in a hundred has a hundred times the load, most of them on the first shard.
    let heavy = |slot: usize| slot < 160 || slot.is_multiple_of(1000);
    let loads: Vec<f64> =
        (0..SLOT_COUNT).map(|slot| if heavy(slot) { 100.0 } else { 1.0 }).collect();
    let from = Layout::even(4).unwrap();
    let before = imbalance(&from.loads(&loads).unwrap(), &[1.0; 4]);
    let to = by_load(&from, &loads, &[1.0; 4], 0.02).unwrap();
    let after = imbalance(&to.loads(&loads).unwrap(), &[1.0; 4]);
    assert!(before > 2.0 && after <= 1.02, "{before} {after}");
    // Heavy slots go first, so few need to go.
    let moves = differences(&from, &to).unwrap();
    assert!(moves.len() < 160, "{} moves", moves.len());
}

#[test]
fn loads_that_mean_nothing_are_refused() {
    let from = Layout::even(2).unwrap();
    let mut loads = vec![1.0; SLOT_COUNT];
    loads[7] = f64::NAN;
    assert!(by_load(&from, &loads, &[1.0; 2], 0.0).is_err());
    assert!(by_load(&from, &loads[..7], &[1.0; 2], 0.0).is_err());
    assert!(by_load(&from, &[1.0; SLOT_COUNT], &[1.0], 0.0).is_err());
    assert!(by_counts(&from, &[1, 2]).is_err());
}

fn counts_of(weights: &[f64]) -> Vec<u32> {
    crate::apportion::apportion(weights).unwrap()
}

/// Slots scattered over shards, the same for the same seed.
fn scattered(seed: u64, shards: usize) -> Layout {
    let owner = |slot: usize| {
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(&slot.to_le_bytes(), seed);
        // Squared, so that shards differ.
        let uniform = (hash >> 11) as f64 / (1u64 << 53) as f64;
        ((uniform * uniform * shards as f64) as usize).min(shards - 1)
    };
    Layout::from_fn(shards, owner)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_cheaper_flow_exists(
        from in proptest::collection::vec(0.01f64..9.0, 2..6),
        to in proptest::collection::vec(prop_oneof![Just(0.0), 0.01f64..9.0], 2..6),
    ) {
        let count = from.len().min(to.len());
        prop_assume!(to[..count].iter().any(|&weight| weight > 0.0));
        let layout = Layout::weighted(&from[..count]).unwrap();
        let targets = counts_of(&to[..count]);
        let near = by_counts(&layout, &targets).unwrap();
        prop_assert_eq!(near.counts(), targets.clone());
        let moves = differences(&layout, &near).unwrap().len() as u32;
        prop_assert_eq!(moves, cheapest(&layout.counts(), &targets));
        prop_assert_eq!(moves, fewest(&layout.counts(), &targets));
    }

    #[test]
    fn no_other_rounding_moves_less(
        seed in any::<u64>(), shards in 2usize..5, more in 0usize..2,
    ) {
        let layout = scattered(seed, shards);
        let weights = vec![1.0; shards + more];
        let near = by_slots(&layout, &weights).unwrap();
        let moves = fewest(&layout.counts(), &near.counts());
        // Every choice of who gets one more.
        let (floor, extra) = (16_384 / weights.len(), 16_384 % weights.len());
        for choice in 0u32..1 << weights.len() {
            if choice.count_ones() as usize == extra {
                let target = |shard: usize| floor as u32 + (choice >> shard & 1);
                let targets: Vec<u32> = (0..weights.len()).map(target).collect();
                prop_assert!(moves <= fewest(&layout.counts(), &targets));
            }
        }
    }

    #[test]
    fn shards_under_other_numbers_get_the_same_plan(
        seed in any::<u64>(), shards in 2usize..12, turn in 1usize..12,
        weights in proptest::collection::vec(0.5f64..2.0, 12),
        by_weight in any::<bool>(),
    ) {
        let layout = scattered(seed, shards);
        let numbers: Vec<usize> = (0..shards).map(|shard| (shard + turn) % shards).collect();
        let renumbered = layout.renumbered(&numbers, shards).unwrap();
        let weights = match by_weight {
            true => weights[..shards].to_vec(),
            false => vec![1.0; shards],
        };
        let mut turned = weights.clone();
        (0..shards).for_each(|shard| turned[numbers[shard]] = weights[shard]);
        let there = by_slots(&layout, &weights).unwrap().renumbered(&numbers, shards).unwrap();
        prop_assert_eq!(by_slots(&renumbered, &turned).unwrap(), there);
        let loads: Vec<f64> = (0..SLOT_COUNT).map(|slot| (slot * slot % 1009) as f64).collect();
        let there = by_load(&layout, &loads, &weights, 0.0).unwrap();
        prop_assert_eq!(
            by_load(&renumbered, &loads, &turned, 0.0).unwrap(),
            there.renumbered(&numbers, shards).unwrap()
        );
    }

    #[test]
    fn equal_loads_move_as_few_slots_as_counting_does(
        seed in any::<u64>(), shards in 2usize..20, more in 0usize..3,
    ) {
        let layout = scattered(seed, shards).with_shards(shards + more).unwrap();
        let weights = vec![1.0; shards + more];
        let loads = vec![4.0; SLOT_COUNT];
        let by_load = by_load(&layout, &loads, &weights, 0.0).unwrap();
        let by_slots = by_slots(&layout, &weights).unwrap();
        let (one, other) = (
            differences(&layout, &by_load).unwrap().len(),
            differences(&layout, &by_slots).unwrap().len(),
        );
        // Where slots do not divide evenly, an odd one may stay where it is.
        prop_assert!(one <= other && other - one <= shards + more, "{one} {other}");
        let counts = by_load.counts();
        let most = counts.iter().max().unwrap();
        prop_assert!(*most as usize <= 16_384usize.div_ceil(shards + more) , "{counts:?}");
    }

    #[test]
    fn nobody_keeps_more_than_its_share_and_one_slot(
        seed in any::<u64>(), shards in 2usize..9, skew in 1u32..5,
        tolerance in prop_oneof![Just(0.0), Just(0.05)],
        weights in proptest::collection::vec(0.2f64..5.0, 9),
    ) {
        let layout = scattered(seed, shards);
        let weights = &weights[..shards];
        let load = |slot: usize| {
            let hash = xxhash_rust::xxh3::xxh3_64_with_seed(&slot.to_le_bytes(), !seed);
            (((hash >> 40) + 1) as f64 / (1u64 << 24) as f64).powi(-(skew as i32) / 2)
        };
        let loads: Vec<f64> = (0..SLOT_COUNT).map(load).collect();
        let heaviest = loads.iter().copied().fold(0.0, f64::max);
        let (sum, weight_sum) = (loads.iter().sum::<f64>(), weights.iter().sum::<f64>());
        let near = by_load(&layout, &loads, weights, tolerance).unwrap();
        let (before, after) = (layout.loads(&loads).unwrap(), near.loads(&loads).unwrap());
        for shard in 0..shards {
            let share = sum * weights[shard] / weight_sum;
            let bound = share * (1.0 + tolerance) + heaviest;
            prop_assert!(after[shard] <= bound * (1.0 + 1e-9), "{shard}: {} {bound}", after[shard]);
        }
        let distance = |loads: &[f64]| -> f64 {
            let shares = weights.iter().map(|weight| sum * weight / weight_sum);
            loads.iter().zip(shares).map(|(load, share)| (load - share).abs()).sum()
        };
        prop_assert!(distance(&after) <= distance(&before) * (1.0 + 1e-9));
    }
}
