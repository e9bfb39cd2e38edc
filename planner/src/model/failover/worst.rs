//! The worst that a cut of so many machines can do, without looking at every one.
//!
//! Where every machine has one copy of one shard it is exact. A side that lacks `m` machines of which
//! `d` decide lacks all of a shard for each `copies` machines spent on it, and must keep enough of
//! those who decide to be the side that goes on. So the most shards are those with the fewest deciders
//! among their copies, as many as `m` and the deciders to spare pay for, and the rest of the `m`
//! machines are ones that decide nothing as far as there are any: fewer deciders cannot be lost.
//!
//! Where machines have copies of several shards, the most shards that `m` machines hold whole is the
//! hard problem of a smallest union of sets. Then there is a cut found by taking the next shard that
//! needs fewest further machines, which is that bad at least, and a bound: each lost shard uses up
//! `copies` of the copies that the `m` fullest machines have.

use std::cmp::Reverse;

use super::{Cluster, Outcome, Service, rank};

/// Who goes on after a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The machines that were not cut off.
    Others,
    /// Those that were.
    Cut,
}

/// What the worst cuts do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worst {
    /// The worst found that leaves the others enough of those who decide, as they see it.
    pub others: Option<Outcome>,
    /// The worst found that leaves these to the machines that were cut off.
    pub cut_side: Option<Outcome>,
    /// A cut after which neither side has enough, as the others see it.
    pub undecided: Option<Outcome>,
    /// Whether there may be such a cut; there surely is none if not.
    pub may_be_undecided: bool,
    /// No cut leaves the side that goes on with more shards that have no copy.
    pub uncovered_shards_at_most: usize,
}

impl Worst {
    /// The most shards without a copy that were found.
    pub fn uncovered_shards_at_least(&self) -> usize {
        let found = [&self.others, &self.cut_side].into_iter().flatten();
        found.map(|outcome| outcome.uncovered_shards).max().unwrap_or(0)
    }

    /// Whether no cut is worse than what was found.
    pub fn is_exact(&self) -> bool {
        self.uncovered_shards_at_least() == self.uncovered_shards_at_most
            && self.may_be_undecided == self.undecided.is_some()
    }

    /// Whether every slot is served after any cut, for certain.
    pub fn survives(&self) -> bool {
        !self.may_be_undecided && self.uncovered_shards_at_most == 0
    }

    /// Takes a cut that was looked at into account.
    pub(super) fn note(&mut self, side: Option<Side>, outcome: Outcome) {
        let place = match side {
            Some(Side::Others) => &mut self.others,
            Some(Side::Cut) => &mut self.cut_side,
            None => &mut self.undecided,
        };
        if place.as_ref().is_none_or(|known| rank(&outcome) > rank(known)) {
            *place = Some(outcome);
        }
    }
}

/// The worst that cutting `cut` machines off does.
pub(super) fn worst(cluster: &Cluster, cut: usize, service: Service) -> Worst {
    let machines = cluster.machines();
    let mut worst = Worst::default();
    for (side, lost) in [(Side::Others, cut), (Side::Cut, machines - cut)] {
        let found = match cluster.is_dedicated() {
            true => dedicated(cluster, lost),
            false => shared(cluster, lost),
        };
        let Some(found) = found else { continue };
        if let Some(lost) = found.lost {
            worst.note(Some(side), cluster.lose(&lost, service));
        }
        worst.uncovered_shards_at_most = worst.uncovered_shards_at_most.max(found.at_most);
    }
    match undecided(cluster, cut) {
        Undecided::Never => {}
        Undecided::Perhaps => worst.may_be_undecided = true,
        Undecided::Like(lost) => {
            worst.may_be_undecided = true;
            worst.note(None, cluster.lose(&lost, service));
        }
    }
    worst
}

/// A bad loss that leaves those who decide their majority, if one was found, and a bound for all.
struct Found {
    lost: Option<Vec<bool>>,
    at_most: usize,
}

