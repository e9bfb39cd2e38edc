//! How long clients cannot write when a shard's primary goes: killed, stopped, cut off, or in order.
//!
//! Each turn: the cluster is whole, writers write to every shard, one primary goes, another one has
//! to acknowledge; then the node that went comes back, and the next turn waits until it is in sync.

use std::net::SocketAddr;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::fixture::{ANSWER, Cluster, Form, SIX};
use super::view::{Shard, View};
use super::wire::tell;
use super::writer::{Manner, Writer};
use crate::error::{Error, Result};
use crate::results::FailoverRun;
use crate::workload::SplitMix;

/// How a primary goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Kill,
    Stop,
    Partition,
    HandOver,
    Terminate,
}

/// All of them, by the names in results and on the command line.
pub(crate) const CAUSES: [(&str, Cause); 5] = [
    ("kill", Cause::Kill),
    ("stop", Cause::Stop),
    ("partition", Cause::Partition),
    ("hand-over", Cause::HandOver),
    ("terminate", Cause::Terminate),
];

/// A node that says nothing for so long is given up by writers.
const PATIENCE: Duration = Duration::from_millis(50);
/// The same where nothing should ever fail, so that what takes long is seen as a pause.
const PLANNED_PATIENCE: Duration = Duration::from_secs(1);
/// Writers write for so long, and a little more, before anything happens.
const LULL: Duration = Duration::from_millis(500);
const LULL_MORE_MS: u64 = 100;
/// For what may still go wrong after another node has taken over.
const AFTERMATH: Duration = Duration::from_millis(500);
/// A takeover that takes longer is an error.
const TAKEOVER: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(5);
const KEYS_TRIED_MAX: u32 = 10_000;

/// Runs `runs` turns.
pub(crate) fn run(
    skep: &Path,
    keep: Option<&Path>,
    (name, cause): (&str, Cause),
    runs: usize,
    mut take: impl FnMut(FailoverRun) -> Result<()>,
) -> Result<()> {
    let form = Form { has_network: cause == Cause::Partition, ..SIX };
    let mut cluster = Cluster::start(skep, form, keep)?;
    let view = cluster.settled()?;
    let is_planned = matches!(cause, Cause::HandOver | Cause::Terminate);
    let patience = if is_planned { PLANNED_PATIENCE } else { PATIENCE };
    let writers: Result<Vec<ShardWriter>> =
        view.owners().iter().map(|shard| ShardWriter::start(&cluster, shard, patience)).collect();
    let mut turns = Turns { cause, writers: writers?, numbers: SplitMix::new(runs as u64) };
    for rep in 0..runs {
        let mut run = turns.one(&mut cluster, rep)?;
        name.clone_into(&mut run.cause);
        take(run)?;
    }
    Ok(())
}

/// A key of a shard.
pub(super) fn key_of(shard: &Shard) -> Result<String> {
    let mut keys = (0..KEYS_TRIED_MAX).map(|number| format!("key:{number}"));
    let key = keys.find(|key| shard.owns(key.as_bytes()));
    key.ok_or_else(|| Error::new(format!("no key lies in shard {}", shard.id)))
}

/// A writer and the shard that it writes to.
pub(super) struct ShardWriter {
    pub(super) shard: String,
    pub(super) writer: Writer,
}

impl ShardWriter {
    pub(super) fn start(
        cluster: &Cluster,
        shard: &Shard,
        patience: Duration,
    ) -> Result<ShardWriter> {
        let manner = Manner { patience, roams: true, space: None };
        let writer = Writer::start(&key_of(shard)?, cluster.addresses(), manner)?;
        Ok(ShardWriter { shard: shard.id.clone(), writer })
    }
}

struct Turns {
    cause: Cause,
    writers: Vec<ShardWriter>,
    numbers: SplitMix,
}

impl Turns {
    fn one(&mut self, cluster: &mut Cluster, rep: usize) -> Result<FailoverRun> {
        let view = cluster.settled()?;
        let (shard, hits_leader) = self.victim(cluster, view, rep)?;
        // No two turns begin at the same moment between two beacons.
        sleep(LULL + Duration::from_millis(self.numbers.below(LULL_MORE_MS)));
        let view = cluster.settled()?;
        let shard = view.shard(&shard).ok_or_else(|| Error::new("a shard is gone"))?;
        let node = view.address(&shard.primary)?;
        let heir = shard.in_sync.first().ok_or_else(|| Error::new("nobody is in sync"))?;
        let heir = view.address(heir)?;
        let of_shard = self.writers.iter().find(|writer| writer.shard == shard.id);
        let writer = &of_shard.ok_or_else(|| Error::new("nobody writes to the shard"))?.writer;
        let inside = match self.cause {
            Cause::Partition => Some(Inside::start(cluster, shard, node)?),
            _ => None,
        };
        self.writers.iter().for_each(|writer| writer.writer.forget());
        let pid = cluster.pid(node)?;
        let begin = Instant::now();
        self.act(cluster, pid, node, heir)?;
        let done = Instant::now();
        let taken = taken_over(writer, begin, node);
        if self.cause == Cause::Stop {
            signal(pid, Signal::CONT)?;
        }
        let taken = taken?;
        sleep(AFTERMATH);
        let loss_window = inside.map(|inside| inside.acknowledged_for(begin));
        let failures = writer.failures(begin);
        let others = self.writers.iter().filter(|writer| writer.shard != shard.id);
        let other_gap = others.map(|writer| writer.writer.longest_gap(begin)).max();
        let (gap, gap_ends) = writer.longest_gap_ends(begin);
        let run = FailoverRun {
            cause: String::new(),
            rep,
            hits_leader,
            gap_ms: ms(gap),
            gap_ends_ms: ms(gap_ends.saturating_duration_since(begin)),
            taken_over_ms: ms(taken.saturating_duration_since(begin)),
            act_ms: ms(done.saturating_duration_since(begin)),
            other_gap_ms: ms(other_gap.unwrap_or_default()),
            failed_commands: failures.len() as u64,
            first_failure: failures.first().map(|failure| failure.told.clone()),
            loss_window_ms: loss_window.transpose()?.map(ms),
        };
        self.repair(cluster, pid, node)?;
        Ok(run)
    }

