//! A key with what is computed from it once per command.

use skep_keyspace::Slot;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::store::stripe_of;

/// A key, its hash and its slot.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The key's bytes.
    pub bytes: &'a [u8],
    pub(crate) hash: u64,
    pub(crate) slot: Slot,
}

impl<'a> Key<'a> {
    /// Hashes a key with the store's secret seed.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], seed: u64) -> Key<'a> {
        Key { bytes, hash: xxh3_64_with_seed(bytes, seed), slot: Slot::of(bytes) }
    }

    /// The same key, with its bytes borrowed from elsewhere.
    #[inline]
    pub fn with_bytes<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Key { bytes, hash: self.hash, slot: self.slot }
    }

    /// The slot the key belongs to.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The key's hash under the store's seed.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The stripe that guards the key.
    #[inline]
    pub fn stripe(&self) -> u8 {
        stripe_of(self.slot)
    }
}
