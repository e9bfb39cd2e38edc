//! Many strings at once: MGET, MSET, MSETNX and MSETEX.
//!
//! All their keys are locked before the first is touched, so nobody sees half of a write. Should
//! the store run out of address space in the middle of one (memory limits are checked before), the
//! keys written so far stay written.

use skep_resp::{Args, parse_i64};
use skep_store::{Expiry, NewValue};

use super::Condition;
use super::options::{Grammar, Options};
use crate::cx::Cx;
use crate::error::CommandError;
use crate::value;

const INVALID_COUNT: CommandError = CommandError::text("ERR invalid numkeys value or out of range");

/// `MGET key [key ...]`.
pub(crate) fn mget(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    cx.reply.array(args.len() - 1);
    for name in args.iter().skip(1) {
        let key = cx.key(name);
        let item = cx.view.read(database, &key);
        // As in Redis, what is no string is not there.
        let string = item.map(|item| item.value()).filter(|value| value.bytes().is_ok());
        value::reply_or_null(cx.reply, string)?;
    }
    Ok(())
}

/// `MSET key value [key value ...]`.
pub(crate) fn mset(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let pairs = Pairs::all(args, "mset")?;
    pairs.write(cx, Expiry::Never)?;
    cx.reply.ok();
    Ok(())
}

/// `MSETNX key value [key value ...]`: writes all if none of the keys is there, and answers
/// whether it did.
pub(crate) fn msetnx(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let pairs = Pairs::all(args, "msetnx")?;
    write_if(cx, pairs, Some(Condition::Absent), Expiry::Never)
}

/// `MSETEX numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds |
/// EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]`: writes all if all keys (XX)
/// or none of them (NX) are there, and answers whether it did.
pub(crate) fn msetex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let count = parse_i64(&args[1]).and_then(|count| i32::try_from(count).ok());
    let count = count.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
    let count = count.ok_or(INVALID_COUNT)?;
    let end = 2 + 2 * count;
    if end > args.len() {
        return Err(CommandError::SYNTAX);
    }
    let options = Options::parse(args.from(end), Grammar::Msetex)?;
    let expiry = options.expiry(Grammar::Msetex, cx.now_ms())?.unwrap_or(Expiry::Never);
    write_if(cx, Pairs { args: args.from(2), count }, options.condition, expiry)
}

fn write_if(
    cx: &mut Cx<'_>,
    pairs: Pairs<'_>,
    condition: Option<Condition<'_>>,
    expiry: Expiry,
) -> Result<(), CommandError> {
    let allowed = match condition {
        Some(condition) => pairs.all_meet(cx, condition)?,
        None => true,
    };
    if allowed {
        pairs.write(cx, expiry)?;
    }
    cx.reply.integer(i64::from(allowed));
    Ok(())
}

/// Keys, each followed by its value.
#[derive(Clone, Copy)]
struct Pairs<'a> {
    args: Args<'a>,
    count: usize,
}

impl<'a> Pairs<'a> {
    /// Everything behind the command's name.
    fn all(args: Args<'a>, command: &str) -> Result<Pairs<'a>, CommandError> {
        let args = args.from(1);
        if !args.len().is_multiple_of(2) {
            return Err(CommandError::wrong_arity(command));
        }
        Ok(Pairs { args, count: args.len() / 2 })
    }

    fn all_meet(self, cx: &mut Cx<'_>, condition: Condition<'_>) -> Result<bool, CommandError> {
        let database = cx.database();
        for number in 0..self.count {
            let key = cx.key(&self.args[2 * number]);
            let item = cx.view.find(database, &key);
            if !condition.holds(item.map(|item| item.value().bytes()))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn write(self, cx: &mut Cx<'_>, expiry: Expiry) -> Result<(), CommandError> {
        let database = cx.database();
        for number in 0..self.count {
            let key = cx.key(&self.args[2 * number]);
            let value = NewValue::Bytes(&self.args[2 * number + 1]);
            cx.view.set(database, &key, value, expiry)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn many_values_are_written_and_read_in_order() {
        Bench::new().expect(&[
            ("MSET a 1 b 2 a 3", "+OK"),
            ("MGET a missing b a", "*4 $1 3 $-1 $1 2 $1 3"),
            ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
            ("MSET a", "-ERR wrong number of arguments for 'mset' command"),
            ("MGET", "-ERR wrong number of arguments for 'mget' command"),
        ]);
        Bench::resp3().expect(&[("MGET missing", "*1 _")]);
    }

    #[test]
    fn large_values_come_whole_among_small_ones() {
        let mut bench = Bench::new();
        let large = vec![b'l'; 40_000];
        bench.ask_words(&[b"MSET", b"a", b"1", b"b", &large, b"c", b"3"]);
        let expected = [b"*3\r\n$1\r\n1\r\n$40000\r\n", large.as_slice(), b"\r\n$1\r\n3\r\n"];
        assert_eq!(bench.ask_words(&[b"MGET", b"a", b"b", b"c"]), expected.concat());
    }

    #[test]
    fn msetnx_writes_all_or_nothing() {
        Bench::new().expect(&[
            ("MSETNX a 1 b 2", ":1"),
            ("MSETNX c 3 b 4", ":0"),
            ("MGET a b c", "*3 $1 1 $1 2 $-1"),
            ("MSETNX d 1 d 2", ":1"),
            ("GET d", "$1 2"),
            ("MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command"),
        ]);
    }

    #[test]
    fn msetex_writes_on_condition_and_for_a_time() {
        Bench::new().expect(&[
            ("MSETEX 2 a 1 b 2 XX EX 100", ":0"),
            ("MSETEX 2 a 1 b 2 EX 100 NX", ":1"),
            ("PTTL b", ":100000"),
            ("MSETEX 2 a 3 c 4 NX", ":0"),
            ("MSETEX 2 a 3 c 4 XX", ":0"),
            ("MSETEX 2 a 3 b 4 XX KEEPTTL", ":1"),
            ("MGET a b c", "*3 $1 3 $1 4 $-1"),
            ("PTTL a", ":100000"),
            ("MSETEX 1 a 5", ":1"),
            ("PTTL a", ":-1"),
        ]);
    }

    #[test]
    fn msetex_refuses_wrong_counts_and_options() {
        const COUNT: &str = "-ERR invalid numkeys value or out of range";
        let mut bench = Bench::new();
        for count in ["0", "-1", "x", "2147483648", "99999999999999999999"] {
            assert_eq!(bench.ask(&format!("MSETEX {count} a 1")), COUNT, "{count}");
        }
        bench.expect(&[
            ("MSETEX 2 a 1 b", "-ERR syntax error"),
            ("MSETEX 1 a 1 b 2", "-ERR syntax error"),
            ("MSETEX 1 a 1 NX XX", "-ERR syntax error"),
            ("MSETEX 1 a 1 EX 1 KEEPTTL", "-ERR syntax error"),
            ("MSETEX 1 a 1 GET", "-ERR syntax error"),
            ("MSETEX 1 a 1 IFEQ v", "-ERR syntax error"),
            ("MSETEX 1 a 1 EX 0", "-ERR invalid expire time in 'msetex' command"),
            ("MSETEX 2147483647 a 1", "-ERR syntax error"),
            ("EXISTS a", ":0"),
        ]);
    }
}
