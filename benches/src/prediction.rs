//! Whether the planner's hit ratios hold: a trace is replayed to a node of ours at three memory
//! limits, and the planner says, from the trace and the limit alone, how many will be hits. (For
//! LRU it is told how fast requests came as well: that policy's clock ticks four times a second.)

use std::path::Path;
use std::time::Instant;

use skep_planner::model::replica::{Policy, Replica, Setup as ReplicaSetup};
use skep_planner::model::weight::NodeMemory;
use skep_planner::trace::Reader;

use crate::error::{Error, Result};
use crate::peers::{Kind, Program};
use crate::replay::replay;
use crate::results::PredictionRun;
use crate::server::{Server, Setup};
use crate::table::Table;
use crate::trace::Trace;

/// Limits, as shares of the memory at which servers are compared on a trace.
const LIMITS: [(u64, u64); 3] = [(1, 2), (1, 1), (2, 1)];
const MIB: u64 = 1 << 20;
const POLICIES: [(Policy, &str); 2] =
    [(Policy::AllKeysAdaptive, "allkeys-adaptive"), (Policy::AllKeysLru, "allkeys-lru")];
/// The share of slots in the sample.
const SAMPLE_RATE: f64 = 0.25;
const SEED: u64 = 7;

/// Compares prediction and replay. The node may use all of `cores`: with a single one its allocator
/// takes some megabytes less than nodes usually do.
pub(crate) fn run(
    programs: &[Program],
    traces: &[Trace],
    directory: &Path,
    cores: &str,
    mut keep: impl FnMut(PredictionRun) -> Result<()>,
) -> Result<()> {
    let Some(program) = programs.iter().find(|program| program.kind == Kind::Skep) else {
        return Err(Error::new("prediction needs our node; name skep among the servers"));
    };
    for trace in traces {
        for (policy, name) in POLICIES {
            for (numerator, denominator) in LIMITS {
                let maxmemory = trace.target_mib * MIB * numerator / denominator;
                let run = measure(program, trace, directory, maxmemory, name, cores)?;
                // LRU looks at the clock, so the prediction must know how fast requests come.
                let pace = run.requests as f64 / run.seconds;
                let begin = Instant::now();
                let predicted = predict(trace, directory, maxmemory, policy, (1.0, pace))?;
                let predicted_seconds = begin.elapsed().as_secs_f64();
                let sample = (SAMPLE_RATE, pace);
                let sampled = predict(trace, directory, maxmemory, policy, sample)?;
                keep(PredictionRun {
                    predicted_hit_ratio: predicted,
                    predicted_seconds,
                    sampled_hit_ratio: sampled,
                    sample_rate: SAMPLE_RATE,
                    ..run
                })?;
            }
        }
    }
    Ok(())
}

fn predict(
    trace: &Trace,
    directory: &Path,
    maxmemory: u64,
    policy: Policy,
    (rate, requests_per_second): (f64, f64),
) -> Result<f64> {
    let failed = |error: skep_planner::PlanError| Error::new(error.to_string());
    let mut replica = Replica::new(&ReplicaSetup {
        memory_bytes: maxmemory,
        policy,
        node: NodeMemory::of(1, policy),
        rate: Some(rate),
        seed: SEED,
    })
    .map_err(failed)?;
    let accesses = Reader::open(&trace.path(directory), None).map_err(failed)?;
    for (number, access) in (0u32..).zip(accesses) {
        let access = access.map_err(failed)?;
        let now_ms = f64::from(number) * 1000.0 / requests_per_second;
        replica.serve(&access, access.size_bytes(), now_ms as u64);
    }
    Ok(replica.hit_ratio())
}

fn measure(
    program: &Program,
    trace: &Trace,
    directory: &Path,
    maxmemory: u64,
    policy: &'static str,
    cores: &str,
) -> Result<PredictionRun> {
    let requests = trace.read(directory)?;
    let mut setup = Setup::on_cores(cores);
    setup.maxmemory = Some(maxmemory);
    setup.policy = Some(policy);
    let server = Server::start(program, &setup)?;
    let begin = Instant::now();
    let counts = replay(server.connect()?, server.dialect(), &requests)?;
    let seconds = begin.elapsed().as_secs_f64();
    let mut connection = server.connect()?;
    let mut figure = |name: &str| -> Result<u64> {
        connection.figure(name)?.ok_or_else(|| Error::new(format!("no {name} in INFO")))
    };
    let used_bytes = figure("used_memory")?;
    Ok(PredictionRun {
        trace: trace.name.to_owned(),
        policy: policy.to_owned(),
        maxmemory,
        requests: counts.requests,
        misses: counts.misses,
        used_bytes,
        process_bytes: used_bytes.saturating_sub(figure("used_memory_dataset")?),
        predicted_hit_ratio: 0.0,
        sampled_hit_ratio: 0.0,
        sample_rate: 0.0,
        seconds,
        predicted_seconds: 0.0,
    })
}

/// The table of all runs.
pub(crate) fn table(runs: &[PredictionRun]) -> Table {
    let mut table = Table::new([
        "trace",
        "policy",
        "maxmemory",
        "node",
        "predicted",
        "off by",
        "from slots",
        "off by",
        "replay",
        "prediction",
    ]);
    for run in runs {
        let hit_ratio = 1.0 - run.misses as f64 / run.requests as f64;
        let percent = |ratio: f64| format!("{:.2} %", ratio * 100.0);
        let off = |ratio: f64| format!("{:+.2}", (ratio - hit_ratio) * 100.0);
        let sampled = percent(run.sampled_hit_ratio);
        table.row([
            run.trace.clone(),
            run.policy.clone(),
            format!("{} MiB", run.maxmemory / MIB),
            percent(hit_ratio),
            percent(run.predicted_hit_ratio),
            off(run.predicted_hit_ratio),
            format!("{sampled} of {:.0} %", run.sample_rate * 100.0),
            off(run.sampled_hit_ratio),
            format!("{:.1} s", run.seconds),
            format!("{:.1} s", run.predicted_seconds),
        ]);
    }
    table
}
