//! A topology as the data path asks for it: who owns this slot? One array read, no hashing.
//!
//! Built once per version and replaced whole; 32 KiB and an entry per shard with slots.

use skep_keyspace::{NodeId, SLOT_COUNT, Slot};

use super::{NodeAddress, ShardId, Topology};

/// The index of slots that nobody owns. No shard has it: there are at most [`SLOT_COUNT`].
const NOBODY: u16 = u16::MAX;

/// Who owns which slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotMap {
    version: u64,
    owners: Box<[u16]>,
    shards: Vec<SlotOwner>,
}

/// A shard with slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotOwner {
    /// The shard.
    pub shard: ShardId,
    /// Which reign this is.
    pub epoch: u64,
    /// The node that answers for it.
    pub primary: NodeId,
    /// Where that node is.
    pub address: NodeAddress,
    /// Nodes that have copies, perhaps old ones.
    pub replicas: Vec<NodeId>,
}

impl SlotMap {
    /// The map of a topology.
    pub fn new(topology: &Topology) -> SlotMap {
        let mut owners = vec![NOBODY; SLOT_COUNT].into_boxed_slice();
        let mut shards = Vec::new();
        for (&id, shard) in topology.shards.iter().filter(|(_, shard)| !shard.slots.is_empty()) {
            for range in shard.slots.ranges() {
                owners[usize::from(range.first)..=usize::from(range.last)]
                    .fill(shards.len() as u16);
            }
            let about = topology.nodes.get(&shard.primary);
            shards.push(SlotOwner {
                shard: id,
                epoch: shard.epoch,
                primary: shard.primary,
                address: about.map(|about| about.address.clone()).unwrap_or_default(),
                replicas: shard.replicas.iter().copied().collect(),
            });
        }
        SlotMap { version: topology.version, owners, shards }
    }

    /// The version of the topology that this is the map of.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The index of a slot's owner among [`shards`](SlotMap::shards), if it has one.
    #[inline]
    pub fn index(&self, slot: Slot) -> Option<usize> {
        match self.owners[usize::from(slot.number())] {
            NOBODY => None,
            index => Some(usize::from(index)),
        }
    }

    /// A slot's owner, if it has one.
    #[inline]
    pub fn owner(&self, slot: Slot) -> Option<&SlotOwner> {
        self.shards.get(usize::from(self.owners[usize::from(slot.number())]))
    }

    /// All shards with slots, in the order of their ids.
    pub fn shards(&self) -> &[SlotOwner] {
        &self.shards
    }
}
