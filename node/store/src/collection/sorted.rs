//! A large sorted set: the score of each member, and the members in their order.

use std::cmp::Ordering;

use super::fields::Fields;
use super::ranked::Ranked;

/// Bytes of a score at the beginning of an entry.
const SCORE_BYTES: usize = 8;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct SortedSet {
    /// Member -> the bits of its score.
    scores: Fields,
    /// Entries of a score that sorts as bytes, and the member.
    order: Ranked,
}

/// A score as bytes that sort as the number does. Both zeros are the same.
pub(crate) fn sortable(score: f64) -> [u8; SCORE_BYTES] {
    let bits = (score + 0.0).to_bits();
    let flipped = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    flipped.to_be_bytes()
}

/// The score that was made sortable.
pub(crate) fn score_of(bytes: [u8; SCORE_BYTES]) -> f64 {
    let flipped = u64::from_be_bytes(bytes);
    f64::from_bits(if flipped >> 63 == 1 { flipped & !(1 << 63) } else { !flipped })
}

/// The score whose bits are an element's value.
pub(crate) fn score_in(value: &[u8]) -> f64 {
    value.try_into().map_or(0.0, |bits| f64::from_bits(u64::from_le_bytes(bits)))
}

/// Splits an entry into score and member.
pub(crate) fn split(entry: &[u8]) -> (f64, &[u8]) {
    match entry.split_first_chunk() {
        Some((score, member)) => (score_of(*score), member),
        None => (0.0, entry),
    }
}

impl SortedSet {
    /// No members, hashed with a seed that clients do not know.
    pub(crate) fn new(seed: u64) -> SortedSet {
        SortedSet { scores: Fields::new(seed), order: Ranked::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.scores.heap_bytes() + self.order.heap_bytes()
    }

    /// The score of a member.
    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).map(score_in)
    }

    /// Gives a member a score. Answers the one that it had.
    pub(crate) fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let before = self.score(member);
        if let Some(before) = before {
            if before.to_bits() == score.to_bits() {
                return Some(before);
            }
            if let Ok(rank) = self.place(before, member) {
                self.order.remove(rank);
            }
        }
        self.scores.set(member, &score.to_bits().to_le_bytes());
        let (Ok(rank) | Err(rank)) = self.place(score, member);
        self.order.insert(rank, &[&sortable(score), member]);
        before
    }

    /// Removes a member. Answers the score that it had.
    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.score(member)?;
        if let Ok(rank) = self.place(score, member) {
            self.order.remove(rank);
        }
        self.scores.remove(member);
        Some(score)
    }

    /// How many members come before this one.
    pub(crate) fn rank(&self, member: &[u8]) -> Option<usize> {
        self.place(self.score(member)?, member).ok()
    }

    /// How many members come before the first of which `is_beyond` holds; it holds for all after that.
    pub(crate) fn count_before(&self, is_beyond: impl Fn(f64, &[u8]) -> bool) -> usize {
        let order = |entry: &[u8]| {
            let (score, member) = split(entry);
            if is_beyond(score, member) { Ordering::Greater } else { Ordering::Less }
        };
        let (Ok(count) | Err(count)) = self.order.search(order);
        count
    }

    /// Members and scores, in their order, from a rank on.
    pub(crate) fn iter_from(&self, rank: usize) -> impl Iterator<Item = (f64, &[u8])> {
        self.order.iter_from(rank).map(split)
    }

    /// Members and scores from a rank down to the first.
    pub(crate) fn iter_back_from(&self, rank: usize) -> impl Iterator<Item = (f64, &[u8])> {
        self.order.iter_back_from(rank).map(split)
    }

    /// The bits of a member's score.
    pub(crate) fn get(&self, member: &[u8]) -> Option<&[u8]> {
        self.scores.get(member)
    }

    /// Members by hash.
    pub(crate) fn scores(&self) -> &Fields {
        &self.scores
    }

    /// As [`Fields::drop_some`].
    pub(crate) fn drop_some(&mut self) -> bool {
        self.order.drop_some() || self.scores.drop_some()
    }

    fn place(&self, score: f64, member: &[u8]) -> Result<usize, usize> {
        let sought = sortable(score);
        self.order.search(|entry| {
            let (head, rest) = entry.split_at(SCORE_BYTES.min(entry.len()));
            head.cmp(&sought).then_with(|| rest.cmp(member))
        })
    }
}
