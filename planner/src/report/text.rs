//! A report as aligned text for a terminal.

use super::{Block, Remark, RenderOptions, Report, Table, Unit, chart};
use crate::quantity::{Units, decimals, grouped, spoken_seconds};

/// Columns assumed when the terminal does not say how many it has.
const WIDTH_DEFAULT: usize = 100;

pub(super) fn render(report: &Report, options: &RenderOptions) -> String {
    let width = if options.width == 0 { WIDTH_DEFAULT } else { options.width };
    let mut parts: Vec<Vec<String>> = Vec::new();
    for block in &report.blocks {
        match block {
            Block::Lines(lines) | Block::Commands(lines) => parts.push(lines.clone()),
            Block::Table(part) => {
                parts.push(part.prose.clone().unwrap_or_else(|| table(part, report.units)));
            }
            Block::Remarks(part) => parts.push(remarks(part)),
            Block::Chart(part) if options.plot => parts.push(chart::terminal(part, width)),
            Block::Chart(_) => {}
        }
    }
    let warnings = report.warnings.iter();
    let lines: Vec<String> =
        warnings.map(|warning| format!("warning  {}; {}", warning.what, warning.fix)).collect();
    if !lines.is_empty() {
        parts.push(lines);
    }
    if options.explain {
        parts.push(explanation(report));
    }
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        for line in part {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

fn table(table: &Table, units: Units) -> Vec<String> {
    let shown: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.iter().map(|cell| cell.shown(units)).collect()).collect();
    let width = |at: usize| {
        let cells = shown.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain([table.columns[at].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let is_right =
        |at: usize| table.rows.iter().any(|row| row.get(at).is_some_and(super::Cell::is_numeric));
    let right: Vec<bool> = (0..table.columns.len()).map(is_right).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.enumerate().map(|(at, cell)| {
            let width = widths[at];
            if right[at] { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = Vec::new();
    if !table.title.is_empty() {
        lines.push(table.title.clone());
    }
    lines.push(line(&mut table.columns.iter().copied()));
    lines.extend(shown.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines
}

/// Remarks with their heads at the left and their hints under each other.
fn remarks(remarks: &[Remark]) -> Vec<String> {
    let head = remarks.iter().map(|remark| remark.head.len()).max().unwrap_or(0);
    let hinted = remarks.iter().filter(|remark| !remark.hint.is_empty());
    let text = hinted.map(|remark| remark.text.chars().count()).max().unwrap_or(0);
    let line = |remark: &Remark| {
        format!("{:<head$}  {:<text$}  {}", remark.head, remark.text, remark.hint)
            .trim_end()
            .to_owned()
    };
    remarks.iter().map(line).collect()
}

/// Every step with formula, reason and source, after what the sizes mean.
pub(super) fn explanation(report: &Report) -> Vec<String> {
    let mut lines = vec!["explanation".to_owned()];
    for (text, bytes) in &report.sizes {
        lines.push(format!("  {text} = {} bytes", grouped(*bytes)));
    }
    for (at, step) in report.steps.iter().enumerate() {
        let value = match step.unit {
            Unit::Bytes => format!("{} bytes", decimals(step.value, 0)),
            Unit::Count => decimals(step.value, 0),
            Unit::PerSecond => format!("{}/s", decimals(step.value, 0)),
            Unit::Seconds => spoken_seconds(step.value),
            Unit::Ratio => decimals(step.value, 4),
        };
        lines.push(format!("  {}. {}: {} = {value}", at + 1, step.label, step.formula));
        lines.push(format!("     {}", step.why));
        lines.push(format!("     source: {}", step.source));
    }
    if let Some(seed) = report.seed {
        lines.push(format!("  seed {seed}: the same seed gives the same answer"));
    }
    lines
}
