//! The store against a plain map, one random step after the other, with a recount in between.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use proptest::prelude::*;
use skep_store::{
    Database, DeadShare, Expiry, NewValue, ScanCursor, Store, StripeSet, Upkeep, View, Writer,
};

use crate::support::{NOW_MS, pattern, store};

const DATABASES: Database = 3;
const VALUE_LENS: [usize; 9] =
    [0, 1, 15, 64, 1 << 10, (16 << 10) - 1, 16 << 10, (16 << 10) + 1, 100 << 10];
const KEY_LENS: [usize; 8] = [0, 1, 2, 16, 300, 16 << 10, (16 << 10) + 1, 20 << 10];
/// 2054-11-02: the last millisecond that five bytes of expiry reach.
const SHORT_END_MS: u64 = 1_577_836_800_000 + (1 << 40) - 1;

#[derive(Clone, Debug)]
enum Step {
    Set { at: Place, len: usize, expiry: Expiry, shared: bool, modified: bool },
    SetExpiry { at: Place, expiry_ms: Option<u64> },
    Append { at: Place, len: usize },
    Truncate { at: Place },
    Remove { at: Place },
    Read { at: Place },
    Move { from: Place, to: Place },
    Clear { database: Database },
    Swap { one: Database, other: Database },
    Count { database: Database },
    Scan { database: Database, count: usize },
    RandomKey { database: Database },
    Wait { ms: u64 },
    Upkeep { expire: bool },
    Compact { budget_bytes: usize },
    WorkOff,
    Seal,
    Prefetch { at: Place },
    OtherWriter,
    Audit,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    database: Database,
    key: usize,
}

fn key_bytes(number: usize) -> Vec<u8> {
    let len = KEY_LENS[number % KEY_LENS.len()];
    let tag: &[u8] = if number.is_multiple_of(3) { b"{tag}" } else { b"" };
    let mut key = pattern(len, number as u64);
    key.iter_mut().for_each(|byte| *byte = b'a' + *byte % 26);
    let start = tag.len().min(len);
    key[..start].copy_from_slice(&tag[..start]);
    key
}

fn place() -> impl Strategy<Value = Place> {
    (0..DATABASES, 0..48usize).prop_map(|(database, key)| Place { database, key })
}

fn expiry_ms() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => NOW_MS..NOW_MS + 3_000,
        1 => 0..NOW_MS,
        1 => 0..3u64,
        2 => SHORT_END_MS - 1..SHORT_END_MS + 3,
        1 => Just(i64::MAX as u64),
    ]
}

fn expiry() -> impl Strategy<Value = Expiry> {
    prop_oneof![Just(Expiry::Never), Just(Expiry::Keep), expiry_ms().prop_map(Expiry::At)]
}

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![prop::sample::select(&VALUE_LENS[..]), 0..400usize]
}

