//! One table of a report as CSV (RFC 4180), with the numbers as machines read them.

use serde_json::Value;

use super::{Report, Table};
use crate::error::{PlanError, Result};

pub(super) fn render(report: &Report, name: Option<&str>) -> Result<String> {
    let table = chosen(report, name)?;
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let bug = |error: ::csv::Error| PlanError::source("writing CSV", error);
    writer
        .write_record(table.columns.iter().map(|column| column.replace(' ', "_")))
        .map_err(bug)?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| field(&cell.value()))).map_err(bug)?;
    }
    let bytes = writer.into_inner().map_err(|error| PlanError::source("writing CSV", error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn chosen<'r>(report: &'r Report, name: Option<&str>) -> Result<&'r Table> {
    let names: Vec<&str> = report.tables().map(|table| table.name).collect();
    let found = match name {
        Some(name) => report.tables().find(|table| table.name == name),
        None => report.tables().next(),
    };
    found.ok_or_else(|| match name {
        Some(name) => PlanError::usage(format!(
            "--table {name}: this report has no such table; it has {}",
            names.join(", ")
        )),
        None => PlanError::usage(format!(
            "planner {} has no table for these arguments; use --format json",
            report.command
        )),
    })
}
