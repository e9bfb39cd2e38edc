//! What is left when machines are lost or cut off: who can decide, what nobody serves, and what
//! the busiest survivor carries.
//!
//! Every machine has one copy of one shard. [`Layout::place`] puts them into failure domains so that
//! no domain has two copies of a shard if that is possible at all, and as few primaries as
//! possible. Losing a domain takes its machines; a cut leaves two sides, each of which sees the
//! other as lost.

use std::collections::VecDeque;

use rand::SeedableRng;
use rand::seq::index;
use rand_pcg::Pcg64;

use super::quorum::{self, Control};
use crate::error::{PlanError, Result};

/// Machines that are placed.
pub const MACHINES_MAX: u64 = 2000;
/// Cuts that are looked at one by one; of more, so many are drawn.
pub const CUTS_MAX: f64 = 300_000.0;
/// Steps for all cuts together.
const WORK_MAX: usize = 100_000_000;

/// Machines, their domains, and which shard each has a copy of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The domain of each machine.
    domains: Vec<usize>,
    /// The shard of each machine.
    shard_of: Vec<usize>,
    /// The machine with each shard's primary.
    primaries: Vec<usize>,
    /// Copies of each shard.
    copies: usize,
    /// Who decides.
    control: Control,
    /// The machines of those who decide, if these are not the primaries.
    deciders: Vec<usize>,
}

/// How reads are shared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reads {
    /// Share of operations that read.
    pub share: f64,
    /// Whether replicas answer too.
    pub from_replicas: bool,
}

/// What is left on one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Machines lost to this side.
    pub lost: usize,
    /// Primaries lost to it.
    pub primaries_lost: usize,
    /// Those who decide that it has.
    pub deciders_left: u32,
    /// Whether these are enough.
    pub has_quorum: bool,
    /// Shards of which it has no copy.
    pub uncovered: usize,
    /// Shards whose replica must be promoted.
    pub promotions: usize,
    /// The busiest machine's load over what the busiest had before.
    pub busiest: f64,
}

impl Outcome {
    /// Whether all data is served, once replicas that must be promoted are.
    pub fn survives(&self) -> bool {
        self.uncovered == 0 && (self.promotions == 0 || self.has_quorum)
    }
}

