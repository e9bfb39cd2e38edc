//! What a command answers, before it is drawn: one value, from which every format is rendered.
//!
//! A report has the inputs as understood, the steps of the arithmetic, blocks for the screen in
//! their order, and a machine-readable result whose keys are stable under the schema's version.
//! Numbers in cells are typed, so that JSON has bytes as integers where a screen has `18.7 GB`.

pub mod cell;
pub mod chart;
mod csv;
mod html;
mod json;
mod markdown;
mod text;

use serde_json::{Map, Value};

pub use cell::Cell;
pub use chart::Chart;

use crate::error::{EXIT_VIOLATED, PlanError, Result};
use crate::quantity::Units;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned text for people.
    #[default]
    Table,
    /// One object with a schema version.
    Json,
    /// One table, as RFC 4180 has it.
    Csv,
    /// Markdown.
    Md,
    /// A page with its charts in it.
    #[value(skip)]
    Html,
    /// The first chart alone.
    #[value(skip)]
    Svg,
}

/// A step of an answer's arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Stable name.
    pub id: &'static str,
    /// What people call it.
    pub label: String,
    /// The formula, with the numbers in it.
    pub formula: String,
    /// What comes out, in `unit`.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
    /// Why this step is there.
    pub why: String,
    /// Where the formula or the constant is from.
    pub source: &'static str,
}

impl Step {
    /// A step that ends in bytes.
    pub fn bytes(
        id: &'static str,
        label: &str,
        formula: String,
        value: f64,
        why: &str,
        source: &'static str,
    ) -> Step {
        let (label, why) = (label.to_owned(), why.to_owned());
        Step { id, label, formula, value, unit: Unit::Bytes, why, source }
    }
}

/// What a step's value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, whole.
    Bytes,
    /// Things.
    Count,
    /// Events per second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// A plain number.
    Ratio,
}

/// A table of typed cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Stable name: the key in JSON, and what `--table` selects for CSV.
    pub name: &'static str,
    /// The line above it; may be empty.
    pub title: String,
    /// Column names, in lower case: headings and JSON keys (blanks become `_`).
    pub columns: Vec<&'static str>,
    /// Rows as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// What a terminal shows in its place, if its cells are sentences.
    pub prose: Option<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(name: &'static str, columns: impl IntoIterator<Item = &'static str>) -> Table {
        let columns = columns.into_iter().collect();
        Table { name, columns, ..Table::default() }
    }

    /// Gives it a title.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Table {
        self.title = title.into();
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// A line with something at its right: a remark and the command that says more about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remark {
    /// What stands at the left of the first of some remarks: `check`.
    pub head: &'static str,
    /// The sentence.
    pub text: String,
    /// What to type to learn more; may be empty.
    pub hint: String,
}

/// A piece of the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Lines as they are.
    Lines(Vec<String>),
    /// A table.
    Table(Table),
    /// Remarks, their hints under each other.
    Remarks(Vec<Remark>),
    /// A chart, drawn in the terminal with `--plot`, and always in HTML.
    Chart(Chart),
    /// Commands to copy, one a line; `#` begins a comment.
    Commands(Vec<String>),
}

/// Something to know that the answer rests on or suffers from.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// Stable name.
    pub id: &'static str,
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// Whether the answer is the one hoped for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It fits.
    #[default]
    Fits,
    /// It was computed, but a constraint is violated.
    Violated,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The command, which names the schema: `planner/<command>/<version>`.
    pub command: &'static str,
    /// Version of the result's shape.
    pub schema_version: u32,
    /// How sizes in cells are shown.
    pub units: Units,
    /// The arguments as understood; sizes in bytes.
    pub inputs: Map<String, Value>,
    /// Sizes as they were written and what they mean in bytes.
    pub sizes: Vec<(String, u64)>,
    /// The seed, if chance had a part in it.
    pub seed: Option<u64>,
    /// The arithmetic.
    pub steps: Vec<Step>,
    /// The screen.
    pub blocks: Vec<Block>,
    /// The result, under stable keys.
    pub result: Map<String, Value>,
    /// Other readings of the same inputs.
    pub alternatives: Vec<Value>,
    /// What to know.
    pub warnings: Vec<Warning>,
    /// The constraint that made the answer what it is.
    pub binding: Option<String>,
    /// Whether it fits.
    pub verdict: Verdict,
}

