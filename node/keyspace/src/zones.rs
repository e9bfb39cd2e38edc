//! Where the copies of each shard go, so that no failure domain holds two of them.
//!
//! Nodes stand in zones. Every shard gets a primary and replicas in as many different zones; copies are
//! balanced over nodes within one, primaries too as far as zones allow, and shards that share one zone
//! share no second one more often than needed, so that what a lost zone served falls to many.
//!
//! A placement exists if and only if `sum over zones of min(shards, copies its nodes may hold)` is at
//! least `shards x copies` (Gale and Ryser; each shard takes at most one copy from a zone), where a node
//! may hold the mean rounded up. Nodes are numbered zone by zone.

use std::fmt;

/// Nodes and shards a placement is computed for at most.
pub const PLACEMENT_MAX: usize = 100_000;
/// Zones at most: what is known of each pair of them is kept.
pub const ZONES_MAX: usize = 2_000;

/// The nodes that hold a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// The node that serves it.
    pub primary: usize,
    /// The nodes that can take over.
    pub replicas: Vec<usize>,
}

impl Copies {
    /// All its nodes, the primary first.
    pub fn nodes(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.primary).chain(self.replicas.iter().copied())
    }
}

/// Shards on nodes in zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The copies of each shard.
    pub shards: Vec<Copies>,
    /// The zone of each node.
    pub node_zones: Vec<usize>,
}

/// What is left when nodes are lost at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Nodes that remain.
    pub survivors: usize,
    /// Slots of which no copy remains.
    pub uncovered_slots: u32,
    /// Shards whose replica takes over.
    pub promoted_shards: usize,
    /// Slots that the busiest node served before.
    pub busiest_before_slots: u32,
    /// Slots that the busiest survivor serves afterwards.
    pub busiest_after_slots: u32,
}

/// Why shards cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlacementError {
    /// No shards, no zones or a zone without nodes, or more of these than can be planned for.
    Size,
    /// Two copies would share a zone.
    TooFewZones {
        /// Zones there are.
        zones: usize,
        /// Copies of each shard, the primary included.
        copies: usize,
    },
    /// Zones are of too different sizes.
    Lopsided {
        /// The zones with more room than shards, which can hold only one copy of each.
        large: Vec<usize>,
        /// Copies for which the other zones have no room.
        missing_copies: usize,
        /// The most shards that can be placed with one copy for each node.
        shards_max: usize,
    },
}

impl fmt::Display for PlacementError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlacementError::Size => write!(
                out,
                "a placement needs 1 to {PLACEMENT_MAX} shards and nodes, and a node in every one \
                 of at most {ZONES_MAX} zones"
            ),
            PlacementError::TooFewZones { zones, copies } => write!(
                out,
                "{copies} copies of a shard need {copies} zones, and there are {zones}; add zones \
                 or use {} replicas",
                zones - 1
            ),
            PlacementError::Lopsided { large, missing_copies, shards_max } => {
                let numbers: Vec<String> =
                    large.iter().map(|zone| (zone + 1).to_string()).collect();
                write!(
                    out,
                    "zone {} has more nodes than there are shards, and may hold one copy of each \
                     only, so {missing_copies} copies have no place; add {missing_copies} nodes to \
                     other zones, or use at most {shards_max} shards",
                    numbers.join(", ")
                )
            }
        }
    }
}

impl std::error::Error for PlacementError {}

