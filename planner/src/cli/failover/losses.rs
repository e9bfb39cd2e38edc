//! Each loss with what is left: the rows of the tables, and whether they are survived.

use super::arguments::{Loss, Request};
use crate::model::failover::{Cuts, Outcome, rank};
use crate::quantity::grouped;
use crate::report::{Block, Cell, Report, Table};

/// Domains shown one by one before only the worst is.
const DOMAINS_SHOWN: usize = 12;

/// A loss and what it leaves.
pub(super) struct Row {
    pub(super) loss: Loss,
    label: String,
    pub(super) outcome: Outcome,
}

/// The losses that are asked for.
pub(super) fn rows(request: &Request, cuts: Option<&Cuts>) -> Vec<Row> {
    let mut rows = vec![row(Loss::Node, "any one node".to_owned(), worst_node(request))];
    rows.extend(domains(request));
    if let Some((names, lost)) = &request.named {
        rows.push(row(Loss::Named, names.clone(), request.cluster.lose(lost, request.service)));
    }
    if let (Some(cut), Some(cuts)) = (request.cut, cuts) {
        let others = grouped((request.cluster.machines() - cut as usize) as u64);
        let cut = grouped(cut.into());
        let sides = [
            (cuts.worst.others, format!("cut of {cut}, other {others} go on")),
            (cuts.worst.cut_side, format!("cut of {cut}, the {cut} go on")),
            (cuts.worst.undecided, format!("cut of {cut}, neither goes on")),
        ];
        let found = sides.into_iter().filter_map(|(outcome, label)| Some((outcome?, label)));
        rows.extend(found.map(|(outcome, label)| row(Loss::Cut, label, outcome)));
    }
    rows
}

fn row(loss: Loss, label: String, outcome: Outcome) -> Row {
    Row { loss, label, outcome }
}

/// The worst that losing one machine does.
fn worst_node(request: &Request) -> Outcome {
    let machines = request.cluster.machines();
    let mut lost = vec![false; machines];
    let outcomes = (0..machines).map(|machine| {
        lost[machine] = true;
        let outcome = request.cluster.lose(&lost, request.service);
        lost[machine] = false;
        outcome
    });
    let worst = outcomes.max_by_key(rank);
    worst.unwrap_or_else(|| request.cluster.lose(&[], request.service))
}

fn domains(request: &Request) -> Vec<Row> {
    let Some(domains) = &request.domains else { return Vec::new() };
    let lose = |domain| request.cluster.lose(&request.cluster.of_domain(domain), request.service);
    let names = domains.names.iter().enumerate();
    let rows = names.map(|(domain, name)| row(domains.loss, name.clone(), lose(domain)));
    let mut rows: Vec<Row> = rows.collect();
    if rows.len() > DOMAINS_SHOWN {
        rows.sort_by_key(|row| std::cmp::Reverse(rank(&row.outcome)));
        rows.truncate(1);
        rows[0].label.push_str(" (the worst)");
    }
    rows
}

/// Adds the tables.
pub(super) fn fill(report: &mut Report, rows: &[Row]) {
    let columns = [
        "loss",
        "machines",
        "deciders left",
        "majority",
        "uncovered slots",
        "busiest slots",
        "busiest load",
        "survived",
    ];
    let mut table = Table::new("losses", columns)
        .titled("the worst of each loss; busiest load 1.00 is the busiest machine's before");
    for Row { label, outcome, .. } in rows {
        let load = outcome.busiest_load;
        table.row([
            Cell::text(label),
            Cell::count(outcome.lost),
            Cell::Count(outcome.deciders_left.into()),
            Cell::Truth(outcome.has_quorum),
            Cell::Count(outcome.uncovered_slots.into()),
            load.map_or(Cell::Empty, |_| Cell::Count(outcome.busiest_slots.into())),
            load.map_or(Cell::Empty, |load| Cell::Number(load, 2)),
            Cell::Truth(outcome.survives()),
        ]);
    }
    report.block(Block::Table(table));
    let columns = ["loss", "primaries", "promotions", "uncovered shards", "served slots"];
    let mut table = Table::new("service", columns);
    for Row { label, outcome, .. } in rows {
        table.row([
            Cell::text(label),
            Cell::count(outcome.primaries_lost),
            Cell::count(outcome.promotions),
            Cell::count(outcome.uncovered_shards),
            Cell::Count(outcome.served_slots.into()),
        ]);
    }
    report.block(Block::Table(table));
}
