//! The command table says of every command what Redis 7.2 says. No 7.2 is at hand, but it lies
//! between 7.0 and 8.2: where those agree, so must we; where they differ, we must agree with one
//! of them or with Valkey 9.1, which grew out of 7.2.
//!
//! Sentences are our own: only whether there is one is compared. What is younger than 7.2 is left
//! out on all sides.

use std::collections::BTreeMap;

use skep_tests::{Client, Program, Server, TestResult};

/// Versions from here on are younger than what we are compared with.
const YOUNGER: &str = "7.4";
/// Arguments that only we have: EXPIRE's comparison with the present value.
const OUR_ARGUMENTS: &[&str] = &["ifeq-value"];

/// Commands that only we have.
const OUR_COMMANDS: &[&str] = &["cluster|place", "cluster|ring"];

/// A reply, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    List(Vec<Value>),
}

impl Value {
    fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            Value::List(_) => "",
        }
    }

    fn list(&self) -> &[Value] {
        match self {
            Value::Text(_) => &[],
            Value::List(values) => values,
        }
    }

    /// What stands behind a name in a map.
    fn get(&self, name: &str) -> Option<&Value> {
        self.list().chunks(2).find(|pair| pair[0].text() == name)?.get(1)
    }

    /// The map without a name.
    fn without(&self, name: &str) -> Value {
        let kept = self.list().chunks(2).filter(|pair| pair[0].text() != name);
        Value::List(kept.flatten().cloned().collect())
    }

    /// Arguments without those that are ours or say they are younger than 7.2, at every depth.
    fn arguments_of_7_2(&self) -> Value {
        let Value::List(values) = self else { return self.clone() };
        let is_old = |value: &Value| value.get("since").is_none_or(|at| at.text() < YOUNGER);
        let is_ours = |name: &Value| OUR_ARGUMENTS.contains(&name.text());
        let kept = values.iter().filter(|one| is_old(one) && !one.get("name").is_some_and(is_ours));
        Value::List(kept.map(Value::arguments_of_7_2).collect())
    }
}

/// Reads a reply in RESP3 from the front of `bytes`.
fn value(bytes: &mut &[u8]) -> TestResult<Value> {
    let end = bytes.windows(2).position(|two| two == b"\r\n").ok_or("a reply without an end")?;
    let line = String::from_utf8(bytes[1..end].to_vec())?;
    let kind = bytes[0];
    *bytes = &bytes[end + 2..];
    let len = || line.parse::<usize>();
    Ok(match kind {
        b'$' => {
            let len = len()?;
            let text = String::from_utf8(bytes[..len].to_vec())?;
            *bytes = &bytes[len + 2..];
            Value::Text(text)
        }
        b'*' | b'~' => Value::List((0..len()?).map(|_| value(bytes)).collect::<Result<_, _>>()?),
        b'%' => Value::List((0..len()? * 2).map(|_| value(bytes)).collect::<Result<_, _>>()?),
        b'-' => return Err(line.into()),
        _ => Value::Text(line),
    })
}

fn ask(client: &mut Client, words: &[&str]) -> TestResult<Value> {
    value(&mut client.ask(words)?.as_slice())
}

/// What a server says of each command, by field.
type Table = BTreeMap<String, BTreeMap<&'static str, String>>;

fn table_of(program: Program) -> TestResult<Table> {
    let server = Server::start(program, &[])?;
    let mut client = server.connect()?;
    ask(&mut client, &["HELLO", "3"])?;
    let mut table = Table::new();
    for command in ask(&mut client, &["COMMAND"])?.list() {
        add_info(&mut table, command);
    }
    for pair in ask(&mut client, &["COMMAND", "DOCS"])?.list().chunks(2) {
        add_docs(&mut table, pair[0].text(), &pair[1]);
    }
    Ok(table)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(shown).collect();
            format!("[{}]", values.join(" "))
        }
    }
}

fn add_info(table: &mut Table, command: &Value) {
    let fields = command.list();
    let mut tips: Vec<String> = fields[7].list().iter().map(shown).collect();
    tips.sort_unstable();
    let specifications: Vec<String> =
        fields[8].list().iter().map(|one| shown(&one.without("notes"))).collect();
    let row = table.entry(fields[0].text().to_owned()).or_default();
    row.insert("arity", shown(&fields[1]));
    row.insert("flags", shown(&fields[2]));
    row.insert("key range", fields[3..6].iter().map(shown).collect::<Vec<_>>().join(" "));
    row.insert("categories", shown(&fields[6]));
    row.insert("tips", tips.join(" "));
    row.insert("key specifications", specifications.concat());
    fields[9].list().iter().for_each(|subcommand| add_info(table, subcommand));
}

fn add_docs(table: &mut Table, name: &str, docs: &Value) {
    let row = table.entry(name.to_owned()).or_default();
    for field in ["since", "group", "doc_flags", "deprecated_since"] {
        row.insert(field, docs.get(field).map(shown).unwrap_or_default());
    }
    let is_there = |field| docs.get(field).is_some_and(|text| !text.text().is_empty());
    row.insert("summary", is_there("summary").to_string());
    row.insert("complexity", is_there("complexity").to_string());
    let history = docs.get("history").map(Value::list).unwrap_or_default();
    let versions = history.iter().map(|change| change.list()[0].text());
    let versions: Vec<&str> = versions.filter(|version| *version < YOUNGER).collect();
    row.insert("history", versions.join(" "));
    let arguments = docs.get("arguments").map(Value::arguments_of_7_2);
    row.insert("arguments", arguments.as_ref().map(shown).unwrap_or_default());
    for pair in docs.get("subcommands").map(Value::list).unwrap_or_default().chunks(2) {
        add_docs(table, pair[0].text(), &pair[1]);
    }
}

#[test]
fn every_command_is_described_as_in_redis() -> TestResult {
    let ours = table_of(Program::Skep)?;
    let tables: Vec<Table> =
        Program::ORACLES.into_iter().map(table_of).collect::<Result<_, _>>()?;
    let table = |program| {
        let at = Program::ORACLES.iter().position(|oracle| *oracle == program);
        at.map(|at| &tables[at]).ok_or("an oracle is missing")
    };
    let (before, behind) = (table(Program::Redis70)?, table(Program::Redis82)?);
    let mut problems = Vec::new();
    for (name, row) in &ours {
        let is_young = row.get("since").is_some_and(|since| since.as_str() >= YOUNGER);
        if is_young || OUR_COMMANDS.contains(&name.as_str()) {
            continue;
        }
        if !tables.iter().any(|table| table.contains_key(name)) {
            problems.push(format!("{name}: no oracle knows it"));
            continue;
        }
        for (field, value) in row {
            let of = |table: &Table| table.get(name).and_then(|row| row.get(field)).cloned();
            let (old, new) = (of(before), of(behind));
            let certain = old.filter(|old| new.as_ref() == Some(old));
            let fits = match &certain {
                Some(certain) => certain == value,
                None => tables.iter().filter_map(of).any(|other| other == *value),
            };
            if !fits {
                let others: Vec<String> = tables.iter().filter_map(of).collect();
                problems.push(format!("{name}, {field}: {value}\n  not any of {others:#?}"));
            }
        }
    }
    assert!(ours.len() > 100, "{} commands", ours.len());
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    Ok(())
}
