//! The screen: who owns what, how evenly, and what one more shard would move.

use serde_json::json;
use skep_keyspace::layout::imbalance;
use skep_keyspace::ring::RING_VERSION;
use skep_keyspace::{SLOT_COUNT, SlotRange};

use super::arguments::Request;
use super::{emit, zones};
use crate::error::Result;
use crate::model::layouts::{LayoutKind, NamedLayout, growth, make};
use crate::quantity::{decimals, grouped};
use crate::report::cell::finite;
use crate::report::chart::Bands;
use crate::report::{Block, Cell, Chart, Remark, Report, Step, Table, Unit};

/// Ranges of a shard shown before the rest is only counted.
const RANGES_SHOWN: usize = 4;
/// Imbalance above which a layout is said to be uneven.
const IMBALANCE_WARNED: f64 = 1.25;

pub(super) fn fill(report: &mut Report, request: &Request) -> Result<()> {
    let layout = make(request.kind, &request.names, &request.weights, request.virtual_nodes)?;
    let named = NamedLayout { names: request.names.clone(), layout };
    let counts: Vec<f64> = named.layout.counts().into_iter().map(f64::from).collect();
    let ratio = imbalance(&counts, &request.weights);
    let placed = zones::place(request)?;
    report.figure("layout", named.to_value());
    report.figure("slots", SLOT_COUNT);
    report.figure("imbalance", finite(ratio));
    report.line(heading(request, ratio));
    report.block(Block::Table(table(request, &named)));
    let mut remarks = Vec::new();
    remarks.extend(grown(report, request, &named)?);
    if let Some(placement) = &placed {
        remarks.push(zones::fill(report, request, placement, &named));
    }
    report.block(Block::Remarks(remarks));
    report.block(Block::Chart(picture(&named, request.kind)));
    if request.kind == LayoutKind::Ring {
        report.figure(
            "ring",
            json!({
                "version": RING_VERSION, "virtual_nodes": request.virtual_nodes,
                "names": request.names,
                "weights": request.weights.iter().map(|weight| finite(*weight)).collect::<Vec<_>>(),
            }),
        );
    }
    explain(report, request, ratio);
    warn(report, request, ratio);
    emit::fill(report, request, &named, placed.as_ref());
    Ok(())
}

fn heading(request: &Request, ratio: f64) -> String {
    let vnodes = match request.kind {
        LayoutKind::Ring => {
            format!(", {} virtual nodes each", grouped(request.virtual_nodes.into()))
        }
        _ => String::new(),
    };
    let count = request.names.len();
    let shards = if count == 1 { "shard" } else { "shards" };
    format!(
        "{:<11} {} {shards}{vnodes}, {} slots, busiest over fair share {}",
        request.kind.name(),
        grouped(count as u64),
        grouped(SLOT_COUNT as u64),
        decimals(ratio, 3)
    )
}

fn table(request: &Request, named: &NamedLayout) -> Table {
    let is_weighted = request.kind.takes_weights();
    let columns = ["shard", "slots", "share", "ranges"];
    let mut table = match is_weighted {
        true => Table::new("shards", ["shard", "weight", "slots", "share", "ranges"]),
        false => Table::new("shards", columns),
    };
    let ranges = named.layout.ranges();
    for (shard, slots) in named.layout.counts().into_iter().enumerate() {
        let mut row = vec![Cell::text(&named.names[shard])];
        row.extend(is_weighted.then(|| Cell::Number(request.weights[shard], 2)));
        row.push(Cell::Count(slots.into()));
        row.push(Cell::Share(f64::from(slots) / SLOT_COUNT as f64, 2));
        row.push(Cell::text(shown(&ranges[shard])));
        table.row(row);
    }
    table
}

fn shown(ranges: &[SlotRange]) -> String {
    let some: Vec<String> = ranges.iter().take(RANGES_SHOWN).map(ToString::to_string).collect();
    match ranges.len().checked_sub(RANGES_SHOWN) {
        None | Some(0) => some.join(" "),
        Some(more) => format!("{} and {} more", some.join(" "), grouped(more as u64)),
    }
}

/// What one more shard would move, if there can be one.
fn grown(report: &mut Report, request: &Request, named: &NamedLayout) -> Result<Option<Remark>> {
    let found = growth(request.kind, named, &request.weights, request.virtual_nodes)?;
    let Some(found) = found else { return Ok(None) };
    let share = found.moved_slots as f64 / SLOT_COUNT as f64;
    report.figure("growth_moved_slots", found.moved_slots);
    report.figure("growth_least_slots", found.least_slots);
    report.steps.push(Step {
        id: "growth",
        label: "slots that one more shard moves".to_owned(),
        formula: format!(
            "slots with another owner in the {} layout of {} shards",
            request.kind.name(),
            request.names.len() + 1
        ),
        value: found.moved_slots as f64,
        unit: Unit::Count,
        why: format!(
            "half the sum of the differences of their counts, {}, is the least for an exact balance",
            grouped(found.least_slots as u64)
        ),
        source: "arithmetic over all slots",
    });
    Ok(Some(Remark {
        head: "growth",
        text: format!(
            "one more shard, laid out anew, moves {} slots ({} %); the least for an exact balance is {}",
            grouped(found.moved_slots as u64),
            decimals(share * 100.0, 1),
            grouped(found.least_slots as u64)
        ),
        hint: "planner reshard --add NAME".to_owned(),
    }))
}

fn explain(report: &mut Report, request: &Request, ratio: f64) {
    let source = match request.kind {
        LayoutKind::Even | LayoutKind::Zones => "redis-cli --cluster create",
        LayoutKind::Weighted => "largest remainder (Hamilton); Balinski and Young, 1982",
        LayoutKind::Ring => "Karger et al., STOC 1997; the rule of node/keyspace/src/ring.rs",
        LayoutKind::Rendezvous => "Thaler and Ravishankar, 1998; weights: Schindelhauer, 2005",
        LayoutKind::Modulo => "arithmetic",
    };
    report.steps.push(Step {
        id: "imbalance",
        label: "imbalance".to_owned(),
        formula: "largest of (slots / 16,384) / (weight / all weights)".to_owned(),
        value: ratio,
        unit: Unit::Ratio,
        why: "the busiest shard bounds what the cluster carries".to_owned(),
        source,
    });
}

fn warn(report: &mut Report, request: &Request, ratio: f64) {
    if ratio > IMBALANCE_WARNED {
        let fix = match request.kind {
            LayoutKind::Ring => "raise --vnodes, or use --layout weighted and plan moves",
            _ => "use fewer shards, or --layout even or weighted",
        };
        let what = format!("the busiest shard has {} times its fair share", decimals(ratio, 2));
        report.warn("uneven", what, fix);
    }
    if request.kind == LayoutKind::Modulo {
        report.warn(
            "moves_nearly_everything",
            "with slots modulo shards, one more shard moves nearly every key",
            "use --layout ring, or any layout with planner reshard",
        );
    }
}

fn picture(named: &NamedLayout, kind: LayoutKind) -> Chart {
    let stretches = |ranges: &Vec<SlotRange>| {
        ranges.iter().map(|range| (range.first.into(), range.last.into())).collect()
    };
    let ranges = named.layout.ranges();
    let rows = named.names.iter().cloned().zip(ranges.iter().map(stretches));
    Chart::Bands(Bands {
        title: format!("who owns which slots ({} layout)", kind.name()),
        end: SLOT_COUNT as u32,
        rows: rows.collect(),
    })
}
