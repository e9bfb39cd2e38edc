//! Proposing a change from any node.
//!
//! A proposal is handed to the leader, again and again within a deadline while there is none or
//! another one. It may so be applied more than once: changes name what they saw or are idempotent,
//! so the second time changes nothing, but its answer may be a refusal by what the first one did.

use std::time::Duration;

use openraft::error::{ClientWriteError, RaftError};
use skep_cluster::Entry;
use skep_keyspace::NodeId;
use tokio::time::{sleep, timeout};

use super::network::call;
use super::running::{Running, Shared};
use super::types::Outcome;
use super::wire::{self, Call, ENTRY_BYTES_MAX, Reply};
use super::{Consensus, StorageProblem};

/// How long a leader tries to have a proposal committed before the proposer tries elsewhere.
const COMMIT_WAIT: Duration = Duration::from_millis(1000);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a proposal has no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProposeError {
    /// It was not proposed.
    #[error("this node belongs to no cluster")]
    NoCluster,
    /// It was not proposed. Who asked is told by `asked_by`.
    #[error("the proposer is node {0}, which must propose it itself")]
    NotMine(NodeId),
    /// It was not proposed.
    #[error("a change of {0} bytes, more than {ENTRY_BYTES_MAX}")]
    TooLong(usize),
    /// It may have been applied, or may be yet.
    #[error("no leader has answered within {within:?} (last: {last})")]
    NoAnswer {
        /// How long it was tried.
        within: Duration,
        /// What the last attempt met.
        last: String,
    },
    /// This node's part in the agreement has ended, by an error of its disk or on purpose.
    #[error("consensus has stopped: {0}")]
    Stopped(String),
}

impl ProposeError {
    pub(super) fn storage(problem: StorageProblem) -> ProposeError {
        ProposeError::Stopped(problem.to_string())
    }
}

impl Consensus {
    /// Has a change ordered and applied, which this node is the proposer of. The version is that of
    /// the topology that it made; this node sees it, or a later one, soon.
    ///
    /// # Errors
    /// See `ProposeError`: after `NoAnswer` nobody knows whether it was applied.
    pub(crate) async fn propose(&self, entry: Entry) -> Result<Outcome, ProposeError> {
        let within = self.shared.timings.propose;
        let mut last = "no leader is known".to_owned();
        let tried = timeout(within, self.shared.propose(entry, &mut last)).await;
        tried.unwrap_or(Err(ProposeError::NoAnswer { within, last }))
    }
}

impl Shared {
    async fn propose(&self, entry: Entry, last: &mut String) -> Result<Outcome, ProposeError> {
        if entry.proposer != self.me {
            return Err(ProposeError::NotMine(entry.proposer));
        }
        let length = postcard::experimental::serialized_size(&entry);
        let length = length.map_err(|error| ProposeError::Stopped(error.to_string()))?;
        if length > ENTRY_BYTES_MAX {
            return Err(ProposeError::TooLong(length));
        }
        let (mut hint, mut is_hinted) = (None, false);
        for attempt in 0usize.. {
            let running = self.running.load_full().ok_or(ProposeError::NoCluster)?;
            let others = self.others();
            let turn = || others.get(attempt % others.len().max(1)).copied();
            // The leader as it is known first; when that has failed, everybody in turn.
            let known = self.leader().filter(|_| attempt % 2 == 0);
            let target = hint.take().or(known).or_else(turn).unwrap_or(self.me);
            let reply = match target == self.me {
                true => self.propose_here(&running, entry.clone()).await,
                false => tokio::select! {
                    reply = self.propose_there(&running, target, entry.clone()) => reply,
                    // Do not wait for one that is dead by now.
                    () = self.another_leads(target) => Reply::NotLeader(self.leader()),
                },
            };
            match reply {
                Reply::Proposed(outcome) => return Ok(outcome),
                Reply::NotLeader(leader) => {
                    *last = format!("{target} does not lead");
                    hint = leader.filter(|leader| *leader != target);
                }
                Reply::Refused(text) => *last = text,
                _ => *last = format!("{target} answered something else"),
            }
            // A hint is followed at once, but two nodes may each name the other for a while.
            is_hinted = hint.is_some() && !is_hinted;
            if !is_hinted {
                sleep(PAUSE).await;
            }
        }
        Err(ProposeError::NoCluster)
    }

    /// Returns when another leader than `target` is known.
    async fn another_leads(&self, target: NodeId) {
        while self.leader().is_none_or(|leader| leader == target) {
            sleep(PAUSE).await;
        }
    }

    async fn propose_there(&self, running: &Running, target: NodeId, entry: Entry) -> Reply {
        let frame = match wire::ask(running.group, Call::Propose(entry)) {
            Ok(frame) => frame,
            Err(text) => return Reply::Refused(text),
        };
        let within = COMMIT_WAIT + self.timings.request;
        let answered = call(&*self.transport, target, frame, within).await;
        answered.unwrap_or_else(|failure| Reply::Refused(format!("{target}: {failure}")))
    }

    /// Has it committed and applied, if this node leads.
    pub(super) async fn propose_here(&self, running: &Running, entry: Entry) -> Reply {
        match timeout(COMMIT_WAIT, running.raft.client_write(entry)).await {
            Ok(Ok(written)) => Reply::Proposed(written.data),
            Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(forward)))) => {
                Reply::NotLeader(forward.leader_id)
            }
            Ok(Err(error)) => Reply::Refused(format!("{}: {error}", self.me)),
            Err(_) => Reply::Refused(format!("{} finds no majority", self.me)),
        }
    }
}
