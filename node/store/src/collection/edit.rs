//! A collection as a handler changes it: small ones in a copy of their page, large ones in place.
//!
//! What is done is noted as it is: elements put and removed, for the lanes, and what that means for
//! the digest.

use super::fields::{split, with_parts};
use super::list::position_of;
use super::page::Page;
use super::sorted::{score_in, sortable};
use super::{
    Contents, Kind, Large, SMALL_BYTES_MAX, SMALL_ELEMENTS_MAX, SMALL_VALUE_BYTES_MAX, digest_of,
    varint,
};

const PUT: u8 = 1;
const REMOVE: u8 = 2;

/// How a collection is kept while it is changed.
#[derive(Debug)]
pub(crate) enum Form<'e> {
    /// A copy, which goes into a new record.
    Small(Page),
    /// What the key has.
    Large(&'e mut Large),
    /// What was small before.
    Grown(Box<Large>),
}

/// Elements put and removed: each a byte, the field and, where one is put, the value, with lengths.
#[derive(Debug, Default)]
pub(crate) struct Ops {
    pub(crate) bytes: Vec<u8>,
    /// By how much the sum of the elements' digests changes.
    pub(crate) digest_delta: u64,
}

/// A collection that may be changed; see the module.
#[derive(Debug)]
pub struct Editor<'e> {
    kind: Kind,
    pub(super) seed: u64,
    /// The position of the first value of a small list.
    pub(crate) begin: i64,
    pub(crate) form: Form<'e>,
    /// Nothing while changes are not logged.
    pub(crate) ops: Option<Ops>,
    pub(crate) changes: u64,
}

impl<'e> Editor<'e> {
    pub(crate) fn new(kind: Kind, seed: u64, form: Form<'e>, is_logged: bool) -> Editor<'e> {
        Editor { kind, seed, begin: 0, form, ops: is_logged.then(Ops::default), changes: 0 }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many elements there are now.
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Small(page) => page.len(),
            Form::Large(large) => large.len(),
            Form::Grown(large) => large.len(),
        }
    }

    /// Whether there are none: then the key goes when the change is over.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of an element.
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        match &self.form {
            Form::Small(page) => {
                page.entries().map(split).find(|(other, _)| *other == field).map(|(_, value)| value)
            }
            Form::Large(large) => large.get(field),
            Form::Grown(large) => large.get(field),
        }
    }

    /// Puts an element, or gives it another value. Answers whether it is new.
    ///
    /// # Panics
    /// Never in a release; the value must be one of this kind of collection (nothing in a set, the
    /// bits of a number in a sorted set).
    pub fn put(&mut self, field: &[u8], value: &[u8]) -> bool {
        if self.kind == Kind::List {
            return position_of(field).is_some_and(|position| self.put_position(position, value));
        }
        debug_assert!(self.kind.takes(value), "a value of another kind");
        let before = self.get(field);
        if before == Some(value) {
            return false;
        }
        let is_new = before.is_none();
        let before = before.map_or(0, |before| digest_of(self.kind, field, before));
        self.note_put(field, value, before);
        if let Form::Small(page) = &mut self.form {
            put_in_page(page, self.kind, field, value);
            let fits = field.len().max(value.len()) <= SMALL_VALUE_BYTES_MAX
                && page.len() <= SMALL_ELEMENTS_MAX
                && page.live_bytes() <= SMALL_BYTES_MAX;
            if !fits {
                self.form = Form::Grown(Box::new(Large::grown(self.kind, self.seed, page)));
            }
            return is_new;
        }
        if let Some(large) = self.large() {
            large.put(field, value);
        }
        is_new
    }

    /// Puts a member with a score. Answers whether it is new.
    pub fn put_score(&mut self, member: &[u8], score: f64) -> bool {
        self.put(member, &score.to_bits().to_le_bytes())
    }

    /// The score of a member.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.get(member).map(score_in)
    }

    /// Removes an element. Answers whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        if self.kind == Kind::List {
            return position_of(field).is_some_and(|position| self.remove_position(position));
        }
        let Some(before) = self.get(field) else { return false };
        let before = digest_of(self.kind, field, before);
        self.note_removal(field, before);
        match &mut self.form {
            Form::Small(page) => {
                let number = page.entries().position(|entry| split(entry).0 == field);
                number.into_iter().for_each(|number| page.remove(number));
            }
            Form::Large(large) => large.remove(field),
            Form::Grown(large) => large.remove(field),
        }
        true
    }

    /// Calls `read` with the collection as it is now.
    pub fn read<R>(&self, read: impl FnOnce(Contents<'_>) -> R) -> R {
        match &self.form {
            Form::Small(page) => {
                let bytes = small_bytes(self.kind, self.begin, page);
                read(Contents::Small(self.kind, &bytes[1..]))
            }
            Form::Large(large) => read(Contents::Large(large)),
            Form::Grown(large) => read(Contents::Large(large)),
        }
    }

    pub(super) fn large(&mut self) -> Option<&mut Large> {
        match &mut self.form {
            Form::Small(_) => None,
            Form::Large(large) => Some(large),
            Form::Grown(large) => Some(large),
        }
    }

    pub(super) fn note_put(&mut self, field: &[u8], value: &[u8], before: u64) {
        self.note(PUT, field, Some(value), before);
    }

    pub(super) fn note_removal(&mut self, field: &[u8], before: u64) {
        self.note(REMOVE, field, None, before);
    }

    fn note(&mut self, op: u8, field: &[u8], value: Option<&[u8]>, before: u64) {
        self.changes += 1;
        let kind = self.kind;
        if let Some(ops) = &mut self.ops {
            let after = value.map_or(0, |value| digest_of(kind, field, value));
            ops.digest_delta = ops.digest_delta.wrapping_add(after).wrapping_sub(before);
            write(&mut ops.bytes, op, field, value);
        }
    }
}

