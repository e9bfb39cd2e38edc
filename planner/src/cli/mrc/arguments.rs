//! What `planner mrc` is asked, made free of contradictions.

use clap::Args;

use crate::cli::replay::{TraceArgs, policy};
use crate::error::{PlanError, Result};
use crate::model::mrc::{OBJECTS_MIN, Sampling};
use crate::model::replica::{Policy, Setup};
use crate::model::weight::NodeMemory;
use crate::quantity::{Count, Share, Size};
use crate::report::Report;
use crate::report::cell::finite;

/// Memories that are simulated at once, at most.
const SIMULATED_MAX: usize = 16;
const SEED: u64 = 1;

/// Hit ratio by memory, and memory for a hit ratio, from an access trace
///
/// The curve is LRU's, from a sample of the objects (SHARDS), with what items and a node take
/// besides keys and values. With --simulate the node's own eviction code runs at each --mem.
///
/// Example: planner mrc trace.csv --mem 64M,256M --target-hit 90% --plot
#[derive(Args, Debug)]
pub(crate) struct MrcArgs {
    #[command(flatten)]
    pub(super) trace: TraceArgs,
    /// Memory of a node (its maxmemory): which hit ratio?
    #[arg(long, value_name = "SIZE", value_delimiter = ',')]
    mem: Vec<Size>,
    /// Hit ratio: how much memory?
    #[arg(long, value_name = "SHARE", value_delimiter = ',')]
    target_hit: Vec<Share>,
    /// Share of objects to look at
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    rate: Share,
    /// Objects to look at in any case [default: 8000]
    #[arg(long, value_name = "COUNT")]
    objects_min: Option<Count>,
    /// Look at every object
    #[arg(long, conflicts_with_all = ["rate", "objects_min"])]
    exact: bool,
    /// Run the node's own eviction at each --mem
    #[arg(long, requires = "mem")]
    simulate: bool,
    /// The eviction policy to run
    #[arg(long, value_name = "POLICY", default_value = "allkeys-adaptive", value_parser = policy)]
    policy: Policy,
    /// Share of slots to run [default: all; fewer where --mem is more than 512M]
    #[arg(long, value_name = "SHARE", requires = "simulate")]
    simulate_rate: Option<Share>,
    /// Workers of the node
    #[arg(long, value_name = "N", default_value_t = 2)]
    workers: u16,
    /// Count keys and values only: no overhead of items, nothing that a node takes besides
    #[arg(long, conflicts_with_all = ["simulate", "workers"])]
    bare: bool,
}

/// What is asked, without contradictions.
pub(super) struct Request {
    pub(super) trace: String,
    pub(super) memories: Vec<u64>,
    pub(super) targets: Vec<f64>,
    pub(super) sampling: Sampling,
    pub(super) node: NodeMemory,
    /// Nodes to run, one for each memory.
    pub(super) setups: Vec<Setup>,
    pub(super) policy: Policy,
}

pub(super) fn read(args: &MrcArgs, report: &mut Report) -> Result<Request> {
    let node = match args.bare {
        true => NodeMemory::bare(),
        false => NodeMemory::of(args.workers, args.policy),
    };
    let mut memories = Vec::new();
    for size in &args.mem {
        let bytes = size.bytes(report.units);
        if bytes == 0 || node.items_bytes(bytes) == 0 {
            return Err(PlanError::usage(format!(
                "--mem {}: a node takes {} bytes before it holds any key; give more, or --bare",
                size.text(),
                node.fixed_bytes(bytes)
            )));
        }
        report.sizes.push((size.text().to_owned(), bytes));
        memories.push(bytes);
    }
    report.input("mem_bytes", memories.clone());
    let targets: Vec<f64> = args.target_hit.iter().map(|share| share.0).collect();
    report.input("target_hit", targets.iter().map(|share| finite(*share)).collect::<Vec<_>>());
    let sampling = match args.exact {
        true => Sampling { rate: 1.0, objects_min: 0 },
        false => Sampling {
            rate: args.rate.0,
            objects_min: args.objects_min.map_or(OBJECTS_MIN, |count| count.0 as usize),
        },
    };
    if sampling.rate <= 0.0 && sampling.objects_min == 0 {
        return Err(PlanError::usage("--rate 0: nothing would be looked at; give 1% or more"));
    }
    report.input("rate", finite(sampling.rate));
    report.input("objects_min", sampling.objects_min);
    if args.simulate && memories.len() > SIMULATED_MAX {
        return Err(PlanError::usage(format!(
            "--simulate: at most {SIMULATED_MAX} memories are simulated at once; give fewer --mem"
        )));
    }
    let setup = |memory_bytes: &u64| Setup {
        memory_bytes: *memory_bytes,
        policy: args.policy,
        node,
        rate: args.simulate_rate.map(|share| share.0),
        seed: SEED,
    };
    let simulated = if args.simulate { memories.as_slice() } else { &[] };
    report.input("policy", args.policy.name());
    if args.simulate {
        report.seed = Some(SEED);
    }
    Ok(Request {
        trace: args.trace.name(),
        setups: simulated.iter().map(setup).collect(),
        memories,
        targets,
        sampling,
        node,
        policy: args.policy,
    })
}
