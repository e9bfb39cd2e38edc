//! Access traces: what a system's clients asked for, in its order, read one access after the
//! other from files that may be compressed and larger than memory.
//!
//! Bounds: one buffer a file, lines of at most `LINE_BYTES_MAX`. An error says which file and
//! which line (or byte), and what was expected there.

mod format;
mod lines;
mod monitor;
mod numbers;
pub mod object;
mod sizes;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;

use skep_keyspace::Slot;

pub use format::Format;
pub use monitor::MonitorDecoder;
pub use sizes::Sizes;

use crate::error::{PlanError, Result};
use lines::Lines;
use source::Input;

/// Longer lines are taken for damage.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Larger objects are taken for damage.
const VALUE_BYTES_MAX: u64 = 512 << 20;
/// Longer lives are none that a cache ends.
const TTL_SECONDS_MAX: f64 = 1e10;

/// The slot is that of [`object::key`]: most models never ask for it.
const SLOT_OF_NUMBER: u16 = u16::MAX;

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Asks for an object; whoever asks stores it if it is not there.
    Get,
    /// Stores an object.
    Set,
    /// Removes an object.
    Delete,
}

/// One access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The object: its number, or the hash of its key.
    pub id: u64,
    /// When, in milliseconds; 0 where the trace does not say.
    pub time_ms: u64,
    /// How long the object lives once it is stored; 0: until it is evicted.
    pub ttl_ms: u64,
    /// Length of the key.
    pub key_bytes: u32,
    /// Length of the value; [`Access::SIZE_UNKNOWN`] where the trace does not say.
    pub value_bytes: u32,
    /// The key's slot, or [`SLOT_OF_NUMBER`].
    slot: u16,
    /// What it does.
    pub operation: Operation,
}

impl Access {
    /// The size of a value that this access does not tell.
    pub const SIZE_UNKNOWN: u32 = u32::MAX;

    /// A request for a numbered object, of which nothing but the number is known.
    #[inline]
    pub fn of_number(number: u64) -> Access {
        Access {
            id: number,
            time_ms: 0,
            ttl_ms: 0,
            key_bytes: object::KEY_BYTES as u32,
            value_bytes: Access::SIZE_UNKNOWN,
            slot: SLOT_OF_NUMBER,
            operation: Operation::Get,
        }
    }

    /// A request for a key of unknown size.
    pub fn of_key(key: &[u8], operation: Operation) -> Access {
        Access {
            id: xxhash_rust::xxh3::xxh3_64(key),
            time_ms: 0,
            ttl_ms: 0,
            key_bytes: u32::try_from(key.len()).unwrap_or(u32::MAX),
            value_bytes: Access::SIZE_UNKNOWN,
            slot: Slot::of(key).number(),
            operation,
        }
    }

    /// The size of the value, or that of [`object::size_of`] where the trace has none.
    #[inline]
    pub fn size_bytes(&self) -> u32 {
        match self.value_bytes {
            Access::SIZE_UNKNOWN => object::size_of(self.id),
            bytes => bytes,
        }
    }

    /// The key's slot.
    #[inline]
    pub fn slot(&self) -> u16 {
        match self.slot {
            SLOT_OF_NUMBER => Slot::of(&object::key(self.id)).number(),
            slot => slot,
        }
    }
}

/// What turns a file into accesses.
enum Decoder {
    Ranges(lines::Ranges),
    Sized(Lines),
    Numbers(numbers::Numbers),
    Table(table::Rows),
    /// With the key of the access that was read last.
    Monitor(Lines, MonitorDecoder, Vec<u8>),
}

/// A trace that is being read.
pub struct Reader {
    decoder: Decoder,
    has_times: bool,
}

impl Reader {
    /// Opens a trace; `-` is the standard input. The name tells how it is written unless `format`
    /// does.
    ///
    /// # Errors
    /// The file cannot be read, or nothing tells its format.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Reader> {
        let mut input = Input::open(path)?;
        let format = match format {
            Some(format) => format,
            None => Format::detect(path, &mut input)?,
        };
        Reader::of(input, format)
    }

    fn of(input: Input, format: Format) -> Result<Reader> {
        let decoder = match format {
            Format::Lis => Decoder::Ranges(lines::Ranges::new(Lines::new(input))),
            Format::Sized => Decoder::Sized(Lines::new(input)),
            Format::U32be => Decoder::Numbers(numbers::Numbers::new(input, 4)),
            Format::U64be => Decoder::Numbers(numbers::Numbers::new(input, 8)),
            Format::Csv => Decoder::Table(table::Rows::with_header(input)?),
            Format::Twitter => Decoder::Table(table::Rows::of_twitter(input)),
            Format::Monitor => {
                Decoder::Monitor(Lines::new(input), MonitorDecoder::default(), Vec::new())
            }
        };
        let has_times = match &decoder {
            Decoder::Ranges(_) | Decoder::Numbers(_) => false,
            Decoder::Sized(_) | Decoder::Monitor(..) => true,
            Decoder::Table(rows) => rows.has_times(),
        };
        Ok(Reader { decoder, has_times })
    }

    /// Whether its accesses say when they happened.
    pub fn has_times(&self) -> bool {
        self.has_times
    }

    /// The key of the access that was read last, if the trace has names of keys.
    pub fn key(&self) -> Option<&[u8]> {
        match &self.decoder {
            Decoder::Table(rows) => rows.key(),
            Decoder::Monitor(_, _, last) => Some(last),
            Decoder::Ranges(_) | Decoder::Sized(_) | Decoder::Numbers(_) => None,
        }
    }

    /// The next access.
    ///
    /// # Errors
    /// The file cannot be read, or is no such trace; nothing more can be read then.
    #[inline]
    pub fn read(&mut self) -> Result<Option<Access>> {
        match &mut self.decoder {
            Decoder::Ranges(ranges) => ranges.read(),
            Decoder::Sized(lines) => lines.decode(lines::sized),
            Decoder::Numbers(numbers) => numbers.read(),
            Decoder::Table(rows) => rows.read(),
            Decoder::Monitor(lines, decoder, last) => loop {
                if let Some((key, access)) = decoder.pending_with_key() {
                    *last = key;
                    return Ok(Some(access));
                }
                let Some(line) = lines.next_line()? else { return Ok(None) };
                if !decoder.line(line) {
                    return Err(lines.damaged("no line of MONITOR"));
                }
            },
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Access>;

    fn next(&mut self) -> Option<Result<Access>> {
        self.read().transpose()
    }
}

/// A place in a file where something else was expected.
fn damaged(file: &str, place: impl std::fmt::Display, reason: impl std::fmt::Display) -> PlanError {
    PlanError::source(format!("{file}:{place}"), reason)
}
