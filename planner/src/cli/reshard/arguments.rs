//! What `planner reshard` is asked, made free of contradictions.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::source::{self, BigKey};
use crate::cli::shards::{numbered, shown, weights};
use crate::error::{PlanError, Result};
use crate::model::reshard::{Balance, Bounds, Goal, Owners, SlotSizes, Speed};
use crate::quantity::{Count, Rate, Seconds, Share, Size, Units};
use crate::report::Report;

/// Slots of a batch: few enough to look at what they did before the next.
const BATCH_SLOTS: usize = 512;
/// What the default speeds are taken from: see the steps of the forecast.
const KEYS_RATE: &str = "9.5k..17.9k";
const BANDWIDTH: &str = "50M..110M";
const SLOT_RTT: &str = "2ms";
const PARALLEL_MAX: u32 = 16_384;

/// The fewest moves from one layout to another, their order, time and commands
///
/// Examples: planner reshard --masters 3 --add node-4
///           planner reshard --from redis://cache-1:7000 --add cache-4:7000 --node-limit 12G --plan plan.json
///           planner reshard --resume plan.json --from redis://cache-1:7000
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ReshardArgs {
    /// The live cluster: redis://user:password@host:port; or a saved profile.json
    #[arg(long, value_name = "SOURCE", conflicts_with_all = ["from_layout", "masters"])]
    from: Option<String>,
    /// A file: the JSON of planner slots, or the text of CLUSTER NODES
    #[arg(long, value_name = "FILE", conflicts_with = "masters")]
    from_layout: Option<PathBuf>,
    /// The even layout of so many masters, node-1 to node-N
    #[arg(long, visible_alias = "primaries", value_name = "N")]
    masters: Option<u32>,
    /// The layout to reach: a file as for --from-layout
    #[arg(long, value_name = "FILE", conflicts_with_all = ["add", "remove", "weights", "balance"])]
    to: Option<PathBuf>,
    /// A shard that joins; may be given again
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    add: Vec<String>,
    /// A shard that gives everything away; may be given again
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    remove: Vec<String>,
    /// Shares, as name=weight (the others 1) or in the order of the shards
    #[arg(long, value_name = "WEIGHTS", value_delimiter = ',')]
    weights: Vec<String>,
    /// What shards have in proportion to their weights [default: slots]
    #[arg(long, value_enum, value_name = "WHAT")]
    balance: Option<BalanceName>,
    /// By how much a shard may exceed its share of bytes or ops
    #[arg(long, value_name = "SHARE", default_value = "2%")]
    tolerance: Share,
    /// What slots hold: CSV with slot,keys,bytes,ops (the last three in any number)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keys", "data"])]
    slot_stats: Option<PathBuf>,
    /// Keys of all slots together, spread evenly
    #[arg(long, value_name = "COUNT")]
    keys: Option<Count>,
    /// Bytes of all slots together, spread evenly
    #[arg(long, value_name = "SIZE")]
    data: Option<Size>,
    /// Bytes that no node may exceed on the way
    #[arg(long, value_name = "SIZE")]
    node_limit: Option<Size>,
    /// Slots that move at the same time
    #[arg(long, value_name = "N", default_value_t = BATCH_SLOTS)]
    batch: usize,
    /// Commands that carry the plan out
    #[arg(long, value_enum, value_name = "FOR")]
    emit: Option<Emit>,
    /// Write the plan, so that it can be resumed
    #[arg(long, value_name = "FILE")]
    pub(super) plan: Option<PathBuf>,
    /// What is left of a plan; exit code 4 if the cluster is no longer what it was made for
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "to", "add", "remove", "weights", "balance", "plan", "node_limit", "masters",
    ])]
    pub(super) resume: Option<PathBuf>,
    #[command(flatten)]
    speed: SpeedArgs,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Forecast")]
