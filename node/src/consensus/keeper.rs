//! The leader keeps the voters as `voters.rs` would have them. Whoever leads begins anew: nothing
//! here is stored.
//!
//! A leader that no majority answers also stops telling that it leads, or the voters on its side
//! would hold on to it, and observers to them. It asks now and then whether that is still so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use openraft::error::{ClientWriteError, RaftError};
use openraft::{ChangeMembers, EmptyNode, RaftMetrics};
use skep_cluster::Topology;
use skep_keyspace::NodeId;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::running::{LEADER_STALE, Running, Shared, is_cut_off};
use super::voters::{Present, Step, next_step};

/// A learner that lacks so few entries has caught up: it is sent them all the time.
const LAG_ENTRIES_MAX: u64 = 64;
/// How much longer one that did not catch up is passed over than it was waited for.
const PASS_OVER_FACTOR: u32 = 6;

/// What a leader has seen since it leads.
#[derive(Default)]
struct Watch {
    leads: Option<Instant>,
    /// Since when nodes have been marked as failed.
    failed: BTreeMap<NodeId, Instant>,
    /// Since when learners are waited for.
    taught: BTreeMap<NodeId, Instant>,
    /// Until when nodes are passed over, because they did not catch up.
    passed_over: BTreeMap<NodeId, Instant>,
    /// When it was last asked whether there is a majority again. None while there is.
    asked: Option<Instant>,
}

/// Looks again and again until the shutdown.
pub(super) async fn run(shared: Arc<Shared>) {
    shared.until_shutdown(keep(&shared)).await;
}

async fn keep(shared: &Shared) {
    let mut ticks = interval(shared.timings.keep);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = Watch::default();
    loop {
        ticks.tick().await;
        let Some(running) = shared.running.load_full() else { continue };
        let metrics = running.raft.metrics().borrow().clone();
        if metrics.current_leader != Some(shared.me) {
            watch.tell(shared, &running, false).await;
            watch = Watch::default();
            continue;
        }
        let since = *watch.leads.get_or_insert_with(Instant::now);
        let is_cut_off = is_cut_off(&metrics);
        watch.tell(shared, &running, is_cut_off && since.elapsed() >= LEADER_STALE).await;
        if is_cut_off {
            continue;
        }
        let topology = shared.board.topology();
        if let Some(step) = watch.step(shared, &topology, &metrics) {
            // What fails is tried again, as is what has no majority: it may have been made.
            let _ = timeout(shared.timings.propose, take(&running, step)).await;
        }
    }
}

impl Watch {
    async fn tell(&mut self, shared: &Shared, running: &Running, is_cut_off: bool) {
        let now = Instant::now();
        if is_cut_off == self.asked.is_none() {
            running.raft.runtime_config().heartbeat(!is_cut_off);
            self.asked = is_cut_off.then_some(now);
        }
        if self.asked.is_some_and(|asked| now - asked >= LEADER_STALE) {
            self.asked = Some(now);
            // Those who are cut off with it must not take it for a leader.
            if !shared.majority_says(running, |_| true).await {
                return;
            }
            // A Raft that has stopped is told of elsewhere.
            let _ = running.raft.trigger().heartbeat().await;
        }
    }

    fn step(
        &mut self,
        shared: &Shared,
        topology: &Topology,
        metrics: &RaftMetrics<NodeId, EmptyNode>,
    ) -> Option<Step> {
        let membership = metrics.membership_config.membership();
        // Of an unfinished change, what it was to become.
        let configs = membership.get_joint_config();
        let voters = configs.last()?;
        let learners: BTreeSet<NodeId> = membership.learner_ids().collect();
        let last = metrics.last_log_index.unwrap_or(0);
        let has_caught_up = |node: &NodeId| {
            let matched =
                metrics.replication.as_ref().and_then(|matched| matched.get(node)?.as_ref());
            matched.is_some_and(|matched| matched.index + LAG_ENTRIES_MAX >= last)
        };
        let timings = &shared.timings;
        self.look(topology, &learners, has_caught_up, timings.catch_up);
        let unfit = self.unfit(timings.failed);
        let present = Present {
            leader: shared.me,
            voters,
            is_joint: configs.len() > 1,
            learners: &learners,
            unfit: &unfit,
        };
        next_step(topology, &present, has_caught_up)
    }

    fn look(
        &mut self,
        topology: &Topology,
        learners: &BTreeSet<NodeId>,
        has_caught_up: impl Fn(&NodeId) -> bool,
        catch_up: Duration,
    ) {
        let now = Instant::now();
        let is_failed =
            |node: &NodeId| topology.nodes.get(node).is_some_and(|about| about.is_failed);
        self.failed.retain(|node, _| is_failed(node));
        for node in topology.nodes.keys().filter(|node| is_failed(node)) {
            self.failed.entry(*node).or_insert(now);
        }
        self.passed_over.retain(|_, until| *until > now);
        self.taught.retain(|node, _| learners.contains(node) && !has_caught_up(node));
        for node in learners.iter().filter(|node| !has_caught_up(node)) {
            let since = *self.taught.entry(*node).or_insert(now);
            if now - since >= catch_up {
                self.taught.remove(node);
                self.passed_over.insert(*node, now + catch_up * PASS_OVER_FACTOR);
            }
        }
    }

    fn unfit(&self, failed: Duration) -> BTreeSet<NodeId> {
        let now = Instant::now();
        let failed = self.failed.iter().filter(|(_, since)| now - **since >= failed);
        failed.map(|(node, _)| node).chain(self.passed_over.keys()).copied().collect()
    }
}

async fn take(
    running: &Running,
    step: Step,
) -> Result<(), RaftError<NodeId, ClientWriteError<NodeId, EmptyNode>>> {
    let raft = &running.raft;
    match step {
        Step::Teach(node) => raft.add_learner(node, EmptyNode {}, false).await,
        // Those that vote no longer are still told that, and dismissed after.
        Step::Appoint(voters) => raft.change_membership(voters, true).await,
        Step::Dismiss(node) => {
            let change = ChangeMembers::RemoveNodes(BTreeSet::from([node]));
            raft.change_membership(change, true).await
        }
    }
    .map(drop)
}
