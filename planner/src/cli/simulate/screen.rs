//! The answer of `planner simulate`.

use serde_json::{Value, json};

use super::Outcome;
use super::arguments::Request;
use crate::model::fleet::{Dip, Engine, RECOVERED, Served, Window, dip, imbalance, total};
use crate::quantity::{decimals, grouped};
use crate::report::cell::finite;
use crate::report::chart::{Axis, Bars, Lines, Scale};
use crate::report::{Block, Cell, Chart, Report, Step, Table, Unit};

/// A busiest node from which on a warning is due.
const UNEVEN: f64 = 1.25;
const SLOTS: f64 = 16_384.0;

pub(super) fn fill(report: &mut Report, request: &Request, outcomes: &[Outcome]) {
    let Some(first) = outcomes.first() else { return };
    let requests = total(first.intact.before()).requests;
    report.line(format!(
        "trace   {}: {} accesses, {} requests among them, {} nodes",
        request.trace,
        grouped(first.intact.accesses()),
        grouped(requests),
        request.nodes,
    ));
    if let (Some(node), Some(after)) = (request.lost, request.lose_after) {
        report.line(format!("loss    node {} after {} accesses", node + 1, grouped(after)));
        report.input("lose_after", after);
        if after >= first.intact.accesses() {
            report.warn(
                "no_loss",
                "the trace ends before the node is lost",
                "give a smaller --lose-after",
            );
        }
    }
    let compared = layouts(report, request, outcomes);
    report.block(Block::Table(compared));
    report.block(Block::Table(nodes(request, first)));
    report.block(Block::Table(windows(request, first)));
    report.block(Block::Chart(loads(first)));
    if !matches!(request.engine, Engine::None) {
        report.block(Block::Chart(hits(outcomes)));
    }
    steps(report, request, first);
    if imbalance(first.intact.before(), request.nodes) > UNEVEN {
        report.warn(
            "uneven",
            format!("the busiest node has more than {UNEVEN} times the mean"),
            "see planner hotkeys for what replicating or spreading hot keys buys",
        );
    }
}

fn ratio(served: &[Served]) -> Cell {
    total(served).hit_ratio().map_or(Cell::Empty, |ratio| Cell::Share(ratio, 2))
}

/// A row for each layout, and its figures in the result.
fn layouts(report: &mut Report, request: &Request, outcomes: &[Outcome]) -> Table {
    let keeps = !matches!(request.engine, Engine::None);
    let mut columns = vec!["layout", "busiest node", "busiest window"];
    if keeps {
        columns.push("hit ratio");
    }
    if request.lost.is_some() {
        columns.extend(["slots moved", "accesses moved", "busiest after"]);
        if keeps {
            columns.extend(["dip", "hits lost", "recovered after", "lasting"]);
        }
    }
    let mut table = Table::new("layouts", columns);
    let mut results: Vec<Value> = Vec::new();
    for outcome in outcomes {
        let found = found(outcome);
        results.push(figures(request, outcome, found));
        let served = outcome.intact.before();
        let worst = outcome.intact.windows().iter().map(Window::imbalance).fold(1.0, f64::max);
        let mut row = vec![
            Cell::text(outcome.layout.name()),
            Cell::Number(imbalance(served, request.nodes), 3),
            Cell::Number(worst, 3),
        ];
        if keeps {
            row.push(ratio(served));
        }
        if let Some(lossy) = &outcome.lossy {
            row.extend([
                Cell::Share(f64::from(outcome.moved_slots) / SLOTS, 1),
                moved_accesses(outcome).map_or(Cell::Empty, |share| Cell::Share(share, 1)),
                Cell::Number(imbalance(lossy.after(), request.nodes - 1), 3),
            ]);
            if keeps {
                row.extend(dip_cells(found));
            }
        }
        table.row(row);
    }
    report.figure("layouts", results);
    table
}

fn found(outcome: &Outcome) -> Option<Dip> {
    dip(&outcome.intact, outcome.lossy.as_ref()?, outcome.survivors.as_ref()?)
}