fn step() -> impl Strategy<Value = Step> {
    let database = || 0..DATABASES;
    prop_oneof![
        24 => (place(), len(), expiry(), any::<bool>(), any::<bool>()).prop_map(
            |(at, len, expiry, shared, modified)| Step::Set { at, len, expiry, shared, modified }
        ),
        8 => (place(), prop::option::of(expiry_ms()))
            .prop_map(|(at, expiry_ms)| Step::SetExpiry { at, expiry_ms }),
        8 => (place(), len()).prop_map(|(at, len)| Step::Append { at, len }),
        2 => place().prop_map(|at| Step::Truncate { at }),
        8 => place().prop_map(|at| Step::Remove { at }),
        8 => place().prop_map(|at| Step::Read { at }),
        4 => (place(), place()).prop_map(|(from, to)| Step::Move { from, to }),
        1 => database().prop_map(|database| Step::Clear { database }),
        2 => (database(), database()).prop_map(|(one, other)| Step::Swap { one, other }),
        2 => database().prop_map(|database| Step::Count { database }),
        2 => (database(), 1..20usize).prop_map(|(database, count)| Step::Scan { database, count }),
        2 => database().prop_map(|database| Step::RandomKey { database }),
        4 => (0..1_500u64).prop_map(|ms| Step::Wait { ms }),
        4 => any::<bool>().prop_map(|expire| Step::Upkeep { expire }),
        4 => (1..600_000usize).prop_map(|budget_bytes| Step::Compact { budget_bytes }),
        2 => Just(Step::WorkOff),
        2 => Just(Step::Seal),
        2 => place().prop_map(|at| Step::Prefetch { at }),
        4 => Just(Step::OtherWriter),
        2 => Just(Step::Audit),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    value: Vec<u8>,
    expiry_ms: Option<u64>,
}

struct Pair {
    store: Store,
    writers: [Writer; 2],
    now_ms: u64,
    steps: u64,
    /// Of the index of a store whose databases have all been written to.
    idle_bytes: u64,
    model: HashMap<(Database, Vec<u8>), Entry>,
}

impl Pair {
    fn new() -> Pair {
        let writers = [Writer::new(1), Writer::new(99)];
        let (store, model) = (store(usize::from(DATABASES), 64 << 20), HashMap::new());
        let mut pair = Pair { store, writers, now_ms: NOW_MS, steps: 0, model, idle_bytes: 0 };
        for database in 0..DATABASES {
            let at = Place { database, key: 0 };
            pair.set(at, 1, Expiry::Never, false, false);
            pair.take(&Step::Remove { at });
        }
        pair.idle_bytes = pair.store.footprint().index_bytes;
        pair
    }

    fn view(&mut self, held: StripeSet) -> View<'_> {
        View::new(&self.store, &mut self.writers[0], held, self.now_ms)
    }

    fn view_of(&mut self, keys: &[&[u8]]) -> View<'_> {
        let mut held = StripeSet::NONE;
        keys.iter().for_each(|key| held.insert(self.store.key(key).stripe()));
        self.view(held)
    }

    fn expected(&self, database: Database) -> BTreeMap<Vec<u8>, Entry> {
        let living = self.model.iter().filter(|((of, _), _)| *of == database);
        living.map(|((_, key), entry)| (key.clone(), entry.clone())).collect()
    }

    fn forget_expired(&mut self) {
        let now_ms = self.now_ms;
        self.model.retain(|_, entry| entry.expiry_ms.is_none_or(|at| at > now_ms));
    }

    /// Compares every key of every database.
    fn compare(&mut self) {
        for database in 0..DATABASES {
            let mut actual = BTreeMap::new();
            self.view(StripeSet::ALL).each_key(database, |key, item| {
                let value = item.value().bytes().expect("a string").to_vec();
                let entry = Entry { value, expiry_ms: item.expiry_ms() };
                assert!(actual.insert(key.to_vec(), entry).is_none(), "a key was visited twice");
            });
            let expected = self.expected(database);
            let (keys, expected_keys): (Vec<_>, Vec<_>) =
                (actual.keys().map(Vec::len).collect(), expected.keys().map(Vec::len).collect());
            assert!(actual == expected, "{database}: {keys:?}, expected {expected_keys:?}");
        }
    }

    fn audit(&mut self) {
        self.writers.iter_mut().for_each(|writer| writer.publish(&self.store));
        self.store.audit().expect("the accounts equal a recount");
    }

    fn take(&mut self, step: &Step) {
        self.steps += 1;
        match *step {
            Step::Set { at, len, expiry, shared, modified } => {
                self.set(at, len, expiry, shared, modified);
            }
            Step::SetExpiry { at, expiry_ms } => self.set_expiry(at, expiry_ms),
            Step::Append { at, len } => {
                let more = pattern(len, self.steps);
                self.edit(at, |value| value.extend_from_slice(&more));
            }
            Step::Truncate { at } => self.edit(at, |value| value.truncate(value.len() / 2)),
            Step::Remove { at } => {
                let key = key_bytes(at.key);
                let mut view = self.view_of(&[&key]);
                let removed = view.remove(at.database, &view.key(&key));
                drop(view);
                assert_eq!(removed, self.model.remove(&(at.database, key)).is_some());
            }
            Step::Read { at } => self.read(at),
            Step::Move { from, to } => self.rename(from, to),
            Step::Clear { database } => {
                let removed = self.view(StripeSet::ALL).clear(database);
                assert!(removed >= self.expected(database).len() as u64);
                self.model.retain(|(of, _), _| *of != database);
            }
            Step::Swap { one, other } => self.swap(one, other),
            Step::Count { database } => {
                let counts = self.view(StripeSet::ALL).count(database);
                let expected = self.expected(database);
                let expiring = expected.values().filter(|entry| entry.expiry_ms.is_some()).count();
                // Expired keys that nobody has noticed yet are counted.
                assert!(counts.keys >= expected.len() as u64);
                assert!(counts.expiring >= expiring as u64);
                assert_eq!(
                    counts.keys - counts.expiring,
                    (expected.len() - expiring) as u64,
                    "keys that never expire"
                );
            }
            Step::Scan { database, count } => self.scan(database, count),
            Step::RandomKey { database } => {
                let key = self.view(StripeSet::ALL).random_key(database);
                let expected = self.expected(database);
                assert_eq!(key.is_none(), expected.is_empty());
                assert!(key.is_none_or(|key| expected.contains_key(&key)));
            }
            Step::Wait { ms } => {
                self.now_ms += ms;
                self.forget_expired();
            }
            ref upkeep => self.keep_up(upkeep),
        }
    }

    fn keep_up(&mut self, step: &Step) {
        let (store, writer) = (&self.store, &mut self.writers[0]);
        match *step {
            Step::Upkeep { expire } => {
                let _ = store.upkeep(writer, &Upkeep { now_ms: self.now_ms, expire });
            }
            Step::Compact { budget_bytes } => {
                let _ = store.compact(writer, DeadShare(0), budget_bytes);
            }
            Step::WorkOff => store.work_off(writer),
            Step::Seal => writer.seal(store),
            Step::Prefetch { at } => {
                let bytes = key_bytes(at.key);
                let key = store.key(&bytes);
                store.prefetch_header(at.database, &key);
                if let Some(trail) = store.prefetch_bucket(at.database, &key) {
                    store.prefetch_item(&trail);
                }
            }
            Step::OtherWriter => self.writers.swap(0, 1),
            Step::Audit => self.audit(),
            ref other => unreachable!("{other:?} is no upkeep"),
        }
    }

    fn set(&mut self, at: Place, len: usize, expiry: Expiry, shared: bool, modified: bool) {
        let (key, value) = (key_bytes(at.key), pattern(len, self.steps));
        let mut view = self.view_of(&[&key]);
        let hashed = view.key(&key);
        let new = if shared && len >= skep_store::LARGE_VALUE_BYTES {
            NewValue::Shared(Arc::new(value.clone()))
        } else {
            NewValue::Bytes(&value)
        };
        let result = if modified {
            view.set_modified(at.database, &hashed, new, expiry)
        } else {
            view.set(at.database, &hashed, new, expiry)
        };
        result.expect("room for the value");
        drop(view);
        let place = (at.database, key);
        let expiry_ms = match expiry {
            Expiry::Never => None,
            Expiry::At(ms) => Some(ms),
            Expiry::Keep => self.model.get(&place).and_then(|old| old.expiry_ms),
        };
        self.model.insert(place, Entry { value, expiry_ms });
        self.forget_expired();
    }

    fn set_expiry(&mut self, at: Place, expiry_ms: Option<u64>) {
        let key = key_bytes(at.key);
        let mut view = self.view_of(&[&key]);
        let hashed = view.key(&key);
        let found = view.set_expiry(at.database, &hashed, expiry_ms).expect("room for the expiry");
        drop(view);
        let old = self.model.get_mut(&(at.database, key));
        assert_eq!(found, old.is_some());
        if let Some(entry) = old {
            entry.expiry_ms = expiry_ms;
        }
        self.forget_expired();
    }

    fn edit(&mut self, at: Place, change: impl Fn(&mut Vec<u8>)) {
        let key = key_bytes(at.key);
        let mut view = self.view_of(&[&key]);
        let hashed = view.key(&key);
        let result = view.edit(at.database, &hashed, |value| {
            change(value);
            value.clone()
        });
        drop(view);
        let fresh = Entry { value: Vec::new(), expiry_ms: None };
        let entry = self.model.entry((at.database, key)).or_insert(fresh);
        change(&mut entry.value);
        assert!(result.expect("room for the change") == entry.value);
    }

    fn read(&mut self, at: Place) {
        let key = key_bytes(at.key);
        let expected = self.model.get(&(at.database, key.clone())).cloned();
        let mut view = self.view_of(&[&key]);
        let hashed = view.key(&key);
        let actual = view.read(at.database, &hashed).map(|item| Entry {
            value: item.value().bytes().expect("a string").to_vec(),
            expiry_ms: item.expiry_ms(),
        });
        assert!(actual == expected, "{at:?} differs");
    }

    /// Moves a value as RENAME does, in one view over both keys' stripes.
    fn rename(&mut self, from: Place, to: Place) {
        let (source, target) = (key_bytes(from.key), key_bytes(to.key));
        let mut view = self.view_of(&[&source, &target]);
        let (source_key, target_key) = (view.key(&source), view.key(&target));
        let found = view.find(from.database, &source_key);
        let found =
            found.map(|item| (item.value().bytes().expect("a string").to_vec(), item.expiry_ms()));
        if let Some((value, expiry_ms)) = &found {
            view.remove(from.database, &source_key);
            let expiry = expiry_ms.map_or(Expiry::Never, Expiry::At);
            view.set(to.database, &target_key, NewValue::Bytes(value), expiry).expect("room");
        }
        drop(view);
        let moved = self.model.remove(&(from.database, source));
        assert_eq!(found.is_some(), moved.is_some());
        if let Some(entry) = moved {
            self.model.insert((to.database, target), entry);
        }
    }

    fn swap(&mut self, one: Database, other: Database) {
        self.view(StripeSet::ALL).swap(one, other);
        let renumber = |database| match database {
            of if of == one => other,
            of if of == other => one,
            of => of,
        };
        let model = std::mem::take(&mut self.model);
        let moved = model.into_iter().map(|((of, key), entry)| ((renumber(of), key), entry));
        self.model = moved.collect();
    }

    fn scan(&mut self, database: Database, count: usize) {
        let mut seen = HashSet::new();
        let mut cursor = ScanCursor(0);
        loop {
            let stripe = cursor.stripe().expect("a cursor of our own");
            cursor = self.view(StripeSet::one(stripe)).scan(database, cursor, count, |key, _| {
                seen.insert(key.to_vec());
            });
            if cursor == ScanCursor(0) {
                break;
            }
        }
        let expected: HashSet<Vec<u8>> = self.expected(database).into_keys().collect();
        assert!(seen == expected, "a scan saw {} of {} keys", seen.len(), expected.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_store_equals_a_plain_map(steps in prop::collection::vec(step(), 1..250)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.take(step);
            pair.compare();
        }
        pair.audit();
        for database in 0..DATABASES {
            pair.view(StripeSet::ALL).clear(database);
        }
        pair.audit();
        let footprint = pair.store.footprint();
        prop_assert_eq!((footprint.live_bytes, footprint.outside_bytes), (0, 0));
        prop_assert_eq!(footprint.index_bytes, pair.idle_bytes);
    }
}
