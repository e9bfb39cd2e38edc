use proptest::prelude::*;

use super::*;

fn text(layout: &Layout) -> Vec<String> {
    let joined = |ranges: &Vec<SlotRange>| {
        ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    layout.ranges().iter().map(joined).collect()
}

#[test]
fn three_shards_get_what_redis_cli_gives_them() {
    let layout = Layout::even(3).unwrap();
    assert_eq!(text(&layout), ["0-5460", "5461-10922", "10923-16383"]);
    assert_eq!(layout.counts(), [5461, 5462, 5461]);
}

#[test]
fn even_is_what_redis_cli_made_of_78_masters() {
    // Where single precision first makes a difference: computed by redis-cli's own formula.
    let exact = |shard: usize| (2 * shard * SLOT_COUNT + 78) / (2 * 78);
    let counts = Layout::even(78).unwrap().counts();
    let exact: Vec<u32> = (0..78).map(|shard| (exact(shard + 1) - exact(shard)) as u32).collect();
    let different = counts.iter().zip(&exact).filter(|(one, other)| one != other).count();
    assert_eq!(different, 2, "one boundary is shifted, so two lengths are");
}

#[test]
fn even_and_weighted_are_within_a_slot_of_exact() {
    for shards in (1..=200).chain([201, 1000, 1999, 2000, 2001, 4097, 16_383, 16_384]) {
        let (low, high) = (16_384 / shards, 16_384usize.div_ceil(shards));
        let equal = vec![1.0; shards];
        for layout in [Layout::even(shards).unwrap(), Layout::weighted(&equal).unwrap()] {
            let counts = layout.counts();
            assert!(counts.iter().all(|&n| (low..=high).contains(&(n as usize))), "{shards}");
        }
    }
}

#[test]
fn who_cannot_have_a_layout_is_told_why() {
    assert_eq!(Layout::even(0), Err(LayoutError::NoShards));
    assert_eq!(Layout::even(16_385), Err(LayoutError::TooManyShards(16_385)));
    assert_eq!(Layout::contiguous(&[1, 2]), Err(LayoutError::Sum(3)));
    let sets = |texts: &[&str]| -> Vec<SlotSet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let overlap = LayoutError::Overlap { slot: 100, first: 0, second: 1 };
    assert_eq!(Layout::from_sets(&sets(&["0-100", "100-16383"])), Err(overlap));
    let error = Layout::from_sets(&sets(&["0-99", "101-16000,16002-16383"])).unwrap_err();
    assert!(error.to_string().contains("100,16001"), "{error}");
}

#[test]
fn imbalance_is_the_busiest_over_its_fair_share() {
    assert_eq!(Layout::even(4).unwrap().imbalance(), 1.0);
    let layout = Layout::contiguous(&[8192, 4096, 4096, 0]).unwrap();
    assert_eq!(layout.imbalance(), 2.0);
    assert_eq!(imbalance(&[8192.0, 4096.0, 4096.0, 0.0], &[2.0, 1.0, 1.0, 0.0]), 1.0);
    assert_eq!(imbalance(&[0.0, 0.0], &[1.0, 1.0]), 1.0);
    let mut loads = vec![0.0; SLOT_COUNT];
    loads[0] = 30.0;
    loads[16_383] = 10.0;
    assert_eq!(layout.loads(&loads).unwrap(), [30.0, 0.0, 10.0, 0.0]);
    assert!(layout.loads(&[1.0]).is_err());
}

proptest! {
    #[test]
    fn ranges_cover_every_slot_exactly_once_and_make_the_layout_again(
        weights in proptest::collection::vec(0.0f64..10.0, 1..60),
        shards in 1usize..60,
    ) {
        prop_assume!(weights.iter().any(|&weight| weight > 0.0));
        for layout in [Layout::weighted(&weights).unwrap(), Layout::modulo(shards).unwrap()] {
            let sets: Vec<SlotSet> = layout
                .ranges()
                .iter()
                .map(|ranges| {
                    let mut set = SlotSet::new();
                    ranges.iter().for_each(|range| set.insert_range(*range));
                    set
                })
                .collect();
            let lengths: Vec<u32> = sets.iter().map(|set| set.len() as u32).collect();
            prop_assert_eq!(&lengths, &layout.counts());
            prop_assert_eq!(Layout::from_sets(&sets).unwrap(), layout);
        }
    }
}
