//! A node's way from group to group: it founds one, joins another, leaves it.
//!
//! At any moment the node belongs to one group or none. That is what the file `group` says, which
//! is replaced in one step; the Raft of the old group has been stopped before that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use openraft::{EmptyNode, RaftMetrics, SnapshotPolicy};
use parking_lot::Mutex;
use skep_cluster::{Change, Entry, Refusal, Topology};
use skep_keyspace::NodeId;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::network::Network;
use super::publish::Board;
use super::storage::{LogStore, Machine, Place, off_loop};
use super::types::{Group, Outcome, Raft, Seen};
use super::{Config, Consensus, ProposeError, StorageProblem, Timings, Transport, wire};

/// A leader that no majority has answered for this long, or that a voter has not heard of, is none.
pub(super) const LEADER_STALE: Duration = Duration::from_millis(1000);

/// The Raft of one group on this node, voter or not.
pub(super) struct Running {
    pub(super) group: Group,
    pub(super) raft: Raft,
    pub(super) begin: Instant,
    /// When a leader last sent what fits to the log here. Raft itself goes on believing in one that
    /// it knew before the node was stopped.
    pub(super) heard: Mutex<Option<Instant>>,
    /// Whether there was a leader since the begin.
    pub(super) has_heard: AtomicBool,
    /// Whether it was told that it has no vote any more, whatever its own log says.
    pub(super) is_dismissed: AtomicBool,
}

impl Running {
    fn new(group: Group, raft: Raft) -> Running {
        let begin = Instant::now();
        let (heard, has_heard, is_dismissed) = (Mutex::new(None), false.into(), false.into());
        Running { group, raft, begin, heard, has_heard, is_dismissed }
    }
}

/// Who is who, as an observer was told or a voter last knew.
#[derive(Clone, Default)]
pub(super) struct Hints {
    pub(super) leader: Option<NodeId>,
    pub(super) voters: BTreeSet<NodeId>,
}

/// What all parts of a node's consensus share.
pub(super) struct Shared {
    pub(super) me: NodeId,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) timings: Timings,
    pub(super) board: Arc<Board>,
    pub(super) running: ArcSwapOption<Running>,
    pub(super) hints: Mutex<Hints>,
    /// Whether the last answer to `Follow` came from a voter that hears of a leader.
    pub(super) hears: AtomicBool,
    /// Somebody of a higher generation, who is to be asked.
    pub(super) summons: Mutex<Option<NodeId>>,
    /// There are summons, or this node has changed its group.
    pub(super) look_again: Notify,
    pub(super) is_over: watch::Sender<bool>,
    /// Held while the group changes, and while `group` is written. None after the shutdown.
    place: tokio::sync::Mutex<Option<Arc<Place>>>,
    /// Held while the node decides whether to change its group.
    deciding: tokio::sync::Mutex<()>,
}

/// Why a node did not join.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinError {
    /// The frame is not one of `welcome`.
    #[error("the welcome of the other cluster cannot be read: {0}")]
    Unreadable(String),
    /// The other cluster does not know this node.
    #[error("node {0} has not been admitted; admit it there first")]
    NotAdmitted(NodeId),
    /// It would tear a cluster apart.
    #[error("this node belongs to a cluster of {0} nodes; let it be forgotten and reset it first")]
    NotAlone(usize),
    /// It would vote a second time without remembering the first.
    #[error("node {0} still has a vote there from before; forget it there and admit it again")]
    Votes(NodeId),
    /// It could not be made to last.
    #[error(transparent)]
    Storage(#[from] StorageProblem),
}

impl Consensus {
    /// Founds a cluster with this node alone. `entry` is the `Found` of it; its shard's id, minted
    /// at random, names the Raft group.
    ///
    /// # Errors
    /// As `propose`; `Refusal::Founded` inside if there is a cluster already.
    pub(crate) async fn found(&self, entry: Entry) -> Result<Outcome, ProposeError> {
        let Change::Found { shard, .. } = &entry.change else { return self.propose(entry).await };
        let group = Group { name: shard.0, generation: 0 };
        let deciding = self.shared.deciding.lock().await;
        if self.shared.board.topology().nodes.is_empty() {
            let seen = Seen { group, ..Seen::default() };
            self.shared.change(Some(seen)).await.map_err(ProposeError::storage)?;
            self.shared.begin_alone().await?;
        }
        let outcome = self.propose(entry).await;
        drop(deciding);
        outcome
    }

