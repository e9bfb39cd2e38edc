//! Changes of a shard's replicas, and of which of them are in sync.

use skep_keyspace::NodeId;

use super::members::refuse;
use super::{Refusal, Shard, ShardId, Topology};

impl Topology {
    pub(super) fn replicate(&mut self, node: NodeId, id: ShardId) -> Result<(), Refusal> {
        if !self.nodes.contains_key(&node) {
            return Err(Refusal::UnknownNode(node));
        }
        let target = self.known_shard(id)?;
        if target.replicas.contains(&node) {
            return Ok(());
        }
        if target.primary == node {
            return Err(refuse(node, "is the primary of that shard"));
        }
        self.check_holds_data(node)?;
        self.check_holds_data(target.primary)?;
        self.leave(node)?;
        let target = self.known_shard_mut(id)?;
        target.replicas.insert(node);
        target.revision += 1;
        Ok(())
    }

    /// Takes a node out of its shard, if the shard can do without it.
    fn leave(&mut self, node: NodeId) -> Result<(), Refusal> {
        let Some((id, shard)) = self.shard_of(node) else { return Ok(()) };
        if shard.primary != node {
            if self.has_forgotten(shard)
                && shard.in_sync.len() == 1
                && shard.in_sync.contains(&node)
            {
                return Err(refuse(node, "alone remembers what its shard held"));
            }
            if let Some(shard) = self.shards.get_mut(&id) {
                shard.drop_replica(node);
            }
            self.settle(id);
            return Ok(());
        }
        if !shard.slots.is_empty() {
            return Err(refuse(node, "is the primary of slots"));
        }
        if !shard.replicas.is_empty() {
            return Err(refuse(node, "is the primary of replicas"));
        }
        self.shards.remove(&id);
        Ok(())
    }

    pub(super) fn shrink(
        &mut self,
        id: ShardId,
        revision: u64,
        node: NodeId,
    ) -> Result<(), Refusal> {
        let shard = self.remembering_shard(id, revision)?;
        if !shard.in_sync.remove(&node) {
            return Err(refuse(node, "is not in sync"));
        }
        shard.revision += 1;
        self.settle(id);
        Ok(())
    }

    pub(super) fn extend(
        &mut self,
        proposer: NodeId,
        id: ShardId,
        revision: u64,
        node: NodeId,
    ) -> Result<(), Refusal> {
        let shard = self.remembering_shard(id, revision)?;
        if proposer != shard.primary {
            return Err(refuse(proposer, "is not the primary of that shard"));
        }
        if !shard.replicas.contains(&node) {
            return Err(refuse(node, "is no replica of that shard"));
        }
        if !shard.in_sync.insert(node) {
            return Err(refuse(node, "is in sync already"));
        }
        shard.revision += 1;
        Ok(())
    }

    /// A shard at a revision, whose primary knows what the shard holds.
    fn remembering_shard(&mut self, id: ShardId, revision: u64) -> Result<&mut Shard, Refusal> {
        let shard = self.known_shard(id)?;
        shard.check_revision(id, revision)?;
        if self.has_forgotten(shard) {
            return Err(refuse(shard.primary, "has forgotten what its shard held"));
        }
        self.known_shard_mut(id)
    }

    /// Where no replica is in sync, what the primary has left is all there is. If it has started again,
    /// a reign begins, because what replicas have of the one before is more.
    pub(super) fn settle(&mut self, id: ShardId) {
        let Some(shard) = self.shards.get(&id) else { return };
        if shard.in_sync.is_empty() && self.has_forgotten(shard) {
            self.enthrone(id, shard.primary);
        }
    }
}
