//! Traces of lines: `start count ...`, and `time object bytes`.

use std::io::{BufRead, Read};

use super::source::Input;
use super::{Access, LINE_BYTES_MAX, VALUE_BYTES_MAX, damaged};
use crate::error::{Context, PlanError, Result};

/// Objects that one line may stand for.
const RANGE_MAX: u64 = 1 << 20;

/// Lines, one after the other, numbered from 1.
pub(super) struct Lines {
    input: Input,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    pub(super) fn new(input: Input) -> Lines {
        Lines { input, line: Vec::new(), number: 0 }
    }

    /// The next line that is not empty, without its end.
    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>> {
        loop {
            self.line.clear();
            let mut bounded = (&mut self.input).take(LINE_BYTES_MAX);
            let count = bounded.read_until(b'\n', &mut self.line).context(self.input.name())?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            if count as u64 == LINE_BYTES_MAX {
                return Err(self.damaged("a line of more than a megabyte"));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(self.line.trim_ascii_end()));
            }
        }
    }

    /// Decodes the next line.
    #[inline]
    pub(super) fn decode(
        &mut self,
        decode: impl Fn(&str) -> Option<Access>,
    ) -> Result<Option<Access>> {
        let Some(line) = self.next_line()? else { return Ok(None) };
        let access = std::str::from_utf8(line).ok().and_then(decode);
        match access {
            Some(access) => Ok(Some(access)),
            None => Err(self.damaged("no line of this kind of trace")),
        }
    }

    /// What was wrong with the last line.
    pub(super) fn damaged(&self, reason: &str) -> PlanError {
        let shown: String = String::from_utf8_lossy(&self.line).trim().chars().take(60).collect();
        damaged(self.input.name(), self.number, format!("{reason}: {shown:?}"))
    }
}

/// Lines `start count ...`: the objects from `start` on.
pub(super) struct Ranges {
    lines: Lines,
    left: std::ops::Range<u64>,
}

impl Ranges {
    pub(super) fn new(lines: Lines) -> Ranges {
        Ranges { lines, left: 0..0 }
    }

    #[inline]
    pub(super) fn read(&mut self) -> Result<Option<Access>> {
        loop {
            if let Some(number) = self.left.next() {
                return Ok(Some(Access::of_number(number)));
            }
            let Some(line) = self.lines.next_line()? else { return Ok(None) };
            self.left = match std::str::from_utf8(line).ok().and_then(range) {
                Some(range) => range,
                None => return Err(self.lines.damaged("no line \"start count ...\"")),
            };
        }
    }
}

fn range(line: &str) -> Option<std::ops::Range<u64>> {
    let mut words = line.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
    let (start, count) = (words.next()??, words.next()??);
    (count <= RANGE_MAX).then_some(start..start.checked_add(count)?)
}

/// A line `time object bytes`.
pub(super) fn sized(line: &str) -> Option<Access> {
    let mut words = line.split_ascii_whitespace();
    let time_ms = milliseconds(words.next()?)?;
    let number = words.next()?.parse().ok()?;
    let value_bytes: u64 = words.next()?.parse().ok()?;
    if value_bytes > VALUE_BYTES_MAX {
        return None;
    }
    Some(Access { time_ms, value_bytes: value_bytes as u32, ..Access::of_number(number) })
}

/// Seconds, possibly with a fraction, in milliseconds.
pub(super) fn milliseconds(seconds: &str) -> Option<u64> {
    if let Ok(whole) = seconds.parse::<u64>() {
        return whole.checked_mul(1000);
    }
    let seconds: f64 = seconds.parse().ok()?;
    (0.0..1e15).contains(&seconds).then_some((seconds * 1000.0) as u64)
}
