//! What `planner slots` is asked, made free of contradictions.

use clap::{Args, ValueEnum};
use skep_keyspace::zones::{PLACEMENT_MAX, shards_max};

use crate::cli::zones::{self, Zone};
use crate::cli::{layouts, shards};
use crate::error::{PlanError, Result};
use crate::model::layouts::LayoutKind;
use crate::report::Report;
use crate::report::cell::finite;

/// Which shard owns which of the 16,384 slots
///
/// Shows how even a layout is, what one more shard would move, and with --zones where copies go so that
/// losing any zone loses no slot. The JSON can be given to planner reshard.
#[derive(Args, Debug)]
pub(crate) struct SlotsArgs {
    /// Shards, one primary (master) each; node-1 to node-N
    #[arg(long, visible_alias = "primaries", value_name = "N", conflicts_with = "nodes")]
    masters: Option<u32>,
    /// Names or addresses of the primaries: a,b,c
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    nodes: Option<Vec<String>>,
    /// How slots are given [default: even; weighted with --weights; zones with --zones]
    #[arg(long, value_enum)]
    layout: Option<LayoutKind>,
    /// Weight of each shard, in order or by name: 1,2,1 or a=2
    #[arg(long, value_name = "WEIGHT,...", value_delimiter = ',')]
    weights: Option<Vec<String>>,
    /// Virtual nodes of a shard of weight 1 on the ring [default: 150]
    #[arg(long, visible_alias = "virtual-nodes", value_name = "N")]
    vnodes: Option<u32>,
    /// Nodes in each zone: a=2,b=2,c=2
    #[arg(long, value_name = "ZONE=NODES,...", value_delimiter = ',', conflicts_with = "nodes")]
    zones: Option<Vec<String>>,
    /// Replicas of each shard, each in another zone [default: 1]
    #[arg(long, value_name = "N", requires = "zones")]
    replicas: Option<u32>,
    /// Commands that make the layout
    #[arg(long, value_enum)]
    emit: Option<Emit>,
}

/// Whose commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Emit {
    /// Shell lines with redis-cli
    RedisCli,
    /// What each node is told: Redis and Valkey take it, Skep from its cluster release on
    Node,
}

/// What is asked, without contradictions.
pub(super) struct Request {
    pub(super) kind: LayoutKind,
    pub(super) names: Vec<String>,
    /// As many as names.
    pub(super) weights: Vec<f64>,
    pub(super) virtual_nodes: u32,
    pub(super) zones: Vec<Zone>,
    pub(super) replicas: usize,
    pub(super) emit: Option<Emit>,
}

pub(super) fn read(args: &SlotsArgs, report: &mut Report) -> Result<Request> {
    let zones = zones::parse(args.zones.as_deref().unwrap_or_default(), "nodes")?;
    let replicas = args.replicas.unwrap_or(1) as usize;
    let kind = kind(args, &zones)?;
    let names = names(args, &zones, replicas)?;
    let weights = match &args.weights {
        Some(_) if !kind.takes_weights() => {
            return Err(PlanError::usage(format!(
                "--weights means nothing to --layout {}; use weighted, ring or rendezvous",
                kind.name()
            )));
        }
        Some(text) => shards::weights(text, &names)?,
        None => vec![1.0; names.len()],
    };
    if args.vnodes.is_some() && kind != LayoutKind::Ring {
        return Err(PlanError::usage(format!(
            "--vnodes are points on a ring, which --layout {} has not; use --layout ring",
            kind.name()
        )));
    }
    report.input("layout", kind.name());
    report.input("shards", names.len());
    if kind.takes_weights() {
        let weights: Vec<_> = weights.iter().map(|weight| finite(*weight)).collect();
        report.input("weights", weights);
    }
    let virtual_nodes = layouts::virtual_nodes(args.vnodes)?;
    if kind == LayoutKind::Ring {
        report.input("virtual_nodes", virtual_nodes);
    }
    if !zones.is_empty() {
        report.input("replicas", replicas);
    }
    Ok(Request { kind, names, weights, virtual_nodes, zones, replicas, emit: args.emit })
}

fn kind(args: &SlotsArgs, zones: &[Zone]) -> Result<LayoutKind> {
    match (args.layout, zones.is_empty()) {
        (Some(LayoutKind::Zones), true) => {
            Err(PlanError::usage("--layout zones needs to know the zones: --zones a=2,b=2,c=2"))
        }
        (Some(kind), false) if kind != LayoutKind::Zones => Err(PlanError::usage(format!(
            "--zones places equal shards; leave --layout {} away, or use --layout zones",
            kind.name()
        ))),
        (Some(kind), _) => Ok(kind),
        (None, false) => Ok(LayoutKind::Zones),
        (None, true) if args.weights.is_some() => Ok(LayoutKind::Weighted),
        (None, true) => Ok(LayoutKind::Even),
    }
}

fn names(args: &SlotsArgs, zones: &[Zone], replicas: usize) -> Result<Vec<String>> {
    if !zones.is_empty() {
        let nodes: Vec<usize> = zones.iter().map(|zone| zone.nodes).collect();
        // If not even one fits, placing it says why.
        let most = shards_max(&nodes, replicas).clamp(1, PLACEMENT_MAX) as u32;
        return shards::numbered("shard", args.masters.unwrap_or(most));
    }
    match (&args.nodes, args.masters) {
        (Some(names), _) => match names.iter().all(|name| !name.is_empty()) {
            true => Ok(names.clone()),
            false => Err(PlanError::usage("--nodes has an empty name; write --nodes a,b,c")),
        },
        (None, Some(count)) => shards::numbered("node", count),
        (None, None) => Err(PlanError::usage(
            "planner slots needs shards: --masters N, --nodes a,b,c or --zones a=2,b=2,c=2",
        )),
    }
}
