use proptest::prelude::*;

use super::*;
use crate::moves::{applied, differences};

fn sizes(bytes: u64) -> Vec<u64> {
    vec![bytes; SLOT_COUNT]
}

/// Replays the batches and checks every promise; returns the layout at the end.
fn replay(from: &Layout, batches: &[Vec<Step>], limits: &Limits<'_>) -> Layout {
    let mut layout = from.clone();
    let used = |layout: &Layout| -> Vec<u64> {
        let mut used = vec![0; layout.shard_count()];
        for (&owner, &bytes) in layout.owners().iter().zip(limits.slot_bytes) {
            used[usize::from(owner)] += bytes;
        }
        used
    };
    let begin = used(from);
    for batch in batches {
        assert!(batch.len() <= limits.batch_slots_max && !batch.is_empty());
        let mut held = used(&layout);
        let moves: Vec<Move> = batch.iter().map(|part| part.step).collect();
        for step in &moves {
            let bytes = limits.slot_bytes[usize::from(step.slot)];
            held[usize::from(step.target)] += bytes;
            let owner = layout.owners()[usize::from(step.slot)];
            assert_eq!(owner, step.source, "a slot leaves whoever has it");
        }
        for (shard, &bytes) in held.iter().enumerate() {
            assert!(bytes <= limits.shard_bytes_max[shard].max(begin[shard]), "{shard}: {bytes}");
        }
        layout = applied(&layout, &moves);
    }
    layout
}

/// Shards 0 and 1 swap a hundred slots and are full; a third has what room `helper_bytes` leaves.
fn swap(helper_bytes: u64) -> (Layout, Layout, Vec<u64>) {
    let from = Layout::contiguous(&[8192, 8192, 0]).unwrap();
    let mut to = from.clone();
    for slot in 0..100 {
        to.give(slot, 1);
        to.give(8192 + slot, 0);
    }
    (from, to, vec![81_920, 81_920, helper_bytes])
}

#[test]
fn full_nodes_that_swap_need_a_third() {
    let (from, to, room) = swap(10);
    let slot_bytes = sizes(10);
    let limits = Limits { slot_bytes: &slot_bytes, shard_bytes_max: &room, batch_slots_max: 16 };
    let moves = differences(&from, &to).unwrap();
    let batches = order(&from, &moves, &limits).unwrap();
    assert_eq!(replay(&from, &batches, &limits), to);
    let detours = batches.iter().flatten().filter(|part| part.is_detour).count();
    assert_eq!(detours, 1, "one free place is enough for all to move up");
}

#[test]
fn without_room_anywhere_the_nearest_miss_is_named() {
    let (from, to, room) = swap(9);
    let slot_bytes = sizes(10);
    let limits = Limits { slot_bytes: &slot_bytes, shard_bytes_max: &room, batch_slots_max: 16 };
    let moves = differences(&from, &to).unwrap();
    let stuck = order(&from, &moves, &limits).unwrap_err();
    let expected = Stuck { slot: 0, shard: 1, short_bytes: 10, left_slots: 200 };
    assert_eq!(stuck, OrderError::Stuck(expected));
    assert!(stuck.to_string().contains("lacks 10 bytes for slot 0"), "{stuck}");
}

#[test]
fn a_receiver_that_is_full_sends_first() {
    // 0 -> 1 -> 2, and only 2 has room.
    let from = Layout::contiguous(&[8192, 8192, 0]).unwrap();
    let mut to = from.clone();
    for slot in 0..50 {
        to.give(slot, 1);
        to.give(8192 + slot, 2);
    }
    let slot_bytes = sizes(10);
    let room = [81_920, 81_920, 1000];
    let limits = Limits { slot_bytes: &slot_bytes, shard_bytes_max: &room, batch_slots_max: 20 };
    let batches = order(&from, &differences(&from, &to).unwrap(), &limits).unwrap();
    assert!(batches[0].iter().all(|part| part.step.source == 1));
    assert_eq!(replay(&from, &batches, &limits), to);
    assert!(batches.iter().flatten().all(|part| !part.is_detour));
}

#[test]
fn lists_of_the_wrong_length_are_refused() {
    let from = Layout::even(2).unwrap();
    let slot_bytes = sizes(1);
    for (slot_bytes, room) in [(&slot_bytes[..5], &[1, 1][..]), (&slot_bytes[..], &[1][..])] {
        let limits = Limits { slot_bytes, shard_bytes_max: room, batch_slots_max: 1 };
        let error = order(&from, &[], &limits).unwrap_err();
        assert!(matches!(error, OrderError::Arguments(_)), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nobody_is_over_its_limit_on_the_way(
        from_weights in proptest::collection::vec(0.1f64..3.0, 2..6),
        to_weights in proptest::collection::vec(0.1f64..3.0, 6),
        room_share in 0.0f64..0.4,
        batch_slots_max in prop_oneof![Just(50usize), Just(400), Just(100_000)],
        seed in any::<u64>(),
    ) {
        let count = from_weights.len();
        let from = Layout::weighted(&from_weights).unwrap();
        let to = Layout::weighted(&to_weights[..count]).unwrap();
        let slot_bytes: Vec<u64> = (0..SLOT_COUNT as u64)
            .map(|slot| {
                let hash = xxhash_rust::xxh3::xxh3_64_with_seed(&slot.to_le_bytes(), seed);
                if hash.is_multiple_of(97) { 5000 } else { hash % 50 }
            })
            .collect();
        let sizes: Vec<f64> = slot_bytes.iter().map(|&bytes| bytes as f64).collect();
        let (before, after) = (from.loads(&sizes).unwrap(), to.loads(&sizes).unwrap());
        let room: Vec<u64> = before
            .iter()
            .zip(&after)
            .map(|(&before, &after)| (before.max(after) * (1.0 + room_share)) as u64)
            .collect();
        let limits = Limits { slot_bytes: &slot_bytes, shard_bytes_max: &room, batch_slots_max };
        let moves = differences(&from, &to).unwrap();
        match order(&from, &moves, &limits) {
            Ok(batches) => {
                prop_assert_eq!(replay(&from, &batches, &limits), to);
                prop_assert!(batches.iter().flatten().count() <= 2 * moves.len());
            }
            Err(OrderError::Stuck(stuck)) => {
                prop_assert!(room_share < 0.2, "{stuck}");
                prop_assert!(stuck.short_bytes > 0 && stuck.left_slots > 0);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
