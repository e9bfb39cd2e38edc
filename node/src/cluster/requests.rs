//! What clients ask of the cluster: each is done when this node sees what came of it, so that the
//! asker's next command does too.

use std::sync::Arc;
use std::time::Duration;

use skep_cluster::topology::{Role, assign_unowned};
use skep_cluster::{Change, Refusal, ShardId};
use skep_command::CommandError;
use skep_command::cluster::{ClusterRequest, DeferredReply, FailoverKind};
use skep_keyspace::NodeId;

use super::Cluster;
use super::ask::{ASK, Answer, Ask, ask, frame, read};
use crate::random;

/// The usual distance of a node's mesh port from its client port.
pub(crate) const MESH_PORT_DISTANCE: u16 = 10_000;
/// How long this node may take to see what was agreed.
const SEE: Duration = Duration::from_secs(5);
/// How long the old primary may take to begin a hand-over.
const BEGIN: Duration = Duration::from_secs(1);
/// How long a failover may take altogether.
const FAILOVER: Duration = Duration::from_secs(5);

type Done = Result<DeferredReply, String>;

impl Cluster {
    /// Does it, and answers the client.
    pub(crate) async fn request(
        self: Arc<Self>,
        asked_by: String,
        request: ClusterRequest,
    ) -> DeferredReply {
        let done = self.do_request(&asked_by, request).await;
        done.unwrap_or_else(|text| {
            self.node.notice(&format!("refused to {asked_by}: {text}"));
            DeferredReply::Error(CommandError::new(format!("ERR {text}")))
        })
    }

    async fn do_request(&self, asked_by: &str, request: ClusterRequest) -> Done {
        let shard = || self.my_shard().ok_or_else(|| "this node belongs to no shard".to_owned());
        match request {
            ClusterRequest::Meet { host, port, mesh_port } => {
                let mesh_port = mesh_port.or_else(|| port.checked_add(MESH_PORT_DISTANCE));
                let mesh_port = mesh_port
                    .ok_or("the mesh port is not the client port + 10000; name it as third word")?;
                self.meet(&host, mesh_port, asked_by).await?;
                Ok(DeferredReply::Ok)
            }
            ClusterRequest::Forget(node) => self.agree(asked_by, Change::Forget { node }).await,
            ClusterRequest::Reset { .. } => self.reset(asked_by).await,
            ClusterRequest::Replicate(primary) => self.replicate(asked_by, primary).await,
            ClusterRequest::AddSlots(slots) => {
                self.agree(asked_by, Change::AddSlots { shard: shard()?, slots }).await
            }
            ClusterRequest::DeleteSlots(slots) => {
                self.agree(asked_by, Change::DeleteSlots { shard: shard()?, slots }).await
            }
            ClusterRequest::Place { virtual_nodes } => self.place(asked_by, virtual_nodes).await,
            ClusterRequest::BumpEpoch => {
                self.agree(asked_by, Change::BumpEpoch { shard: shard()? }).await?;
                let routes = self.duty.routes();
                let epoch = routes.my_shard().map_or(0, |(_, shard)| shard.epoch);
                Ok(DeferredReply::Simple(format!("BUMPED {epoch}")))
            }
            ClusterRequest::SetEpoch(epoch) => {
                self.agree(asked_by, Change::SetEpoch { shard: shard()?, epoch }).await
            }
            ClusterRequest::Failover(kind) => self.failover(asked_by, kind).await,
            ClusterRequest::Wait { replicas, timeout_ms, elsewhere } => {
                let waited = self.wait_everywhere(replicas, timeout_ms, &elsewhere).await;
                Ok(DeferredReply::Integer(waited))
            }
        }
    }

    fn my_shard(&self) -> Option<ShardId> {
        self.duty.routes().my_shard().map(|(id, _)| id)
    }

    /// Has a change agreed on, and waits until this node's clients see it.
    async fn agree(&self, asked_by: &str, change: Change) -> Done {
        let entry = self.entry(asked_by, change);
        let outcome = self.consensus().propose(entry).await.map_err(|error| error.to_string())?;
        match outcome {
            Ok(version) => self.see(version).await?,
            // The epoch of before a restart, or of a proposal whose answer was lost.
            Err(Refusal::HasEpoch(_)) => {}
            Err(refusal) => return Err(refusal.to_string()),
        }
        Ok(DeferredReply::Ok)
    }

    async fn see(&self, version: u64) -> Result<(), String> {
        self.until(SEE, || self.duty.routes().topology.version >= version).await
    }

    /// `CLUSTER MEET`: who is alone joins the other.
    async fn meet(&self, host: &str, mesh_port: u16, asked_by: &str) -> Result<(), String> {
        if self.duty.routes().topology.nodes.len() <= 1 {
            return self.join(host, mesh_port, asked_by).await;
        }
        let own = &self.about.address;
        let invite = Ask::Invite { host: own.host.clone(), mesh_port: own.mesh_port };
        let (node, answer) = self.ask_stranger(host, mesh_port, &invite).await?;
        match answer {
            Answer::Done => {
                let is_in = || self.duty.routes().topology.nodes.contains_key(&node);
                self.until(SEE, is_in).await
            }
            Answer::Refused(text) => Err(text),
            _ => Err(format!("node {node} answered something else")),
        }
    }

