//! What must never happen, and what must have happened in the end.

use std::collections::{BTreeMap, BTreeSet};

use super::faults::MS;
use super::node::{Process, WriteId};
use super::setup;
use super::world::World;
use crate::topology::{Change, Entry, ShardId, Topology};

/// What went wrong, in words.
pub(super) type Violation = String;

/// An acknowledged write.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    at: u64,
    by: usize,
    is_sync: bool,
}

/// What is remembered of the run to judge it.
#[derive(Debug)]
pub(super) struct Checks {
    lease: u64,
    members: BTreeMap<ShardId, Vec<usize>>,
    homes: BTreeMap<usize, ShardId>,
    /// Acknowledged writes that must still be there, or were lost for an accepted reason and are then
    /// taken out.
    acknowledged: BTreeMap<ShardId, BTreeMap<WriteId, Acknowledged>>,
    last_at: BTreeMap<ShardId, u64>,
    /// The longest that each shard has acknowledged nothing.
    pub(super) gaps: BTreeMap<ShardId, u64>,
    pub(super) promotions: usize,
    pub(super) losses: usize,
}

impl Checks {
    pub(super) fn new(topology: &Topology, lease: u64) -> Checks {
        let shards = topology.shards.iter();
        let members: BTreeMap<ShardId, Vec<usize>> =
            shards.map(|(&id, shard)| (id, shard.members().map(setup::index).collect())).collect();
        let homes = members.iter().flat_map(|(&id, nodes)| nodes.iter().map(move |&n| (n, id)));
        Checks {
            lease,
            homes: homes.collect(),
            acknowledged: BTreeMap::new(),
            last_at: BTreeMap::new(),
            gaps: BTreeMap::new(),
            promotions: 0,
            losses: 0,
            members,
        }
    }

    pub(super) fn members(&self, shard: ShardId) -> Vec<usize> {
        self.members[&shard].clone()
    }

    pub(super) fn acknowledge(&mut self, at: u64, by: usize, writes: &[WriteId], is_sync: bool) {
        let shard = self.homes[&by];
        let acknowledged = self.acknowledged.entry(shard).or_default();
        for &write in writes {
            acknowledged.insert(write, Acknowledged { at, by, is_sync });
        }
        if !writes.is_empty() {
            let gap = self.last_at.insert(shard, at).map_or(0, |last| at - last);
            let widest = self.gaps.entry(shard).or_default();
            *widest = gap.max(*widest);
        }
    }

    /// No two members of a shard may acknowledge at the same time, running or not.
    pub(super) fn leases(&self, world: &World) -> Result<(), Violation> {
        for (shard, members) in &self.members {
            let has_lease = |index: &&usize| world.nodes[**index].lease_end > world.now;
            let leased: Vec<&usize> = members.iter().filter(has_lease).collect();
            if leased.len() > 1 {
                return Err(format!("nodes {leased:?} have leases for shard {shard} at once"));
            }
        }
        Ok(())
    }

    /// Judges a change that was applied.
    pub(super) fn applied(
        &mut self,
        now: u64,
        before: &Topology,
        after: &Topology,
        entry: &Entry,
        nodes: &[Process],
    ) -> Result<(), Violation> {
        for (id, shard) in &after.shards {
            let was = &before.shards[id];
            if shard.epoch < was.epoch {
                return Err(format!("the epoch of shard {id} went back"));
            }
            if shard.primary == was.primary && shard.incarnation != was.incarnation {
                // It started again, nobody was in sync: everything is gone, and that is accepted.
                self.acknowledged.remove(id);
            }
        }
        let Change::Promote { shard: id, node, .. } = entry.change else { return Ok(()) };
        if !before.shards[&id].in_sync.contains(&node) {
            return Err(format!("node {node} was promoted without being in sync"));
        }
        self.promotions += 1;
        let heir = &nodes[setup::index(node)];
        if !heir.is_up || after.nodes[&node].incarnation != heir.incarnation {
            // It crashed meanwhile; it will not reign unless nobody knows more.
            return Ok(());
        }
        let is_planned = entry.proposer != node;
        self.losses(now, id, heir, is_planned)
    }

    /// What a promoted replica lacks must have been acknowledged asynchronously, and not later than a
    /// lease after the last beacon that it heard was sent.
    fn losses(
        &mut self,
        now: u64,
        id: ShardId,
        heir: &Process,
        is_planned: bool,
    ) -> Result<(), Violation> {
        let has: BTreeSet<WriteId> = heir.writes.iter().copied().collect();
        let acknowledged = self.acknowledged.entry(id).or_default();
        let lost = acknowledged.iter().filter(|(write, _)| !has.contains(write));
        let lost: Vec<(WriteId, Acknowledged)> = lost.map(|(&id, &write)| (id, write)).collect();
        for (write, about) in &lost {
            let what = || format!("{about:?} write {write} is lost, promoted at {now}");
            if about.is_sync {
                return Err(format!("a synchronous {}", what()));
            }
            if is_planned {
                return Err(format!("in a hand-over {}", what()));
            }
            // Clocks run up to a twentieth slow.
            let heard = heir.heard.get(&about.by).copied().unwrap_or(0);
            if about.at > heard + self.lease * 20 / 19 + MS {
                return Err(format!("beyond the lease, {} (heard {heard})", what()));
            }
        }
        for (write, _) in &lost {
            acknowledged.remove(write);
        }
        self.losses += lost.len();
        Ok(())
    }

    /// After all faults are over, each shard has one primary that acknowledges, and all its replicas
    /// are in sync.
    pub(super) fn end(&self, world: &World) -> Result<(), Violation> {
        for (id, shard) in &world.truth.shards {
            let primary = setup::index(shard.primary);
            if world.nodes[primary].lease_end <= world.now {
                return Err(format!("shard {id}: node {primary} has no lease in the end"));
            }
            if shard.in_sync != shard.replicas {
                return Err(format!("shard {id}: not all are in sync in the end"));
            }
            let last = self.last_at.get(id).copied().unwrap_or(0);
            if last + 500 * MS < world.now {
                return Err(format!("shard {id}: the last write was acknowledged at {last}"));
            }
            let has: BTreeSet<WriteId> = world.nodes[primary].writes.iter().copied().collect();
            let acknowledged = self.acknowledged.get(id);
            let mut missing = acknowledged.into_iter().flat_map(BTreeMap::keys);
            if let Some(write) = missing.find(|write| !has.contains(write)) {
                return Err(format!("shard {id}: write {write} is missing in the end"));
            }
        }
        Ok(())
    }
}
