//! A list as a handler changes it.
//!
//! Whatever moves values moves those nearer to an end, so that one more or less in the middle of a
//! list costs, and is told to replicas as, half the list at most.

use super::edit::{Editor, Form};
use super::fields::{split, with_parts};
use super::list::{List, field_of};
use super::page::Page;
use super::{Elements, Kind, Large, SMALL_BYTES_MAX, SMALL_ELEMENTS_MAX, digest_of};

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The first value.
    Left,
    /// The last one.
    Right,
}

impl Editor<'_> {
    /// The value of a rank.
    pub fn at(&self, rank: usize) -> Option<&[u8]> {
        match &self.form {
            Form::Small(page) => (rank < page.len()).then(|| split(page.entry(rank)).1),
            Form::Large(large) => large.list()?.get(rank),
            Form::Grown(large) => large.list()?.get(rank),
        }
    }

    /// Puts a value at an end.
    pub fn push(&mut self, end: End, value: &[u8]) {
        let position = match end {
            End::Left => self.begin() - 1,
            End::Right => self.begin() + self.len() as i64,
        };
        self.put_position(position, value);
    }

    /// Takes a value from an end.
    pub fn pop(&mut self, end: End) -> Option<Vec<u8>> {
        let rank = match end {
            End::Left => 0,
            End::Right => self.len().checked_sub(1)?,
        };
        let value = self.at(rank)?.to_vec();
        self.remove_position(self.begin() + rank as i64);
        Some(value)
    }

    /// Replaces the value of a rank that there is.
    pub fn set(&mut self, rank: usize, value: &[u8]) {
        self.put_position(self.begin() + rank as i64, value);
    }

    /// Puts a value before the one of a rank, or behind the last one.
    pub fn insert(&mut self, rank: usize, value: &[u8]) {
        let (begin, len) = (self.begin(), self.len());
        let moved: Vec<Vec<u8>>;
        if rank < len / 2 {
            moved = (0..rank).filter_map(|at| self.at(at).map(<[u8]>::to_vec)).collect();
            for (at, before) in moved.iter().enumerate() {
                self.put_position(begin + at as i64 - 1, before);
            }
            self.put_position(begin + rank as i64 - 1, value);
        } else {
            moved = (rank..len).filter_map(|at| self.at(at).map(<[u8]>::to_vec)).collect();
            self.put_position(begin + rank as i64, value);
            for (at, after) in moved.iter().enumerate() {
                self.put_position(begin + (rank + at) as i64 + 1, after);
            }
        }
    }

    /// Removes the values of some ranks, in ascending order.
    pub fn remove_ranks(&mut self, ranks: &[usize]) {
        let (Some(first), Some(last)) = (ranks.first(), ranks.last()) else { return };
        let (begin, len) = (self.begin(), self.len());
        let mut goes = ranks.iter().copied().peekable();
        // Those that stay, and lie between one that goes and the nearer end, move up.
        if len - first <= last + 1 {
            let mut to = begin + *first as i64;
            for rank in *first..len {
                if goes.next_if_eq(&rank).is_none() {
                    let value = self.at(rank).map(<[u8]>::to_vec).unwrap_or_default();
                    self.put_position(to, &value);
                    to += 1;
                }
            }
            self.remove_positions((to..begin + len as i64).rev());
        } else {
            let mut goes = ranks.iter().rev().copied().peekable();
            let mut to = begin + *last as i64;
            for rank in (0..=*last).rev() {
                if goes.next_if_eq(&rank).is_none() {
                    let value = self.at(rank).map(<[u8]>::to_vec).unwrap_or_default();
                    self.put_position(to, &value);
                    to -= 1;
                }
            }
            self.remove_positions(begin..=to);
        }
    }

    /// Keeps the values of a range of ranks only.
    pub fn keep(&mut self, ranks: std::ops::Range<usize>) {
        let (begin, len) = (self.begin(), self.len());
        let position = |rank: usize| begin + rank as i64;
        self.remove_positions((ranks.end..len).rev().map(position));
        self.remove_positions((0..ranks.start.min(len)).map(position));
    }

    /// The position of the first value.
    fn begin(&self) -> i64 {
        match &self.form {
            Form::Small(_) => self.begin,
            Form::Large(large) => large.list().map_or(0, List::begin),
            Form::Grown(large) => large.list().map_or(0, List::begin),
        }
    }

    fn value_at(&self, position: i64) -> Option<&[u8]> {
        match &self.form {
            Form::Small(_) => self.at(usize::try_from(position - self.begin).ok()?),
            Form::Large(large) => large.list()?.get_at(position),
            Form::Grown(large) => large.list()?.get_at(position),
        }
    }

    pub(super) fn put_position(&mut self, position: i64, value: &[u8]) -> bool {
        let before = self.value_at(position);
        if before == Some(value) {
            return false;
        }
        let is_new = before.is_none();
        let field = field_of(position);
        let before = before.map_or(0, |before| digest_of(Kind::List, &field, before));
        self.note_put(&field, value, before);
        let is_placed = match &mut self.form {
            Form::Small(page) => put_in_page(page, &mut self.begin, position, value),
            _ => false,
        };
        if let Form::Small(page) = &self.form
            && !(is_placed
                && page.len() <= SMALL_ELEMENTS_MAX
                && page.live_bytes() <= SMALL_BYTES_MAX)
        {
            self.form = Form::Grown(Box::new(Large::of_list(self.seed, self.begin, page)));
        }
        if !is_placed && let Some(large) = self.large() {
            large.put(&field, value);
        }
        is_new
    }

    /// Removes the values at positions that are an end of the list, each when its turn comes.
    fn remove_positions(&mut self, positions: impl Iterator<Item = i64>) {
        for position in positions {
            self.remove_position(position);
        }
    }

    pub(super) fn remove_position(&mut self, position: i64) -> bool {
        let Some(before) = self.value_at(position) else { return false };
        let field = field_of(position);
        let before = digest_of(Kind::List, &field, before);
        self.note_removal(&field, before);
        if let Form::Small(page) = &mut self.form {
            let rank = (position - self.begin) as usize;
            if rank == 0 {
                page.remove(0);
                self.begin += 1;
                return true;
            }
            if rank + 1 == page.len() {
                page.remove(rank);
                return true;
            }
            self.form = Form::Grown(Box::new(Large::of_list(self.seed, self.begin, page)));
        }
        if let Some(large) = self.large() {
            large.remove(&field);
        }
        true
    }
}

/// Puts a value into a small list, unless that leaves a hole.
fn put_in_page(page: &mut Page, begin: &mut i64, position: i64, value: &[u8]) -> bool {
    if page.is_empty() {
        *begin = position;
    }
    let len = page.len() as i64;
    with_parts(b"", value, |parts| match position - *begin {
        -1 => {
            page.insert(0, parts);
            *begin -= 1;
            true
        }
        rank if (0..len).contains(&rank) => {
            page.replace(rank as usize, parts);
            true
        }
        rank if rank == len => {
            page.insert(page.len(), parts);
            true
        }
        _ => false,
    })
}

impl Large {
    fn of_list(seed: u64, begin: i64, page: &Page) -> Large {
        let mut list = List::at(begin);
        for (rank, entry) in page.entries().enumerate() {
            list.put_at(begin + rank as i64, split(entry).1);
        }
        Large { seed, elements: Elements::List(list), digest: 0 }
    }
}
