//! What other nodes ask of this one.

use std::sync::Arc;

use bytes::Bytes;
use openraft::raft::AppendEntriesResponse;
use openraft::storage::Snapshot;
use skep_cluster::Topology;
use skep_keyspace::NodeId;
use tokio::time::{Instant, sleep};

use super::Consensus;
use super::running::{Running, Shared};
use super::types::Vote;
use super::wire::{self, Call, Envelope, Reply};

impl Consensus {
    /// Answers a frame that `Transport::call` of another node has sent. `from` is who the transport
    /// has proved it to be. The answer may take as long as a proposal.
    pub(crate) async fn handle(&self, from: NodeId, frame: Bytes) -> Bytes {
        let reply = match wire::read::<Envelope>(&frame) {
            Ok(envelope) => self.shared.answer(from, envelope).await,
            Err(text) => Reply::Refused(format!("the frame cannot be read: {text}")),
        };
        wire::answer(&reply)
    }
}

impl Shared {
    async fn answer(&self, from: NodeId, envelope: Envelope) -> Reply {
        let Envelope { group, call } = envelope;
        let Some(running) = self.running.load_full() else {
            return Reply::Refused(format!("{} belongs to no cluster", self.me));
        };
        if group.name != running.group.name {
            return Reply::Refused(format!("{} belongs to another cluster", self.me));
        }
        if group > running.group {
            // It has been recovered without this node, which must hear about that.
            *self.summons.lock() = Some(from);
            self.look_again.notify_one();
        }
        if let Call::Follow { version, leader } = call
            && group <= running.group
        {
            let version = version.filter(|_| group == running.group);
            return self.answer_follow(&running, version, leader).await;
        }
        if group != running.group {
            let (theirs, ours) = (group.generation, running.group.generation);
            return Reply::Refused(format!("generation {theirs}, but {} is in {ours}", self.me));
        }
        if let Call::Poll = call {
            return Reply::Poll { hears: self.hears_a_leader(&running) };
        }
        if let Call::Propose(entry) = call {
            if entry.proposer != from {
                return Reply::Refused(format!("{from} proposes for {}", entry.proposer));
            }
            return self.propose_here(&running, entry).await;
        }
        answer_raft(&running, from, call).await
    }

    /// The topology at once when it is newer than `version`, if the asker has one of this group;
    /// else who leads, at once when that is somebody else, or after `follow_wait`.
    async fn answer_follow(
        &self,
        running: &Running,
        version: Option<u64>,
        leader: Option<NodeId>,
    ) -> Reply {
        if !self.is_attached() {
            return Reply::NotVoter { voters: self.voters() };
        }
        let is_newer = |topology: &Arc<Topology>| version.is_none_or(|had| topology.version > had);
        let (mut topology, mut metrics) = (self.board.subscribe(), running.raft.server_metrics());
        let is_another = |now: &NodeId| Some(*now) != leader;
        tokio::select! {
            biased;
            _ = topology.wait_for(is_newer) => {}
            _ = metrics.wait_for(|now| now.current_leader.as_ref().is_some_and(is_another)) => {}
            () = sleep(self.timings.follow_wait) => {}
        }
        match self.seen() {
            Some(seen) if is_newer(&topology.borrow()) => Reply::Seen(seen),
            Some(seen) => Reply::Current { leader: seen.leader, voters: seen.voters },
            None => Reply::Refused(format!("{} has left the cluster", self.me)),
        }
    }
}

/// Hands what Raft asks to Raft, if it is from whom it says.
async fn answer_raft(running: &Running, from: NodeId, call: Call) -> Reply {
    let raft = &running.raft;
    let is_from = |vote: &Vote| vote.leader_id.node_id == from;
    match call {
        Call::Append(request) if is_from(&request.vote) => {
            let response = raft.append_entries(request).await;
            let is_heard = response.as_ref().is_ok_and(|response| {
                !response.is_conflict() && !matches!(response, AppendEntriesResponse::HigherVote(_))
            });
            if is_heard {
                *running.heard.lock() = Some(Instant::now());
            }
            response.map_or_else(|error| Reply::Refused(error.to_string()), Reply::Append)
        }
        Call::Vote(request) if is_from(&request.vote) => raft
            .vote(request)
            .await
            .map_or_else(|error| Reply::Refused(error.to_string()), Reply::Vote),
        Call::Snapshot { vote, meta, data } if is_from(&vote) => {
            let snapshot = Snapshot { meta, snapshot: Box::new(data) };
            let installed = raft.install_full_snapshot(vote, snapshot).await;
            installed.map_or_else(|error| Reply::Refused(error.to_string()), Reply::Snapshot)
        }
        _ => Reply::Refused(format!("{from} speaks for another node")),
    }
}
