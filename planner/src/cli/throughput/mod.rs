//! `planner throughput`: what a cluster serves, what bounds it, and what is left after a loss.

mod arguments;
mod screen;
#[cfg(test)]
mod tests;

pub(super) use arguments::ThroughputArgs;

use super::Common;
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(args: &ThroughputArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("throughput", common.units());
    let request = arguments::read(args, common, &mut report)?;
    screen::fill(&mut report, &request)?;
    Ok(report)
}
