//! The cluster as one of its nodes tells it: `/api/v1/cluster` of the admin API.

use std::net::SocketAddr;

use serde::Deserialize;
use skep_keyspace::Slot;

use crate::error::{Error, Result};

/// Voters of which one may fail.
const VOTERS_MIN: usize = 3;

/// See the module; what is not needed here is not read.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct View {
    pub(super) version: u64,
    pub(super) current_epoch: u64,
    agreement: Agreement,
    nodes: Vec<Member>,
    pub(super) shards: Vec<Shard>,
}

#[derive(Clone, Debug, Deserialize)]
struct Agreement {
    leader: Option<String>,
    voters: Vec<String>,
    attached: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Member {
    id: String,
    host: String,
    port: u16,
    failed: bool,
}

/// A shard of a [`View`].
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Shard {
    pub(super) id: String,
    pub(super) primary: String,
    pub(super) in_sync: Vec<String>,
    pub(super) replicas: Vec<String>,
    slots: Vec<[u16; 2]>,
}

impl View {
    pub(super) fn parse(text: &str) -> Result<View> {
        serde_json::from_str(text)
            .map_err(|error| Error::new(format!("the cluster's view: {error}")))
    }

    /// Every shard has all its replicas in sync, nobody is failed, and there is a leader that can be done
    /// without, where there are enough nodes for that.
    pub(super) fn is_settled(&self) -> bool {
        let is_whole = |shard: &Shard| shard.in_sync.len() == shard.replicas.len();
        self.agreement.attached
            && self.agreement.leader.is_some()
            && (self.agreement.voters.len() >= VOTERS_MIN || self.nodes.len() < VOTERS_MIN)
            && self.nodes.iter().all(|node| !node.failed)
            && self.shards.iter().all(is_whole)
    }

    /// Shards with slots, in a steady order.
    pub(super) fn owners(&self) -> Vec<&Shard> {
        let mut shards: Vec<_> =
            self.shards.iter().filter(|shard| !shard.slots.is_empty()).collect();
        shards.sort_by_key(|shard| shard.slots.first().copied());
        shards
    }

    /// A shard by its name.
    pub(super) fn shard(&self, id: &str) -> Option<&Shard> {
        self.shards.iter().find(|shard| shard.id == id)
    }

    /// The node that leads the agreement.
    pub(super) fn leader(&self) -> Option<&str> {
        self.agreement.leader.as_deref()
    }

    /// Where clients find a node.
    pub(super) fn address(&self, id: &str) -> Result<SocketAddr> {
        let node = self.nodes.iter().find(|node| node.id == id);
        let address = node.and_then(|node| format!("{}:{}", node.host, node.port).parse().ok());
        address.ok_or_else(|| Error::new(format!("node {id} has no address")))
    }
}

impl Shard {
    /// Whether a key is in it.
    pub(super) fn owns(&self, key: &[u8]) -> bool {
        let slot = Slot::of(key).number();
        self.slots.iter().any(|[first, last]| (*first..=*last).contains(&slot))
    }
}
