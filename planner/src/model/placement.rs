//! How unevenly keys load nodes when a hash places them: seeded Monte Carlo.
//!
//! Each trial gives every key to a node at random and looks at the busiest node, measured in means
//! (the traffic divided by the number of nodes). Keys with a noticeable share are placed one by
//! one. The many small ones are summed up: their load on the nodes is a sum of independent terms
//! with the multinomial's mean `W p` and covariance `Q (diag(p) - p p')`, `W` being their share and
//! `Q` the sum of the squares of their shares, and is drawn from the normal distribution with
//! these.
//!
//! Bound: for each node, the distance (Wasserstein-1: the mean error of a draw) between that sum
//! and the normal distribution is at most the sum of the terms' third absolute moments divided by
//! their variance (Goldstein 2010), which is below the largest share summed up. In means, that is
//! `nodes x share`; [`Imbalance::tail_error`] reports it, and it is below [`TAIL_ERROR`] unless
//! [`HEAD_MAX`] keys were not enough for that.

use rand::SeedableRng;
use rand_distr::weighted::WeightedAliasIndex;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

use super::popularity::{Popularity, Split};
use crate::error::{PlanError, Result};

/// Trials if the caller does not say.
pub const TRIALS_DEFAULT: u32 = 2000;
/// The seed if the caller does not say; reports have it.
pub const SEED_DEFAULT: u64 = 16_384;
/// Error of the normal approximation, in means, up to which keys are summed up.
pub const TAIL_ERROR: f64 = 0.001;
/// Keys placed one by one.
pub const HEAD_MAX: usize = 16_384;
/// Nodes that keys are placed on.
pub const NODES_MAX: usize = 10_000;
/// Placements of keys and draws for nodes in one answer.
const WORK_MAX: u64 = 100_000_000;

/// A key that is on several nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copied {
    /// What it adds to each of its nodes, as a share of all traffic.
    pub load: f64,
    /// How many nodes have it: consecutive ones, from one chosen at random.
    pub nodes: usize,
}

/// What is placed: a popularity, from which the first keys may be taken and placed differently.
#[derive(Clone, Debug)]
pub struct Traffic<'a> {
    /// All keys.
    pub popularity: &'a Popularity,
    /// How many of its first keys are not placed as they are.
    pub skip: usize,
    /// Placed in addition.
    pub copied: Vec<Copied>,
}

impl<'a> Traffic<'a> {
    /// Every key once.
    pub fn plain(popularity: &'a Popularity) -> Traffic<'a> {
        Traffic { popularity, skip: 0, copied: Vec::new() }
    }
}

/// How often, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trials {
    /// Placements.
    pub count: u32,
    /// The same seed gives the same answer.
    pub seed: u64,
}

impl Default for Trials {
    fn default() -> Trials {
        Trials { count: TRIALS_DEFAULT, seed: SEED_DEFAULT }
    }
}

/// The busiest node's load over the mean, over all trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Imbalance {
    /// Rising; at least one.
    ratios: Vec<f64>,
    /// Keys that were placed one by one.
    pub head_keys: usize,
    /// Keys that were summed up.
    pub tail_keys: u64,
    /// Bound of the mean error, in means, that summing up has for a node.
    pub tail_error: f64,
}

impl Imbalance {
    /// The ratio that a share of the trials does not exceed (nearest rank).
    pub fn quantile(&self, share: f64) -> f64 {
        let rank = (share.clamp(0.0, 1.0) * self.ratios.len() as f64).ceil() as usize;
        self.ratios.get(rank.saturating_sub(1)).copied().unwrap_or(1.0)
    }

    /// The share of trials above a ratio, and its standard error.
    pub fn probability_above(&self, ratio: f64) -> (f64, f64) {
        let count = self.ratios.len() as f64;
        let above = self.ratios.len() - self.ratios.partition_point(|value| *value <= ratio);
        let share = above as f64 / count;
        (share, (share * (1.0 - share) / count).sqrt())
    }

    /// The mean over all trials.
    pub fn mean(&self) -> f64 {
        self.ratios.iter().sum::<f64>() / self.ratios.len() as f64
    }
}

