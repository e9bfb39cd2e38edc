//! What was measured, as it is kept in JSON: raw runs, nothing derived, so that every table can be
//! made again from the file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::peers::Program;

/// Everything one or several invocations measured.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Results {
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) speed: Vec<SpeedRun>,
    pub(crate) workers: Vec<WorkersRun>,
    pub(crate) latency: Vec<LatencyRun>,
    pub(crate) memory: Vec<MemoryRun>,
    pub(crate) churn: Vec<ChurnRun>,
    pub(crate) hit_ratio: Vec<HitRatioRun>,
    pub(crate) belady: Vec<BeladyRun>,
    pub(crate) prediction: Vec<PredictionRun>,
    pub(crate) answers: Vec<AnswersRun>,
    pub(crate) failovers: Vec<FailoverRun>,
    pub(crate) busy: Vec<BusyRun>,
    pub(crate) slow_replica: Vec<SlowReplicaRun>,
    pub(crate) replication_cost: Vec<ReplicationCostRun>,
}

/// Under which circumstances.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Invocation {
    pub(crate) command: String,
    pub(crate) date: String,
    pub(crate) commit: String,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) versions: BTreeMap<String, String>,
}

/// One run of one cell against one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SpeedRun {
    pub(crate) server: String,
    pub(crate) cell: String,
    pub(crate) rep: usize,
    pub(crate) cpu_us_per_op: f64,
    pub(crate) ops_per_second: f64,
    pub(crate) operations: u64,
    pub(crate) latency: Latency,
    /// Share of its ready time that the server waited for its core.
    pub(crate) server_wait_share: f64,
    pub(crate) generator_wait_share: f64,
}

/// Percentiles of the time from sending a batch to its last answer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
}

/// One run of one cell against our server with some number of workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WorkersRun {
    pub(crate) workers: usize,
    #[serde(flatten)]
    pub(crate) run: SpeedRun,
}

/// One run at a fixed, light rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LatencyRun {
    pub(crate) server: String,
    pub(crate) rep: usize,
    pub(crate) ops_per_second_offered: u64,
    pub(crate) operations: u64,
    pub(crate) latency: Latency,
    pub(crate) server_wait_share: f64,
}

/// One filling of one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MemoryRun {
    pub(crate) server: String,
    pub(crate) items: u64,
    pub(crate) value_bytes: usize,
    pub(crate) has_expiry: bool,
    pub(crate) rss_before: u64,
    pub(crate) rss_after: u64,
    pub(crate) used_before: Option<u64>,
    pub(crate) used_after: Option<u64>,
    pub(crate) rss_peak: u64,
    pub(crate) settle_ms: u64,
    pub(crate) is_settled: bool,
}

/// One filling, halving and refilling of one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ChurnRun {
    pub(crate) server: String,
    pub(crate) value_bytes: usize,
    pub(crate) refill_value_bytes: usize,
    pub(crate) items: u64,
    pub(crate) live_bytes: u64,
    pub(crate) rss_before: u64,
    pub(crate) rss_filled: u64,
    pub(crate) rss_deleted: u64,
    pub(crate) rss_refilled: u64,
    pub(crate) settle_ms: u64,
    pub(crate) is_settled: bool,
}

/// One replay of one trace against one server with one limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HitRatioRun {
    pub(crate) trace: String,
    pub(crate) server: String,
    pub(crate) policy: String,
    pub(crate) maxmemory: u64,
    pub(crate) target_rss: u64,
    pub(crate) rss: u64,
    pub(crate) rss_peak: u64,
    pub(crate) requests: u64,
    pub(crate) misses: u64,
    pub(crate) bytes_requested: u64,
    pub(crate) bytes_missed: u64,
    pub(crate) stores_refused: u64,
    pub(crate) trials: usize,
    /// The resident memory is as near to the target as asked.
    pub(crate) is_calibrated: bool,
    pub(crate) seconds: f64,
}

/// What an oracle would have missed with the same memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BeladyRun {
    pub(crate) trace: String,
    pub(crate) capacity_bytes: u64,
    pub(crate) item_overhead_bytes: u64,
    pub(crate) requests: u64,
    pub(crate) misses: u64,
}

/// What the planner says of a node of ours, and what the node did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PredictionRun {
    pub(crate) trace: String,
    pub(crate) policy: String,
    pub(crate) maxmemory: u64,
    pub(crate) requests: u64,
    pub(crate) misses: u64,
    /// Used at the end, and what of it is not keys, values and index.
    pub(crate) used_bytes: u64,
    pub(crate) process_bytes: u64,
    /// The planner's figures: everything run, and a sample of the slots.
    pub(crate) predicted_hit_ratio: f64,
    pub(crate) sampled_hit_ratio: f64,
    pub(crate) sample_rate: f64,
    pub(crate) seconds: f64,
    pub(crate) predicted_seconds: f64,
}

/// One question about a whole cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AnswersRun {
    pub(crate) nodes: usize,
    /// Of slots.
    pub(crate) ranges: usize,
    pub(crate) rep: usize,
    pub(crate) question: String,
    pub(crate) is_resp3: bool,
    pub(crate) reply_bytes: usize,
    /// What a new version costs before anybody asks.
    pub(crate) version_us: f64,
    /// The first call of a version, which writes the answer.
    pub(crate) first_us: f64,
    /// Processor time of each later call.
    pub(crate) call_us: f64,
}

