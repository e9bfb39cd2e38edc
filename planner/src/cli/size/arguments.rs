//! What `planner size` is asked, made free of contradictions.

use clap::{Args, ValueEnum};

use super::items::ItemArgs;
use super::overheads::OverheadArgs;
use crate::cli::from::FromArgs;
use crate::error::{PlanError, Result};
use crate::model::capacity::{
    Deductions, FRAGMENTATION_DEFAULT, Fragmentation, Model, NODES_MAX, RESERVE_DEFAULT,
};
use crate::model::measured::Measured;
use crate::quantity::{Rate, Share, Size};
use crate::report::{Block, Report};

/// How much data fits, or how many nodes are needed
///
/// With --masters it says how much fits; with --data it looks for the smallest cluster, and with
/// both it says whether the data fits.
#[derive(Args, Debug)]
pub(crate) struct SizeArgs {
    /// Primaries (masters) of the cluster
    #[arg(long, visible_alias = "primaries", value_name = "N")]
    masters: Option<u32>,
    /// Replicas of each primary
    #[arg(long, default_value_t = 1, value_name = "N")]
    replicas: u32,
    /// Memory of one node
    #[arg(long, value_name = "SIZE", conflicts_with = "total_mem")]
    mem: Option<Size>,
    /// Memory of all nodes together, replicas included
    #[arg(long, value_name = "SIZE")]
    total_mem: Option<Size>,
    /// What replication takes [default: article; physical when looking for the smallest cluster]
    #[arg(long, value_enum)]
    model: Option<ModelName>,
    /// Shards whose loss for good the others must hold [default: 1 with --model survive]
    #[arg(long, value_name = "N")]
    survive: Option<u32>,
    /// Share of the primaries' memory that replication takes, instead of a model's
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["model", "survive"])]
    replication_overhead: Option<Share>,
    /// Resident over used memory, at least 1 [default: 1.2]
    #[arg(long, value_name = "FACTOR", conflicts_with = "waste")]
    fragmentation: Option<f64>,
    /// Share of memory lost to holes, below 1
    #[arg(long, value_name = "SHARE")]
    waste: Option<f64>,
    /// Share kept free [default: 30%]
    #[arg(long, value_name = "SHARE")]
    reserve: Option<Share>,
    /// Data to hold, as the node accounts for it
    #[arg(long, value_name = "SIZE")]
    data: Option<Size>,
    #[command(flatten)]
    source: FromArgs,
    #[command(flatten)]
    items: ItemArgs,
    #[command(flatten)]
    overheads: OverheadArgs,
    /// Operations a second to serve
    #[arg(long, value_name = "RATE", requires = "node_ops")]
    ops: Option<Rate>,
    /// Operations a second that one primary serves
    #[arg(long, value_name = "RATE")]
    node_ops: Option<Rate>,
}

/// What stands for replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModelName {
    /// A third for one replica, as the article reckons
    Article,
    /// Nothing: replicas have machines of their own
    Physical,
    /// What is lost with --survive shards must fit into the others
    Survive,
    /// Replicas share the primaries' machines
    Colocated,
    /// As physical, with what a running server tells (--from)
    Measured,
}

/// What is asked, without contradictions.
pub(super) struct Request {
    pub(super) primaries: Option<u32>,
    pub(super) replicas: u32,
    pub(super) node_bytes: u64,
    pub(super) deductions: Deductions,
    /// Data to hold.
    pub(super) data_bytes: Option<f64>,
    /// Operations a second, in all and for one primary.
    pub(super) ops: Option<(f64, f64)>,
}

pub(super) fn read(args: &SizeArgs, report: &mut Report) -> Result<Request> {
    let measured = measured(args)?;
    if measured.as_ref().is_some_and(|measured| measured.fragmentation.is_none()) {
        report.warn(
            "too_little_to_tell",
            "what was read uses less than 64 MB: it says nothing of fragmentation, 1.2 is assumed",
            "probe a server that holds more, or give --fragmentation",
        );
    }
    let data_bytes = data_bytes(args, measured.as_ref(), report)?;
    if args.masters.is_none() && data_bytes.is_none() {
        return Err(PlanError::usage(
            "planner size needs --masters N (how much fits?) or --data SIZE or --keys COUNT (how \
             many nodes?), and --mem SIZE for the memory of a node",
        ));
    }
    let model = model(args)?;
    if let Some(primaries) = args.masters {
        report.input("primaries", primaries);
    }
    report.input("replicas", args.replicas);
    let node_bytes = node_bytes(args, model, report)?;
    let node_bytes = args.overheads.apply(node_bytes, report)?;
    let fragmentation = match (args.fragmentation, args.waste) {
        (_, Some(waste)) => Fragmentation::Waste(waste),
        (Some(factor), None) => Fragmentation::Factor(factor),
        (None, None) => Fragmentation::Factor(
            measured.and_then(|measured| measured.fragmentation).unwrap_or(FRAGMENTATION_DEFAULT),
        ),
    };
    let reserve = args.reserve.map_or(RESERVE_DEFAULT, |share| share.0);
    let deductions = Deductions { model, fragmentation: fragmentation.checked()?, reserve };
    report.input("model", deductions.model.name());
    if let Model::Survive(lost) = model {
        report.input("survive", lost);
    }
    report.input("fragmentation", crate::report::cell::finite(fragmentation.factor()));
    report.input("reserve", crate::report::cell::finite(reserve));
    Ok(Request {
        primaries: args.masters,
        replicas: args.replicas,
        node_bytes,
        deductions,
        data_bytes,
        ops: ops(args)?,
    })
}

