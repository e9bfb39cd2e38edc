//! Applying a change: from one topology to the next, the same on every node.
//!
//! Each arm checks everything before it changes anything, so that a refusal leaves no trace.

use skep_keyspace::{NodeId, SlotSet};

use super::members::refuse_proxy;
use super::{Change, Entry, Refusal, ShardId, Topology};

impl Topology {
    /// Applies an entry that Raft has ordered. Counts `version` up whatever comes of it.
    ///
    /// # Errors
    /// Why the change was refused; then nothing but `version` has changed.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Refusal> {
        self.version += 1;
        if self.cluster.is_empty() && !matches!(entry.change, Change::Found { .. }) {
            return Err(Refusal::Unfounded);
        }
        match &entry.change {
            Change::Found { cluster, node, about, shard } => {
                self.found(cluster, *node, about, *shard)
            }
            Change::Admit { node, about, shard, epoch, claims } => {
                self.admit(*node, about, *shard, *epoch, claims)
            }
            Change::Update { node, about } => self.update(*node, about),
            Change::Forget { node } => self.forget(*node),
            Change::Mark { node, is_failed } => self.mark(*node, *is_failed),
            Change::AddSlots { shard, slots } => self.add_slots(*shard, slots),
            Change::DeleteSlots { shard, slots } => self.delete_slots(*shard, slots),
            Change::Replicate { node, shard } => self.replicate(*node, *shard),
            Change::Promote { shard, revision, node } => self.promote(*shard, *revision, *node),
            Change::Shrink { shard, revision, node } => self.shrink(*shard, *revision, *node),
            Change::Extend { shard, revision, node } => {
                self.extend(entry.proposer, *shard, *revision, *node)
            }
            Change::BumpEpoch { shard } => self.bump_epoch(*shard),
            Change::SetEpoch { shard, epoch } => self.set_epoch(*shard, *epoch),
        }
    }

    fn add_slots(&mut self, shard: ShardId, slots: &SlotSet) -> Result<(), Refusal> {
        self.check_holds_data(self.known_shard(shard)?.primary)?;
        self.check_unowned(slots)?;
        let owner = self.known_shard_mut(shard)?;
        for slot in slots.iter() {
            owner.slots.insert(slot);
        }
        Ok(())
    }

    fn delete_slots(&mut self, shard: ShardId, slots: &SlotSet) -> Result<(), Refusal> {
        let owner = self.known_shard_mut(shard)?;
        if let Some(slot) = slots.iter().find(|&slot| !owner.slots.contains(slot)) {
            return Err(Refusal::SlotNotOwned { slot: slot.number(), shard });
        }
        for slot in slots.iter() {
            owner.slots.remove(slot);
        }
        Ok(())
    }

    /// Refuses proxies.
    pub(super) fn check_holds_data(&self, node: NodeId) -> Result<(), Refusal> {
        match self.is_proxy(node) {
            true => Err(refuse_proxy(node)),
            false => Ok(()),
        }
    }

    /// Refuses slots of which one has an owner.
    pub(super) fn check_unowned(&self, slots: &SlotSet) -> Result<(), Refusal> {
        for slot in slots.iter() {
            if let Some((owner, _)) = self.owner_of(slot) {
                return Err(Refusal::SlotTaken { slot: slot.number(), owner });
            }
        }
        Ok(())
    }
}