fn dip_cells(found: Option<Dip>) -> [Cell; 4] {
    let Some(found) = found else { return [Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty] };
    let recovery = match found.recovery_accesses {
        Some(accesses) => Cell::Count(accesses),
        None => Cell::text("not before the end"),
    };
    let (dip, lasting) = (Cell::Share(found.deepest, 2), Cell::Share(found.lasting, 2));
    [dip, Cell::Count(found.hits_lost as u64), recovery, lasting]
}

/// The share of the accesses after the loss that go to another node than before.
fn moved_accesses(outcome: &Outcome) -> Option<f64> {
    let lossy = outcome.lossy.as_ref()?;
    let after = total(lossy.after()).accesses;
    (after > 0).then(|| lossy.moved_accesses() as f64 / after as f64)
}

fn figures(request: &Request, outcome: &Outcome, found: Option<Dip>) -> Value {
    let served = outcome.intact.before();
    let hit_ratio = total(served).hit_ratio().filter(|_| !matches!(request.engine, Engine::None));
    let lossy = outcome.lossy.as_ref();
    json!({
        "layout": outcome.layout.name(),
        "imbalance": finite(imbalance(served, request.nodes)),
        "hit_ratio": hit_ratio.map(finite),
        "slots_moved": lossy.map(|_| outcome.moved_slots),
        "accesses_moved": moved_accesses(outcome).map(finite),
        "imbalance_after": lossy.map(|lossy| finite(imbalance(lossy.after(), request.nodes - 1))),
        "dip": found.map(|found| finite(found.deepest)),
        "hits_lost": found.map(|found| finite(found.hits_lost)),
        "lasting": found.map(|found| finite(found.lasting)),
        "recovery_accesses": found.and_then(|found| found.recovery_accesses),
    })
}

/// What each node of the first layout did.
fn nodes(request: &Request, outcome: &Outcome) -> Table {
    let keeps = !matches!(request.engine, Engine::None);
    let mut columns = vec!["node", "slots", "accesses", "x mean"];
    columns.extend(keeps.then_some("hit ratio"));
    if outcome.lossy.is_some() {
        columns.extend(["after the loss", "x mean after"]);
        columns.extend(keeps.then_some("hit ratio after"));
    }
    let title = format!("nodes, layout {}", outcome.layout.name());
    let mut table = Table::new("nodes", columns).titled(title);
    let times = |served: &[Served], node: usize, alive: usize| match total(served).accesses {
        0 => Cell::Empty,
        all => Cell::Number(served[node].accesses as f64 * alive as f64 / all as f64, 3),
    };
    let hit = |served: &Served| served.hit_ratio().map_or(Cell::Empty, |r| Cell::Share(r, 2));
    let served = outcome.intact.before();
    for (node, one) in served.iter().enumerate() {
        let mut row = vec![
            Cell::text(format!("node-{}", node + 1)),
            Cell::Count(outcome.slots[node].into()),
            Cell::Count(one.accesses),
            times(served, node, request.nodes),
        ];
        row.extend(keeps.then(|| hit(one)));
        if let Some(lossy) = &outcome.lossy {
            let after = lossy.after();
            row.push(Cell::Count(after[node].accesses));
            row.push(times(after, node, request.nodes - 1));
            row.extend(keeps.then(|| hit(&after[node])));
        }
        table.row(row);
    }
    table
}

/// The first layout over time.
fn windows(request: &Request, outcome: &Outcome) -> Table {
    let keeps = !matches!(request.engine, Engine::None);
    let mut columns = vec!["from access", "accesses", "busiest x mean"];
    columns.extend(keeps.then_some("hit ratio"));
    columns.extend((keeps && outcome.lossy.is_some()).then_some("hit ratio with loss"));
    let title = format!("windows of time, layout {}", outcome.layout.name());
    let mut table = Table::new("windows", columns).titled(title);
    let each = outcome.intact.window_accesses();
    for (at, window) in outcome.intact.windows().iter().enumerate() {
        let share =
            |window: &Window| window.hit_ratio().map_or(Cell::Empty, |ratio| Cell::Share(ratio, 2));
        let mut row = vec![
            Cell::Count(at as u64 * each),
            Cell::Count(window.accesses),
            Cell::Number(window.imbalance(), 3),
        ];
        row.extend(keeps.then(|| share(window)));
        if let (true, Some(lossy)) = (keeps, &outcome.lossy) {
            row.push(lossy.windows().get(at).map_or(Cell::Empty, share));
        }
        table.row(row);
    }
    table
}