    /// Has a node admitted to this node's cluster. `entry` is the `Admit` of it. Returns what it
    /// needs to `join`. Waits for a node that was forgotten to have lost its vote before.
    ///
    /// # Errors
    /// As `propose`.
    pub(crate) async fn admit(&self, entry: Entry) -> Result<Result<Bytes, Refusal>, ProposeError> {
        let within = self.shared.timings.propose;
        let admitted = async {
            if let Change::Admit { node, .. } = &entry.change {
                self.shared.loses_vote(*node).await;
            }
            let version = match self.propose(entry).await? {
                Ok(version) => version,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let mut topology = self.topology();
            // An error would mean that nobody shows topologies any more.
            let _ = topology.wait_for(|topology| topology.version >= version).await;
            let seen = self.shared.seen().ok_or(ProposeError::NoCluster)?;
            wire::frame(&seen).map(Ok).map_err(ProposeError::Stopped)
        };
        let late = || Err(ProposeError::NoAnswer { within, last: "its vote remains".to_owned() });
        timeout(within, admitted).await.unwrap_or_else(|_| late())
    }

    /// Leaves the cluster that this node has founded for itself, and becomes an observer of the one
    /// that `welcome` is of, which `admit` has returned there. On disk when this returns; a node
    /// that crashes within belongs to either.
    ///
    /// # Errors
    /// The node is not alone or was not admitted; it is what it was then.
    pub(crate) async fn join(&self, welcome: &[u8]) -> Result<(), JoinError> {
        let seen: Seen = wire::read(welcome).map_err(JoinError::Unreadable)?;
        let me = self.shared.me;
        if !seen.topology.nodes.contains_key(&me) {
            return Err(JoinError::NotAdmitted(me));
        }
        let _deciding = self.shared.deciding.lock().await;
        let current = self.shared.running.load().as_ref().map(|running| running.group.name);
        let nodes = self.shared.board.topology().nodes.len();
        if current == Some(seen.group.name) {
            return Ok(());
        }
        if nodes > 1 {
            return Err(JoinError::NotAlone(nodes));
        }
        if seen.voters.contains(&me) {
            return Err(JoinError::Votes(me));
        }
        Ok(self.shared.change(Some(seen)).await?)
    }

    /// Forgets the cluster; the node may found one or join one again. The others should have
    /// forgotten it before.
    ///
    /// # Errors
    /// It could not be made to last.
    pub(crate) async fn leave(&self) -> Result<(), StorageProblem> {
        let _deciding = self.shared.deciding.lock().await;
        self.shared.change(None).await
    }
}

impl Shared {
    pub(super) async fn start(config: Config) -> Result<Arc<Shared>, StorageProblem> {
        let directory = config.directory;
        let (place, seen) = off_loop(move || {
            let place = Place::take(&directory)?;
            let seen = place.read()?;
            Ok((Arc::new(place), seen))
        })
        .await?;
        let shared = Shared {
            me: config.me,
            transport: config.transport,
            timings: config.timings,
            board: Board::new(),
            running: ArcSwapOption::empty(),
            hints: Mutex::default(),
            hears: AtomicBool::new(false),
            summons: Mutex::default(),
            look_again: Notify::new(),
            is_over: watch::Sender::new(false),
            place: tokio::sync::Mutex::default(),
            deciding: tokio::sync::Mutex::default(),
        };
        shared.begin(&place, seen).await?;
        *shared.place.lock().await = Some(place);
        Ok(Arc::new(shared))
    }

