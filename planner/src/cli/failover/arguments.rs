//! What `planner failover` is asked, made free of contradictions.

use clap::{Args, ValueEnum};

use super::domains::{self, Domains};
use crate::error::{PlanError, Result};
use crate::model::failover::{Cluster, Service};
use crate::model::placement::SEED_DEFAULT;
use crate::model::quorum::{Control, majority, voters_for};
use crate::quantity::{Seconds, Share};
use crate::report::Report;
use crate::report::cell::finite;

/// What survives losing a node, a zone, or a switch
///
/// Says who keeps a majority, which slots nobody serves, and what the busiest survivor carries. The
/// article's case: planner failover --masters 12 --replicas 1 --cut 4
///
/// Slots are dealt evenly. Machines are called node-1, node-2 and so on, primaries first; in zones
/// a-1, a-2, b-1.
#[derive(Args, Debug)]
pub(crate) struct FailoverArgs {
    /// Primaries (masters) of the cluster
    #[arg(long, visible_alias = "primaries", value_name = "N")]
    pub(super) masters: u32,
    /// Replicas of each primary
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) replicas: u32,
    /// Machines in each zone: a=8,b=8,c=8; of fewer than there are copies each has several
    #[arg(
        long,
        value_name = "ZONE=MACHINES,...",
        value_delimiter = ',',
        conflicts_with = "switch"
    )]
    pub(super) zones: Option<Vec<String>>,
    /// Machines behind one switch
    #[arg(long, value_name = "N")]
    pub(super) switch: Option<u32>,
    /// Machines that are cut off from the others, whichever they are
    #[arg(long, value_name = "N")]
    cut: Option<u32>,
    /// Machines that are lost, all at once: node-3, or b-1 with --zones
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    lose: Vec<String>,
    /// Zones or switches that are lost, all at once, with the machines of --lose: b, switch-2
    #[arg(long, visible_alias = "lose-switch", value_name = "NAME,...", value_delimiter = ',')]
    lose_zone: Vec<String>,
    /// Who decides that a primary is dead
    #[arg(long, value_enum, default_value_t)]
    system: System,
    /// Voters of the Raft group, with --system skep [default: 5, or by the number of nodes]
    #[arg(long, value_name = "N")]
    voters: Option<u32>,
    /// Sentinels, with --system sentinel [default: 3]
    #[arg(long, value_name = "N")]
    sentinels: Option<u32>,
    /// Sentinels that must agree [default: a majority]
    #[arg(long, value_name = "N", requires = "sentinels")]
    quorum: Option<u32>,
    /// cluster-require-full-coverage: whether one slot that nobody serves stops all [default: yes]
    #[arg(long, value_parser = ["yes", "no"])]
    full_coverage: Option<String>,
    /// How often clients ask for the slot map anew
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    map_refresh: Seconds,
    /// Share of operations that read
    #[arg(long, value_name = "SHARE", default_value = "90%")]
    reads: Share,
    /// Replicas answer reads too
    #[arg(long)]
    replica_reads: bool,
    /// Exit with 1 if this loss is not survived, whichever of them is lost
    #[arg(long, value_enum)]
    require: Option<Loss>,
    /// Where chance starts, if there are too many cuts to look at each
    #[arg(long, value_name = "NUMBER", default_value_t = SEED_DEFAULT)]
    seed: u64,
}

/// Whose rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum System {
    /// Redis or Valkey Cluster: a majority of the primaries
    #[default]
    Redis,
    /// Skep: a majority of the voters of its Raft group
    Skep,
    /// Sentinel: a quorum and a majority of the sentinels
    Sentinel,
}

/// What may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Loss {
    /// Any one machine
    Node,
    /// Any zone
    Zone,
    /// Any switch
    Switch,
    /// Any machines that --cut cuts off
    Cut,
    /// What --lose and --lose-zone name
    Named,
}

impl Loss {
    pub(super) fn name(self) -> &'static str {
        match self {
            Loss::Node => "node",
            Loss::Zone => "zone",
            Loss::Switch => "switch",
            Loss::Cut => "cut",
            Loss::Named => "named",
        }
    }

    /// More than one.
    pub(super) fn plural(self) -> String {
        let name = self.name();
        format!("{name}{}", if name.ends_with("ch") { "es" } else { "s" })
    }
}

