//! The control loop: feeds this node's shard core with time, messages and topologies, and does what
//! it says. Whoever acknowledges knows of a lease before anything that follows from it is done.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use skep_cluster::shard::HandOverRefusal;
use skep_cluster::{Action, Change, Message, ShardCore, ShardView, Topology};
use skep_command::cluster::Routes;
use skep_keyspace::NodeId;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::replication::{Leader, leader_of};
use super::{Cluster, clock};

/// Messages that may wait for the loop; more are dropped, as the network may drop them.
pub(crate) const INPUTS_MAX: usize = 1024;
/// Proposals of the core under way at once; more are dropped, and made again by the core.
const PROPOSALS_MAX: usize = 16;
/// How long the loop sleeps when the core has nothing to wait for.
const IDLE: Duration = Duration::from_secs(1);
/// A client that has said nothing for so long is idle.
const IDLE_CLIENT_MS: u64 = 1_000;

/// What comes to the loop from outside.
pub(crate) enum Input {
    /// Of another member of the shard.
    Message { from: NodeId, message: Message },
    /// Hand over, and say whether that has begun.
    HandOver { to: NodeId, answer: oneshot::Sender<Result<(), HandOverRefusal>> },
}

/// See the module.
pub(super) struct Control {
    cluster: Arc<Cluster>,
    core: ShardCore,
    topology: watch::Receiver<Arc<Topology>>,
    inputs: mpsc::Receiver<Input>,
    /// Of the topology that the core has.
    version: u64,
    /// The lease that is published.
    lease: u64,
    /// The reign that is begun.
    reign: Option<Leader>,
    proposals: Arc<Semaphore>,
}

impl Control {
    pub(super) fn new(
        cluster: Arc<Cluster>,
        topology: watch::Receiver<Arc<Topology>>,
        inputs: mpsc::Receiver<Input>,
    ) -> Control {
        let core = cluster.new_core();
        let proposals = Arc::new(Semaphore::new(PROPOSALS_MAX));
        Control { cluster, core, topology, inputs, version: 0, lease: 0, reign: None, proposals }
    }

    /// Runs until the node ends.
    pub(super) async fn run(mut self) {
        self.take_topology().await;
        loop {
            let wait = self.core.next_wake().map_or(IDLE, clock::until);
            tokio::select! {
                biased;
                changed = self.topology.changed() => match changed {
                    Ok(()) => self.take_topology().await,
                    Err(_) => return,
                },
                input = self.inputs.recv() => match input {
                    Some(input) => self.take(input).await,
                    None => return,
                },
                () = tokio::time::sleep(wait) => {
                    let actions = self.core.tick(clock::now(), self.offset());
                    self.carry_out(actions).await;
                }
            }
        }
    }

    async fn take(&mut self, input: Input) {
        let now = clock::now();
        match input {
            Input::Message { from, message } => {
                let offset = self.offset();
                let actions = self.core.receive(now, offset, from, &message);
                self.carry_out(actions).await;
            }
            Input::HandOver { to, answer } => {
                let begun = self.core.hand_over(now, to);
                let (told, actions) = match begun {
                    Ok(actions) => (Ok(()), actions),
                    Err(refusal) => (Err(refusal), Vec::new()),
                };
                self.carry_out(actions).await;
                // The last effects must be there before the replica can be proposed.
                self.cluster.replication.hurry();
                // Whoever asked may have gone.
                let _ = answer.send(told);
                let actions = self.core.tick(clock::now(), self.offset());
                self.carry_out(actions).await;
            }
        }
    }

    /// Adapts everything to a new topology, in an order in which nothing is ever allowed twice.
    async fn take_topology(&mut self) {
        let topology = self.topology.borrow_and_update().clone();
        if topology.version < self.version {
            // Another cluster: nothing of the old one counts.
            self.core = self.cluster.new_core();
        }
        self.version = topology.version;
        let cluster = Arc::clone(&self.cluster);
        let gone = cluster.peers.update(&topology);
        if let Some(mesh) = cluster.mesh() {
            for node in gone {
                mesh.close(node);
            }
        }
        let view = ShardView::of(&topology, cluster.me);
        let leader = leader_of(&topology, cluster.me);
        // One that has started again has nothing of its reign: who followed it would be emptied.
        let incarnation = cluster.about.incarnation;
        let remembers = |view: &&ShardView| {
            view.incarnation == incarnation
                && view.incarnations.get(&cluster.me) == Some(&incarnation)
        };
        let reigns = view.as_ref().filter(|_| leader.is_none()).filter(remembers);
        let reigns =
            reigns.map(|view| Leader { node: cluster.me, shard: view.shard, epoch: view.epoch });
        if let Some(reign) = reigns {
            self.begin_reign(reign).await;
        }
        let actions = self.core.topology(clock::now(), view);
        self.publish().await;
        if reigns.is_none() {
            self.end_reign();
        }
        cluster.duty.set_routes(Routes::new(cluster.me, Arc::clone(&topology)));
        if let Some(mesh) = cluster.mesh().filter(|_| reigns.is_none()) {
            cluster.replication.follow(mesh, leader).await;
        }
        self.perform(actions);
    }

