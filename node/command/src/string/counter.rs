//! Strings as numbers: INCR, DECR, INCRBY, DECRBY and INCRBYFLOAT.
//!
//! A missing key counts as 0. Expiries stay.

use skep_resp::{Args, parse_i64};
use skep_store::{Expiry, NewValue};

use super::extended::Extended;
use crate::cx::Cx;
use crate::error::CommandError;

const OVERFLOW: CommandError = CommandError::text("ERR increment or decrement would overflow");
const DECREMENT_OVERFLOW: CommandError = CommandError::text("ERR decrement would overflow");

const NOT_FINITE: CommandError = CommandError::text("ERR increment would produce NaN or Infinity");

/// `INCR key`.
pub(crate) fn incr(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    add(cx, &args[1], 1)
}

/// `DECR key`.
pub(crate) fn decr(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    add(cx, &args[1], -1)
}

/// `INCRBY key increment`.
pub(crate) fn incrby(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let increment = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    add(cx, &args[1], increment)
}

/// `DECRBY key decrement`.
pub(crate) fn decrby(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let decrement = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    let increment = decrement.checked_neg().ok_or(DECREMENT_OVERFLOW)?;
    add(cx, &args[1], increment)
}

fn add(cx: &mut Cx<'_>, name: &[u8], increment: i64) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let old = match cx.view.find(database, &key) {
        Some(item) => parse_i64(item.value().bytes()?).ok_or(CommandError::NOT_INTEGER)?,
        None => 0,
    };
    let new = old.checked_add(increment).ok_or(OVERFLOW)?;
    let mut digits = itoa::Buffer::new();
    let value = NewValue::Bytes(digits.format(new).as_bytes());
    cx.view.set(database, &key, value, Expiry::Keep)?;
    cx.reply.integer(new);
    Ok(())
}

/// `INCRBYFLOAT key increment`: answers the sum as it is stored.
pub(crate) fn incrbyfloat(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let parse = |text: &[u8]| Extended::parse(text).ok_or(CommandError::NOT_FLOAT);
    let old = match cx.view.find(database, &key) {
        Some(item) => parse(item.value().bytes()?)?,
        None => Extended::ZERO,
    };
    let new = old.add(parse(&args[2])?).ok_or(NOT_FINITE)?.format();
    cx.view.set(database, &key, NewValue::Bytes(new.as_bytes()), Expiry::Keep)?;
    cx.reply.bulk(new.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn fractions_are_added_as_redis_adds_them() {
        Bench::new().expect(&[
            ("SET k 10.50 EX 100", "+OK"),
            ("INCRBYFLOAT k 0.1", "$4 10.6"),
            ("INCRBYFLOAT k -5", "$3 5.6"),
            ("GET k", "$3 5.6"),
            ("TTL k", ":100"),
            ("SET k 5.0e3", "+OK"),
            ("INCRBYFLOAT k 2.0e2", "$4 5200"),
            ("INCR k", ":5201"),
            ("INCRBYFLOAT missing 3", "$1 3"),
        ]);
    }

    #[test]
    fn what_is_no_finite_fraction_is_refused() {
        const NOT_FLOAT: &str = "-ERR value is not a valid float";
        const NOT_FINITE: &str = "-ERR increment would produce NaN or Infinity";
        Bench::new().expect(&[
            ("INCRBYFLOAT k one", NOT_FLOAT),
            ("INCRBYFLOAT k ' 1'", NOT_FLOAT),
            ("INCRBYFLOAT k nan", NOT_FLOAT),
            ("INCRBYFLOAT k inf", NOT_FINITE),
            ("EXISTS k", ":0"),
            ("SET k text", "+OK"),
            ("INCRBYFLOAT k 1", NOT_FLOAT),
            ("SET k -inf", "+OK"),
            ("INCRBYFLOAT k inf", NOT_FINITE),
            ("GET k", "$4 -inf"),
        ]);
    }

    #[test]
    fn a_missing_key_is_created_with_the_delta() {
        Bench::new().expect(&[
            ("INCR a", ":1"),
            ("DECR b", ":-1"),
            ("INCRBY c 5", ":5"),
            ("DECRBY d 5", ":-5"),
            ("MGET a b c d", "*4 $1 1 $2 -1 $1 5 $2 -5"),
        ]);
    }

    #[test]
    fn numbers_keep_their_expiry_and_are_kept_as_integers() {
        Bench::new().expect(&[
            ("SET k 9 EX 100", "+OK"),
            ("INCR k", ":10"),
            ("INCR k", ":11"),
            ("TTL k", ":100"),
            ("OBJECT ENCODING k", "$3 int"),
        ]);
    }

    #[test]
    fn what_is_no_integer_is_refused() {
        const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";
        let mut bench = Bench::new();
        for value in ["' 1'", "'1 '", "01", "+1", "-0", "1.0", "''", "9223372036854775808"] {
            bench.ask(&format!("SET k {value}"));
            assert_eq!(bench.ask("INCR k"), NOT_INTEGER, "{value}");
            assert_eq!(bench.ask(&format!("INCRBY missing {value}")), NOT_INTEGER, "{value}");
        }
        bench.expect(&[("EXISTS missing", ":0")]);
    }

    #[test]
    fn results_beyond_64_bits_are_refused_and_change_nothing() {
        const OVERFLOW: &str = "-ERR increment or decrement would overflow";
        Bench::new().expect(&[
            ("SET k 9223372036854775807", "+OK"),
            ("INCR k", OVERFLOW),
            ("INCRBY k 1", OVERFLOW),
            ("DECRBY k -1", OVERFLOW),
            ("DECRBY k -9223372036854775808", "-ERR decrement would overflow"),
            ("GET k", "$19 9223372036854775807"),
            ("INCRBY k -9223372036854775808", ":-1"),
            ("INCRBY k -9223372036854775807", ":-9223372036854775808"),
            ("DECR k", OVERFLOW),
            ("GET k", "$20 -9223372036854775808"),
        ]);
    }
}
