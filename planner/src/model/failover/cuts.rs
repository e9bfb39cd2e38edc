//! What cuts of so many machines do on the whole: every one, or a seeded sample of them.
//!
//! After a cut the side that has enough of those who decide goes on, be it the larger one or not. The
//! worst cut is not taken from a sample: [`super::worst`] constructs or bounds it.

use rand::SeedableRng;
use rand::seq::index;
use rand_pcg::Pcg64;

use super::worst::{Side, Worst, worst};
use super::{Cluster, Service};
use crate::error::{PlanError, Result};
use crate::model::quorum;

/// Cuts that are looked at one by one; of more, so many are drawn.
pub const CUTS_MAX: f64 = 300_000.0;
/// Steps for all cuts together.
const WORK_MAX: usize = 100_000_000;

/// What cuts of so many machines do.
#[derive(Clone, Debug, PartialEq)]
pub struct Cuts {
    /// The natural logarithm of how many ways there are.
    pub ln_ways: f64,
    /// How many of them were looked at.
    pub seen: usize,
    /// Whether these are all.
    pub is_exact: bool,
    /// Share of the cuts after which the side that goes on serves every slot.
    pub survive: f64,
    /// Share after which the others go on.
    pub others_decide: f64,
    /// Share after which those that were cut off do.
    pub cut_side_decides: f64,
    /// Share after which neither side goes on.
    pub undecided: f64,
    /// Whether these three are of the sample; where no machine has two of those who decide, they are
    /// reckoned.
    pub is_quorum_sampled: bool,
    /// Share by how many shards the side that goes on has no copy of.
    pub uncovered: Vec<f64>,
    /// The worst of all, seen or not.
    pub worst: Worst,
}

/// Looks at every cut of `cut` machines, or at a seeded sample if there are more than [`CUTS_MAX`].
///
/// # Errors
/// A cut of nothing or of everything.
pub fn cuts(cluster: &Cluster, cut: u32, service: Service, seed: u64) -> Result<Cuts> {
    let machines = cluster.machines();
    if machines < 2 {
        return Err(PlanError::usage(
            "--cut: a single machine cannot be cut in two; give more --masters or --replicas",
        ));
    }
    if cut == 0 || cut as usize >= machines {
        return Err(PlanError::usage(format!(
            "--cut {cut}: a cut has two sides; give 1 to {} of the {machines} machines",
            machines - 1
        )));
    }
    let size = cut as usize;
    let ln_ways = quorum::ln_ways(machines as u32, cut);
    let steps = cluster.shards() * cluster.copies();
    let most = (WORK_MAX / steps).min(CUTS_MAX as usize);
    let is_exact = ln_ways <= (most as f64).ln();
    let mut sums = Sums::new(cluster, service);
    if is_exact {
        let mut chosen: Vec<usize> = (0..size).collect();
        loop {
            sums.add(&chosen);
            if !next_combination(&mut chosen, machines) {
                break;
            }
        }
    } else {
        let mut random = Pcg64::seed_from_u64(seed);
        for _ in 0..most / 3 {
            sums.add(&index::sample(&mut random, machines, size).into_vec());
        }
    }
    let found = sums.into_cuts(ln_ways, is_exact, worst(cluster, size, service));
    Ok(if is_exact { found } else { with_quorum_reckoned(found, cluster, cut) })
}

/// Who goes on after a cut, not of the sample but by the hypergeometric distribution of those who
/// decide, if no machine has two of them.
fn with_quorum_reckoned(mut found: Cuts, cluster: &Cluster, cut: u32) -> Cuts {
    if cluster.deciders.iter().any(|count| *count > 1) {
        return found;
    }
    let (count, needed) = cluster.needed();
    found.is_quorum_sampled = false;
    (found.others_decide, found.cut_side_decides, found.undecided) = (0.0, 0.0, 0.0);
    let shares = quorum::marked_in_cut(cluster.machines() as u32, count, cut);
    for (cut_off, share) in (0u32..).zip(shares) {
        let sum = match (count - cut_off >= needed, cut_off >= needed) {
            (true, _) => &mut found.others_decide,
            (false, true) => &mut found.cut_side_decides,
            (false, false) => &mut found.undecided,
        };
        *sum = (*sum + share).min(1.0);
    }
    found
}

struct Sums<'c> {
    cluster: &'c Cluster,
    service: Service,
    seen: usize,
    others_decide: usize,
    cut_side_decides: usize,
    uncovered: Vec<usize>,
    /// The cut after which the others, the cut side or neither goes on that was worst.
    worst: [Option<(usize, Vec<bool>)>; 3],
    lost: Vec<bool>,
}

impl<'c> Sums<'c> {
    fn new(cluster: &'c Cluster, service: Service) -> Sums<'c> {
        Sums {
            cluster,
            service,
            seen: 0,
            others_decide: 0,
            cut_side_decides: 0,
            uncovered: vec![0; cluster.shards() + 1],
            worst: [None, None, None],
            lost: Vec::new(),
        }
    }

    fn add(&mut self, chosen: &[usize]) {
        self.lost.clear();
        self.lost.resize(self.cluster.machines(), false);
        for machine in chosen {
            self.lost[*machine] = true;
        }
        let (count, needed) = self.cluster.needed();
        let cut_off: u32 = chosen.iter().map(|at| self.cluster.deciders[*at]).sum();
        self.seen += 1;
        let at = if count - cut_off >= needed {
            self.others_decide += 1;
            0
        } else if cut_off >= needed {
            self.cut_side_decides += 1;
            for lost in &mut self.lost {
                *lost = !*lost;
            }
            1
        } else {
            2
        };
        let shards = self.cluster.placement.shards.iter();
        let uncovered = shards.filter(|copies| copies.nodes().all(|node| self.lost[node])).count();
        if at < 2 {
            self.uncovered[uncovered] += 1;
        }
        if self.worst[at].as_ref().is_none_or(|(known, _)| uncovered > *known) {
            self.worst[at] = Some((uncovered, self.lost.clone()));
        }
    }

    fn into_cuts(self, ln_ways: f64, is_exact: bool, mut worst: Worst) -> Cuts {
        for ((_, lost), side) in self
            .worst
            .iter()
            .zip([Some(Side::Others), Some(Side::Cut), None])
            .filter_map(|(found, side)| found.as_ref().map(|found| (found, side)))
        {
            worst.note(side, self.cluster.lose(lost, self.service));
        }
        if is_exact {
            worst.uncovered_shards_at_most = worst.uncovered_shards_at_least();
            worst.may_be_undecided = worst.undecided.is_some();
        }
        let share = |count: usize| count as f64 / self.seen.max(1) as f64;
        let last = self.uncovered.iter().rposition(|count| *count > 0).unwrap_or(0);
        Cuts {
            ln_ways,
            seen: self.seen,
            is_exact,
            survive: share(self.uncovered[0]),
            others_decide: share(self.others_decide),
            cut_side_decides: share(self.cut_side_decides),
            undecided: share(self.seen - self.others_decide - self.cut_side_decides),
            is_quorum_sampled: !is_exact,
            uncovered: self.uncovered[..=last].iter().map(|count| share(*count)).collect(),
            worst,
        }
    }
}

/// The next choice in the order of dictionaries, or false after the last.
fn next_combination(chosen: &mut [usize], all: usize) -> bool {
    let size = chosen.len();
    let Some(at) = (0..size).rev().find(|at| chosen[*at] < all - size + at) else { return false };
    chosen[at] += 1;
    for later in at + 1..size {
        chosen[later] = chosen[later - 1] + 1;
    }
    true
}
