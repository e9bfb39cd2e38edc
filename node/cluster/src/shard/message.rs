//! What members of a shard tell each other, and what the core wants done.

use serde::{Deserialize, Serialize};
use skep_keyspace::NodeId;

use crate::topology::{Change, ShardId};

/// Between members of a shard. May be lost, repeated, late and out of order. A few hundred bytes at
/// most, so that it fits a datagram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// From the primary to each replica.
    Beacon(Beacon),
    /// From a replica, to a beacon of the present reign.
    Answer(BeaconAnswer),
    /// To who speaks for a reign that is over.
    Deposed {
        /// The shard.
        shard: ShardId,
        /// An epoch that the receiver did not know.
        epoch: u64,
    },
}

/// "I am alive, and I reign."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beacon {
    /// The shard.
    pub shard: ShardId,
    /// The reign.
    pub epoch: u64,
    /// Of the primary's process.
    pub incarnation: u64,
    /// When, by the primary's clock.
    pub sent_at: u64,
    /// The primary's offset.
    pub offset: u64,
    /// Offsets of the in-sync replicas, as far as the primary knows.
    pub offsets: Vec<(NodeId, u64)>,
}

/// "I have heard you, and will not want your place for a grace from now."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeaconAnswer {
    /// The shard.
    pub shard: ShardId,
    /// The reign.
    pub epoch: u64,
    /// When the beacon was sent, by the primary's clock.
    pub sent_at: u64,
    /// Of the replica's process.
    pub incarnation: u64,
    /// What the replica has applied of this reign.
    pub offset: u64,
}

/// What the core wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a message. Whether it arrives does not matter.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: Message,
    },
    /// Propose a change. Whether it is refused does not matter: the core judges by the topologies
    /// that follow, and proposes again.
    Propose(Change),
}