/// The worst loss of so many machines after which enough of those who decide are left.
fn dedicated(cluster: &Cluster, lost: usize) -> Option<Found> {
    let budget = spare_deciders(cluster)?;
    let idle = cluster.deciders.iter().filter(|count| **count == 0).count();
    if lost.saturating_sub(idle) > budget {
        return None;
    }
    let deciders = |shard: usize| -> usize {
        cluster.placement.shards[shard].nodes().map(|node| cluster.deciders[node] as usize).sum()
    };
    let mut shards: Vec<usize> = (0..cluster.shards()).collect();
    shards.sort_by_key(|shard| (deciders(*shard), Reverse(cluster.slots[*shard])));
    let (mut chosen, mut spent, mut at_most) = (vec![false; cluster.machines()], 0, 0);
    for shard in shards.into_iter().take(lost / cluster.copies) {
        spent += deciders(shard);
        if spent > budget {
            break;
        }
        at_most += 1;
        for node in cluster.placement.shards[shard].nodes() {
            chosen[node] = true;
        }
    }
    fill(cluster, &mut chosen, lost);
    Some(Found { lost: Some(chosen), at_most })
}

/// A bad loss of so many machines, and a bound, where machines have copies of several shards.
fn shared(cluster: &Cluster, lost: usize) -> Option<Found> {
    let budget = spare_deciders(cluster)?;
    let mut counts = cluster.deciders.clone();
    counts.sort_unstable();
    if counts.iter().take(lost).sum::<u32>() as usize > budget {
        return None;
    }
    let mut copies = cluster.placement.copies();
    copies.sort_unstable_by_key(|count| Reverse(*count));
    let most = copies.iter().take(lost).sum::<usize>() / cluster.copies;
    let mut chosen = vec![false; cluster.machines()];
    let mut left = lost;
    loop {
        let missing = |shard: usize| {
            cluster.placement.shards[shard].nodes().filter(|node| !chosen[*node]).count()
        };
        let open = (0..cluster.shards()).map(|shard| (missing(shard), shard));
        let Some((needed, shard)) = open.filter(|(needed, _)| *needed > 0).min() else { break };
        if needed > left {
            break;
        }
        for node in cluster.placement.shards[shard].nodes() {
            chosen[node] = true;
        }
        left -= needed;
    }
    fill(cluster, &mut chosen, lost);
    let kept = cluster.deciders.iter().zip(&chosen).filter(|(_, lost)| !**lost);
    let has_quorum = kept.map(|(count, _)| *count).sum::<u32>() >= cluster.needed().1;
    Some(Found { lost: has_quorum.then_some(chosen), at_most: most.min(cluster.shards()) })
}

/// How many of those who decide can be lost.
fn spare_deciders(cluster: &Cluster) -> Option<usize> {
    let (count, needed) = cluster.needed();
    count.checked_sub(needed).map(|spare| spare as usize)
}

/// Chooses further machines until there are so many, those first that decide least.
fn fill(cluster: &Cluster, chosen: &mut [bool], count: usize) {
    let mut open: Vec<usize> = (0..chosen.len()).filter(|machine| !chosen[*machine]).collect();
    open.sort_by_key(|machine| cluster.deciders[*machine]);
    let missing = count.saturating_sub(chosen.len() - open.len());
    for machine in open.into_iter().take(missing) {
        chosen[machine] = true;
    }
}

enum Undecided {
    Never,
    /// Not excluded.
    Perhaps,
    /// By this cut.
    Like(Vec<bool>),
}

/// Whether a cut of so many machines can leave neither side with enough of those who decide.
fn undecided(cluster: &Cluster, cut: usize) -> Undecided {
    let (count, needed) = cluster.needed();
    let mut order: Vec<usize> = (0..cluster.machines()).collect();
    order.sort_by_key(|machine| cluster.deciders[*machine]);
    let sum = |machines: &[usize]| machines.iter().map(|at| cluster.deciders[*at]).sum::<u32>();
    let (least, most) = (sum(&order[..cut]), sum(&order[order.len() - cut..]));
    // So many cut off leave too few, and are too few themselves.
    let neither = (count + 1).saturating_sub(needed)..needed;
    let from = neither.start.max(least);
    if from > most || !neither.contains(&from) {
        return Undecided::Never;
    }
    // From those that decide least, exchanging one at a time for those that decide most: with at most
    // one decider on each machine every number between is met.
    for exchanged in 0..=cut {
        let (few, many) = (&order[..cut - exchanged], &order[order.len() - exchanged..]);
        if neither.contains(&(sum(few) + sum(many))) {
            let mut lost = vec![false; order.len()];
            for machine in few.iter().chain(many) {
                lost[*machine] = true;
            }
            return Undecided::Like(lost);
        }
    }
    Undecided::Perhaps
}
