//! `planner completions` and `planner man`: made from the command line itself.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Common, Planner};
use crate::error::{Context, PlanError, Result};
use crate::report::{Block, Report};

/// Print a shell's completion script
#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Print the manual page, of one command or of all
#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// A command, such as size
    command: Option<String>,
}

pub(super) fn completions(args: &CompletionsArgs, common: &Common) -> Result<Report> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Planner::command(), "planner", &mut script);
    Ok(verbatim("completions", common, &script))
}

pub(super) fn man(args: &ManArgs, common: &Common) -> Result<Report> {
    let mut planner = Planner::command();
    planner.build();
    let command = match &args.command {
        None => planner,
        Some(name) => planner.find_subcommand(name).cloned().ok_or_else(|| {
            PlanError::usage(format!("planner has no command {name}; see planner --help"))
        })?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).context("making the manual page")?;
    Ok(verbatim("man", common, &page))
}

fn verbatim(command: &'static str, common: &Common, bytes: &[u8]) -> Report {
    let mut report = Report::new(command, common.units());
    let text = String::from_utf8_lossy(bytes);
    report.figure("text", text.as_ref());
    report.block(Block::Lines(text.lines().map(str::to_owned).collect()));
    report
}
