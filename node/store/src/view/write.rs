//! What a view changes: values and expiries written, in place or anew, and keys removed.
//!
//! Every change keeps the accounts (keys, expiring keys, live bytes), breaks the watches of its key
//! and leaves nothing half done when there is no room.

use std::sync::Arc;

use super::{EditError, Found, View};
use crate::collection::Large;
use crate::entry::{Entry, Tag};
use crate::item::{Draft, DraftValue, LARGE_VALUE_BYTES, Record};
use crate::key::Key;
use crate::lanes::Before;
use crate::shadow::EventKind;
use crate::store::Database;

/// What becomes of a key's expiry when its value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// As before.
    Keep,
    /// None.
    Never,
    /// At this Unix millisecond.
    At(u64),
}

/// A value to be written.
#[derive(Debug)]
pub enum NewValue<'a> {
    /// Bytes to copy.
    Bytes(&'a [u8]),
    /// Bytes to share.
    Shared(Arc<Vec<u8>>),
    /// A small collection, as another record has it.
    Small(&'a [u8]),
    /// A large collection, which is taken when it is written.
    Large(&'a mut Option<Box<Large>>),
}

/// The store has no room left, not even after eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl<'a> View<'a> {
    /// Writes a value, whatever was there before.
    ///
    /// # Errors
    /// No room is left; nothing has changed then.
    pub fn set(
        &mut self,
        database: Database,
        key: &Key<'_>,
        value: NewValue<'_>,
        expiry: Expiry,
    ) -> Result<(), OutOfMemory> {
        self.write(database, key, value, expiry, false)
    }

    /// Writes a value that results from changing the old one in place (its encoding is `raw`).
    ///
    /// # Errors
    /// As [`View::set`].
    pub fn set_modified(
        &mut self,
        database: Database,
        key: &Key<'_>,
        value: NewValue<'_>,
        expiry: Expiry,
    ) -> Result<(), OutOfMemory> {
        self.write(database, key, value, expiry, true)
    }

    #[inline]
    pub(super) fn write(
        &mut self,
        database: Database,
        key: &Key<'_>,
        value: NewValue<'_>,
        expiry: Expiry,
        modified: bool,
    ) -> Result<(), OutOfMemory> {
        let run = self.store.run(database);
        let old = self.living(run, key);
        let before = self.digest_before(run, key, old.as_ref());
        let expiry_ms = match expiry {
            Expiry::Never => None,
            Expiry::At(at) => Some(at),
            Expiry::Keep => old.as_ref().and_then(|found| found.record.expiry_ms()),
        };
        let written = if let (Some(found), NewValue::Bytes(bytes)) = (&old, &value)
            && bytes.len() < LARGE_VALUE_BYTES
            && found.record.can_overwrite(bytes.len(), modified, expiry_ms)
        {
            found.record.overwrite(bytes);
            self.touch(&found.record, found.record.access());
            self.restamp(run, key, found, expiry_ms);
            found.record
        } else {
            self.rewrite(run, key, old, value, expiry_ms, modified)?
        };
        self.changed(run, key);
        if let Some(before) = before {
            self.log_set(run, key, before, &written);
        }
        Ok(())
    }

    /// What a key's slot has of it in its digest before it changes; nothing while changes are not
    /// logged.
    #[inline]
    pub(super) fn digest_before(
        &self,
        run: u16,
        key: &Key<'_>,
        old: Option<&Found<'a>>,
    ) -> Option<Before> {
        let before = || Before::new(run, key, old.map(|found| &found.record));
        self.store.lanes.is_on().then(before)
    }

    /// Notes a change: breaks watches and counts it.
    #[inline]
    pub(super) fn changed(&mut self, run: u16, key: &Key<'_>) {
        self.writer.counters.changes += 1;
        self.stripe(usize::from(key.stripe())).touched(run, key.bytes);
    }

    /// Sets the expiry of a record that has room for it.
    fn restamp(&mut self, run: u16, key: &Key<'_>, found: &Found<'a>, expiry_ms: Option<u64>) {
        found.record.set_expiry(expiry_ms);
        if let Some(at) = expiry_ms {
            self.store.segments.expires(found.record.location, at);
        }
        self.relink(run, key, found, found.record.location, expiry_ms.is_some());
    }

    /// Points a key's entry at a (new) location and says whether the item expires.
    fn relink(&mut self, run: u16, key: &Key<'_>, found: &Found<'a>, location: u64, expires: bool) {
        let entry = Entry::new(Tag::of(key.hash), location, expires);
        if entry != found.entry {
            found.table.replace(key.hash, found.entry, entry);
            self.account(key, run, |account| {
                account.expiring += u32::from(expires);
                account.expiring -= u32::from(found.entry.expires());
            });
        }
    }

    /// Writes a new record, leads the key to it and answers it.
    pub(super) fn rewrite(
        &mut self,
        run: u16,
        key: &Key<'_>,
        old: Option<Found<'a>>,
        value: NewValue<'_>,
        expiry_ms: Option<u64>,
        modified: bool,
    ) -> Result<Record<'a>, OutOfMemory> {
        let store = self.store;
        let table = store.table_for_write(run, key.slot).ok_or(OutOfMemory)?;
        if old.is_none() {
            let rehash = |entries: &[u64], hashes: &mut Vec<u64>| store.rehash(entries, hashes);
            table.reserve(key.hash, rehash).map_err(|_| OutOfMemory)?;
        }
        let access = match &old {
            Some(found) => {
                let writer = &mut *self.writer;
                let random = || writer.random();
                store.judge.touched(found.record.access(), self.now_ms, random)
            }
            None => store.judge.born(self.now_ms, || store.ghosts.recall(key.hash)),
        };
        let location = self
            .append(key, value, expiry_ms, modified, access)
            .inspect_err(|_| table.give_back(key.hash))?;
        if store.shadows.samples(key.hash) {
            let size_bytes = store.record(Entry(location)).weight_bytes();
            self.writer.note_event(key.hash, EventKind::Write(size_bytes));
        }
        match old {
            Some(found) => {
                self.relink(run, key, &found, location, expiry_ms.is_some());
                self.bury(&found.record);
            }
            None => {
                let entry = Entry::new(Tag::of(key.hash), location, expiry_ms.is_some());
                table.insert(key.hash, entry);
                store.introduce(self.writer, entry, (run, key.slot), self.now_ms);
                self.account(key, run, |account| {
                    account.keys += 1;
                    account.expiring += u32::from(expiry_ms.is_some());
                });
            }
        }
        Ok(store.record(Entry(location)))
    }

    /// Appends a record, moving its value outside when it is large.
    fn append(
        &mut self,
        key: &Key<'_>,
        value: NewValue<'_>,
        expiry_ms: Option<u64>,
        modified: bool,
        access: u32,
    ) -> Result<u64, OutOfMemory> {
        let mut shared = None;
        let mut large = None;
        let draft_value = match value {
            NewValue::Bytes(bytes) if bytes.len() < LARGE_VALUE_BYTES => DraftValue::Inline(bytes),
            NewValue::Bytes(bytes) => {
                DraftValue::Large(Arc::as_ptr(shared.insert(Arc::new(bytes.to_vec()))))
            }
            NewValue::Shared(vector) => DraftValue::Large(Arc::as_ptr(shared.insert(vector))),
            NewValue::Small(bytes) => DraftValue::SmallCollection(bytes),
            NewValue::Large(place) => {
                let there = large.insert(place).as_mut().ok_or(OutOfMemory)?;
                DraftValue::LargeCollection(&raw mut **there)
            }
        };
        let stripe = key.stripe();
        let draft =
            Draft { key: key.bytes, stripe, value: draft_value, expiry_ms, modified, access };
        let location = self.writer.append(self.store, &draft).map_err(|_| OutOfMemory)?;
        // The record owns the reference, or the box, from here on.
        let _ = shared.map(Arc::into_raw);
        let _ = large.and_then(Option::take).map(Box::into_raw);
        let outside = self.store.record(Entry(location)).outside_bytes();
        self.writer.outside_delta += outside as i64;
        self.writer.written += outside;
        Ok(location)
    }

    /// Takes a record, whose entry is gone or leads elsewhere, out of the accounts.
    pub(crate) fn bury(&mut self, record: &Record<'a>) {
        self.writer.live_delta -= record.len_bytes() as i64;
        self.writer.outside_delta -= record.outside_bytes() as i64;
        self.store.bury(record);
    }

    /// Removes a found key from index and accounts.
    pub(super) fn erase(&mut self, run: u16, key: &Key<'_>, found: &Found<'a>) {
        if self.store.lanes.is_on() {
            self.log_removal(run, key, &found.record);
        }
        found.table.remove(key.hash, found.entry);
        self.account(key, run, |account| {
            account.keys -= 1;
            account.expiring -= u32::from(found.entry.expires());
        });
        // The key may lie in the record, so what needs it comes first.
        self.stripe(usize::from(key.stripe())).touched(run, key.bytes);
        self.bury(&found.record);
    }

    /// Removes a key to make room.
    pub(crate) fn evict(&mut self, run: u16, key: &Key<'_>) {
        if let Some(found) = self.lookup(run, key) {
            self.erase(run, key, &found);
            self.writer.counters.evicted += 1;
        }
    }

    /// Removes a key. Answers whether it was there.
    pub fn remove(&mut self, database: Database, key: &Key<'_>) -> bool {
        let run = self.store.run(database);
        let Some(found) = self.living(run, key) else { return false };
        self.erase(run, key, &found);
        self.writer.counters.changes += 1;
        true
    }

    /// Changes when a key expires. Answers whether the key was there.
    ///
    /// # Errors
    /// As [`View::set`].
    pub fn set_expiry(
        &mut self,
        database: Database,
        key: &Key<'_>,
        expiry_ms: Option<u64>,
    ) -> Result<bool, OutOfMemory> {
        let run = self.store.run(database);
        let Some(found) = self.living(run, key) else { return Ok(false) };
        let before = self.digest_before(run, key, Some(&found));
        let written = if found.record.can_expire(expiry_ms) {
            self.restamp(run, key, &found, expiry_ms);
            found.record
        } else {
            let modified = found.record.is_modified();
            self.with_value_of(&found, true, |view, value| {
                view.rewrite(run, key, Some(found), value, expiry_ms, modified)
            })?
        };
        self.changed(run, key);
        if let Some(before) = before {
            self.log_expiry(run, key, before, &written);
        }
        Ok(true)
    }

    /// Changes a value through a closure, in place when it lies outside the segments. A missing
    /// key starts empty and never expires. Returns what the closure returns.
    ///
    /// # Errors
    /// The key holds no string, or no room is left; nothing has changed then.
    pub fn edit<R>(
        &mut self,
        database: Database,
        key: &Key<'_>,
        change: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> Result<R, EditError> {
        let run = self.store.run(database);
        if let Some(found) = self.living(run, key)
            && found.record.has_large_value()
            && !found.record.is_collection()
        {
            let digest = self.digest_before(run, key, Some(&found));
            let before = found.record.outside_bytes();
            // SAFETY: the stripe is locked and no reference to this value is alive here.
            let bytes = unsafe { found.record.edit_large() };
            if let Some(bytes) = bytes {
                let result = change(bytes);
                self.touch(&found.record, found.record.access());
                let after = found.record.outside_bytes();
                self.writer.outside_delta += after as i64 - before as i64;
                self.writer.written += after.saturating_sub(before);
                self.changed(run, key);
                if let Some(digest) = digest {
                    self.log_set(run, key, digest, &found.record);
                }
                return Ok(result);
            }
        }
        let there = self.peek(database, key).map(|item| item.value().bytes());
        let mut bytes = there.transpose()?.unwrap_or_default().to_vec();
        let result = change(&mut bytes);
        if bytes.len() >= LARGE_VALUE_BYTES {
            // Handed over rather than copied: it may be hundreds of megabytes.
            let shared = NewValue::Shared(Arc::new(bytes));
            self.set_modified(database, key, shared, Expiry::Keep)?;
        } else {
            self.set_modified(database, key, NewValue::Bytes(&bytes), Expiry::Keep)?;
        }
        Ok(result)
    }
}
