//! `planner failover`: what survives losing a node, a zone or a switch.

mod arguments;
mod screen;
#[cfg(test)]
mod tests;

pub(super) use arguments::FailoverArgs;

use super::Common;
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(args: &FailoverArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("failover", common.units());
    let request = arguments::read(args, &mut report)?;
    screen::fill(&mut report, &request)?;
    Ok(report)
}
