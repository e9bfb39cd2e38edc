//! `planner probe`: what runs, as a profile that can be saved and computed with.

mod screen;

pub(super) use screen::heading;

use clap::Args;

use super::Common;
use super::from::FromArgs;
use crate::error::{PlanError, Result};
use crate::report::Report;

/// Read a server or a cluster into a profile, which other commands take as --from
///
/// Nothing is written to it, values are not read, passwords are kept nowhere. Each key that is
/// looked at counts as three hits there, after INFO was read; --samples 0 looks at none.
///
/// Example: planner probe --from redis://127.0.0.1:6379 --out profile.json
#[derive(Args, Debug)]
pub(super) struct ProbeArgs {
    #[command(flatten)]
    source: FromArgs,
}

pub(super) fn run(args: &ProbeArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("probe", common.units());
    let profile = args.source.read(true)?;
    report.input("from", profile.source.as_str());
    screen::fill(&mut report, &profile);
    let value = serde_json::to_value(&profile)
        .map_err(|error| PlanError::source("making JSON of the profile", error))?;
    report.figure("profile", value);
    Ok(report)
}
