//! How a shard's replicas come to have what its primary has.
//!
//! A replica opens a stream to its primary and pulls each lane from where it stopped (`follower`,
//! `source`). `lineage` tells where lanes went apart, `progress` what a replica has, `wire` what is
//! said. The control thread decides who reigns and who follows whom, and opens and closes the *gate*:
//! nothing is applied that comes from anybody but the primary of the present reign.

mod follower;
mod lineage;
mod progress;
mod source;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use skep_cluster::{ShardId, Topology};
use skep_keyspace::NodeId;
use skep_mesh::{FrameReceiver, FrameSender, Mesh};
use skep_store::{Store, Writer};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub(crate) use follower::Leader;
use lineage::{Lineage, reign};
pub(crate) use progress::Progress;

use super::clock;
use super::peers::Peers;
use crate::node::Node;
use crate::random;
use wire::ToPrimary;

/// Replicas that a primary serves at a time.
const REPLICAS_MAX: usize = 64;

/// How replicas that came to this node got to common ground, since it was started.
#[derive(Debug, Default)]
struct Resyncs {
    full: AtomicU64,
    partial: AtomicU64,
    stripes: AtomicU64,
}

/// [`Resyncs`] at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResyncFigures {
    /// Times that stripes had to be copied.
    pub(crate) full: u64,
    /// Times that it went without.
    pub(crate) partial: u64,
    /// Stripes that were copied.
    pub(crate) stripes: u64,
}

/// What a node has of replication, as primary or replica.
pub(crate) struct Replication {
    node: Arc<Node>,
    peers: Arc<Peers>,
    /// Runs followers.
    runtime: Handle,
    /// For keys that are described or applied.
    writer: Mutex<Writer>,
    lineage: Mutex<Lineage>,
    /// Whose effects may be applied.
    gate: Mutex<Option<Leader>>,
    /// The reign of this node, 0 while it has none.
    reigning: AtomicU64,
    replicas: Mutex<Vec<Arc<Progress>>>,
    /// How far those were that left in this reign.
    absent: Mutex<Vec<Arc<Progress>>>,
    resyncs: Resyncs,
    following: Mutex<Option<(Leader, JoinHandle<()>)>>,
    /// The primary serves this node.
    is_linked: AtomicBool,
    /// All lanes are followed.
    is_common: AtomicBool,
    /// When the primary was heard last, by the same clock, and how far its lanes went then.
    heard_at: AtomicU64,
    primary_offset: AtomicU64,
    /// The data is as of this moment or later, by the clock of leases; 0 for unknown.
    fresh_at: AtomicU64,
}

impl Replication {
    pub(crate) fn new(node: Arc<Node>, peers: Arc<Peers>, runtime: Handle) -> Replication {
        Replication {
            node,
            peers,
            runtime,
            writer: Mutex::new(Writer::new(random::number())),
            lineage: Mutex::default(),
            gate: Mutex::default(),
            reigning: AtomicU64::new(0),
            replicas: Mutex::default(),
            absent: Mutex::default(),
            resyncs: Resyncs::default(),
            following: Mutex::default(),
            is_linked: AtomicBool::new(false),
            is_common: AtomicBool::new(false),
            heard_at: AtomicU64::new(0),
            primary_offset: AtomicU64::new(0),
            fresh_at: AtomicU64::new(0),
        }
    }

    fn store(&self) -> &Store {
        &self.node.store
    }

    /// Serves a stream that another node has opened.
    pub(crate) async fn serve(
        &self,
        from: NodeId,
        sender: FrameSender,
        receiver: FrameReceiver,
        first: &[u8],
    ) {
        let Ok(hello) = ToPrimary::decode(first) else { return };
        let end = source::serve(self, from, sender, receiver, hello).await;
        if let Err(end) = end {
            self.node.notice(&format!("replica {from} is not served any more: {end}"));
        }
    }

    // As primary

    /// A reign of this node begins. Nothing has been written in it, and nobody is followed.
    pub(crate) fn begin_reign(&self, shard: ShardId, epoch: u64) {
        let ends = (0..=u8::MAX).map(|lane| self.store().lane_end(lane)).collect();
        self.lineage.lock().begin(shard, epoch, ends);
        self.absent.lock().clear();
        self.reigning.store(reign(epoch), Relaxed);
    }

    /// This node does not reign any more.
    pub(crate) fn end_reign(&self) {
        self.reigning.store(0, Relaxed);
    }

    fn reigns(&self, epoch: u64) -> bool {
        self.reigning.load(Relaxed) == reign(epoch)
    }

    fn may_follow(&self, node: NodeId, shard: ShardId, epoch: u64) -> Result<(), String> {
        if !self.reigns(epoch) || self.lineage.lock().last(shard) != reign(epoch) {
            return Err(format!("this node does not reign in epoch {epoch} of that shard"));
        }
        match self.replicas.lock().iter().filter(|one| one.node != node).count() {
            ..REPLICAS_MAX => Ok(()),
            _ => Err(format!("this node serves {REPLICAS_MAX} replicas already")),
        }
    }

    fn followed(&self, progress: &Arc<Progress>) {
        let mut replicas = self.replicas.lock();
        replicas.retain(|other| other.node != progress.node);
        replicas.push(Arc::clone(progress));
        self.absent.lock().retain(|other| other.node != progress.node);
    }

