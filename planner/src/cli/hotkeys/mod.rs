//! `planner hotkeys`: how many node-shares keys take, how uneven the nodes become, and what each
//! mitigation buys.

mod arguments;
mod mitigations;
mod screen;
#[cfg(test)]
mod tests;

pub(super) use arguments::HotkeysArgs;

use super::Common;
use crate::error::Result;
use crate::report::Report;

pub(super) fn run(args: &HotkeysArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("hotkeys", common.units());
    let request = arguments::read(args, common, &mut report)?;
    screen::fill(&mut report, &request)?;
    Ok(report)
}