struct SpeedArgs {
    /// Bytes per second between two nodes, or a range of them
    #[arg(long, value_name = "LOW..HIGH", default_value = BANDWIDTH)]
    bandwidth: Span<Size>,
    /// Keys per second, or a range of them; a MIGRATE of many keys at once
    #[arg(long, value_name = "LOW..HIGH", default_value = KEYS_RATE)]
    keys_rate: Span<Rate>,
    /// What handing over a slot takes, however empty it is
    #[arg(long, value_name = "DURATION", default_value = SLOT_RTT)]
    slot_rtt: Seconds,
    /// Slots that are copied at the same time
    #[arg(long, value_name = "N", default_value_t = 1)]
    parallel: u32,
    /// Keys that are large: CSV with key,bytes
    #[arg(long, value_name = "FILE")]
    big_keys: Option<PathBuf>,
    /// Seed of the forecast's draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BalanceName {
    /// As many slots: the fewest moves
    Slots,
    /// As many bytes
    Bytes,
    /// As many operations
    Ops,
}

/// Whose commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Emit {
    /// A bash script with redis-cli
    RedisCli,
    /// CLUSTER MIGRATESLOTS, for a Skep node or Valkey 9
    Node,
}

/// A range `low..high`, or one value.
#[derive(Clone, Debug)]
struct Span<T> {
    low: T,
    high: T,
}

impl<T: FromStr<Err = String>> FromStr for Span<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Span<T>, String> {
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let part = |text: &str| text.trim_end_matches("/s").parse();
        Ok(Span { low: part(low)?, high: part(high)? })
    }
}

/// What is asked, without contradictions.
pub(super) struct Request {
    /// What was read, in words.
    pub(super) source: String,
    pub(super) start: Owners,
    pub(super) sizes: SlotSizes,
    /// Whether anything is known of sizes.
    pub(super) knows_sizes: bool,
    pub(super) bounds: Bounds,
    pub(super) speed: Speed,
    pub(super) seed: u64,
    pub(super) big_keys: Vec<BigKey>,
    pub(super) emit: Option<Emit>,
}

pub(super) fn read(args: &ReshardArgs, report: &mut Report) -> Result<Request> {
    let (source, start, live_sizes) = start(args)?;
    report.input("source", source.as_str());
    let (sizes, knows_sizes) = sizes(args, live_sizes, report)?;
    let shard_bytes_max =
        args.node_limit.as_ref().map(|size| report.size_input("node_limit", size));
    if shard_bytes_max.is_some() && !knows_sizes {
        return Err(PlanError::usage(
            "--node-limit needs to know what slots hold: give --slot-stats FILE, --data SIZE, or a \
             live cluster with --from",
        ));
    }
    if args.batch == 0 {
        return Err(PlanError::usage("--batch 0 moves nothing; give at least 1"));
    }
    report.input("batch", args.batch);
    let big_keys = args.speed.big_keys.as_deref().map(source::big_keys).transpose()?;
    report.seed = knows_sizes.then_some(args.speed.seed);
    Ok(Request {
        source,
        start,
        sizes,
        knows_sizes,
        bounds: Bounds { shard_bytes_max, batch_slots_max: args.batch },
        speed: speed(&args.speed, report)?,
        seed: args.speed.seed,
        big_keys: big_keys.unwrap_or_default(),
        emit: args.emit,
    })
}

fn start(args: &ReshardArgs) -> Result<(String, Owners, Option<SlotSizes>)> {
    match (&args.from, &args.from_layout, args.masters) {
        (Some(from), ..) => source::live(from),
        (_, Some(path), _) => Ok((path.display().to_string(), source::layout(path)?, None)),
        (_, _, Some(masters)) => {
            let owners = Owners::even(numbered("node", masters)?);
            let owners = owners.map_err(|error| PlanError::usage(error.to_string()))?;
            let s = if masters == 1 { "" } else { "s" };
            Ok((format!("{masters} master{s}, evenly"), owners, None))
        }
        _ => Err(PlanError::usage(
            "who owns what now is missing: --from redis://host:port, --from-layout FILE or --masters N",
        )),
    }
}