/// Places keys on nodes that each get a share of the keys, `shares` adding up to 1.
///
/// # Errors
/// No nodes or more than [`NODES_MAX`], shares that are none, no trials, or more work than is done.
pub fn imbalance(traffic: &Traffic<'_>, shares: &[f64], trials: Trials) -> Result<Imbalance> {
    imbalance_with(traffic, shares, trials, TAIL_ERROR, HEAD_MAX)
}

/// As [`imbalance`], with a bound of the error and of the keys placed one by one.
fn imbalance_with(
    traffic: &Traffic<'_>,
    shares: &[f64],
    trials: Trials,
    tail_error: f64,
    head_max: usize,
) -> Result<Imbalance> {
    let nodes = shares.len();
    // What every node has needs no placing.
    let (everywhere, some): (Vec<Copied>, Vec<Copied>) =
        traffic.copied.iter().partition(|copied| copied.nodes >= nodes);
    let base: f64 = everywhere.iter().map(|copied| copied.load).sum();
    let copies: usize = some.iter().map(|copied| copied.nodes).sum();
    check(nodes, copies, trials)?;
    let pick = WeightedAliasIndex::new(shares.to_vec())
        .map_err(|_| PlanError::usage("the nodes' shares must be positive and add up to 1"))?;
    let spare = WORK_MAX / u64::from(trials.count);
    let head_max = head_max.min(spare.saturating_sub((nodes + copies) as u64) as usize);
    let split = traffic.popularity.split(traffic.skip, tail_error / nodes as f64, head_max);
    let normal = Tail::new(&split, shares);
    let mut random = Pcg64::seed_from_u64(trials.seed);
    let mut loads = vec![0.0; nodes];
    let mut trial = || {
        normal.draw(&mut loads, &mut random);
        for share in &split.head {
            loads[pick.sample(&mut random)] += share;
        }
        for copied in &some {
            let first = pick.sample(&mut random);
            for at in 0..copied.nodes {
                loads[(first + at) % nodes] += copied.load;
            }
        }
        (loads.iter().copied().fold(0.0, f64::max) + base) * nodes as f64
    };
    let mut ratios: Vec<f64> = (0..trials.count).map(|_| trial()).collect();
    ratios.sort_by(f64::total_cmp);
    Ok(Imbalance {
        ratios,
        head_keys: split.head.len(),
        tail_keys: split.tail_keys,
        tail_error: split.tail_largest * nodes as f64,
    })
}

fn check(nodes: usize, copies: usize, trials: Trials) -> Result<()> {
    match nodes {
        0 => return Err(PlanError::usage("--nodes 0: keys need at least 1 node")),
        1..=NODES_MAX => {}
        _ => {
            return Err(PlanError::usage(format!(
                "{nodes} nodes: keys are placed on at most {NODES_MAX}"
            )));
        }
    }
    if trials.count == 0 {
        return Err(PlanError::usage("--trials 0: there is nothing to count; give at least 1"));
    }
    if u64::from(trials.count) * (nodes + copies) as u64 > WORK_MAX {
        return Err(PlanError::usage(format!(
            "{} trials over {nodes} nodes take too long; lower --trials",
            trials.count
        )));
    }
    Ok(())
}

/// The load of the keys that are summed up.
struct Tail {
    /// Expected load of each node.
    means: Vec<f64>,
    /// The root of each node's share, times the root of the sum of squares.
    spreads: Vec<f64>,
    shares: Vec<f64>,
}

impl Tail {
    fn new(split: &Split, shares: &[f64]) -> Tail {
        let spread = split.tail_square_sum.max(0.0).sqrt();
        Tail {
            means: shares.iter().map(|share| share * split.tail_share).collect(),
            spreads: shares.iter().map(|share| share.sqrt() * spread).collect(),
            shares: shares.to_vec(),
        }
    }

    /// Sets every node's load to one draw. With independent standard normal `z`, the vector
    /// `sqrt(p_j) z_j - p_j sum_k sqrt(p_k) z_k` has the covariance `diag(p) - p p'`.
    fn draw(&self, loads: &mut [f64], random: &mut Pcg64) {
        let mut sum = 0.0;
        for (load, spread) in loads.iter_mut().zip(&self.spreads) {
            let normal: f64 = StandardNormal.sample(random);
            *load = spread * normal;
            sum += *load;
        }
        for ((load, mean), share) in loads.iter_mut().zip(&self.means).zip(&self.shares) {
            *load = (*load - share * sum + mean).max(0.0);
        }
    }
}

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
