//! `planner validate`: what runs against the checklists, and against a plan.

mod files;
mod screen;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;

use super::Common;
use super::from::FromArgs;
use crate::error::{PlanError, Result};
use crate::model::checklist::{Plan, check, check_guards};
use crate::report::Report;

/// Compare a live server or cluster with the checklists of a distributed cache, and with a plan
///
/// Each finding says what, the evidence, and the command that mends it. What could not be read is a
/// finding too. Ends with 1 if something is critical, with --fail-on warn also on warnings and on
/// what could not be checked.
///
/// Example: planner validate --from redis://127.0.0.1:6379 --plan plan.json --fail-on warn
#[derive(Args, Debug)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    source: FromArgs,
    /// The JSON that planner size --out wrote
    #[arg(long, value_name = "FILE", conflicts_with = "acl")]
    plan: Option<PathBuf>,
    /// Check users and options in an ACL file or a redis.conf, without a server
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    acl: Option<PathBuf>,
}

pub(super) fn run(args: &ValidateArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("validate", common.units());
    if let Some(path) = &args.acl {
        let node = files::guards(path)?;
        report.input("acl", node.address.as_str());
        report.line(format!("source     {}", node.address));
        screen::fill(&mut report, &check_guards(&[node]), common.fails_on_warning());
        return Ok(report);
    }
    if args.source.from.is_none() {
        return Err(PlanError::usage(
            "planner validate needs --from redis://host:port (or a profile.json), or --acl FILE",
        ));
    }
    let plan = args
        .plan
        .as_ref()
        .map(|path| Plan::parse(&path.display().to_string(), &files::text(path)?));
    let plan = plan.transpose()?;
    let profile = args.source.read(false)?;
    report.input("from", profile.source.as_str());
    if let Some(path) = &args.plan {
        report.input("plan", path.display().to_string());
    }
    report.line(format!("source     {}", super::probe::heading(&profile)));
    let findings = check(&profile, plan.as_ref());
    screen::fill(&mut report, &findings, common.fails_on_warning());
    Ok(report)
}
