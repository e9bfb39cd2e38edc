//! Keeping what the topology says of nodes true: this node's own entry, and which nodes answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use skep_cluster::Change;
use skep_keyspace::NodeId;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Cluster;

/// How often the leader asks every node whether it is there.
const ROUND: Duration = Duration::from_millis(500);
/// How long a node may take to answer that.
const PATIENCE: Duration = Duration::from_millis(400);
/// So many rounds in a row that a node misses, or answers again, count.
const ROUNDS: u32 = 3;
/// Between attempts to resolve names: at first, and at most after so many in vain.
const LOOKUP_MIN: Duration = Duration::from_millis(200);
const LOOKUP_MAX: Duration = Duration::from_secs(5);
/// Between attempts to have this node's entry corrected.
const CORRECT: Duration = Duration::from_millis(200);

/// Has this node's entry changed whenever it is not what the node is: after a start, a move.
pub(super) async fn keep_own_entry(cluster: Arc<Cluster>) {
    let mut topology = cluster.consensus().topology();
    loop {
        let is_wrong = topology.borrow_and_update().nodes.get(&cluster.me).is_some_and(|known| {
            let about = &cluster.about;
            skep_cluster::Node { is_failed: known.is_failed, ..about.clone() } != *known
        });
        if is_wrong {
            let change = Change::Update { node: cluster.me, about: cluster.about.clone() };
            let entry = cluster.entry("the start of the node", change);
            // What became of it is seen in the topology.
            let _ = cluster.consensus().propose(entry).await;
            sleep(CORRECT).await;
        } else if topology.changed().await.is_err() {
            return;
        }
    }
}

/// Looks up the names of members: new ones at once, and those that nobody knows ever more rarely.
pub(super) async fn keep_addresses(cluster: Arc<Cluster>) {
    let peers = &cluster.peers;
    let mut pause = LOOKUP_MIN;
    loop {
        let are_resolved = peers.resolve_names().await;
        tokio::select! {
            () = peers.named() => pause = LOOKUP_MIN,
            () = sleep(pause), if !are_resolved => pause = longer(pause),
        }
    }
}

fn longer(pause: Duration) -> Duration {
    (2 * pause).min(LOOKUP_MAX)
}

/// While this node leads, marks the nodes that do not answer, and those that do again.
pub(super) async fn watch(cluster: Arc<Cluster>) {
    let mut ticks = interval(ROUND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut streaks: HashMap<NodeId, Streak> = HashMap::new();
    loop {
        ticks.tick().await;
        let consensus = cluster.consensus();
        if consensus.leader() != Some(cluster.me) || !consensus.is_attached() {
            streaks.clear();
            continue;
        }
        let answers = round(&cluster).await;
        let topology = consensus.topology().borrow().clone();
        streaks.retain(|node, _| topology.nodes.contains_key(node));
        for (node, is_there) in answers {
            let Some(about) = topology.nodes.get(&node) else { continue };
            let streak = streaks.entry(node).or_default();
            if streak.note(is_there) >= ROUNDS && about.is_failed == is_there {
                mark(&cluster, node, !is_there).await;
            }
        }
    }
}

/// How often in a row a node has answered, or has not.
#[derive(Default)]
struct Streak {
    is_there: bool,
    rounds: u32,
}

impl Streak {
    fn note(&mut self, is_there: bool) -> u32 {
        let goes_on = self.is_there == is_there;
        self.is_there = is_there;
        self.rounds = if goes_on { self.rounds.saturating_add(1) } else { 1 };
        self.rounds
    }
}

/// Asks all other members at once. Who asks is there itself: the leader before may have missed it.
async fn round(cluster: &Arc<Cluster>) -> Vec<(NodeId, bool)> {
    let topology = cluster.consensus().topology().borrow().clone();
    let mut asked = tokio::task::JoinSet::new();
    for &node in topology.nodes.keys().filter(|node| **node != cluster.me) {
        let cluster = Arc::clone(cluster);
        asked.spawn(async move { (node, cluster.is_there(node, PATIENCE).await) });
    }
    let mut answers = asked.join_all().await;
    answers.push((cluster.me, true));
    answers
}

async fn mark(cluster: &Cluster, node: NodeId, is_failed: bool) {
    let what = if is_failed { "does not answer" } else { "answers again" };
    cluster.node.notice(&format!("node {node} {what}"));
    let change = Change::Mark { node, is_failed };
    let entry = cluster.entry("the leader's rounds", change);
    // The next round tries again.
    let _ = cluster.consensus().propose(entry).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_knows_are_looked_up_ever_more_rarely() {
        let pauses = std::iter::successors(Some(LOOKUP_MIN), |pause| Some(longer(*pause)));
        let pauses: Vec<u128> = pauses.take(7).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    }

    #[test]
    fn only_what_lasts_counts() {
        let mut streak = Streak::default();
        let seen = [true, true, false, false, false, true].map(|is_there| streak.note(is_there));
        assert_eq!(seen, [1, 2, 1, 2, 3, 1]);
    }
}
