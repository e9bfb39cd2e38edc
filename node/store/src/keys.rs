//! Operations over many keys: scanning, picking at random, flushing and swapping databases.

use skep_keyspace::Slot;

use crate::STRIPE_COUNT;
use crate::entry::{Entry, TAG_BITS};
use crate::store::{Database, RECORDS_AHEAD, STRIPE_SLOTS, Store};
use crate::table::{TRIE_BITS, Table};
use crate::view::{Item, View};

/// Where a scan stands: `[stripe 8 | slot within the stripe 6 | position within the slot 47]`.
/// 0 begins a scan, and the end of one is 0 again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanCursor(pub u64);

const POSITION_BITS: u32 = TRIE_BITS + TAG_BITS;
const SLOT_BITS: u32 = STRIPE_SLOTS.ilog2();

impl ScanCursor {
    fn new(stripe: usize, slot: usize, position: u64) -> ScanCursor {
        ScanCursor((((stripe << SLOT_BITS) | slot) as u64) << POSITION_BITS | position)
    }

    /// The beginning of a stripe.
    pub(crate) fn of_stripe(stripe: u8) -> ScanCursor {
        ScanCursor::new(usize::from(stripe), 0, 0)
    }

    /// The stripe to lock for the next step; nothing when the cursor is not one of ours.
    pub fn stripe(self) -> Option<u8> {
        u8::try_from(self.0 >> (POSITION_BITS + SLOT_BITS)).ok()
    }

    fn slot(self) -> usize {
        (self.0 >> POSITION_BITS) as usize % STRIPE_SLOTS
    }

    fn position(self) -> u64 {
        self.0 & ((1 << POSITION_BITS) - 1)
    }
}

fn slot_of(stripe: usize, slot: usize) -> Option<Slot> {
    Slot::new((slot * STRIPE_COUNT + stripe) as u16)
}

