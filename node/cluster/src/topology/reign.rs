//! Changes of who reigns in a shard, and of its epoch.

use skep_keyspace::NodeId;

use super::members::{check_epoch, refuse};
use super::{Refusal, ShardId, Topology};

impl Topology {
    pub(super) fn promote(
        &mut self,
        id: ShardId,
        revision: u64,
        node: NodeId,
    ) -> Result<(), Refusal> {
        let shard = self.known_shard_mut(id)?;
        shard.check_revision(id, revision)?;
        if !shard.in_sync.remove(&node) {
            return Err(refuse(node, "is no replica of that shard in sync"));
        }
        shard.replicas.remove(&node);
        shard.replicas.insert(shard.primary);
        self.enthrone(id, node);
        Ok(())
    }

    /// Begins the reign of a member that is no replica, or not any more.
    pub(super) fn enthrone(&mut self, id: ShardId, node: NodeId) {
        let epoch = self.next_epoch();
        let incarnation = self.nodes.get(&node).map_or(0, |about| about.incarnation);
        if let Some(shard) = self.shards.get_mut(&id) {
            shard.epoch = epoch;
            shard.revision += 1;
            shard.primary = node;
            shard.incarnation = incarnation;
        }
    }

    pub(super) fn bump_epoch(&mut self, id: ShardId) -> Result<(), Refusal> {
        self.known_shard(id)?;
        let epoch = self.next_epoch();
        let shard = self.known_shard_mut(id)?;
        shard.epoch = epoch;
        shard.revision += 1;
        Ok(())
    }

    pub(super) fn set_epoch(&mut self, id: ShardId, epoch: u64) -> Result<(), Refusal> {
        check_epoch(epoch)?;
        let shard = self.known_shard_mut(id)?;
        if shard.epoch != 0 {
            return Err(Refusal::HasEpoch(id));
        }
        shard.epoch = epoch;
        shard.revision += 1;
        self.current_epoch = self.current_epoch.max(epoch);
        Ok(())
    }

    fn next_epoch(&mut self) -> u64 {
        self.current_epoch += 1;
        self.current_epoch
    }
}