    /// Joins the cluster of the node at an address, and brings what this node serves.
    pub(super) async fn join(
        &self,
        host: &str,
        mesh_port: u16,
        asked_by: &str,
    ) -> Result<(), String> {
        let _one_at_a_time = self.joining.lock().await;
        let topology = self.duty.routes().topology.clone();
        let (shard, about) = topology.shard_of(self.me).ok_or("this node belongs to no shard")?;
        let join = Change::Admit {
            node: self.me,
            about: self.about.clone(),
            shard,
            epoch: about.epoch,
            claims: about.slots.clone(),
        };
        if topology.nodes.len() > 1 {
            let address = super::peers::lookup(host, mesh_port).await;
            let is_ours = self.peers.others().iter().any(|peer| Some(peer.control) == address);
            let refused = "this node belongs to a cluster of several nodes already";
            return if is_ours { Ok(()) } else { Err(refused.to_owned()) };
        }
        let (node, answer) = self.ask_stranger(host, mesh_port, &Ask::Join(Box::new(join))).await?;
        if node == self.me {
            return Ok(());
        }
        match answer {
            Answer::Welcome(welcome) => {
                self.consensus().join(&welcome).await.map_err(|error| error.to_string())?;
                self.node
                    .notice(&format!("joined the cluster of node {node}, asked by {asked_by}"));
                let is_in = || self.duty.routes().topology.nodes.contains_key(&node);
                self.until(SEE, is_in).await
            }
            Answer::Refused(text) => Err(format!("node {node} does not take this node in: {text}")),
            _ => Err(format!("node {node} answered something else")),
        }
    }

    async fn ask_stranger(
        &self,
        host: &str,
        mesh_port: u16,
        asked: &Ask,
    ) -> Result<(NodeId, Answer), String> {
        let address = super::peers::lookup(host, mesh_port).await;
        let address = address.ok_or_else(|| format!("there is no host '{host}'"))?;
        let mesh = self.mesh().ok_or("this node is starting")?;
        let met = mesh.meet(address, frame(asked), ASK).await;
        let (node, answer) = met.map_err(|error| error.to_string())?;
        Ok((node, read(&answer)))
    }

    /// Gives the slots of nobody to shards, by the ring.
    async fn place(&self, asked_by: &str, virtual_nodes: u32) -> Done {
        let topology = self.duty.routes().topology.clone();
        let gains = assign_unowned(&topology, virtual_nodes).map_err(|error| error.to_string())?;
        for (shard, slots) in gains {
            self.agree(asked_by, Change::AddSlots { shard, slots }).await?;
        }
        Ok(DeferredReply::Ok)
    }

    async fn replicate(&self, asked_by: &str, primary: NodeId) -> Done {
        let topology = self.duty.routes().topology.clone();
        let (shard, _) = topology.shard_of(primary).ok_or("that node is no member any more")?;
        self.agree(asked_by, Change::Replicate { node: self.me, shard }).await
    }

    /// Leaves the cluster and founds one of its own. The node's id is in its certificate and stays.
    async fn reset(&self, asked_by: &str) -> Done {
        let topology = self.duty.routes().topology.clone();
        if topology.nodes.len() > 1 {
            if let Some((shard, about)) = topology.shard_of(self.me)
                && about.primary == self.me
                && !about.slots.is_empty()
            {
                let slots = about.slots.clone();
                self.agree(asked_by, Change::DeleteSlots { shard, slots }).await?;
            }
            let entry = self.entry(asked_by, Change::Forget { node: self.me });
            // One that the others have forgotten already cannot ask them any more.
            if self.consensus().is_attached() {
                let _ = self.consensus().propose(entry).await;
            }
        }
        self.consensus().leave().await.map_err(|error| error.to_string())?;
        self.found().await?;
        let is_alone = || self.duty.routes().topology.nodes.len() == 1;
        self.until(SEE, is_alone).await?;
        self.node.clear_all();
        Ok(DeferredReply::Ok)
    }

    /// Founds a cluster of this node alone.
    pub(super) async fn found(&self) -> Result<(), String> {
        let change = Change::Found {
            cluster: self.name.clone(),
            node: self.me,
            about: self.about.clone(),
            shard: ShardId(random::id()),
        };
        let entry = self.entry("the start of the node", change);
        match self.consensus().found(entry).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(refusal)) => Err(refusal.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Has this replica made the primary. FORCE and TAKEOVER do not need the primary's consent, but
    /// its lease must have run out, which is when the replica proposes itself.
    async fn failover(&self, asked_by: &str, kind: FailoverKind) -> Done {
        let topology = self.duty.routes().topology.clone();
        let (_, shard) = topology.shard_of(self.me).ok_or("this node belongs to no shard")?;
        self.node.notice(&format!("failover, asked by {asked_by}"));
        let (mesh, peer) = (self.mesh(), self.peers.get(shard.primary));
        let begun = match mesh.zip(peer) {
            Some((mesh, peer)) => match ask(mesh, &peer, &Ask::HandOver, BEGIN).await {
                Ok(Answer::Refused(text)) => Err(text),
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            },
            None => Err("the address of the primary is not known".to_owned()),
        };
        if kind == FailoverKind::Planned {
            begun?;
        }
        let reigns = || self.duty.routes().role == Some(Role::Primary);
        self.until(FAILOVER, reigns).await.map_err(|_| {
            "the primary has not handed over, and is alive or cannot be replaced without a majority"
                .to_owned()
        })?;
        Ok(DeferredReply::Ok)
    }
}
