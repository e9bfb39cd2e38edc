//! Rendezvous hashing: every shard bids for every slot, the highest bid wins.
//!
//! Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions
//! on Networking 6(1), 1998. With weights, a bid is `-weight / ln(u)` for a uniform `u` in (0, 1):
//! Schindelhauer and Schomaker, "Weighted distributed hash tables", SPAA 2005, the logarithmic method.
//! A shard that comes or goes moves only the slots it wins or leaves. Costs a hash for each shard and
//! slot, so 33 million for 2,000 shards, and a few logarithms for each slot.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::error::LayoutError;
use crate::layout::{Layout, check_named};

/// A layout in which every slot belongs to the highest bidder. It depends on the set of names and
/// weights, not on their order; equal bids go to the first name in byte order.
///
/// # Errors
/// No names, an empty or repeated one, or weights that cannot be apportioned.
pub fn rendezvous(names: &[&str], weights: &[f64]) -> Result<Layout, LayoutError> {
    check_named(names, weights)?;
    // In the order of names, so that a strictly higher bid is needed to win.
    let mut shards: Vec<usize> = (0..names.len()).filter(|&shard| weights[shard] > 0.0).collect();
    shards.sort_unstable_by_key(|&shard| names[shard]);
    let largest = weights.iter().copied().fold(0.0, f64::max);
    let bidders: Vec<Bidder> = shards
        .iter()
        .map(|&shard| Bidder {
            shard,
            seed: xxh3_64(names[shard].as_bytes()),
            weight: weights[shard] / largest,
        })
        .collect();
    // Bids rise with the hash, so the hashes of equals can be compared as they are.
    let is_equal = bidders.windows(2).all(|pair| pair[0].weight == pair[1].weight);
    let winner = |slot: usize| match is_equal {
        true => highest(&bidders, |bidder| bidder.hash(slot)),
        false => highest_weighted(&bidders, slot),
    };
    Ok(Layout::from_fn(names.len(), winner))
}

struct Bidder {
    shard: usize,
    seed: u64,
    weight: f64,
}

impl Bidder {
    fn hash(&self, slot: usize) -> u64 {
        xxh3_64_with_seed(&(slot as u16).to_le_bytes(), self.seed)
    }

    /// The uniform number for a slot: 53 bits and a half, never 0 and never 1.
    fn uniform(&self, slot: usize) -> f64 {
        ((self.hash(slot) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn bid(&self, uniform: f64) -> f64 {
        -self.weight / uniform.ln()
    }
}

/// As [`highest`] of the bids, taking few logarithms: since `-ln(u) >= 1 - u`, a bid is at most
/// `weight / (1 - u)`, and most are below the best one even so.
fn highest_weighted(bidders: &[Bidder], slot: usize) -> usize {
    // Rounding must not rule out a bid that is equal to its bound.
    const ROUNDING: f64 = 1.0 - 1e-9;
    let mut best = &bidders[0];
    let mut best_bid = best.bid(best.uniform(slot));
    for bidder in &bidders[1..] {
        let uniform = bidder.uniform(slot);
        if bidder.weight < best_bid * (1.0 - uniform) * ROUNDING {
            continue;
        }
        let this = bidder.bid(uniform);
        if this > best_bid {
            (best, best_bid) = (bidder, this);
        }
    }
    best.shard
}

/// The shard of the first of the highest bids.
fn highest<T: PartialOrd + Copy>(bidders: &[Bidder], bid: impl Fn(&Bidder) -> T) -> usize {
    let mut best = &bidders[0];
    let mut best_bid = bid(best);
    for bidder in &bidders[1..] {
        let this = bid(bidder);
        if this > best_bid {
            (best, best_bid) = (bidder, this);
        }
    }
    best.shard
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moves::differences;

    const NAMES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

    #[test]
    fn a_new_shard_takes_its_share_and_nothing_else_moves() {
        let before = rendezvous(&NAMES[..3], &[1.0; 3]).unwrap().with_shards(4).unwrap();
        let after = rendezvous(&NAMES, &[1.0; 4]).unwrap();
        let moves = differences(&before, &after).unwrap();
        assert!(moves.iter().all(|step| step.target == 3));
        // 4,096 expected; four standard deviations are 222.
        assert!((3874..=4318).contains(&moves.len()), "{}", moves.len());
    }

    #[test]
    fn shares_follow_weights() {
        let counts = rendezvous(&NAMES, &[1.0, 2.0, 0.0, 5.0]).unwrap().counts();
        assert_eq!(counts[2], 0);
        for (count, expected) in [(counts[0], 2048), (counts[1], 4096), (counts[3], 10_240)] {
            assert!(count.abs_diff(expected) < 260, "{counts:?}");
        }
    }

    #[test]
    fn the_winner_is_the_highest_bidder_though_few_bids_are_computed() {
        let bidders: Vec<Bidder> = (0..300u64)
            .map(|shard| Bidder {
                shard: shard as usize,
                seed: xxh3_64(&shard.to_le_bytes()),
                weight: (1.0 + (shard * 37 % 101) as f64) / 101.0,
            })
            .collect();
        for slot in 0..16_384 {
            let all = highest(&bidders, |bidder| bidder.bid(bidder.uniform(slot)));
            assert_eq!(highest_weighted(&bidders, slot), all, "slot {slot}");
        }
    }

    #[test]
    fn equal_weights_give_what_no_weights_give() {
        let mixed = rendezvous(&NAMES, &[0.5, 0.5, 0.5, 0.5 + f64::EPSILON]).unwrap();
        assert_eq!(rendezvous(&NAMES, &[7.0; 4]).unwrap(), rendezvous(&NAMES, &[1.0; 4]).unwrap());
        let same = differences(&mixed, &rendezvous(&NAMES, &[1.0; 4]).unwrap()).unwrap();
        assert_eq!(same, []);
    }

    #[test]
    fn the_order_of_names_does_not_matter() {
        let reversed: Vec<&str> = NAMES.iter().rev().copied().collect();
        let there = rendezvous(&NAMES, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let back = rendezvous(&reversed, &[4.0, 3.0, 2.0, 1.0]).unwrap();
        assert_eq!(back.renumbered(&[3, 2, 1, 0], 4).unwrap(), there);
    }
}