fn sizes(
    args: &ReshardArgs,
    live: Option<SlotSizes>,
    report: &mut Report,
) -> Result<(SlotSizes, bool)> {
    if let Some(path) = &args.slot_stats {
        return Ok((source::slot_stats(path)?, true));
    }
    if args.keys.is_some() || args.data.is_some() {
        let mut sizes = SlotSizes::empty();
        let keys = args.keys.map_or(0, |count| count.0);
        let bytes = args.data.as_ref().map_or(0, |size| report.size_input("data", size));
        report.input("keys", keys);
        let slots: Vec<u16> = (0..).take(sizes.keys.len()).collect();
        sizes.spread(&slots, keys, bytes);
        return Ok((sizes, true));
    }
    Ok(live.map_or_else(|| (SlotSizes::empty(), false), |sizes| (sizes, true)))
}

fn speed(args: &SpeedArgs, report: &mut Report) -> Result<Speed> {
    let units: Units = report.units;
    let bytes = |size: &Size| size.bytes(units) as f64;
    let bytes_per_second = (bytes(&args.bandwidth.low), bytes(&args.bandwidth.high));
    let keys_per_second = (args.keys_rate.low.0, args.keys_rate.high.0);
    for (name, (low, high)) in [("bandwidth", bytes_per_second), ("keys-rate", keys_per_second)] {
        if low <= 0.0 || low > high {
            return Err(PlanError::usage(format!(
                "--{name} must be above 0, and its low end not above its high end"
            )));
        }
    }
    if args.parallel == 0 || args.parallel > PARALLEL_MAX {
        return Err(PlanError::usage(format!("--parallel must be between 1 and {PARALLEL_MAX}")));
    }
    report.input("bandwidth_bytes_per_second", vec![bytes_per_second.0, bytes_per_second.1]);
    report.input("keys_per_second", vec![keys_per_second.0, keys_per_second.1]);
    report.input("slot_rtt_seconds", args.slot_rtt.0);
    report.input("parallel", args.parallel);
    Ok(Speed {
        bytes_per_second,
        keys_per_second,
        slot_seconds: args.slot_rtt.0,
        parallel: args.parallel,
    })
}

/// Where to go.
pub(super) fn goal(args: &ReshardArgs, request: &Request) -> Result<Goal> {
    let refused = |error: skep_keyspace::LayoutError| PlanError::usage(error.to_string());
    let start = request.start.clone();
    if let Some(path) = &args.to {
        return Goal::exactly(start, &source::layout(path)?).map_err(refused);
    }
    if args.add.is_empty()
        && args.remove.is_empty()
        && args.weights.is_empty()
        && args.balance.is_none()
    {
        return Err(PlanError::usage(
            "where to go is missing: --to FILE, --add NAME, --remove NAME, --weights a=2,b=1 or \
             --balance slots|bytes|ops",
        ));
    }
    for (at, name) in args.add.iter().enumerate() {
        let has = start.number(name).is_some_and(|shard| start.layout.counts()[shard] > 0);
        if name.is_empty() || has || args.add[..at].contains(name) {
            return Err(PlanError::usage(format!(
                "--add {name}: a shard that joins needs a name of its own; there are {}",
                shown(&start.names)
            )));
        }
    }
    let start = start.with(&args.add).map_err(refused)?;
    let mut weights = match args.weights.is_empty() {
        true => vec![1.0; start.names.len()],
        false => weights(&args.weights, &start.names)?,
    };
    for name in &args.remove {
        let shard = start.number(name).filter(|_| !args.add.contains(name)).ok_or_else(|| {
            PlanError::usage(format!(
                "--remove {name}: there is no such shard; there are {}",
                shown(&request.start.names)
            ))
        })?;
        weights[shard] = 0.0;
    }
    let tolerance = args.tolerance.0;
    let bytes: Vec<f64> = request.sizes.bytes.iter().map(|&bytes| bytes as f64).collect();
    let balance = match args.balance {
        None | Some(BalanceName::Slots) => Balance::Slots,
        Some(BalanceName::Bytes) => Balance::Load { loads: &bytes, tolerance },
        Some(BalanceName::Ops) => Balance::Load { loads: &request.sizes.operations, tolerance },
    };
    if let Balance::Load { loads, .. } = balance
        && !loads.iter().any(|load| *load > 0.0)
    {
        return Err(PlanError::usage(
            "--balance bytes or ops needs them for each slot: give --slot-stats FILE",
        ));
    }
    Goal::balanced(start, &weights, balance).map_err(refused)
}
