//! What is left when machines are lost or cut off: who can decide, what nobody serves, and what
//! the busiest survivor carries.
//!
//! Copies are where [`skep_keyspace::zones`] puts them: no failure domain has two of a shard. Domains
//! that do not allow that are answered for too, with copies dealt to machines in turn. Losing a domain
//! takes its machines; a cut ([`cuts()`]) leaves two sides, each of which sees the other as lost.
//!
//! Slots are those of the even layout. A shard whose primary is lost is served again once a replica is
//! promoted, which takes those who decide; Redis Cluster without a majority of them stops altogether.

mod cuts;
mod worst;

use skep_keyspace::SLOT_COUNT;
use skep_keyspace::layout::Layout;
use skep_keyspace::zones::{self, Copies, Placement, PlacementError};

pub use cuts::{CUTS_MAX, Cuts, cuts};
pub use worst::{Side, Worst};

use super::quorum::Control;
use crate::error::{PlanError, Result};

/// Machines that are placed.
pub const MACHINES_MAX: u64 = 2000;

/// Machines, and what each has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    placement: Placement,
    /// Slots of each shard.
    slots: Vec<u32>,
    /// Copies of each shard.
    copies: usize,
    control: Control,
    /// How many of those who decide each machine has.
    deciders: Vec<u32>,
}

/// How the cluster is used and set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// Share of operations that read.
    pub reads: f64,
    /// Whether replicas answer reads too.
    pub has_replica_reads: bool,
    /// Whether a slot that nobody serves stops all others: `cluster-require-full-coverage`.
    pub needs_full_coverage: bool,
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
    pub uncovered_shards: usize,
    /// Slots of which it has no copy.
    pub uncovered_slots: u32,
    /// Shards whose replica must be promoted.
    pub promotions: usize,
    /// Slots that it serves, once those who decide have promoted replicas.
    pub served_slots: u32,
    /// Slots of which the busiest machine is then the primary.
    pub busiest_slots: u32,
    /// The busiest machine's load over what the busiest had before; nothing if nothing is served.
    pub busiest_load: Option<f64>,
}

impl Outcome {
    /// Whether every slot is served.
    pub fn survives(&self) -> bool {
        self.served_slots as usize == SLOT_COUNT
    }

    /// Whether nothing is served at all.
    pub fn stops(&self) -> bool {
        self.served_slots == 0
    }
}

/// Orders outcomes from the best to the worst.
pub fn rank(outcome: &Outcome) -> (u32, u32, bool, usize) {
    let unserved = SLOT_COUNT as u32 - outcome.served_slots;
    (outcome.uncovered_slots, unserved, !outcome.has_quorum, outcome.primaries_lost)
}

impl Cluster {
    /// Places `primaries` shards with `replicas` replicas each into domains of so many machines; without
    /// domains every copy has a machine of its own, primaries first.
    ///
    /// # Errors
    /// No shards, too many machines, or more machines than copies.
    pub fn place(
        primaries: u32,
        replicas: u32,
        domains: Option<&[usize]>,
        control: Control,
    ) -> Result<Cluster> {
        let all = u64::from(primaries) * (u64::from(replicas) + 1);
        if primaries == 0 {
            return Err(PlanError::usage("--masters 0: there is nothing to lose; give at least 1"));
        }
        if all > MACHINES_MAX {
            return Err(PlanError::usage(format!(
                "--masters {primaries} --replicas {replicas} are {all} copies: failures of at most \
                 {MACHINES_MAX} are reckoned; give fewer"
            )));
        }
        let (shards, copies) = (primaries as usize, replicas as usize + 1);
        let placement = match domains {
            None => dealt(shards, copies, vec![0; all as usize]),
            Some(sizes) => placed(sizes, shards, copies)?,
        };
        let machines = placement.node_zones.len();
        let control = control.checked(machines)?;
        let slots = Layout::even(shards).map_err(|error| PlanError::usage(error.to_string()))?;
        let deciders = match control {
            Control::Primaries => {
                placement.primaries().into_iter().map(|count| count as u32).collect()
            }
            _ => spread(&placement.node_zones, control.needed(primaries).0 as usize),
        };
        Ok(Cluster { placement, slots: slots.counts(), copies, control, deciders })
    }

