//! The replica's part: to answer, and to want the primary's place when it is gone.

use std::collections::BTreeMap;

use skep_keyspace::NodeId;

use super::{Action, Asked, Beacon, BeaconAnswer, Bug, Message, ShardCore, ShardView};
use crate::topology::Change;

/// What a replica knows of its primary.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// When it last heard the primary, or learned that it may be promoted.
    heard_at: u64,
    /// When the last beacon that it heard was sent. What the network repeats later is no sign of life.
    heard_sent_at: Option<u64>,
    /// A beacon of a reign that the topology has not shown yet.
    early: Option<(NodeId, Beacon)>,
    /// When it saw that the primary has started again.
    restart_at: Option<u64>,
    /// What the in-sync replicas had applied at the last beacon.
    offsets: BTreeMap<NodeId, u64>,
    /// Its proposal to be promoted, which may have an effect until the shard is past.
    promoting: Option<Asked>,
    /// It has doubted itself in this silence, and will not again.
    was_late: bool,
}

impl Following {
    /// Adapts to a new view of the shard.
    pub(super) fn turn(
        &mut self,
        now: u64,
        before: Option<&ShardView>,
        view: &ShardView,
        me: NodeId,
    ) {
        let promoting = self.promoting.filter(|asked| asked.revision >= view.revision);
        if !before.is_some_and(|before| before.is_same_reign(view)) {
            let early = self.early.take();
            *self = Following { heard_at: now, early, ..Following::default() };
        }
        self.promoting = promoting;
        if view.in_sync.contains(&me) && !before.is_some_and(|before| before.in_sync.contains(&me))
        {
            self.heard_at = self.heard_at.max(now);
        }
        if view.has_forgotten() {
            self.restart_at.get_or_insert(now);
        }
    }
}

impl ShardCore {
    /// A beacon came.
    pub(super) fn hear(&mut self, now: u64, from: NodeId, beacon: &Beacon) -> Vec<Action> {
        self.learn_epoch(beacon.shard, beacon.epoch);
        let Some(view) = self.view.clone().filter(|view| view.shard == beacon.shard) else {
            return Vec::new();
        };
        let epoch = view.epoch.max(self.fence);
        let is_over = beacon.epoch < epoch;
        if is_over && !self.has(Bug::AnswersOldReign) {
            let message = Message::Deposed { shard: view.shard, epoch };
            return vec![Action::Send { to: from, message }];
        }
        if beacon.epoch > view.epoch {
            self.following.early = Some((from, beacon.clone()));
            return Vec::new();
        }
        let is_ours = is_over || (beacon.epoch == view.epoch && from == view.primary);
        if !is_ours || from == self.me || !self.is_known() {
            return Vec::new();
        }
        if beacon.incarnation != view.incarnation && !is_over {
            self.following.restart_at.get_or_insert(now);
            return self.step(now);
        }
        if self.is_promoting() && !self.has(Bug::AnswersAfterProposing) {
            return Vec::new();
        }
        if self.following.heard_sent_at.is_some_and(|latest| beacon.sent_at <= latest) {
            return Vec::new();
        }
        self.following.heard_sent_at = Some(beacon.sent_at);
        self.following.heard_at = now;
        self.following.was_late = false;
        self.following.offsets = beacon.offsets.iter().copied().collect();
        let answer = BeaconAnswer {
            shard: beacon.shard,
            epoch: beacon.epoch,
            sent_at: beacon.sent_at,
            incarnation: self.incarnation,
            offset: self.offset,
        };
        vec![Action::Send { to: from, message: Message::Answer(answer) }]
    }

    /// Answers the beacon of this reign that came before the topology, if one did.
    pub(super) fn hear_early(&mut self, now: u64) -> Vec<Action> {
        let epoch = self.view.as_ref().map(|view| view.epoch);
        match self.following.early.take_if(|(_, beacon)| Some(beacon.epoch) <= epoch) {
            Some((from, beacon)) if Some(beacon.epoch) == epoch => self.hear(now, from, &beacon),
            _ => Vec::new(),
        }
    }

    pub(super) fn step_as_replica(&mut self, now: u64) -> Vec<Action> {
        let Some(claim_at) = self.next_claim().filter(|&claim_at| now >= claim_at) else {
            return Vec::new();
        };
        let following = &mut self.following;
        let is_first = following.promoting.is_none() && following.restart_at.is_none();
        if is_first && !following.was_late && now > claim_at.saturating_add(self.timings.late) {
            // This process stood still itself, and what the primary sent may lie in its sockets; or its
            // clock has jumped, and it has not waited at all.
            following.was_late = true;
            following.heard_at = now;
            return Vec::new();
        }
        let Some(view) = self.view.as_ref() else { return Vec::new() };
        let (shard, revision) = (view.shard, view.revision);
        self.following.promoting = Some(Asked { revision, at: now });
        vec![Action::Propose(Change::Promote { shard, revision, node: self.me })]
    }

    /// When this replica will propose to be promoted, if nothing happens before.
    pub(super) fn next_claim(&self) -> Option<u64> {
        let view = self.view.as_ref()?;
        let is_able = view.in_sync.contains(&self.me) && self.is_known();
        if !is_able || self.fence > view.epoch {
            return None;
        }
        let following = &self.following;
        if let Some(asked) = following.promoting {
            return Some(asked.at.saturating_add(self.timings.retry));
        }
        let silent_at = following.heard_at.saturating_add(self.timings.grace);
        let from = following.restart_at.unwrap_or(silent_at);
        Some(from.saturating_add(self.timings.stagger.saturating_mul(self.rank(view))))
    }

    /// How many in-sync replicas should go first: those with more, or as much and a lower id.
    fn rank(&self, view: &ShardView) -> u64 {
        let goes_first = |other: &&NodeId| {
            let offset = self.following.offsets.get(*other).copied().unwrap_or(0);
            **other != self.me
                && (offset > self.offset || offset == self.offset && **other < self.me)
        };
        view.in_sync.iter().filter(goes_first).count() as u64
    }

    /// Whether a proposal of this node to be promoted may still have an effect.
    pub(super) fn is_promoting(&self) -> bool {
        self.following.promoting.is_some()
    }
}
