use proptest::prelude::*;
use skep_keyspace::layout::Layout;
use skep_keyspace::order::Step;

use super::saved::{Progress, file};
use super::*;

const UNBOUNDED: Bounds = Bounds { shard_bytes_max: None, batch_slots_max: 500 };

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}

/// A shard more, or (negative) the last one less.
fn grown(count: usize, by: i32) -> Goal {
    let start = Owners::even(names(count)).unwrap();
    let start = start.with(&names(count + by.max(0) as usize)).unwrap();
    let mut weights = vec![1.0; start.names.len()];
    if by < 0 {
        weights[count - 1] = 0.0;
    }
    Goal::balanced(start, &weights, Balance::Slots).unwrap()
}

/// A plan between states far apart, in which somebody may be short of memory.
fn crossed(shard_bytes_max: Option<u64>) -> (Plan, SlotSizes) {
    let start = Owners::even(names(3)).unwrap();
    let modulo = Owners { layout: Layout::modulo(3).unwrap(), ..start.clone() };
    let goal = Goal::exactly(start, &modulo).unwrap();
    let mut sizes = SlotSizes::empty();
    let slots: Vec<u16> = (0..16_384).collect();
    sizes.spread(&slots, 1 << 20, 1 << 30);
    let bounds = Bounds { shard_bytes_max, batch_slots_max: 300 };
    (plan(goal, &sizes, bounds).unwrap(), sizes)
}

fn state(plan: &Plan, done: impl Fn(usize) -> bool) -> Owners {
    let batches = plan.batches.as_ref().unwrap();
    let moves: Vec<Move> = batches
        .iter()
        .flatten()
        .enumerate()
        .filter(|(at, _)| done(*at))
        .map(|(_, step)| step.step)
        .collect();
    let layout = skep_keyspace::moves::applied(&plan.goal.start.layout, &moves);
    Owners { layout, ..plan.goal.start.clone() }
}

#[test]
fn a_node_more_moves_the_minimum_and_a_layout_anew_half_of_everything() {
    for (count, fewest) in [(3, 4096), (4, 3276), (6, 2340), (10, 1489)] {
        let plan = plan(grown(count, 1), &SlotSizes::empty(), UNBOUNDED).unwrap();
        assert_eq!((plan.moves.len(), plan.fewest), (fewest, fewest as u32), "{count}");
        assert_eq!(plan.naive, 8192, "{count}");
        let counts = plan.goal.target.counts();
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 1, "{counts:?}");
    }
    let less = plan(grown(4, -1), &SlotSizes::empty(), UNBOUNDED).unwrap();
    assert_eq!((less.moves.len(), less.fewest), (4096, 4096), "only what the leaving shard had");
}

#[test]
fn nobody_exceeds_the_limit_on_the_way_or_it_is_said_who_lacks_how_much() {
    let limit = 400 << 20;
    let (plan, sizes) = crossed(Some(limit));
    let batches = plan.batches.as_ref().unwrap();
    let peaks = peak_bytes(&plan.goal.start.layout, batches, &sizes);
    assert!(peaks.iter().all(|&peak| peak <= limit), "{peaks:?}");
    let (free, _) = crossed(None);
    let wide = Bounds { shard_bytes_max: None, batch_slots_max: 16_384 };
    let at_once = super::plan(free.goal, &sizes, wide).unwrap();
    let peaks = peak_bytes(&at_once.goal.start.layout, at_once.batches.as_ref().unwrap(), &sizes);
    assert!(peaks.iter().any(|&peak| peak > limit), "all at once would: {peaks:?}");
    // Everybody full to the last byte: not one slot fits anywhere.
    let start = Owners::even(names(4)).unwrap();
    let modulo = Owners { layout: Layout::modulo(4).unwrap(), ..start.clone() };
    let goal = Goal::exactly(start, &modulo).unwrap();
    let full = Bounds { shard_bytes_max: Some(4096 << 16), batch_slots_max: 300 };
    let stuck = super::plan(goal, &sizes, full).unwrap().batches.unwrap_err();
    assert!(stuck.short_bytes > 0 && stuck.left_slots > 0, "{stuck:?}");
}

