//! What lists, sets, sorted sets and hashes are made of: elements, which are fields with values. A
//! set's values are empty, a sorted set's are scores, a list's fields are positions.
//!
//! Read in this order: `page` (some entries in one piece of memory; a small collection is one page, in
//! its key's record), `fields` (many, found by hash), `ranked` (many, in an order), `sorted` (both at
//! once), `list`, `contents` (how all of them are read), `edit` (how they are changed), `graves` (how large
//! ones go).

mod contents;
mod edit;
mod edit_list;
mod fields;
mod graves;
mod list;
mod page;
mod ranked;
mod sorted;
#[cfg(test)]
mod tests;
mod varint;

use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(crate) use contents::{is_small_collection, prefix_bytes};
pub(crate) use edit::{Form, read_ops, small_bytes, write_op};
pub(crate) use graves::Graves;
pub(crate) use page::Page;

pub use contents::Contents;
pub use edit::Editor;
pub use edit_list::End;

use fields::Fields;
use list::List;
use sorted::SortedSet;

/// Elements of a small collection.
pub const SMALL_ELEMENTS_MAX: usize = 128;
/// Bytes of a field or value of a small collection.
pub const SMALL_VALUE_BYTES_MAX: usize = 64;
/// Bytes of a small collection, all in all.
const SMALL_BYTES_MAX: usize = 8 << 10;

/// What a collection is. The numbers stand in records and effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Values in an order that clients choose.
    List = 1,
    /// Members.
    Set = 2,
    /// Members with scores.
    SortedSet = 3,
    /// Fields with values.
    Hash = 4,
}

impl Kind {
    pub(crate) fn of(number: u8) -> Option<Kind> {
        [Kind::List, Kind::Set, Kind::SortedSet, Kind::Hash]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }

    /// Whether a value may be one of an element's.
    pub(crate) fn takes(self, value: &[u8]) -> bool {
        match self {
            Kind::Set => value.is_empty(),
            Kind::SortedSet => value.len() == size_of::<f64>(),
            Kind::List | Kind::Hash => true,
        }
    }
}

/// A collection that lies outside its key's record.
#[derive(Clone, Debug)]
pub struct Large {
    seed: u64,
    elements: Elements,
    /// The sum of the elements' digests, kept up while changes are logged.
    pub(crate) digest: u64,
}

#[derive(Clone, Debug)]
enum Elements {
    List(List),
    Set(Fields),
    SortedSet(SortedSet),
    Hash(Fields),
}

/// The digest of an element, the same on every node.
pub(crate) fn digest_of(kind: Kind, field: &[u8], value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, xxh3_64_with_seed(field, kind as u64))
}

impl Large {
    fn new(kind: Kind, seed: u64) -> Large {
        let elements = match kind {
            Kind::List => Elements::List(List::default()),
            Kind::Set => Elements::Set(Fields::new(seed)),
            Kind::SortedSet => Elements::SortedSet(SortedSet::new(seed)),
            Kind::Hash => Elements::Hash(Fields::new(seed)),
        };
        Large { seed, elements, digest: 0 }
    }

    /// Takes all elements out. The digest stays, for it is what the key's slot has of it.
    pub(crate) fn take(&mut self) -> Large {
        let digest = self.digest;
        let taken = std::mem::replace(self, Large::new(self.kind(), self.seed));
        self.digest = digest;
        taken
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind {
        match self.elements {
            Elements::List(_) => Kind::List,
            Elements::Set(_) => Kind::Set,
            Elements::SortedSet(_) => Kind::SortedSet,
            Elements::Hash(_) => Kind::Hash,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.elements {
            Elements::Set(fields) | Elements::Hash(fields) => fields.len(),
            Elements::SortedSet(set) => set.len(),
            Elements::List(list) => list.len(),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.elements {
            Elements::Set(fields) | Elements::Hash(fields) => fields.heap_bytes(),
            Elements::SortedSet(set) => set.heap_bytes(),
            Elements::List(list) => list.heap_bytes(),
        }
    }

    fn get(&self, field: &[u8]) -> Option<&[u8]> {
        match &self.elements {
            Elements::Set(fields) | Elements::Hash(fields) => fields.get(field),
            Elements::SortedSet(set) => set.get(field),
            Elements::List(list) => list.get_at(list::position_of(field)?),
        }
    }

    /// The list that it is.
    fn list(&self) -> Option<&List> {
        match &self.elements {
            Elements::List(list) => Some(list),
            _ => None,
        }
    }

    fn put(&mut self, field: &[u8], value: &[u8]) {
        match &mut self.elements {
            Elements::Set(fields) | Elements::Hash(fields) => {
                fields.set(field, value);
            }
            Elements::SortedSet(set) => {
                set.set(field, sorted::score_in(value));
            }
            Elements::List(list) => {
                if let Some(position) = list::position_of(field) {
                    list.put_at(position, value);
                }
            }
        }
    }

    fn remove(&mut self, field: &[u8]) {
        match &mut self.elements {
            Elements::Set(fields) | Elements::Hash(fields) => {
                fields.remove(field);
            }
            Elements::SortedSet(set) => {
                set.remove(field);
            }
            Elements::List(list) => {
                list::position_of(field).into_iter().for_each(|at| list.remove_at(at));
            }
        }
    }

    /// As [`Fields::drop_some`].
    fn drop_some(&mut self) -> bool {
        match &mut self.elements {
            Elements::Set(fields) | Elements::Hash(fields) => fields.drop_some(),
            Elements::SortedSet(set) => set.drop_some(),
            Elements::List(list) => list.drop_some(),
        }
    }
}
