//! Circuit breakers: a node that has failed to answer several times in a row is left alone for a
//! while, so that nobody waits for it in vain. After that one request tries whether it is back.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use skep_keyspace::NodeId;
use tokio::time::Instant;

/// Failures in a row that open a breaker.
const FAILURES: u32 = 3;
/// How long it stays open.
const OPEN: Duration = Duration::from_millis(1_000);
/// Nodes that are remembered. Only those that fail are.
const NODES_MAX: usize = 1_024;

/// See the module.
#[derive(Default)]
pub(crate) struct Breakers(Mutex<HashMap<NodeId, Breaker>>);

struct Breaker {
    failures: u32,
    /// Until when nobody tries.
    until: Instant,
}

impl Breakers {
    /// Whether a node must not be asked now. The first who may ask again keeps others from it.
    pub(crate) fn is_open(&self, node: NodeId) -> bool {
        let mut breakers = self.0.lock();
        let Some(breaker) = breakers.get_mut(&node).filter(|one| one.failures >= FAILURES) else {
            return false;
        };
        let now = Instant::now();
        if now < breaker.until {
            return true;
        }
        breaker.until = now + OPEN;
        false
    }

    /// A node has answered, or has not.
    pub(crate) fn note(&self, node: NodeId, has_answered: bool) {
        let mut breakers = self.0.lock();
        if has_answered {
            breakers.remove(&node);
            return;
        }
        if breakers.len() >= NODES_MAX {
            breakers.clear();
        }
        let now = Instant::now();
        let breaker = breakers.entry(node).or_insert(Breaker { failures: 0, until: now });
        breaker.failures = breaker.failures.saturating_add(1);
        breaker.until = now + OPEN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_node_that_fails_is_left_alone_and_tried_by_one_after_a_while() {
        let (breakers, node) = (Breakers::default(), NodeId::from(1));
        for _ in 0..FAILURES {
            assert!(!breakers.is_open(node));
            breakers.note(node, false);
        }
        assert!(breakers.is_open(node));
        assert!(!breakers.is_open(NodeId::from(2)));
        tokio::time::advance(OPEN).await;
        assert!(!breakers.is_open(node), "one may try");
        assert!(breakers.is_open(node), "and no other");
        breakers.note(node, true);
        assert!(!breakers.is_open(node));
    }
}