/// The data to hold, as given or as its items take.
fn data_bytes(
    args: &SizeArgs,
    measured: Option<&Measured>,
    report: &mut Report,
) -> Result<Option<f64>> {
    if let Some(measured) = measured
        && args.items.has_no_sizes()
        && args.data.is_none()
    {
        return args.items.carry_over(measured, report).map(Some);
    }
    if !args.items.is_given() {
        return Ok(args.data.as_ref().map(|data| report.size_input("data", data) as f64));
    }
    let nodes = args.masters.unwrap_or(1).max(1);
    let (memory, table) = args.items.read(nodes, report)?;
    report.block(Block::Table(table));
    Ok(Some(memory.used_bytes))
}

/// What a running server tells, for the model that asks for it.
fn measured(args: &SizeArgs) -> Result<Option<Measured>> {
    match (args.model == Some(ModelName::Measured), args.source.from.is_some()) {
        (true, _) => Ok(Some(Measured::of(&args.source.read(true)?)?)),
        (false, false) => Ok(None),
        (false, true) => {
            Err(PlanError::usage("--from is what --model measured reads; give both, or neither"))
        }
    }
}

fn model(args: &SizeArgs) -> Result<Model> {
    if let Some(share) = args.replication_overhead {
        return Ok(Model::Overhead(share.0));
    }
    let is_inverse = args.masters.is_none();
    let name = match (args.model, args.survive) {
        (Some(name), _) => name,
        (None, Some(_)) => ModelName::Survive,
        (None, None) if is_inverse => ModelName::Physical,
        (None, None) => ModelName::Article,
    };
    match (name, args.survive) {
        (ModelName::Survive, lost) => Ok(Model::Survive(lost.unwrap_or(1))),
        (_, Some(_)) => Err(PlanError::usage(
            "--survive says how many shards may be lost, which only --model survive reckons with",
        )),
        (ModelName::Article, None) => Ok(Model::Article),
        (ModelName::Physical, None) => Ok(Model::Physical),
        (ModelName::Colocated, None) => Ok(Model::Colocated),
        (ModelName::Measured, None) => Ok(Model::Measured),
    }
}

fn node_bytes(args: &SizeArgs, model: Model, report: &mut Report) -> Result<u64> {
    match (&args.mem, &args.total_mem) {
        (Some(size), _) => Ok(report.size_input("mem", size)),
        (None, None) => Err(PlanError::usage(
            "--mem SIZE is missing: the memory of one node (or --total-mem for all together)",
        )),
        (None, Some(size)) => {
            let Some(primaries) = args.masters else {
                return Err(PlanError::usage(
                    "--total-mem says nothing about a node without --masters; give --mem",
                ));
            };
            let total = report.size_input("total_mem", size);
            let cluster = crate::model::capacity::Cluster {
                primaries,
                replicas: args.replicas,
                node_bytes: 0,
            };
            match cluster.nodes(model) {
                0 => Err(PlanError::usage("--masters 0 holds nothing; give at least 1")),
                nodes if nodes > NODES_MAX => Err(PlanError::usage(format!(
                    "{nodes} nodes are more than the {NODES_MAX} that can be planned for"
                ))),
                nodes => Ok(total / nodes),
            }
        }
    }
}

fn ops(args: &SizeArgs) -> Result<Option<(f64, f64)>> {
    match (args.ops, args.node_ops) {
        (None, _) => Ok(None),
        (Some(_), Some(Rate(node))) if node <= 0.0 => Err(PlanError::usage(
            "--node-ops 0: a primary that serves nothing cannot be planned for",
        )),
        (Some(all), Some(node)) => Ok(Some((all.0, node.0))),
        (Some(_), None) => Err(PlanError::usage("--ops needs --node-ops, what one primary serves")),
    }
}
