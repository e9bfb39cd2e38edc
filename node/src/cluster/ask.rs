//! What nodes ask of each other on the control connection.
//!
//! A frame is a tag and a body: agreement's own frames as they are, everything else in postcard.
//! Guests, which the topology does not have, may only ask to be taken in or invite this node.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use skep_cluster::Change;
use skep_keyspace::NodeId;
use skep_mesh::{Caller, Class, Mesh, MeshError, Peer, Rejected};

use super::Cluster;
use super::control::Input;
use crate::consensus::{BoxFuture, Transport, TransportError};

/// How long another node may take to answer. Being taken in needs agreement there.
pub(crate) const ASK: Duration = Duration::from_secs(6);

const CONSENSUS: u8 = 0;
const ASKED: u8 = 1;

/// See the module.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Are you there?
    Ping,
    /// Take me in: an `Admit` of who asks.
    Join(Box<Change>),
    /// Join the cluster of who asks, whose control address this is.
    Invite { host: String, mesh_port: u16 },
    /// Hand your shard over to who asks.
    HandOver,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// So be it.
    Done,
    /// What a node needs to join.
    Welcome(Vec<u8>),
    /// No, and why.
    Refused(String),
}

/// A frame with an ask.
pub(crate) fn frame(ask: &Ask) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(ASKED);
    // It fails only for types that this is not.
    frame.put_slice(&postcard::to_allocvec(ask).unwrap_or_default());
    frame.freeze()
}

/// Reads an answer.
pub(crate) fn read(frame: &[u8]) -> Answer {
    postcard::from_bytes(frame)
        .unwrap_or_else(|_| Answer::Refused("its answer cannot be read".to_owned()))
}

/// Asks a member.
pub(crate) async fn ask(
    mesh: &Mesh,
    peer: &Peer,
    ask: &Ask,
    within: Duration,
) -> Result<Answer, MeshError> {
    Ok(read(&mesh.request(peer, Class::Control, frame(ask), within).await?))
}

impl Cluster {
    /// Answers a control frame of another node.
    pub(super) async fn answer(&self, caller: Caller, frame: Bytes) -> Result<Bytes, Rejected> {
        let unreadable = || Rejected("the frame cannot be read".to_owned());
        match *frame.first().ok_or_else(unreadable)? {
            CONSENSUS if caller.is_member => {
                Ok(self.consensus().handle(caller.id, frame.slice(1..)).await)
            }
            ASKED => {
                let asked = postcard::from_bytes(&frame[1..]).map_err(|_| unreadable())?;
                let answer = self.answer_ask(caller, asked).await;
                let answer = postcard::to_allocvec(&answer).map_err(|_| unreadable())?;
                Ok(answer.into())
            }
            _ => Err(unreadable()),
        }
    }

    async fn answer_ask(&self, caller: Caller, asked: Ask) -> Answer {
        match asked {
            Ask::Join(change) => self.take_in(caller.id, *change).await,
            Ask::Invite { host, mesh_port } => {
                answer_of(self.join(&host, mesh_port, &format!("node {}", caller.id)).await)
            }
            _ if !caller.is_member => Answer::Refused("you are no member".to_owned()),
            Ask::Ping => Answer::Done,
            Ask::HandOver => answer_of(self.hand_over(caller.id).await),
        }
    }

    /// Admits a node that asks for itself.
    async fn take_in(&self, from: NodeId, change: Change) -> Answer {
        let is_its_own = match &change {
            Change::Admit { node, .. } => *node == from,
            _ => false,
        };
        if !is_its_own {
            return Answer::Refused("a node can only ask to be taken in itself".to_owned());
        }
        if self.joining.try_lock().is_err() {
            return Answer::Refused("this node is joining a cluster itself; try again".to_owned());
        }
        let entry = self.entry(&format!("node {from}"), change);
        match self.consensus().admit(entry).await {
            Ok(Ok(welcome)) => Answer::Welcome(welcome.to_vec()),
            Ok(Err(refusal)) => Answer::Refused(refusal.to_string()),
            Err(error) => Answer::Refused(error.to_string()),
        }
    }

    /// Whether a member answers within a time.
    pub(super) async fn is_there(&self, node: NodeId, within: Duration) -> bool {
        match self.mesh().zip(self.peers.get(node)) {
            Some((mesh, peer)) => ask(mesh, &peer, &Ask::Ping, within).await.is_ok(),
            None => false,
        }
    }

    /// Hands this node's shard over to a replica. Returns when that has begun.
    pub(super) async fn hand_over(&self, to: NodeId) -> Result<(), String> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let over = |_| "this node is ending".to_owned();
        self.inputs.send(Input::HandOver { to, answer }).await.map_err(|_| over(()))?;
        answered.await.map_err(|_| over(()))?.map_err(|refusal| refusal.to_string())
    }
}

fn answer_of(done: Result<(), String>) -> Answer {
    match done {
        Ok(()) => Answer::Done,
        Err(text) => Answer::Refused(text),
    }
}

impl Transport for Cluster {
    fn call(&self, to: NodeId, frame: Bytes) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            let failed = |text: String| TransportError(text);
            let peer = self.peers.get(to).ok_or_else(|| failed(format!("{to} has no address")))?;
            let mut tagged = BytesMut::with_capacity(frame.len() + 1);
            tagged.put_u8(CONSENSUS);
            tagged.put_slice(&frame);
            let mesh = self.mesh().ok_or_else(|| failed("the mesh is not up yet".to_owned()))?;
            let answer = mesh.request(&peer, Class::Control, tagged.freeze(), ASK).await;
            answer.map_err(|error| failed(error.to_string()))
        })
    }
}
