//! When a voter may stand for election, beyond what Raft says: standing makes the others turn away
//! from a leader that is alive.
//!
//! * A voter that has just started waits to hear of the leader that there is. Should there be none,
//!   those that have started together stand one after the other, so that the first one is elected.
//! * A node that was made an observer while it was away does not stand again and again.
//! * Nobody stands but when a majority hears of no leader (the pre-vote of Ongaro's dissertation,
//!   section 9.6, without its look at the logs). One that was cut off would else come back with a
//!   higher term and depose a leader that all others hear; and having been refused for its short log,
//!   it would wait long the next time that a leader really dies.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use skep_keyspace::NodeId;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::network::call;
use super::running::{Hints, Running, Shared, is_cut_off, voters_of};
use super::wire::{self, Call, Reply};

/// Between two voters that start together; more than an election takes.
const STAGGER: Duration = Duration::from_millis(100);
/// A leader is not heard of when so many of its heartbeats are missing; in good time before anybody
/// may stand.
const MISSED_HEARTBEATS: u32 = 3;

/// Looks again and again until the shutdown.
pub(super) async fn run(shared: Arc<Shared>) {
    shared.until_shutdown(look(&shared)).await;
}

async fn look(shared: &Shared) {
    let mut ticks = interval(shared.timings.heartbeat);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(running) = shared.running.load_full() else { continue };
        if shared.is_attached() {
            running.has_heard.store(true, Ordering::Relaxed);
            running.is_dismissed.store(false, Ordering::Relaxed);
            let (leader, voters) = (shared.leader(), voters_of(&running.raft));
            *shared.hints.lock() = Hints { leader, voters };
        }
        let stands = may_stand(shared, &running)
            && !shared.hears_a_leader(&running)
            && shared.majority_says(&running, |hears| !hears).await;
        running.raft.runtime_config().elect(stands);
    }
}

impl Shared {
    /// Whether this node leads, or has just heard of a leader.
    pub(super) fn hears_a_leader(&self, running: &Running) -> bool {
        let metrics = running.raft.metrics().borrow().clone();
        let leads = metrics.current_leader == Some(self.me) && !is_cut_off(&metrics);
        let patience = self.timings.heartbeat * MISSED_HEARTBEATS;
        leads || running.heard.lock().is_some_and(|heard| heard.elapsed() < patience)
    }

    /// Asks all voters whether they hear of a leader. Answers whether a majority, this node included,
    /// says what is wanted; of both, while the voters change.
    pub(super) async fn majority_says(
        &self,
        running: &Running,
        is_wanted: fn(bool) -> bool,
    ) -> bool {
        let Ok(frame) = wire::ask(running.group, Call::Poll) else { return false };
        let mut asked = JoinSet::new();
        for voter in voters_of(&running.raft).into_iter().filter(|voter| *voter != self.me) {
            let (transport, frame) = (Arc::clone(&self.transport), frame.clone());
            let within = self.timings.heartbeat;
            asked.spawn(async move {
                let reply = call(&*transport, voter, frame, within).await;
                match reply {
                    Ok(Reply::Poll { hears }) if is_wanted(hears) => Some(voter),
                    _ => None,
                }
            });
        }
        let mut agree = vec![self.me];
        loop {
            if is_majority(running, &agree) {
                return true;
            }
            match asked.join_next().await {
                Some(answer) => agree.extend(answer.ok().flatten()),
                None => return false,
            }
        }
    }
}

fn is_majority(running: &Running, agree: &[NodeId]) -> bool {
    let metrics = running.raft.metrics().borrow().clone();
    let configs = metrics.membership_config.membership().get_joint_config().clone();
    configs.iter().all(|voters| {
        let count = agree.iter().filter(|node| voters.contains(*node)).count();
        count * 2 > voters.len()
    })
}

fn may_stand(shared: &Shared, running: &Running) -> bool {
    let voters = voters_of(&running.raft);
    let Some(rank) = voters.iter().position(|voter| *voter == shared.me) else { return false };
    let patience = shared.timings.election_max + STAGGER * rank as u32;
    let is_patient = voters.len() == 1
        || running.has_heard.load(Ordering::Relaxed)
        || running.begin.elapsed() >= patience;
    is_patient && !running.is_dismissed.load(Ordering::Relaxed)
}