impl Layout {
    /// Places `primaries` shards with `replicas` replicas each into domains of these sizes.
    ///
    /// Machines are listed domain after domain, and the machine at place `i` gets shard `i` modulo
    /// the shards: a domain of at most as many machines as there are shards has none twice, and a
    /// larger one must have one twice. Primaries are then moved between copies along shortest paths
    /// until no path makes the fullest domain emptier.
    ///
    /// # Errors
    /// No shards, too many machines, or domains that have not room for exactly these.
    pub fn place(primaries: u32, replicas: u32, sizes: &[u32], control: Control) -> Result<Layout> {
        let copies = u64::from(replicas) + 1;
        let machines = u64::from(primaries) * copies;
        if primaries == 0 {
            return Err(PlanError::usage("--masters 0: there is nothing to lose; give at least 1"));
        }
        if machines > MACHINES_MAX {
            return Err(PlanError::usage(format!(
                "{machines} machines: failures of at most {MACHINES_MAX} are reckoned"
            )));
        }
        let room: u64 = sizes.iter().map(|size| u64::from(*size)).sum();
        if room != machines {
            return Err(PlanError::usage(format!(
                "{primaries} primaries with {replicas} replicas each are {machines} machines, \
                 but the zones or switches have {room}; make these numbers agree"
            )));
        }
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|domain| std::cmp::Reverse(sizes[*domain]));
        let domains: Vec<usize> = order
            .into_iter()
            .flat_map(|domain| std::iter::repeat_n(domain, sizes[domain] as usize))
            .collect();
        let shards = primaries as usize;
        let mut layout = Layout {
            shard_of: (0..domains.len()).map(|machine| machine % shards).collect(),
            primaries: (0..shards).collect(),
            copies: copies as usize,
            control: control.checked(domains.len())?,
            deciders: Vec::new(),
            domains,
        };
        while layout.move_a_primary(sizes.len()) {}
        if control != Control::Primaries {
            layout.deciders = layout.spread(control.needed(primaries).0 as usize, sizes.len());
        }
        Ok(layout)
    }

    /// The copies of a shard.
    fn machines_of(&self, shard: usize) -> impl Iterator<Item = usize> {
        (shard..self.domains.len()).step_by(self.primaries.len())
    }

    /// Moves primaries along the shortest path from the fullest domain to one with two fewer.
    fn move_a_primary(&mut self, domains: usize) -> bool {
        let counts = self.primaries_by_domain(domains);
        let Some(fullest) = (0..domains).max_by_key(|domain| counts[*domain]) else { return false };
        // How each domain was reached: by moving which shard's primary to which machine.
        let mut reached: Vec<Option<(usize, usize)>> = vec![None; domains];
        let mut queue = VecDeque::from([fullest]);
        while let Some(here) = queue.pop_front() {
            if counts[here] + 2 <= counts[fullest] {
                let mut at = here;
                while at != fullest {
                    let Some((shard, machine)) = reached[at] else { break };
                    at = self.domains[self.primaries[shard]];
                    self.primaries[shard] = machine;
                }
                return true;
            }
            for shard in 0..self.primaries.len() {
                if self.domains[self.primaries[shard]] != here {
                    continue;
                }
                for machine in self.machines_of(shard) {
                    let domain = self.domains[machine];
                    if domain != fullest && reached[domain].is_none() {
                        reached[domain] = Some((shard, machine));
                        queue.push_back(domain);
                    }
                }
            }
        }
        false
    }

    fn primaries_by_domain(&self, domains: usize) -> Vec<usize> {
        let mut counts = vec![0; domains];
        for machine in &self.primaries {
            counts[self.domains[*machine]] += 1;
        }
        counts
    }

    /// So many machines, as evenly over the domains as these have any.
    fn spread(&self, count: usize, domains: usize) -> Vec<usize> {
        let mut by_domain: Vec<VecDeque<usize>> = vec![VecDeque::new(); domains];
        for (machine, domain) in self.domains.iter().enumerate() {
            by_domain[*domain].push_back(machine);
        }
        let mut chosen = Vec::new();
        while chosen.len() < count && by_domain.iter().any(|left| !left.is_empty()) {
            let round = by_domain.iter_mut().filter_map(VecDeque::pop_front);
            chosen.extend(round.take(count - chosen.len()));
        }
        chosen
    }

    /// Machines.
    pub fn machines(&self) -> usize {
        self.domains.len()
    }

    /// Shards.
    pub fn shards(&self) -> usize {
        self.primaries.len()
    }

    /// Whether some domain has two copies of a shard.
    pub fn has_copies_together(&self) -> bool {
        (0..self.shards()).any(|shard| {
            let mut domains: Vec<usize> =
                self.machines_of(shard).map(|machine| self.domains[machine]).collect();
            domains.sort_unstable();
            domains.windows(2).any(|pair| pair[0] == pair[1])
        })
    }

    /// The machines of a domain.
    pub fn of_domain(&self, domain: usize) -> Vec<bool> {
        self.domains.iter().map(|here| *here == domain).collect()
    }

    /// What is left to the machines that are not `lost`.
    pub fn lose(&self, lost: &[bool], reads: Reads) -> Outcome {
        let is_lost = |machine: usize| lost.get(machine).copied().unwrap_or(false);
        let mut found = Outcome {
            lost: (0..self.machines()).filter(|machine| is_lost(*machine)).count(),
            primaries_lost: 0,
            deciders_left: 0,
            has_quorum: false,
            uncovered: 0,
            promotions: 0,
            busiest: 0.0,
        };
        let load = |copies: usize| match reads.from_replicas {
            true => (1.0 - reads.share) + reads.share / copies as f64,
            false => 1.0,
        };
        for (shard, primary) in self.primaries.iter().enumerate() {
            let left = self.machines_of(shard).filter(|machine| !is_lost(*machine)).count();
            let is_primary_lost = is_lost(*primary);
            found.primaries_lost += usize::from(is_primary_lost);
            found.uncovered += usize::from(left == 0);
            found.promotions += usize::from(is_primary_lost && left > 0);
            if left > 0 {
                found.busiest = found.busiest.max(load(left) / load(self.copies));
            }
        }
        let shards = self.shards();
        found.deciders_left = match self.control {
            Control::Primaries => shards - found.primaries_lost,
            _ => self.deciders.iter().filter(|machine| !is_lost(**machine)).count(),
        } as u32;
        found.has_quorum = found.deciders_left >= self.control.needed(shards as u32).1;
        found
    }
}

