//! A collection as a handler reads it.

use super::fields::{Fields, split};
use super::list::{List, field_of, is_position};
use super::page::Page;
use super::sorted::{self, SortedSet};
use super::{Elements, Kind, Large, SMALL_BYTES_MAX, digest_of, varint};

/// A collection, under its stripe's lock.
#[derive(Clone, Copy, Debug)]
pub enum Contents<'a> {
    /// Its entries, one behind the other.
    Small(Kind, &'a [u8]),
    /// One that lies elsewhere.
    Large(&'a Large),
}

/// Entries that lie one behind the other.
#[derive(Clone)]
struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (len, head) = varint::read(self.0);
        let (entry, rest) = self.0[head..].split_at(len);
        self.0 = rest;
        Some(split(entry))
    }
}

/// Whether bytes that came from elsewhere are a small collection.
pub(crate) fn is_small_collection(bytes: &[u8]) -> bool {
    let Some((kind, mut rest)) = bytes.split_first() else { return false };
    let Some(kind) = Kind::of(*kind) else { return false };
    let Some((_, entries)) = rest.split_at_checked(prefix_bytes(kind)) else { return false };
    rest = entries;
    let is_sound = match kind {
        Kind::List => Contents::Small(kind, &bytes[1..]).begin().is_some_and(is_position),
        _ => true,
    };
    let is_any = is_sound && !rest.is_empty() && rest.len() <= SMALL_BYTES_MAX;
    while !rest.is_empty() {
        let entry =
            varint::checked(rest).and_then(|(len, head)| rest[head..].split_at_checked(len));
        let Some((entry, after)) = entry else { return false };
        let parts =
            varint::checked(entry).and_then(|(len, head)| entry[head..].split_at_checked(len));
        if !parts.is_some_and(|(_, value)| kind.takes(value)) {
            return false;
        }
        rest = after;
    }
    is_any
}

/// The entries of a small collection of this kind.
fn entries_of(kind: Kind, bytes: &[u8]) -> Entries<'_> {
    Entries(bytes.get(prefix_bytes(kind)..).unwrap_or_default())
}

/// What stands before the entries of a small collection: the position of a list's first value.
pub(crate) fn prefix_bytes(kind: Kind) -> usize {
    if kind == Kind::List { size_of::<i64>() } else { 0 }
}

impl<'a> Contents<'a> {
    /// A small collection, as its key's record has it.
    pub(crate) fn small(bytes: &'a [u8]) -> Contents<'a> {
        let (kind, entries) = bytes.split_first().unwrap_or((&0, &[]));
        Contents::Small(Kind::of(*kind).unwrap_or(Kind::Hash), entries)
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        match self {
            Contents::Small(kind, _) => kind,
            Contents::Large(large) => large.kind(),
        }
    }

    /// Whether it lies outside its key's record. One that has become large stays so.
    pub fn is_large(self) -> bool {
        match self {
            Contents::Small(..) => false,
            Contents::Large(_) => true,
        }
    }

    /// How many elements it has: more than none.
    pub fn len(self) -> usize {
        match self {
            Contents::Small(kind, bytes) => entries_of(kind, bytes).count(),
            Contents::Large(large) => large.len(),
        }
    }

    /// Whether it has no elements, which no collection of a key does.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value of an element.
    pub fn get(self, field: &[u8]) -> Option<&'a [u8]> {
        match self {
            Contents::Small(kind, bytes) => {
                entries_of(kind, bytes).find(|(other, _)| *other == field).map(|(_, value)| value)
            }
            Contents::Large(large) => large.get(field),
        }
    }

    /// The score of a member of a sorted set.
    pub fn score(self, member: &[u8]) -> Option<f64> {
        self.get(member).map(sorted::score_in)
    }