    /// Makes the primary go.
    fn act(&self, cluster: &Cluster, pid: Pid, node: SocketAddr, heir: SocketAddr) -> Result<()> {
        match self.cause {
            Cause::Kill => signal(pid, Signal::KILL),
            Cause::Stop => signal(pid, Signal::STOP),
            Cause::Terminate => signal(pid, Signal::TERM),
            Cause::Partition => cluster.cut_off(node, true),
            Cause::HandOver => tell(heir, &["CLUSTER", "FAILOVER"], ANSWER).map(drop),
        }
    }

    /// Makes it come back, if it does not by itself.
    fn repair(&self, cluster: &mut Cluster, pid: Pid, node: SocketAddr) -> Result<()> {
        match self.cause {
            Cause::Kill => cluster.restart(node),
            Cause::Terminate => {
                wait_until_gone(pid)?;
                cluster.restart(node)
            }
            Cause::Partition => cluster.cut_off(node, false),
            Cause::Stop | Cause::HandOver => Ok(()),
        }
    }

    /// The shard whose primary goes: in turn, but every other time that of the leader of the
    /// agreement, which is made a primary first if it is none.
    fn victim(&self, cluster: &Cluster, view: View, rep: usize) -> Result<(String, bool)> {
        let leader = view.leader().unwrap_or_default();
        let leads = |shard: &Shard| shard.primary == leader;
        if rep.is_multiple_of(2) {
            let follows = |shard: &&&Shard| shard.replicas.iter().any(|node| node == leader);
            if let Some(shard) = view.owners().iter().find(follows) {
                tell(view.address(leader)?, &["CLUSTER", "FAILOVER"], ANSWER)?;
                await_primary(cluster, &shard.id, leader)?;
                return Ok((shard.id.clone(), true));
            }
            let led = view.owners().into_iter().find(|shard| leads(shard));
            let shard = led.ok_or_else(|| Error::new("the leader is in no shard"))?;
            return Ok((shard.id.clone(), true));
        }
        let mut others: Vec<_> = view.owners().into_iter().filter(|shard| !leads(shard)).collect();
        let at = rep / 2 % others.len().max(1);
        match others.is_empty() {
            true => Err(Error::new("the cluster has no shards")),
            false => Ok((others.swap_remove(at).id.clone(), false)),
        }
    }
}

/// A client beside a primary that is cut off.
struct Inside {
    writer: Writer,
    node: SocketAddr,
}

impl Inside {
    fn start(cluster: &Cluster, shard: &Shard, node: SocketAddr) -> Result<Inside> {
        let manner = Manner { patience: PATIENCE, roams: false, space: cluster.space(node) };
        let writer = Writer::start(&key_of(shard)?, &[node], manner)?;
        let deadline = Instant::now() + ANSWER;
        while writer.count() == 0 {
            if Instant::now() > deadline {
                let told = writer.failures(deadline - ANSWER).pop().map(|failure| failure.told);
                let told = told.unwrap_or_default();
                return Err(Error::new(format!(
                    "{node} takes no writes from its own host: {told}"
                )));
            }
            sleep(STEP);
        }
        Ok(Inside { writer, node })
    }

    /// How long after a moment it was still acknowledged.
    fn acknowledged_for(&self, since: Instant) -> Result<Duration> {
        let last = self.writer.last_by(self.node);
        let last = last.ok_or_else(|| Error::new("the client beside the primary is silent"))?;
        Ok(last.at.saturating_duration_since(since))
    }
}

fn signal(pid: Pid, signal: Signal) -> Result<()> {
    kill_process(pid, signal)
        .map_err(|error| Error::new(format!("cannot signal {}: {error}", pid.as_raw_nonzero())))
}

/// When another node has acknowledged first.
fn taken_over(writer: &Writer, begin: Instant, from: SocketAddr) -> Result<Instant> {
    while begin.elapsed() < TAKEOVER {
        if let Some(ack) = writer.first_elsewhere(begin, from) {
            return Ok(ack.at);
        }
        sleep(STEP);
    }
    let told = writer.failures(begin).pop().map(|failure| failure.told).unwrap_or_default();
    Err(Error::new(format!("nobody takes over within {TAKEOVER:?}; last: {told}")))
}

fn await_primary(cluster: &Cluster, shard: &str, node: &str) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < TAKEOVER {
        let view = cluster.settled()?;
        if view.shard(shard).is_some_and(|shard| shard.primary == node) {
            return Ok(());
        }
        sleep(STEP);
    }
    Err(Error::new(format!("node {node} does not become primary")))
}

fn wait_until_gone(pid: Pid) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < TAKEOVER {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        // A dead process may wait to be reaped.
        if stat.map_or(true, |stat| stat.contains(") Z ")) {
            return Ok(());
        }
        sleep(STEP);
    }
    Err(Error::new(format!("process {} does not end", pid.as_raw_nonzero())))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
