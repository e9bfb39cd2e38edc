//! A set of stripes, such as those a command locks.

use crate::STRIPE_COUNT;

/// A set of stripe numbers below 256.
#[derive(Clone, Copy, Debug)]
pub struct StripeSet(Members);

/// Most commands have one key, and locking its stripe must not cost a search through a bit map.
#[derive(Clone, Copy, Debug)]
enum Members {
    One(u8),
    Many(Words),
}

type Words = [u64; STRIPE_COUNT / 64];

impl StripeSet {
    /// No stripe.
    pub const NONE: StripeSet = StripeSet(Members::Many([0; STRIPE_COUNT / 64]));
    /// Every stripe.
    pub const ALL: StripeSet = StripeSet(Members::Many([u64::MAX; STRIPE_COUNT / 64]));

    /// Just one stripe.
    #[inline]
    pub fn one(stripe: u8) -> StripeSet {
        StripeSet(Members::One(stripe))
    }

    fn words(&self) -> Words {
        match self.0 {
            Members::Many(words) => words,
            Members::One(stripe) => {
                let mut words = [0; STRIPE_COUNT / 64];
                words[usize::from(stripe >> 6)] |= 1 << (stripe & 63);
                words
            }
        }
    }

    /// Adds a stripe.
    pub fn insert(&mut self, stripe: u8) {
        self.extend(StripeSet::one(stripe));
    }

    /// Adds the stripes of another set.
    pub fn extend(&mut self, other: StripeSet) {
        let mut words = self.words();
        words.iter_mut().zip(other.words()).for_each(|(word, more)| *word |= more);
        self.0 = Members::Many(words);
    }

    /// Tells whether a stripe is in the set.
    #[inline]
    pub fn contains(&self, stripe: usize) -> bool {
        match &self.0 {
            Members::One(only) => usize::from(*only) == stripe,
            Members::Many(words) => words[stripe / 64] & (1 << (stripe % 64)) != 0,
        }
    }

    /// Calls `visit` for each stripe, in ascending order.
    #[inline]
    pub fn each(&self, mut visit: impl FnMut(usize)) {
        match &self.0 {
            Members::One(only) => visit(usize::from(*only)),
            Members::Many(words) => each_bit(words, visit),
        }
    }
}

impl Default for StripeSet {
    fn default() -> StripeSet {
        StripeSet::NONE
    }
}

impl PartialEq for StripeSet {
    fn eq(&self, other: &StripeSet) -> bool {
        self.words() == other.words()
    }
}

impl Eq for StripeSet {}

fn each_bit(words: &Words, mut visit: impl FnMut(usize)) {
    for (index, &word) in words.iter().enumerate() {
        let mut rest = word;
        while rest != 0 {
            visit(index * 64 + rest.trailing_zeros() as usize);
            rest &= rest - 1;
        }
    }
}
