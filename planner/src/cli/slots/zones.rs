//! Copies in zones: where they are, and the proof that any zone may be lost.

use serde_json::json;
use skep_keyspace::zones::{Loss, Placement, PlacementError};

use super::arguments::Request;
use crate::error::{PlanError, Result};
use crate::model::layouts::NamedLayout;
use crate::quantity::{decimals, grouped};
use crate::report::{Block, Cell, Remark, Report, Table, Verdict};

/// Places the shards, if there are zones.
pub(super) fn place(request: &Request) -> Result<Option<Placement>> {
    if request.zones.is_empty() {
        return Ok(None);
    }
    let nodes: Vec<usize> = request.zones.iter().map(|zone| zone.nodes).collect();
    let placed = skep_keyspace::zones::place(&nodes, request.names.len(), request.replicas);
    placed.map(Some).map_err(|error| PlanError::usage(text(&error, request)))
}

/// The error, with zones by their names.
fn text(error: &PlacementError, request: &Request) -> String {
    match error {
        PlacementError::Lopsided { large, missing_copies, shards_max } => {
            let names: Vec<&str> =
                large.iter().map(|&zone| request.zones[zone].name.as_str()).collect();
            format!(
                "--zones: zone {} has more nodes than the {} shards, and may hold one copy of each \
                 only, so {missing_copies} copies have no place; add {missing_copies} nodes to \
                 other zones, or use --masters {shards_max}",
                names.join(", "),
                request.names.len()
            )
        }
        other => format!("--zones: {other}"),
    }
}

/// Names of the nodes: `a-1`, `a-2`, `b-1`.
pub(super) fn node_names(request: &Request) -> Vec<String> {
    let names = request
        .zones
        .iter()
        .flat_map(|zone| (1..=zone.nodes).map(move |number| format!("{}-{number}", zone.name)));
    names.collect()
}

/// Adds where copies are and what is left without each zone; returns the proof in a line.
pub(super) fn fill(
    report: &mut Report,
    request: &Request,
    placement: &Placement,
    named: &NamedLayout,
) -> Remark {
    let names = node_names(request);
    report.block(Block::Table(copies(placement, named, &names)));
    let slots = named.layout.counts();
    let losses: Vec<Loss> =
        (0..request.zones.len()).map(|zone| placement.lose_zone(zone, &slots)).collect();
    report.block(Block::Table(table(request, &losses)));
    spare(report, placement, &names);
    let uncovered = losses.iter().map(|loss| loss.uncovered_slots).max().unwrap_or(0);
    let worst = (0..losses.len())
        .max_by(|&one, &other| more(&losses[one]).total_cmp(&more(&losses[other])));
    let worst = worst.unwrap_or(0);
    report.figure("uncovered_slots_max", uncovered);
    report.figure("busiest_more_max", crate::report::cell::finite(more(&losses[worst])));
    let placed = placement.shards.iter().zip(&named.names).map(|(shard, name)| {
        json!({
            "shard": name, "primary": names[shard.primary],
            "replicas": shard.replicas.iter().map(|&node| &names[node]).collect::<Vec<_>>(),
        })
    });
    let placed: Vec<_> = placed.collect();
    report.figure("placement", placed);
    if uncovered > 0 {
        report.verdict = Verdict::Violated;
        report.binding = Some("zones".to_owned());
        report.warn(
            "uncovered",
            format!("losing a zone loses up to {} slots", grouped(uncovered.into())),
            "give --replicas 1 or more",
        );
    }
    Remark {
        head: "proof",
        text: format!(
            "losing any one zone leaves {} slots uncovered, the busiest node gets +{} % (zone {})",
            grouped(uncovered.into()),
            decimals(more(&losses[worst]) * 100.0, 0),
            request.zones[worst].name
        ),
        hint: "planner failover".to_owned(),
    }
}

/// How much more the busiest survivor serves than the busiest node did; 0 if it is not more.
fn more(loss: &Loss) -> f64 {
    let before = f64::from(loss.busiest_before_slots.max(1));
    (f64::from(loss.busiest_after_slots) / before - 1.0).max(0.0)
}

fn copies(placement: &Placement, named: &NamedLayout, names: &[String]) -> Table {
    let mut table = Table::new("copies", ["shard", "primary", "replicas"]);
    for (shard, name) in placement.shards.iter().zip(&named.names) {
        let replicas: Vec<&str> = shard.replicas.iter().map(|&node| names[node].as_str()).collect();
        table.row([
            Cell::text(name),
            Cell::text(&names[shard.primary]),
            Cell::text(replicas.join(" ")),
        ]);
    }
    table
}

fn table(request: &Request, losses: &[Loss]) -> Table {
    let columns = [
        "zone lost",
        "nodes left",
        "uncovered slots",
        "promoted",
        "busiest before",
        "busiest after",
    ];
    let mut table = Table::new("losses", columns);
    for (zone, loss) in request.zones.iter().zip(losses) {
        table.row([
            Cell::text(&zone.name),
            Cell::count(loss.survivors),
            Cell::Count(loss.uncovered_slots.into()),
            Cell::count(loss.promoted_shards),
            Cell::Count(loss.busiest_before_slots.into()),
            Cell::Count(loss.busiest_after_slots.into()),
        ]);
    }
    table
}

/// Nodes without a copy.
fn spare(report: &mut Report, placement: &Placement, names: &[String]) {
    let copies = placement.copies();
    let idle: Vec<String> = (0..copies.len())
        .filter(|&node| copies[node] == 0)
        .map(|node| names[node].clone())
        .collect();
    if !idle.is_empty() {
        report.warn(
            "spare_nodes",
            format!(
                "{} of the nodes hold nothing: {}",
                idle.len(),
                crate::cli::shards::shown(&idle)
            ),
            "make zones equal, or give --masters so that nodes hold several copies",
        );
    }
}