/// One time that a primary went, as a client of its shard saw it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FailoverRun {
    pub(crate) cause: String,
    pub(crate) rep: usize,
    /// The node also led the agreement on the topology.
    pub(crate) hits_leader: bool,
    /// The longest time without an acknowledged write.
    pub(crate) gap_ms: f64,
    /// When that ended, from the moment it went on.
    pub(crate) gap_ends_ms: f64,
    /// From the moment it went to the first write that another node acknowledged.
    pub(crate) taken_over_ms: f64,
    /// What making it go took itself.
    pub(crate) act_ms: f64,
    /// The longest time without an acknowledged write to another shard.
    pub(crate) other_gap_ms: f64,
    /// Errors other than redirections, and commands without an answer.
    pub(crate) failed_commands: u64,
    pub(crate) first_failure: Option<String>,
    /// Cut off: how long it still acknowledged to a client beside it.
    pub(crate) loss_window_ms: Option<f64>,
}

/// A cluster on a machine that is busy with something else.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct BusyRun {
    pub(crate) seconds: f64,
    pub(crate) loops: usize,
    pub(crate) failovers: u64,
    pub(crate) topology_changes: u64,
    pub(crate) writes: u64,
    pub(crate) gap_ms: f64,
    pub(crate) failed_commands: u64,
}

/// A replica that is ten times too slow, under writes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SlowReplicaRun {
    pub(crate) seconds: f64,
    pub(crate) writes: u64,
    pub(crate) batch_ms_max: f64,
    pub(crate) lag_bytes_max: u64,
    pub(crate) looks: u64,
    pub(crate) looks_out_of_sync: u64,
    pub(crate) failovers: u64,
    /// Times that a replica came back: without and with stripes copied, and how many of those.
    pub(crate) partial_resyncs: u64,
    pub(crate) full_resyncs: u64,
    pub(crate) copied_stripes: u64,
}

/// One run of one cell against a node of ours: alone, or a primary.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReplicationCostRun {
    #[serde(flatten)]
    pub(crate) run: SpeedRun,
    /// Processor time of the replica per operation, if there is one.
    pub(crate) replica_us_per_op: Option<f64>,
}

impl Results {
    /// Reads a file written by [`Results::write`].
    pub(crate) fn read(path: &Path) -> Result<Results> {
        let text = fs::read_to_string(path).context(path.display())?;
        serde_json::from_str(&text)
            .map_err(|error| Error::new(format!("{}: {error}", path.display())))
    }

    /// Writes everything; a measurement is kept even when the next one fails.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::new(format!("{}: {error}", path.display())))?;
        fs::write(path, text + "\n").context(path.display())
    }

    /// Adds what another file holds.
    pub(crate) fn merge(&mut self, other: Results) {
        self.invocations.extend(other.invocations);
        self.speed.extend(other.speed);
        self.workers.extend(other.workers);
        self.latency.extend(other.latency);
        self.memory.extend(other.memory);
        self.churn.extend(other.churn);
        self.hit_ratio.extend(other.hit_ratio);
        self.belady.extend(other.belady);
        self.prediction.extend(other.prediction);
        self.answers.extend(other.answers);
        self.failovers.extend(other.failovers);
        self.busy.extend(other.busy);
        self.slow_replica.extend(other.slow_replica);
        self.replication_cost.extend(other.replication_cost);
    }
}

impl Invocation {
    /// Describes this machine, this moment, these servers.
    pub(crate) fn now(programs: &[Program]) -> Invocation {
        let versions = programs.iter().map(|p| (p.name.to_owned(), p.version.clone())).collect();
        Invocation {
            command: command_line(),
            date: first_line(Command::new("date").args(["-u", "+%FT%TZ"])),
            commit: first_line(Command::new("git").args(["rev-parse", "--short=10", "HEAD"])),
            processor: processor(),
            kernel: first_line(Command::new("uname").arg("-r")),
            versions,
        }
    }
}

/// The command as typed, without the directory of the program.
fn command_line() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("skep-bench {}", words.join(" "))
}

fn first_line(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    text.lines().next().unwrap_or("unknown").to_owned()
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = text.lines().filter(|line| line.starts_with("processor")).count();
    format!("{} ({cores} cores)", model.map_or("unknown", |(_, name)| name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_survive_their_file_and_merge() {
        let path = std::env::temp_dir().join(format!("skep-bench-{}.json", std::process::id()));
        let latency = Latency { p50_us: 1.0, p99_us: 2.0, p999_us: 3.0 };
        let run = SpeedRun {
            server: "skep".to_owned(),
            cell: "get-64-p1".to_owned(),
            rep: 0,
            cpu_us_per_op: 5.5,
            ops_per_second: 1e5,
            operations: 1000,
            latency,
            server_wait_share: 0.0,
            generator_wait_share: 0.0,
        };
        let workers = vec![WorkersRun { workers: 2, run: run.clone() }];
        let results = Results { speed: vec![run], workers, ..Results::default() };
        results.write(&path).unwrap();
        let mut back = Results::read(&path).unwrap();
        back.merge(Results::read(&path).unwrap());
        fs::remove_file(&path).unwrap();
        assert_eq!((back.speed.len(), back.workers.len()), (2, 2));
        assert_eq!(back.workers[0].run.cpu_us_per_op, 5.5);
    }
}
