//! A set of stripes, such as those a command locks.

use crate::STRIPE_COUNT;

/// A set of stripe numbers below 256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StripeSet([u64; STRIPE_COUNT / 64]);

impl StripeSet {
    /// No stripe.
    pub const NONE: StripeSet = StripeSet([0; STRIPE_COUNT / 64]);
    /// Every stripe.
    pub const ALL: StripeSet = StripeSet([u64::MAX; STRIPE_COUNT / 64]);

    /// Just one stripe.
    #[inline]
    pub fn one(stripe: u8) -> StripeSet {
        let mut set = StripeSet::NONE;
        set.insert(stripe);
        set
    }

    /// Adds a stripe.
    #[inline]
    pub fn insert(&mut self, stripe: u8) {
        self.0[usize::from(stripe >> 6)] |= 1 << (stripe & 63);
    }

    /// Adds the stripes of another set.
    pub fn extend(&mut self, other: StripeSet) {
        self.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
    }

    /// Tells whether a stripe is in the set.
    #[inline]
    pub fn contains(&self, stripe: usize) -> bool {
        self.0[stripe / 64] & (1 << (stripe % 64)) != 0
    }

    /// Calls `visit` for each stripe, in ascending order.
    #[inline]
    pub fn each(&self, mut visit: impl FnMut(usize)) {
        for (index, &word) in self.0.iter().enumerate() {
            let mut rest = word;
            while rest != 0 {
                visit(index * 64 + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
    }
}
