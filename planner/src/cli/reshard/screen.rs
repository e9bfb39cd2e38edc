//! The answer of `planner reshard`.

use serde_json::{Value, json};
use skep_keyspace::layout::Layout;
use skep_keyspace::moves::Move;
use skep_keyspace::order::{Step as Hop, Stuck};
use skep_keyspace::{SLOT_COUNT, SlotRange, SlotSet};

use super::arguments::Request;
use super::{emit, time};
use crate::model::reshard::saved::{Part, gathered, saved};
use crate::model::reshard::{Owners, Plan, SlotSizes, peak_bytes};
use crate::quantity::{ByteUnit, decimals, grouped};
use crate::report::chart::Bands;
use crate::report::{Block, Cell, Chart, Report, Step, Table, Unit, Verdict};

/// Ranges that a cell shows; the result has them all.
const RANGES_SHOWN: usize = 6;
/// Rows that a terminal shows; files have them all.
const ROWS_SHOWN: usize = 24;

pub(super) fn fill(report: &mut Report, request: &Request, plan: &Plan) {
    let (owners, moved) = (&plan.goal.start, plan.moves.len());
    let share = moved as f64 / SLOT_COUNT as f64;
    let s = if owners.names.len() == 1 { "" } else { "s" };
    report.line(format!("from     {}", request.source));
    report.line(format!(
        "moves    {} of 16,384 slots ({} %), {} shard{s}",
        grouped(moved as u64),
        decimals(share * 100.0, 1),
        owners.names.len(),
    ));
    report.line(format!(
        "fewest   {} for as many slots each; laying out anew would move {}",
        grouped(plan.fewest.into()),
        grouped(plan.naive as u64),
    ));
    report.figure("moved_slots", moved);
    report.figure("fewest_slots", plan.fewest);
    report.figure("naive_slots", plan.naive);
    report.figure("start_digest", owners.digest(&owners.layout));
    report.figure("target_digest", owners.digest(&plan.goal.target));
    report.figure("layout", json!(owners.file(&plan.goal.target)));
    steps(report, plan);
    match &plan.batches {
        Ok(batches) => {
            work(report, request, owners, batches);
            report.block(Block::Table(nodes(request, plan, batches)));
        }
        Err(stuck) => {
            let moves = plan.moves.iter();
            let hops: Vec<Hop> = moves.map(|&step| Hop { step, is_detour: false }).collect();
            let table = moves_table(report, request, owners, &hops);
            report.block(Block::Table(table));
            stop(report, owners, stuck);
        }
    }
    report.block(Block::Chart(picture("slots afterwards", owners, &plan.goal.target)));
    report.block(Block::Chart(picture("slots now", owners, &owners.layout)));
}

/// Moves, batches, time and commands of a plan, or of what is left of one.
pub(super) fn work(report: &mut Report, request: &Request, owners: &Owners, batches: &[Vec<Hop>]) {
    let hops: Vec<Hop> = batches.iter().flatten().copied().collect();
    let table = moves_table(report, request, owners, &hops);
    report.block(Block::Table(table));
    let named: Vec<Value> =
        batches.iter().map(|batch| json!(saved(&owners.names, batch))).collect();
    report.figure("batches", named);
    report.figure("stuck", Value::Null);
    let table = batches_table(request, owners, batches);
    report.block(Block::Table(table));
    time::fill(report, request, owners, &hops);
    emit::fill(report, request, owners, batches);
}

fn keys_and_bytes(sizes: &SlotSizes, slots: &SlotSet) -> (u64, u64) {
    slots.iter().fold((0, 0), |(keys, bytes), slot| {
        let at = usize::from(slot.number());
        (keys + sizes.keys[at], bytes + sizes.bytes[at])
    })
}

/// A cell of a figure that is unknown without sizes.
fn sized(request: &Request, cell: Cell) -> Cell {
    if request.knows_sizes { cell } else { Cell::Empty }
}

fn moves_table(report: &mut Report, request: &Request, owners: &Owners, hops: &[Hop]) -> Table {
    let columns = ["from", "to", "slots", "keys", "bytes", "ranges"];
    let mut table = Table::new("moves", columns);
    let mut results: Vec<Value> = Vec::new();
    for Part { source, target, is_detour, slots } in gathered(hops) {
        let (keys, bytes) = keys_and_bytes(&request.sizes, &slots);
        let ranges: Vec<SlotRange> = slots.ranges().collect();
        let some: Vec<String> = ranges.iter().take(RANGES_SHOWN).map(ToString::to_string).collect();
        let more = match ranges.len() > RANGES_SHOWN {
            true => format!(",... ({} ranges)", grouped(ranges.len() as u64)),
            false => String::new(),
        };
        let detour = if is_detour { " (for a while)" } else { "" };
        let (from, to) = (&owners.names[source], &owners.names[target]);
        table.row([
            Cell::text(from),
            Cell::text(format!("{to}{detour}")),
            Cell::count(slots.len()),
            sized(request, Cell::Count(keys)),
            sized(request, Cell::Bytes(bytes)),
            Cell::text(some.join(",") + &more),
        ]);
        results.push(json!({
            "from": from, "to": to, "is_detour": is_detour, "slots": slots.len(),
            "ranges": ranges.iter().map(|range| [range.first, range.last]).collect::<Vec<_>>(),
            "keys": request.knows_sizes.then_some(keys),
            "bytes": request.knows_sizes.then_some(bytes),
        }));
    }
    report.figure("moves", results);
    shortened(table, "moves")
}

