//! What a view does with collections.

use std::sync::Arc;

use super::write::{Expiry, NewValue};
use super::{Found, Item, OutOfMemory, View};
use crate::collection::{
    Contents, Editor, Form, Kind, Large, Page, prefix_bytes, read_ops, small_bytes,
};
use crate::item::{Value, WrongType};
use crate::key::Key;
use crate::lanes::Before;
use crate::store::Database;

/// Why a collection was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditError {
    /// The key holds something else.
    WrongType,
    /// As [`OutOfMemory`].
    OutOfMemory,
}

impl From<WrongType> for EditError {
    fn from(_: WrongType) -> EditError {
        EditError::WrongType
    }
}

impl From<OutOfMemory> for EditError {
    fn from(_: OutOfMemory) -> EditError {
        EditError::OutOfMemory
    }
}

impl<'v> Item<'v> {
    /// The collection of this kind that the key holds.
    ///
    /// # Errors
    /// It holds something else.
    pub fn collection(&self, kind: Kind) -> Result<Contents<'v>, WrongType> {
        match self.value() {
            Value::Collection(contents) if contents.kind() == kind => Ok(contents),
            _ => Err(WrongType),
        }
    }
}

/// What a collection was before it was changed.
struct Earlier {
    outside_bytes: usize,
    digest: u64,
    /// What its slot's digest has of it.
    of_slot: Option<Before>,
}

impl<'a> View<'a> {
    /// Looks several keys up for reading, as [`View::read`] does: their collections, in the order of
    /// the keys, and nothing for those that are not there.
    ///
    /// # Errors
    /// One of them holds something else.
    pub fn read_collections(
        &mut self,
        database: Database,
        keys: &[Key<'_>],
        kind: Kind,
    ) -> Result<Vec<Option<Contents<'_>>>, WrongType> {
        let run = self.store.run(database);
        let mut read = |key| self.read_in(run, key).map(|item| item.collection(kind)).transpose();
        keys.iter().map(&mut read).collect()
    }

