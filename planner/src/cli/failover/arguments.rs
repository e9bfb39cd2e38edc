//! What `planner failover` is asked, made free of contradictions.

use clap::{Args, ValueEnum};

use crate::cli::zones;
use crate::error::{PlanError, Result};
use crate::model::failover::{Layout, Reads};
use crate::model::placement::SEED_DEFAULT;
use crate::model::quorum::{Control, majority, voters_for};
use crate::quantity::{Seconds, Share};
use crate::report::Report;
use crate::report::cell::finite;

/// Domains of one size that are made of a number.
const DOMAINS_MAX: usize = 2000;

/// What survives losing a node, a zone, or a switch
///
/// Says who keeps a majority, which slots nobody serves, and what the busiest survivor carries. The
/// article's case: planner failover --masters 12 --replicas 1 --cut 4
#[derive(Args, Debug)]
pub(crate) struct FailoverArgs {
    /// Primaries (masters) of the cluster
    #[arg(long, visible_alias = "primaries", value_name = "N")]
    masters: u32,
    /// Replicas of each primary, each on a machine of its own
    #[arg(long, value_name = "N", default_value_t = 1)]
    replicas: u32,
    /// Machines in each zone: a=8,b=8,c=8
    #[arg(
        long,
        value_name = "ZONE=MACHINES,...",
        value_delimiter = ',',
        conflicts_with = "switch"
    )]
    zones: Option<Vec<String>>,
    /// Machines behind one switch
    #[arg(long, value_name = "N")]
    switch: Option<u32>,
    /// Machines that are cut off from the others, whichever they are
    #[arg(long, value_name = "N")]
    cut: Option<u32>,
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
}

/// What is asked, without contradictions.
pub(super) struct Request {
    pub(super) layout: Layout,
    pub(super) control: Control,
    pub(super) replicas: u32,
    /// Names of the domains, and what one of them is.
    pub(super) domains: Option<(Loss, Vec<String>)>,
    pub(super) cut: Option<u32>,
    pub(super) reads: Reads,
    pub(super) map_refresh_seconds: f64,
    pub(super) require: Option<Loss>,
    pub(super) seed: u64,
}

pub(super) fn read(args: &FailoverArgs, report: &mut Report) -> Result<Request> {
    let machines = u64::from(args.masters) * (u64::from(args.replicas) + 1);
    let (domains, sizes) = domains(args, machines)?;
    let control = control(args, machines)?;
    let layout = Layout::place(args.masters, args.replicas, &sizes, control)?;
    report.input("primaries", args.masters);
    report.input("replicas", args.replicas);
    report.input("deciders", control.name());
    if domains.is_some() {
        report.input("domain_sizes", sizes);
    }
    if let Some(cut) = args.cut {
        report.input("cut", cut);
    }
    report.input("reads", finite(args.reads.0));
    report.input("map_refresh_seconds", finite(args.map_refresh.0));
    let missing = |what: &str| {
        Err(PlanError::usage(format!(
            "--require {what} needs to know it: give --{what} or --zones"
        )))
    };
    match (args.require, domains.as_ref().map(|(loss, _)| *loss), args.cut) {
        (Some(Loss::Zone), found, _) if found != Some(Loss::Zone) => missing("zones")?,
        (Some(Loss::Switch), found, _) if found != Some(Loss::Switch) => missing("switch")?,
        (Some(Loss::Cut), _, None) => missing("cut")?,
        _ => {}
    }
    Ok(Request {
        layout,
        control,
        replicas: args.replicas,
        domains,
        cut: args.cut,
        reads: Reads { share: args.reads.0, from_replicas: args.replica_reads },
        map_refresh_seconds: args.map_refresh.0,
        require: args.require,
        seed: args.seed,
    })
}

/// Failure domains with their names, and their sizes; one of all machines if none are given.
type Domains = (Option<(Loss, Vec<String>)>, Vec<u32>);

fn domains(args: &FailoverArgs, machines: u64) -> Result<Domains> {
    let whole = u32::try_from(machines).unwrap_or(u32::MAX);
    if let Some(size) = args.switch {
        if size == 0 {
            return Err(PlanError::usage("--switch 0: give the machines behind one switch"));
        }
        let count = whole.div_ceil(size) as usize;
        if count > DOMAINS_MAX {
            return Err(PlanError::usage(format!(
                "--switch {size}: {count} switches are more than the {DOMAINS_MAX} reckoned with"
            )));
        }
        let last = whole - size * (count as u32 - 1);
        let sizes = (0..count).map(|at| if at + 1 == count { last } else { size }).collect();
        let names = (1..=count).map(|number| format!("switch-{number}")).collect();
        return Ok((Some((Loss::Switch, names)), sizes));
    }
    let Some(parts) = &args.zones else { return Ok((None, vec![whole])) };
    let zones = zones::parse(parts, "machines")?;
    let sizes = zones.iter().map(|zone| zone.nodes as u32).collect();
    let names = zones.into_iter().map(|zone| zone.name).collect();
    Ok((Some((Loss::Zone, names)), sizes))
}

fn control(args: &FailoverArgs, machines: u64) -> Result<Control> {
    let stray = |argument: &str, system: &str| {
        Err(PlanError::usage(format!("{argument} means something to --system {system} only")))
    };
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