    /// Changes the group, or leaves it. If that fails, the node takes no part in any until it is
    /// started again.
    pub(super) async fn change(&self, seen: Option<Seen>) -> Result<(), StorageProblem> {
        let place = self.place.lock().await;
        let Some(place) = place.as_ref() else { return Ok(()) };
        self.stop_raft().await;
        let (writer, written) = (Arc::clone(place), seen.clone());
        off_loop(move || match &written {
            Some(seen) => writer.write(seen),
            None => writer.leave(),
        })
        .await?;
        self.begin(place, seen).await?;
        self.look_again.notify_one();
        Ok(())
    }

    /// Starts the Raft of the group that `seen` is of, and shows its topology.
    async fn begin(&self, place: &Arc<Place>, seen: Option<Seen>) -> Result<(), StorageProblem> {
        let group = seen.as_ref().map(|seen| seen.group);
        let seen = seen.unwrap_or_default();
        self.board.change(group, seen.topology);
        *self.hints.lock() = Hints { leader: seen.leader, voters: seen.voters };
        self.hears.store(false, Ordering::Relaxed);
        let (place, publisher) =
            (Arc::clone(place), group.map(|group| self.board.publisher(group)));
        let opened = off_loop(move || {
            place.tidy(group)?;
            let Some((group, publisher)) = group.zip(publisher) else { return Ok(None) };
            let folder = place.folder(group)?;
            Ok(Some((LogStore::open(&folder)?, Machine::open(&folder, publisher)?)))
        });
        let Some((group, (log, machine))) = group.zip(opened.await?) else { return Ok(()) };
        let network = Network { me: self.me, group, transport: Arc::clone(&self.transport) };
        let raft = Raft::new(self.me, Arc::new(self.raft_config()), network, log, machine).await;
        let raft = raft.map_err(|fatal| StorageProblem::Raft(fatal.to_string()))?;
        let voters = voters_of(&raft);
        if voters.len() == 1 && voters.contains(&self.me) {
            // Nobody else could be elected. Should it fail, its time comes as usual.
            let _ = raft.trigger().elect().await;
        }
        self.running.store(Some(Arc::new(Running::new(group, raft))));
        Ok(())
    }

    fn raft_config(&self) -> openraft::Config {
        let ms = |duration: Duration| duration.as_millis() as u64;
        openraft::Config {
            heartbeat_interval: ms(self.timings.heartbeat),
            election_timeout_min: ms(self.timings.election_min),
            election_timeout_max: ms(self.timings.election_max),
            install_snapshot_timeout: ms(self.timings.propose),
            max_payload_entries: 64,
            replication_lag_threshold: self.timings.snapshot_entries,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.timings.snapshot_entries),
            // `stand.rs` says when.
            enable_elect: false,
            max_in_snapshot_log_to_keep: self.timings.snapshot_entries / 4,
            ..openraft::Config::default()
        }
    }

    /// Makes this node the only voter of a group that nobody voted in yet.
    async fn begin_alone(&self) -> Result<(), ProposeError> {
        let running = self.running.load_full().ok_or(ProposeError::NoCluster)?;
        let initialized = running.raft.initialize(BTreeSet::from([self.me])).await;
        initialized.map_err(|error| ProposeError::Stopped(error.to_string()))
    }

    async fn stop_raft(&self) {
        if let Some(running) = self.running.swap(None) {
            // It fails only if its task has panicked, and then it is stopped too.
            let _ = running.raft.shutdown().await;
        }
    }

    /// Runs a task that does not end by itself until the shutdown.
    pub(super) async fn until_shutdown(&self, task: impl Future<Output = ()>) {
        let mut is_over = self.is_over.subscribe();
        tokio::select! {
            _ = is_over.wait_for(|is_over| *is_over) => {}
            () = task => {}
        }
    }

    pub(super) async fn shutdown(&self) {
        self.is_over.send_replace(true);
        let mut place = self.place.lock().await;
        self.stop_raft().await;
        place.take();
    }

