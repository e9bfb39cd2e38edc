//! The command line: reads arguments, lets a command answer, writes what it answered.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use skep_planner::cli::{Common, Planner};
use skep_planner::error::{Context, EXIT_BUG, EXIT_USAGE, Result};
use skep_planner::report::{Format, RenderOptions, Report};

fn main() -> ExitCode {
    report_defects();
    let planner = match Planner::try_parse() {
        Ok(planner) => planner,
        Err(error) => {
            // Help and version are answers, on stdout; everything else is a usage error.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    let common = planner.common.clone();
    let outcome = planner.run().and_then(|report| {
        write(&report, &common)?;
        Ok(report.exit_code(common.fails_on_warning()))
    });
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("planner: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// A defect ends with one line that says so, and a code of its own.
fn report_defects() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("planner: this is a defect, please report it with the command: {panic}");
        std::process::exit(i32::from(EXIT_BUG));
    }));
}

fn write(report: &Report, common: &Common) -> Result<()> {
    let mut options = RenderOptions {
        explain: common.explain,
        plot: common.plot,
        width: columns(),
        table: common.table.clone(),
    };
    if let Some(path) = &common.out {
        let format = Format::of_file(path)?;
        options.width = 0;
        let text = report.render(format, &options)?;
        std::fs::write(path, text).context(path.display())?;
        if !common.quiet {
            eprintln!("planner: wrote {}", path.display());
        }
        if common.format.is_none() {
            return Ok(());
        }
    }
    if common.quiet && common.format.is_none() {
        return Ok(());
    }
    let text = report.render(common.format.unwrap_or_default(), &options)?;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output"),
    }
}

/// Columns of the terminal, or 0 if there is none.
fn columns() -> usize {
    if !std::io::stdout().is_terminal() {
        return 0;
    }
    std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