fn batches_table(request: &Request, owners: &Owners, batches: &[Vec<Hop>]) -> Table {
    let mut table = Table::new("batches", ["batch", "slots", "keys", "bytes", "moves"]);
    for (number, batch) in (1..).zip(batches) {
        let parts = gathered(batch);
        let sums = parts.iter().map(|part| keys_and_bytes(&request.sizes, &part.slots));
        let (keys, bytes) = sums.fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let some = parts.iter().take(RANGES_SHOWN).map(|part| {
            let (from, to) = (&owners.names[part.source], &owners.names[part.target]);
            format!("{} {from} > {to}", grouped(part.slots.len() as u64))
        });
        let more = if parts.len() > RANGES_SHOWN { ", ..." } else { "" };
        table.row([
            Cell::Count(number),
            Cell::count(batch.len()),
            sized(request, Cell::Count(keys)),
            sized(request, Cell::Bytes(bytes)),
            Cell::text(some.collect::<Vec<_>>().join(", ") + more),
        ]);
    }
    shortened(table, "batches")
}

fn nodes(request: &Request, plan: &Plan, batches: &[Vec<Hop>]) -> Table {
    let (owners, sizes) = (&plan.goal.start, &request.sizes);
    let held = |layout: &Layout| {
        let mut held = vec![0u64; layout.shard_count()];
        for (&owner, &bytes) in layout.owners().iter().zip(&sizes.bytes) {
            held[usize::from(owner)] += bytes;
        }
        held
    };
    let columns = ["shard", "slots", "slots after", "bytes", "at most", "bytes after"];
    let mut table = Table::new("shards", columns);
    let (counts, targets) = (owners.layout.counts(), plan.goal.target.counts());
    let (before, after) = (held(&owners.layout), held(&plan.goal.target));
    let peaks = peak_bytes(&owners.layout, batches, sizes);
    for (shard, name) in owners.names.iter().enumerate() {
        table.row([
            Cell::text(name),
            Cell::Count(counts[shard].into()),
            Cell::Count(targets[shard].into()),
            sized(request, Cell::Bytes(before[shard])),
            sized(request, Cell::Bytes(peaks[shard])),
            sized(request, Cell::Bytes(after[shard])),
        ]);
    }
    shortened(table, "shards")
}

/// A table that a terminal only mentions if it is long.
fn shortened(mut table: Table, what: &str) -> Table {
    if table.rows.len() > ROWS_SHOWN {
        let count = grouped(table.rows.len() as u64);
        table.prose = Some(vec![format!(
            "{count} {what}: --format csv --table {} or --out FILE.html lists them",
            table.name
        )]);
    }
    table
}

fn stop(report: &mut Report, owners: &Owners, stuck: &Stuck) {
    let Stuck { slot, shard, short_bytes, left_slots } = *stuck;
    let name = &owners.names[shard];
    let unit = ByteUnit::of(short_bytes, report.units);
    report.line(format!(
        "stuck    {name} lacks {} bytes ({}) for slot {slot}, and {} slots wait",
        grouped(short_bytes),
        unit.text(short_bytes as f64),
        grouped(left_slots as u64),
    ));
    report.warn(
        "stuck",
        format!("no order of moves keeps every node below --node-limit: {name} is too small"),
        "raise --node-limit by as much, add a node, or make --batch smaller",
    );
    report.figure("batches", Value::Null);
    report.figure(
        "stuck",
        json!({
            "shard": name, "slot": slot, "short_bytes": short_bytes, "left_slots": left_slots
        }),
    );
    report.figure("forecast", Value::Null);
    report.figure("big_keys", Value::Null);
    report.binding = Some(format!("memory of {name}"));
    report.verdict = Verdict::Violated;
}

fn picture(title: &str, owners: &Owners, layout: &Layout) -> Chart {
    let bands = |ranges: Vec<SlotRange>| {
        ranges.iter().map(|range| (range.first.into(), range.last.into())).collect()
    };
    let rows = owners.names.iter().cloned().zip(layout.ranges().into_iter().map(bands));
    let end = SLOT_COUNT as u32;
    Chart::Bands(Bands { title: title.to_owned(), end, rows: rows.collect() })
}

fn steps(report: &mut Report, plan: &Plan) {
    let Plan { moves, fewest, naive, .. } = plan;
    let counts = plan.goal.start.layout.counts();
    let is_new = |step: &&Move| counts[usize::from(step.target)] == 0;
    let joining = moves.iter().filter(is_new).count();
    report.steps.extend([
        Step {
            id: "moved_slots",
            label: "slots that move".to_owned(),
            formula: "count of slots whose owner differs".to_owned(),
            value: moves.len() as f64,
            unit: Unit::Count,
            why: format!("{} of them go to shards that had none", grouped(joining as u64)),
            source: "comparison of both layouts slot by slot",
        },
        Step {
            id: "fewest_slots",
            label: "fewest".to_owned(),
            formula: "sum over shards of max(slots now - slots afterwards, 0)".to_owned(),
            value: f64::from(*fewest),
            unit: Unit::Count,
            why: "whoever has too much must give that away, and nobody else has to".to_owned(),
            source: "a flow from surplus to deficit cannot be smaller than the surplus",
        },
        Step {
            id: "naive_slots",
            label: "a layout anew".to_owned(),
            formula: "count of slots whose owner differs if each shard gets one range".to_owned(),
            value: *naive as f64,
            unit: Unit::Count,
            why: "what creating the cluster again with its new size would copy".to_owned(),
            source: "ranges as redis-cli --cluster create makes them",
        },
    ]);
}
