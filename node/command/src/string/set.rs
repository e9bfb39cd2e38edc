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
            value::reply_or_null(cx.reply, old);
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