    /// A new collection, for [`View::put_collection`].
    pub fn new_collection(&self, kind: Kind) -> Editor<'static> {
        Editor::new(kind, self.store.seed(), Form::Small(Page::default()), false)
    }

    /// Gives a key a new collection, without an expiry, in place of whatever it held; an empty one
    /// removes the key. Answers how many elements there are.
    ///
    /// # Errors
    /// As [`View::set`].
    pub fn put_collection(
        &mut self,
        database: Database,
        key: &Key<'_>,
        collection: Editor<'static>,
    ) -> Result<usize, OutOfMemory> {
        let (kind, len) = (collection.kind(), collection.len());
        if len == 0 {
            self.remove(database, key);
            return Ok(0);
        }
        match collection.form {
            Form::Small(page) => {
                let bytes = small_bytes(kind, collection.begin, &page);
                self.write(database, key, NewValue::Small(&bytes), Expiry::Never, false)?;
            }
            Form::Grown(mut large) => {
                if self.store.lanes.is_on() {
                    large.digest = Contents::Large(&large).recount_digest();
                }
                let value = NewValue::Large(&mut Some(large));
                self.write(database, key, value, Expiry::Never, false)?;
            }
            // There is none: what is new grows.
            Form::Large(_) => {}
        }
        Ok(len)
    }

    /// Changes a collection through a closure. A missing key begins empty and never expires; one that
    /// is empty afterwards is removed. Answers what the closure does.
    ///
    /// # Errors
    /// The key holds something else, or no room is left; nothing has changed then.
    pub fn edit_collection<R>(
        &mut self,
        database: Database,
        key: &Key<'_>,
        kind: Kind,
        edit: impl FnOnce(&mut Editor<'_>) -> R,
    ) -> Result<R, EditError> {
        let run = self.store.run(database);
        let found = self.living(run, key);
        if found.as_ref().is_some_and(|found| found.record.kind() != Some(kind)) {
            return Err(EditError::WrongType);
        }
        let is_logged = self.store.lanes.is_on();
        let contents = found.as_ref().and_then(|found| found.contents());
        let before = Earlier {
            outside_bytes: found.as_ref().map_or(0, |found| found.record.outside_bytes()),
            digest: contents.filter(|_| is_logged).map_or(0, Contents::digest),
            of_slot: self.digest_before(run, key, found.as_ref()),
        };
        let begin = contents.and_then(Contents::begin).unwrap_or(0);
        let form = match (&found, contents) {
            (Some(found), Some(Contents::Large(_))) => {
                // SAFETY: the stripe is locked, and no other reference to this collection is alive.
                match unsafe { found.record.edit_collection() } {
                    Some(large) => Form::Large(large),
                    None => return Err(EditError::WrongType),
                }
            }
            (_, Some(Contents::Small(_, entries))) => {
                Form::Small(Page::from_entries(&entries[prefix_bytes(kind)..]))
            }
            _ => Form::Small(Page::default()),
        };
        let mut editor = Editor::new(kind, self.store.seed(), form, is_logged);
        editor.begin = begin;
        let result = edit(&mut editor);
        if editor.changes > 0 {
            self.finish(run, key, found, editor, &before)?;
        }
        Ok(result)
    }

    /// Makes a change of a collection count.
    fn finish(
        &mut self,
        run: u16,
        key: &Key<'_>,
        found: Option<Found<'a>>,
        editor: Editor<'_>,
        before: &Earlier,
    ) -> Result<(), OutOfMemory> {
        let (kind, is_empty) = (editor.kind(), editor.is_empty());
        let (ops, changes, begin) = (editor.ops, editor.changes, editor.begin);
        let delta = ops.as_ref().map_or(0, |ops| ops.digest_delta);
        let digest = before.digest.wrapping_add(delta);
        let slot_before = before.of_slot;
        let expiry_ms = found.as_ref().and_then(|found| found.record.expiry_ms());
        let written = match (editor.form, found) {
            (Form::Large(large), Some(found)) => {
                large.digest = digest;
                let after_bytes = found.record.outside_bytes();
                self.writer.outside_delta += after_bytes as i64 - before.outside_bytes as i64;
                self.writer.written += after_bytes.saturating_sub(before.outside_bytes);
                self.touch(&found.record, found.record.access());
                if is_empty {
                    // What the slot has of it is to be what goes.
                    slot_before.into_iter().for_each(|before| {
                        self.change_digest_to(key, before, &found.record);
                    });
                    self.erase(run, key, &found);
                    self.writer.counters.changes += changes;
                    return Ok(());
                }
                found.record
            }
            (_, Some(found)) if is_empty => {
                self.erase(run, key, &found);
                self.writer.counters.changes += changes;
                return Ok(());
            }
            // Put and removed again.
            (_, None) if is_empty => return Ok(()),
            (Form::Small(page), found) => {
                let bytes = small_bytes(kind, begin, &page);
                self.rewrite(run, key, found, NewValue::Small(&bytes), expiry_ms, false)?
            }
            (Form::Grown(mut large), found) => {
                large.digest = digest;
                let value = NewValue::Large(&mut Some(large));
                self.rewrite(run, key, found, value, expiry_ms, false)?
            }
            (Form::Large(_), None) => return Ok(()),
        };
        self.changed(run, key);
        self.writer.counters.changes += changes - 1;
        if let (Some(slot_before), Some(ops)) = (slot_before, ops) {
            self.log_elements(run, key, slot_before, &written, (kind, &ops.bytes));
        }
        Ok(())
    }

    /// Applies noted changes of elements. Answers whether they are about elements of this kind.
    ///
    /// # Errors
    /// As [`View::edit_collection`], but a key that holds something else is replaced.
    pub(crate) fn apply_ops(
        &mut self,
        database: Database,
        key: &Key<'_>,
        kind: Kind,
        ops: &[u8],
    ) -> Result<bool, OutOfMemory> {
        if self.find_record(self.store.run(database), key).is_some_and(|r| r.kind() != Some(kind)) {
            self.remove(database, key);
        }
        let edit = |editor: &mut Editor<'_>| {
            read_ops(kind, ops, |field, value| match value {
                Some(value) => {
                    editor.put(field, value);
                }
                None => {
                    editor.remove(field);
                }
            })
        };
        match self.edit_collection(database, key, kind, edit) {
            Ok(is_sound) => Ok(is_sound),
            Err(EditError::OutOfMemory) => Err(OutOfMemory),
            Err(EditError::WrongType) => Ok(false),
        }
    }

    /// Takes a large collection out of a key that goes at once, or gets it back.
    fn take_large(&mut self, found: &Found<'a>) -> Option<Box<Large>> {
        let before_bytes = found.record.outside_bytes();
        // SAFETY: the stripe is locked, and no other reference to this collection is alive.
        let large = unsafe { found.record.edit_collection() }?;
        let taken = Box::new(large.take());
        let after_bytes = found.record.outside_bytes();
        self.writer.outside_delta += after_bytes as i64 - before_bytes as i64;
        Some(taken)
    }

    /// Puts a large collection back where it was.
    fn put_back(&mut self, found: &Found<'a>, taken: Option<Box<Large>>) {
        let before_bytes = found.record.outside_bytes();
        // SAFETY: as above.
        let large = unsafe { found.record.edit_collection() };
        if let Some((large, taken)) = large.zip(taken) {
            *large = *taken;
            let after_bytes = found.record.outside_bytes();
            self.writer.outside_delta += after_bytes as i64 - before_bytes as i64;
        }
    }

    /// Gives the value of a key, with its expiry, to another key, and removes the first one. Answers
    /// whether it was there. A large value is not copied.
    ///
    /// # Errors
    /// As [`View::set`].
    pub fn move_value(
        &mut self,
        (from, source): (Database, &Key<'_>),
        (to, target): (Database, &Key<'_>),
    ) -> Result<bool, OutOfMemory> {
        let Some(found) = self.living(self.store.run(from), source) else { return Ok(false) };
        self.write_value_of(&found, true, (to, target))?;
        Ok(self.remove(from, source))
    }

    /// Gives a copy of the value of a key, with its expiry, to another key. Answers whether it was
    /// there.
    ///
    /// # Errors
    /// As [`View::set`].
    pub fn copy_value(
        &mut self,
        (from, source): (Database, &Key<'_>),
        (to, target): (Database, &Key<'_>),
    ) -> Result<bool, OutOfMemory> {
        let Some(found) = self.living(self.store.run(from), source) else { return Ok(false) };
        self.write_value_of(&found, false, (to, target)).map(|()| true)
    }

    fn write_value_of(
        &mut self,
        found: &Found<'a>,
        is_taken: bool,
        (database, key): (Database, &Key<'_>),
    ) -> Result<(), OutOfMemory> {
        let expiry = found.record.expiry_ms().map_or(Expiry::Never, Expiry::At);
        let modified = found.record.is_modified();
        self.with_value_of(found, is_taken, |view, value| {
            view.write(database, key, value, expiry, modified)
        })
    }

    /// Calls `write` with the value of a key, independent of its record: copied, because appending may
    /// not read what it replaces, or shared. A large collection is copied, too, or taken, where the
    /// key goes or is written anew; it is put back when that fails.
    pub(super) fn with_value_of<R>(
        &mut self,
        found: &Found<'a>,
        is_taken: bool,
        write: impl FnOnce(&mut Self, NewValue<'_>) -> Result<R, OutOfMemory>,
    ) -> Result<R, OutOfMemory> {
        match found.record.value() {
            Value::Inline(bytes) => {
                let bytes = bytes.to_vec();
                write(self, NewValue::Bytes(&bytes))
            }
            Value::Large(shared) => write(self, NewValue::Shared(Arc::clone(shared))),
            Value::Collection(Contents::Small(kind, entries)) => {
                write(self, NewValue::Small(&[&[kind as u8], entries].concat()))
            }
            Value::Collection(Contents::Large(large)) if !is_taken => {
                write(self, NewValue::Large(&mut Some(Box::new(large.clone()))))
            }
            Value::Collection(Contents::Large(_)) => {
                let mut large = self.take_large(found);
                let written = write(self, NewValue::Large(&mut large));
                written.inspect_err(|_| self.put_back(found, large))
            }
        }
    }
}

impl<'a> Found<'a> {
    fn contents(&self) -> Option<Contents<'a>> {
        match self.record.value() {
            Value::Collection(contents) => Some(contents),
            _ => None,
        }
    }
}
