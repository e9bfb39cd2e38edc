//! A member of the cluster.

use serde::{Deserialize, Serialize};

/// Where a node is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// An IP address, or a name that clients and nodes resolve.
    pub host: String,
    /// Where clients connect (TCP).
    pub client_port: u16,
    /// Where nodes send control messages (UDP).
    pub mesh_port: u16,
    /// Where nodes send bulk and forwarded commands (UDP).
    pub bulk_port: u16,
}

/// What is known about a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Where it is reached.
    pub address: NodeAddress,
    /// The failure domain that it stands in; empty when nobody said.
    pub zone: String,
    /// Differs from one start of the process to the next. A primary with another one has lost what
    /// it knew.
    pub incarnation: u64,
    /// The Raft leader has not heard of it for long.
    pub is_failed: bool,
    /// Passes commands on and holds nothing: from now on it gets no slots and no replicas, and becomes
    /// nobody's replica. What it has from before, it keeps until that is taken away.
    #[serde(default)]
    pub is_proxy: bool,
}
