//! What `planner throughput` is asked, made free of contradictions.

use clap::Args;

use crate::cli::Common;
use crate::cli::layouts::{Chosen, LayoutArgs};
use crate::cli::traffic::{READS_DEFAULT, Traffic, TrafficArgs};
use crate::error::{PlanError, Result};
use crate::model::capacity::NODES_MAX;
use crate::model::placement::Trials;
use crate::model::staffing::QUALITY_DEFAULT;
use crate::model::throughput::{Cluster, Cores, Network};
use crate::quantity::{Rate, Seconds, Share, Size};
use crate::report::Report;
use crate::report::cell::finite;

/// Imbalances above this are refused.
const IMBALANCE_MAX: f64 = 1e6;
/// Bytes of a key if nothing is said.
const KEY_SIZE_DEFAULT: &str = "32";

/// Operations a second: nodes x one node, divided by imbalance, and what else bounds it
///
/// Nodes x what one serves is an upper bound that only even traffic reaches. Say how uneven it is
/// with --imbalance, or how it is spread over keys with --zipf, --hot, --key-share, --top-file, --trace
/// or --from, and how slots are spread over nodes with --layout.
///
/// Example, the article's memcached cluster: planner throughput --nodes 10 --node-ops 200k
/// (2,000,000/s at most; 1,779,359/s with --imbalance 1.124; one key 200,000/s)
#[derive(Args, Debug)]
pub(crate) struct ThroughputArgs {
    /// Nodes that share the keys
    #[arg(long, visible_aliases = ["masters", "primaries"], value_name = "N")]
    nodes: Option<u32>,
    /// Operations a second that one node serves, as measured
    #[arg(long, value_name = "RATE")]
    node_ops: Option<Rate>,
    /// Cores of a node
    #[arg(long, value_name = "N", requires = "service_time")]
    cores: Option<f64>,
    /// Time of one core that an operation takes, such as 5us
    #[arg(long, value_name = "DURATION", requires = "cores")]
    service_time: Option<Seconds>,
    /// How seldom operations may wait for a core: 1 relaxed to 2.375 critical
    #[arg(long, value_name = "Q", default_value_t = QUALITY_DEFAULT, requires = "cores")]
    staffing: f64,
    /// Replicas of each node
    #[arg(long, value_name = "N", default_value_t = 0)]
    replicas: u32,
    /// Clients read from replicas too; what they read may be old
    #[arg(long, requires = "replicas")]
    read_replicas: bool,
    /// Share of operations that read [default: as in the trace, or 95%]
    #[arg(long, value_name = "SHARE")]
    reads: Option<Share>,
    /// The busiest node's load over the mean
    #[arg(long, value_name = "FACTOR")]
    imbalance: Option<f64>,
    /// Bits a second of a node's network, such as 10G
    #[arg(long, value_name = "RATE", requires = "value_size")]
    nic: Option<Rate>,
    /// Bytes of a value
    #[arg(long, value_name = "SIZE", requires = "nic")]
    value_size: Option<Size>,
    /// Bytes of a key
    #[arg(long, value_name = "SIZE", default_value = KEY_SIZE_DEFAULT)]
    key_size: Size,
    /// Operations a second to serve: exit with 1 if they are too many
    #[arg(long, value_name = "RATE")]
    ops: Option<Rate>,
    /// They must be served after losing a node too
    #[arg(long, requires = "ops")]
    survive_loss: bool,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    traffic: TrafficArgs,
}

/// What is asked, without contradictions.
pub(super) struct Request {
    pub(super) cluster: Cluster,
    pub(super) reads: f64,
    /// As given.
    pub(super) imbalance: Option<f64>,
    pub(super) layout: Chosen,
    pub(super) traffic: Option<Traffic>,
    pub(super) trials: Trials,
    /// Operations a second, and whether they must be served after a loss.
    pub(super) demand: Option<(f64, bool)>,
}

