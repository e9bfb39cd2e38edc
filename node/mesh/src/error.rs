//! What can go wrong between two nodes, told so that the reader knows what to do about it.

use std::net::SocketAddr;
use std::time::Duration;

use skep_keyspace::NodeId;

use crate::frame::FrameError;

/// Why a request, a stream or the mesh failed. Cloned to all who waited for the same connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MeshError {
    /// Nobody answered there. Nothing was sent. Dials are repeated by themselves, with back-off.
    #[error("node {node} does not answer at {address}: {reason}; is it up, is UDP let through?")]
    Unreachable {
        /// Who was to answer, or nobody in particular.
        node: Whom,
        /// Where.
        address: SocketAddr,
        /// What the transport said.
        reason: String,
    },
    /// The other side, or its certificate check, turned this node away. Nothing was sent.
    #[error("node {node} at {address} refused this node: {reason}")]
    Refused {
        /// Who refused.
        node: Whom,
        /// Where.
        address: SocketAddr,
        /// Its words.
        reason: String,
    },
    /// Who answered is not who it should be. Nothing was sent.
    #[error("who answers at {address} is not to be trusted: {reason}")]
    Untrusted {
        /// Where.
        address: SocketAddr,
        /// What disagrees.
        reason: String,
    },
    /// The topology has no such node (any more). Nothing was sent.
    #[error("node {0} is not admitted: it is no member of this cluster")]
    NotAdmitted(NodeId),
    /// The deadline passed.
    #[error("node {node} did not answer within {after:?}")]
    Deadline {
        /// Who was asked.
        node: Whom,
        /// How long was waited.
        after: Duration,
        /// Whether the request may have reached the node.
        was_sent: bool,
    },
    /// The connection or the stream ended. What was under way may or may not have been done.
    #[error("the connection to node {node} was lost: {reason}")]
    Lost {
        /// Who was talked to.
        node: NodeId,
        /// What the transport said.
        reason: String,
    },
    /// The handler of the other node rejected the request, in its own words.
    #[error("node {node} rejected the request: {reason}")]
    Rejected {
        /// Who rejected.
        node: NodeId,
        /// Its words.
        reason: String,
    },
    /// Longer than a frame of its class may be. Nothing was sent.
    #[error(
        "a frame of {bytes} bytes for node {node}, at most {max} are allowed: send it in parts"
    )]
    TooLong {
        /// To whom.
        node: NodeId,
        /// The payload.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// A frame that the other node must not have sent. The connection was closed.
    #[error("node {node} sent what it must not: {error}")]
    Frame {
        /// From whom.
        node: NodeId,
        /// What is wrong with it.
        error: FrameError,
    },
    /// This node is stopping.
    #[error("the mesh of this node is stopped")]
    Stopped,
}

impl MeshError {
    /// Whether the other node may have acted on what was asked. If not, it may be asked elsewhere.
    pub fn may_have_run(&self) -> bool {
        match self {
            MeshError::Deadline { was_sent, .. } => *was_sent,
            MeshError::Lost { .. } | MeshError::Rejected { .. } | MeshError::Frame { .. } => true,
            MeshError::TooLong { .. }
            | MeshError::Unreachable { .. }
            | MeshError::Refused { .. }
            | MeshError::Untrusted { .. }
            | MeshError::NotAdmitted(_)
            | MeshError::Stopped => false,
        }
    }
}

/// A node that is known, or whoever answers at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// This one.
    Node(NodeId),
    /// Whoever it is.
    Anybody,
}

impl std::fmt::Display for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Whom::Node(node) => node.fmt(f),
            Whom::Anybody => f.write_str("(not known yet)"),
        }
    }
}
