//! The primary's part: beacons, the lease, and who is in sync.

use std::collections::{BTreeMap, BTreeSet};

use skep_keyspace::NodeId;

use super::hand_over::HandOver;
use super::{Action, Asked, Beacon, BeaconAnswer, Bug, Message, ShardCore, ShardView};
use crate::topology::Change;

/// What a primary knows of its replicas in this reign.
#[derive(Debug, Default)]
pub(super) struct Reign {
    pub(super) peers: BTreeMap<NodeId, Peer>,
    /// When the next beacons go out.
    beacon_at: u64,
    pub(super) hand_over: Option<HandOver>,
}

/// A replica.
#[derive(Debug)]
pub(super) struct Peer {
    /// When the last beacon was sent that it answered in this reign.
    pub(super) answered: Option<u64>,
    /// Since when answers are expected.
    since: u64,
    /// What it had applied at the last answer.
    pub(super) offset: u64,
    joining: Option<Joining>,
    /// The revision of the proposal to take it in, which may have an effect until the shard is past.
    extending: Option<u64>,
    asked: Option<Asked>,
}

/// How a replica comes to be in sync: first synchronous acknowledgements wait for it, then it
/// catches up with whatever was acknowledged without it, then it is proposed.
#[derive(Clone, Copy, Debug)]
enum Joining {
    /// The caller is about to be told that acknowledgements wait for it.
    Announced,
    /// It lacks nothing once it is here.
    Until(u64),
}

impl Reign {
    /// Adapts to a new view of the shard.
    pub(super) fn turn(&mut self, now: u64, before: Option<&ShardView>, view: &ShardView) {
        if !before.is_some_and(|before| before.is_same_reign(view)) {
            *self = Reign::default();
        }
        self.beacon_at = now;
        self.peers.retain(|node, _| view.replicas.contains(node));
        for &node in &view.replicas {
            let peer = self.peers.entry(node).or_insert_with(|| Peer::new(now));
            if peer.extending.is_some_and(|revision| revision < view.revision) {
                peer.extending = None;
                peer.joining = None;
            }
        }
        if let Some(hand_over) = self.hand_over.as_mut() {
            hand_over.turn(view);
        }
    }

    /// What the caller was told last has been published by now.
    pub(super) fn learn_offset(&mut self, offset: u64) {
        for peer in self.peers.values_mut() {
            if let Some(Joining::Announced) = peer.joining {
                peer.joining = Some(Joining::Until(offset));
            }
        }
        if let Some(hand_over) = self.hand_over.as_mut() {
            hand_over.is_quiet = true;
        }
    }

    /// Beacons go out at the next step.
    pub(super) fn hurry(&mut self, now: u64) {
        self.beacon_at = now;
    }
}

impl Peer {
    fn new(now: u64) -> Peer {
        Peer { answered: None, since: now, offset: 0, joining: None, extending: None, asked: None }
    }

    fn is_silent(&self, now: u64, silence: u64) -> bool {
        let heard = self.answered.unwrap_or(0).max(self.since);
        now >= heard.saturating_add(silence)
    }
}

impl ShardCore {
    pub(super) fn step_as_primary(&mut self, now: u64) -> Vec<Action> {
        let Some(view) = self.view.clone() else { return Vec::new() };
        let mut actions = self.step_hand_over(now, &view);
        if now >= self.reign.beacon_at {
            let is_polling = self.is_handing_over();
            let pause = if is_polling { self.timings.poll } else { self.timings.beacon };
            self.reign.beacon_at = now.saturating_add(pause);
            let beacon = self.beacon(now, &view);
            actions.extend(
                view.replicas
                    .iter()
                    .map(|&to| Action::Send { to, message: Message::Beacon(beacon.clone()) }),
            );
        }
        for &node in &view.replicas {
            actions.extend(self.consider(now, &view, node).map(Action::Propose));
        }
        actions
    }

    pub(super) fn next_beacon(&self) -> Option<u64> {
        (!self.reign.peers.is_empty()).then_some(self.reign.beacon_at)
    }

    fn beacon(&self, now: u64, view: &ShardView) -> Beacon {
        let known = |&node: &NodeId| Some((node, self.reign.peers.get(&node)?.offset));
        Beacon {
            shard: view.shard,
            epoch: view.epoch,
            incarnation: self.incarnation,
            sent_at: now,
            offset: self.offset,
            offsets: view.in_sync.iter().filter_map(known).collect(),
        }
    }

