use proptest::prelude::*;

use super::*;
use crate::layout::Layout;

fn losses(placement: &Placement) -> Vec<Loss> {
    let slots = Layout::even(placement.shards.len()).unwrap().counts();
    let zones = placement.node_zones.iter().max().map_or(0, |last| last + 1);
    (0..zones).map(|zone| placement.lose_zone(zone, &slots)).collect()
}

#[test]
fn more_zones_than_can_be_planned_for_are_refused_before_anything_is_kept() {
    let zones = |count: usize| place(&vec![1; count], count / 2, 1);
    assert_eq!(zones(ZONES_MAX + 2), Err(PlacementError::Size));
    assert!(zones(200).is_ok());
}

#[test]
fn three_zones_of_two_lose_any_zone_without_losing_a_slot() {
    let placement = place(&[2, 2, 2], 3, 1).unwrap();
    assert_eq!(placement.copies(), [1; 6]);
    assert_eq!(placement.conflicts(), [0usize; 0]);
    for loss in losses(&placement) {
        assert_eq!((loss.uncovered_slots, loss.survivors, loss.promoted_shards), (0, 4, 1));
        assert_eq!((loss.busiest_before_slots, loss.busiest_after_slots), (5462, 5462));
    }
}

#[test]
fn what_a_lost_zone_served_falls_to_many() {
    // Six nodes with four copies each: four survivors take two primaries each of six lost.
    let placement = place(&[2, 2, 2], 12, 1).unwrap();
    assert_eq!(placement.copies(), [4; 6]);
    assert_eq!(placement.primaries(), [2; 6]);
    for loss in losses(&placement) {
        assert_eq!(loss.uncovered_slots, 0);
        assert!(loss.busiest_after_slots <= 3 * 1366, "{loss:?}");
    }
}

#[test]
fn zones_meet_each_other_equally_often() {
    // Six zones have 15 pairs; 15 shards of two copies can use each once.
    let placement = place(&[5; 6], 15, 1).unwrap();
    let mut pairs: Vec<(usize, usize)> = placement
        .shards
        .iter()
        .map(|shard| {
            let zones: Vec<usize> = shard.nodes().map(|node| placement.node_zones[node]).collect();
            (zones[0].min(zones[1]), zones[0].max(zones[1]))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    assert!(pairs.len() >= 12, "{pairs:?}");
}

#[test]
fn what_cannot_be_placed_says_what_is_in_the_way() {
    let few = place(&[3, 3], 2, 2).unwrap_err();
    assert_eq!(few, PlacementError::TooFewZones { zones: 2, copies: 3 });
    assert!(few.to_string().contains("use 1 replicas"), "{few}");
    let lopsided = place(&[4, 1, 1], 3, 1).unwrap_err();
    let expected = PlacementError::Lopsided { large: vec![0], missing_copies: 1, shards_max: 2 };
    assert_eq!(lopsided, expected);
    assert!(lopsided.to_string().contains("add 1 nodes"), "{lopsided}");
    assert_eq!(place(&[], 1, 0), Err(PlacementError::Size));
    assert_eq!(place(&[1, 0], 1, 0), Err(PlacementError::Size));
    assert_eq!(place(&[1], 0, 0), Err(PlacementError::Size));
    assert_eq!(place(&[usize::MAX, 1], 1, 0), Err(PlacementError::Size));
}

#[test]
fn losing_all_copies_uncovers_their_slots() {
    let placement = place(&[1, 1, 1], 3, 0).unwrap();
    let loss = placement.lose_zone(1, &Layout::even(3).unwrap().counts());
    assert_eq!((loss.uncovered_slots, loss.promoted_shards), (5462, 0));
}

/// Whether a placement exists, by trying everything.
fn exists(room: &mut Vec<usize>, shards: usize, copies: usize) -> bool {
    fn choose(
        room: &mut Vec<usize>,
        from: usize,
        left: usize,
        shards: usize,
        copies: usize,
    ) -> bool {
        if left == 0 {
            return exists(room, shards - 1, copies);
        }
        for zone in from..room.len() {
            if room[zone] > 0 {
                room[zone] -= 1;
                let found = choose(room, zone + 1, left - 1, shards, copies);
                room[zone] += 1;
                if found {
                    return true;
                }
            }
        }
        false
    }
    shards == 0 || choose(room, 0, copies, shards, copies)
}

proptest! {
    #[test]
    fn a_placement_is_found_exactly_if_there_is_one(
        zone_nodes in proptest::collection::vec(1usize..5, 1..5),
        shards in 1usize..6,
        replicas in 0usize..3,
    ) {
        let nodes: usize = zone_nodes.iter().sum();
        let most = (shards * (replicas + 1)).div_ceil(nodes);
        let mut room: Vec<usize> = zone_nodes.iter().map(|nodes| nodes * most).collect();
        let found = place(&zone_nodes, shards, replicas);
        prop_assert_eq!(found.is_ok(), exists(&mut room, shards, replicas + 1), "{:?}", found);
    }

    #[test]
    fn placements_keep_their_promises(
        zone_nodes in proptest::collection::vec(1usize..9, 1..8),
        shards in 1usize..40,
        replicas in 0usize..4,
    ) {
        let Ok(placement) = place(&zone_nodes, shards, replicas) else { return Ok(()) };
        let nodes: usize = zone_nodes.iter().sum();
        let most = (shards * (replicas + 1)).div_ceil(nodes);
        prop_assert!(placement.shards.iter().all(|shard| shard.replicas.len() == replicas));
        prop_assert_eq!(placement.conflicts(), Vec::<usize>::new());
        prop_assert!(placement.copies().iter().all(|&copies| copies <= most));
        let uncovered: Vec<u32> =
            losses(&placement).iter().map(|loss| loss.uncovered_slots).collect();
        match replicas {
            0 => prop_assert_eq!(uncovered.iter().sum::<u32>(), 16_384),
            _ => prop_assert!(uncovered.iter().all(|&slots| slots == 0)),
        }
    }

    #[test]
    fn equal_zones_have_equally_many_primaries_on_every_node(
        zones in 1usize..7, nodes in 1usize..6, replicas in 0usize..3, rounds in 1usize..4,
    ) {
        prop_assume!(replicas < zones);
        let shards = zones * nodes * rounds;
        let placement = place(&vec![nodes; zones], shards, replicas).unwrap();
        prop_assert!(placement.primaries().iter().all(|&count| count == rounds));
        prop_assert!(placement.copies().iter().all(|&count| count == rounds * (replicas + 1)));
    }
}
