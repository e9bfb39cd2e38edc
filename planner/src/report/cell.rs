//! A typed value in a table.

use serde_json::{Number, Value};

use crate::quantity::{ByteUnit, Units, decimals, grouped, spoken_seconds};

/// A value, which every format writes in its own way.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A size.
    Bytes(u64),
    /// A number, shown with so many decimals.
    Number(f64, usize),
    /// A share of a whole, 0.5 being 50 %, shown with so many decimals.
    Share(f64, usize),
    /// A duration in seconds.
    Seconds(f64),
    /// Whether something is so; what is not stands out.
    Truth(bool),
    /// Nothing to say.
    Empty,
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// A count of anything.
    pub fn count(count: usize) -> Cell {
        Cell::Count(count as u64)
    }

    /// As people read it.
    pub fn shown(&self, units: Units) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => grouped(*count),
            Cell::Bytes(bytes) => ByteUnit::of(*bytes, units).brief(*bytes),
            Cell::Number(value, digits) => decimals(*value, *digits),
            Cell::Share(share, digits) => format!("{} %", decimals(share * 100.0, *digits)),
            Cell::Seconds(seconds) => spoken_seconds(*seconds),
            Cell::Truth(is_so) => if *is_so { "yes" } else { "NO" }.to_owned(),
            Cell::Empty => String::new(),
        }
    }

    /// As machines read it: bytes whole, shares 0 to 1, durations in seconds.
    pub fn value(&self) -> Value {
        match self {
            Cell::Text(text) => Value::from(text.as_str()),
            Cell::Count(number) | Cell::Bytes(number) => Value::from(*number),
            Cell::Number(value, _) | Cell::Share(value, _) | Cell::Seconds(value) => finite(*value),
            Cell::Truth(is_so) => Value::from(*is_so),
            Cell::Empty => Value::Null,
        }
    }

    /// Whether it belongs at the right of its column.
    pub fn is_numeric(&self) -> bool {
        match self {
            Cell::Text(_) | Cell::Truth(_) | Cell::Empty => false,
            Cell::Count(_)
            | Cell::Bytes(_)
            | Cell::Number(..)
            | Cell::Share(..)
            | Cell::Seconds(_) => true,
        }
    }
}

/// A number for JSON, rounded to twelve digits so that noise of the last bits is no difference;
/// null if it is none.
pub fn finite(value: f64) -> Value {
    let rounded: f64 = format!("{value:.11e}").parse().unwrap_or(value);
    let rounded = if rounded == 0.0 { 0.0 } else { rounded };
    Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_words_for_people_and_a_number_for_machines() {
        let cell = Cell::Bytes(20_043_000_000);
        assert_eq!(cell.shown(Units::Binary), "18.7 GB");
        assert_eq!(cell.value(), Value::from(20_043_000_000u64));
        assert_eq!(Cell::Share(0.125, 1).shown(Units::Binary), "12.5 %");
        assert_eq!(Cell::Number(f64::NAN, 2).value(), Value::Null);
        assert_eq!(Cell::Number(-0.0, 2).value().to_string(), "0.0");
        let cell = Cell::Truth(false);
        assert_eq!((cell.shown(Units::Binary).as_str(), cell.value()), ("NO", false.into()));
        assert_eq!(finite(0.1 + 0.2).to_string(), "0.3");
    }
}
