//! What `planner simulate` is asked, made free of contradictions.

use clap::{Args, ValueEnum};
use skep_keyspace::ring::VIRTUAL_NODES_DEFAULT;

use crate::cli::layouts::{LayoutName, virtual_nodes};
use crate::cli::replay::{TraceArgs, policy};
use crate::error::{PlanError, Result};
use crate::model::fleet::{Engine, NODES_MAX};
use crate::model::replica::{LIMIT_BYTES_MAX, Policy, Setup};
use crate::model::weight::NodeMemory;
use crate::quantity::{Count, Size};
use crate::report::Report;

const SEED: u64 = 1;
/// Workers of each node.
const WORKERS: u16 = 2;

/// A trace served by several nodes: load, hit ratio, what losing a node does
///
/// Example: planner simulate trace.csv --nodes 5 --mem 64M --layout ring,modulo --lose 2
#[derive(Args, Debug)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(super) trace: TraceArgs,
    /// Nodes that own slots
    #[arg(long, visible_aliases = ["masters", "primaries"], value_name = "N")]
    nodes: Option<usize>,
    /// How slots are given to nodes; several are compared
    #[arg(long, value_enum, value_name = "LAYOUT", value_delimiter = ',', default_value = "even")]
    layout: Vec<LayoutName>,
    /// Virtual nodes of a ring
    #[arg(long, visible_alias = "vnodes", value_name = "N", default_value_t = VIRTUAL_NODES_DEFAULT)]
    virtual_nodes: u32,
    /// Memory of each node (its maxmemory); without it only loads are counted
    #[arg(long, value_name = "SIZE")]
    mem: Option<Size>,
    /// What decides what a node keeps [default: lru]
    #[arg(long, value_enum, value_name = "ENGINE", requires = "mem")]
    engine: Option<EngineName>,
    /// The eviction policy of --engine node
    #[arg(long, value_name = "POLICY", default_value = "allkeys-adaptive", value_parser = policy)]
    policy: Policy,
    /// Lose this node, counted from 1
    #[arg(long, value_name = "NODE")]
    lose: Option<usize>,
    /// Lose it after so many accesses [default: a half of them]
    #[arg(long, value_name = "COUNT", requires = "lose")]
    lose_after: Option<Count>,
}

/// What decides what a node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// The model of LRU
    Lru,
    /// The node's own store
    Node,
}

/// What is asked, without contradictions.
pub(super) struct Request {
    pub(super) trace: String,
    pub(super) nodes: usize,
    pub(super) layouts: Vec<LayoutName>,
    pub(super) virtual_nodes: u32,
    pub(super) engine: Engine,
    /// The node that is lost, from 0.
    pub(super) lost: Option<usize>,
    pub(super) lose_after: Option<u64>,
}

pub(super) fn read(args: &SimulateArgs, report: &mut Report) -> Result<Request> {
    let nodes = match args.nodes {
        None => {
            return Err(PlanError::usage("--nodes N is missing: the nodes that serve the trace"));
        }
        Some(nodes) if nodes == 0 || nodes > NODES_MAX => {
            return Err(PlanError::usage(format!(
                "--nodes {nodes}: a trace is served by 1 to {NODES_MAX} nodes"
            )));
        }
        Some(nodes) => nodes,
    };
    report.input("nodes", nodes);
    let mut layouts = args.layout.clone();
    layouts.dedup();
    report.input("layouts", layouts.iter().map(|layout| layout.name()).collect::<Vec<_>>());
    let virtual_nodes = virtual_nodes(Some(args.virtual_nodes))?;
    report.input("virtual_nodes", virtual_nodes);
    let lost = match args.lose {
        None => None,
        Some(_) if nodes == 1 => {
            return Err(PlanError::usage(
                "--lose: the only node cannot be lost; give more --nodes",
            ));
        }
        Some(node) if node == 0 || node > nodes => {
            return Err(PlanError::usage(format!("--lose {node}: nodes are 1 to {nodes}")));
        }
        Some(node) => Some(node - 1),
    };
    Ok(Request {
        trace: args.trace.name(),
        nodes,
        layouts,
        virtual_nodes,
        engine: engine(args, nodes, report)?,
        lost,
        lose_after: args.lose_after.map(|count| count.0),
    })
}

fn engine(args: &SimulateArgs, nodes: usize, report: &mut Report) -> Result<Engine> {
    let Some(size) = &args.mem else { return Ok(Engine::None) };
    let memory_bytes = report.size_input("mem", size);
    let node = NodeMemory::of(WORKERS, args.policy);
    if node.items_bytes(memory_bytes) == 0 {
        return Err(PlanError::usage(format!(
            "--mem {}: a node takes {} bytes before it holds any key; give more",
            size.text(),
            node.fixed_bytes(memory_bytes)
        )));
    }
    if args.engine != Some(EngineName::Node) {
        report.input("engine", "lru");
        return Ok(Engine::Lru { memory_bytes, node });
    }
    report.input("engine", args.policy.name());
    report.seed = Some(SEED);
    let fleets = args.layout.len() as u64 * if args.lose.is_some() { 2 } else { 1 };
    let all_bytes = memory_bytes.saturating_mul(nodes as u64).saturating_mul(fleets);
    if all_bytes > 16 * LIMIT_BYTES_MAX {
        return Err(PlanError::usage(format!(
            "--engine node would hold {all_bytes} bytes, because every node is run as it is; give \
             less --mem, fewer --nodes or one --layout, or use --engine lru"
        )));
    }
    let (policy, seed) = (args.policy, SEED);
    Ok(Engine::Node(Setup { memory_bytes, policy, node, rate: None, seed }))
}
