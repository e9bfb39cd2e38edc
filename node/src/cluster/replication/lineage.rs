//! Which reigns a node's lanes are made of: where each began, lane by lane.
//!
//! Two nodes whose lanes went apart at a failover agree up to where the next reign began that the
//! older one does not know. Kept in memory: a node that starts again has no lanes.

use serde::{Deserialize, Serialize};
use skep_cluster::ShardId;
use skep_store::STRIPE_COUNT;

/// Reigns that are remembered. One who knows only older ones is compared by digests.
const REIGNS_MAX: usize = 8;

/// The last reigns of a shard, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lineage {
    shard: ShardId,
    reigns: Vec<Reign>,
}

/// A reign and where each lane was when it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reign {
    number: u64,
    begins: Vec<u64>,
}

/// The number of the reign of an epoch. 0 is none: epochs begin at 0.
pub(crate) fn reign(epoch: u64) -> u64 {
    epoch.saturating_add(1)
}

impl Lineage {
    /// A reign begins at the ends of the lanes.
    pub(crate) fn begin(&mut self, shard: ShardId, epoch: u64, ends: Vec<u64>) {
        if self.shard != shard {
            *self = Lineage { shard, reigns: Vec::new() };
        }
        let number = reign(epoch);
        if self.reigns.last().is_some_and(|last| last.number >= number) {
            return;
        }
        self.reigns.push(Reign { number, begins: ends });
        let surplus = self.reigns.len().saturating_sub(REIGNS_MAX);
        self.reigns.drain(..surplus);
    }

    /// The number of the last reign of a shard that the lanes have something of; 0 for none.
    pub(crate) fn last(&self, shard: ShardId) -> u64 {
        let last = self.reigns.last().filter(|_| self.shard == shard);
        last.map_or(0, |last| last.number)
    }

    /// Up to where a lane is the same as that of a node which knows the reigns up to `known` and has
    /// the lane up to `end`; nothing when that cannot be told.
    pub(crate) fn common(&self, known: u64, lane: u8, end: u64) -> Option<u64> {
        let at = self.reigns.iter().position(|reign| reign.number == known)?;
        match self.reigns.get(at + 1) {
            None => Some(end),
            Some(next) => next.begins.get(usize::from(lane)).map(|begin| end.min(*begin)),
        }
    }

    /// Whether it can be one: what another node sent.
    pub(crate) fn is_sound(&self) -> bool {
        let mut numbers = self.reigns.iter().map(|reign| reign.number);
        self.reigns.len() <= REIGNS_MAX
            && self.reigns.iter().all(|reign| reign.begins.len() == STRIPE_COUNT)
            && numbers.all(|number| number > 0)
    }
}

#[cfg(test)]
mod tests {
    use skep_keyspace::NodeId;

    use super::*;

    #[test]
    fn lanes_agree_up_to_where_the_first_unknown_reign_began() {
        let shard = ShardId(NodeId::from(1));
        let mut lineage = Lineage::default();
        assert_eq!((lineage.last(shard), lineage.common(1, 0, 5)), (0, None));
        lineage.begin(shard, 0, vec![0; STRIPE_COUNT]);
        lineage.begin(shard, 4, vec![100; STRIPE_COUNT]);
        lineage.begin(shard, 4, vec![999; STRIPE_COUNT]);
        lineage.begin(shard, 7, vec![150; STRIPE_COUNT]);
        assert_eq!(lineage.last(shard), 8);
        // One that followed the first reign: what it has beyond 100 nobody else has.
        assert_eq!(lineage.common(1, 3, 120), Some(100));
        assert_eq!(lineage.common(1, 3, 80), Some(80));
        assert_eq!(lineage.common(5, 3, 170), Some(150));
        assert_eq!(lineage.common(8, 3, 170), Some(170));
        assert_eq!(lineage.common(3, 3, 170), None);
        assert!(lineage.is_sound());
    }

    #[test]
    fn another_shard_is_another_story_and_old_reigns_are_forgotten() {
        let (one, other) = (ShardId(NodeId::from(1)), ShardId(NodeId::from(2)));
        let mut lineage = Lineage::default();
        (0..20).for_each(|epoch| lineage.begin(one, epoch, vec![epoch; STRIPE_COUNT]));
        assert_eq!(lineage.common(5, 0, 3), None);
        assert_eq!(lineage.common(15, 0, 99), Some(15));
        assert_eq!(lineage.last(other), 0);
        lineage.begin(other, 3, vec![0; STRIPE_COUNT]);
        assert_eq!((lineage.last(one), lineage.last(other)), (0, 4));
    }
}
