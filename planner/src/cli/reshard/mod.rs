//! `planner reshard`: the fewest moves from one layout to another, their order, how long they take,
//! the commands, and what is left of a plan that was begun.

mod arguments;
mod emit;
mod resume;
mod screen;
mod source;
#[cfg(test)]
mod tests;
mod time;

pub(super) use arguments::ReshardArgs;

use super::Common;
use crate::error::{Context, PlanError, Result};
use crate::model::reshard::{plan, saved};
use crate::report::Report;

pub(super) fn run(args: &ReshardArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("reshard", common.units());
    let request = arguments::read(args, &mut report)?;
    if let Some(path) = &args.resume {
        resume::fill(&mut report, &request, path)?;
        return Ok(report);
    }
    let goal = arguments::goal(args, &request)?;
    let plan = plan(goal, &request.sizes, request.bounds)
        .map_err(|error| PlanError::usage(error.to_string()))?;
    screen::fill(&mut report, &request, &plan);
    if let (Some(path), Ok(batches)) = (&args.plan, &plan.batches) {
        let mut text = serde_json::to_string_pretty(&saved::file(&plan, batches))
            .map_err(|error| PlanError::source(path.display(), error))?;
        text.push('\n');
        std::fs::write(path, text).context(path.display())?;
        if !common.quiet {
            eprintln!("planner: wrote {}", path.display());
        }
    }
    Ok(report)
}
