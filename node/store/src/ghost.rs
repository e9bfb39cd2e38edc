//! What is remembered of evicted keys: how often they were accessed, so that one that comes back
//! soon is not taken for a stranger.
//!
//! A lossy table of 16 bits a key: five of its accesses and eleven of its hash. Four stand in a
//! word; a new one pushes the oldest of its word out. A wrong answer (one lookup in about 500)
//! only gives a stranger a head start.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use parking_lot::RwLock;

/// Share of the memory limit that the table may take: one part in this many.
const LIMIT_SHARE: u64 = 100;
/// The table takes no more than this, or making it would hold everybody up.
const MAX_BYTES: u64 = 64 << 20;
const KEY_BITS: u32 = 16;
const ACCESSES_BITS: u32 = 5;
const ACCESSES_MASK: u64 = (1 << ACCESSES_BITS) - 1;
const TAG_SHIFT: u32 = 64 - (KEY_BITS - ACCESSES_BITS);

/// The memory of evicted keys.
#[derive(Default)]
pub(crate) struct Ghosts {
    words: RwLock<Box<[AtomicU64]>>,
    /// How long the table is to be.
    fitting: AtomicUsize,
}

impl Ghosts {
    /// Fits the table to a memory limit (0: none, no table). A table of another size is made when
    /// a key is next evicted; what the old one knew is lost.
    pub(crate) fn fit(&self, limit_bytes: u64) {
        let fitting = (limit_bytes / LIMIT_SHARE).min(MAX_BYTES) / size_of::<AtomicU64>() as u64;
        // A power of two, so that a hash finds its word by its low bits.
        let len = if fitting == 0 { 0 } else { 1usize << fitting.ilog2() };
        self.fitting.store(len, Relaxed);
        if len == 0 && !self.words.read().is_empty() {
            *self.words.write() = Box::default();
        }
    }

    /// Remembers an evicted key.
    pub(crate) fn remember(&self, hash: u64, accesses: u32) {
        let len = self.fitting.load(Relaxed);
        if self.words.read().len() != len {
            *self.words.write() = (0..len).map(|_| AtomicU64::new(0)).collect();
        }
        let words = self.words.read();
        let Some(word) = word(&words, hash) else { return };
        let accesses = u64::from(accesses).clamp(1, ACCESSES_MASK);
        word.store(word.load(Relaxed) << KEY_BITS | tag(hash) << ACCESSES_BITS | accesses, Relaxed);
    }

    /// How often a key had been accessed when it was evicted; 0 when that is not known. Forgets
    /// it.
    pub(crate) fn recall(&self, hash: u64) -> u32 {
        let words = self.words.read();
        let Some(word) = word(&words, hash) else { return 0 };
        let known = word.load(Relaxed);
        for shift in (0..u64::BITS).step_by(KEY_BITS as usize) {
            let key = known >> shift & ((1 << KEY_BITS) - 1);
            if key != 0 && key >> ACCESSES_BITS == tag(hash) {
                word.store(known & !(((1 << KEY_BITS) - 1) << shift), Relaxed);
                return (key & ACCESSES_MASK) as u32;
            }
        }
        0
    }
}

fn tag(hash: u64) -> u64 {
    hash >> TAG_SHIFT
}

fn word(words: &[AtomicU64], hash: u64) -> Option<&AtomicU64> {
    words.get(hash as usize & words.len().wrapping_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_evicted_key_is_recalled_once_with_its_accesses() {
        let ghosts = Ghosts::default();
        ghosts.fit(64 << 20);
        let hash = |n: u32| u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..1000).for_each(|n| ghosts.remember(hash(n), n % 40));
        let is_right = |n: &u32| ghosts.recall(hash(*n)) == (n % 40).clamp(1, 31);
        let right = (0..1000).filter(is_right).count();
        assert!(right > 990, "{right} of 1000 recalled");
        let again = (0..1000).filter(|&n| ghosts.recall(hash(n)) > 0).count();
        assert!(again < 10, "{again} of 1000 recalled again");
    }

    #[test]
    fn without_a_limit_nothing_is_kept() {
        let ghosts = Ghosts::default();
        ghosts.fit(0);
        ghosts.remember(7, 3);
        assert_eq!(ghosts.recall(7), 0);
    }
}
