//! A store with one writer, and the few steps that every test takes.

use std::collections::HashSet;

use skep_store::{
    Database, DeadShare, Expiry, Footprint, NewValue, Options, ScanCursor, Store, StripeSet,
    Upkeep, View, Writer,
};

/// A moment in 2026, when tests begin.
pub(crate) const NOW_MS: u64 = 1_780_000_000_000;

/// A store and a worker's writer, at a time that tests move.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) now_ms: u64,
}

impl Bench {
    pub(crate) fn new(databases: usize, reserve_bytes: usize) -> Bench {
        let store = store(databases, reserve_bytes);
        Bench { store, writer: Writer::new(7), now_ms: NOW_MS }
    }

    pub(crate) fn view(&mut self, key: &[u8]) -> View<'_> {
        let stripes = StripeSet::one(self.store.key(key).stripe());
        View::new(&self.store, &mut self.writer, stripes, self.now_ms)
    }

    pub(crate) fn view_all(&mut self) -> View<'_> {
        View::new(&self.store, &mut self.writer, StripeSet::ALL, self.now_ms)
    }

    pub(crate) fn set(&mut self, database: Database, key: &[u8], value: &[u8], expiry: Expiry) {
        let mut view = self.view(key);
        let hashed = view.key(key);
        view.set(database, &hashed, NewValue::Bytes(value), expiry).expect("room for the key");
    }

    pub(crate) fn get(&mut self, database: Database, key: &[u8]) -> Option<Vec<u8>> {
        let mut view = self.view(key);
        let hashed = view.key(key);
        view.read(database, &hashed).map(|item| item.value().bytes().expect("a string").to_vec())
    }

    pub(crate) fn remove(&mut self, database: Database, key: &[u8]) -> bool {
        let mut view = self.view(key);
        let hashed = view.key(key);
        view.remove(database, &hashed)
    }

    pub(crate) fn count(&mut self, database: Database) -> u64 {
        self.view_all().count(database).keys
    }

    /// One upkeep step with the expiry cycle.
    pub(crate) fn upkeep(&mut self) -> bool {
        let circumstances = Upkeep { now_ms: self.now_ms, expire: true };
        self.store.upkeep(&mut self.writer, &circumstances)
    }

    /// Upkeep until there is nothing to do, which must come within so many steps.
    pub(crate) fn settle(&mut self) {
        const STEPS: usize = 100_000;
        assert!((0..STEPS).any(|_| !self.upkeep()), "still busy after {STEPS} steps");
    }

    /// Seals the open segment and compacts until nothing dead is worth it.
    pub(crate) fn compact_all(&mut self) {
        self.writer.seal(&self.store);
        while self.store.compact(&mut self.writer, DeadShare(0), 1 << 20) {}
    }

    /// The footprint when a key of each of these databases has come and gone.
    pub(crate) fn idle_footprint(&mut self, databases: Database) -> Footprint {
        for database in 0..databases {
            self.set(database, b"first", b"", Expiry::Never);
            self.remove(database, b"first");
        }
        self.shrunk_footprint()
    }

    /// The footprint when everything that can be given back has been.
    pub(crate) fn shrunk_footprint(&mut self) -> Footprint {
        self.settle();
        self.compact_all();
        self.writer.publish(&self.store);
        self.store.trim();
        self.store.footprint()
    }

    pub(crate) fn audit(&mut self) {
        self.writer.publish(&self.store);
        self.store.audit().expect("the accounts equal a recount");
    }

    /// The keys that a scan in steps of `count` returns, with what happens between the steps.
    pub(crate) fn scan(
        &mut self,
        database: Database,
        count: usize,
        mut between: impl FnMut(&mut Bench),
    ) -> HashSet<Vec<u8>> {
        let mut seen = HashSet::new();
        let mut cursor = ScanCursor(0);
        loop {
            let stripe = cursor.stripe().expect("a cursor of our own");
            let held = StripeSet::one(stripe);
            let mut view = View::new(&self.store, &mut self.writer, held, self.now_ms);
            cursor = view.scan(database, cursor, count, |key, _| {
                seen.insert(key.to_vec());
            });
            drop(view);
            if cursor == ScanCursor(0) {
                return seen;
            }
            between(self);
        }
    }
}

pub(crate) fn store(databases: usize, reserve_bytes: usize) -> Store {
    Store::new(&Options { databases, reserve_bytes, seed: 42 }).expect("address space")
}

/// Bytes that tell one value of a length from another.
pub(crate) fn pattern(len: usize, seed: u64) -> Vec<u8> {
    (0..len as u64).map(|n| (n.wrapping_mul(31) ^ seed.wrapping_mul(0x9e37_79b9)) as u8).collect()
}

/// A number from the environment, for tests with a short and a full size.
pub(crate) fn size_from_env(name: &str, short: usize) -> usize {
    std::env::var(name).map_or(short, |text| text.parse().expect("a number"))
}