#[test]
fn what_is_spread_is_all_there_and_any_run_of_slots_has_its_share() {
    let mut sizes = SlotSizes::empty();
    let slots: Vec<u16> = (0..5461).collect();
    sizes.spread(&slots, 10_007, 3);
    assert_eq!((sizes.keys.iter().sum::<u64>(), sizes.bytes.iter().sum::<u64>()), (10_007, 3));
    let upper: u64 = sizes.keys[4096..].iter().sum();
    assert!((2500..=2502).contains(&upper), "1,365 of 5,461 slots: {upper}");
    sizes.spread(&[], 5, 5);
}

#[test]
fn a_digest_tells_states_apart_but_not_how_shards_are_numbered() {
    let one = Owners::even(names(3)).unwrap();
    let digest = one.digest(&one.layout);
    assert_eq!(digest.len(), 32);
    let joined = one.clone().with(&names(4)).unwrap();
    assert_eq!(joined.digest(&joined.layout), digest, "who owns nothing changes nothing");
    let mut shards = one.file(&one.layout).shards;
    shards.reverse();
    let turned = Owners::of(&shards).unwrap();
    assert_eq!(turned.digest(&turned.layout), digest);
    shards[0].name.push('x');
    let renamed = Owners::of(&shards).unwrap();
    assert_ne!(renamed.digest(&renamed.layout), digest);
    let other = Layout::modulo(3).unwrap();
    assert_ne!(one.digest(&other), digest);
}

#[test]
fn a_file_that_was_changed_is_not_believed() {
    let (plan, _) = crossed(None);
    let good = file(&plan, plan.batches.as_ref().unwrap());
    let text = serde_json::to_string(&good).unwrap();
    let read: saved::PlanFile = serde_json::from_str(&text).unwrap();
    assert_eq!(read.checked().unwrap().target, plan.goal.target);
    type Change<'c> = &'c dyn Fn(&mut saved::PlanFile);
    let changes: [(Change<'_>, &str); 6] = [
        (&|file| file.schema.push('0'), "is no planner/reshard-plan/1"),
        (&|file| file.start.digest.replace_range(..1, "g"), "digest of its start"),
        (&|file| file.target = file.start.clone(), "does not lead to its own target"),
        (&|file| file.batches[0][0].slots = "16384".to_owned(), "no range of slots"),
        (&|file| file.batches[0][0].to = "nobody".to_owned(), "none of its shards"),
        (&|file| file.batches.swap(0, 1), ""),
    ];
    for (change, hint) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        match changed.checked() {
            Err(error) => assert!(error.contains(hint) && !hint.is_empty(), "{error} for {hint}"),
            Ok(_) => assert!(hint.is_empty(), "{hint} was believed"),
        }
    }
}

#[test]
fn a_slot_where_the_plan_puts_none_is_named() {
    let (plan, _) = crossed(None);
    let checked = file(&plan, plan.batches.as_ref().unwrap()).checked().unwrap();
    // Slot 0 stays with the first shard; somebody gave it to the second.
    let mut sets = vec![skep_keyspace::SlotSet::new(); 3];
    for (slot, &owner) in (0u16..).zip(plan.goal.start.layout.owners()) {
        let owner = if slot == 0 { 1 } else { usize::from(owner) };
        sets[owner].insert(skep_keyspace::Slot::new(slot).unwrap());
    }
    let now = Owners { layout: Layout::from_sets(&sets).unwrap(), ..plan.goal.start.clone() };
    let error = checked.progress(&now).unwrap_err();
    assert_eq!(error, "1 slot is where the plan puts none: 0 at n2 instead of n1");
    let stranger = Owners { names: names(4).split_off(1), ..plan.goal.start.clone() };
    let error = checked.progress(&stranger).unwrap_err();
    assert!(error.contains("10923-16383") || error.contains("at n4"), "{error}");
}

fn speed(bytes: (f64, f64), keys: (f64, f64)) -> Speed {
    Speed { bytes_per_second: bytes, keys_per_second: keys, slot_seconds: 0.002, parallel: 1 }
}

#[test]
fn a_forecast_is_the_formula_where_speeds_are_known() {
    let slots = [(1000, 1), (10, 50)];
    let known = speed((100.0, 100.0), (10.0, 10.0));
    let found = forecast(&slots, &known, 7);
    // 1000 bytes at 100/s; 50 keys at 10/s; two hand-overs.
    let exact = 10.0 + 5.0 + 0.004;
    for seconds in [found.p50_seconds, found.p90_seconds, found.least_seconds, found.most_seconds] {
        assert!((seconds - exact).abs() < 1e-9, "{found:?}");
    }
    let halved = forecast(&slots, &Speed { parallel: 2, ..known }, 7);
    assert!((halved.p50_seconds - (7.5 + 0.004)).abs() < 1e-9, "{halved:?}");
    assert_eq!(forecast(&[], &known, 7).most_seconds, 0.0);
}

