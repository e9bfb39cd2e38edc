//! `planner reshard --resume`: what is left of a plan, or why it must not be carried on.

use std::path::Path;

use serde_json::json;

use super::arguments::Request;
use super::{screen, source};
use crate::error::{PlanError, Result};
use crate::model::reshard::Owners;
use crate::model::reshard::saved::{Checked, PlanFile, Progress};
use crate::quantity::grouped;
use crate::report::Report;

pub(super) fn fill(report: &mut Report, request: &Request, path: &Path) -> Result<()> {
    let refused = |why: String| {
        let fix = "give the file that planner reshard --plan wrote, unchanged";
        PlanError::source(path.display(), format!("{why}; {fix}"))
    };
    let file: PlanFile = serde_json::from_str(&source::text(path)?)
        .map_err(|error| refused(format!("is no plan: {error}")))?;
    let plan: Checked = file.checked().map_err(refused)?;
    let Progress { done, left } = plan.progress(&request.start).map_err(|difference| {
        let name = path.display();
        let fix = "make a new plan from what is there now";
        PlanError::Changed(format!(
            "{} is no longer what {name} was made for (digest {}): {difference}; {fix}",
            request.source, file.start.digest
        ))
    })?;
    let left_slots: usize = left.iter().map(Vec::len).sum();
    report.input("plan", path.display().to_string());
    report.line(format!("from     {}", request.source));
    report.line(format!("plan     {}: its own state, or on the way", path.display()));
    report.line(format!(
        "moves    {} done, {} left in {} batches",
        grouped(done as u64),
        grouped(left_slots as u64),
        left.len(),
    ));
    report.figure("done_moves", done);
    report.figure("left_moves", left_slots);
    report.figure("start_digest", file.start.digest.as_str());
    report.figure("target_digest", file.target.digest.as_str());
    report.figure("layout", json!(plan.start.file(&plan.target)));
    if left.is_empty() {
        report.line("         nothing is left to do");
    }
    // Identifiers of live nodes are newer than those of the file.
    let owners = with_ids(plan.start, &request.start);
    screen::work(report, request, &owners, &left);
    Ok(())
}

fn with_ids(mut owners: Owners, now: &Owners) -> Owners {
    for (name, id) in owners.names.iter().zip(&mut owners.ids) {
        if let Some(known) = now.number(name).and_then(|number| now.ids[number].clone()) {
            *id = Some(known);
        }
    }
    owners
}