/// The most shards for which every copy has a node of its own, no two in one zone.
pub fn shards_max(zone_nodes: &[usize], replicas: usize) -> usize {
    let nodes: usize = zone_nodes.iter().sum();
    let fits = |shards: usize| {
        let places: usize = zone_nodes.iter().map(|&nodes| nodes.min(shards)).sum();
        places >= shards * (replicas + 1)
    };
    // Places per shard only fall as shards are added, so the first that fits from above is the most.
    let most = nodes / (replicas + 1);
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// Places `shard_count` shards of `replicas + 1` copies on nodes in zones of so many nodes each.
///
/// # Errors
/// A placement that cannot be; the error says what is in the way.
pub fn place(
    zone_nodes: &[usize],
    shard_count: usize,
    replicas: usize,
) -> Result<Placement, PlacementError> {
    let zone_copies = zone_copies(zone_nodes, shard_count, replicas + 1)?;
    let chosen = choose_zones(&zone_copies, shard_count, replicas + 1);
    let primaries = primaries::choose(&chosen, zone_nodes);
    Ok(deal(zone_nodes, &chosen, &primaries))
}

/// Copies that each zone holds: as equal for its nodes as zones allow.
fn zone_copies(
    zone_nodes: &[usize],
    shard_count: usize,
    copies: usize,
) -> Result<Vec<usize>, PlacementError> {
    let nodes = zone_nodes.iter().fold(0usize, |sum, &nodes| sum.saturating_add(nodes));
    let is_bad = |count: usize| count == 0 || count > PLACEMENT_MAX;
    let has_bad_zones = zone_nodes.len() > ZONES_MAX || zone_nodes.contains(&0);
    if is_bad(nodes) || is_bad(shard_count) || has_bad_zones {
        return Err(PlacementError::Size);
    }
    if copies > zone_nodes.len() {
        return Err(PlacementError::TooFewZones { zones: zone_nodes.len(), copies });
    }
    let wanted = shard_count * copies;
    let node_copies_max = wanted.div_ceil(nodes);
    let room: Vec<usize> =
        zone_nodes.iter().map(|&nodes| shard_count.min(nodes * node_copies_max)).collect();
    let places: usize = room.iter().sum();
    if places < wanted {
        let is_large = |&zone: &usize| zone_nodes[zone] * node_copies_max > shard_count;
        return Err(PlacementError::Lopsided {
            large: (0..zone_nodes.len()).filter(is_large).collect(),
            missing_copies: wanted - places,
            shards_max: shards_max(zone_nodes, copies - 1),
        });
    }
    // By whole layers of nodes, then one by one to whoever has least for its nodes.
    let mut counts = vec![0usize; zone_nodes.len()];
    let mut left = wanted;
    while left > 0 {
        let open = (0..counts.len()).filter(|&zone| counts[zone] < room[zone]);
        let least = open.min_by(|&one, &other| {
            (counts[one] * zone_nodes[other]).cmp(&(counts[other] * zone_nodes[one]))
        });
        let Some(zone) = least else { break };
        counts[zone] += 1;
        left -= 1;
    }
    Ok(counts)
}

/// The zones of each shard. A zone that has as many copies left as there are shards must be taken;
/// then any choice can be completed, so the others are chosen to meet as rarely as possible.
fn choose_zones(zone_copies: &[usize], shard_count: usize, copies: usize) -> Vec<Vec<usize>> {
    let zones = zone_copies.len();
    let mut left = zone_copies.to_vec();
    let mut met = vec![0u32; zones * zones];
    let mut chosen = Vec::with_capacity(shard_count);
    for shard in 0..shard_count {
        let shards_left = shard_count - shard;
        let mut taken: Vec<usize> = (0..zones).filter(|&zone| left[zone] == shards_left).collect();
        while taken.len() < copies {
            let meetings = |zone: usize| -> f64 {
                let sum: u32 = taken.iter().map(|&other| met[zone * zones + other]).sum();
                f64::from(sum) / zone_copies[zone] as f64
            };
            let open = (0..zones).filter(|zone| left[*zone] > 0 && !taken.contains(zone));
            let best = open.min_by(|&one, &other| {
                meetings(one).total_cmp(&meetings(other)).then(left[other].cmp(&left[one]))
            });
            let Some(zone) = best else { break };
            taken.push(zone);
        }
        for &zone in &taken {
            left[zone] -= 1;
            for &other in &taken {
                met[zone * zones + other] += 1;
            }
        }
        chosen.push(taken);
    }
    chosen
}

/// Deals what each zone got to its nodes in turn: primaries first, then replicas, those of one zone's
/// primaries after each other, so that they fall to different nodes.
fn deal(zone_nodes: &[usize], chosen: &[Vec<usize>], primaries: &[usize]) -> Placement {
    let mut shards: Vec<Copies> =
        chosen.iter().map(|_| Copies { primary: 0, replicas: Vec::new() }).collect();
    let mut by_zone: Vec<Vec<usize>> = vec![Vec::new(); zone_nodes.len()];
    for (shard, zones) in chosen.iter().enumerate() {
        for &zone in zones {
            by_zone[zone].push(shard);
        }
    }
    let mut first_node = 0;
    for (zone, held) in by_zone.iter().enumerate() {
        let (served, kept): (Vec<usize>, Vec<usize>) =
            held.iter().partition(|&&shard| primaries[shard] == zone);
        let mut kept = kept;
        kept.sort_by_key(|&shard| primaries[shard]);
        for (turn, &shard) in served.iter().chain(&kept).enumerate() {
            let node = first_node + turn % zone_nodes[zone];
            match turn < served.len() {
                true => shards[shard].primary = node,
                false => shards[shard].replicas.push(node),
            }
        }
        first_node += zone_nodes[zone];
    }
    let zones = zone_nodes.iter().enumerate();
    let node_zones = zones.flat_map(|(zone, &nodes)| std::iter::repeat_n(zone, nodes)).collect();
    Placement { shards, node_zones }
}

impl Placement {
    /// Copies on each node.
    pub fn copies(&self) -> Vec<usize> {
        self.tally(|shard| shard.nodes().collect())
    }

    /// Primaries on each node.
    pub fn primaries(&self) -> Vec<usize> {
        self.tally(|shard| vec![shard.primary])
    }

    fn tally(&self, nodes: impl Fn(&Copies) -> Vec<usize>) -> Vec<usize> {
        let mut counts = vec![0; self.node_zones.len()];
        for node in self.shards.iter().flat_map(nodes) {
            counts[node] += 1;
        }
        counts
    }

    /// Shards of which two copies are in one zone.
    pub fn conflicts(&self) -> Vec<usize> {
        let has_conflict = |&shard: &usize| {
            let mut zones: Vec<usize> =
                self.shards[shard].nodes().map(|node| self.node_zones[node]).collect();
            zones.sort_unstable();
            zones.windows(2).any(|pair| pair[0] == pair[1])
        };
        (0..self.shards.len()).filter(has_conflict).collect()
    }

    /// The copies that are left of each shard when all nodes for which `is_lost` holds are gone;
    /// nothing of a shard that has none. Where the primary is lost, the replica on the least busy
    /// node takes over, for large shards first. `shard_slots` has the slots of each shard; a shard
    /// without an entry has none.
    pub fn without(
        &self,
        is_lost: impl Fn(usize) -> bool,
        shard_slots: &[u32],
    ) -> Vec<Option<Copies>> {
        let slots = |shard: usize| shard_slots.get(shard).copied().unwrap_or(0);
        let mut served = self.served(self.shards.iter().map(Some), shard_slots);
        let mut left: Vec<Option<Copies>> = self.shards.iter().cloned().map(Some).collect();
        let mut orphans = Vec::new();
        for (shard, copies) in left.iter_mut().enumerate() {
            let Some(copies) = copies else { continue };
            copies.replicas.retain(|&node| !is_lost(node));
            if is_lost(copies.primary) {
                orphans.push(shard);
            }
        }
        orphans.sort_by_key(|&shard| std::cmp::Reverse(slots(shard)));
        for shard in orphans {
            let Some(copies) = &mut left[shard] else { continue };
            let heirs = copies.replicas.iter().copied();
            let Some(heir) = heirs.min_by_key(|&node| served[node]) else {
                left[shard] = None;
                continue;
            };
            served[heir] += slots(shard);
            copies.replicas.retain(|&node| node != heir);
            copies.primary = heir;
        }
        left
    }

    /// Slots that each node serves.
    fn served<'c>(
        &self,
        shards: impl Iterator<Item = Option<&'c Copies>>,
        shard_slots: &[u32],
    ) -> Vec<u32> {
        let mut served = vec![0u32; self.node_zones.len()];
        for (copies, slots) in shards.zip(shard_slots) {
            if let Some(copies) = copies {
                served[copies.primary] += slots;
            }
        }
        served
    }

    /// What is left when all nodes for which `is_lost` holds are gone, as [`Placement::without`] has
    /// it.
    pub fn lose(&self, is_lost: impl Fn(usize) -> bool, shard_slots: &[u32]) -> Loss {
        let before = self.served(self.shards.iter().map(Some), shard_slots);
        let left = self.without(&is_lost, shard_slots);
        let after = self.served(left.iter().map(Option::as_ref), shard_slots);
        let uncovered = left.iter().zip(shard_slots).filter(|(copies, _)| copies.is_none());
        let promoted = left.iter().zip(&self.shards).filter(|(left, before)| {
            left.as_ref().is_some_and(|left| left.primary != before.primary)
        });
        Loss {
            survivors: (0..after.len()).filter(|&node| !is_lost(node)).count(),
            uncovered_slots: uncovered.map(|(_, slots)| slots).sum(),
            promoted_shards: promoted.count(),
            busiest_before_slots: before.into_iter().max().unwrap_or(0),
            busiest_after_slots: after.into_iter().max().unwrap_or(0),
        }
    }

    /// What is left when a zone is gone.
    pub fn lose_zone(&self, zone: usize, shard_slots: &[u32]) -> Loss {
        self.lose(|node| self.node_zones[node] == zone, shard_slots)
    }
}

mod primaries;
#[cfg(test)]
mod tests;
