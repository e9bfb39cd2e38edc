//! `planner simulate`: a trace served by several nodes, and what losing one does.

mod arguments;
mod screen;
#[cfg(test)]
mod tests;

pub(super) use arguments::SimulateArgs;

use super::Common;
use super::layouts::LayoutName;
use crate::error::{PlanError, Result};
use crate::model::fleet::{Fleet, Loss};
use crate::report::Report;
use arguments::Request;

/// One layout's fleets.
struct Outcome {
    layout: LayoutName,
    /// Slots of each node.
    slots: Vec<u32>,
    intact: Fleet,
    /// The same with a loss, and the survivors alone, if one was asked for.
    lossy: Option<Fleet>,
    survivors: Option<Fleet>,
    /// Slots that change their owner because of the loss.
    moved_slots: u32,
}

pub(super) fn run(args: &SimulateArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("simulate", common.units());
    let mut request = arguments::read(args, &mut report)?;
    if let Some(lost) = request.lost {
        report.input("lost_node", lost + 1);
        if request.lose_after.is_none() {
            request.lose_after = Some(args.trace.count(common)? / 2);
        }
    }
    let outcomes: Result<Vec<Outcome>> =
        request.layouts.iter().map(|&layout| prepare(&request, layout)).collect();
    let mut outcomes = outcomes?;
    args.trace.each(common, &mut report, |access, sizes| {
        let value_bytes = sizes.of(access);
        for outcome in &mut outcomes {
            outcome.intact.serve(access, value_bytes);
            for fleet in outcome.lossy.iter_mut().chain(&mut outcome.survivors) {
                fleet.serve(access, value_bytes);
            }
        }
        Ok(())
    })?;
    if outcomes.iter().all(|outcome| outcome.intact.accesses() == 0) {
        return Err(PlanError::source(&request.trace, "has no accesses in it"));
    }
    screen::fill(&mut report, &request, &outcomes);
    Ok(report)
}

fn prepare(request: &Request, layout: LayoutName) -> Result<Outcome> {
    let owners = layout.owners(request.nodes, request.virtual_nodes)?;
    let mut slots = vec![0; request.nodes];
    owners.iter().for_each(|&owner| slots[usize::from(owner)] += 1);
    let mut moved_slots = 0;
    let (mut lossy, mut survivors) = (None, None);
    if let (Some(node), Some(after)) = (request.lost, request.lose_after) {
        let later = layout.owners_without(&owners, node, request.nodes, request.virtual_nodes)?;
        moved_slots = owners.iter().zip(&later).filter(|(one, other)| one != other).count() as u32;
        survivors = Some(Fleet::new(&later, request.nodes, &request.engine, None)?);
        let loss = Loss { node, after, owners: later };
        lossy = Some(Fleet::new(&owners, request.nodes, &request.engine, Some(loss))?);
    }
    let intact = Fleet::new(&owners, request.nodes, &request.engine, None)?;
    Ok(Outcome { layout, slots, intact, lossy, survivors, moved_slots })
}