/// What random cuts of so many machines do.
#[derive(Clone, Debug, PartialEq)]
pub struct Cuts {
    /// Ways to cut.
    pub ways: f64,
    /// How many of them were looked at.
    pub seen: usize,
    /// Whether these are all.
    pub is_exact: bool,
    /// Share of the cuts after which the larger side serves everything.
    pub survive: f64,
    /// Share after which the larger side can promote.
    pub quorum: f64,
    /// Share after which the cut side can.
    pub cut_side_quorum: f64,
    /// Share by how many shards have every copy in the cut.
    pub uncovered: Vec<f64>,
    /// The worst outcome for the larger side, and for the one that is cut off.
    pub worst: Outcome,
    /// What the cut side has at best.
    pub cut_side_best: Outcome,
}

/// Looks at every cut of `cut` machines, or at a seeded sample if there are more than [`CUTS_MAX`].
///
/// # Errors
/// A cut of nothing or of everything.
pub fn cuts(layout: &Layout, cut: u32, reads: Reads, seed: u64) -> Result<Cuts> {
    let machines = layout.machines();
    if cut == 0 || cut as usize >= machines {
        return Err(PlanError::usage(format!(
            "--cut {cut}: a cut has two sides; give 1 to {}",
            machines - 1
        )));
    }
    let ways = quorum::ways(machines as u32, cut);
    let most = (WORK_MAX / machines).min(CUTS_MAX as usize);
    let is_exact = ways <= most as f64;
    let mut sums = Sums::new(layout.shards());
    let size = cut as usize;
    if is_exact {
        let mut chosen: Vec<usize> = (0..size).collect();
        loop {
            sums.add(layout, &chosen, reads);
            if !next_combination(&mut chosen, machines) {
                break;
            }
        }
    } else {
        let mut random = Pcg64::seed_from_u64(seed);
        for _ in 0..most / 3 {
            sums.add(layout, &index::sample(&mut random, machines, size).into_vec(), reads);
        }
    }
    let share = |count: usize| count as f64 / sums.seen.max(1) as f64;
    let none = layout.lose(&[], reads);
    let last = sums.uncovered.iter().rposition(|count| *count > 0).unwrap_or(0);
    Ok(Cuts {
        ways,
        seen: sums.seen,
        is_exact,
        survive: share(sums.survive),
        quorum: share(sums.quorum),
        cut_side_quorum: share(sums.cut_side_quorum),
        uncovered: sums.uncovered[..=last].iter().map(|count| share(*count)).collect(),
        worst: sums.worst.unwrap_or(none),
        cut_side_best: sums.cut_side_best.unwrap_or(none),
    })
}

struct Sums {
    seen: usize,
    survive: usize,
    quorum: usize,
    cut_side_quorum: usize,
    uncovered: Vec<usize>,
    worst: Option<Outcome>,
    cut_side_best: Option<Outcome>,
}

impl Sums {
    fn new(shards: usize) -> Sums {
        Sums {
            seen: 0,
            survive: 0,
            quorum: 0,
            cut_side_quorum: 0,
            uncovered: vec![0; shards + 1],
            worst: None,
            cut_side_best: None,
        }
    }

    fn add(&mut self, layout: &Layout, chosen: &[usize], reads: Reads) {
        let mut lost = vec![false; layout.machines()];
        for machine in chosen {
            lost[*machine] = true;
        }
        let main = layout.lose(&lost, reads);
        let other: Vec<bool> = lost.iter().map(|lost| !lost).collect();
        let cut = layout.lose(&other, reads);
        self.seen += 1;
        self.survive += usize::from(main.survives());
        self.quorum += usize::from(main.has_quorum);
        self.cut_side_quorum += usize::from(cut.has_quorum);
        self.uncovered[main.uncovered] += 1;
        let is_worse = |worst: &Outcome| rank(&main) > rank(worst);
        if self.worst.as_ref().is_none_or(is_worse) {
            self.worst = Some(main);
        }
        let is_better = |best: &Outcome| cut.deciders_left > best.deciders_left;
        if self.cut_side_best.as_ref().is_none_or(is_better) {
            self.cut_side_best = Some(cut);
        }
    }
}

/// Orders outcomes from the best to the worst.
pub fn rank(outcome: &Outcome) -> (bool, usize, bool, usize) {
    (!outcome.survives(), outcome.uncovered, !outcome.has_quorum, outcome.primaries_lost)
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

#[cfg(test)]
#[path = "failover_tests.rs"]
mod tests;
