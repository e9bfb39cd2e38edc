//! `planner size`: how much fits into a cluster, or how many nodes data needs.

mod arguments;
mod forward;
mod inverse;
mod items;
mod overheads;
#[cfg(test)]
mod tests;

pub(super) use arguments::SizeArgs;

use super::Common;
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(args: &SizeArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("size", common.units());
    let request = arguments::read(args, &mut report)?;
    match request.primaries {
        Some(primaries) => forward::fill(&mut report, &request, primaries)?,
        None => inverse::fill(&mut report, &request)?,
    }
    Ok(report)
}
