//! What a client asks of nodes that do not serve it, as the node remembers that it asks.

use std::collections::{BTreeMap, BTreeSet};

use skep_cluster::ShardId;

/// A client that has heeded `MOVED` for so long, in milliseconds, is no longer held for deaf.
const MEMORY_MS: u64 = 60_000;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detours {
    /// When the client asked for a shard last, in Unix milliseconds, and how often before.
    unheeded: BTreeMap<ShardId, (u64, u32)>,
    /// Where it has written through this node, since it waited for replicas last.
    pub written: BTreeSet<ShardId>,
}

impl Detours {
    /// The client asks for a shard of others again. Answers how often it has; commands that are on
    /// their way together count once, for the client cannot have heard yet.
    pub fn note(&mut self, shard: ShardId, now_ms: u64) -> u32 {
        let (last_ms, count) = self.unheeded.entry(shard).or_insert((now_ms, 1));
        if now_ms.saturating_sub(*last_ms) > MEMORY_MS {
            *count = 1;
        } else if now_ms > *last_ms {
            *count = count.saturating_add(1);
        }
        *last_ms = now_ms;
        *count
    }
}

#[cfg(test)]
mod tests {
    use skep_keyspace::NodeId;

    use super::*;

    #[test]
    fn who_asks_again_and_again_is_counted_and_forgiven_after_a_while() {
        let (one, other) = (ShardId(NodeId::from(1)), ShardId(NodeId::from(2)));
        let mut detours = Detours::default();
        let counts = [1_000, 1_000, 1_001, 1_005].map(|now_ms| detours.note(one, now_ms));
        assert_eq!(counts, [1, 1, 2, 3]);
        assert_eq!(detours.note(other, 1_006), 1);
        assert_eq!(detours.note(one, 1_005 + MEMORY_MS + 1), 1);
    }
}
