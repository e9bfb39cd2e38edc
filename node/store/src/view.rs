//! The keys of one command: the stripes it may touch, locked, and everything it can do to them.
//!
//! A view locks its stripes in ascending order when it is made and unlocks them when dropped.
//! Keys of other stripes are out of its reach; asking for one is a bug and panics. An expired
//! key is gone for whoever looks: the view removes it on the way.
#![allow(unsafe_code, reason = "hands out guarded state of the stripes it has locked")]

mod collections;
mod write;

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::lock_api::RawMutex as _;

use crate::StripeSet;
use crate::entry::Entry;
use crate::item::{Record, Value};
use crate::key::Key;
use crate::shadow::EventKind;
use crate::store::{Database, Store};
use crate::stripe::{Account, Stripe};
use crate::table::Table;
use crate::writer::Writer;

pub use collections::EditError;
pub use write::{Expiry, NewValue, OutOfMemory};

/// A command's access to the store; see the module.
pub struct View<'a> {
    store: &'a Store,
    writer: &'a mut Writer,
    held: StripeSet,
    now_ms: u64,
    /// Lookups leave no trace.
    quiet: bool,
}

/// A key's item, readable while the view is not used otherwise.
#[derive(Clone, Copy)]
pub struct Item<'v> {
    record: Record<'v>,
    access: u32,
}

impl<'v> Item<'v> {
    pub(crate) fn of(record: Record<'v>) -> Item<'v> {
        Item { record, access: record.access() }
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> Value<'v> {
        self.record.value()
    }

    /// When the key expires, in Unix milliseconds.
    pub fn expiry_ms(&self) -> Option<u64> {
        self.record.expiry_ms()
    }

    /// Whether the value was changed in place rather than set whole.
    pub fn is_modified(&self) -> bool {
        self.record.is_modified()
    }

    /// The access state that eviction keeps, as it was before this lookup.
    pub fn access(&self) -> u32 {
        self.access
    }

    /// Bytes the key takes: its record, what lies outside, and its index entry.
    pub fn memory_bytes(&self) -> usize {
        self.record.weight_bytes() as usize
    }
}

/// A key that is there, in a stripe that is locked.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) table: Table<'a>,
    pub(crate) entry: Entry,
    pub(crate) record: Record<'a>,
}

