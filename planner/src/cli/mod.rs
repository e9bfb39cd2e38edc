//! The command line: what every command takes, and one file for each of them.

mod advise;
mod explain;
mod failover;
mod from;
mod hotkeys;
mod layouts;
mod listen;
mod man;
mod mrc;
mod probe;
mod progress;
mod replay;
mod reshard;
mod shards;
mod simulate;
mod size;
mod slots;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod throughput;
mod traffic;
mod validate;
mod zones;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::error::Result;
use crate::quantity::Units;
use crate::report::{Format, Report};

/// Capacity planning for Skep, Redis and Valkey clusters
///
/// Sizes: 16G, 16GB and 16GiB are all 16 x 2^30 bytes; with --si, G and GB are 10^9. Counts (50M
/// keys) are decimal. Rates are per second unless they say otherwise (30k/m). Exit codes: 0 it fits,
/// 1 it was computed but a constraint is violated (or a warning, with --fail-on warn), 2 arguments
/// that contradict each other, 3 something could not be read, 4 the cluster changed since the plan,
/// 70 a defect.
#[derive(Debug, Parser)]
#[command(name = "planner", version, propagate_version = true, subcommand_required = true)]
#[command(arg_required_else_help = true, max_term_width = 100)]
pub struct Planner {
    /// What to plan.
    #[command(subcommand)]
    command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, for the life of the process")]
enum Command {
    Size(size::SizeArgs),
    Slots(slots::SlotsArgs),
    Reshard(reshard::ReshardArgs),
    Hotkeys(hotkeys::HotkeysArgs),
    Probe(probe::ProbeArgs),
    Validate(validate::ValidateArgs),
    Throughput(throughput::ThroughputArgs),
    Failover(failover::FailoverArgs),
    Mrc(mrc::MrcArgs),
    Simulate(simulate::SimulateArgs),
    Advise(advise::AdviseArgs),
    Explain(explain::ExplainArgs),
    Completions(man::CompletionsArgs),
    Man(man::ManArgs),
}

/// What makes warnings a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Any warning.
    Warn,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub struct Common {
    /// How to write the answer [default: table]
    #[arg(long, global = true, value_enum)]
    pub format: Option<Format>,
    /// Write to a file as well or instead; .html, .svg, .json, .csv, .md or .txt
    #[arg(long, global = true, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Show each step with its formula, reason and source
    #[arg(long, global = true)]
    pub explain: bool,
    /// Draw charts in the terminal
    #[arg(long, global = true)]
    pub plot: bool,
    /// The table that --format csv writes [default: the first]
    #[arg(long, global = true, value_name = "NAME")]
    pub table: Option<String>,
    /// G and GB are 10^9 bytes; GiB stays 2^30
    #[arg(long, global = true)]
    pub si: bool,
    /// Exit with 1 on warnings too
    #[arg(long, global = true, value_enum)]
    pub fail_on: Option<FailOn>,
    /// No progress, and no answer unless --format or --out asks for one: only the exit code
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Common {
    /// What G means.
    pub fn units(&self) -> Units {
        if self.si { Units::Decimal } else { Units::Binary }
    }

    /// Whether warnings are failures.
    pub fn fails_on_warning(&self) -> bool {
        self.fail_on.is_some()
    }
}

impl Planner {
    /// Answers.
    ///
    /// # Errors
    /// Whatever keeps the command from answering.
    pub fn run(&self) -> Result<Report> {
        match &self.command {
            Command::Size(args) => size::run(args, &self.common),
            Command::Slots(args) => slots::run(args, &self.common),
            Command::Reshard(args) => reshard::run(args, &self.common),
            Command::Hotkeys(args) => hotkeys::run(args, &self.common),
            Command::Probe(args) => probe::run(args, &self.common),
            Command::Validate(args) => validate::run(args, &self.common),
            Command::Throughput(args) => throughput::run(args, &self.common),
            Command::Failover(args) => failover::run(args, &self.common),
            Command::Mrc(args) => mrc::run(args, &self.common),
            Command::Simulate(args) => simulate::run(args, &self.common),
            Command::Advise(args) => advise::run(args, &self.common),
            Command::Explain(args) => explain::run(args, &self.common),
            Command::Completions(args) => man::completions(args, &self.common),
            Command::Man(args) => man::man(args, &self.common),
        }
    }
}
