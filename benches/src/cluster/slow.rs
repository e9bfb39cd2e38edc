//! Whether a replica that is ten times too slow under writes has to be copied anew: its process runs
//! for one millisecond in ten, while a client writes to its primary as fast as it is let.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{Scope, ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::fixture::{ANSWER, Cluster, SIX};
use super::view::{Shard, View};
use super::wire::{Said, Wire};
use crate::error::{Error, Result};
use crate::protocol::{Dialect, Encoder};
use crate::results::SlowReplicaRun;
use crate::workload::{Key, SplitMix, key};

/// Of each ten milliseconds the replica stands still for nine: far shorter than the silence after
/// which it would leave the in-sync set.
const STANDS: Duration = Duration::from_millis(9);
const RUNS: Duration = Duration::from_millis(1);
const LOOK: Duration = Duration::from_millis(500);
const VALUE_BYTES: usize = 256;
/// Writes sent at once.
const PIPELINE: usize = 64;
/// Keys to draw from; a third of them are in the shard.
const KEYS: u64 = 300_000;
/// A primary that makes writes wait may take so long to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Slows a replica down for so long.
pub(crate) fn run(skep: &Path, keep: Option<&Path>, time: Duration) -> Result<SlowReplicaRun> {
    let cluster = Cluster::start(skep, SIX, keep)?;
    let view = cluster.settled()?;
    let nobody = || Error::new("the cluster has no shard with a replica");
    let shard = (*view.owners().first().ok_or_else(nobody)?).clone();
    let primary = view.address(&shard.primary)?;
    let replica = view.address(shard.in_sync.first().ok_or_else(nobody)?)?;
    let pid = cluster.pid(replica)?;
    let before = Sums::complete(&cluster, &view)?;
    let mut run = SlowReplicaRun { seconds: time.as_secs_f64(), ..SlowReplicaRun::default() };
    let (stop, writes, longest_us) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let watched = std::thread::scope(|scope| {
        let halt = Halt(&stop);
        scope.spawn(|| slow_down(pid, &stop));
        let writing = write(scope, primary, &shard, &stop, (&writes, &longest_us));
        let begin = Instant::now();
        while begin.elapsed() < time && !writing.is_finished() {
            sleep(LOOK);
            let seen = cluster.view(primary)?;
            let is_in_sync = seen.shard(&shard.id).is_some_and(|now| now.in_sync == shard.in_sync);
            run.looks += 1;
            run.looks_out_of_sync += u64::from(!is_in_sync);
            let lag_bytes = lag_bytes(primary)?;
            run.lag_bytes_max = run.lag_bytes_max.max(lag_bytes);
        }
        drop(halt);
        writing.join().map_err(|_| Error::new("the writing thread ended early"))?
    });
    watched?;
    let after = cluster.settled()?;
    let sums = Sums::read(&cluster)?;
    run.failovers = after.current_epoch - view.current_epoch;
    run.writes = writes.into_inner();
    run.batch_ms_max = longest_us.into_inner() as f64 / 1e3;
    run.full_resyncs = sums.full - before.full;
    run.copied_stripes = sums.stripes - before.stripes;
    run.partial_resyncs = sums.partial - before.partial;
    Ok(run)
}

/// Ends the other threads, however this one ends.
struct Halt<'a>(&'a AtomicBool);

impl Drop for Halt<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// What all nodes have counted.
struct Sums {
    full: u64,
    partial: u64,
    stripes: u64,
}

impl Sums {
    /// Waits until every replica has come to common ground with its primary.
    fn complete(cluster: &Cluster, view: &View) -> Result<Sums> {
        let replicas: usize = view.owners().iter().map(|shard| shard.replicas.len()).sum();
        let begin = Instant::now();
        loop {
            let sums = Sums::read(cluster)?;
            if sums.full + sums.partial >= replicas as u64 {
                return Ok(sums);
            }
            if begin.elapsed() > ANSWER {
                return Err(Error::new("the replicas do not come to follow their primaries"));
            }
            sleep(LOOK);
        }
    }

    fn read(cluster: &Cluster) -> Result<Sums> {
        let sum = |name: &str| -> Result<u64> {
            cluster.addresses().iter().map(|node| cluster.figure(*node, name)).sum()
        };
        Ok(Sums {
            full: sum("sync_full")?,
            partial: sum("sync_partial_ok")?,
            stripes: sum("sync_copied_stripes")?,
        })
    }
}

fn slow_down(pid: Pid, stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        // It fails when the node has ended, which others will see.
        let _ = kill_process(pid, Signal::STOP);
        sleep(STANDS);
        let _ = kill_process(pid, Signal::CONT);
        sleep(RUNS);
    }
}

/// By how much the only replica lags.
fn lag_bytes(primary: SocketAddr) -> Result<u64> {
    let text = super::wire::tell(primary, &["INFO", "replication"], ANSWER)?;
    let lag = text.lines().find_map(|line| line.strip_prefix("slave0:")?.split_once("lag_bytes="));
    Ok(lag.and_then(|(_, bytes)| bytes.trim().parse().ok()).unwrap_or(0))
}

fn write<'scope>(
    scope: &'scope Scope<'scope, '_>,
    primary: SocketAddr,
    shard: &Shard,
    stop: &'scope AtomicBool,
    (writes, longest_us): (&'scope AtomicU64, &'scope AtomicU64),
) -> ScopedJoinHandle<'scope, Result<()>> {
    let keys: Vec<Key> = (0..KEYS).map(key).filter(|key| shard.owns(key)).collect();
    scope.spawn(move || {
        let gone = |what: &str| Error::new(format!("{primary} while its replica is slow: {what}"));
        let mut wire = Wire::connect(primary, PATIENCE).map_err(|_| gone("no connection"))?;
        let (mut encoder, mut numbers) = (Encoder::new(Dialect::Resp, None), SplitMix::new(7));
        let mut requests = Vec::new();
        while !stop.load(Relaxed) {
            requests.clear();
            for _ in 0..PIPELINE {
                let key = &keys[numbers.below(keys.len() as u64) as usize];
                encoder.set(key, VALUE_BYTES, &mut requests);
            }
            let begin = Instant::now();
            wire.send(&requests).map_err(|silence| gone(&format!("{silence:?}")))?;
            for _ in 0..PIPELINE {
                match wire.receive() {
                    Ok(Said::Text(_)) => {}
                    Ok(Said::No(text)) => return Err(gone(&text)),
                    Err(silence) => return Err(gone(&format!("{silence:?}"))),
                }
            }
            longest_us.fetch_max(begin.elapsed().as_micros() as u64, Relaxed);
            writes.fetch_add(PIPELINE as u64, Relaxed);
        }
        Ok(())
    })
}
