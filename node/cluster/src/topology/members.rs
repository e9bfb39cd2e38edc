//! Changes of who is a member.

use skep_keyspace::{NodeId, SlotSet};

use super::{EPOCH_HINT_MAX, Node, Refusal, Shard, ShardId, Topology};

impl Topology {
    pub(super) fn found(
        &mut self,
        cluster: &str,
        node: NodeId,
        about: &Node,
        shard: ShardId,
    ) -> Result<(), Refusal> {
        if !self.cluster.is_empty() {
            return Err(Refusal::Founded(self.cluster.clone()));
        }
        if cluster.is_empty() {
            return Err(Refusal::Unnamed);
        }
        cluster.clone_into(&mut self.cluster);
        self.take_in(node, about, shard, 0, SlotSet::new());
        Ok(())
    }

    pub(super) fn admit(
        &mut self,
        node: NodeId,
        about: &Node,
        shard: ShardId,
        epoch: u64,
        claims: &SlotSet,
    ) -> Result<(), Refusal> {
        if let Some(known) = self.nodes.get(&node) {
            let is_same = known == about && self.shard_of(node).is_some_and(|(at, _)| at == shard);
            return if is_same { Ok(()) } else { Err(Refusal::Member(node)) };
        }
        if self.shards.contains_key(&shard) {
            return Err(Refusal::Member(shard.0));
        }
        if about.is_proxy && !claims.is_empty() {
            return Err(refuse_proxy(node));
        }
        check_epoch(epoch)?;
        self.check_unowned(claims)?;
        self.take_in(node, about, shard, epoch, claims.clone());
        Ok(())
    }

    fn take_in(&mut self, node: NodeId, about: &Node, id: ShardId, epoch: u64, slots: SlotSet) {
        self.shards.insert(id, Shard::alone(node, about.incarnation, epoch, slots));
        self.nodes.insert(node, about.clone());
        self.current_epoch = self.current_epoch.max(epoch);
    }

    pub(super) fn update(&mut self, node: NodeId, about: &Node) -> Result<(), Refusal> {
        let known = self.nodes.get_mut(&node).ok_or(Refusal::UnknownNode(node))?;
        let has_restarted = known.incarnation != about.incarnation;
        *known = Node { is_failed: known.is_failed, ..about.clone() };
        if has_restarted && let Some((id, shard)) = self.shard_of_mut(node) {
            // What anybody proposed of the member's earlier life is overtaken.
            shard.revision += 1;
            shard.in_sync.remove(&node);
            self.settle(id);
        }
        Ok(())
    }

    pub(super) fn mark(&mut self, node: NodeId, is_failed: bool) -> Result<(), Refusal> {
        self.nodes.get_mut(&node).ok_or(Refusal::UnknownNode(node))?.is_failed = is_failed;
        Ok(())
    }

    pub(super) fn forget(&mut self, node: NodeId) -> Result<(), Refusal> {
        let Some(about) = self.nodes.get(&node) else { return Ok(()) };
        let Some((id, shard)) = self.shard_of(node) else { return Ok(()) };
        if self.nodes.len() == 1 {
            return Err(refuse(node, "is the last member"));
        }
        if shard.primary != node {
            if let Some(shard) = self.shards.get_mut(&id) {
                shard.drop_replica(node);
            }
            self.settle(id);
        } else {
            let is_lost = about.is_failed && shard.in_sync.is_empty();
            if !shard.slots.is_empty() && !is_lost {
                return Err(refuse(node, "is the primary of slots"));
            }
            self.bequeath(id);
        }
        self.nodes.remove(&node);
        Ok(())
    }

    /// Turns the primary of a shard out. Its slots are nobody's from now on; a replica inherits the
    /// rest, or the shard disappears.
    fn bequeath(&mut self, id: ShardId) {
        let Some(shard) = self.shards.get_mut(&id) else { return };
        shard.slots = SlotSet::new();
        match shard.in_sync.first().or(shard.replicas.first()).copied() {
            Some(heir) => {
                shard.replicas.remove(&heir);
                shard.in_sync.remove(&heir);
                self.enthrone(id, heir);
            }
            None => {
                self.shards.remove(&id);
            }
        }
    }
}

/// Refuses epochs from outside that would use up the numbers.
pub(super) fn check_epoch(epoch: u64) -> Result<(), Refusal> {
    match epoch <= EPOCH_HINT_MAX {
        true => Ok(()),
        false => Err(Refusal::EpochTooHigh(epoch)),
    }
}

/// A proxy cannot have slots or copies.
pub(super) fn refuse_proxy(node: NodeId) -> Refusal {
    refuse(node, "is a proxy, which holds no data")
}

/// A node cannot have the role that somebody wants for it.
pub(super) fn refuse(node: NodeId, reason: &str) -> Refusal {
    Refusal::Role { node, reason: reason.to_owned() }
}
