//! What the command answers to terms, known and unknown.

use clap::Parser;

use super::{WIDTH, wrapped};
use crate::cli::Planner;
use crate::error::{EXIT_USAGE, Result};
use crate::model::glossary::terms;
use crate::report::{Format, RenderOptions, Report};

fn explain(words: &[&str]) -> Result<Report> {
    Planner::try_parse_from([&["planner", "explain"], words].concat()).unwrap().run()
}

#[test]
fn a_term_is_a_paragraph_with_its_formula_and_source() {
    for term in terms() {
        let words: Vec<&str> = term.name.split(' ').collect();
        let report = explain(&words).unwrap();
        let text = report.render(Format::Table, &RenderOptions::default()).unwrap();
        assert!(text.starts_with(term.name) && text.contains(term.formula), "{text}");
        assert_eq!(report.result["answer"], term.text);
    }
}

#[test]
fn an_unknown_term_names_the_nearest_ones() {
    let error = explain(&["virtal", "nodes"]).unwrap_err();
    assert_eq!(error.exit_code(), EXIT_USAGE);
    assert!(error.to_string().contains("near it are virtual node"), "{error}");
}

#[test]
fn no_term_lists_all() {
    let text = explain(&[]).unwrap().render(Format::Table, &RenderOptions::default()).unwrap();
    assert_eq!(text.lines().count(), terms().count());
    assert!(terms().all(|term| text.contains(term.name)));
}

#[test]
fn lines_end_before_the_edge_and_lose_no_word() {
    for term in terms() {
        let lines = wrapped(term.text);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(lines.join(" "), term.text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

#[test]
fn every_command_that_a_term_suggests_parses() {
    for term in terms().filter(|term| !term.see.is_empty()) {
        let parsed = Planner::try_parse_from(term.see.split_whitespace());
        assert!(parsed.is_ok(), "{}: {:?}", term.see, parsed.err());
    }
}