    fn left(&self, progress: &Arc<Progress>) {
        let mut replicas = self.replicas.lock();
        let Some(at) = replicas.iter().position(|other| Arc::ptr_eq(other, progress)) else {
            return;
        };
        let mut absent = self.absent.lock();
        absent.push(replicas.swap_remove(at));
        let surplus = absent.len().saturating_sub(REPLICAS_MAX);
        absent.drain(..surplus);
    }

    /// How replicas got to common ground with this node.
    pub(crate) fn resyncs(&self) -> ResyncFigures {
        let Resyncs { full, partial, stripes } = &self.resyncs;
        let [full, partial, stripes] = [full, partial, stripes].map(|count| count.load(Relaxed));
        ResyncFigures { full, partial, stripes }
    }

    fn note_copy(&self, is_first: bool) {
        self.resyncs.stripes.fetch_add(1, Relaxed);
        self.resyncs.full.fetch_add(u64::from(is_first), Relaxed);
    }

    fn note_partial(&self) {
        self.resyncs.partial.fetch_add(1, Relaxed);
    }

    /// The replicas that this node serves.
    pub(crate) fn replicas(&self) -> Vec<Arc<Progress>> {
        self.replicas.lock().clone()
    }

    /// How far the replicas were that followed in this reign and do not now.
    pub(crate) fn absent(&self) -> Vec<Arc<Progress>> {
        self.absent.lock().clone()
    }

    /// Lets replicas have what is there at once.
    pub(crate) fn hurry(&self) {
        self.replicas.lock().iter().for_each(|progress| progress.wake.notify_one());
    }

    // As replica

    /// Follows a primary, or nobody. Returns when nothing of the one before is applied any more.
    pub(crate) async fn follow(self: &Arc<Self>, mesh: &Arc<Mesh>, leader: Option<Leader>) {
        let before = {
            let mut following = self.following.lock();
            if following.as_ref().map(|(leader, _)| *leader) == leader {
                return;
            }
            following.take()
        };
        if let Some((_, task)) = before {
            task.abort();
            // It ends between two frames.
            let _ = task.await;
            self.lost_primary();
        }
        if let Some(leader) = leader {
            self.fresh_at.store(0, Relaxed);
            let run = follower::run(Arc::clone(self), Arc::clone(mesh), leader);
            *self.following.lock() = Some((leader, self.runtime.spawn(run)));
        }
    }

    /// Lets effects of a primary in, or nobody's.
    pub(crate) fn set_gate(&self, leader: Option<Leader>) {
        *self.gate.lock() = leader;
    }

    /// Changes the store on behalf of a primary; nothing if the gate is not open for it.
    fn with_gate<T>(
        &self,
        leader: Leader,
        change: impl FnOnce(&Store, &mut Writer) -> T,
    ) -> Option<T> {
        let gate = self.gate.lock();
        gate.filter(|open| *open == leader)?;
        Some(self.with_writer(change))
    }

    fn with_writer<T>(&self, work: impl FnOnce(&Store, &mut Writer) -> T) -> T {
        work(self.store(), &mut self.writer.lock())
    }

    fn found_primary(&self) {
        self.is_linked.store(true, Relaxed);
    }

    fn lost_primary(&self) {
        self.is_linked.store(false, Relaxed);
        self.is_common.store(false, Relaxed);
    }

    fn note_fresh(&self, asked_at: u64, offset: u64) {
        self.heard_at.store(clock::now(), Relaxed);
        self.primary_offset.store(offset, Relaxed);
        if self.is_common.load(Relaxed) {
            self.fresh_at.fetch_max(asked_at, Relaxed);
        }
    }

    /// Whether the primary serves this node.
    pub(crate) fn is_linked(&self) -> bool {
        self.is_linked.load(Relaxed)
    }

    /// Whether all lanes are those of the primary.
    pub(crate) fn is_common(&self) -> bool {
        self.is_common.load(Relaxed)
    }

    /// The moment as of which the data surely is, by the clock of leases; nothing when that is unknown.
    pub(crate) fn fresh_at(&self) -> Option<u64> {
        Some(self.fresh_at.load(Relaxed)).filter(|at| *at > 0)
    }

    /// How long the primary has not been heard; nothing before the first time.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let heard_at = Some(self.heard_at.load(Relaxed)).filter(|at| *at > 0);
        heard_at.map(clock::since)
    }

    /// What the primary had, when it was heard last, and this node has not applied.
    pub(crate) fn behind_bytes(&self) -> u64 {
        self.primary_offset.load(Relaxed).saturating_sub(self.followed_offset())
    }

    /// What has been applied of the primary's reign; 0 without common ground.
    pub(crate) fn followed_offset(&self) -> u64 {
        if self.is_common() { self.store().offset_bytes() } else { 0 }
    }
}

/// Whom a node follows by a topology.
pub(crate) fn leader_of(topology: &Topology, me: NodeId) -> Option<Leader> {
    let (shard, about) = topology.shard_of(me)?;
    let node = about.primary;
    (node != me).then_some(Leader { node, shard, epoch: about.epoch })
}