    /// Ends following before the node may write, and notes where its reign begins.
    async fn begin_reign(&mut self, reign: Leader) {
        if self.reign == Some(reign) {
            return;
        }
        let replication = &self.cluster.replication;
        if let Some(mesh) = self.cluster.mesh() {
            replication.follow(mesh, None).await;
        }
        replication.begin_reign(reign.shard, reign.epoch);
        self.cluster.node.store.set_replica(false);
        self.reign = Some(reign);
    }

    /// Nothing acknowledges any more: the published lease is gone.
    fn end_reign(&mut self) {
        self.cluster.node.store.set_replica(true);
        if self.reign.take().is_some() {
            self.cluster.replication.end_reign();
            self.cluster.node.close_idle_clients(IDLE_CLIENT_MS);
        }
    }

    async fn carry_out(&mut self, actions: Vec<Action>) {
        self.publish().await;
        self.perform(actions);
    }

    /// Tells who acknowledges until when, and who applies from whom. When a lease is taken back this
    /// returns after the batches that still saw it.
    async fn publish(&mut self) {
        let cluster = &self.cluster;
        let lease = self.core.lease_until().unwrap_or(0);
        let before = std::mem::replace(&mut self.lease, lease);
        if lease != before {
            cluster.duty.set_lease(lease);
        }
        let open = self.core.view().filter(|view| self.core.accepts(view.primary, view.epoch));
        cluster.replication.set_gate(open.map(|view| Leader {
            node: view.primary,
            shard: view.shard,
            epoch: view.epoch,
        }));
        if lease == 0 && before != 0 {
            cluster.duty.quiesced().await;
        }
    }

    /// What this node has of the present reign.
    fn offset(&self) -> u64 {
        match self.reign {
            Some(_) => self.cluster.node.store.offset_bytes(),
            None => self.cluster.replication.followed_offset(),
        }
    }

    fn perform(&self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send { to, message } => self.send(to, &message),
                Action::Propose(change) => self.propose(change),
            }
        }
    }

    fn send(&self, to: NodeId, message: &Message) {
        if self.reign.is_none() && self.cluster.is_leaving.load(Relaxed) {
            return;
        }
        let (Some(mesh), Some(peer)) = (self.cluster.mesh(), self.cluster.peers.get(to)) else {
            return;
        };
        if let Ok(bytes) = postcard::to_allocvec(message) {
            // Lost or not, the core goes by what it hears.
            let _ = mesh.datagram(&peer, &bytes);
        }
    }

    fn propose(&self, change: Change) {
        let Ok(permit) = Arc::clone(&self.proposals).try_acquire_owned() else { return };
        let cluster = Arc::clone(&self.cluster);
        tokio::spawn(async move {
            let entry = cluster.entry("the node's own judgement", change);
            if !cluster.hears_a_voter().await {
                return;
            }
            // The core judges by the topologies that follow.
            let _ = cluster.consensus().propose(entry).await;
            drop(permit);
        });
    }
}

impl Cluster {
    /// Whether anybody who votes answers this node. One that hears nobody must neither take those out
    /// of the in-sync set who could replace it, nor take a primary's place: what it proposes may
    /// arrive all the same, and it would never know.
    async fn hears_a_voter(self: &Arc<Self>) -> bool {
        let within = Duration::from_nanos(self.timings.silence);
        let voters = self.consensus().voters();
        if voters.iter().all(|voter| *voter == self.me) {
            return true;
        }
        let mut asked = JoinSet::new();
        for voter in voters.into_iter().filter(|voter| *voter != self.me) {
            let cluster = Arc::clone(self);
            asked.spawn(async move { cluster.is_there(voter, within).await });
        }
        while let Some(answer) = asked.join_next().await {
            if answer.unwrap_or(false) {
                return true;
            }
        }
        false
    }
}
