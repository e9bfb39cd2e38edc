//! A simulated process: a core, a clock, and a log of writes that stands for its data.

use std::collections::BTreeMap;
use std::rc::Rc;

use skep_keyspace::NodeId;

use super::clock::Clock;
use super::world::Event;
use crate::shard::ShardCore;

/// The number of a write, unique in a run.
pub(super) type WriteId = u32;

/// A process, or the place of one that crashed.
pub(super) struct Process {
    pub(super) id: NodeId,
    pub(super) incarnation: u64,
    pub(super) core: ShardCore,
    pub(super) clock: Clock,
    pub(super) is_up: bool,
    /// What came while it was stopped.
    pub(super) stopped: Option<Vec<Event>>,
    /// Its data: the writes in their order.
    pub(super) writes: Vec<WriteId>,
    /// The reign of which `writes` is a part.
    pub(super) epoch: u64,
    /// What replicas have told that they have, in this reign.
    pub(super) applied: BTreeMap<usize, usize>,
    /// Synchronous writes that wait: how long the log was with each.
    pub(super) waiting: Vec<(WriteId, usize)>,
    /// Only the last tick that was asked for counts.
    pub(super) tick: u64,
    /// When its lease ends, in true time.
    pub(super) lease_end: u64,
    /// When the last beacon was sent that it heard from each node, in true time.
    pub(super) heard: BTreeMap<usize, u64>,
}

/// A primary's log on its way.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) epoch: u64,
    pub(super) writes: Rc<Vec<WriteId>>,
}

impl Process {
    pub(super) fn new(id: NodeId, core: ShardCore, clock: Clock, incarnation: u64) -> Process {
        Process {
            id,
            incarnation,
            core,
            clock,
            is_up: true,
            stopped: None,
            writes: Vec::new(),
            epoch: 0,
            applied: BTreeMap::new(),
            waiting: Vec::new(),
            tick: 0,
            lease_end: 0,
            heard: BTreeMap::new(),
        }
    }

    /// Whether it runs.
    pub(super) fn is_running(&self) -> bool {
        self.is_up && self.stopped.is_none()
    }

    /// What it has of the reign that it knows.
    pub(super) fn offset(&self) -> u64 {
        let epoch = self.core.view().map(|view| view.epoch);
        if epoch == Some(self.epoch) { self.writes.len() as u64 } else { 0 }
    }

    /// After its core has spoken: a new primary takes its own log as that of its reign.
    pub(super) fn settle(&mut self) {
        let Some(view) = self.core.view() else { return };
        let is_new = self.core.is_acting() && view.epoch != self.epoch;
        if is_new {
            self.epoch = view.epoch;
            self.applied.clear();
        }
        if is_new || !self.core.is_acting() {
            self.waiting.clear();
        }
        let lease = if self.is_up { self.core.lease_until().unwrap_or(0) } else { 0 };
        self.lease_end = self.clock.real(lease);
    }

    /// Takes a primary's log over, if it is the one to follow; says how much it has then.
    pub(super) fn take(&mut self, from: NodeId, copy: &Copy) -> Option<usize> {
        if !self.core.accepts(from, copy.epoch) {
            return None;
        }
        if self.epoch != copy.epoch || self.writes.len() < copy.writes.len() {
            self.writes.clone_from(&copy.writes);
            self.epoch = copy.epoch;
        }
        Some(self.writes.len())
    }
}