/// Calls `visit` with an entry's key and item unless it has expired. (Expired keys are left for the
/// expiry cycle, because removing would move entries under the scan.)
fn visit_living(
    store: &Store,
    now_ms: u64,
    entry: Entry,
    visit: &mut impl FnMut(&[u8], &Item<'_>),
) {
    let record = store.record(entry);
    if record.expiry_ms().is_none_or(|at| at > now_ms) {
        visit(record.key(), &Item::of(record));
    }
}

impl<'a> View<'a> {
    /// Visits some keys of one stripe, which the view must hold: at least `count` if the stripe
    /// has that many left, and no more than that plus a bucket's run. Returns where to go on,
    /// which may be in the next stripe; a cursor of 0 is the end.
    ///
    /// A key that is there from the first step to the last is visited at least once.
    pub fn scan(
        &mut self,
        database: Database,
        cursor: ScanCursor,
        count: usize,
        mut visit: impl FnMut(&[u8], &Item<'_>),
    ) -> ScanCursor {
        let (store, now_ms) = (self.store(), self.now_ms());
        self.scan_run(store.run(database), cursor, count, |_, entry| {
            visit_living(store, now_ms, entry, &mut visit);
        })
    }

    /// As [`View::scan`], with the entries themselves, expired ones included.
    pub(crate) fn scan_run(
        &mut self,
        run: u16,
        cursor: ScanCursor,
        count: usize,
        mut visit: impl FnMut(Slot, Entry),
    ) -> ScanCursor {
        let Some(stripe) = cursor.stripe().map(usize::from) else { return ScanCursor(0) };
        let after = if stripe + 1 < STRIPE_COUNT {
            ScanCursor::new(stripe + 1, 0, 0)
        } else {
            ScanCursor(0)
        };
        if self.stripe(stripe).accounts.get(run).keys == 0 {
            return after;
        }
        let mut seen = 0;
        let mut position = cursor.position();
        for number in cursor.slot()..STRIPE_SLOTS {
            let Some(slot) = slot_of(stripe, number) else { return after };
            let Some(table) = self.store().table(run, slot) else { return after };
            let mut next = Some(position);
            while let Some(position) = next {
                if seen >= count {
                    return ScanCursor::new(stripe, number, position);
                }
                next = table.scan(position, |entry| {
                    seen += 1;
                    visit(slot, entry);
                });
            }
            position = 0;
        }
        after
    }

    /// Keys of a slot, whose stripe the view holds, expired ones not yet noticed included.
    pub fn slot_len(&self, database: Database, slot: Slot) -> usize {
        self.slot_table(database, slot).map_or(0, Table::len)
    }

    /// Visits at most `count` keys of a slot, whose stripe the view holds.
    pub fn slot_keys(
        &self,
        database: Database,
        slot: Slot,
        count: usize,
        mut visit: impl FnMut(&[u8], &Item<'_>),
    ) {
        let Some(table) = self.slot_table(database, slot) else { return };
        let mut seen = 0;
        let mut next = Some(0);
        while let Some(position) = next.filter(|_| seen < count) {
            next = table.scan(position, |entry| {
                self.visit_living(entry, &mut |key, item| {
                    seen += 1;
                    if seen <= count {
                        visit(key, item);
                    }
                });
            });
        }
    }

    /// The stripe that a view must hold to look at a slot.
    pub fn stripe_of(slot: Slot) -> u8 {
        crate::store::stripe_of(slot)
    }

    /// The slots of a stripe, ascending.
    pub fn slots_of(stripe: u8) -> impl Iterator<Item = Slot> {
        (0..STRIPE_SLOTS).filter_map(move |number| slot_of(usize::from(stripe), number))
    }

    fn slot_table(&self, database: Database, slot: Slot) -> Option<Table<'a>> {
        let stripe = View::stripe_of(slot);
        let is_held = self.held().contains(usize::from(stripe));
        assert!(is_held, "stripe {stripe} is not locked by this view");
        self.store().table(self.store().run(database), slot)
    }

    fn visit_living(&self, entry: Entry, visit: &mut impl FnMut(&[u8], &Item<'_>)) {
        visit_living(self.store(), self.now_ms(), entry, visit);
    }

    /// Visits every key of a database in the stripes held.
    pub fn each_key(&mut self, database: Database, mut visit: impl FnMut(&[u8], &Item<'_>)) {
        let run = self.store().run(database);
        self.held().each(|stripe| {
            self.each_table(run, stripe, |table| {
                table.each(|entry| self.visit_living(entry, &mut visit));
            });
        });
    }

    fn each_table(&self, run: u16, stripe: usize, mut visit: impl FnMut(Table<'a>)) {
        for slot in 0..STRIPE_SLOTS {
            let table = slot_of(stripe, slot).and_then(|slot| self.store().table(run, slot));
            if let Some(table) = table
                && table.len() > 0
            {
                visit(table);
            }
        }
    }

    /// Copies a key picked at random from the stripes held, or nothing when they hold none.
    pub fn random_key(&mut self, database: Database) -> Option<Vec<u8>> {
        let run = self.store().run(database);
        let random = self.random();
        let first = random as usize % STRIPE_COUNT;
        (first..STRIPE_COUNT)
            .chain(0..first)
            .find_map(|stripe| self.random_key_of_stripe(run, stripe, random))
    }

    /// A living key of a stripe from a random slot on, wrapping once.
    fn random_key_of_stripe(&mut self, run: u16, stripe: usize, random: u64) -> Option<Vec<u8>> {
        if !self.held().contains(stripe) || self.stripe(stripe).accounts.get(run).keys == 0 {
            return None;
        }
        let first = (random >> 8) as usize % STRIPE_SLOTS;
        (first..STRIPE_SLOTS).chain(0..first).find_map(|slot| {
            let slot = slot_of(stripe, slot)?;
            self.random_key_of(self.store().table(run, slot)?, random)
        })
    }

    /// A living key from a random position of a slot on, wrapping once.
    fn random_key_of(&self, table: Table<'a>, random: u64) -> Option<Vec<u8>> {
        if table.len() == 0 {
            return None;
        }
        let start = random >> (64 - POSITION_BITS);
        for first in [start, 0] {
            let mut next = Some(first);
            while let Some(position) = next {
                let mut keys: Vec<Vec<u8>> = Vec::new();
                next = table.scan(position, |entry| {
                    self.visit_living(entry, &mut |key, _| keys.push(key.to_vec()));
                });
                if !keys.is_empty() {
                    let pick = (random >> 7) as usize % keys.len();
                    return Some(keys.swap_remove(pick));
                }
            }
        }
        None
    }

    /// Removes every key of a database in the stripes held. Returns how many there were.
    pub fn clear(&mut self, database: Database) -> u64 {
        let mut removed = 0;
        self.held().each(|stripe| removed += self.clear_stripe(database, stripe as u8));
        removed
    }

    /// Removes every key of a database in one of the stripes held. Returns how many there were.
    pub(crate) fn clear_stripe(&mut self, database: Database, stripe: u8) -> u64 {
        let run = self.store().run(database);
        let stripe = usize::from(stripe);
        let has_lanes = self.store().lanes.is_on();
        self.break_watches_of(run, stripe);
        let mut entries = Vec::new();
        self.each_table(run, stripe, |table| {
            table.each(|entry| entries.push(entry));
            table.clear();
        });
        for (index, entry) in entries.iter().enumerate() {
            self.store().prefetch_record(entries.get(index + RECORDS_AHEAD).copied());
            let record = self.store().record(*entry);
            if has_lanes {
                self.forget_digest(run, &record);
            }
            self.bury(&record);
        }
        if has_lanes && !entries.is_empty() {
            self.log_clear(run, stripe);
        }
        let accounts = &mut self.stripe(stripe).accounts;
        accounts.change(run, |account| *account = crate::stripe::Account::default());
        self.counters().changes += entries.len() as u64;
        entries.len() as u64
    }

    /// Breaks the watches of the keys of a database that exist.
    fn break_watches_of(&mut self, run: u16, stripe: usize) {
        for key in self.stripe(stripe).watched_keys(run) {
            let key = self.key(&key);
            if self.exists_in(run, &key) {
                self.stripe(stripe).touched(run, key.bytes);
            }
        }
    }

    /// Exchanges two databases. The view must hold all stripes.
    pub fn swap(&mut self, one: Database, other: Database) {
        assert_eq!(self.held(), crate::StripeSet::ALL, "swapping asks for every stripe");
        let (a, b) = (self.store().run(one), self.store().run(other));
        for stripe in 0..STRIPE_COUNT {
            self.break_watches_of(a, stripe);
            self.break_watches_of(b, stripe);
            // A watched key that appears from the other database has changed as well.
            self.stripe(stripe).exchange_watches(a, b);
            self.break_watches_of(a, stripe);
            self.break_watches_of(b, stripe);
        }
        self.store().swap_runs(one, other);
        self.counters().changes += 1;
    }
}
