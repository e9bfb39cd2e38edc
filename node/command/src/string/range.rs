//! Strings in part: STRLEN, GETRANGE (and SUBSTR, its older name), SETRANGE and APPEND.
//!
//! No value grows beyond the server's limit, which is checked before anything is allocated.

use skep_resp::{Args, parse_i64};
use skep_store::{Expiry, NewValue};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::value;

const TOO_LONG: CommandError =
    CommandError::text("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
const OFFSET_RANGE: CommandError = CommandError::text("ERR offset is out of range");
/// Most room that a growing value gets beyond what it needs at once.
const MAX_SPARE_BYTES: usize = 1 << 20;

/// `STRLEN key`.
pub(crate) fn strlen(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let there = cx.view.read(database, &key).map(|item| item.value().bytes());
    let len = there.transpose()?.map_or(0, <[u8]>::len);
    cx.reply.integer(len as i64);
    Ok(())
}

/// `GETRANGE key start end`: both ends are part of the range; negative ones count from the end.
pub(crate) fn getrange(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let start = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    let end = parse_i64(&args[3]).ok_or(CommandError::NOT_INTEGER)?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    match cx.view.read(database, &key).map(|item| item.value()) {
        Some(value) => {
            let range = range_of(start, end, value.bytes()?.len());
            value::reply_range(cx.reply, value, range)?;
        }
        None => cx.reply.bulk(b""),
    }
    Ok(())
}

/// The bytes from `start` to `end` of `len`, as [`getrange`] counts them.
fn range_of(start: i64, end: i64, len: usize) -> std::ops::Range<usize> {
    let len = len as i64;
    // Two ends before the beginning, in the wrong order, do not both become the first byte.
    if len == 0 || (start < 0 && end < 0 && start > end) {
        return 0..0;
    }
    let from_start = |index: i64| if index < 0 { (len + index).max(0) } else { index };
    let (start, end) = (from_start(start), from_start(end).min(len - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

/// `APPEND key value`: answers the new length.
pub(crate) fn append(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let addition = &args[2];
    let old = cx.view.find(database, &key).map(|item| item.value().bytes());
    let old_len = old.transpose()?.map(<[u8]>::len);
    let len = match old_len {
        None => {
            cx.view.set(database, &key, NewValue::Bytes(addition), Expiry::Never)?;
            addition.len()
        }
        Some(old_len) => {
            check_len(cx, old_len, addition.len())?;
            cx.view.edit(database, &key, |bytes| {
                make_room(bytes, addition.len());
                bytes.extend_from_slice(addition);
                bytes.len()
            })?
        }
    };
    cx.reply.integer(len as i64);
    Ok(())
}

/// `SETRANGE key offset value`: answers the new length. Zeros fill a gap.
pub(crate) fn setrange(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let offset = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    let offset = usize::try_from(offset).map_err(|_| OFFSET_RANGE)?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    let patch = &args[3];
    let old = cx.view.find(database, &key).map(|item| item.value().bytes());
    let mut len = old.transpose()?.map_or(0, <[u8]>::len);
    if !patch.is_empty() {
        check_len(cx, offset, patch.len())?;
        let end = offset + patch.len();
        len = cx.view.edit(database, &key, |bytes| {
            if bytes.len() < end {
                make_room(bytes, end - bytes.len());
                bytes.resize(end, 0);
            }
            bytes[offset..end].copy_from_slice(patch);
            bytes.len()
        })?;
    }
    cx.reply.integer(len as i64);
    Ok(())
}

/// Refuses a value longer than the server allows.
fn check_len(cx: &Cx<'_>, len: usize, more: usize) -> Result<(), CommandError> {
    let total = len.checked_add(more).filter(|total| *total <= cx.server.max_value_bytes());
    total.map(|_| ()).ok_or(TOO_LONG)
}

/// Makes room for `more` bytes, and for some that may follow: as much again as there is, so that
/// appending stays cheap, but not without bound, so that large values do not waste memory.
pub(crate) fn make_room(bytes: &mut Vec<u8>, more: usize) {
    if bytes.capacity() - bytes.len() < more {
        let spare = (bytes.len() + more).min(MAX_SPARE_BYTES);
        bytes.reserve_exact(more + spare);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn ranges_count_from_either_end_and_never_reach_beyond() {
        let mut bench = Bench::new();
        bench.expect(&[("SET k 'This is a string'", "+OK"), ("SET empty ''", "+OK")]);
        for (start, end, expected) in [
            ("0", "3", "$4 This"),
            ("-3", "-1", "$3 ing"),
            ("0", "-1", "$16 This is a string"),
            ("10", "100", "$6 string"),
            ("5", "5", "$1 i"),
            ("5", "4", "$0 "),
            ("16", "20", "$0 "),
            ("-1", "-3", "$0 "),
            ("-100", "-200", "$0 "),
            ("-200", "-100", "$1 T"),
            ("-9223372036854775808", "9223372036854775807", "$16 This is a string"),
        ] {
            assert_eq!(bench.ask(&format!("GETRANGE k {start} {end}")), expected);
            assert_eq!(bench.ask(&format!("SUBSTR k {start} {end}")), expected);
            assert_eq!(bench.ask(&format!("GETRANGE empty {start} {end}")), "$0 ");
        }
        bench.expect(&[
            ("GETRANGE missing 0 -1", "$0 "),
            ("GETRANGE missing x -1", "-ERR value is not an integer or out of range"),
            ("GETRANGE missing 0 x", "-ERR value is not an integer or out of range"),
        ]);
    }

    #[test]
    fn a_large_range_of_a_large_value_is_the_right_one() {
        let mut bench = Bench::new();
        let value: Vec<u8> = (0..60_000u32).flat_map(u32::to_le_bytes).collect();
        bench.ask_words(&[b"SET", b"k", &value]);
        let expected = [b"$100000\r\n", &value[100..100_100], b"\r\n"].concat();
        assert_eq!(bench.ask_words(&[b"GETRANGE", b"k", b"100", b"100099"]), expected);
    }

    #[test]
    fn append_creates_a_key_or_lengthens_it_and_keeps_its_expiry() {
        Bench::new().expect(&[
            ("APPEND k 12", ":2"),
            ("OBJECT ENCODING k", "$3 int"),
            ("EXPIRE k 100", ":1"),
            ("APPEND k 34", ":4"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("GET k", "$4 1234"),
            ("TTL k", ":100"),
            ("APPEND empty ''", ":0"),
            ("EXISTS empty", ":1"),
        ]);
    }

    #[test]
    fn a_value_grows_by_appending_until_it_is_large() {
        let mut bench = Bench::new();
        let piece = [b'p'; 1000];
        for count in 1..=50 {
            let expected = format!(":{}\r\n", count * 1000).into_bytes();
            assert_eq!(bench.ask_words(&[b"APPEND", b"k", &piece]), expected);
        }
        let expected = [b"$50000\r\n", piece.repeat(50).as_slice(), b"\r\n"].concat();
        assert_eq!(bench.ask_words(&[b"GET", b"k"]), expected);
    }

    #[test]
    fn setrange_overwrites_lengthens_and_fills_gaps_with_zeros() {
        Bench::new().expect(&[
            ("SET k 'Hello World' EX 100", "+OK"),
            ("SETRANGE k 6 Redis", ":11"),
            ("GET k", "$11 Hello Redis"),
            ("TTL k", ":100"),
            ("SETRANGE k 12 !", ":13"),
            ("GET k", "$13 Hello Redis\\x00!"),
            ("SETRANGE k 100 ''", ":13"),
            ("SETRANGE missing 5 ''", ":0"),
            ("EXISTS missing", ":0"),
            ("SETRANGE missing 2 7", ":3"),
            ("GET missing", "$3 \\x00\\x007"),
            ("OBJECT ENCODING missing", "$3 raw"),
        ]);
    }

    #[test]
    fn offsets_out_of_range_are_refused() {
        Bench::new().expect(&[
            ("SETRANGE k -1 v", "-ERR offset is out of range"),
            ("SETRANGE k x v", "-ERR value is not an integer or out of range"),
            ("SETRANGE k -1 ''", "-ERR offset is out of range"),
        ]);
    }

    #[test]
    fn no_value_grows_beyond_the_limit() {
        const TOO_LONG: &str = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        let mut bench = Bench::new();
        bench.server.max_value_bytes = 10;
        bench.expect(&[
            ("SETRANGE k 10 v", TOO_LONG),
            ("SETRANGE k 9223372036854775807 v", TOO_LONG),
            ("EXISTS k", ":0"),
            ("SETRANGE k 9 v", ":10"),
            ("APPEND k v", TOO_LONG),
            ("APPEND k ''", ":10"),
            ("STRLEN k", ":10"),
            ("STRLEN missing", ":0"),
        ]);
    }
}
