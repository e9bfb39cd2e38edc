//! One node's part in its shard: leases, beacons and promotion, so that at no instant two nodes may
//! acknowledge, and a lost primary is replaced in about half a second. Without IO: inputs are the
//! time, messages and topologies; outputs are [`Action`]s. PacificA's scheme (Lin et al., Microsoft
//! Research TR-2008-25) with the topology's Raft group as its configuration manager.
//!
//! A primary sends a beacon to its replicas every 50 ms. While all in-sync replicas have answered one
//! that it *sent* less than a lease ago, it may acknowledge. A replica that hears nothing for a grace,
//! which is longer, proposes to be promoted; a primary that gets no answers proposes to shrink the
//! in-sync set. Both name the revision that they saw, so Raft accepts only the first.
//!
//! Why there are never two:
//! * only a member of the in-sync set is promoted, and a primary needs the answers of every node that
//!   may be in that set: it counts one from when it *proposes* to extend the set until it has *seen*
//!   that the set does not have it;
//! * a replica that answered does not propose for a grace after, and one that proposed does not answer
//!   until the revision that it named is over, when the proposal can have no effect any more;
//! * a process whose incarnation is not what the topology knows does nothing, and a new incarnation
//!   begins a new revision: nothing that an earlier life said or proposed counts.
//!
//! Times are nanoseconds of a clock of this process that goes on while the machine sleeps. Rates of
//! two clocks may differ by a tenth.
//!
//! The caller owes this: it calls [`ShardCore::tick`] by [`ShardCore::next_wake`] at the latest, and
//! after every call it publishes [`ShardCore::lease_until`] and [`ShardCore::acknowledgers`] to
//! whoever acknowledges *before* it carries the actions out; who acknowledges compares the lease with
//! the clock after everything else, as it queues the reply. The offset that it gives with an input
//! is read after what the last call said was published, and is of the reign that the view shows: a
//! replica that has not found common ground with its primary yet is at 0. When the topology knows
//! another incarnation of this node than the running one, it proposes
//! [`Change::Update`](crate::topology::Change::Update).

mod hand_over;
mod message;
mod planted;
mod primary;
mod replica;
#[cfg(test)]
mod tests;
mod timings;
mod view;

use std::collections::BTreeSet;

use skep_keyspace::NodeId;

pub use hand_over::HandOverRefusal;
pub use message::{Action, Beacon, BeaconAnswer, Message};
#[cfg(test)]
pub(crate) use planted::Bug as PlantedBug;
use planted::Bug;
pub use timings::{BadTimings, Timings};
pub use view::ShardView;

use primary::Reign;
use replica::Following;

/// The core of one process.
#[derive(Debug)]
pub struct ShardCore {
    me: NodeId,
    incarnation: u64,
    timings: Timings,
    view: Option<ShardView>,
    /// The highest epoch that anybody spoke of in this shard.
    fence: u64,
    /// Effects applied in this reign, as the caller said last.
    offset: u64,
    reign: Reign,
    following: Following,
    #[cfg(test)]
    pub(crate) planted: Option<Bug>,
}

/// A proposal that was made.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// The revision that it named: it is dead when the shard is past it.
    revision: u64,
    at: u64,
}

impl ShardCore {
    /// The core of a process that has just started, and of `incarnation`. It does nothing until a
    /// topology knows that incarnation.
    pub fn new(me: NodeId, incarnation: u64, timings: Timings) -> ShardCore {
        ShardCore {
            me,
            incarnation,
            timings,
            view: None,
            fence: 0,
            offset: 0,
            reign: Reign::default(),
            following: Following::default(),
            #[cfg(test)]
            planted: None,
        }
    }

    /// The topology has changed. One that is older than what the core knows is ignored; `None` says
    /// that this node is no member.
    pub fn topology(&mut self, now: u64, view: Option<ShardView>) -> Vec<Action> {
        let Some(view) = view else {
            self.view = None;
            return Vec::new();
        };
        let before = self.view.take();
        if let Some(before) = before.as_ref().filter(|before| before.version > view.version) {
            self.view = Some(before.clone());
            return Vec::new();
        }
        let before = before.filter(|before| before.shard == view.shard);
        if before.is_none() {
            self.fence = 0;
            self.following = Following::default();
        }
        self.reign.turn(now, before.as_ref(), &view);
        self.following.turn(now, before.as_ref(), &view, self.me);
        self.view = Some(view);
        let mut actions = self.hear_early(now);
        actions.extend(self.step(now));
        actions
    }

