//! What nodes say to each other about the topology. One frame asks, one frame answers; each is a
//! version byte and a value in postcard's encoding, of `FRAME_BYTES_MAX` at most.

use std::collections::BTreeSet;

use bytes::Bytes;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use skep_cluster::Entry;
use skep_keyspace::NodeId;

use super::storage;
use super::types::{Group, Outcome, Seen, SnapshotMeta, TypeConfig, Vote};

/// The longest frame. A topology of 2,000 nodes has about a megabyte.
pub(crate) const FRAME_BYTES_MAX: usize = 16 << 20;
/// The longest entry that may be proposed, so that what is read of the log at once fits a frame.
pub(super) const ENTRY_BYTES_MAX: usize = 128 << 10;

/// A question, and whose group it is about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) group: Group,
    pub(super) call: Call,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Call {
    Append(AppendEntriesRequest<TypeConfig>),
    Vote(VoteRequest<NodeId>),
    /// A whole snapshot.
    Snapshot {
        vote: Vote,
        meta: SnapshotMeta,
        data: Vec<u8>,
    },
    /// Only the leader takes it.
    Propose(Entry),
    /// Whether the node hears of a leader; see `stand`.
    Poll,
    /// Only a voter that hears of a leader answers: at once if it has a newer version than this, or
    /// if it knows another leader, else a little later.
    Follow {
        version: Option<u64>,
        leader: Option<NodeId>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Append(AppendEntriesResponse<NodeId>),
    Vote(VoteResponse<NodeId>),
    Snapshot(SnapshotResponse<NodeId>),
    Proposed(Outcome),
    /// Ask that one, if it is known.
    NotLeader(Option<NodeId>),
    /// Whether it hears of a leader.
    Poll {
        hears: bool,
    },
    /// A newer topology.
    Seen(Seen),
    /// There is no newer one.
    Current {
        leader: Option<NodeId>,
        voters: BTreeSet<NodeId>,
    },
    /// Ask one of these, as far as this node knows.
    NotVoter {
        voters: BTreeSet<NodeId>,
    },
    /// No answer, and why.
    Refused(String),
}

/// A frame of a question.
///
/// # Errors
/// One that is too long.
pub(super) fn ask(group: Group, call: Call) -> Result<Bytes, String> {
    frame(&Envelope { group, call })
}

/// A frame of an answer; of the reason if it is too long.
pub(super) fn answer(reply: &Reply) -> Bytes {
    let short = |text| frame(&Reply::Refused(text)).unwrap_or_default();
    frame(reply).unwrap_or_else(short)
}

/// Any value as a frame.
///
/// # Errors
/// One that is too long.
pub(super) fn frame<T: Serialize>(value: &T) -> Result<Bytes, String> {
    let bytes = storage::encode(value).map_err(|error| error.to_string())?;
    match bytes.len() {
        0..=FRAME_BYTES_MAX => Ok(bytes.into()),
        length => Err(format!("a frame of {length} bytes, more than {FRAME_BYTES_MAX}")),
    }
}

/// The value of a frame.
///
/// # Errors
/// Too many bytes, another version, or no such value.
pub(super) fn read<T: DeserializeOwned>(frame: &[u8]) -> Result<T, String> {
    match frame.len() {
        0..=FRAME_BYTES_MAX => storage::decode(frame),
        length => Err(format!("a frame of {length} bytes, more than {FRAME_BYTES_MAX}")),
    }
}
