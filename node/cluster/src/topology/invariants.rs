//! What must be true of every topology, whatever was applied.

use std::collections::BTreeSet;

use skep_keyspace::SlotSet;

use super::{Shard, ShardId, Topology};

impl Topology {
    /// Checks what the room promises of one topology; for tests, and for topologies that come from
    /// outside (a snapshot, another node).
    ///
    /// # Errors
    /// The first thing that is wrong, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        if self.cluster.is_empty() != self.nodes.is_empty() {
            return Err(format!("cluster {:?} of {} nodes", self.cluster, self.nodes.len()));
        }
        let mut seen = BTreeSet::new();
        let mut owned = SlotSet::new();
        for (&id, shard) in &self.shards {
            self.check_shard(id, shard)?;
            if let Some(node) = shard.members().find(|&node| !seen.insert(node)) {
                return Err(format!("node {node} is a member twice"));
            }
            if let Some(slot) = shard.slots.iter().find(|&slot| !owned.insert(slot)) {
                return Err(format!("slot {} is owned twice", slot.number()));
            }
        }
        match self.nodes.keys().find(|node| !seen.contains(node)) {
            Some(node) => Err(format!("node {node} is in no shard")),
            None => Ok(()),
        }
    }

    fn check_shard(&self, id: ShardId, shard: &Shard) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("shard {id} {what}"));
        if shard.members().any(|node| !self.nodes.contains_key(&node)) {
            return wrong("has a stranger as a member");
        }
        if !shard.in_sync.is_subset(&shard.replicas) {
            return wrong("has one in sync that is no replica");
        }
        if shard.epoch > self.current_epoch {
            return wrong("has an epoch above the current one");
        }
        if shard.in_sync.is_empty() && self.has_forgotten(shard) {
            return wrong("waits for replicas that it does not have");
        }
        Ok(())
    }
}