fn loads(outcome: &Outcome) -> Chart {
    let served = outcome.intact.before();
    let bars = served.iter().enumerate();
    let mean = total(served).accesses as f64 / served.len() as f64;
    Chart::Bars(Bars {
        title: format!("accesses of each node, layout {}", outcome.layout.name()),
        label: "accesses".to_owned(),
        bars: bars.map(|(n, one)| (format!("node-{}", n + 1), one.accesses as f64)).collect(),
        mark: Some(("mean".to_owned(), mean)),
    })
}

fn hits(outcomes: &[Outcome]) -> Chart {
    let points = |windows: &[Window], each: u64| -> Vec<(f64, f64)> {
        let ratios = windows.iter().enumerate().map(|(at, window)| (at, window.hit_ratio()));
        ratios.filter_map(|(at, ratio)| Some(((at as u64 * each) as f64, ratio?))).collect()
    };
    let mut curves = Vec::new();
    for outcome in outcomes {
        let name = outcome.layout.name();
        let each = outcome.intact.window_accesses();
        if let Some(lossy) = &outcome.lossy {
            curves.push((format!("{name}, loss"), points(lossy.windows(), each)));
        }
        if curves.len() < 2 || outcome.lossy.is_none() {
            curves.push((name.to_owned(), points(outcome.intact.windows(), each)));
        }
    }
    Chart::Lines(Lines {
        title: "hit ratio over time".to_owned(),
        x: Axis { label: "accesses".to_owned(), scale: Scale::Linear },
        y: Axis { label: "hit ratio".to_owned(), scale: Scale::Linear },
        curves,
    })
}

fn steps(report: &mut Report, request: &Request, outcome: &Outcome) {
    let served = outcome.intact.before();
    let busiest = served.iter().map(|one| one.accesses).max().unwrap_or(0);
    let mean = total(served).accesses as f64 / request.nodes as f64;
    report.steps.push(Step {
        id: "imbalance",
        label: "busiest node over the mean".to_owned(),
        formula: format!("{} / {}", grouped(busiest), decimals(mean, 1)),
        value: imbalance(served, request.nodes),
        unit: Unit::Ratio,
        why: "a cluster is full when its busiest node is".to_owned(),
        source: "the trace, by the owners of its slots",
    });
    if outcome.lossy.is_none() {
        return;
    }
    report.steps.push(Step {
        id: "slots_moved",
        label: "slots that change their owner".to_owned(),
        formula: format!(
            "of 16,384; the lost node had {}",
            outcome.slots[request.lost.unwrap_or(0)]
        ),
        value: f64::from(outcome.moved_slots),
        unit: Unit::Count,
        why: "what moves without its data is a miss, also where it moves between survivors"
            .to_owned(),
        source: "Karger et al., \"Consistent Hashing and Random Trees\", STOC 1997",
    });
    if let Some(found) = found(outcome) {
        report.steps.push(Step {
            id: "hits_lost",
            label: "hits that the loss costs".to_owned(),
            formula: "hits of the fleet that loses nothing - hits of the one that does".to_owned(),
            value: found.hits_lost,
            unit: Unit::Count,
            why: format!(
                "both serve the same trace; recovered is who is within {} % of the hit ratio of the \
                 survivors, had there never been more nodes; lasting is what their memory lacks",
                decimals(RECOVERED * 100.0, 0)
            ),
            source: "the trace, served twice",
        });
    }
}
