//! A slot's index against a plain map, with hashes chosen to collide as badly as they can.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::entry::{Entry, Tag};
use crate::store::Store;
use crate::table::Table;
use crate::tests::store;

/// An index whose entries lead nowhere: their locations are numbers that tell them apart.
struct Pair<'s> {
    table: Table<'s>,
    model: HashMap<u64, (u64, Entry)>,
    next: u64,
}

impl<'s> Pair<'s> {
    fn new(store: &'s Store) -> Pair<'s> {
        let slot = skep_keyspace::Slot::new(5).expect("a slot");
        let table = store.table_for_write(0, slot).expect("room for headers");
        Pair { table, model: HashMap::new(), next: 1 }
    }

    /// Answers whether there was room.
    fn insert(&mut self, hash: u64, expires: bool) -> bool {
        let rehash = |entries: &[u64], hashes: &mut Vec<u64>| {
            hashes.extend(entries.iter().map(|&entry| self.model[&Entry(entry).location()].0));
        };
        if self.table.reserve(hash, rehash).is_err() {
            return false;
        }
        let entry = Entry::new(Tag::of(hash), self.next, expires);
        self.table.insert(hash, entry);
        self.model.insert(self.next, (hash, entry));
        self.next += 1;
        true
    }

    fn remove(&mut self, pick: usize) {
        let mut locations: Vec<u64> = self.model.keys().copied().collect();
        locations.sort_unstable();
        let Some(&location) = locations.get(pick % locations.len().max(1)) else { return };
        let (hash, entry) = self.model.remove(&location).expect("an entry of the model");
        assert!(self.table.remove(hash, entry), "{entry:?} was not there");
        assert!(!self.table.remove(hash, entry), "{entry:?} was there twice");
    }

    fn replace(&mut self, pick: usize) {
        let location = 1 + pick as u64 % self.next;
        let Some((hash, entry)) = self.model.remove(&location) else { return };
        let moved = Entry::new(entry.tag(), self.next, !entry.expires());
        assert!(self.table.replace(hash, entry, moved));
        self.model.insert(self.next, (hash, moved));
        self.next += 1;
    }

    fn compare(&self) {
        assert_eq!(self.table.len(), self.model.len());
        let mut seen = 0;
        self.table.each(|entry| {
            seen += 1;
            assert_eq!(self.model.get(&entry.location()).map(|known| known.1), Some(entry));
        });
        assert_eq!(seen, self.model.len());
        for (hash, entry) in self.model.values() {
            let found = self.table.find(*hash, |other| other.location() == entry.location());
            assert_eq!(found, Some(*entry));
        }
        let (mut next, mut scanned) = (Some(0), 0);
        while let Some(position) = next {
            next = self.table.scan(position, |entry| {
                scanned += 1;
                assert!(self.model.contains_key(&entry.location()));
            });
            assert!(next.is_none_or(|next| next > position), "a scan that turns back");
        }
        assert_eq!(scanned, self.model.len(), "entries scanned");
    }
}

/// Hashes in few homes, at the ends of the range (so that runs wrap), or anywhere; and in few
/// places of the trie, or anywhere.
fn hash() -> impl Strategy<Value = u64> {
    let tag = prop_oneof![0..4u64, (1 << 23) - 4..1u64 << 23, Just(1 << 22), 0..1u64 << 23];
    let path = prop_oneof![0..3u64, 0..1u64 << 24];
    (tag, path).prop_map(|(tag, path)| tag << 41 | path)
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u64, bool),
    Remove(usize),
    Replace(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = |insert: u32, remove: u32| {
        prop_oneof![
            insert => (hash(), any::<bool>()).prop_map(|(hash, bit)| Step::Insert(hash, bit)),
            remove => any::<u16>().prop_map(|pick| Step::Remove(usize::from(pick))),
            1 => any::<u16>().prop_map(|pick| Step::Replace(usize::from(pick))),
        ]
    };
    let growing = prop::collection::vec(step(8, 2), 0..1_200);
    let shrinking = prop::collection::vec(step(2, 8), 0..1_200);
    (growing, shrinking).prop_map(|(one, other)| [one, other].concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_slot_equals_a_plain_map_however_hashes_collide(steps in steps()) {
        let store = store();
        let mut pair = Pair::new(&store);
        for (number, step) in steps.iter().enumerate() {
            match *step {
                Step::Insert(hash, expires) => prop_assert!(pair.insert(hash, expires)),
                Step::Remove(pick) => pair.remove(pick),
                Step::Replace(pick) => pair.replace(pick),
            }
            if number % 64 == 0 {
                pair.compare();
            }
        }
        pair.compare();
        while !pair.model.is_empty() {
            pair.remove(0);
        }
        pair.compare();
        prop_assert_eq!(store.chunks.in_use(), 0);
    }
}

#[test]
fn a_slot_grows_through_every_level_and_back() {
    let store = store();
    let mut pair = Pair::new(&store);
    // Eight places of the trie far below its root, so that it deepens before it splits.
    for number in 0..12_000u64 {
        let hash = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) << 41) | (number % 8);
        assert!(pair.insert(hash, false));
    }
    pair.compare();
    for pick in 0..11_999 {
        pair.remove(pick * 31);
        if pick % 3_000 == 0 {
            pair.compare();
        }
    }
    pair.compare();
    pair.remove(0);
    assert_eq!(store.chunks.in_use(), 0);
}

#[test]
fn keys_of_a_single_hash_are_refused_before_any_is_lost() {
    let store = store();
    let mut pair = Pair::new(&store);
    let fitting = (0..5_000).take_while(|_| pair.insert(77 << 41 | 9, false)).count();
    assert!((1_000..5_000).contains(&fitting), "{fitting} keys fit");
    pair.compare();
    assert!(pair.insert(77 << 41 | 10, false), "a key of another place in the trie fits");
    pair.compare();
    while !pair.model.is_empty() {
        pair.remove(0);
    }
    assert_eq!(store.chunks.in_use(), 0);
}