/// What the record of a small collection holds.
pub(crate) fn small_bytes(kind: Kind, begin: i64, page: &Page) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(page.live_bytes() + 9);
    bytes.push(kind as u8);
    if kind == Kind::List {
        bytes.extend_from_slice(&begin.to_le_bytes());
    }
    page.write_entries(&mut bytes);
    bytes
}

/// Puts an element where it belongs: by score in a sorted set, else where it was, or at the end.
fn put_in_page(page: &mut Page, kind: Kind, field: &[u8], value: &[u8]) {
    let there = page.entries().position(|entry| split(entry).0 == field);
    with_parts(field, value, |parts| match (there, kind) {
        (Some(number), Kind::List | Kind::Set | Kind::Hash) => page.replace(number, parts),
        (there, Kind::SortedSet) => {
            there.into_iter().for_each(|number| page.remove(number));
            let sought = (sortable(score_in(value)), field);
            let goes_before = |entry: &[u8]| {
                let (member, bits) = split(entry);
                (sortable(score_in(bits)), member) > sought
            };
            let place = page.entries().position(goes_before).unwrap_or(page.len());
            page.insert(place, parts);
        }
        (None, _) => page.insert(page.len(), parts),
    });
}

fn write(out: &mut Vec<u8>, op: u8, field: &[u8], value: Option<&[u8]>) {
    out.push(op);
    for part in [Some(field), value].into_iter().flatten() {
        varint::write(out, part.len());
        out.extend_from_slice(part);
    }
}

/// Writes that an element has a value.
pub(crate) fn write_op(out: &mut Vec<u8>, field: &[u8], value: &[u8]) {
    write(out, PUT, field, Some(value));
}

/// Calls `take` with each op: the field, and its value where one is put. Answers whether all of the
/// bytes are ops about elements of this kind.
pub(crate) fn read_ops(kind: Kind, ops: &[u8], mut take: impl FnMut(&[u8], Option<&[u8]>)) -> bool {
    let mut rest = ops;
    while let Some((op, after)) = rest.split_first() {
        rest = after;
        let Some(field) = part(&mut rest) else { return false };
        if kind == Kind::List && position_of(field).is_none() {
            return false;
        }
        let value = match *op {
            PUT => match part(&mut rest) {
                Some(value) if kind.takes(value) => Some(value),
                _ => return false,
            },
            REMOVE => None,
            _ => return false,
        };
        take(field, value);
    }
    true
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, head) = varint::checked(rest)?;
    let (part, after) = rest.get(head..)?.split_at_checked(len)?;
    *rest = after;
    Some(part)
}