    /// Time has passed. `offset` is what this node has applied in this reign.
    pub fn tick(&mut self, now: u64, offset: u64) -> Vec<Action> {
        self.learn_offset(offset);
        self.step(now)
    }

    /// A message came. `offset` is what this node has applied in this reign.
    pub fn receive(
        &mut self,
        now: u64,
        offset: u64,
        from: NodeId,
        message: &Message,
    ) -> Vec<Action> {
        self.learn_offset(offset);
        match message {
            Message::Beacon(beacon) => self.hear(now, from, beacon),
            Message::Answer(answer) => self.count(now, from, answer),
            Message::Deposed { shard, epoch } => {
                self.learn_epoch(*shard, *epoch);
                Vec::new()
            }
        }
    }

    /// When to call [`tick`](ShardCore::tick) next, if nothing comes before.
    pub fn next_wake(&self) -> Option<u64> {
        match self.is_acting() {
            true => self.next_beacon(),
            false => self.next_claim(),
        }
    }

    /// Until when this node may acknowledge: `u64::MAX` for a primary that nobody could replace,
    /// nothing when it may not at all. May lie in the past.
    pub fn lease_until(&self) -> Option<u64> {
        let view = self.view.as_ref().filter(|_| self.is_acting() && !self.is_handing_over())?;
        let mut until = u64::MAX;
        for node in self.needed(view) {
            let answered = self.reign.peers.get(&node)?.answered?;
            until = until.min(answered.saturating_add(self.timings.lease));
        }
        Some(until)
    }

    /// The replicas that must have applied a write before a synchronous acknowledgement. More than
    /// the in-sync set while one is about to join it. Empty for who is no primary.
    pub fn acknowledgers(&self) -> BTreeSet<NodeId> {
        let view = self.view.as_ref().filter(|_| self.is_acting());
        view.map(|view| self.waited_for(view)).unwrap_or_default()
    }

    /// Whether effects of a reign may be applied that come from a node. Not while this node proposes
    /// its own promotion, for what it has is what it offers.
    pub fn accepts(&self, from: NodeId, epoch: u64) -> bool {
        let view = self.view.as_ref().filter(|_| self.is_known() && !self.is_promoting());
        view.is_some_and(|view| {
            from == view.primary && epoch == view.epoch && self.fence <= epoch && from != self.me
        })
    }

    /// The shard as this node last saw it.
    pub fn view(&self) -> Option<&ShardView> {
        self.view.as_ref()
    }

    fn step(&mut self, now: u64) -> Vec<Action> {
        match self.is_acting() {
            true => self.step_as_primary(now),
            false => self.step_as_replica(now),
        }
    }

    /// Whether the topology knows this process, and not an earlier one of this node.
    fn is_known(&self) -> bool {
        let known = |view: &ShardView| view.incarnations.get(&self.me) == Some(&self.incarnation);
        self.view.as_ref().is_some_and(known)
    }

    /// Whether this process is the primary, as far as it knows, and may speak for its reign. To
    /// acknowledge it needs a lease too.
    pub fn is_acting(&self) -> bool {
        let Some(view) = self.view.as_ref() else { return false };
        let is_remembered = view.incarnation == self.incarnation && self.is_known();
        view.primary == self.me
            && self.fence <= view.epoch
            && (is_remembered || self.has(Bug::RestartedActs))
    }

    fn learn_offset(&mut self, offset: u64) {
        self.offset = offset;
        self.reign.learn_offset(offset);
    }

    fn learn_epoch(&mut self, shard: crate::topology::ShardId, epoch: u64) {
        if self.view.as_ref().is_some_and(|view| view.shard == shard) {
            self.fence = self.fence.max(epoch);
        }
    }

    /// Whether a proposal is to be made, at the revision of the view: not made before at this
    /// revision, or long ago.
    fn is_due(&self, now: u64, asked: Option<Asked>) -> bool {
        let revision = self.view.as_ref().map(|view| view.revision);
        asked.is_none_or(|asked| {
            Some(asked.revision) != revision || now >= asked.at.saturating_add(self.timings.retry)
        })
    }
}
