//! The screen: each loss with what is left, and what random cuts do.

use serde_json::{Map, Value};

use super::arguments::{Loss, Request};
use crate::error::Result;
use crate::model::failover::{Cuts, Outcome, cuts, rank};
use crate::model::quorum::no_group_in_cut;
use crate::quantity::{decimals, grouped, spoken_seconds};
use crate::report::cell::finite;
use crate::report::chart::Bars;
use crate::report::{Block, Cell, Chart, Report, Step, Table, Unit, Verdict};

/// Domains shown one by one before only the worst is.
const DOMAINS_SHOWN: usize = 12;
const SPEC: &str = "Redis Cluster specification; Ongaro and Ousterhout, Raft, 2014; Redis Sentinel";

pub(super) fn fill(report: &mut Report, request: &Request) -> Result<()> {
    report.line(heading(request));
    let columns = [
        "loss",
        "machines",
        "primaries",
        "promotions",
        "uncovered shards",
        "deciders left",
        "majority",
        "busiest",
        "survived",
    ];
    let mut table = Table::new("losses", columns);
    let node = worst_node(request);
    table.row(row("any one node", &node));
    let mut survived = vec![(Loss::Node, node.survives())];
    survived.extend(add_domains(&mut table, request));
    let found = request.cut.map(|cut| cuts(&request.layout, cut, request.reads, request.seed));
    let found = found.transpose()?;
    if let (Some(cut), Some(found)) = (request.cut, &found) {
        table.row(row(&format!("any {cut}, worst case"), &found.worst));
        table.row(row(&format!("the {cut} themselves, at best"), &found.cut_side_best));
        survived.push((Loss::Cut, found.worst.survives()));
    }
    report.block(Block::Table(table));
    for (loss, is_survived) in &survived {
        report.figure(&format!("survives_{}", name(*loss)), *is_survived);
    }
    if let (Some(cut), Some(found)) = (request.cut, &found) {
        add_cuts(report, request, cut, found);
    }
    explain(report, request);
    stale_clients(report, request);
    judge(report, request, &survived);
    Ok(())
}

fn name(loss: Loss) -> &'static str {
    match loss {
        Loss::Node => "node",
        Loss::Zone => "zone",
        Loss::Switch => "switch",
        Loss::Cut => "cut",
    }
}

fn heading(request: &Request) -> String {
    let shards = request.layout.shards();
    let (count, needed) = request.control.needed(shards as u32);
    format!(
        "cluster  {} primaries, {} replicas each = {} machines; {needed} of {count} {} decide",
        grouped(shards as u64),
        request.replicas,
        grouped(request.layout.machines() as u64),
        request.control.name(),
    )
}

fn row(what: &str, outcome: &Outcome) -> Vec<Cell> {
    let yes = |is: bool| Cell::text(if is { "yes" } else { "NO" });
    vec![
        Cell::text(what),
        Cell::count(outcome.lost),
        Cell::count(outcome.primaries_lost),
        Cell::count(outcome.promotions),
        Cell::count(outcome.uncovered),
        Cell::Count(outcome.deciders_left.into()),
        yes(outcome.has_quorum),
        Cell::text(format!("x{}", decimals(outcome.busiest, 2))),
        yes(outcome.survives()),
    ]
}

/// The worst that losing one machine does.
fn worst_node(request: &Request) -> Outcome {
    let machines = request.layout.machines();
    let lose = |machine: usize| {
        let lost: Vec<bool> = (0..machines).map(|other| other == machine).collect();
        request.layout.lose(&lost, request.reads)
    };
    let outcomes = (0..machines).map(lose);
    outcomes.max_by_key(rank).unwrap_or_else(|| request.layout.lose(&[], request.reads))
}

fn add_domains(table: &mut Table, request: &Request) -> Option<(Loss, bool)> {
    let (loss, names) = request.domains.as_ref()?;
    let outcomes: Vec<Outcome> = (0..names.len())
        .map(|domain| request.layout.lose(&request.layout.of_domain(domain), request.reads))
        .collect();
    let worst = (0..names.len()).max_by_key(|domain| rank(&outcomes[*domain]))?;
    match names.len() <= DOMAINS_SHOWN {
        true => {
            for (name, outcome) in names.iter().zip(&outcomes) {
                table.row(row(name, outcome));
            }
        }
        false => table.row(row(&format!("{} (the worst)", names[worst]), &outcomes[worst])),
    }
    Some((*loss, outcomes[worst].survives()))
}