    /// Machines.
    pub fn machines(&self) -> usize {
        self.placement.node_zones.len()
    }

    /// Shards.
    pub fn shards(&self) -> usize {
        self.slots.len()
    }

    /// Copies of each shard, the primary included.
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// Whether every machine has one copy of one shard.
    pub fn is_dedicated(&self) -> bool {
        self.machines() == self.shards() * self.copies
    }

    /// How many decide, and how many of them are needed.
    pub fn needed(&self) -> (u32, u32) {
        self.control.needed(self.shards() as u32)
    }

    /// Shards of which two copies are in one domain.
    pub fn conflicts(&self) -> usize {
        self.placement.conflicts().len()
    }

    /// The machines of a domain.
    pub fn of_domain(&self, domain: usize) -> Vec<bool> {
        self.placement.node_zones.iter().map(|here| *here == domain).collect()
    }

    /// Shards of which a machine has the primary, and of which it has a replica.
    pub fn held(&self, machine: usize) -> (Vec<usize>, Vec<usize>) {
        let shards = || self.placement.shards.iter().enumerate();
        let with = |has: &dyn Fn(&Copies) -> bool| {
            shards().filter(|(_, copies)| has(copies)).map(|(shard, _)| shard).collect()
        };
        let primaries = with(&|copies| copies.primary == machine);
        (primaries, with(&|copies| copies.replicas.contains(&machine)))
    }

    /// First and last slot of each run of slots that have no copy on a machine that is not `lost`.
    pub fn uncovered_ranges(&self, lost: &[bool]) -> Vec<(u32, u32)> {
        let is_lost = |machine: usize| lost.get(machine).copied().unwrap_or(false);
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut first = 0;
        for (copies, slots) in self.placement.shards.iter().zip(&self.slots) {
            if copies.nodes().all(is_lost) {
                match ranges.last_mut() {
                    Some(last) if last.1 + 1 == first => last.1 = first + slots - 1,
                    _ => ranges.push((first, first + slots - 1)),
                }
            }
            first += slots;
        }
        ranges
    }

    /// What is left to the machines that are not `lost`.
    pub fn lose(&self, lost: &[bool], service: Service) -> Outcome {
        let is_lost = |machine: usize| lost.get(machine).copied().unwrap_or(false);
        let machines = 0..self.machines();
        let deciders_left =
            machines.clone().filter(|at| !is_lost(*at)).map(|at| self.deciders[at]).sum();
        let has_quorum = deciders_left >= self.needed().1;
        let mut found = Outcome {
            lost: machines.filter(|at| is_lost(*at)).count(),
            primaries_lost: 0,
            deciders_left,
            has_quorum,
            uncovered_shards: 0,
            uncovered_slots: 0,
            promotions: 0,
            served_slots: 0,
            busiest_slots: 0,
            busiest_load: None,
        };
        let mut left = self.placement.without(is_lost, &self.slots);
        for (shard, before) in self.placement.shards.iter().enumerate() {
            found.primaries_lost += usize::from(is_lost(before.primary));
            match &left[shard] {
                None => {
                    found.uncovered_shards += 1;
                    found.uncovered_slots += self.slots[shard];
                }
                Some(copies) if copies.primary != before.primary => {
                    found.promotions += 1;
                    if !has_quorum {
                        left[shard] = None;
                    }
                }
                Some(_) => {}
            }
        }
        let is_stopped_by_gap = service.needs_full_coverage && found.uncovered_shards > 0;
        if is_stopped_by_gap || (self.control == Control::Primaries && !has_quorum) {
            return found;
        }
        let served = left.iter().zip(&self.slots).filter(|(copies, _)| copies.is_some());
        found.served_slots = served.map(|(_, slots)| slots).sum();
        if !found.stops() {
            let whole = self.placement.shards.iter().map(Some);
            let (_, before) = self.busiest(whole, service);
            let (slots, load) = self.busiest(left.iter().map(Option::as_ref), service);
            (found.busiest_slots, found.busiest_load) = (slots, Some(load / before));
        }
        found
    }