pub(super) fn read(args: &ThroughputArgs, common: &Common, report: &mut Report) -> Result<Request> {
    let primaries = match args.nodes {
        None => {
            return Err(PlanError::usage("--nodes N is missing: the nodes that share the keys"));
        }
        Some(0) => return Err(PlanError::usage("--nodes 0 serves nothing; give at least 1")),
        Some(nodes) => nodes,
    };
    let machines = u64::from(primaries) * (u64::from(args.replicas) + 1);
    if machines > NODES_MAX {
        return Err(PlanError::usage(format!(
            "{machines} nodes are more than the {NODES_MAX} that can be planned for"
        )));
    }
    report.input("nodes", primaries);
    report.input("replicas", args.replicas);
    report.input("read_replicas", args.read_replicas);
    if args.read_replicas && args.replicas == 0 {
        return Err(PlanError::usage(
            "--read-replicas: there are none to read from; give --replicas",
        ));
    }
    if let Some(imbalance) = args.imbalance
        && !(1.0..=IMBALANCE_MAX).contains(&imbalance)
    {
        return Err(PlanError::usage(format!(
            "--imbalance {imbalance}: the busiest node has at least the mean; give 1 or more"
        )));
    }
    let cluster = Cluster {
        primaries,
        replicas: args.replicas,
        reads_replicas: args.read_replicas,
        node_ops: node_ops(args, report)?,
        cores: cores(args, report)?,
        network: network(args, report)?,
    };
    let demand = args.ops.map(|ops| (ops.0, args.survive_loss));
    if let Some((ops, _)) = demand {
        report.input("ops", finite(ops));
        report.input("survive_loss", args.survive_loss);
    }
    let layout = args.layout.read(report)?;
    if layout.is_asked && args.imbalance.is_some() {
        return Err(PlanError::usage(
            "--imbalance says what --layout would tell; give one of them",
        ));
    }
    let traffic = args.traffic.read(common, report)?;
    let reads = match &traffic {
        Some(traffic) => traffic.reads(args.reads),
        None => args.reads.map_or(READS_DEFAULT, |share| share.0),
    };
    report.input("reads", finite(reads));
    Ok(Request {
        cluster,
        reads,
        imbalance: args.imbalance,
        layout,
        traffic,
        trials: args.traffic.trials(),
        demand,
    })
}

fn node_ops(args: &ThroughputArgs, report: &mut Report) -> Result<Option<f64>> {
    match args.node_ops {
        None if args.cores.is_none() => Err(PlanError::usage(
            "what does a node serve? Give --node-ops RATE as measured, \
             or --cores N with --service-time",
        )),
        None => Ok(None),
        Some(Rate(rate)) if rate > 0.0 => {
            report.input("node_ops", finite(rate));
            Ok(Some(rate))
        }
        Some(_) => Err(PlanError::usage("--node-ops 0: such a node serves nothing; give its rate")),
    }
}

fn cores(args: &ThroughputArgs, report: &mut Report) -> Result<Option<Cores>> {
    let (Some(count), Some(service)) = (args.cores, args.service_time) else { return Ok(None) };
    if !(0.01..=1e5).contains(&count) {
        return Err(PlanError::usage(format!("--cores {count}: give 0.01 to 100000")));
    }
    if !(1e-9..=3600.0).contains(&service.0) {
        return Err(PlanError::usage(
            "--service-time: an operation takes between a nanosecond (0.001us) and an hour",
        ));
    }
    if !(0.0..=10.0).contains(&args.staffing) {
        return Err(PlanError::usage(format!("--staffing {}: give 0 to 10", args.staffing)));
    }
    report.input("cores", finite(count));
    report.input("service_seconds", finite(service.0));
    report.input("staffing", finite(args.staffing));
    Ok(Some(Cores { count, service_seconds: service.0, quality: args.staffing }))
}

fn network(args: &ThroughputArgs, report: &mut Report) -> Result<Option<Network>> {
    let (Some(bits), Some(value)) = (args.nic, &args.value_size) else { return Ok(None) };
    if bits.0 < 1.0 {
        return Err(PlanError::usage(
            "--nic 0: such a network carries nothing; give bits a second",
        ));
    }
    report.input("nic_bits_per_second", finite(bits.0));
    let value_bytes = report.size_input("value_size", value);
    let key_bytes = report.size_input("key_size", &args.key_size);
    Ok(Some(Network { bits_per_second: bits.0, key_bytes, value_bytes }))
}
