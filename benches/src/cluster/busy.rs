//! Whether a machine that is busy with something else makes nodes fail over that are well: all cores
//! are kept busy, and nobody may be taken for dead.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::failover::ShardWriter;
use super::fixture::{Cluster, SIX};
use crate::error::Result;
use crate::results::BusyRun;

/// A writer gives a node up after so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between looks at the cluster.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the cores busy with so many loops for so long.
pub(crate) fn run(
    skep: &Path,
    keep: Option<&Path>,
    loops: usize,
    time: Duration,
) -> Result<BusyRun> {
    let cluster = Cluster::start(skep, SIX, keep)?;
    let before = cluster.settled()?;
    let writers: Result<Vec<ShardWriter>> =
        before.owners().iter().map(|shard| ShardWriter::start(&cluster, shard, PATIENCE)).collect();
    let writers = writers?;
    let (stop, begin) = (AtomicBool::new(false), Instant::now());
    let mut run = BusyRun { seconds: time.as_secs_f64(), loops, ..BusyRun::default() };
    std::thread::scope(|scope| {
        for _ in 0..loops {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let mut version = before.version;
        while begin.elapsed() < time {
            sleep(LOOK);
            // A look that comes to nothing on such a machine is made again.
            let Ok(view) = cluster.view(cluster.addresses()[0]) else { continue };
            run.topology_changes += view.version - version;
            version = view.version;
            run.gap_ms = writers.iter().fold(run.gap_ms, |longest, writer| {
                let gap = writer.writer.longest_gap(begin).as_secs_f64() * 1e3;
                run.failed_commands += writer.writer.failures(begin).len() as u64;
                run.writes += writer.writer.count() as u64;
                writer.writer.forget();
                longest.max(gap)
            });
        }
        stop.store(true, Relaxed);
    });
    let after = cluster.settled()?;
    run.failovers = after.current_epoch - before.current_epoch;
    Ok(run)
}
