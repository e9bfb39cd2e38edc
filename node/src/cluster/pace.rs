//! What depends on how far replicas are: whether a primary may write, whether its writes must wait
//! for them, and whether a replica's data is young enough to be read. Looked at every few beacons.
//!
//! A primary whose in-sync replica lags by half of what its lanes keep has its writes wait, so that
//! the replica is not left behind and copied anew. One that stands still is not waited for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{Cluster, clock};
use crate::settings::ClusterSettings;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// A replica that has applied nothing for so long is not waited for.
const STANDSTILL_NS: u64 = 1_000_000_000;

/// Runs until the node ends.
pub(super) async fn run(cluster: Arc<Cluster>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let settings = cluster.node.settings.load();
        cluster.pace(&settings.cluster);
    }
}

impl Cluster {
    fn pace(&self, settings: &ClusterSettings) {
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
        let lag_bytes = self.awaited_lag_bytes(now);
        let (begin, end) = (settings.log_bytes / 2, settings.log_bytes / 4);
        let holds = lag_bytes > if self.duty.holds_writes() { end } else { begin };
        if self.duty.set_holds_writes(holds) {
            let what = if holds { "wait for replicas" } else { "go on" };
            self.node.notice(&format!("writes {what}: {lag_bytes} bytes behind"));
        }
    }

    /// By how much the in-sync replica that is worth waiting for lags most.
    fn awaited_lag_bytes(&self, now: u64) -> u64 {
        let routes = self.routes();
        let Some((_, shard)) = routes.my_shard().filter(|_| !routes.is_replica()) else { return 0 };
        let offset = self.node.store.offset_bytes();
        let replicas = self.replication.replicas();
        let awaited = replicas.iter().filter(|replica| {
            shard.in_sync.contains(&replica.node)
                && now.saturating_sub(replica.stands_since()) < STANDSTILL_NS
        });
        awaited.map(|replica| offset.saturating_sub(replica.applied())).max().unwrap_or(0)
    }
}