    /// The replicas whose answers the lease needs: all that could be promoted.
    pub(super) fn needed(&self, view: &ShardView) -> BTreeSet<NodeId> {
        let is_extending = |peer: &Peer| peer.extending.is_some();
        let mut needed = self.with_peers(view, is_extending);
        if self.has(Bug::NeededFromCommit) {
            needed.clone_from(&view.in_sync);
        }
        if self.has(Bug::DroppedFromProposal) {
            let is_shrinking = |node: &NodeId| self.reign.peers[node].asked.is_some();
            needed.retain(|node| !(view.in_sync.contains(node) && is_shrinking(node)));
        }
        needed
    }

    /// The replicas that synchronous acknowledgements wait for.
    pub(super) fn waited_for(&self, view: &ShardView) -> BTreeSet<NodeId> {
        self.with_peers(view, |peer| peer.extending.is_some() || peer.joining.is_some())
    }

    fn with_peers(&self, view: &ShardView, is_wanted: impl Fn(&Peer) -> bool) -> BTreeSet<NodeId> {
        let more = self.reign.peers.iter().filter(|(_, peer)| is_wanted(peer));
        more.map(|(&node, _)| node).chain(view.in_sync.iter().copied()).collect()
    }

    /// Counts an answer to a beacon.
    pub(super) fn count(&mut self, now: u64, from: NodeId, answer: &BeaconAnswer) -> Vec<Action> {
        self.learn_epoch(answer.shard, answer.epoch);
        let Some(view) = self.view.clone().filter(|view| view.shard == answer.shard) else {
            return Vec::new();
        };
        // What an earlier life of the replica had, it has no more. Earlier lives of this node reigned
        // in earlier epochs.
        let is_of_now = view.incarnations.get(&from) == Some(&answer.incarnation);
        if !self.is_acting() || answer.epoch != view.epoch || !is_of_now {
            return Vec::new();
        }
        let is_from_answer = self.has(Bug::LeaseFromAnswer);
        let Some(peer) = self.reign.peers.get_mut(&from) else { return Vec::new() };
        if peer.answered.is_some_and(|latest| latest > answer.sent_at) {
            return Vec::new();
        }
        peer.answered = Some(if is_from_answer { now } else { answer.sent_at });
        peer.offset = answer.offset;
        let mut actions = self.count_for_hand_over(now, &view, from);
        actions.extend(self.consider_joining(now, &view, from).map(Action::Propose));
        actions
    }

    /// What to propose about a replica, now that time has passed.
    fn consider(&mut self, now: u64, view: &ShardView, node: NodeId) -> Option<Change> {
        let silence = self.timings.silence;
        let peer = self.reign.peers.get_mut(&node)?;
        let is_silent = peer.is_silent(now, silence);
        let is_in_sync = view.in_sync.contains(&node);
        if is_silent && !is_in_sync && peer.extending.is_none() {
            peer.joining = None;
            return None;
        }
        // One that is being taken in must be in before it can be put out.
        let is_wanted = (is_in_sync && is_silent) || peer.extending == Some(view.revision);
        let asked = peer.asked;
        if !is_wanted {
            peer.asked = None;
            return None;
        }
        if !self.is_due(now, asked) {
            return None;
        }
        let (shard, revision) = (view.shard, view.revision);
        self.reign.peers.get_mut(&node)?.asked = Some(Asked { revision, at: now });
        Some(match is_in_sync {
            true => Change::Shrink { shard, revision, node },
            false => Change::Extend { shard, revision, node },
        })
    }

    /// Whether a replica that has just answered may come into the in-sync set.
    fn consider_joining(&mut self, now: u64, view: &ShardView, node: NodeId) -> Option<Change> {
        let is_rash = self.has(Bug::JoinsWithoutWaiting);
        if view.in_sync.contains(&node) || self.is_handing_over() {
            return None;
        }
        let peer = self.reign.peers.get_mut(&node).filter(|peer| peer.extending.is_none())?;
        let lag = self.offset.saturating_sub(peer.offset);
        let has_all = match peer.joining {
            Some(Joining::Until(offset)) => peer.offset >= offset,
            _ => is_rash,
        };
        if has_all {
            peer.extending = Some(view.revision);
            return self.consider(now, view, node);
        }
        if peer.joining.is_none() && lag <= self.timings.join_lag {
            peer.joining = Some(Joining::Announced);
        }
        None
    }
}
