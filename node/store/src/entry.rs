//! One index entry: 64 bits that lead from a key's hash to its item.
//!
//! ```text
//! bit 63      the item expires
//! bits 62..40 tag: 23 bits of the key's hash; also decides the entry's home bucket
//! bits 39..0  location: the item's offset in the region; 0 means the entry is free
//! ```

use crate::region::OFFSET_BITS;

/// Bits of a tag.
pub(crate) const TAG_BITS: u32 = 23;
const LOCATION_MASK: u64 = (1 << OFFSET_BITS) - 1;
const TAG_MASK: u64 = ((1 << TAG_BITS) - 1) << OFFSET_BITS;
const EXPIRES: u64 = 1 << 63;

/// An index entry; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(pub(crate) u64);

impl Entry {
    #[inline]
    pub(crate) fn new(tag: Tag, location: u64, expires: bool) -> Entry {
        Entry((u64::from(expires) << 63) | (u64::from(tag.0) << OFFSET_BITS) | location)
    }

    #[inline]
    pub(crate) fn is_free(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn location(self) -> u64 {
        self.0 & LOCATION_MASK
    }

    #[inline]
    pub(crate) fn tag(self) -> Tag {
        Tag(((self.0 & TAG_MASK) >> OFFSET_BITS) as u32)
    }

    #[inline]
    pub(crate) fn expires(self) -> bool {
        self.0 & EXPIRES != 0
    }

    #[inline]
    pub(crate) fn has_tag(self, tag: Tag) -> bool {
        (self.0 & TAG_MASK) == u64::from(tag.0) << OFFSET_BITS && !self.is_free()
    }
}

/// The part of a key's hash that its index entry remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tag(pub(crate) u32);

impl Tag {
    /// The top bits of the hash; the trie of a large slot uses the low ones.
    #[inline]
    pub(crate) fn of(hash: u64) -> Tag {
        Tag((hash >> (64 - TAG_BITS)) as u32)
    }

    /// The home bucket among `buckets`: rising with the tag, so that a table keeps its order
    /// when it grows (Lemire, "Fast random integer generation in an interval", 2019).
    #[inline]
    pub(crate) fn home(self, buckets: usize) -> usize {
        ((u64::from(self.0) * buckets as u64) >> TAG_BITS) as usize
    }
}
