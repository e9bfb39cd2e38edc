//! A report as Markdown.

use super::{Block, RenderOptions, Report, Table, text};
use crate::quantity::Units;

pub(super) fn render(report: &Report, options: &RenderOptions) -> String {
    let mut parts: Vec<String> = vec![format!("# planner {}", report.command)];
    for block in &report.blocks {
        match block {
            Block::Lines(lines) => parts.push(fenced("text", lines)),
            Block::Table(part) => parts.push(table(part, report.units)),
            Block::Remarks(remarks) => {
                let line = |remark: &super::Remark| match remark.hint.is_empty() {
                    true => format!("* {}", escaped(&remark.text)),
                    false => format!("* {} (`{}`)", escaped(&remark.text), remark.hint),
                };
                parts.push(remarks.iter().map(line).collect::<Vec<_>>().join("\n"));
            }
            Block::Commands(lines) => parts.push(fenced("sh", lines)),
            Block::Chart(_) => {}
        }
    }
    let warnings = report.warnings.iter();
    let lines: Vec<String> = warnings
        .map(|warning| format!("* warning: {}; {}", escaped(&warning.what), escaped(&warning.fix)))
        .collect();
    if !lines.is_empty() {
        parts.push(lines.join("\n"));
    }
    if options.explain {
        parts.push(fenced("text", &text::explanation(report)));
    }
    parts.join("\n\n") + "\n"
}

fn fenced(language: &str, lines: &[String]) -> String {
    format!("```{language}\n{}\n```", lines.join("\n"))
}

fn table(table: &Table, units: Units) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let head = line(table.columns.iter().map(ToString::to_string).collect());
    let right = |at: usize| table.rows.first().is_some_and(|row| row[at].is_numeric());
    let rule = |at: usize| if right(at) { "---:" } else { "---" }.to_owned();
    let mut lines = vec![head, line((0..table.columns.len()).map(rule).collect())];
    lines.extend(
        table.rows.iter().map(|row| line(row.iter().map(|c| escaped(&c.shown(units))).collect())),
    );
    match table.title.is_empty() {
        true => lines.join("\n"),
        false => format!("{}\n\n{}", table.title, lines.join("\n")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
