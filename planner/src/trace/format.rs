//! How a trace is written, told by its name or by its first line.

use std::io::BufRead;
use std::path::Path;

use super::source::{Input, compression};
use super::table;
use crate::error::{Context, PlanError, Result};

/// How a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Lines "start count ...": the objects start to start + count - 1
    Lis,
    /// One big-endian number of four bytes for each request
    U32be,
    /// One big-endian number of eight bytes for each request
    U64be,
    /// Lines "time object bytes"
    Sized,
    /// Comma-separated, with a header that names key and any of time, size, ttl, op
    Csv,
    /// Comma-separated: time, key, key size, value size, client, operation, TTL (Twitter's traces)
    Twitter,
    /// What redis-cli MONITOR prints
    Monitor,
}

impl Format {
    /// The format that a file's name or first line tells.
    pub(super) fn detect(path: &Path, input: &mut Input) -> Result<Format> {
        let suffix = compression(path).0.extension().and_then(|suffix| suffix.to_str());
        let by_name = match suffix.unwrap_or_default().to_ascii_lowercase().as_str() {
            "lis" => Some(Format::Lis),
            "u32be" => Some(Format::U32be),
            "u64be" => Some(Format::U64be),
            "monitor" => Some(Format::Monitor),
            _ => None,
        };
        if let Some(format) = by_name {
            return Ok(format);
        }
        let begin = input.fill_buf().context(path.display())?;
        let line = begin.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        Format::of_line(line.trim()).ok_or_else(|| {
            PlanError::usage(format!(
                "{}: neither its name nor its first line tells how the trace is written; \
                 give --trace-format",
                path.display()
            ))
        })
    }

    /// The format of a text by its first line.
    fn of_line(line: &str) -> Option<Format> {
        let is_number = |word: &str| word.parse::<f64>().is_ok();
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        if line == "OK" || (words.len() > 3 && is_number(words[0]) && words[1].starts_with('[')) {
            return Some(Format::Monitor);
        }
        if table::is_header(line) {
            return Some(Format::Csv);
        }
        let fields: Vec<&str> = line.split(',').collect();
        if fields.len() == 7 && is_number(fields[0]) && is_number(fields[2]) {
            return Some(Format::Twitter);
        }
        let is_sized = words.len() == 3 && words.iter().all(|word| is_number(word));
        is_sized.then_some(Format::Sized)
    }
}
