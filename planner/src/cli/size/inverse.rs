//! The smallest cluster for given data, the constraint that made it so large, and why the smaller
//! ones were rejected.

use super::arguments::Request;
use super::forward;
use crate::error::{PlanError, Result};
use crate::model::capacity::{Cluster, Deductions, Model, capacity, primaries_for};
use crate::quantity::decimals;
use crate::report::{Block, Cell, Report, Table};

/// Primaries that a majority needs, so that one may fail.
const QUORUM_PRIMARIES: u32 = 3;
/// Rejected sizes shown.
const REJECTED_SHOWN: u32 = 4;

/// A constraint and the fewest primaries that meet it.
struct Constraint {
    name: &'static str,
    primaries: u32,
    why: String,
}

pub(super) fn fill(report: &mut Report, request: &Request) -> Result<()> {
    let data_bytes = request.data_bytes.unwrap_or(0.0);
    let constraints = constraints(request, data_bytes)?;
    let Some(binding) = constraints.iter().max_by_key(|constraint| constraint.primaries) else {
        return Err(PlanError::usage("there is nothing to size for"));
    };
    let primaries = binding.primaries;
    let text = format!(
        "smallest cluster: {primaries} {}, driven by {}: {}",
        if primaries == 1 { "primary" } else { "primaries" },
        binding.name,
        binding.why
    );
    report.line(text);
    report.block(Block::Table(rejected(request, &constraints, data_bytes, primaries)?));
    forward::fill(report, request, primaries)?;
    report.figure("primaries", primaries);
    let cluster = Cluster { primaries, replicas: request.replicas, node_bytes: request.node_bytes };
    report.figure("nodes", cluster.nodes(request.deductions.model));
    report.binding = Some(binding.name.to_owned());
    Ok(())
}

fn constraints(request: &Request, data_bytes: f64) -> Result<Vec<Constraint>> {
    let fewest = |model: Model| {
        let deductions = Deductions { model, ..request.deductions };
        primaries_for(data_bytes, request.replicas, request.node_bytes, &deductions)?.ok_or_else(
            || {
                PlanError::usage(
                    "no cluster that can be planned for holds this data; give nodes of more --mem",
                )
            },
        )
    };
    let mut constraints = vec![Constraint {
        name: "memory",
        primaries: fewest(request.deductions.model)?,
        why: format!("the data must fit ({} model)", request.deductions.model.name()),
    }];
    constraints.push(Constraint {
        name: "majority",
        primaries: QUORUM_PRIMARIES,
        why: "with fewer, losing one primary leaves no majority to elect another".to_owned(),
    });
    if let Some((ops, node_ops)) = request.ops {
        constraints.push(Constraint {
            name: "throughput",
            primaries: (ops / node_ops).ceil().clamp(1.0, f64::from(u32::MAX)) as u32,
            why: format!("{}/s at {}/s a primary", decimals(ops, 0), decimals(node_ops, 0)),
        });
    }
    Ok(constraints)
}

/// The sizes below the smallest, each with what it violates.
fn rejected(
    request: &Request,
    constraints: &[Constraint],
    data_bytes: f64,
    primaries: u32,
) -> Result<Table> {
    let columns = ["primaries", "filled", "after losing one", "verdict"];
    let mut table = Table::new("sizes", columns);
    let first = primaries.saturating_sub(REJECTED_SHOWN).max(1);
    for candidate in first..=primaries {
        let filled = |model| -> Result<f64> {
            let cluster = Cluster {
                primaries: candidate,
                replicas: request.replicas,
                node_bytes: request.node_bytes,
            };
            let deductions = Deductions { model, ..request.deductions };
            Ok(data_bytes / capacity(&cluster, &deductions)?.usable_bytes)
        };
        let after = match filled(Model::Survive(1)) {
            Ok(share) => Cell::Share(share, 0),
            Err(_) => Cell::text("nothing left"),
        };
        let now = match filled(request.deductions.model) {
            Ok(share) => Cell::Share(share, 0),
            Err(_) => Cell::text("nothing left"),
        };
        let broken: Vec<&str> = constraints
            .iter()
            .filter(|constraint| candidate < constraint.primaries)
            .map(|constraint| constraint.name)
            .collect();
        let verdict = match broken.is_empty() {
            true => "smallest that fits".to_owned(),
            false => format!("rejected: {}", broken.join(", ")),
        };
        table.row([Cell::Count(candidate.into()), now, after, Cell::Text(verdict)]);
    }
    Ok(table)
}
