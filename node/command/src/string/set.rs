//! Writing a string whole: SET with its options, and the older SETNX, SETEX and PSETEX.

use skep_resp::Args;
use skep_store::{Expiry, NewValue};

use super::Condition;
use super::options::{Grammar, Options, expiry_ms};
use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::expire::{Origin, Unit};
use crate::value;

/// `SET key value [NX | XX | IFEQ value | IFNE value | IFDEQ digest | IFDNE digest] [GET]
/// [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds |
/// KEEPTTL]`.
#[inline]
pub(crate) fn set(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if args.len() > 3 {
        return set_with_options(cx, args);
    }
    let database = cx.database();
    let key = cx.key(&args[1]);
    cx.view.set(database, &key, NewValue::Bytes(&args[2]), Expiry::Never)?;
    cx.reply.ok();
    Ok(())
}

fn set_with_options(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let options = Options::parse(args.from(3), Grammar::Set)?;
    let expiry = options.expiry(Grammar::Set, cx.now_ms())?.unwrap_or(Expiry::Never);
    let database = cx.database();
    let key = cx.key(&args[1]);
    let before = cx.reply.checkpoint();
    let mut allowed = true;
    if options.get || options.condition.is_some() {
        // Only GET reads, which counts as a hit or a miss.
        let item =
            if options.get { cx.view.read(database, &key) } else { cx.view.find(database, &key) };
        let old = item.map(|item| item.value());
        if let Some(condition) = options.condition {
            allowed = condition.holds(old.map(|old| old.bytes()))?;
        }
        if options.get {
            value::reply_or_null(cx.reply, old)?;
        }
    }
    if allowed {
        let written = cx.view.set(database, &key, NewValue::Bytes(&args[2]), expiry);
        written.inspect_err(|_| cx.reply.rollback(before))?;
    }
    match (options.get, allowed) {
        (true, _) => {}
        (false, true) => cx.reply.ok(),
        (false, false) => cx.reply.null(),
    }
    Ok(())
}

/// `SETNX key value`: answers whether it wrote.
pub(crate) fn setnx(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let old = cx.view.find(database, &key);
    let allowed = Condition::Absent.holds(old.map(|item| item.value().bytes()))?;
    if allowed {
        cx.view.set(database, &key, NewValue::Bytes(&args[2]), Expiry::Never)?;
    }
    cx.reply.integer(i64::from(allowed));
    Ok(())
}

/// `SETEX key seconds value`.
pub(crate) fn setex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    set_for(cx, args, "setex", Unit::Seconds)
}

/// `PSETEX key milliseconds value`.
pub(crate) fn psetex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    set_for(cx, args, "psetex", Unit::Milliseconds)
}

