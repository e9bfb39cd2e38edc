//! Which slots this node serves, and where the others are: what the data path asks before it runs a
//! command. Replaced whole with each version of the topology.

use std::sync::Arc;

use skep_cluster::topology::{Role, SlotMap, SlotOwner};
use skep_cluster::{Shard, ShardId, Topology};
use skep_keyspace::{NodeId, Slot};

use crate::cluster::answers::Answers;

/// A version of the topology, as one node sees it.
pub struct Routes {
    /// This node.
    pub me: NodeId,
    /// What all nodes agree on.
    pub topology: Arc<Topology>,
    /// Who owns which slot.
    pub map: SlotMap,
    /// What this node is in its shard; nothing before it belongs to a cluster.
    pub role: Option<Role>,
    /// The place of this node's shard in the map, if it has slots.
    mine: Option<usize>,
    /// What is often asked about all of it.
    pub(super) answers: Answers,
}

/// Whether a node may serve its slots now: a primary by its lease, a replica by the age of its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It may.
    Held,
    /// A primary may, but has too few replicas to write (`min-replicas-to-write`).
    ReadsOnly,
    /// It may not yet, or no longer.
    Lapsed,
}

/// Where a slot is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Here: this node is its primary.
    Primary,
    /// Here as well, for those who accept what may be old: this node is a replica.
    Replica(&'a SlotOwner),
    /// At another node.
    Elsewhere(&'a SlotOwner),
    /// Nowhere.
    Nowhere,
}

impl Routes {
    /// How `me` sees a topology.
    pub fn new(me: NodeId, topology: Arc<Topology>) -> Routes {
        let map = SlotMap::new(&topology);
        let mine = topology.shard_of(me).map(|(id, _)| id);
        let mine = map.shards().iter().position(|owner| Some(owner.shard) == mine);
        let (role, answers) = (topology.role(me), Answers::default());
        Routes { me, topology, map, role, mine, answers }
    }

    /// Where a slot is served.
    #[inline]
    pub fn place(&self, slot: Slot) -> Place<'_> {
        match self.map.index(slot) {
            None => Place::Nowhere,
            Some(index) if Some(index) != self.mine => Place::Elsewhere(&self.map.shards()[index]),
            Some(_) if self.role == Some(Role::Primary) => Place::Primary,
            Some(index) => Place::Replica(&self.map.shards()[index]),
        }
    }

    /// This node's shard.
    pub fn my_shard(&self) -> Option<(ShardId, &Shard)> {
        self.topology.shard_of(self.me)
    }
}
