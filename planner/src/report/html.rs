//! A report as a page of its own: no script, no link, its charts inline.

use super::{Block, Report, Table, chart, text};
use crate::error::Result;
use crate::quantity::Units;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;\
padding:0 1em;color:#222}table{border-collapse:collapse;margin:1em 0}th,td{padding:.2em .8em;\
border-bottom:1px solid #ddd;text-align:left}td.n{text-align:right;font-variant-numeric:\
tabular-nums}pre{background:#f6f6f4;padding:.8em;overflow:auto}svg{max-width:100%;height:auto}\
.warning{color:#9a3b00}";

pub(super) fn render(report: &Report) -> Result<String> {
    let title = format!("planner {}", report.command);
    let mut body = format!("<h1>{title}</h1>\n");
    for block in &report.blocks {
        match block {
            Block::Lines(lines) | Block::Commands(lines) => body += &preformatted(lines),
            Block::Table(part) => body += &table(part, report.units),
            Block::Remarks(remarks) => {
                for remark in remarks {
                    let hint = match remark.hint.is_empty() {
                        true => String::new(),
                        false => format!(" <code>{}</code>", escaped(&remark.hint)),
                    };
                    body += &format!("<p>{}{hint}</p>\n", escaped(&remark.text));
                }
            }
            Block::Chart(part) => body += &format!("<figure>{}</figure>\n", chart::svg(part)?),
        }
    }
    for warning in &report.warnings {
        let text = format!("{}; {}", warning.what, warning.fix);
        body += &format!("<p class=\"warning\">warning: {}</p>\n", escaped(&text));
    }
    if !report.steps.is_empty() {
        body += "<h2>How it was computed</h2>\n";
        body += &preformatted(&text::explanation(report));
    }
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    ))
}

fn preformatted(lines: &[String]) -> String {
    format!("<pre>{}</pre>\n", escaped(&lines.join("\n")))
}

fn table(table: &Table, units: Units) -> String {
    let head: String =
        table.columns.iter().map(|name| format!("<th>{}</th>", escaped(name))).collect();
    let cell = |cell: &super::Cell| {
        let class = if cell.is_numeric() { " class=\"n\"" } else { "" };
        format!("<td{class}>{}</td>", escaped(&cell.shown(units)))
    };
    let row =
        |row: &Vec<super::Cell>| format!("<tr>{}</tr>\n", row.iter().map(cell).collect::<String>());
    let rows: String = table.rows.iter().map(row).collect();
    let title = match table.title.is_empty() {
        true => String::new(),
        false => format!("<caption>{}</caption>", escaped(&table.title)),
    };
    format!("<table>{title}<thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n")
}

/// Text that is safe within an element or a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
