//! A large list: values with positions that go on for ever in both directions.
//!
//! Positions are what replicas are told of, because "the value at 7 is x" may be told twice. Told
//! again on top of a later state there may be gaps for a while: what lies beyond one is put aside, and
//! what is removed in the middle leaves a hole. Neither is left when all has been told.

use std::collections::{BTreeMap, BTreeSet};

use super::ranked::Ranked;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    /// The position of the first value.
    begin: i64,
    values: Ranked,
    holes: BTreeSet<i64>,
    /// Values beyond a gap, and what they take.
    aside: BTreeMap<i64, Vec<u8>>,
    aside_bytes: usize,
}

/// Positions lie between these, which nobody reaches by pushing.
const POSITION_MAX: i64 = 1 << 62;
/// What a value put aside takes besides its bytes.
const ASIDE_BYTES: usize = 64;

impl List {
    /// A list without values, whose first one will have this position.
    pub(crate) fn at(begin: i64) -> List {
        List { begin, ..List::default() }
    }

    pub(crate) fn begin(&self) -> i64 {
        self.begin
    }

    fn end(&self) -> i64 {
        self.begin + self.values.len() as i64
    }

    /// How many values there are, in their order; holes included.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.values.heap_bytes() + self.aside_bytes + self.holes.len() * size_of::<i64>() * 2
    }

    /// The value of a rank.
    pub(crate) fn get(&self, rank: usize) -> Option<&[u8]> {
        self.values.get(rank)
    }

    /// The value at a position, unless it is a hole.
    pub(crate) fn get_at(&self, position: i64) -> Option<&[u8]> {
        if let Some(value) = self.aside.get(&position) {
            return Some(value);
        }
        let rank = usize::try_from(position.checked_sub(self.begin)?).ok()?;
        self.values.get(rank).filter(|_| self.holes.is_empty() || !self.holes.contains(&position))
    }

    pub(crate) fn iter_from(&self, rank: usize) -> impl Iterator<Item = &[u8]> {
        self.values.iter_from(rank)
    }

    pub(crate) fn iter_back_from(&self, rank: usize) -> impl Iterator<Item = &[u8]> {
        self.values.iter_back_from(rank)
    }

    /// Puts a value at a position.
    pub(crate) fn put_at(&mut self, position: i64, value: &[u8]) {
        if self.values.len() == 0 {
            self.begin = position;
        }
        if position == self.end() {
            self.values.insert(self.values.len(), &[value]);
        } else if position == self.begin - 1 {
            self.begin -= 1;
            self.values.insert(0, &[value]);
        } else if position > self.begin - 1 && position < self.end() {
            self.values.replace((position - self.begin) as usize, &[value]);
            self.holes.remove(&position);
        } else {
            self.aside_bytes += value.len() + ASIDE_BYTES;
            let before = self.aside.insert(position, value.to_vec());
            self.no_longer_aside(before.as_deref());
        }
        self.join();
    }

    /// Removes the value at a position.
    pub(crate) fn remove_at(&mut self, position: i64) {
        let aside = self.aside.remove(&position);
        self.no_longer_aside(aside.as_deref());
        if aside.is_some() || position < self.begin || position >= self.end() {
            return;
        }
        self.holes.insert(position);
        while self.values.len() > 0 && self.holes.remove(&self.begin) {
            self.values.remove(0);
            self.begin += 1;
        }
        while self.values.len() > 0 && self.holes.remove(&(self.end() - 1)) {
            self.values.remove(self.values.len() - 1);
        }
        self.join();
    }

    /// Takes in what was put aside and is beside the others now, or the first of it if there are none.
    fn join(&mut self) {
        while !self.aside.is_empty() {
            if self.values.len() == 0
                && let Some((first, _)) = self.aside.first_key_value()
            {
                self.begin = *first;
            }
            let (before, behind) = (self.begin - 1, self.end());
            if let Some(value) = self.aside.remove(&behind) {
                self.values.insert(self.values.len(), &[&value]);
                self.no_longer_aside(Some(&value));
            } else if let Some(value) = self.aside.remove(&before) {
                self.begin = before;
                self.values.insert(0, &[&value]);
                self.no_longer_aside(Some(&value));
            } else {
                return;
            }
        }
    }

    fn no_longer_aside(&mut self, value: Option<&[u8]>) {
        self.aside_bytes -= value.map_or(0, |value| value.len() + ASIDE_BYTES);
    }

    /// As [`super::fields::Fields::drop_some`].
    pub(crate) fn drop_some(&mut self) -> bool {
        self.values.drop_some()
    }
}

/// A position as the field of an element.
pub(crate) fn field_of(position: i64) -> [u8; 8] {
    position.to_be_bytes()
}

/// The position that a field tells.
pub(crate) fn position_of(field: &[u8]) -> Option<i64> {
    let position = i64::from_be_bytes(field.try_into().ok()?);
    is_position(position).then_some(position)
}

/// Whether a list may have a value there.
pub(crate) fn is_position(position: i64) -> bool {
    (-POSITION_MAX..POSITION_MAX).contains(&position)
}