    /// All elements with their values; those of a list or a sorted set in its order, else in none. What
    /// a list has are values without fields.
    pub fn iter(self) -> Box<dyn Iterator<Item = (&'a [u8], &'a [u8])> + 'a> {
        match self {
            Contents::Small(kind, bytes) => Box::new(entries_of(kind, bytes)),
            Contents::Large(Large { elements: Elements::List(list), .. }) => {
                Box::new(list.iter_from(0).map(|value| (&b""[..], value)))
            }
            Contents::Large(Large { elements: Elements::Set(fields), .. })
            | Contents::Large(Large { elements: Elements::Hash(fields), .. }) => {
                Box::new(fields.iter())
            }
            Contents::Large(Large { elements: Elements::SortedSet(set), .. }) => {
                Box::new(set.elements())
            }
        }
    }

    /// Visits at least `count` elements from a cursor on (0: the beginning), unless there are fewer;
    /// of a small collection all. Answers where to go on, 0 when all have been visited. An element
    /// that is there all the time is visited once.
    pub fn scan(self, cursor: u64, count: usize, mut visit: impl FnMut(&'a [u8], &'a [u8])) -> u64 {
        match self {
            Contents::Small(kind, bytes) => {
                entries_of(kind, bytes).for_each(|(field, value)| visit(field, value));
                0
            }
            Contents::Large(large) => {
                large.fields().map_or(0, |fields| fields.scan(cursor, count, visit))
            }
        }
    }

    /// An element at random, each with the same probability.
    pub fn pick(self, mut random: impl FnMut() -> u64) -> Option<(&'a [u8], &'a [u8])> {
        match self {
            Contents::Small(kind, bytes) => {
                let count = entries_of(kind, bytes).count().max(1) as u64;
                entries_of(kind, bytes).nth((random() % count) as usize)
            }
            Contents::Large(large) => large.fields()?.pick(random),
        }
    }

    /// The sum of its elements' digests.
    pub(crate) fn digest(self) -> u64 {
        match self {
            Contents::Small(..) => self.recount_digest(),
            Contents::Large(large) => large.digest,
        }
    }

    /// The same, counted anew.
    pub(crate) fn recount_digest(self) -> u64 {
        let mut sum = 0u64;
        self.each_field(|field, value| {
            sum = sum.wrapping_add(digest_of(self.kind(), field, value));
        });
        sum
    }

    /// Calls `visit` with all elements as replicas are told of them: the fields of a list are positions.
    pub(crate) fn each_field(self, mut visit: impl FnMut(&[u8], &[u8])) {
        let Some(begin) = self.begin() else {
            return self.iter().for_each(|(field, value)| visit(field, value));
        };
        for (rank, (_, value)) in self.iter().enumerate() {
            visit(&field_of(begin + rank as i64), value);
        }
    }

    /// The position of the first value, if it is a list.
    pub(crate) fn begin(self) -> Option<i64> {
        match self {
            Contents::Small(Kind::List, bytes) => {
                Some(bytes.first_chunk().map_or(0, |begin| i64::from_le_bytes(*begin)))
            }
            Contents::Small(..) => None,
            Contents::Large(large) => large.list().map(List::begin),
        }
    }

    /// The value of a rank of a list.
    pub fn at(self, rank: usize) -> Option<&'a [u8]> {
        match self {
            Contents::Small(kind, bytes) => {
                entries_of(kind, bytes).nth(rank).map(|(_, value)| value)
            }
            Contents::Large(large) => large.list()?.get(rank),
        }
    }

    /// The values of a list from a rank on, or from there down to the first.
    pub fn values_from(
        self,
        rank: usize,
        is_reverse: bool,
    ) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
        match (self, is_reverse) {
            (Contents::Small(kind, bytes), false) => {
                Box::new(entries_of(kind, bytes).skip(rank).map(|(_, value)| value))
            }
            (Contents::Small(kind, bytes), true) => {
                let mut before: Vec<_> =
                    entries_of(kind, bytes).take(rank + 1).map(|(_, value)| value).collect();
                before.reverse();
                Box::new(before.into_iter())
            }
            (Contents::Large(Large { elements: Elements::List(list), .. }), false) => {
                Box::new(list.iter_from(rank))
            }
            (Contents::Large(Large { elements: Elements::List(list), .. }), true) => {
                Box::new(list.iter_back_from(rank))
            }
            (Contents::Large(_), _) => Box::new(std::iter::empty()),
        }
    }

    /// Calls `visit` with the members of a sorted set and their scores from a rank on, in order or,
    /// from there down to the first, in the opposite one, until it answers false.
    pub fn each_from(
        self,
        rank: usize,
        is_reverse: bool,
        mut visit: impl FnMut(&'a [u8], f64) -> bool,
    ) {
        match self {
            Contents::Small(_, bytes) => {
                let scored = Entries(bytes).map(|(member, bits)| (member, sorted::score_in(bits)));
                if is_reverse {
                    let mut before: Vec<_> = scored.take(rank + 1).collect();
                    before.reverse();
                    before.into_iter().all(|(member, score)| visit(member, score));
                } else {
                    scored.skip(rank).all(|(member, score)| visit(member, score));
                }
            }
            Contents::Large(Large { elements: Elements::SortedSet(set), .. }) => {
                if is_reverse {
                    set.iter_back_from(rank).all(|(score, member)| visit(member, score));
                } else {
                    set.iter_from(rank).all(|(score, member)| visit(member, score));
                }
            }
            Contents::Large(_) => {}
        }
    }

    /// How many members of a sorted set come before the first of which `is_beyond` holds; it holds for
    /// all after that.
    pub fn count_before(self, is_beyond: impl Fn(f64, &[u8]) -> bool) -> usize {
        match self {
            Contents::Small(_, bytes) => Entries(bytes)
                .take_while(|(member, bits)| !is_beyond(sorted::score_in(bits), member))
                .count(),
            Contents::Large(Large { elements: Elements::SortedSet(set), .. }) => {
                set.count_before(is_beyond)
            }
            Contents::Large(_) => 0,
        }
    }

    /// How many members of a sorted set come before this one, and its score.
    pub fn rank(self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            Contents::Small(_, bytes) => {
                let mut numbered = Entries(bytes).enumerate();
                let (rank, (_, bits)) = numbered.find(|(_, (other, _))| *other == member)?;
                Some((rank, sorted::score_in(bits)))
            }
            Contents::Large(Large { elements: Elements::SortedSet(set), .. }) => {
                Some((set.rank(member)?, set.score(member)?))
            }
            Contents::Large(_) => None,
        }
    }
}

impl Large {
    /// Elements by hash; those of a list are not.
    fn fields(&self) -> Option<&Fields> {
        match &self.elements {
            Elements::List(_) => None,
            Elements::Set(fields) | Elements::Hash(fields) => Some(fields),
            Elements::SortedSet(set) => Some(set.scores()),
        }
    }

    /// A large collection with the elements of a small one.
    pub(super) fn grown(kind: Kind, seed: u64, page: &Page) -> Large {
        let mut large = Large::new(kind, seed);
        for (field, value) in page.entries().map(split) {
            large.put(field, value);
        }
        large
    }
}

impl SortedSet {
    fn elements(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        // The bits of a score lie beside its member's hash, not in the order.
        self.iter_from(0).filter_map(|(_, member)| Some((member, self.get(member)?)))
    }
}
