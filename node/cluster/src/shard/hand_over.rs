//! A planned change of the primary: it stops acknowledging, waits until the replica has everything,
//! and proposes it. Nothing that was acknowledged is lost, and the shard stops for a few milliseconds.

use skep_keyspace::NodeId;

use super::{Action, Asked, Bug, ShardCore, ShardView};
use crate::topology::Change;

/// A hand-over that has begun.
#[derive(Debug)]
pub(super) struct HandOver {
    to: NodeId,
    /// When it is given up, unless it was proposed.
    ends_at: u64,
    /// Whoever acknowledges knows that it must not: the offset is the last one.
    pub(super) is_quiet: bool,
    /// The proposal. From here there is no way back before the shard is past its revision.
    asked: Option<Asked>,
}

impl HandOver {
    pub(super) fn turn(&mut self, view: &ShardView) {
        self.asked = self.asked.filter(|asked| asked.revision >= view.revision);
    }
}

/// Why a hand-over cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandOverRefusal {
    /// Only the primary can.
    #[error("this node is not the primary of its shard")]
    NotPrimary,
    /// Only a replica in sync can take over.
    #[error("node {0} is not in sync")]
    NotInSync(NodeId),
    /// One at a time.
    #[error("a hand-over to node {0} is under way")]
    UnderWay(NodeId),
}

impl ShardCore {
    /// Begins to hand the shard over to an in-sync replica. The lease ends at once; it comes back if
    /// the replica does not catch up within [`Timings::hand_over`](super::Timings::hand_over).
    ///
    /// # Errors
    /// Why it cannot begin; then nothing has changed.
    pub fn hand_over(&mut self, now: u64, to: NodeId) -> Result<Vec<Action>, HandOverRefusal> {
        let Some(view) = self.view.as_ref().filter(|_| self.is_acting()) else {
            return Err(HandOverRefusal::NotPrimary);
        };
        if let Some(hand_over) = &self.reign.hand_over {
            return Err(HandOverRefusal::UnderWay(hand_over.to));
        }
        if !view.in_sync.contains(&to) {
            return Err(HandOverRefusal::NotInSync(to));
        }
        let ends_at = now.saturating_add(self.timings.hand_over);
        self.reign.hand_over = Some(HandOver { to, ends_at, is_quiet: false, asked: None });
        self.reign.hurry(now);
        Ok(self.step(now))
    }

    /// Whether this node does not acknowledge because it is handing over.
    pub fn is_handing_over(&self) -> bool {
        self.reign.hand_over.is_some()
    }

    /// Time has passed: give up, or propose again.
    pub(super) fn step_hand_over(&mut self, now: u64, view: &ShardView) -> Vec<Action> {
        let Some(hand_over) = self.reign.hand_over.as_ref() else { return Vec::new() };
        let is_proposed = hand_over.asked.is_some() && !self.has(Bug::ResumesAfterHandOver);
        let is_over = now >= hand_over.ends_at || !view.in_sync.contains(&hand_over.to);
        if is_over && !is_proposed {
            self.reign.hand_over = None;
            return Vec::new();
        }
        match hand_over.asked {
            Some(_) => self.propose_hand_over(now, view),
            None => Vec::new(),
        }
    }

    /// A replica has answered, perhaps the one that is waited for.
    pub(super) fn count_for_hand_over(
        &mut self,
        now: u64,
        view: &ShardView,
        from: NodeId,
    ) -> Vec<Action> {
        let is_early = self.has(Bug::HandsOverEarly);
        let Some(hand_over) = self.reign.hand_over.as_ref().filter(|it| it.to == from) else {
            return Vec::new();
        };
        let applied = self.reign.peers.get(&from).map_or(0, |peer| peer.offset);
        let has_all = hand_over.is_quiet && applied >= self.offset;
        match hand_over.asked.is_none() && (has_all || is_early) {
            true => self.propose_hand_over(now, view),
            false => Vec::new(),
        }
    }

    fn propose_hand_over(&mut self, now: u64, view: &ShardView) -> Vec<Action> {
        let asked = self.reign.hand_over.as_ref().and_then(|hand_over| hand_over.asked);
        if !self.is_due(now, asked) {
            return Vec::new();
        }
        let (shard, revision) = (view.shard, view.revision);
        let Some(hand_over) = self.reign.hand_over.as_mut() else { return Vec::new() };
        hand_over.asked = Some(Asked { revision, at: now });
        vec![Action::Propose(Change::Promote { shard, revision, node: hand_over.to })]
    }
}
