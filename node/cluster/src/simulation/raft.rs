//! A stand-in for Raft: an ordered log that is there for whoever reaches a majority. Proposals may
//! lie about for long before they are applied.

use std::rc::Rc;

use super::checks::Violation;
use super::faults::{Fault, MS, delay};
use super::world::{Event, World};
use super::{Plant, setup};
use crate::topology::{Change, Entry, Topology};

/// How often a proposal looks for a majority before it is given up.
const TRIES: u32 = 40;

impl World {
    /// The nodes that could agree: more than half, all reachable from each other somehow.
    fn majority(&self) -> Vec<usize> {
        let count = self.nodes.len();
        let is_linked = |one: usize, other: usize| {
            !self.faults.is_cut(one, other) && !self.faults.is_cut(other, one)
        };
        for start in (0..count).filter(|&node| self.nodes[node].is_running()) {
            let mut reached = vec![start];
            let mut at = 0;
            while let Some(&from) = reached.get(at) {
                at += 1;
                let more = (0..count).filter(|&to| {
                    self.nodes[to].is_running() && is_linked(from, to) && !reached.contains(&to)
                });
                let more: Vec<usize> = more.collect();
                reached.extend(more);
            }
            if 2 * reached.len() > count {
                return reached;
            }
        }
        Vec::new()
    }

    pub(super) fn find_majority(&mut self, by: usize, entry: Entry, tries: u32) {
        if self.majority().contains(&by) {
            let is_slow = !self.is_calm && self.random.chance(50);
            let (first, last) = if is_slow { (100 * MS, 1_500 * MS) } else { (2 * MS, 10 * MS) };
            let after = self.random.range(first, last);
            self.after(after, Event::Commit(entry));
        } else if tries < TRIES && self.random.chance(900) {
            self.after(50 * MS, Event::Propose { by, entry, tries: tries + 1 });
        }
    }

    pub(super) fn commit(&mut self, entry: &Entry) -> Result<(), Violation> {
        let majority = self.majority();
        if majority.is_empty() {
            self.after(50 * MS, Event::Commit(entry.clone()));
            return Ok(());
        }
        let entry = self.sabotage(entry);
        let mut truth = (*self.truth).clone();
        let outcome = truth.apply(&entry);
        if let (Some(Plant::RestartKeepsInSync), Change::Update { node, .. }) =
            (self.plant, &entry.change)
        {
            keep_in_sync(&self.truth, &mut truth, *node);
        }
        self.tell(|| format!("applied {:?}: {outcome:?}", entry.change));
        let before = std::mem::replace(&mut self.truth, Rc::new(truth));
        for node in majority {
            let is_slow = self.faults.is_topology_slow() || !self.is_calm && self.random.chance(50);
            let late = if is_slow { self.random.range(0, 600 * MS) } else { 0 };
            let after = delay(&mut self.random) + late;
            self.after(after, Event::Learn(node, self.truth.clone()));
        }
        if outcome.is_err() {
            return Ok(());
        }
        self.checks.applied(self.now, &before, &self.truth, &entry, &self.nodes)?;
        self.strike(&entry.change);
        Ok(())
    }

    /// Now and then something goes wrong just when a shard has changed.
    fn strike(&mut self, change: &Change) {
        let (Change::Promote { shard, .. }
        | Change::Extend { shard, .. }
        | Change::Shrink { shard, .. }) = change
        else {
            return;
        };
        if self.is_calm || !self.random.chance(80) {
            return;
        }
        let members: Vec<usize> = self.truth.shards[shard].members().map(setup::index).collect();
        // More often the primary, which is the first.
        let at = self.random.index(members.len() + 2).saturating_sub(2);
        let fault = Fault::of(members[at], &mut self.random);
        self.begin(fault);
    }

    /// Whoever can hears of the latest topology, and processes that it does not know speak up.
    pub(super) fn sync(&mut self) {
        self.after(super::world::SYNC_EVERY, Event::Sync);
        let majority = self.majority();
        for &node in &majority {
            if !self.faults.is_topology_slow() {
                let after = delay(&mut self.random);
                self.after(after, Event::Learn(node, self.truth.clone()));
            }
            let process = &self.nodes[node];
            let known = &self.truth.nodes[&process.id];
            if known.incarnation != process.incarnation {
                let about =
                    crate::topology::Node { incarnation: process.incarnation, ..known.clone() };
                let change = Change::Update { node: process.id, about };
                self.propose(node, change, "a restart");
            }
        }
    }
}

/// Changes what is applied, where a bug of the topology is planted.
pub(super) fn sabotage(plant: Option<Plant>, truth: &Topology, change: &mut Change) {
    match (plant, change) {
        (Some(Plant::PromoteWithoutRevision), Change::Promote { shard, revision, .. })
        | (Some(Plant::ExtendWithoutRevision), Change::Extend { shard, revision, .. }) => {
            *revision = truth.shards[shard].revision;
        }
        _ => {}
    }
}

/// A planted bug: a replica that started again stays in sync.
fn keep_in_sync(before: &Topology, after: &mut Topology, node: skep_keyspace::NodeId) {
    let Some((id, shard)) = before.shard_of(node) else { return };
    if shard.in_sync.contains(&node)
        && let Some(shard) = after.shards.get_mut(&id)
    {
        shard.in_sync.insert(node);
    }
}
