//! Questions about a topology. Each looks through the shards; the data path asks a
//! [`SlotMap`](super::SlotMap) instead.

use skep_keyspace::{NodeId, SLOT_COUNT, Slot, SlotSet};

use super::{Refusal, Shard, ShardId, Topology};

/// What a node is in its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its primary, which may have no slots.
    Primary,
    /// A replica.
    Replica {
        /// Whether it has all that was acknowledged.
        is_in_sync: bool,
    },
}

impl Topology {
    /// The shard that a node is a member of; nothing for strangers.
    pub fn shard_of(&self, node: NodeId) -> Option<(ShardId, &Shard)> {
        self.shards.iter().find(|(_, shard)| shard.has(node)).map(|(&id, shard)| (id, shard))
    }

    /// As [`shard_of`](Topology::shard_of), to change it.
    pub(super) fn shard_of_mut(&mut self, node: NodeId) -> Option<(ShardId, &mut Shard)> {
        self.shards.iter_mut().find(|(_, shard)| shard.has(node)).map(|(&id, shard)| (id, shard))
    }

    /// The shard that owns a slot, if any does.
    pub fn owner_of(&self, slot: Slot) -> Option<(ShardId, &Shard)> {
        let is_owner = |(_, shard): &(&ShardId, &Shard)| shard.slots.contains(slot);
        self.shards.iter().find(is_owner).map(|(&id, shard)| (id, shard))
    }

    /// What a node is; nothing for strangers.
    pub fn role(&self, node: NodeId) -> Option<Role> {
        let (_, shard) = self.shard_of(node)?;
        Some(match shard.primary == node {
            true => Role::Primary,
            false => Role::Replica { is_in_sync: shard.in_sync.contains(&node) },
        })
    }

    /// Whether a node is one that holds nothing on purpose.
    pub fn is_proxy(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|about| about.is_proxy)
    }

    /// Whether every slot has an owner.
    pub fn is_covered(&self) -> bool {
        self.unowned_count() == 0
    }

    /// Number of slots without an owner.
    pub fn unowned_count(&self) -> usize {
        SLOT_COUNT - self.shards.values().map(|shard| shard.slots.len()).sum::<usize>()
    }

    /// The slots without an owner.
    pub fn unowned(&self) -> SlotSet {
        let mut unowned: SlotSet = (0..SLOT_COUNT as u16).filter_map(Slot::new).collect();
        for slot in self.shards.values().flat_map(|shard| shard.slots.iter()) {
            unowned.remove(slot);
        }
        unowned
    }

    /// Whether a shard's primary has started again and no longer knows what the shard holds.
    pub fn has_forgotten(&self, shard: &Shard) -> bool {
        self.nodes.get(&shard.primary).is_some_and(|about| about.incarnation != shard.incarnation)
    }

    pub(super) fn known_shard(&self, id: ShardId) -> Result<&Shard, Refusal> {
        self.shards.get(&id).ok_or(Refusal::UnknownShard(id))
    }

    pub(super) fn known_shard_mut(&mut self, id: ShardId) -> Result<&mut Shard, Refusal> {
        self.shards.get_mut(&id).ok_or(Refusal::UnknownShard(id))
    }
}