/// What is asked, without contradictions.
pub(super) struct Request {
    pub(super) cluster: Cluster,
    pub(super) control: Control,
    pub(super) masters: u32,
    pub(super) replicas: u32,
    pub(super) domains: Option<Domains>,
    pub(super) cut: Option<u32>,
    /// What is lost by name, and which machines these are.
    pub(super) named: Option<(String, Vec<bool>)>,
    pub(super) service: Service,
    /// What `cluster-require-full-coverage` is, if the system has it.
    pub(super) full_coverage: Option<bool>,
    pub(super) map_refresh_seconds: f64,
    pub(super) require: Option<Loss>,
    pub(super) seed: u64,
}

pub(super) fn read(args: &FailoverArgs, report: &mut Report) -> Result<Request> {
    let domains = domains::read(args)?;
    let copies = u64::from(args.masters) * (u64::from(args.replicas) + 1);
    let sizes = domains.as_ref().map(|domains| domains.sizes.as_slice());
    let machines = sizes.map_or(copies, |sizes| sizes.iter().map(|size| *size as u64).sum());
    let control = control(args, machines)?;
    let cluster = Cluster::place(args.masters, args.replicas, sizes, control)?;
    let named = domains::named(&args.lose, &args.lose_zone, domains.as_ref(), &cluster)?;
    let full_coverage = match (args.system, &args.full_coverage) {
        (System::Redis, text) => Some(text.as_deref() != Some("no")),
        (_, None) => None,
        (_, Some(_)) => return stray("--full-coverage", "redis"),
    };
    report.input("primaries", args.masters);
    report.input("replicas", args.replicas);
    report.input("machines", cluster.machines());
    report.input("deciders", control.name());
    if let Some(domains) = &domains {
        report.input("domain_sizes", domains.sizes.clone());
    }
    if let Some(cut) = args.cut {
        report.input("cut", cut);
    }
    if let Some((names, _)) = &named {
        report.input("lose", names.as_str());
    }
    if let Some(full_coverage) = full_coverage {
        report.input("full_coverage", full_coverage);
    }
    report.input("reads", finite(args.reads.0));
    report.input("replica_reads", args.replica_reads);
    report.input("map_refresh_seconds", finite(args.map_refresh.0));
    let request = Request {
        cluster,
        control,
        masters: args.masters,
        replicas: args.replicas,
        domains,
        cut: args.cut,
        named,
        service: Service {
            reads: args.reads.0,
            has_replica_reads: args.replica_reads,
            needs_full_coverage: full_coverage == Some(true),
        },
        full_coverage,
        map_refresh_seconds: args.map_refresh.0,
        require: args.require,
        seed: args.seed,
    };
    check_required(&request)?;
    Ok(request)
}

/// What is required must be there to lose.
fn check_required(request: &Request) -> Result<()> {
    let domain = request.domains.as_ref().map(|domains| domains.loss);
    let missing = match request.require {
        Some(Loss::Zone) if domain != Some(Loss::Zone) => {
            "--require zone: which zones there are is not said; give --zones a=2,b=2,c=2"
        }
        Some(Loss::Switch) if domain != Some(Loss::Switch) => {
            "--require switch: which switches there are is not said; give --switch N, the machines \
             behind each"
        }
        Some(Loss::Cut) if request.cut.is_none() => {
            "--require cut: how many are cut off is not said; give --cut N"
        }
        Some(Loss::Named) if request.named.is_none() => {
            "--require named: nothing is named; give --lose NODE or --lose-zone ZONE"
        }
        _ => return Ok(()),
    };
    Err(PlanError::usage(missing))
}

fn stray<T>(argument: &str, system: &str) -> Result<T> {
    Err(PlanError::usage(format!(
        "{argument} means something to --system {system} only; leave it away, or give that"
    )))
}

fn control(args: &FailoverArgs, machines: u64) -> Result<Control> {
    match args.system {
        System::Skep if args.sentinels.is_some() => stray("--sentinels", "sentinel"),
        System::Redis if args.sentinels.is_some() => stray("--sentinels", "sentinel"),
        System::Redis | System::Sentinel if args.voters.is_some() => stray("--voters", "skep"),
        System::Redis => Ok(Control::Primaries),
        System::Skep => {
            Ok(Control::Voters(args.voters.unwrap_or_else(|| voters_for(machines as usize))))
        }
        System::Sentinel => {
            let count = args.sentinels.unwrap_or(3);
            Ok(Control::Sentinels { count, quorum: args.quorum.unwrap_or_else(|| majority(count)) })
        }
    }
}
