//! What the lock of a stripe guards besides the index and the items: the keys' accounts and the
//! watches of transactions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::lane::Lane;

/// The flags of those who watch a key.
type Watchers = Vec<Arc<AtomicBool>>;

/// The guarded state of one stripe.
pub(crate) struct Stripe {
    /// The log of effects; empty unless lanes are on.
    pub(crate) lane: Lane,
    /// Per header run (see `Store::runs`): keys and how many of them expire.
    pub(crate) accounts: Accounts,
    /// Watched keys, by header run. Almost always empty.
    watches: HashMap<(u16, Box<[u8]>), Watchers>,
}

/// Keys of one database in one stripe.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) keys: u32,
    pub(crate) expiring: u32,
}

/// The accounts of a stripe by header run. Whoever holds the stripe's lock changes them; anybody
/// reads them, because who asks for the number of keys may be a transaction that holds locks, and
/// must not wait for more of them out of order.
#[derive(Clone)]
pub(crate) struct Accounts(Arc<[AtomicU64]>);

impl Accounts {
    fn new(databases: usize) -> Accounts {
        Accounts((0..databases).map(|_| AtomicU64::new(0)).collect())
    }

    #[inline]
    pub(crate) fn get(&self, run: u16) -> Account {
        let both = self.0[usize::from(run)].load(Relaxed);
        Account { keys: both as u32, expiring: (both >> 32) as u32 }
    }

    #[inline]
    pub(crate) fn change(&mut self, run: u16, change: impl FnOnce(&mut Account)) {
        let mut account = self.get(run);
        change(&mut account);
        let both = u64::from(account.expiring) << 32 | u64::from(account.keys);
        self.0[usize::from(run)].store(both, Relaxed);
    }

    /// Keys of all databases.
    pub(crate) fn keys(&self) -> u64 {
        self.0.iter().map(|both| u64::from(both.load(Relaxed) as u32)).sum()
    }
}

impl Stripe {
    pub(crate) fn new(databases: usize) -> Stripe {
        Stripe {
            lane: Lane::default(),
            accounts: Accounts::new(databases),
            watches: HashMap::new(),
        }
    }

    /// Remembers that `broken` must become true when the key changes.
    pub(crate) fn watch(&mut self, run: u16, key: &[u8], broken: &Arc<AtomicBool>) {
        let watchers = self.watches.entry((run, key.into())).or_default();
        watchers.retain(|other| Arc::strong_count(other) > 1);
        watchers.push(Arc::clone(broken));
    }

    /// Forgets a watch.
    pub(crate) fn unwatch(&mut self, run: u16, key: &[u8], broken: &Arc<AtomicBool>) {
        let place = (run, Box::from(key));
        if let Some(watchers) = self.watches.get_mut(&place) {
            watchers.retain(|other| !Arc::ptr_eq(other, broken));
            if watchers.is_empty() {
                self.watches.remove(&place);
            }
        }
    }

    /// Breaks the watches of a key that changed.
    #[inline]
    pub(crate) fn touched(&mut self, run: u16, key: &[u8]) {
        if !self.watches.is_empty() {
            self.break_watches(run, key);
        }
    }

    #[cold]
    fn break_watches(&mut self, run: u16, key: &[u8]) {
        // The lookup needs an owned key; watches are rare enough.
        if let Some(watchers) = self.watches.get(&(run, Box::from(key))) {
            watchers.iter().for_each(|broken| broken.store(true, Relaxed));
        }
    }

    /// The watched keys of a database.
    pub(crate) fn watched_keys(&self, run: u16) -> Vec<Box<[u8]>> {
        self.watches.keys().filter(|(other, _)| *other == run).map(|(_, key)| key.clone()).collect()
    }

    /// Makes watches follow their database's number when two databases are exchanged.
    pub(crate) fn exchange_watches(&mut self, a: u16, b: u16) {
        let moved: Vec<_> = self
            .watches
            .extract_if(|(run, _), _| *run == a || *run == b)
            .map(|((run, key), watchers)| ((if run == a { b } else { a }, key), watchers))
            .collect();
        self.watches.extend(moved);
    }
}
