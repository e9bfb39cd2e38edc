//! Reading a string whole: GET, and GETSET, GETDEL and GETEX, which change the key afterwards.

use skep_resp::Args;
use skep_store::{Expiry, NewValue, WrongType};

use super::options::{Grammar, Options};
use crate::cx::Cx;
use crate::error::CommandError;
use crate::value;

/// `GET key`.
#[inline]
pub(crate) fn get(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    read_key(cx, &args[1])?;
    Ok(())
}

/// Replies with a key's value, or null, and answers whether it was there.
#[inline]
fn read_key(cx: &mut Cx<'_>, name: &[u8]) -> Result<bool, WrongType> {
    let database = cx.database();
    let key = cx.key(name);
    let item = cx.view.read(database, &key);
    value::reply_or_null(cx.reply, item.as_ref().map(|item| item.value()))?;
    Ok(item.is_some())
}

/// `GETSET key value`.
pub(crate) fn getset(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let before = cx.reply.checkpoint();
    read_key(cx, &args[1])?;
    let key = cx.key(&args[1]);
    let written = cx.view.set(database, &key, NewValue::Bytes(&args[2]), Expiry::Never);
    written.inspect_err(|_| cx.reply.rollback(before))?;
    Ok(())
}

/// `GETDEL key`.
pub(crate) fn getdel(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    if read_key(cx, &args[1])? {
        let key = cx.key(&args[1]);
        cx.view.remove(database, &key);
    }
    Ok(())
}

/// `GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds |
/// PXAT unix-time-milliseconds | PERSIST]`.
pub(crate) fn getex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let options = Options::parse(args.from(2), Grammar::Getex)?;
    let database = cx.database();
    let before = cx.reply.checkpoint();
    if !read_key(cx, &args[1])? {
        return Ok(());
    }
    // As in Redis, nobody looks at the time when the key is missing.
    set_expiry(cx, database, &args[1], &options).inspect_err(|_| cx.reply.rollback(before))
}

fn set_expiry(
    cx: &mut Cx<'_>,
    database: skep_store::Database,
    name: &[u8],
    options: &Options<'_>,
) -> Result<(), CommandError> {
    let key = cx.key(name);
    match options.expiry(Grammar::Getex, cx.now_ms())? {
        None | Some(Expiry::Keep) => {}
        Some(Expiry::At(at_ms)) if at_ms <= cx.now_ms() => {
            cx.view.remove(database, &key);
        }
        Some(Expiry::At(at_ms)) => {
            cx.view.set_expiry(database, &key, Some(at_ms))?;
        }
        Some(Expiry::Never) => {
            let item = cx.view.peek(database, &key);
            if item.is_some_and(|item| item.expiry_ms().is_some()) {
                cx.view.set_expiry(database, &key, None)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, START_MS};

    #[test]
    fn a_value_is_read_back_and_a_missing_one_is_null() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET k \"a b\\x00\"", "+OK"),
            ("GET k", "$4 a b\\x00"),
            ("GET missing", "$-1"),
            ("GET", "-ERR wrong number of arguments for 'get' command"),
            ("GET k k", "-ERR wrong number of arguments for 'get' command"),
        ]);
        Bench::resp3().expect(&[("GET missing", "_"), ("GETSET missing v", "_")]);
    }

    #[test]
    fn a_large_value_is_sent_whole_and_stays_as_it_was_when_its_key_changes() {
        let mut bench = Bench::new();
        let value = vec![b'x'; 100_000];
        bench.ask_words(&[b"SET", b"k", &value]);
        let expected = [b"$100000\r\n", value.as_slice(), b"\r\n"].concat();
        assert_eq!(bench.ask_words(&[b"GET", b"k"]), expected);
        assert_eq!(bench.ask_words(&[b"GETSET", b"k", b"new"]), expected);
        assert_eq!(bench.ask("GET k"), "$3 new");
    }

    #[test]
    fn getset_swaps_values_and_forgets_the_expiry() {
        Bench::new().expect(&[
            ("GETSET k one", "$-1"),
            ("EXPIRE k 100", ":1"),
            ("GETSET k 12", "$3 one"),
            ("TTL k", ":-1"),
            ("OBJECT ENCODING k", "$3 int"),
        ]);
    }

    #[test]
    fn getdel_removes_what_it_tells() {
        Bench::new().expect(&[
            ("GETDEL k", "$-1"),
            ("SET k v", "+OK"),
            ("GETDEL k", "$1 v"),
            ("EXISTS k", ":0"),
        ]);
    }

    #[test]
    fn getex_sets_expiries_of_every_kind_and_removes_them() {
        let later_s = START_MS / 1000 + 50;
        let at = format!("GETEX k EXAT {later_s}");
        let at_ms = format!("GETEX k pxat {}", later_s * 1000 + 1);
        Bench::new().expect(&[
            ("SET k v", "+OK"),
            ("GETEX k", "$1 v"),
            ("TTL k", ":-1"),
            ("GETEX k ex 100", "$1 v"),
            ("PTTL k", ":100000"),
            ("GETEX k", "$1 v"),
            ("PTTL k", ":100000"),
            ("GETEX k PX 1500", "$1 v"),
            ("PTTL k", ":1500"),
            (&at, "$1 v"),
            ("PTTL k", ":50000"),
            (&at_ms, "$1 v"),
            ("PTTL k", ":50001"),
            ("GETEX k PERSIST", "$1 v"),
            ("PTTL k", ":-1"),
            ("GETEX k EXAT 1", "$1 v"),
            ("EXISTS k", ":0"),
        ]);
    }

    #[test]
    fn getex_refuses_wrong_options_first_and_wrong_times_only_of_keys_that_are_there() {
        Bench::new().expect(&[
            ("GETEX missing EX", "-ERR syntax error"),
            ("GETEX missing EX 1 PX 1", "-ERR syntax error"),
            ("GETEX missing EX 1 PERSIST", "-ERR syntax error"),
            ("GETEX missing KEEPTTL", "-ERR syntax error"),
            ("GETEX missing NX", "-ERR syntax error"),
            ("GETEX missing EX none", "$-1"),
            ("SET k v", "+OK"),
            ("GETEX k EX none", "-ERR value is not an integer or out of range"),
            ("GETEX k EX 0", "-ERR invalid expire time in 'getex' command"),
            ("GETEX k PX -1", "-ERR invalid expire time in 'getex' command"),
            ("GETEX k EX 9223372036854775807", "-ERR invalid expire time in 'getex' command"),
            ("GETEX k PX 9223372036854775807", "-ERR invalid expire time in 'getex' command"),
            ("GET k", "$1 v"),
            ("TTL k", ":-1"),
        ]);
    }
}
