//! Sets of slots, and the text that clients and people write them in: `0-5460,5462`.
//!
//! A set is a bitmap of 2 KiB; its ranges come in ascending order, are disjoint, and never touch.

use std::fmt;
use std::str::FromStr;

use crate::error::LayoutError;
use crate::slot::{SLOT_COUNT, Slot};

const WORD_BITS: usize = u64::BITS as usize;
const WORDS: usize = SLOT_COUNT / WORD_BITS;

/// A stretch of slots with both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotRange {
    /// The lowest slot.
    pub first: u16,
    /// The highest slot.
    pub last: u16,
}

impl SlotRange {
    /// Number of slots, at least 1.
    pub fn slot_count(self) -> usize {
        usize::from(self.last - self.first) + 1
    }

    /// Its slots, ascending.
    pub fn slots(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }
}

impl fmt::Display for SlotRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(out, "{}", self.first),
            false => write!(out, "{}-{}", self.first, self.last),
        }
    }
}

impl FromStr for SlotRange {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<SlotRange, LayoutError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let slot = |part: &str| -> Option<u16> {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            Slot::new(is_number.then(|| part.parse().ok())??).map(Slot::number)
        };
        match (slot(first), slot(last)) {
            (Some(first), Some(last)) if first <= last => Ok(SlotRange { first, last }),
            _ => Err(LayoutError::Range(text.to_owned())),
        }
    }
}

/// A set of slots.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SlotSet {
    words: Box<[u64; WORDS]>,
}

impl Default for SlotSet {
    fn default() -> SlotSet {
        SlotSet { words: Box::new([0; WORDS]) }
    }
}

impl SlotSet {
    /// The empty set.
    pub fn new() -> SlotSet {
        SlotSet::default()
    }

    /// Adds a slot; says whether it was new.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let (word, bit) = place(slot);
        let was = self.words[word] & bit != 0;
        self.words[word] |= bit;
        !was
    }

    /// Adds all slots of a range.
    pub fn insert_range(&mut self, range: SlotRange) {
        for slot in range.slots().filter_map(Slot::new) {
            self.insert(slot);
        }
    }

    /// Takes a slot out; says whether it was there.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let (word, bit) = place(slot);
        let was = self.words[word] & bit != 0;
        self.words[word] &= !bit;
        was
    }

    /// Whether a slot is in it.
    pub fn contains(&self, slot: Slot) -> bool {
        let (word, bit) = place(slot);
        self.words[word] & bit != 0
    }

    /// Number of slots in it.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Its slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        self.ranges().flat_map(SlotRange::slots).filter_map(Slot::new)
    }

    /// Its slots as the fewest ranges, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = SlotRange> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let first = self.next(from, true)?;
            let end = self.next(first, false).unwrap_or(SLOT_COUNT);
            from = end;
            Some(SlotRange { first: first as u16, last: (end - 1) as u16 })
        })
    }

    /// The lowest position from `from` on that is, or is not, in the set.
    fn next(&self, from: usize, wanted: bool) -> Option<usize> {
        let flip = if wanted { 0 } else { u64::MAX };
        let mut word = from / WORD_BITS;
        let mut mask = u64::MAX << (from % WORD_BITS);
        while word < WORDS {
            let found = (self.words[word] ^ flip) & mask;
            if found != 0 {
                return Some(word * WORD_BITS + found.trailing_zeros() as usize);
            }
            word += 1;
            mask = u64::MAX;
        }
        None
    }
}

fn place(slot: Slot) -> (usize, u64) {
    let number = usize::from(slot.number());
    (number / WORD_BITS, 1 << (number % WORD_BITS))
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> SlotSet {
        let mut set = SlotSet::new();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

impl fmt::Display for SlotSet {
    /// Ranges joined by commas; nothing for the empty set.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.ranges().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(out, "{comma}{range}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SlotSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SlotSet({self})")
    }
}

impl FromStr for SlotSet {
    type Err = LayoutError;

    /// Ranges in any order, separated by commas or blanks; they may overlap.
    fn from_str(text: &str) -> Result<SlotSet, LayoutError> {
        let mut set = SlotSet::new();
        for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
            set.insert_range(part.parse()?);
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_the_fewest_and_ascend() {
        let set: SlotSet = "5462 0-100,101-5460,16383".parse().unwrap();
        assert_eq!(set.to_string(), "0-5460,5462,16383");
        assert_eq!(set.len(), 5463);
        assert_eq!("".parse::<SlotSet>().unwrap().to_string(), "");
        assert_eq!("0-16383".parse::<SlotSet>().unwrap().len(), SLOT_COUNT);
    }

    #[test]
    fn what_is_no_range_is_refused_with_its_text() {
        for text in ["16384", "5-4", "-", "1-", "-1", "a", "1-2-3", "99999", "+1", "0x1"] {
            let error = text.parse::<SlotSet>().unwrap_err();
            assert!(error.to_string().contains(&format!("\"{text}\"")), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_set_is_what_was_put_in_and_not_taken_out(
            steps in proptest::collection::vec((0u16..16_384, any::<bool>()), 0..200)
        ) {
            let mut set = SlotSet::new();
            let mut model = std::collections::BTreeSet::new();
            for (number, is_insert) in steps {
                let slot = Slot::new(number).unwrap();
                match is_insert {
                    true => prop_assert_eq!(set.insert(slot), model.insert(slot)),
                    false => prop_assert_eq!(set.remove(slot), model.remove(&slot)),
                }
                prop_assert_eq!(set.contains(slot), is_insert);
            }
            prop_assert!(set.iter().eq(model.iter().copied()));
            prop_assert_eq!(set.len(), model.len());
            prop_assert_eq!(set.to_string().parse::<SlotSet>().unwrap(), set);
        }
    }
}
