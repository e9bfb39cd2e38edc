//! What a node of a cluster serves, and the commands about the cluster.

mod answers;
pub(crate) mod change;
mod detours;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod keys;
pub(crate) mod nodes;
pub(crate) mod ownership;
mod ring;
pub mod routes;
pub(crate) mod show;
mod state;

use std::future::Future;
use std::pin::Pin;

use skep_cluster::ShardId;
use skep_keyspace::{NodeId, SlotSet};
use skep_resp::Reply;

use crate::error::CommandError;

pub use detours::Detours;
pub use routes::{Lease, Routes};
pub use state::ClusterFigures;

/// The end of a command that has to wait: the bytes of its reply are made when it is there, in the
/// protocol of the connection. Meanwhile the connection's later commands wait, and nobody else.
pub type Deferred = Pin<Box<dyn Future<Output = DeferredReply> + Send>>;

/// What a command that had to wait is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeferredReply {
    /// `+OK`.
    Ok,
    /// A simple string.
    Simple(String),
    /// A number.
    Integer(i64),
    /// An error.
    Error(CommandError),
    /// Bytes that another node has answered, to be passed on as they are.
    Raw(Vec<u8>),
}

impl DeferredReply {
    /// A reply that need not be waited for.
    pub fn ready(self) -> Deferred {
        Box::pin(std::future::ready(self))
    }

    /// Writes the reply in the protocol of the connection.
    pub fn write(&self, reply: &mut Reply) {
        match self {
            DeferredReply::Ok => reply.ok(),
            DeferredReply::Simple(text) => reply.simple(text),
            DeferredReply::Integer(number) => reply.integer(*number),
            DeferredReply::Error(error) => reply.error_bytes(error.as_bytes()),
            DeferredReply::Raw(bytes) => reply.raw(bytes),
        }
    }
}

/// What a client may ask of the cluster. Each is done when all nodes will agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterRequest {
    /// `CLUSTER MEET`: join the cluster of a node, or take it in.
    Meet {
        /// Its address.
        host: String,
        /// The port for clients.
        port: u16,
        /// The port of its mesh; the usual distance from `port` when nothing is said.
        mesh_port: Option<u16>,
    },
    /// `CLUSTER FORGET`.
    Forget(NodeId),
    /// `CLUSTER RESET`: leave the cluster, and with `hard` take a new id.
    Reset {
        /// Whether the node's id changes.
        hard: bool,
    },
    /// `CLUSTER REPLICATE`: become a replica of that primary.
    Replicate(NodeId),
    /// `CLUSTER ADDSLOTS`: serve slots that nobody owns.
    AddSlots(SlotSet),
    /// `CLUSTER DELSLOTS`: no longer own these slots. They have been found empty.
    DeleteSlots(SlotSet),
    /// `CLUSTER PLACE`: the slots that nobody owns go to the shards that may have some, by the ring
    /// (`skep_cluster::topology::assign_unowned`).
    Place {
        /// How often a shard of weight 1 stands on the ring.
        virtual_nodes: u32,
    },
    /// `CLUSTER BUMPEPOCH`.
    BumpEpoch,
    /// `CLUSTER SET-CONFIG-EPOCH`.
    SetEpoch(u64),
    /// `CLUSTER FAILOVER`, sent to a replica: become the primary.
    Failover(FailoverKind),
    /// `WAIT`: until so many replicas have what was written so far. Answers how many have.
    Wait {
        /// How many.
        replicas: u64,
        /// How long at most, in milliseconds; 0: for ever.
        timeout_ms: u64,
        /// Shards of other nodes that the client has written to through this one: their replicas count,
        /// too, and the least of all is answered.
        elsewhere: Vec<ShardId>,
    },
}

/// How much the old primary has a say in a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverKind {
    /// It hands over.
    Planned,
    /// `FORCE`: it is not asked, and its lease must have run out.
    Force,
    /// `TAKEOVER`: as FORCE, here.
    Takeover,
}
