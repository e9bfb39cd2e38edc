//! Single bits: SETBIT and GETBIT.

use skep_resp::Args;

use super::{lengthen, offset_of};
use crate::cx::Cx;
use crate::error::CommandError;
use crate::value::string_of;

const NOT_A_BIT: CommandError = CommandError::text("ERR bit is not an integer or out of range");

/// `SETBIT key offset value`: answers the bit as it was.
pub(crate) fn setbit(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let offset = offset_of(cx, &args[2], None)?;
    let bit = match &args[3] {
        b"0" => false,
        b"1" => true,
        _ => return Err(NOT_A_BIT),
    };
    let database = cx.database();
    let key = cx.key(&args[1]);
    let (at, mask) = (offset / 8, mask_of(offset));
    let item = cx.view.find(database, &key);
    let is_raw = item.as_ref().is_some_and(|item| item.is_modified());
    let byte = string_of(item)?.and_then(|bytes| bytes.get(at));
    let old = byte.is_some_and(|byte| byte & mask != 0);
    // As in Redis, what changes no bit is no change, but for the encoding becoming `raw`.
    let stays = is_raw && byte.is_some() && old == bit;
    if !stays {
        cx.view.edit(database, &key, |bytes| {
            lengthen(bytes, at + 1);
            bytes[at] = if bit { bytes[at] | mask } else { bytes[at] & !mask };
        })?;
    }
    cx.reply.integer(i64::from(old));
    Ok(())
}

/// `GETBIT key offset`.
pub(crate) fn getbit(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let offset = offset_of(cx, &args[2], None)?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    let bytes = string_of(cx.view.read(database, &key))?;
    let byte = bytes.and_then(|bytes| bytes.get(offset / 8));
    let bit = byte.is_some_and(|byte| byte & mask_of(offset) != 0);
    cx.reply.integer(i64::from(bit));
    Ok(())
}

/// The place of a bit in its byte.
fn mask_of(offset: usize) -> u8 {
    0x80 >> (offset % 8)
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    const OFFSET_RANGE: &str = "-ERR bit offset is not an integer or out of range";
    const NOT_A_BIT: &str = "-ERR bit is not an integer or out of range";

    #[test]
    fn bits_are_counted_from_the_highest_of_the_first_byte() {
        Bench::new().expect(&[
            ("SETBIT k 7 1", ":0"),
            ("GET k", "$1 \\x01"),
            ("SETBIT k 16 1", ":0"),
            ("GET k", "$3 \\x01\\x00\\x80"),
            ("SETBIT k 7 0", ":1"),
            ("GETBIT k 7", ":0"),
            ("GETBIT k 16", ":1"),
            ("GETBIT k 17", ":0"),
            ("GETBIT k 24", ":0"),
            ("GETBIT missing 0", ":0"),
            ("EXISTS missing", ":0"),
            ("SETBIT zero 8 0", ":0"),
            ("STRLEN zero", ":2"),
        ]);
    }

    #[test]
    fn expiries_stay_and_the_encoding_becomes_raw() {
        Bench::new().expect(&[
            ("SET k 12 EX 100", "+OK"),
            ("OBJECT ENCODING k", "$3 int"),
            ("SETBIT k 0 0", ":0"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("TTL k", ":100"),
            ("SETBIT k 1 1", ":0"),
            ("GET k", "$2 q2"),
            ("TTL k", ":100"),
        ]);
    }

    #[test]
    fn setting_a_bit_to_what_it_is_changes_nothing() {
        let mut bench = Bench::new();
        bench.expect(&[("SETBIT k 100000 1", ":0")]);
        let before = bench.counters().changes;
        bench.expect(&[("SETBIT k 100000 1", ":1"), ("SETBIT k 5 0", ":0")]);
        assert_eq!(bench.counters().changes, before);
        bench.expect(&[("SETBIT k 5 1", ":0"), ("SETBIT k 200000 0", ":0")]);
        assert_eq!(bench.counters().changes, before + 2);
    }

    #[test]
    fn a_large_value_is_changed_in_place_and_what_was_sent_of_it_stays() {
        let mut bench = Bench::new();
        let mut value = vec![0; 100_000];
        bench.ask_words(&[b"SET", b"k", &value]);
        bench.expect(&[("SETBIT k 799999 1", ":0"), ("GETBIT k 799999", ":1")]);
        value[99_999] = 1;
        let expected = [b"$100000\r\n", value.as_slice(), b"\r\n"].concat();
        assert_eq!(bench.ask_words(&[b"GET", b"k"]), expected);
        bench.recount();
    }

    #[test]
    fn offsets_and_bits_out_of_range_are_refused() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SETBIT k 0 2", NOT_A_BIT),
            ("SETBIT k 0 01", NOT_A_BIT),
            ("SETBIT k 0 x", NOT_A_BIT),
            ("SETBIT k -1 2", OFFSET_RANGE),
            ("SETBIT k x 1", OFFSET_RANGE),
            ("SETBIT k #1 1", OFFSET_RANGE),
            ("SETBIT k 4294967296 1", OFFSET_RANGE),
            ("GETBIT k 4294967296", OFFSET_RANGE),
            ("GETBIT k 4294967295", ":0"),
        ]);
        bench.server.max_value_bytes = 10;
        bench.expect(&[
            ("SETBIT k 80 1", OFFSET_RANGE),
            ("EXISTS k", ":0"),
            ("SETBIT k 79 1", ":0"),
            ("STRLEN k", ":10"),
        ]);
    }
}