fn add_cuts(report: &mut Report, request: &Request, cut: u32, found: &Cuts) {
    let seen = match found.is_exact {
        true => format!("all {} ways", grouped(found.seen as u64)),
        false => format!("{} of {:.3e} ways, drawn", grouped(found.seen as u64), found.ways),
    };
    report.line(format!(
        "cut {cut} of {}: {seen}; the larger side keeps its majority in {} %, serves everything in {} %;",
        request.layout.machines(),
        decimals(found.quorum * 100.0, 1),
        decimals(found.survive * 100.0, 1),
    ));
    report.line(format!(
        "the {cut} can promote by themselves in {} %",
        decimals(found.cut_side_quorum * 100.0, 1)
    ));
    let mut table = Table::new("cuts", ["shards cut off whole", "probability"]);
    let bars = found.uncovered.iter().enumerate();
    for (shards, probability) in bars.clone() {
        table.row([Cell::count(shards), Cell::Share(*probability, 2)]);
    }
    report.block(Block::Table(table));
    report.block(Block::Chart(Chart::Bars(Bars {
        title: format!("shards that a random cut of {cut} leaves nobody to serve"),
        label: "probability, %".to_owned(),
        bars: bars.map(|(shards, share)| (shards.to_string(), share * 100.0)).collect(),
        mark: None,
    })));
    let mut figures = Map::new();
    figures.insert("ways".to_owned(), finite(found.ways));
    figures.insert("seen".to_owned(), Value::from(found.seen));
    figures.insert("is_exact".to_owned(), Value::from(found.is_exact));
    figures.insert("survived".to_owned(), finite(found.survive));
    figures.insert("majority_kept".to_owned(), finite(found.quorum));
    figures.insert("cut_side_majority".to_owned(), finite(found.cut_side_quorum));
    figures.insert("worst_uncovered_shards".to_owned(), Value::from(found.worst.uncovered));
    report.figure("cuts", Value::Object(figures));
    if !found.is_exact {
        report.seed = Some(request.seed);
    }
    // Without domains the placement does not matter, and the share has a formula.
    let covered = no_group_in_cut(request.layout.shards() as u32, request.replicas + 1, cut);
    report.steps.push(Step {
        id: "covered",
        label: "a random cut takes no shard whole".to_owned(),
        formula: format!(
            "product over {} shards of what hypergeometric draws leave",
            request.layout.shards()
        ),
        value: covered,
        unit: Unit::Ratio,
        why: "a shard is lost to the larger side only if every copy of it is cut off".to_owned(),
        source: "combinatorics",
    });
}

fn explain(report: &mut Report, request: &Request) {
    let (count, needed) = request.control.needed(request.layout.shards() as u32);
    report.figure("deciders", count);
    report.figure("deciders_needed", needed);
    report.steps.push(Step {
        id: "majority",
        label: format!("{} that must agree", request.control.name()),
        formula: format!("{count} / 2 + 1, or the quorum asked for"),
        value: f64::from(needed),
        unit: Unit::Count,
        why: "two sides of a cut never both have more than half".to_owned(),
        source: SPEC,
    });
    if request.layout.has_copies_together() && request.domains.is_some() {
        report.warn(
            "copies_together",
            "some domain has two copies of a shard: it holds more machines than there are shards",
            "spread the machines over more zones, or use smaller ones",
        );
    }
}

/// The article's outage was not the cluster's: its clients went on asking the demoted primary.
fn stale_clients(report: &mut Report, request: &Request) {
    report.figure("stale_client_seconds", finite(request.map_refresh_seconds));
    report.steps.push(Step {
        id: "stale_clients",
        label: "clients may ask a demoted primary".to_owned(),
        formula: "the time between two looks at the slot map".to_owned(),
        value: request.map_refresh_seconds,
        unit: Unit::Seconds,
        why: "a client that ignores MOVED learns of a failover only when it refreshes its map"
            .to_owned(),
        source: "the article, \"Real-World Case Study\": 60 s, then 5 s; the outage lasted 8 minutes",
    });
    report.line(format!(
        "clients  ones that ignore MOVED ask the demoted primary for up to {}: refresh on MOVED",
        spoken_seconds(request.map_refresh_seconds)
    ));
}

fn judge(report: &mut Report, request: &Request, survived: &[(Loss, bool)]) {
    let lost = survived.iter().filter(|(_, is_survived)| !is_survived);
    for (loss, _) in lost.clone() {
        let what = match loss {
            Loss::Cut => "some cuts of that size are not survived".to_owned(),
            loss => format!("losing a {} is not survived", name(*loss)),
        };
        let fix = "put copies into different zones, at least three, with deciders in each";
        report.warn("not_survived", what, fix);
    }
    if let Some(required) = request.require
        && lost.clone().any(|(loss, _)| *loss == required)
    {
        report.verdict = Verdict::Violated;
        report.binding = Some(format!("losing a {}", name(required)));
    }
}
