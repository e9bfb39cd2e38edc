//! What `planner hotkeys` is asked, made free of contradictions.

use clap::Args;

use skep_keyspace::Layout;

use crate::cli::Common;
use crate::cli::layouts::{Chosen, LayoutArgs, shares};
use crate::cli::traffic::{Traffic, TrafficArgs};
use crate::error::{PlanError, Result};
use crate::model::hotkeys::Mitigation;
use crate::model::placement::{NODES_MAX, Trials};
use crate::quantity::Share;
use crate::report::Report;
use crate::report::cell::finite;

/// Ratios whose probability is shown if the caller names none.
const ABOVE_DEFAULT: [f64; 6] = [1.1, 1.25, 1.5, 2.0, 3.0, 5.0];
/// Keys that mitigations are for, at most.
const TREAT_MAX: u32 = 1000;

/// Hot keys: their index, how uneven nodes become, what each mitigation buys
///
/// The index is share of traffic x nodes: how many fair node-shares a key or a group takes. From 1
/// on a key alone fills a node, from 0.2 on it is worth a look. It is no probability.
///
/// Example: planner hotkeys --hot 1%=50% --nodes 10 (index 5 for the group, 50 times the mean key)
#[derive(Args, Debug)]
pub(crate) struct HotkeysArgs {
    /// Nodes that share the keys
    #[arg(long, visible_aliases = ["masters", "primaries"], value_name = "N")]
    nodes: Option<u32>,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    traffic: TrafficArgs,
    /// Share of operations that read [default: as in the trace, or 95%]
    #[arg(long, value_name = "SHARE")]
    reads: Option<Share>,
    /// Nodes that a hot key is replicated to [default: all]
    #[arg(long, value_name = "N")]
    replicate: Option<u32>,
    /// Keys that a hot key is spread over
    #[arg(long, value_name = "N", default_value_t = 10)]
    spread: u32,
    /// Replicas that a node has that is there for a hot key
    #[arg(long, value_name = "N", default_value_t = 2)]
    dedicated_replicas: u32,
    /// Hottest keys that mitigations are applied to [default: those with an index of 0.2 and more]
    #[arg(long, value_name = "N")]
    treat: Option<u32>,
    /// Show how probable it is that the busiest node has more than so many times the mean
    #[arg(long, value_name = "RATIO", value_delimiter = ',')]
    above: Vec<f64>,
    /// Exit with 1 if the busiest node has more than so many times the mean too often
    #[arg(long, value_name = "RATIO")]
    limit: Option<f64>,
    /// How often is too often
    #[arg(long, value_name = "SHARE", default_value = "5%", requires = "limit")]
    risk: Share,
}

/// What is asked, without contradictions.
pub(super) struct Request {
    pub(super) nodes: usize,
    pub(super) chosen: Chosen,
    /// Who owns which slots.
    pub(super) layout: Layout,
    /// The share of the slots, and so of the keys, that each node gets.
    pub(super) shares: Vec<f64>,
    pub(super) traffic: Traffic,
    pub(super) trials: Trials,
    pub(super) reads: f64,
    pub(super) mitigations: Vec<Mitigation>,
    pub(super) treat: Option<u32>,
    pub(super) above: Vec<f64>,
    /// A ratio, and how often it may be exceeded.
    pub(super) limit: Option<(f64, f64)>,
}

pub(super) fn read(args: &HotkeysArgs, common: &Common, report: &mut Report) -> Result<Request> {
    let nodes = match args.nodes {
        None => {
            return Err(PlanError::usage(
                "--nodes N is missing: the primaries that share the keys",
            ));
        }
        Some(0) => return Err(PlanError::usage("--nodes 0: keys need at least 1 node")),
        Some(nodes) if nodes as usize > NODES_MAX => {
            let text = format!("--nodes {nodes}: keys are placed on at most {NODES_MAX}");
            return Err(PlanError::usage(text));
        }
        Some(nodes) => nodes as usize,
    };
    report.input("nodes", nodes);
    let chosen = args.layout.read(report)?;
    let layout = chosen.among(nodes)?;
    let traffic = args.traffic.read(common, report)?.ok_or_else(|| {
        PlanError::usage(
            "how is the traffic spread? Give --zipf ALPHA, --hot KEYS=SHARE, --key-share SHARE, \
             --top-file FILE, --trace FILE or --from redis://host:port",
        )
    })?;
    let reads = traffic.reads(args.reads);
    report.input("reads", finite(reads));
    let mitigations = mitigations(args, nodes)?;
    if args.treat.is_some_and(|treat| treat > TREAT_MAX) {
        return Err(PlanError::usage(format!("--treat: give {TREAT_MAX} keys or fewer")));
    }
    let above = if args.above.is_empty() { ABOVE_DEFAULT.to_vec() } else { args.above.clone() };
    if let Some(wrong) = above.iter().chain(&args.limit).find(|ratio| !(1.0..1e6).contains(*ratio))
    {
        return Err(PlanError::usage(format!(
            "{wrong} times the mean: the busiest node has at least 1; give a ratio above that"
        )));
    }
    Ok(Request {
        nodes,
        chosen,
        shares: shares(&layout),
        layout,
        traffic,
        trials: args.traffic.trials(),
        reads,
        mitigations,
        treat: args.treat,
        above,
        limit: args.limit.map(|limit| (limit, args.risk.0)),
    })
}

fn mitigations(args: &HotkeysArgs, nodes: usize) -> Result<Vec<Mitigation>> {
    if args.replicate.is_some_and(|copies| copies as usize > nodes) {
        return Err(PlanError::usage(format!(
            "--replicate: there are only {nodes} nodes to replicate to"
        )));
    }
    let all = u32::try_from(nodes).unwrap_or(u32::MAX);
    let asked = [
        Mitigation::Nothing,
        Mitigation::Replicate(args.replicate.unwrap_or(all)),
        Mitigation::SpreadByPart(args.spread),
        Mitigation::SpreadAndMerge(args.spread),
        Mitigation::Dedicated(args.dedicated_replicas),
    ];
    asked.into_iter().map(Mitigation::checked).collect()
}
