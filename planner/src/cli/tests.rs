//! Every command against arguments that nobody should give.

use clap::{Arg, ArgAction, CommandFactory, Parser};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Planner;
use crate::report::{Format, RenderOptions, Report};

/// Values that find what was not thought of: extremes, contradictions, what is no number.
const VALUES: [&str; 36] = [
    "",
    "0",
    "1",
    "2",
    "3",
    "7",
    "24",
    "1000",
    "-1",
    "0.5",
    "1.2",
    "99%",
    "100%",
    "0%",
    "30%",
    "16G",
    "1K",
    "0G",
    "1024P",
    "1e308",
    "1e18",
    "18446744073709551615",
    "99999999999999999999999",
    "NaN",
    "inf",
    "-0.0",
    "500/s",
    "1G/s",
    "24h",
    "0s",
    "a=2,b=2,c=2",
    "a=0",
    "a,b,c",
    "1,2,3",
    "0,0",
    "p50=120,p99=4k",
];
/// Files that are not there, and that nobody can write.
const NO_FILE: &str = "/nonexistent/file.json";
const CASES: u32 = 1500;

/// Whether an argument may be given here: the common ones are given to all formats below.
fn is_own(arg: &Arg) -> bool {
    !arg.is_global_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

fn words_of(arg: &Arg, value: &str) -> Vec<String> {
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let possible = arg.get_possible_values();
    let is_file = arg.get_value_parser().type_id() == std::any::TypeId::of::<std::path::PathBuf>();
    let value = match possible.is_empty() {
        true if is_file => NO_FILE.to_owned(),
        true => value.to_owned(),
        false => possible[value.len() % possible.len()].get_name().to_owned(),
    };
    match (arg.get_long(), takes_value) {
        (Some(long), true) => vec![format!("--{long}={value}")],
        (Some(long), false) => vec![format!("--{long}")],
        (None, _) => vec![value],
    }
}

/// A command line of some command, from numbers.
fn line(choice: usize, picks: &[(usize, usize)]) -> Vec<String> {
    let planner = Planner::command();
    let commands: Vec<_> = planner.get_subcommands().collect();
    let command = commands[choice % commands.len()];
    let mut line = vec!["planner".to_owned(), command.get_name().to_owned()];
    let args: Vec<&Arg> = command.get_arguments().filter(|arg| is_own(arg)).collect();
    let mut used = Vec::new();
    for (which, value) in picks {
        let Some(arg) = args.get(which % args.len().max(1)) else { break };
        if used.contains(&arg.get_id()) {
            continue;
        }
        used.push(arg.get_id());
        line.extend(words_of(arg, VALUES[value % VALUES.len()]));
    }
    line
}

/// Renders in every format; what was computed must be numbers.
fn check(report: &Report, line: &[String]) {
    let options = RenderOptions { explain: true, plot: true, width: 80, table: None };
    for format in [Format::Table, Format::Json, Format::Csv, Format::Md, Format::Html, Format::Svg]
    {
        let Ok(text) = report.render(format, &options) else { continue };
        for word in text.split(|c: char| c.is_whitespace() || "(),:;<>\"=".contains(c)) {
            let number = word.trim_end_matches('%');
            let is_bad = ["NaN", "inf", "-inf", "-0", "-0.0", "-0.00"].contains(&number);
            // A node may be called so.
            let is_bad = is_bad && !line.iter().any(|given| given.contains(number));
            assert!(!is_bad, "{line:?} prints {word:?} as {format:?}:\n{text}");
        }
    }
    for (name, value) in &report.result {
        let is_negative = value.as_f64().is_some_and(|value| value < 0.0);
        assert!(!(is_negative && name.ends_with("_bytes")), "{line:?}: {name} is {value}");
    }
}

#[test]
fn no_arguments_make_it_panic_or_print_what_is_no_number() {
    let mut runner = TestRunner::new(Config { cases: CASES, ..Config::default() });
    let picks = proptest::collection::vec((0usize..64, 0usize..1024), 0..7);
    let answered = std::cell::Cell::new(0);
    let outcome = runner.run(&(0usize..64, picks), |(choice, picks)| {
        let line = line(choice, &picks);
        if let Ok(planner) = Planner::try_parse_from(&line) {
            match planner.run() {
                Ok(report) => {
                    answered.set(answered.get() + 1);
                    check(&report, &line);
                }
                Err(error) => {
                    let text = error.to_string();
                    prop_assert!(text.len() > 15, "{line:?}: too short an error: {text}");
                }
            }
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(answered.get() > 20, "only {} lines were answered", answered.get());
}

#[test]
fn every_argument_says_what_it_is() {
    for command in Planner::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 5, "{} {} says nothing", command.get_name(), arg.get_id());
        }
    }
}
