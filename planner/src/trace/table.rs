//! Comma-separated traces: with a header that names the columns, or in the columns of Twitter's
//! cache traces (Yang, Yue and Rashmi, "A large scale analysis of hundreds of in-memory cache
//! clusters at Twitter", OSDI 2020).

use csv::{ByteRecord, ReaderBuilder};

use super::lines::milliseconds;
use super::source::Input;
use super::{Access, Operation, TTL_SECONDS_MAX, VALUE_BYTES_MAX, damaged};
use crate::error::{PlanError, Result};

/// Which column says what; only the key's is needed.
#[derive(Clone, Copy, Default)]
struct Columns {
    time: Option<usize>,
    key: usize,
    key_size: Option<usize>,
    size: Option<usize>,
    ttl: Option<usize>,
    operation: Option<usize>,
}

/// Names of columns, in lower case.
const TIMES: [&str; 3] = ["time", "timestamp", "ts"];
const KEYS: [&str; 4] = ["key", "id", "object", "obj_id"];
const KEY_SIZES: [&str; 2] = ["key_size", "key_bytes"];
const SIZES: [&str; 5] = ["size", "value_size", "bytes", "obj_size", "value_bytes"];
const TTLS: [&str; 2] = ["ttl", "expiry"];
const OPERATIONS: [&str; 4] = ["op", "operation", "command", "verb"];

impl Columns {
    fn named(names: &[String]) -> Option<Columns> {
        let find = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        Some(Columns {
            time: find(&TIMES),
            key: find(&KEYS)?,
            key_size: find(&KEY_SIZES),
            size: find(&SIZES),
            ttl: find(&TTLS),
            operation: find(&OPERATIONS),
        })
    }
}

fn names(line: &str) -> Vec<String> {
    line.split(',').map(|name| name.trim().trim_matches('"').to_ascii_lowercase()).collect()
}

/// Whether a line is a header that names a key's column.
pub(super) fn is_header(line: &str) -> bool {
    Columns::named(&names(line)).is_some()
}

/// Rows of such a trace.
pub(super) struct Rows {
    name: String,
    reader: csv::Reader<Input>,
    record: ByteRecord,
    columns: Columns,
}

impl Rows {
    pub(super) fn with_header(input: Input) -> Result<Rows> {
        let mut rows = Rows::new(input, true, Columns::default());
        let header =
            rows.reader.byte_headers().map_err(|error| PlanError::source(&rows.name, error))?;
        let header: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
        let names = names(&header.join(","));
        rows.columns = Columns::named(&names).ok_or_else(|| {
            let reason =
                "the first line names no column \"key\"; name columns time, key, size, ttl, op";
            damaged(&rows.name, 1, reason)
        })?;
        Ok(rows)
    }

    pub(super) fn of_twitter(input: Input) -> Rows {
        let columns = Columns {
            time: Some(0),
            key: 1,
            key_size: Some(2),
            size: Some(3),
            operation: Some(5),
            ttl: Some(6),
        };
        Rows::new(input, false, columns)
    }

    fn new(input: Input, has_header: bool, columns: Columns) -> Rows {
        let name = input.name().to_owned();
        let reader = ReaderBuilder::new().has_headers(has_header).flexible(true).from_reader(input);
        Rows { name, reader, record: ByteRecord::new(), columns }
    }

    pub(super) fn has_times(&self) -> bool {
        self.columns.time.is_some()
    }

    /// The key of the row that was read last.
    pub(super) fn key(&self) -> Option<&[u8]> {
        self.record.get(self.columns.key)
    }

    #[inline]
    pub(super) fn read(&mut self) -> Result<Option<Access>> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(PlanError::source(&self.name, error)),
        }
        match self.columns.access(&self.record) {
            Ok(access) => Ok(Some(access)),
            Err(reason) => {
                let line = self.record.position().map_or(0, csv::Position::line);
                Err(damaged(&self.name, line, reason))
            }
        }
    }
}

impl Columns {
    fn access(&self, record: &ByteRecord) -> Result<Access, String> {
        let text = |column: Option<usize>| {
            let bytes = record.get(column?)?.trim_ascii();
            std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())
        };
        let number = |column, what: &str, most: u64| -> Result<Option<u32>, String> {
            let Some(text) = text(column) else { return Ok(None) };
            let known = text.parse::<u64>().ok().filter(|number| *number <= most);
            known.map(|number| Some(number as u32)).ok_or_else(|| format!("{text:?} is no {what}"))
        };
        let key = record.get(self.key).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| "there is no key in this line".to_owned())?;
        let operation = match text(self.operation) {
            None => Operation::Get,
            Some(name) => operation(name).ok_or_else(|| format!("{name:?} is no operation"))?,
        };
        let mut access = Access::of_key(key, operation);
        if let Some(time) = text(self.time) {
            access.time_ms = milliseconds(time).ok_or_else(|| format!("{time:?} is no time"))?;
        }
        if let Some(bytes) = number(self.key_size, "length of a key", VALUE_BYTES_MAX)? {
            access.key_bytes = bytes;
        }
        // A request for what is not there has no size to tell.
        let is_told = |bytes: &u32| *bytes > 0 || operation == Operation::Set;
        if let Some(bytes) = number(self.size, "size", VALUE_BYTES_MAX)?.filter(is_told) {
            access.value_bytes = bytes;
        }
        if let Some(ttl) = text(self.ttl) {
            let seconds =
                ttl.parse::<f64>().ok().filter(|ttl| (0.0..TTL_SECONDS_MAX).contains(ttl));
            let seconds = seconds.ok_or_else(|| format!("{ttl:?} is no time to live"))?;
            access.ttl_ms = (seconds * 1000.0) as u64;
        }
        Ok(access)
    }
}

/// What a name of Twitter's traces, or of Redis or memcached, does to an object.
fn operation(name: &str) -> Option<Operation> {
    match name.to_ascii_lowercase().as_str() {
        "get" | "gets" | "read" | "gat" => Some(Operation::Get),
        "set" | "add" | "replace" | "cas" | "append" | "prepend" | "incr" | "decr" | "write"
        | "update" => Some(Operation::Set),
        "delete" | "del" | "remove" => Some(Operation::Delete),
        _ => None,
    }
}
