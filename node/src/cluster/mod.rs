//! A node's part in its cluster: the threads that put topology, leases, mesh and replication together.
//!
//! Two threads, each an event loop: *control* (agreement, beacons, what nodes ask of each other) and
//! *bulk* (lanes and stripes). Workers only look at [`Duty`].
//!
//! Read in this order: `duty` (what workers ask), `control` (who reigns), `replication`, `members`,
//! `requests` (what clients ask), `ask` (what nodes ask), `door`, `peers`, `setup`.

mod ask;
mod breakers;
pub(crate) mod clock;
mod control;
mod door;
mod duty;
mod forward;
mod members;
mod pace;
mod peers;
mod replication;
mod requests;
mod setup;
mod spread;
#[cfg(test)]
mod tests;
mod wait;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use skep_cluster::topology::Role;
use skep_cluster::{Change, Entry, Node as About, ShardCore, Timings};
use skep_command::cluster::{ClusterRequest, Deferred, DeferredReply};
use skep_command::server::LinkFacts;
use skep_command::{Client, CommandError, cluster::Routes};
use skep_keyspace::{NodeId, Slot};
use skep_mesh::Mesh;
use skep_resp::Args;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc};

pub(crate) use duty::Duty;
pub(crate) use replication::{Progress, Replication, ResyncFigures};
pub(crate) use setup::{CannotJoin, start};

use crate::consensus::Consensus;
use crate::node::Node;
use crate::runner::Runner;
use crate::settings::Redirect;
use breakers::Breakers;
use control::Input;
use forward::Forwarded;
use peers::Peers;
use spread::Spread;
use wait::Waits;

/// Between looks at what others bring about.
const LOOK: Duration = Duration::from_millis(2);
/// How long a node that has handed over goes on to send clients to the new primary: those that write
/// find it before their connections are closed under a command.
const FAREWELL: Duration = Duration::from_millis(200);
/// How long the hand-over of a node that ends may take.
const LAST_HAND_OVER: Duration = Duration::from_secs(3);

/// `MOVED` to one shard that a client may leave unheeded before it is served through this node.
const UNHEEDED_MAX: u32 = 3;
/// The id of the clients whose commands other nodes have forwarded.
const FORWARDED_CLIENT: u64 = 0;

fn ending() -> DeferredReply {
    DeferredReply::Error(CommandError::text("ERR this node is ending"))
}

/// Whether a node is there for other nodes' slots only.
fn has_no_slots(routes: &Routes) -> bool {
    routes.my_shard().is_some_and(|(_, shard)| shard.slots.is_empty()) && !routes.is_replica()
}

/// What the threads of a node share about its cluster.
pub(crate) struct Cluster {
    pub(crate) me: NodeId,
    /// The cluster's name, which the certificate says.
    pub(crate) name: String,
    /// This node as it is to stand in the topology.
    pub(crate) about: About,
    pub(crate) duty: Duty,
    pub(crate) replication: Arc<Replication>,
    /// What runs other nodes' clients' commands.
    runner: parking_lot::Mutex<Runner>,
    breakers: Breakers,
    waits: Waits,
    spread: Spread,
    node: Arc<Node>,
    timings: Timings,
    peers: Arc<Peers>,
    consensus: OnceLock<Consensus>,
    mesh: OnceLock<Arc<Mesh>>,
    inputs: mpsc::Sender<Input>,
    /// The loops of the two threads.
    control: Handle,
    bulk: Handle,
    /// Held while this node joins another cluster.
    joining: Mutex<()>,
    /// The node is about to end: as a replica it does not answer its primary any more, so that nobody
    /// waits for it when it has gone.
    is_leaving: AtomicBool,
}

/// Who agrees on the topology.
pub(crate) struct Agreement {
    pub(crate) leader: Option<NodeId>,
    pub(crate) voters: BTreeSet<NodeId>,
    /// This node hears of a leader; else what it knows may be old.
    pub(crate) is_attached: bool,
}

impl Cluster {
    fn consensus(&self) -> &Consensus {
        // Set before anything that asks is started.
        match self.consensus.get() {
            Some(consensus) => consensus,
            None => unreachable!("the cluster is used before it has started"),
        }
    }

    fn mesh(&self) -> Option<&Arc<Mesh>> {
        self.mesh.get()
    }

    fn new_core(&self) -> ShardCore {
        ShardCore::new(self.me, self.about.incarnation, self.timings)
    }

    /// The cluster as this node sees it.
    pub(crate) fn routes(&self) -> Arc<Routes> {
        self.duty.routes()
    }

    /// Asks for something of the cluster.
    pub(crate) fn ask(self: &Arc<Self>, asked_by: String, request: ClusterRequest) -> Deferred {
        let is_wait = matches!(request, ClusterRequest::Wait { .. });
        let answer = Arc::clone(self).request(asked_by, request);
        if is_wait {
            // It changes nothing, may last for ever, and ends with the client that waits.
            return Box::pin(answer);
        }
        let task = self.control.spawn(answer);
        Box::pin(async move { task.await.unwrap_or_else(|_| ending()) })
    }

