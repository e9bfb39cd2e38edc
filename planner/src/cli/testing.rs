//! A command line and what comes of it, for the tests of commands.

use clap::Parser;

use super::Planner;
use crate::report::{Format, RenderOptions, Report};

/// What a line answers, or the text of the error: of the arguments or of the command.
pub(crate) fn outcome(line: &str) -> Result<Report, String> {
    outcome_of(line.split_whitespace())
}

/// As [`outcome`], of words that may have blanks in them.
pub(crate) fn outcome_of<W: Into<std::ffi::OsString> + Clone>(
    words: impl IntoIterator<Item = W>,
) -> Result<Report, String> {
    let planner = Planner::try_parse_from(words).map_err(|error| error.to_string())?;
    planner.run().map_err(|error| error.to_string())
}

/// What a line answers.
#[track_caller]
pub(crate) fn report(line: &str) -> Report {
    outcome(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// What a line is refused with.
#[track_caller]
pub(crate) fn error(line: &str) -> String {
    outcome(line).map(|report| report.command).expect_err(line)
}

/// What a line puts on the screen.
#[track_caller]
pub(crate) fn screen(line: &str) -> String {
    report(line).render(Format::Table, &RenderOptions::default()).expect(line)
}

/// A figure of an answer.
#[track_caller]
pub(crate) fn figure(report: &Report, name: &str) -> f64 {
    report.result[name].as_f64().unwrap_or_else(|| panic!("{name} is {}", report.result[name]))
}
