//! What a cluster is for: clients write, and primaries send copies of their logs to replicas. A stand-in
//! for the data path, which asks the core only whether it may acknowledge, and what to wait for.

use std::rc::Rc;

use super::faults::{MS, delay};
use super::node::{Copy, WriteId};
use super::setup;
use super::world::{Event, World};
use crate::topology::ShardId;

/// Between a client's writes.
pub(super) const WRITE_EVERY: u64 = 5 * MS;
/// Between copies of a primary's log.
pub(super) const COPY_EVERY: u64 = 20 * MS;

impl World {
    /// Every primary sends its log to its replicas.
    pub(super) fn copies(&mut self) {
        for from in 0..self.nodes.len() {
            let node = &self.nodes[from];
            let Some(view) = node.core.view().filter(|_| node.is_running()) else { continue };
            if !node.core.is_acting() {
                continue;
            }
            let copy = Copy { epoch: view.epoch, writes: Rc::new(node.writes.clone()) };
            for to in view.replicas.iter().copied().map(setup::index).collect::<Vec<_>>() {
                if !self.faults.is_cut(from, to) && !self.faults.is_lost(&mut self.random) {
                    let after = delay(&mut self.random);
                    self.after(after, Event::Take { to, from, copy: copy.clone() });
                }
            }
        }
        self.after(COPY_EVERY, Event::Copies);
    }

    pub(super) fn take(&mut self, to: usize, from: usize, copy: &Copy) {
        let node = &mut self.nodes[to];
        let taken = if node.is_up { node.take(setup::id(from), copy) } else { None };
        let Some(count) = taken else { return };
        let incarnation = node.incarnation;
        if !self.faults.is_cut(to, from) && !self.faults.is_lost(&mut self.random) {
            let after = delay(&mut self.random);
            let epoch = copy.epoch;
            self.after(after, Event::Applied { to: from, from: to, epoch, incarnation, count });
        }
    }

    pub(super) fn applied(
        &mut self,
        to: usize,
        from: usize,
        epoch: u64,
        incarnation: u64,
        count: usize,
    ) {
        let now = self.now;
        let node = &mut self.nodes[to];
        let Some(view) = node.core.view() else { return };
        let is_known = view.incarnations.get(&setup::id(from)) == Some(&incarnation);
        if !node.is_up || !node.core.is_acting() || view.epoch != epoch || !is_known {
            return;
        }
        node.applied.insert(from, count);
        let all = node.core.acknowledgers();
        let applied = all.iter().map(|&id| node.applied.get(&setup::index(id)).copied());
        let least = applied.map(Option::unwrap_or_default).min().unwrap_or(usize::MAX);
        if node.lease_end <= now {
            return;
        }
        let done = node.waiting.iter().filter(|(_, length)| *length <= least);
        let done: Vec<WriteId> = done.map(|(write, _)| *write).collect();
        node.waiting.retain(|(_, length)| *length > least);
        self.checks.acknowledge(now, to, &done, true);
    }

    /// A client writes to whoever says that it may acknowledge.
    pub(super) fn write(&mut self, shard: ShardId) {
        self.after(WRITE_EVERY, Event::Write(shard));
        for index in self.checks.members(shard) {
            let is_sync = self.random.chance(500);
            let node = &mut self.nodes[index];
            if !node.is_running() || node.lease_end <= self.now {
                continue;
            }
            self.writes += 1;
            node.writes.push(self.writes);
            if !is_sync || node.core.acknowledgers().is_empty() {
                self.checks.acknowledge(self.now, index, &[self.writes], is_sync);
            } else {
                node.waiting.push((self.writes, node.writes.len()));
            }
        }
    }
}
