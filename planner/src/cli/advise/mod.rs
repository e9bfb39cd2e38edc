//! `planner advise`: the article's decision guide as questions and an answer with reasons.

mod arguments;
mod ask;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal, stderr, stdin, stdout};

pub(super) use arguments::AdviseArgs;

use super::Common;
use crate::error::Result;
use crate::model::advise::{Advice, Judged, advise, judge};
use crate::report::{Block, Cell, Report, Table};

pub(super) fn run(args: &AdviseArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("advise", common.units());
    let mut answers = arguments::read(args, &mut report)?;
    if stdin().is_terminal() && stdout().is_terminal() && !common.quiet {
        ask::ask(&mut answers, &mut stdin().lock(), &mut stderr())?;
    }
    arguments::record(&answers, &mut report);
    let advice = advise(&answers)?;
    report.block(Block::Lines(screen(&advice)));
    report.block(Block::Table(table(&judge(&answers))));
    report.figure("architecture", advice.leaf.id());
    report.figure("name", advice.leaf.name());
    let (skep, exists) = advice.leaf.skep();
    report.figure("skep", skep);
    report.figure("skep_exists", exists);
    report.binding = advice.steps.last().map(|step| step.id.to_owned());
    for (id, what, fix) in advice.gaps {
        report.warn(id, what, fix);
    }
    report.steps.extend(advice.steps);
    Ok(report)
}

fn screen(advice: &Advice) -> Vec<String> {
    let mut lines = vec![format!("{:<10}{}", "advice", advice.leaf.name())];
    for (at, step) in advice.steps.iter().enumerate() {
        let head = if at == 0 { "because" } else { "" };
        let answer = if step.value == 1.0 { "yes" } else { "no" };
        lines.push(format!("{head:<10}{:<25} {answer:<4} {}", step.label, step.why));
    }
    let (skep, exists) = advice.leaf.skep();
    lines.push(format!("{:<10}{}{skep}", "skep", planned(exists)));
    lines
}

fn planned(exists: bool) -> &'static str {
    if exists { "" } else { "planned: " }
}

fn table(rows: &[Judged]) -> Table {
    let mut table = Table::new("architectures", ["architecture", "verdict", "why", "ask", "skep"])
        .titled("when to use what, and when not");
    let mut prose = vec![table.title.clone()];
    for row in rows {
        let mut why: Vec<String> = Vec::new();
        if !row.reasons_for.is_empty() {
            why.push(format!("for: {}", row.reasons_for.join(", ")));
        }
        if !row.reasons_against.is_empty() {
            why.push(format!("against: {}", row.reasons_against.join(", ")));
        }
        let asks = row.unanswered.join(", ");
        let skep = format!("{}{}", planned(row.skep.1), row.skep.0);
        prose.push(format!("  {:<24}{:<15} {skep}", row.name, row.fit.name()));
        prose.extend(why.iter().map(|line| format!("    {line}")));
        if why.is_empty() {
            prose.push(format!("    say {asks}"));
        }
        let cells = [row.name, row.fit.name(), &why.join("; "), &asks, &skep];
        table.row(cells.map(Cell::text));
    }
    table.prose = Some(prose);
    table
}
