//! `planner slots`: who owns which slots, how evenly, what growth moves and what a lost zone leaves.

mod arguments;
mod emit;
mod screen;
#[cfg(test)]
mod tests;
mod zones;

pub(super) use arguments::SlotsArgs;

use super::Common;
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(args: &SlotsArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("slots", common.units());
    let request = arguments::read(args, &mut report)?;
    screen::fill(&mut report, &request)?;
    Ok(report)
}