proptest! {
    #[test]
    fn more_to_move_or_less_speed_never_takes_less(
        slots in proptest::collection::vec((0u64..1 << 30, 0u64..1 << 20), 1..50),
        more in (0u64..1 << 30, 0u64..1 << 20),
        low in 1e5..1e7f64,
        spread in 1.0..20f64,
        seed in any::<u64>(),
    ) {
        let range = speed((low, low * spread), (low / 100.0, low / 100.0 * spread));
        let base = forecast(&slots, &range, seed);
        prop_assert!(base.least_seconds <= base.p50_seconds * (1.0 + 1e-9));
        prop_assert!(base.p50_seconds <= base.p90_seconds);
        prop_assert!(base.p90_seconds <= base.most_seconds * (1.0 + 1e-9));
        let mut larger = slots.clone();
        larger[0].0 += more.0;
        larger[0].1 += more.1;
        let slower = speed((low / 2.0, low * spread / 2.0), range.keys_per_second);
        larger.push((0, 0));
        for other in [forecast(&larger, &range, seed), forecast(&slots, &slower, seed)] {
            prop_assert!(other.p50_seconds >= base.p50_seconds);
            prop_assert!(other.p90_seconds >= base.p90_seconds);
        }
    }

    #[test]
    fn whatever_part_of_a_plan_was_done_the_rest_leads_to_its_target(seed in any::<u64>()) {
        let (plan, _) = crossed(None);
        let batches = plan.batches.as_ref().unwrap();
        let checked = file(&plan, batches).checked().unwrap();
        let mixed = |at: usize| crate::random::mix(seed ^ at as u64).is_multiple_of(3);
        let now = state(&plan, mixed);
        let Progress { done, left } = checked.progress(&now).unwrap();
        let steps: Vec<Step> = left.into_iter().flatten().collect();
        prop_assert_eq!(done + steps.len(), plan.moves.len());
        let moves: Vec<Move> = steps.iter().map(|step| step.step).collect();
        prop_assert_eq!(skep_keyspace::moves::applied(&now.layout, &moves), plan.goal.target);
    }
}

#[test]
fn a_detour_is_gone_only_as_far_as_it_was() {
    // Two full shards swap a slot over a third.
    let of = |slots: [usize; 3]| {
        let counts = slots.map(|slots| slots as u32);
        Owners { layout: Layout::contiguous(&counts).unwrap(), ..Owners::even(names(3)).unwrap() }
    };
    let start = of([1, 1, 16_382]);
    let mut shards = start.file(&start.layout).shards;
    shards[0].ranges = vec![(1, 1)];
    shards[1].ranges = vec![(0, 0)];
    let mut sizes = SlotSizes::empty();
    sizes.spread(&[0, 1], 2, 200);
    let bounds = Bounds { shard_bytes_max: Some(100), batch_slots_max: 300 };
    let goal = Goal::exactly(start, &Owners::of(&shards).unwrap()).unwrap();
    let plan = plan(goal, &sizes, bounds).unwrap();
    let batches = plan.batches.as_ref().unwrap();
    let all: Vec<Step> = batches.iter().flatten().copied().collect();
    assert!(all.len() == 3 && all.iter().any(|step| step.is_detour), "{all:?}");
    let checked = file(&plan, batches).checked().unwrap();
    for done in 0..=all.len() {
        let now = state(&plan, |at| at < done);
        let progress = checked.progress(&now).unwrap();
        assert_eq!(progress.done, done);
        // A file gathers the moves of a batch; only the order of batches matters.
        let mut rest = batches.clone();
        let mut skipped = done;
        for batch in &mut rest {
            let first = skipped.min(batch.len());
            batch.drain(..first);
            skipped -= first;
        }
        rest.retain(|batch| !batch.is_empty());
        let sorted = |mut batches: Vec<Vec<Step>>| {
            batches.iter_mut().for_each(|batch| batch.sort_by_key(|step| step.step.slot));
            batches
        };
        let is_rest = sorted(progress.left) == sorted(rest);
        assert!(is_rest, "a prefix of {done} leaves the rest, batch by batch");
    }
}
