//! Agreement on the topology. The only place that knows openraft.
//!
//! A few nodes are *voters* of one Raft group; every other node is an *observer* that asks a voter
//! for newer topologies (`follow.rs`). The leader keeps the number of voters and spreads them over
//! zones (`voters.rs`, `keeper.rs`). Any node may propose a change (`propose.rs`).
//!
//! Promises:
//! * a change that was answered with a version is on the disks of a majority of the voters, and
//!   every node sees it or a later topology some time;
//! * the topology that a node sees never goes back, but when it changes its cluster;
//! * votes and entries are on disk before they count (`storage/`);
//! * nodes of different groups or generations never mix their logs (`types::Group`);
//! * a restarted node finds its cluster again by what it last saw.
//!
//! Bounds: frames of `FRAME_BYTES_MAX`, entries of `ENTRY_BYTES_MAX`, the log by snapshots every
//! `Timings::snapshot_entries`. Nothing here queues: callers wait, each with a deadline.
//!
//! Read in this order: this file, `types`, `running` (a node's way from group to group), `handle`
//! (what others ask), `propose`, `follow`, `stand`, `voters`, `keeper`; then `storage` and
//! `network`.

mod follow;
mod handle;
mod keeper;
mod network;
mod propose;
mod publish;
mod running;
mod stand;
mod storage;
#[cfg(test)]
mod tests;
mod types;
mod voters;
mod wire;

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skep_cluster::Topology;
use skep_keyspace::NodeId;
use tokio::sync::watch;

pub(crate) use propose::ProposeError;
use running::Shared;
pub(crate) use storage::{StorageProblem, unsafe_recover};
pub(crate) use voters::voters_wanted;

/// A future that is allocated, for traits that are used as objects.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries frames to other nodes.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Hands a frame to `Consensus::handle` of another node, and returns what that answered. It
    /// looks the address up in the topology that consensus shows. It need not have a deadline.
    fn call(&self, to: NodeId, frame: Bytes) -> BoxFuture<'_, Result<Bytes, TransportError>>;
}

/// Why a frame did not arrive, or no answer did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TransportError(pub(crate) String);

/// What a node's consensus is made of.
pub(crate) struct Config {
    /// This node.
    pub(crate) me: NodeId,
    /// The node's directory; `topology/` is made in it.
    pub(crate) directory: PathBuf,
    /// The way to others.
    pub(crate) transport: Arc<dyn Transport>,
    /// How long things may take.
    pub(crate) timings: Timings,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timings {
    /// A leader lets its followers hear of it this often; also a message's deadline.
    pub(crate) heartbeat: Duration,
    /// A voter that has not heard of a leader for at least this long stands for election.
    pub(crate) election_min: Duration,
    /// And for this long at most, and one and a half heartbeats.
    pub(crate) election_max: Duration,
    /// How long a voter keeps an observer waiting when there is no newer topology. An observer
    /// notices a dead voter after this and `request`.
    pub(crate) follow_wait: Duration,
    /// The deadline of a message that is not Raft's own.
    pub(crate) request: Duration,
    /// The deadline of a proposal.
    pub(crate) propose: Duration,
    /// How often the leader looks at who votes.
    pub(crate) keep: Duration,
    /// A voter is replaced when it has been marked as failed for this long.
    pub(crate) failed: Duration,
    /// How long a node that is to become a voter may take to catch up. One that takes longer is
    /// passed over six times as long.
    pub(crate) catch_up: Duration,
    /// A snapshot replaces the log after so many entries.
    pub(crate) snapshot_entries: u64,
}

impl Default for Timings {
    fn default() -> Timings {
        let ms = Duration::from_millis;
        Timings {
            heartbeat: ms(50),
            election_min: ms(150),
            election_max: ms(300),
            follow_wait: ms(200),
            request: ms(200),
            propose: ms(5000),
            keep: ms(200),
            failed: ms(30_000),
            catch_up: ms(10_000),
            snapshot_entries: 1000,
        }
    }
}

/// A node's part in the agreement. Clones are the same.
#[derive(Clone)]
pub(crate) struct Consensus {
    shared: Arc<Shared>,
}

impl Consensus {
    /// Goes on where the node stopped: as a voter or an observer of its cluster, or waiting for
    /// `found` or `join`. Must be called within a tokio runtime, which runs its tasks.
    ///
    /// # Errors
    /// What is stored cannot be used; the text says what to do.
    pub(crate) async fn start(config: Config) -> Result<Consensus, StorageProblem> {
        let shared = Shared::start(config).await?;
        tokio::spawn(follow::run(Arc::clone(&shared)));
        tokio::spawn(stand::run(Arc::clone(&shared)));
        tokio::spawn(keeper::run(Arc::clone(&shared)));
        Ok(Consensus { shared })
    }

    /// The newest topology that this node knows, and each newer one. Empty (no nodes) while the
    /// node belongs to no cluster. Its version goes back only when the node changes its cluster.
    pub(crate) fn topology(&self) -> watch::Receiver<Arc<Topology>> {
        self.shared.board.subscribe()
    }

    /// Who leads, as far as this node knows. It may be dead by now.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.shared.leader()
    }

    /// Who votes, as far as this node knows.
    pub(crate) fn voters(&self) -> BTreeSet<NodeId> {
        self.shared.voters()
    }

    /// Whether this node is a voter that hears of a leader, or hears from such a voter. While it is
    /// not, the topology that it sees may be old.
    pub(crate) fn is_attached(&self) -> bool {
        self.shared.is_attached() || self.shared.hears_a_voter()
    }

    /// Ends all of it and lets go of the directory. Nothing can be asked of it any more.
    pub(crate) async fn shutdown(&self) {
        self.shared.shutdown().await;
    }

    /// Lets go of the directory without an end, for simulated crashes.
    #[cfg(test)]
    pub(crate) fn abandon(&self) {
        self.shared.abandon();
    }
}
