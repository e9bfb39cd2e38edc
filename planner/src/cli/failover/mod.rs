//! `planner failover`: what survives losing a node, a zone or a switch.

mod arguments;
mod cut;
mod domains;
mod losses;
mod screen;
#[cfg(test)]
mod tests;
mod verdict;

pub(super) use arguments::FailoverArgs;

use super::Common;
use crate::error::Result;
use crate::report::Report;

/// Version 2: what is so or not is a truth and load a number; slots as well as shards.
const SCHEMA_VERSION: u32 = 2;

pub(super) fn run(args: &FailoverArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("failover", common.units());
    report.schema_version = SCHEMA_VERSION;
    let request = arguments::read(args, &mut report)?;
    screen::fill(&mut report, &request)?;
    Ok(report)
}