    /// Lets go of the directory, as the system does when a process dies. Its tasks have ended.
    #[cfg(test)]
    pub(super) fn abandon(&self) {
        if let Ok(mut place) = self.place.try_lock() {
            place.take();
        }
    }

    /// Takes what a voter has told, if it is of this group, and keeps it.
    pub(super) async fn take(&self, seen: Seen) -> Result<(), StorageProblem> {
        let Some(running) = self.running.load_full() else { return Ok(()) };
        if seen.group.name != running.group.name || seen.group < running.group {
            return Ok(());
        }
        if seen.group > running.group {
            return self.change(Some(seen)).await;
        }
        *self.hints.lock() = Hints { leader: seen.leader, voters: seen.voters.clone() };
        self.board.publisher(seen.group).publish(&seen.topology);
        let place = self.place.lock().await;
        let is_same = self.running.load().as_ref().is_some_and(|now| now.group == seen.group);
        let Some(place) = place.as_ref().filter(|_| is_same).map(Arc::clone) else {
            return Ok(());
        };
        off_loop(move || place.write(&seen)).await
    }

    /// Returns when a node has no vote, as far as is known here.
    async fn loses_vote(&self, node: NodeId) {
        while self.voters().contains(&node) && node != self.me {
            sleep(self.timings.heartbeat).await;
        }
    }

    /// What this node would tell an observer.
    pub(super) fn seen(&self) -> Option<Seen> {
        let running = self.running.load_full()?;
        let topology = self.board.topology().as_ref().clone();
        let (leader, voters) = (self.leader(), self.voters());
        Some(Seen { group: running.group, leader, voters, topology })
    }

    /// Whether this node is a voter that hears of a leader, or a leader that a majority hears of.
    pub(super) fn is_attached(&self) -> bool {
        let Some(running) = self.running.load_full() else { return false };
        let metrics = running.raft.metrics().borrow().clone();
        let is_voter = metrics.membership_config.voter_ids().any(|voter| voter == self.me);
        let has_leader = match metrics.current_leader {
            Some(leader) if leader == self.me => !is_cut_off(&metrics),
            Some(_) => running.heard.lock().is_some_and(|heard| heard.elapsed() < LEADER_STALE),
            None => false,
        };
        is_voter && has_leader && metrics.running_state.is_ok()
    }

    pub(super) fn hears_a_voter(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }

    pub(super) fn leader(&self) -> Option<NodeId> {
        let running = self.running.load_full()?;
        match self.is_attached() {
            true => running.raft.metrics().borrow().current_leader,
            false => self.hints.lock().leader,
        }
    }

    /// By this node's own log, unless others know better.
    pub(super) fn voters(&self) -> BTreeSet<NodeId> {
        let Some(running) = self.running.load_full() else { return BTreeSet::new() };
        let voters = voters_of(&running.raft);
        let is_told = self.hears_a_voter() || !voters.contains(&self.me);
        if is_told { self.hints.lock().voters.clone() } else { voters }
    }

    /// All that may know a leader, the likely ones first; without this node.
    pub(super) fn others(&self) -> Vec<NodeId> {
        let hints = self.hints.lock().clone();
        let topology: Arc<Topology> = self.board.topology();
        let known = hints.leader.into_iter().chain(self.voters()).chain(hints.voters);
        let mut others = Vec::new();
        for node in known.chain(topology.nodes.keys().copied()) {
            if node != self.me && !others.contains(&node) {
                others.push(node);
            }
        }
        others
    }
}

/// Whether a leader has not been answered by a majority for long.
pub(super) fn is_cut_off(metrics: &RaftMetrics<NodeId, EmptyNode>) -> bool {
    let is_alone = metrics.membership_config.voter_ids().count() == 1;
    let acked = metrics.millis_since_quorum_ack.map(Duration::from_millis);
    !is_alone && acked.is_none_or(|ago| ago >= LEADER_STALE)
}

/// Who votes by what is in a log, committed or not.
pub(super) fn voters_of(raft: &Raft) -> BTreeSet<NodeId> {
    raft.metrics().borrow().membership_config.voter_ids().collect()
}