    /// The most slots that a machine is the primary of, and the highest load of one, in slots whose
    /// every operation it serves. Every copy applies all writes.
    fn busiest<'c>(
        &self,
        shards: impl Iterator<Item = Option<&'c Copies>>,
        service: Service,
    ) -> (u32, f64) {
        let mut primaries = vec![0u32; self.machines()];
        let mut loads = vec![0.0f64; self.machines()];
        for (copies, slots) in shards.zip(&self.slots) {
            let Some(copies) = copies else { continue };
            primaries[copies.primary] += slots;
            let slots = f64::from(*slots);
            for node in copies.nodes() {
                loads[node] += slots * (1.0 - service.reads);
            }
            let readers = if service.has_replica_reads { copies.nodes().count() } else { 1 };
            for node in copies.nodes().take(readers) {
                loads[node] += slots * service.reads / readers as f64;
            }
        }
        let most = primaries.into_iter().max().unwrap_or(0);
        (most, loads.into_iter().fold(0.0, f64::max))
    }
}

/// Copies in domains; in turn, where not all copies of a shard can be apart.
fn placed(sizes: &[usize], shards: usize, copies: usize) -> Result<Placement> {
    let all = shards * copies;
    let room = sizes.iter().fold(0usize, |sum, size| sum.saturating_add(*size));
    if room > all {
        return Err(PlanError::usage(format!(
            "the zones or switches have {room} machines, but --masters {shards} --replicas {} are \
             {all} copies; give fewer machines, or more --masters or --replicas",
            copies - 1
        )));
    }
    match zones::place(sizes, shards, copies - 1) {
        Ok(placement) => Ok(placement),
        Err(PlacementError::TooFewZones { .. } | PlacementError::Lopsided { .. })
            if room == all =>
        {
            let domains = sizes.iter().enumerate();
            let of_machine = domains.flat_map(|(domain, size)| std::iter::repeat_n(domain, *size));
            Ok(dealt(shards, copies, of_machine.collect()))
        }
        Err(error) => Err(PlanError::usage(format!("--zones: {error}"))),
    }
}

/// Every machine gets a copy of the next shard; a shard's primary is in the domain that has fewest.
fn dealt(shards: usize, copies: usize, node_zones: Vec<usize>) -> Placement {
    let mut served = vec![0usize; node_zones.iter().max().map_or(0, |last| last + 1)];
    let shard = |shard: usize| {
        let mut nodes: Vec<usize> = (0..copies).map(|copy| shard + copy * shards).collect();
        let fewest = (0..copies).min_by_key(|copy| served[node_zones[nodes[*copy]]]);
        let primary = nodes.remove(fewest.unwrap_or(0));
        served[node_zones[primary]] += 1;
        Copies { primary, replicas: nodes }
    };
    let shards = (0..shards).map(shard).collect();
    Placement { shards, node_zones }
}

/// One each on so many machines, as evenly over the domains as these have any.
fn spread(node_zones: &[usize], count: usize) -> Vec<u32> {
    let mut turns = vec![0usize; node_zones.iter().max().map_or(0, |last| last + 1)];
    let turn = |zone: &usize| {
        turns[*zone] += 1;
        turns[*zone]
    };
    let of_machine: Vec<usize> = node_zones.iter().map(turn).collect();
    let mut order: Vec<usize> = (0..node_zones.len()).collect();
    order.sort_by_key(|machine| of_machine[*machine]);
    let mut chosen = vec![0; node_zones.len()];
    for machine in order.into_iter().take(count) {
        chosen[machine] = 1;
    }
    chosen
}

#[cfg(test)]
mod tests;