impl<'a> View<'a> {
    /// Locks the given stripes.
    #[inline]
    pub fn new(store: &'a Store, writer: &'a mut Writer, held: StripeSet, now_ms: u64) -> View<'a> {
        held.each(|stripe| store.stripes[stripe].raw().lock());
        View { store, writer, held, now_ms, quiet: false }
    }

    /// The store this is a view of.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// The time this command runs at, in Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The counters of the worker that runs this command.
    pub fn counters(&mut self) -> &mut crate::Counters {
        &mut self.writer.counters
    }

    /// The next number of the worker's pseudo-random sequence.
    pub fn random(&mut self) -> u64 {
        self.writer.random()
    }

    /// Calls `visit` with a view of each stripe in turn until it answers false. A view that holds
    /// all stripes keeps them; one that holds none locks each only meanwhile.
    ///
    /// # Panics
    /// The view holds some stripes but not all: locking more could deadlock.
    pub fn each_stripe(&mut self, visit: &mut dyn FnMut(&mut View<'_>, u8) -> bool) {
        self.each_stripe_from(0, visit);
    }

    /// As [`View::each_stripe`], from stripe `first` to the last one.
    ///
    /// # Panics
    /// As [`View::each_stripe`].
    pub fn each_stripe_from(
        &mut self,
        first: u8,
        visit: &mut dyn FnMut(&mut View<'_>, u8) -> bool,
    ) {
        let holds_all = self.held == StripeSet::ALL;
        assert!(holds_all || self.held == StripeSet::NONE, "walking stripes while holding some");
        for stripe in first..=u8::MAX {
            let (store, held, now_ms) = (self.store, StripeSet::one(stripe), self.now_ms);
            let go_on = if holds_all {
                // Never dropped, because this view goes on holding the lock.
                let part = View { store, writer: self.writer, held, now_ms, quiet: self.quiet };
                visit(&mut ManuallyDrop::new(part), stripe)
            } else {
                let mut part = View::new(store, self.writer, held, now_ms);
                part.quiet = self.quiet;
                visit(&mut part, stripe)
            };
            if !go_on {
                return;
            }
        }
    }

    /// Calls `visit` with all stripes locked.
    ///
    /// # Panics
    /// As [`View::each_stripe`].
    pub fn with_all_stripes<R>(&mut self, visit: impl FnOnce(&mut View<'_>) -> R) -> R {
        if self.held == StripeSet::ALL {
            return visit(self);
        }
        assert!(self.held == StripeSet::NONE, "locking all stripes while holding some");
        let mut all = View::new(self.store, self.writer, StripeSet::ALL, self.now_ms);
        all.quiet = self.quiet;
        visit(&mut all)
    }

    /// The stripes this view holds.
    pub fn held(&self) -> StripeSet {
        self.held
    }

    /// Hashes a key.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.store.key(bytes)
    }

    #[inline]
    pub(crate) fn stripe(&mut self, stripe: usize) -> &mut Stripe {
        assert!(self.held.contains(stripe), "stripe {stripe} is not locked by this view");
        // SAFETY: this view locked the stripe and unlocks it only when dropped; `&mut self` makes
        // the reference exclusive within the view.
        unsafe { &mut *self.store.stripes[stripe].0.data_ptr() }
    }

    #[inline]
    fn account(&mut self, key: &Key<'_>, run: u16, change: impl FnOnce(&mut Account)) {
        self.stripe(usize::from(key.stripe())).accounts.change(run, change);
    }

    #[inline]
    fn lookup(&self, run: u16, key: &Key<'_>) -> Option<Found<'a>> {
        assert!(self.held.contains(usize::from(key.stripe())), "key of an unlocked stripe");
        let store = self.store;
        let table = store.table(run, key.slot)?;
        let mut record = None;
        let entry = table.find(key.hash, |entry| {
            let candidate = store.record(entry);
            let is_it = candidate.key() == key.bytes;
            record = is_it.then_some(candidate);
            is_it
        })?;
        Some(Found { table, entry, record: record? })
    }

    /// Finds a key that has not expired; one that has is removed.
    #[inline]
    fn living(&mut self, run: u16, key: &Key<'_>) -> Option<Found<'a>> {
        let found = self.lookup(run, key)?;
        if found.entry.expires() { self.expire(run, key, found) } else { Some(found) }
    }

    /// Removes a found key if it has expired; otherwise answers it again.
    pub(crate) fn expire(
        &mut self,
        run: u16,
        key: &Key<'_>,
        found: Found<'a>,
    ) -> Option<Found<'a>> {
        if found.record.expiry_ms().is_none_or(|at| at > self.now_ms) {
            return Some(found);
        }
        if self.store.lanes.is_replica() {
            // The primary says when it goes; until then nobody sees it.
            return self.writer.is_replaying.then_some(found);
        }
        self.erase(run, key, &found);
        self.writer.counters.expired += 1;
        None
    }

    /// Looks a key up for reading: counts a hit or miss and notes the access.
    #[inline]
    pub fn read(&mut self, database: Database, key: &Key<'_>) -> Option<Item<'_>> {
        let run = self.store.run(database);
        match self.living(run, key) {
            Some(found) => {
                self.writer.counters.hits += 1;
                if self.store.shadows.samples(key.hash) {
                    self.writer.note_event(key.hash, EventKind::Hit(found.record.weight_bytes()));
                }
                Some(self.access(found))
            }
            None => {
                self.writer.counters.misses += 1;
                if self.store.shadows.samples(key.hash) {
                    self.writer.note_event(key.hash, EventKind::Miss);
                }
                None
            }
        }
    }

    /// Notes an access to a found key.
    #[inline]
    fn access(&mut self, found: Found<'a>) -> Item<'a> {
        let access = found.record.access();
        if !self.quiet {
            self.touch(&found.record, access);
        }
        Item { record: found.record, access }
    }

    /// Brings a record's access state up to date.
    #[inline]
    fn touch(&mut self, record: &Record<'_>, access: u32) {
        let writer = &mut *self.writer;
        let touched = self.store.judge.touched(access, self.now_ms, || writer.random());
        if touched != access {
            record.set_access(touched);
        }
    }

    /// Makes lookups leave no trace in the access state (CLIENT NO-TOUCH).
    pub fn set_quiet(&mut self, quiet: bool) {
        self.quiet = quiet;
    }

    /// Notes an access as a lookup would (TOUCH).
    pub fn touch_key(&mut self, database: Database, key: &Key<'_>) -> bool {
        let Some(found) = self.living(self.store.run(database), key) else { return false };
        self.touch(&found.record, found.record.access());
        true
    }

    /// Looks a key up and notes the access, without counting.
    #[inline]
    pub fn find(&mut self, database: Database, key: &Key<'_>) -> Option<Item<'_>> {
        let found = self.living(self.store.run(database), key)?;
        Some(self.access(found))
    }

    /// Looks a key up without leaving a trace.
    #[inline]
    pub fn peek(&mut self, database: Database, key: &Key<'_>) -> Option<Item<'_>> {
        let found = self.living(self.store.run(database), key)?;
        Some(Item { record: found.record, access: found.record.access() })
    }

    /// Keys of a database in the stripes held, expired ones not yet noticed included.
    pub fn count(&mut self, database: Database) -> KeyCounts {
        let run = self.store.run(database);
        let mut counts = KeyCounts::default();
        self.held().each(|stripe| {
            let account = self.stripe(stripe).accounts.get(run);
            counts.keys += u64::from(account.keys);
            counts.expiring += u64::from(account.expiring);
        });
        counts
    }

    /// Makes `broken` true when the key changes, until [`View::unwatch`].
    pub fn watch(&mut self, database: Database, key: &Key<'_>, broken: &Arc<AtomicBool>) {
        let run = self.store.run(database);
        // A key that has expired is gone before the watch begins.
        let _ = self.living(run, key);
        self.stripe(usize::from(key.stripe())).watch(run, key.bytes, broken);
    }

    /// Ends a watch.
    pub fn unwatch(&mut self, database: Database, key: &Key<'_>, broken: &Arc<AtomicBool>) {
        let run = self.store.run(database);
        self.stripe(usize::from(key.stripe())).unwatch(run, key.bytes, broken);
    }

    /// The record of a key, whether or not it has expired.
    pub(crate) fn find_record(&self, run: u16, key: &Key<'_>) -> Option<Record<'a>> {
        self.lookup(run, key).map(|found| found.record)
    }

    pub(crate) fn exists_in(&mut self, run: u16, key: &Key<'_>) -> bool {
        self.living(run, key).is_some()
    }

    pub(crate) fn writer(&mut self) -> &mut Writer {
        self.writer
    }
}

/// Keys of a database.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct KeyCounts {
    /// All keys.
    pub keys: u64,
    /// Those that expire.
    pub expiring: u64,
}

impl Drop for View<'_> {
    #[inline]
    fn drop(&mut self) {
        let store = self.store;
        // SAFETY: `new` locked exactly these stripes.
        self.held.each(|stripe| unsafe { store.stripes[stripe].raw().unlock() });
    }
}