impl Report {
    /// An empty report of a command, in the first version of its schema.
    pub fn new(command: &'static str, units: Units) -> Report {
        Report { command, schema_version: 1, units, ..Report::default() }
    }

    /// Records an argument as understood.
    pub fn input(&mut self, name: &str, value: impl Into<Value>) {
        self.inputs.insert(name.to_owned(), value.into());
    }

    /// Records a size as written and in bytes, and returns the latter.
    pub fn size_input(&mut self, name: &str, size: &crate::quantity::Size) -> u64 {
        let bytes = size.bytes(self.units);
        self.input(&format!("{name}_bytes"), bytes);
        self.sizes.push((size.text().to_owned(), bytes));
        bytes
    }

    /// Records a figure of the result. What is no finite number becomes null.
    pub fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.result.insert(name.to_owned(), value.into());
    }

    /// Adds a piece of screen.
    pub fn block(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Adds a line of text.
    pub fn line(&mut self, line: impl Into<String>) {
        match self.blocks.last_mut() {
            Some(Block::Lines(lines)) => lines.push(line.into()),
            _ => self.blocks.push(Block::Lines(vec![line.into()])),
        }
    }

    /// Adds a warning.
    pub fn warn(&mut self, id: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.warnings.push(Warning { id, what: what.into(), fix: fix.into() });
    }

    /// The tables, in their order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
    }

    /// The charts, in their order.
    pub fn charts(&self) -> impl Iterator<Item = &Chart> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Chart(chart) => Some(chart),
            _ => None,
        })
    }

    /// The exit code of a report that was written.
    pub fn exit_code(&self, fails_on_warning: bool) -> u8 {
        let is_bad =
            self.verdict == Verdict::Violated || (fails_on_warning && !self.warnings.is_empty());
        if is_bad { EXIT_VIOLATED } else { 0 }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// A format that needs a table or a chart the report does not have; [`PlanError::Usage`].
    pub fn render(&self, format: Format, options: &RenderOptions) -> Result<String> {
        match format {
            Format::Table => Ok(text::render(self, options)),
            Format::Json => Ok(json::render(self)),
            Format::Csv => csv::render(self, options.table.as_deref()),
            Format::Md => Ok(markdown::render(self, options)),
            Format::Html => html::render(self),
            Format::Svg => {
                let missing = || {
                    let what = format!("planner {} has no chart for these arguments", self.command);
                    PlanError::usage(format!("{what}; write .html, .json, .csv or .md instead"))
                };
                chart::svg(self.charts().next().ok_or_else(missing)?)
            }
        }
    }
}

/// What to draw beside the answer itself.
#[derive(Clone, Debug, Default)]
pub struct RenderOptions {
    /// Every step with formula, reason and source.
    pub explain: bool,
    /// Charts in the terminal.
    pub plot: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// The table that CSV is made of; the first one if nothing is said.
    pub table: Option<String>,
}

impl Format {
    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// A name that ends in none that can be written.
    pub fn of_file(path: &std::path::Path) -> Result<Format> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("html" | "htm") => Ok(Format::Html),
            Some("svg") => Ok(Format::Svg),
            Some("json") => Ok(Format::Json),
            Some("csv") => Ok(Format::Csv),
            Some("md") => Ok(Format::Md),
            Some("txt") => Ok(Format::Table),
            _ => Err(PlanError::usage(format!(
                "--out {}: the name must end in .html, .svg, .json, .csv, .md or .txt",
                path.display()
            ))),
        }
    }
}
