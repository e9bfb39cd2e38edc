//! How a node that does not vote, or votes but hears of no leader, learns of newer topologies: it
//! asks a voter, which answers at once when there is a newer one and soon in any case. A voter that
//! does not answer, or does not hear of a leader itself, makes it ask the next one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use skep_keyspace::NodeId;
use tokio::time::{Instant, sleep, timeout};

use super::network::call;
use super::running::{Hints, Running, Shared};
use super::wire::{self, Call, Reply};

/// How many nodes are remembered as perhaps voting, while nobody knows better.
const HINTS_MAX: usize = 64;
/// When nobody has answered.
const PAUSE: Duration = Duration::from_millis(50);

/// Follows until the shutdown.
pub(super) async fn run(shared: Arc<Shared>) {
    shared.until_shutdown(follow(&shared)).await;
}

async fn follow(shared: &Shared) {
    let mut turn = 0;
    loop {
        let Some(running) = shared.running.load_full() else {
            shared.look_again.notified().await;
            continue;
        };
        let summoner = shared.summons.lock().take();
        if let Some(summoner) = summoner {
            ask(shared, &running, summoner).await;
            continue;
        }
        if shared.is_attached() {
            shared.hears.store(false, Ordering::Relaxed);
            // Raft is not asked to tell of every change, but looked at again.
            let _ = timeout(shared.timings.heartbeat, shared.look_again.notified()).await;
            continue;
        }
        let others = shared.others();
        let Some(target) = others.get(turn % others.len().max(1)).copied() else {
            let _ = timeout(shared.timings.heartbeat, shared.look_again.notified()).await;
            continue;
        };
        let begin = Instant::now();
        if ask(shared, &running, target).await {
            shared.hears.store(true, Ordering::Relaxed);
            // It leads the list from now on, or its place in it is where to go on.
            turn = shared.others().iter().position(|other| *other == target).unwrap_or(0);
            continue;
        }
        shared.hears.store(false, Ordering::Relaxed);
        turn += 1;
        if begin.elapsed() < PAUSE {
            sleep(PAUSE).await;
        }
    }
}

/// Asks one node. Whether it is a voter that hears of a leader.
async fn ask(shared: &Shared, running: &Running, target: NodeId) -> bool {
    let version = Some(shared.board.topology().version);
    let leader = shared.leader();
    let question = wire::ask(running.group, Call::Follow { version, leader });
    let Ok(frame) = question else { return false };
    let within = shared.timings.follow_wait + shared.timings.request;
    match call(&*shared.transport, target, frame, within).await {
        Ok(Reply::Seen(seen)) if seen.group >= running.group => {
            running.is_dismissed.store(!seen.voters.contains(&shared.me), Ordering::Relaxed);
            // What cannot be kept is still seen; after a restart it is told again.
            let _ = shared.take(seen).await;
            true
        }
        Ok(Reply::Current { leader, voters }) => {
            running.is_dismissed.store(!voters.contains(&shared.me), Ordering::Relaxed);
            *shared.hints.lock() = Hints { leader, voters };
            true
        }
        Ok(Reply::NotVoter { voters }) => {
            let mut hints = shared.hints.lock();
            let room = HINTS_MAX.saturating_sub(hints.voters.len());
            hints.voters.extend(voters.into_iter().take(room));
            false
        }
        Ok(_) | Err(_) => false,
    }
}
