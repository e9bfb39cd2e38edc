//! A large list: values with positions that go on for ever in both directions.
//!
//! Positions are what replicas are told of, because "the value at 7 is x" may be told twice. Told
//! again on top of a later state they may leave holes for a while: values that are there only so that
//! others have their place, and that are gone when all has been told.

use std::collections::BTreeSet;

use super::ranked::Ranked;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    /// The position of the first value.
    begin: i64,
    values: Ranked,
    holes: BTreeSet<i64>,
}

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

    /// How many values there are, holes included.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.values.heap_bytes()
    }

    /// The value of a rank.
    pub(crate) fn get(&self, rank: usize) -> Option<&[u8]> {
        self.values.get(rank)
    }

    /// The value at a position, unless it is a hole.
    pub(crate) fn get_at(&self, position: i64) -> Option<&[u8]> {
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
        while position < self.begin - 1 {
            self.begin -= 1;
            self.values.insert(0, &[]);
            self.holes.insert(self.begin);
        }
        while position > self.end() {
            self.holes.insert(self.end());
            self.values.insert(self.values.len(), &[]);
        }
        if position == self.begin - 1 {
            self.begin -= 1;
            self.values.insert(0, &[value]);
        } else if position == self.end() {
            self.values.insert(self.values.len(), &[value]);
        } else {
            self.values.replace((position - self.begin) as usize, &[value]);
            self.holes.remove(&position);
        }
    }

    /// Removes the value at a position.
    pub(crate) fn remove_at(&mut self, position: i64) {
        if position < self.begin || position >= self.end() {
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
    Some(i64::from_be_bytes(field.try_into().ok()?))
}
