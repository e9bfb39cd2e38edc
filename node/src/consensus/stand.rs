//! When a voter may stand for election, beyond what Raft says: standing makes the others turn away
//! from a leader that is alive.
//!
//! * A voter that has just started waits to hear of the leader that there is. Should there be none,
//!   those that have started together stand one after the other, so that the first one is elected.
//! * A node that was made an observer while it was away does not stand again and again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::running::{Hints, Running, Shared, voters_of};

/// Between two voters that start together; more than an election takes.
const STAGGER: Duration = Duration::from_millis(100);

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
        running.raft.runtime_config().elect(may_stand(shared, &running));
    }
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
