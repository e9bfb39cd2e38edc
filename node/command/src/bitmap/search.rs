//! Counting and finding bits: BITCOUNT and BITPOS.

use std::ops::Range;

use skep_resp::{Args, parse_i64};

use super::words;
use crate::cx::Cx;
use crate::error::CommandError;
use crate::value::string_of;

const NOT_A_BIT: CommandError = CommandError::text("ERR The bit argument must be 1 or 0.");

/// `BITCOUNT key [start end [BYTE | BIT]]`.
pub(crate) fn bitcount(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let part = match args.len() {
        2 => Part::ALL,
        4 | 5 => {
            let (start, end) = (integer(&args[2])?, integer(&args[3])?);
            Part { start, end: Some(end), unit: Unit::of(args.get(4))? }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let database = cx.database();
    let key = cx.key(&args[1]);
    let count = match string_of(cx.view.read(database, &key))? {
        // Two ends before the beginning, in the wrong order, do not both become the first byte.
        Some(bytes) if !part.is_backwards() => words::count(bytes, part.bits_of(bytes.len())),
        _ => 0,
    };
    cx.reply.integer(count as i64);
    Ok(())
}

/// `BITPOS key bit [start [end [BYTE | BIT]]]`: answers the first such bit, or -1. Without an
/// end, zeros follow the value.
pub(crate) fn bitpos(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let bit = match integer(&args[2])? {
        0 => false,
        1 => true,
        _ => return Err(NOT_A_BIT),
    };
    let part = match args.len() {
        3 => Part::ALL,
        4..=6 => {
            let start = integer(&args[3])?;
            let unit = Unit::of(args.get(5))?;
            Part { start, end: args.get(4).map(integer).transpose()?, unit }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let database = cx.database();
    let key = cx.key(&args[1]);
    let found = match string_of(cx.view.read(database, &key))? {
        Some(bytes) => first_in(bytes, part, bit),
        None => (!bit).then_some(0),
    };
    cx.reply.integer(found.map_or(-1, |found| found as i64));
    Ok(())
}

fn first_in(bytes: &[u8], part: Part, bit: bool) -> Option<usize> {
    let bits = part.bits_of(bytes.len());
    if bits.is_empty() {
        return None;
    }
    let zeros_follow = !bit && part.end.is_none();
    words::find(bytes, bits, bit).or(zeros_follow.then_some(bytes.len() * 8))
}

fn integer(text: &[u8]) -> Result<i64, CommandError> {
    parse_i64(text).ok_or(CommandError::NOT_INTEGER)
}

/// What ends of a part are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    /// Reads a unit; bytes if there is none.
    fn of(word: Option<&[u8]>) -> Result<Unit, CommandError> {
        match word {
            None => Ok(Unit::Byte),
            Some(word) if word.eq_ignore_ascii_case(b"BYTE") => Ok(Unit::Byte),
            Some(word) if word.eq_ignore_ascii_case(b"BIT") => Ok(Unit::Bit),
            Some(_) => Err(CommandError::SYNTAX),
        }
    }
}

/// A part of a value, as clients name it: both ends are in it, negative ones count from the
/// value's end, which is also the part's if none is given.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: i64,
    end: Option<i64>,
    unit: Unit,
}

impl Part {
    const ALL: Part = Part { start: 0, end: None, unit: Unit::Byte };

    /// Whether both ends count from the value's end, the later one first.
    fn is_backwards(&self) -> bool {
        self.end.is_some_and(|end| self.start < 0 && end < 0 && self.start > end)
    }

    /// The bits of a value that are in it.
    fn bits_of(&self, len_bytes: usize) -> Range<usize> {
        let unit_bits = match self.unit {
            Unit::Byte => 8,
            Unit::Bit => 1,
        };
        let len = (len_bytes * 8 / unit_bits) as i64;
        let from_start = |index: i64| if index < 0 { (len + index).max(0) } else { index };
        let start = from_start(self.start);
        let last = self.end.map_or(len - 1, from_start).min(len - 1);
        if start > last {
            return 0..0;
        }
        start as usize * unit_bits..(last as usize + 1) * unit_bits
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    const SYNTAX: &str = "-ERR syntax error";
    const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";

    #[test]
    fn bits_are_counted_in_ranges_of_bytes_and_bits() {
        Bench::new().expect(&[
            ("SET k foobar", "+OK"),
            ("BITCOUNT k", ":26"),
            ("BITCOUNT k 0 0", ":4"),
            ("BITCOUNT k 1 1 BYTE", ":6"),
            ("BITCOUNT k 5 30 bit", ":17"),
            ("BITCOUNT k -1 -1", ":4"),
            ("BITCOUNT k -1 -2", ":0"),
            ("BITCOUNT k 3 2", ":0"),
            ("BITCOUNT k 100 200", ":0"),
            ("BITCOUNT k -9223372036854775808 9223372036854775807 BIT", ":26"),
            ("BITCOUNT missing", ":0"),
            ("BITCOUNT missing 0 -1", ":0"),
            ("SET empty ''", "+OK"),
            ("BITCOUNT empty", ":0"),
            ("BITCOUNT empty 0 -1 BIT", ":0"),
        ]);
    }

    #[test]
    fn half_a_range_is_refused_and_so_is_what_is_no_number() {
        Bench::new().expect(&[
            ("BITCOUNT k 0", SYNTAX),
            ("BITCOUNT k 0 1 NIBBLE", SYNTAX),
            ("BITCOUNT k 0 1 BIT 2", SYNTAX),
            ("BITCOUNT k x 1", NOT_INTEGER),
            ("BITCOUNT k 0 x NIBBLE", NOT_INTEGER),
            ("BITPOS k x", NOT_INTEGER),
            ("BITPOS k 2", "-ERR The bit argument must be 1 or 0."),
            ("BITPOS k 1 x", NOT_INTEGER),
            ("BITPOS k 1 0 x NIBBLE", SYNTAX),
            ("BITPOS k 1 0 x BIT", NOT_INTEGER),
            ("BITPOS k 1 0 1 BIT 2", SYNTAX),
        ]);
    }

    #[test]
    fn the_first_bit_is_found_in_ranges_of_bytes_and_bits() {
        Bench::new().expect(&[
            ("SET k \"\\xff\\xf0\\x00\"", "+OK"),
            ("BITPOS k 0", ":12"),
            ("BITPOS k 1", ":0"),
            ("BITPOS k 1 2", ":-1"),
            ("BITPOS k 1 -2", ":8"),
            ("BITPOS k 0 0 0", ":-1"),
            ("BITPOS k 0 2 -1 BYTE", ":16"),
            ("BITPOS k 1 7 15 BIT", ":7"),
            ("BITPOS k 0 7 11 BIT", ":-1"),
            ("BITPOS k 0 9 -1 bit", ":12"),
            ("BITPOS k 1 -1 -3", ":-1"),
        ]);
    }

    #[test]
    fn zeros_follow_a_value_unless_its_end_is_given() {
        Bench::new().expect(&[
            ("SET k \"\\xff\\xff\"", "+OK"),
            ("BITPOS k 0", ":16"),
            ("BITPOS k 0 1", ":16"),
            ("BITPOS k 0 2", ":-1"),
            ("BITPOS k 0 0 -1", ":-1"),
            ("BITPOS missing 0", ":0"),
            ("BITPOS missing 0 5 7 BIT", ":0"),
            ("BITPOS missing 1", ":-1"),
            ("SET empty ''", "+OK"),
            ("BITPOS empty 0", ":-1"),
        ]);
    }
}
