//! A report as one JSON object with a schema version.

use serde_json::{Map, Value, json};

use super::cell::finite;
use super::{Report, Step, Table, Unit, Verdict};

pub(super) fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(&value(report)).unwrap_or_default();
    text.push('\n');
    text
}

fn value(report: &Report) -> Value {
    let mut object = Map::new();
    let schema = format!("planner/{}/{}", report.command, report.schema_version);
    object.insert("schema".to_owned(), Value::from(schema));
    object.insert("inputs".to_owned(), Value::Object(report.inputs.clone()));
    if let Some(seed) = report.seed {
        object.insert("seed".to_owned(), Value::from(seed));
    }
    object.insert("steps".to_owned(), report.steps.iter().map(step).collect());
    object.insert("result".to_owned(), Value::Object(report.result.clone()));
    let tables: Map<String, Value> =
        report.tables().map(|table| (table.name.to_owned(), rows(table))).collect();
    object.insert("tables".to_owned(), Value::Object(tables));
    object.insert("alternatives".to_owned(), Value::Array(report.alternatives.clone()));
    let warnings = report
        .warnings
        .iter()
        .map(|warning| json!({ "id": warning.id, "what": warning.what, "fix": warning.fix }));
    object.insert("warnings".to_owned(), warnings.collect());
    object.insert("binding".to_owned(), Value::from(report.binding.clone()));
    object.insert("fits".to_owned(), Value::from(report.verdict == Verdict::Fits));
    Value::Object(object)
}

fn step(step: &Step) -> Value {
    let (name, value) = match step.unit {
        Unit::Bytes => ("bytes", Value::from(step.value.max(0.0) as u64)),
        Unit::Count => ("count", finite(step.value)),
        Unit::PerSecond => ("per_second", finite(step.value)),
        Unit::Seconds => ("seconds", finite(step.value)),
        Unit::Ratio => ("ratio", finite(step.value)),
    };
    json!({
        "id": step.id, "label": step.label, "formula": step.formula, name: value,
        "why": step.why, "source": step.source,
    })
}

fn rows(table: &Table) -> Value {
    let keys: Vec<String> = table.columns.iter().map(|name| name.replace(' ', "_")).collect();
    let row = |cells: &Vec<super::Cell>| -> Value {
        keys.iter().cloned().zip(cells.iter().map(super::Cell::value)).collect::<Map<_, _>>().into()
    };
    table.rows.iter().map(row).collect()
}