    /// Has a command for a slot of another node answered there, if this node does that for the client:
    /// always, never, or once it has not heeded several `MOVED` to the same shard.
    pub(crate) fn take_over(
        self: &Arc<Self>,
        client: &mut Client,
        slot: Slot,
        args: Args<'_>,
        is_read: bool,
    ) -> Option<Deferred> {
        let routes = self.routes();
        let shard = routes.map.owner(slot)?.shard;
        let is_wanted = match self.node.settings.load().cluster.redirect {
            // A forwarded command is not forwarded again.
            _ if client.id == FORWARDED_CLIENT => false,
            Redirect::Moved => false,
            Redirect::Proxy => true,
            Redirect::Auto => {
                let unheeded = client.detours.note(shard, self.node.now_ms());
                unheeded > UNHEEDED_MAX || has_no_slots(&routes)
            }
        };
        if !is_wanted {
            return None;
        }
        let forwarded = Forwarded::new(client, args)?;
        if !is_read {
            client.detours.written.insert(shard);
        }
        let task = self.bulk.spawn(Arc::clone(self).forward(slot, forwarded, is_read));
        Some(Box::pin(async move { task.await.unwrap_or_else(|_| ending()) }))
    }

    /// How far the replicas are that follow this node.
    pub(crate) fn replica_offsets(&self) -> Vec<(NodeId, u64)> {
        let replicas = self.replication.replicas();
        replicas.iter().map(|progress| (progress.node, progress.applied())).collect()
    }

    /// Who agrees on the topology, as far as this node knows.
    pub(crate) fn agreement(&self) -> Agreement {
        let consensus = self.consensus();
        Agreement {
            leader: consensus.leader(),
            voters: consensus.voters(),
            is_attached: consensus.is_attached(),
        }
    }

    /// The connections that stand.
    pub(crate) fn links(&self) -> Vec<LinkFacts> {
        let since_unix_ms = self.node.started_unix_ms;
        let links = self.mesh().map(|mesh| mesh.links()).unwrap_or_default();
        let facts = links.into_iter().map(|link| LinkFacts {
            peer: link.node,
            is_outgoing: link.is_dialled,
            since_unix_ms,
            allocated_bytes: 0,
            unsent_bytes: 0,
        });
        facts.collect()
    }

    /// Begins to end the node: first it hands its shard over to an in-sync replica, if there is one,
    /// or leaves those in sync itself, so that no client has to wait for a lease to run out.
    pub(crate) fn end(self: &Arc<Self>) {
        let cluster = Arc::clone(self);
        self.control.spawn(async move {
            // Without an heir, or when it takes too long, the lease has to run out.
            let _ = tokio::time::timeout(LAST_HAND_OVER, cluster.bequeath()).await;
            cluster.node.begin_stop();
        });
    }

    async fn bequeath(&self) {
        self.is_leaving.store(true, Relaxed);
        let routes = self.routes();
        let mine = routes.my_shard().filter(|(_, shard)| shard.primary == self.me);
        let heir = mine.and_then(|(_, shard)| shard.in_sync.first().copied());
        // It is given up after so long, as when all nodes end at once.
        let patience = Duration::from_nanos(self.timings.hand_over);
        if let Some(heir) = heir
            && self.hand_over(heir).await.is_ok()
            && self.until(patience, || self.routes().is_replica()).await.is_ok()
        {
            tokio::time::sleep(FAREWELL).await;
        }
        // Until no primary waits for this node: it may lead the agreement, and without it nobody might
        // be able to say so before the primary's lease runs out. A primary that has ended itself takes
        // nobody out.
        let patience = Duration::from_nanos(self.timings.silence.saturating_mul(2));
        let is_out = || self.routes().role != Some(Role::Replica { is_in_sync: true });
        let _ = self.until(patience, is_out).await;
    }

    /// Waits until something is so, which others bring about.
    async fn until(&self, within: Duration, is_so: impl Fn() -> bool) -> Result<(), String> {
        let waited = tokio::time::timeout(within, async {
            while !is_so() {
                tokio::time::sleep(LOOK).await;
            }
        });
        waited.await.map_err(|_| format!("nothing has changed within {within:?}"))
    }

    /// What this node proposes.
    fn entry(&self, asked_by: &str, change: Change) -> Entry {
        Entry { proposer: self.me, asked_by: asked_by.to_owned(), change }
    }

    /// Ends this node's part: the others see its connections close.
    pub(crate) async fn stop(self: &Arc<Self>) {
        let cluster = Arc::clone(self);
        let stopping = self.control.spawn(async move {
            if let Some(mesh) = cluster.mesh() {
                mesh.stop().await;
            }
            cluster.consensus().shutdown().await;
        });
        let _ = stopping.await;
    }
}
