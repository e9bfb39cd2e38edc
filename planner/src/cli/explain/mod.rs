//! `planner explain`: a term in a paragraph, with its formula.

#[cfg(test)]
mod tests;

use clap::Args;

use super::Common;
use crate::error::{PlanError, Result};
use crate::model::glossary::{Term, find, nearest, terms};
use crate::report::{Cell, Report, Table};

/// Columns of a paragraph.
const WIDTH: usize = 96;

/// A term of capacity planning, with its formula; without one, all of them
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The term; several words need no quotes
    #[arg(value_name = "TERM")]
    term: Vec<String>,
}

pub(super) fn run(args: &ExplainArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("explain", common.units());
    if args.term.is_empty() {
        list(&mut report);
        return Ok(report);
    }
    let name = args.term.join(" ");
    report.input("term", name.as_str());
    let Some(term) = find(&name) else {
        return Err(PlanError::usage(format!(
            "\"{name}\" is no term that is explained; near it are {}; planner explain lists all",
            nearest(&name).join(", ")
        )));
    };
    one(&mut report, term);
    Ok(report)
}

fn one(report: &mut Report, term: &Term) {
    let mut prose = vec![term.name.to_owned()];
    prose.extend(wrapped(term.text));
    prose.push(format!("formula  {}", term.formula));
    prose.push(format!("source   {}", term.source));
    if !term.see.is_empty() {
        prose.push(format!("try      {}", term.see));
    }
    let mut table = Table::new("terms", ["term", "answer", "formula", "source", "try"]);
    let cells = [term.name, term.text, term.formula, term.source, term.see];
    table.row(cells.map(Cell::text));
    table.prose = Some(prose);
    let keys = ["term", "answer", "formula", "source", "try"];
    for (key, cell) in keys.into_iter().zip(cells) {
        report.figure(key, cell);
    }
    report.figure("aliases", term.aliases.to_vec());
    report.block(crate::report::Block::Table(table));
}

fn list(report: &mut Report) {
    let mut table = Table::new("terms", ["term", "formula", "also"]);
    for term in terms() {
        let also = term.aliases.join(", ");
        table.row([Cell::text(term.name), Cell::text(term.formula), Cell::text(also)]);
    }
    let prose = terms().map(|term| format!("{:<22}{}", term.name, term.formula)).collect();
    table.prose = Some(prose);
    report.figure("terms", terms().map(|term| term.name).collect::<Vec<_>>());
    report.block(crate::report::Block::Table(table));
}

/// A paragraph in lines.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let is_full = |line: &String| {
            !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH
        };
        if lines.last().is_some_and(is_full) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
