//! Whether the losses are survived, why not, and what to do about it.

use super::arguments::{Loss, Request};
use super::losses::Row;
use crate::model::failover::{Cuts, MACHINES_MAX, Outcome, rank};
use crate::model::quorum::{Control, majority};
use crate::quantity::grouped;
use crate::report::{Report, Verdict};

pub(super) fn fill(report: &mut Report, request: &Request, rows: &[Row], cuts: Option<&Cuts>) {
    for loss in [Loss::Node, Loss::Zone, Loss::Switch, Loss::Named, Loss::Cut] {
        let of_loss = rows.iter().filter(|row| row.loss == loss).map(|row| &row.outcome);
        let Some(worst) = of_loss.max_by_key(|outcome| (!outcome.survives(), rank(outcome))) else {
            continue;
        };
        // Of cuts not every one was looked at: only what holds for all of them counts.
        let is_certain = loss != Loss::Cut || cuts.is_some_and(|cuts| cuts.worst.survives());
        let is_survived = worst.survives() && is_certain;
        report.figure(&format!("survives_{}", loss.name()), is_survived);
        if is_survived {
            continue;
        }
        let spoken = spoken(loss, request);
        let what = match (worst.survives(), loss) {
            (true, _) => format!("that every {spoken} is survived is not certain"),
            (false, Loss::Cut) => {
                format!("not every {spoken} is survived: {}", why(worst, request))
            }
            (false, _) => format!("{spoken} is not survived: {}", why(worst, request)),
        };
        report.warn("not_survived", what, advice(loss, worst, request));
        if request.require == Some(loss) {
            report.verdict = Verdict::Violated;
            report.binding = Some(spoken);
        }
    }
}

fn spoken(loss: Loss, request: &Request) -> String {
    match loss {
        Loss::Cut => format!("cut of {}", request.cut.unwrap_or(0)),
        Loss::Named => {
            let names = request.named.as_ref().map_or("", |(names, _)| names);
            format!("losing {names}")
        }
        loss => format!("losing any {}", loss.name()),
    }
}

fn why(outcome: &Outcome, request: &Request) -> String {
    let (count, needed) = request.cluster.needed();
    let name = request.control.name();
    let slots = grouped(outcome.uncovered_slots.into());
    match (outcome.has_quorum, outcome.uncovered_slots) {
        (true, _) => format!("{slots} slots have no copy left"),
        (false, 0) => {
            format!("{} of {count} {name} are left, {needed} are needed", outcome.deciders_left)
        }
        (false, _) => format!(
            "{slots} slots have no copy left, and {} of {count} {name} are left, {needed} needed",
            outcome.deciders_left
        ),
    }
}

fn advice(loss: Loss, outcome: &Outcome, request: &Request) -> String {
    let (masters, replicas) = (request.masters, request.replicas);
    let is_small = request.control == Control::Primaries && masters < 3;
    if replicas == 0 && outcome.uncovered_slots > 0 {
        let also = if is_small { ", and use 3 primaries or more" } else { "" };
        return format!("add a replica{also}: {}", command(request, 1));
    }
    match (outcome.has_quorum, request.control) {
        (false, Control::Primaries) if is_small => {
            return format!("use 3 primaries or more: {}", command(request, replicas));
        }
        (false, _) => return quorum_advice(loss, request),
        (true, _) => {}
    }
    match loss {
        Loss::Zone | Loss::Switch => {
            let (what, more) = (loss.name(), loss.plural());
            format!(
                "put copies into different {more}: no {what} may have more machines than there are \
                 shards"
            )
        }
        Loss::Cut => cut_advice(request),
        Loss::Node | Loss::Named => format!(
            "keep a copy of every shard elsewhere, or add one: --replicas {}",
            u64::from(replicas) + 1
        ),
    }
}

/// The line for a cluster like this one with so many replicas, and with three at least of those who
/// decide, so that one of them may be lost.
fn command(request: &Request, replicas: u32) -> String {
    let masters = match request.control {
        Control::Primaries => request.masters.max(3),
        _ => request.masters.max(3u32.div_ceil(replicas.saturating_add(1))),
    };
    let most = (MACHINES_MAX / u64::from(masters)).saturating_sub(1).max(1);
    let replicas = u64::from(replicas).min(most);
    let system = match request.control {
        Control::Primaries => String::new(),
        Control::Voters(_) => " --system skep".to_owned(),
        Control::Sentinels { count, .. } => {
            format!(" --system sentinel --sentinels {}", count.max(3))
        }
    };
    format!("planner failover --masters {masters} --replicas {replicas}{system}")
}

/// More of those who decide, or apart.
fn quorum_advice(loss: Loss, request: &Request) -> String {
    let (count, needed) = request.cluster.needed();
    let name = request.control.name();
    match request.control {
        Control::Sentinels { .. } if needed > majority(count) => {
            return format!("ask for no more than a majority: --quorum {}", majority(count));
        }
        Control::Sentinels { .. } if count < 3 => return "use 3: --sentinels 3".to_owned(),
        Control::Voters(_) if count < 3 => {
            return "use 3 or more machines, and --voters 3".to_owned();
        }
        _ => {}
    }
    match loss {
        Loss::Zone | Loss::Switch => {
            let (what, more) = (loss.name(), loss.plural());
            let domains = request.domains.as_ref().map_or(0, |domains| domains.names.len());
            match domains < 3 {
                true => {
                    format!("spread the machines over three {more} or more, as equal as can be")
                }
                false => format!("let no {what} have half of the {name}: make {more} more equal"),
            }
        }
        Loss::Cut if count % 2 == 0 => {
            format!("use an odd number of {name}: one side always has more than half of it")
        }
        _ => format!("spread the {name}, or use more of them, so that {needed} are left"),
    }
}

/// Copies that a cut of one switch leaves, or more copies than are cut off.
fn cut_advice(request: &Request) -> String {
    let (cut, masters) = (request.cut.unwrap_or(0), request.masters);
    let copies = request.cluster.shards() * request.cluster.copies();
    // Of three switches or more one may be lost, with two copies of no shard behind it.
    let switch = u64::from(cut.min(masters)).min((copies / 3) as u64).max(1);
    let apart = format!(
        "put machines behind switches so that a cut takes one: {} --switch {switch}",
        command(request, request.replicas)
    );
    let (count, needed) = request.cluster.needed();
    let is_few = u64::from(masters) * (u64::from(cut) + 1) <= MACHINES_MAX && cut <= 5;
    match is_few && request.domains.is_none() && count - needed >= cut {
        true => format!("{apart}; or keep more copies than are cut off: --replicas {cut}"),
        false => apart,
    }
}
