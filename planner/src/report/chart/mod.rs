//! Charts as data: what to draw, for a terminal or as SVG.

mod axis;
mod svg;
mod terminal;
#[cfg(test)]
mod tests;

use crate::error::Result;

/// Rows of bars or bands that a terminal shows.
const ROWS_SHOWN: usize = 40;

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Curves over a common axis.
    Lines(Lines),
    /// One bar for each label.
    Bars(Bars),
    /// Coloured stretches of a common range, one row for each label: who owns which slots.
    Bands(Bands),
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By powers of ten; values are positive.
    Logarithmic,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// How it is divided.
    pub scale: Scale,
}

/// Curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// The line above it.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Name and points of each curve, in the order of x.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// Bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// The line above it.
    pub title: String,
    /// What the bars measure, with its unit.
    pub label: String,
    /// Label and length of each bar, none negative.
    pub bars: Vec<(String, f64)>,
    /// A length to mark, such as the mean, and what it is.
    pub mark: Option<(String, f64)>,
}

/// Stretches of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Bands {
    /// The line above it.
    pub title: String,
    /// The end of the range, which begins at 0.
    pub end: u32,
    /// Label and stretches (first, last) of each row.
    pub rows: Vec<(String, Vec<(u32, u32)>)>,
}

/// Draws a chart in `width` columns, or somewhat more if that is too narrow for one.
pub fn terminal(chart: &Chart, width: usize) -> Vec<String> {
    terminal::draw(chart, width)
}

/// Draws a chart as an SVG element.
///
/// # Errors
/// The drawing library refuses the chart.
pub fn svg(chart: &Chart) -> Result<String> {
    svg::draw(chart)
}