fn set_for(cx: &mut Cx<'_>, args: Args<'_>, command: &str, unit: Unit) -> Result<(), CommandError> {
    let at_ms = expiry_ms(&args[2], unit, Origin::Now, command, cx.now_ms())?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    cx.view.set(database, &key, NewValue::Bytes(&args[3]), Expiry::At(at_ms))?;
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, START_MS};

    const EXPIRE: &str = "-ERR invalid expire time in 'set' command";
    const SYNTAX: &str = "-ERR syntax error";
    const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";

    #[test]
    fn a_value_replaces_another_and_forgets_its_expiry() {
        Bench::new().expect(&[
            ("SET k v EX 100", "+OK"),
            ("TTL k", ":100"),
            ("SET k w", "+OK"),
            ("TTL k", ":-1"),
            ("GET k", "$1 w"),
            ("SET k", "-ERR wrong number of arguments for 'set' command"),
        ]);
    }

    #[test]
    fn expiries_are_set_in_every_unit_and_kept_on_request() {
        let seconds = START_MS / 1000 + 50;
        let exat = format!("SET k v EXAT {seconds}");
        let pxat = format!("SET k v PXAT {}", seconds * 1000 + 7);
        Bench::new().expect(&[
            ("SET k v ex 10", "+OK"),
            ("PTTL k", ":10000"),
            ("SET k v PX 11", "+OK"),
            ("PTTL k", ":11"),
            (&exat, "+OK"),
            ("PTTL k", ":50000"),
            (&pxat, "+OK"),
            ("PTTL k", ":50007"),
            ("SET k w KEEPTTL", "+OK"),
            ("PTTL k", ":50007"),
            ("GET k", "$1 w"),
            ("SET k v PX 1 PX 2", "+OK"),
            ("PTTL k", ":2"),
            ("SET k v PXAT 1", "+OK"),
            ("GET k", "$-1"),
        ]);
    }

    #[test]
    fn a_value_is_gone_when_its_time_has_come() {
        let mut bench = Bench::new();
        bench.expect(&[("SET k v PX 100", "+OK")]);
        bench.pass_ms(99);
        bench.expect(&[("GET k", "$1 v")]);
        bench.pass_ms(1);
        bench.expect(&[("GET k", "$-1"), ("SET k v XX", "$-1"), ("SET k v NX", "+OK")]);
    }

    #[test]
    fn conditions_decide_and_get_answers_the_old_value_either_way() {
        Bench::new().expect(&[
            ("SET k v XX", "$-1"),
            ("SET k v XX GET", "$-1"),
            ("EXISTS k", ":0"),
            ("SET k v NX GET", "$-1"),
            ("SET k w NX GET", "$1 v"),
            ("SET k w NX", "$-1"),
            ("SET k w GET XX", "$1 v"),
            ("GET k", "$1 w"),
            ("SET k x GET EX 10", "$1 w"),
            ("TTL k", ":10"),
        ]);
        Bench::resp3().expect(&[("SET k v XX", "_"), ("SET k v GET", "_")]);
    }

    #[test]
    fn comparisons_decide() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET k v IFEQ v", "$-1"),
            ("EXISTS k", ":0"),
            ("SET k v IFNE v", "+OK"),
            ("SET k w IFNE v", "$-1"),
            ("SET k w IFEQ x", "$-1"),
            ("SET k w ifeq v PX 500 get", "$1 v"),
            ("SET k x IFEQ v GET", "$1 w"),
            ("PTTL k", ":500"),
            ("SET k w IFEQ w PX 700", "+OK"),
            ("PTTL k", ":700"),
        ]);
        let digest = bench.ask("DIGEST k").replace("$16 ", "");
        assert_eq!(bench.ask(&format!("SET k x IFDNE {digest}")), "$-1");
        assert_eq!(bench.ask(&format!("SET k x IFDEQ {digest}")), "+OK");
        assert_eq!(bench.ask(&format!("SET k y IFDEQ {digest}")), "$-1");
        assert_eq!(bench.ask(&format!("SET k y IFDNE {digest}")), "+OK");
        assert_eq!(bench.ask(&format!("SET missing y IFDEQ {digest}")), "$-1");
        let length = "-ERR digest must be exactly 16 hexadecimal characters";
        bench.expect(&[("GET k", "$1 y"), ("SET k z IFDNE abc GET", length), ("GET k", "$1 y")]);
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let mut bench = Bench::new();
        for options in [
            "NX XX",
            "XX NX",
            "EX 1 PX 1",
            "EX 1 KEEPTTL",
            "KEEPTTL EX 1",
            "EX 1 EXAT 1",
            "PXAT 1 PX 1",
            "EX",
            "PX",
            "PERSIST",
            "FOO",
            "FOO BAR",
            "IFEQ",
            "IFEQ a NX",
            "XX IFEQ a",
            "IFEQ a IFEQ a",
            "IFEQ a IFNE b",
            "IFDEQ a IFDNE b",
            "NX GET EX",
        ] {
            assert_eq!(bench.ask(&format!("SET k v {options}")), SYNTAX, "{options}");
        }
        bench.expect(&[("SET k v NX NX KEEPTTL KEEPTTL GET GET", "$-1")]);
    }

    #[test]
    fn times_are_checked_before_conditions_and_change_nothing() {
        Bench::new().expect(&[
            ("SET k v", "+OK"),
            ("SET k w EX x", NOT_INTEGER),
            ("SET k w EX 1.5", NOT_INTEGER),
            ("SET k w EX 0", EXPIRE),
            ("SET k w PX -1", EXPIRE),
            ("SET k w NX EX 0", EXPIRE),
            ("SET k w XX GET PXAT 0", EXPIRE),
            ("SET k w EX 9223372036854775807", EXPIRE),
            ("SET k w EX 9223372036854775", EXPIRE),
            ("SET k w PX 9223372036854775807", EXPIRE),
            ("GET k", "$1 v"),
        ]);
    }

    #[test]
    fn setnx_writes_once() {
        Bench::new().expect(&[("SETNX k v", ":1"), ("SETNX k w", ":0"), ("GET k", "$1 v")]);
    }

    #[test]
    fn setex_and_psetex_write_for_a_time() {
        Bench::new().expect(&[
            ("SETEX k 10 v", "+OK"),
            ("PTTL k", ":10000"),
            ("PSETEX k 20 w", "+OK"),
            ("PTTL k", ":20"),
            ("GET k", "$1 w"),
            ("SETEX k 0 v", "-ERR invalid expire time in 'setex' command"),
            ("PSETEX k -1 v", "-ERR invalid expire time in 'psetex' command"),
            ("SETEX k x v", NOT_INTEGER),
            ("SETEX k 10", "-ERR wrong number of arguments for 'setex' command"),
        ]);
    }
}
