//! What depends on how far replicas are: whether a primary may write, whether its writes must wait
//! for them, and whether a replica's data is young enough to be read. Looked at every few beacons.
//!
//! A primary has its writes wait while an in-sync replica has yet to be sent more than half of what a
//! lane keeps, so that it is not left behind and copied anew; also while it comes back after it has
//! lost its connection. One that stands still is not waited for.

use std::sync::Arc;
use std::time::Duration;

use skep_keyspace::NodeId;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Cluster, Progress, clock};
use crate::settings::ClusterSettings;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// A replica that has taken nothing for so long is not waited for.
const STANDSTILL_NS: u64 = 2_000_000_000;
/// Lanes forget nothing before their logs have grown to this share of what they may.
const FULL_PERCENT: u64 = 75;
/// Writes wait when a replica lacks this share of what a lane keeps, and go on when it lacks the other.
const WAIT_PERCENT: u64 = 50;
const GO_ON_PERCENT: u64 = 40;
/// Between two notices that writes wait.
const TELL: Duration = Duration::from_secs(10);
/// A lane of which less is to be sent is not looked at.
const LACK_BYTES_MIN: u64 = 16 << 10;

/// Runs until the node ends.
pub(super) async fn run(cluster: Arc<Cluster>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told_at: Option<Instant> = None;
    loop {
        ticks.tick().await;
        let settings = cluster.node.settings.load();
        let awaited = cluster.pace(&settings.cluster);
        let may_tell = told_at.is_none_or(|at| at.elapsed() > TELL);
        if let Some((node, lane)) = awaited.filter(|_| may_tell) {
            cluster.node.notice(&format!("writes wait for replica {node}, lane {lane}"));
            told_at = Some(Instant::now());
        }
    }
}

impl Cluster {
    /// Answers for which replica and lane writes wait from now on.
    fn pace(&self, settings: &ClusterSettings) -> Option<(NodeId, u8)> {
        let now = clock::now();
        let fresh_until = settings.staleness_max.map_or(u64::MAX, |bound| {
            let bound = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
            self.replication.fresh_at().map_or(0, |at| at.saturating_add(bound))
        });
        self.duty.set_fresh(fresh_until);
        let lag_max = u64::try_from(settings.replica_lag_max.as_nanos()).unwrap_or(u64::MAX);
        let replicas = self.replication.replicas();
        let good = replicas.iter().filter(|replica| {
            replica.is_complete() && now.saturating_sub(replica.heard_at()) <= lag_max
        });
        self.duty.set_lacks_replicas(good.count() < settings.replicas_to_write);
        let kept_percent = if self.duty.holds_writes() { GO_ON_PERCENT } else { WAIT_PERCENT };
        let awaited = self.endangered(now, settings.log_bytes, kept_percent);
        let is_new = self.duty.set_holds_writes(awaited.is_some());
        awaited.filter(|_| is_new)
    }

    /// An in-sync replica that is worth waiting for, and a lane of which it lacks more than so many
    /// hundredths of what is kept.
    fn endangered(&self, now: u64, log_bytes: u64, kept_percent: u64) -> Option<(NodeId, u8)> {
        let routes = self.routes();
        let (_, shard) = routes.my_shard().filter(|_| !routes.is_replica())?;
        let store = &self.node.store;
        if store.lane_memory_bytes() < log_bytes / 100 * FULL_PERCENT {
            return None;
        }
        let replicas = [self.replication.replicas(), self.replication.absent()].concat();
        let mut awaited = replicas.iter().filter(|replica| {
            shard.in_sync.contains(&replica.node)
                && now.saturating_sub(replica.stands_since()) < STANDSTILL_NS
        });
        let lacks_much = |replica: &Progress, lane: u8| {
            let end = store.lane_end(lane);
            let lacks_bytes = replica.lacks_bytes(lane, end);
            let kept_bytes = || end.saturating_sub(store.lane_begin(lane));
            lacks_bytes > LACK_BYTES_MIN && lacks_bytes > kept_bytes() * kept_percent / 100
        };
        awaited.find_map(|replica| {
            let lane = (0..=u8::MAX).find(|lane| lacks_much(replica, *lane))?;
            Some((replica.node, lane))
        })
    }
}
