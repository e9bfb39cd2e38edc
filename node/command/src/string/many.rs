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
        value::reply_or_null(cx.reply, item.map(|item| item.value()));
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
