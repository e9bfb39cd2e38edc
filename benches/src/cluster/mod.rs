//! The figures of a cluster: what clients notice when nodes fail or are handed over, whether nodes
//! that are merely slow are taken for dead, and what a replica costs.
//!
//! Real nodes, run by `skep dev` with default settings: three primaries with a replica each. Read in
//! this order: `fixture` (the cluster), `view` (what a node says of it), `writer` (the client),
//! `failover`, `busy`, `slow`, `cost` (the figures), `tables`.

pub(crate) mod busy;
pub(crate) mod cost;
pub(crate) mod failover;
mod fixture;
pub(crate) mod slow;
mod space;
pub(crate) mod tables;
mod view;
mod wire;
mod writer;

use clap::Args;

/// What is particular to this suite.
#[derive(Debug, Args)]
pub(crate) struct ClusterOptions {
    /// Figures, of kill,stop,partition,hand-over,terminate,busy,slow,cost (all); partition needs root
    #[arg(long, value_delimiter = ',')]
    pub(crate) figures: Vec<String>,
    /// Times that a primary goes, in each figure where it does
    #[arg(long, default_value_t = 50)]
    pub(crate) runs: usize,
    /// Seconds for which the cores are busy
    #[arg(long, default_value_t = 600)]
    pub(crate) busy_seconds: u64,
    /// Loops that keep them busy
    #[arg(long, default_value_t = 4)]
    pub(crate) busy_loops: usize,
    /// Seconds for which a replica is slow
    #[arg(long, default_value_t = 90)]
    pub(crate) slow_seconds: u64,
    /// Keeps the nodes' logs in this directory, which must not exist; name one figure
    #[arg(long)]
    pub(crate) logs: Option<std::path::PathBuf>,
}

/// The figures that are no [`failover::Cause`].
pub(crate) const BUSY: &str = "busy";
pub(crate) const SLOW: &str = "slow";
pub(crate) const COST: &str = "cost";
