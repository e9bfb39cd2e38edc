//! The structures against simple models, through any changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::fields::Fields;
use super::page::Page;
use super::ranked::Ranked;
use super::sorted::{SortedSet, score_of, sortable};

fn value_of(number: u32) -> Vec<u8> {
    vec![number as u8; number as usize % 40]
}

/// What is in the heap, counted anew.
fn recounted(fields: &Fields) -> usize {
    fields.recount_heap_bytes()
}

#[derive(Clone, Debug)]
enum FieldChange {
    Set(u32, u32),
    Remove(u32),
}

fn field_changes() -> impl Strategy<Value = Vec<FieldChange>> {
    let change = prop_oneof![
        3 => (0..400u32, any::<u32>()).prop_map(|(field, value)| FieldChange::Set(field, value)),
        2 => (0..400u32).prop_map(FieldChange::Remove),
    ];
    prop::collection::vec(change, 0..2_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn fields_are_what_a_map_has(changes in field_changes()) {
        let (mut fields, mut model) = (Fields::new(1), HashMap::new());
        for change in changes {
            match change {
                FieldChange::Set(field, value) => {
                    let (field, value) = (field.to_string().into_bytes(), value_of(value));
                    let is_new = fields.set(&field, &value);
                    prop_assert_eq!(is_new, model.insert(field, value).is_none());
                }
                FieldChange::Remove(field) => {
                    let field = field.to_string().into_bytes();
                    prop_assert_eq!(fields.remove(&field), model.remove(&field).is_some());
                }
            }
        }
        prop_assert_eq!(fields.len(), model.len());
        for (field, value) in &model {
            prop_assert_eq!(fields.get(field), Some(&value[..]));
        }
        let all: HashMap<_, _> =
            fields.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
        prop_assert_eq!(&all, &model);
        prop_assert_eq!(fields.heap_bytes(), recounted(&fields));
    }

    #[test]
    fn entries_are_what_a_vector_has(
        changes in prop::collection::vec((0..4u8, any::<u16>(), any::<u8>()), 0..3_000)
    ) {
        let (mut ranked, mut model) = (Ranked::default(), Vec::<Vec<u8>>::new());
        for (kind, place, value) in changes {
            let value = vec![value; usize::from(value) % 90];
            let rank = usize::from(place) % (model.len() + 1);
            match kind {
                0 if rank < model.len() => {
                    ranked.remove(rank);
                    model.remove(rank);
                }
                1 if rank < model.len() => {
                    ranked.replace(rank, &[&value]);
                    model[rank] = value;
                }
                2 => {
                    let rank = if place % 2 == 0 { 0 } else { model.len() };
                    ranked.insert(rank, &[&value]);
                    model.insert(rank, value);
                }
                _ => {
                    ranked.insert(rank, &[&value[..value.len() / 2], &value[value.len() / 2..]]);
                    model.insert(rank, value);
                }
            }
        }
        prop_assert_eq!(ranked.len(), model.len());
        for from in [0, model.len() / 3, model.len().saturating_sub(1), model.len()] {
            let there: Vec<_> = ranked.iter_from(from).collect();
            prop_assert_eq!(there, model[from..].iter().map(Vec::as_slice).collect::<Vec<_>>());
            let back: Vec<_> = ranked.iter_back_from(from).collect();
            let until = (from + 1).min(model.len());
            let expected: Vec<_> = match from < model.len() {
                true => model[..until].iter().rev().map(Vec::as_slice).collect(),
                false => Vec::new(),
            };
            prop_assert_eq!(back, expected);
            prop_assert_eq!(ranked.get(from), model.get(from).map(Vec::as_slice));
        }
        prop_assert_eq!(ranked.heap_bytes(), ranked.recount_heap_bytes());
    }

    #[test]
    fn members_are_sorted_by_score_and_then_by_name(
        changes in prop::collection::vec((0..300u32, prop::option::of(-20..20i32)), 0..1_500)
    ) {
        let (mut set, mut model) = (SortedSet::new(2), BTreeMap::new());
        for (member, score) in changes {
            let member = member.to_string().into_bytes();
            match score {
                Some(score) => {
                    let score = f64::from(score) / 2.0;
                    prop_assert_eq!(set.set(&member, score), model.insert(member, score));
                }
                None => prop_assert_eq!(set.remove(&member), model.remove(&member)),
            }
        }
        let mut sorted: Vec<_> = model.iter().map(|(member, score)| (*score, member)).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        let there: Vec<_> = set.iter_from(0).map(|(score, member)| (score, member.to_vec())).collect();
        let expected: Vec<_> = sorted.iter().map(|(score, member)| (*score, member.to_vec())).collect();
        prop_assert_eq!(there, expected);
        for (rank, (score, member)) in sorted.iter().enumerate() {
            prop_assert_eq!(set.rank(member), Some(rank));
            prop_assert_eq!(set.score(member), Some(*score));
        }
        let low = set.count_before(|score, _| score >= 1.5);
        prop_assert_eq!(low, sorted.iter().filter(|(score, _)| *score < 1.5).count());
    }
}

#[test]
fn scores_sort_as_bytes_as_they_do_as_numbers() {
    let scores = [f64::NEG_INFINITY, -1e300, -1.5, -0.0, 0.0, 1e-300, 2.0, 1e300, f64::INFINITY];
    for pair in scores.windows(2) {
        let (a, b) = (sortable(pair[0]), sortable(pair[1]));
        assert_eq!(a.cmp(&b), pair[0].partial_cmp(&pair[1]).unwrap(), "{pair:?}");
        assert_eq!(score_of(b), pair[1]);
    }
}

#[test]
fn a_scan_visits_all_that_stays_once_while_fields_come_and_go() {
    let mut fields = Fields::new(3);
    let name = |number: u32| format!("field:{number}").into_bytes();
    for number in 0..5_000 {
        fields.set(&name(number), b"1");
    }
    let mut seen = BTreeMap::new();
    let (mut cursor, mut step) = (0, 0);
    loop {
        cursor = fields.scan(cursor, 10, |field, _| *seen.entry(field.to_vec()).or_insert(0) += 1);
        if cursor == 0 {
            break;
        }
        // Half of those that were there stay; others come, and later go with them.
        fields.set(&name(100_000 + step), b"2");
        fields.remove(&name(step * 2 % 5_000));
        if step > 300 {
            fields.remove(&name(100_000 + step - 300));
        }
        step += 1;
    }
    assert!(step > 300, "{step} steps of ten");
    for number in (1..5_000).step_by(2) {
        assert_eq!(seen.get(&name(number)), Some(&1), "field {number}");
    }
}

#[test]
fn every_field_is_picked_about_as_often() {
    let mut fields = Fields::new(4);
    for number in 0..300u32 {
        fields.set(&number.to_le_bytes(), b"");
    }
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let mut counts = HashMap::new();
    for _ in 0..60_000 {
        let (field, _) = fields.pick(&mut random).unwrap();
        *counts.entry(field.to_vec()).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 300);
    let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
    assert!(*least > 120 && *most < 300, "between {least} and {most} times, 200 each expected");
}

#[test]
fn what_is_emptied_gives_its_memory_back() {
    let mut fields = Fields::new(5);
    let empty_bytes = fields.heap_bytes();
    let mut ranked = Ranked::default();
    for number in 0..20_000u32 {
        fields.set(&number.to_le_bytes(), b"value");
        ranked.insert(ranked.len(), &[&number.to_le_bytes()]);
    }
    let full_bytes = fields.heap_bytes();
    for number in 0..19_990u32 {
        fields.remove(&number.to_le_bytes());
        ranked.remove(0);
    }
    assert!(fields.heap_bytes() < full_bytes / 20, "{} of {full_bytes}", fields.heap_bytes());
    assert!(fields.heap_bytes() >= empty_bytes);
    assert!(ranked.heap_bytes() < 4_000, "{} for ten entries", ranked.heap_bytes());
    let left: BTreeSet<_> = ranked.iter_from(0).map(<[u8]>::to_vec).collect();
    assert_eq!(left.len(), 10);
}

#[test]
fn what_is_only_pushed_lies_in_full_pages() {
    for front in [true, false] {
        let mut ranked = Ranked::default();
        for number in 0..100_000u32 {
            let rank = if front { 0 } else { ranked.len() };
            ranked.insert(rank, &[&number.to_le_bytes()]);
        }
        // Four bytes of number, one of length, four of place; vectors grow by doubling.
        let each = ranked.heap_bytes() as f64 / 100_000.0;
        assert!(each < 14.0, "{each} bytes an entry, from the front: {front}");
    }
}

#[test]
fn large_structures_are_dropped_bit_by_bit() {
    let mut fields = Fields::new(6);
    let mut set = SortedSet::new(6);
    for number in 0..10_000u32 {
        fields.set(&number.to_le_bytes(), b"value");
        set.set(&number.to_le_bytes(), f64::from(number));
    }
    let count = |mut step: Box<dyn FnMut() -> bool>| (0..).take_while(|_| step()).count();
    assert!(count(Box::new(move || fields.drop_some())) > 100);
    assert!(count(Box::new(move || set.drop_some())) > 200);
}

#[test]
fn a_page_comes_back_from_its_entries() {
    let mut page = Page::default();
    for number in 0..100u32 {
        page.insert(page.len(), &[&vec![b'x'; number as usize * 3]]);
    }
    page.remove(7);
    page.replace(0, &[b"longer than before"]);
    let mut bytes = Vec::new();
    page.write_entries(&mut bytes);
    let back = Page::from_entries(&bytes);
    assert!(back.entries().eq(page.entries()));
    assert_eq!(back.live_bytes(), bytes.len());
}
