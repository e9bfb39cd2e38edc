//! When keys expire: the EXPIRE family sets it, the TTL family tells it, PERSIST forgets it.
//!
//! A time that has come already removes the key at once. `IFEQ` is an option of our own: with it,
//! whoever holds a lock prolongs it without a script, and nobody else does.

use skep_resp::{Args, parse_i64};
use skep_store::Item;

use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::glance;

/// How a command counts time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// In seconds.
    Seconds,
    /// In milliseconds.
    Milliseconds,
}

/// From when a command counts time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From now on.
    Now,
    /// Unix time.
    Epoch,
}

/// Under which circumstances an expiry is set.
#[derive(Clone, Copy, Default)]
struct Condition<'a> {
    /// Only if there is none.
    absent: bool,
    /// Only if there is one.
    present: bool,
    /// Only if it becomes later; none is the latest of all.
    later: bool,
    /// Only if it becomes earlier.
    earlier: bool,
    /// Only if the key holds this.
    value: Option<&'a [u8]>,
}

impl<'a> Condition<'a> {
    fn parse(words: Args<'a>) -> Result<Condition<'a>, CommandError> {
        let mut condition = Condition::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case(b"NX") {
                condition.absent = true;
            } else if word.eq_ignore_ascii_case(b"XX") {
                condition.present = true;
            } else if word.eq_ignore_ascii_case(b"GT") {
                condition.later = true;
            } else if word.eq_ignore_ascii_case(b"LT") {
                condition.earlier = true;
            } else if word.eq_ignore_ascii_case(b"IFEQ") {
                condition.value = Some(words.next().ok_or(CommandError::SYNTAX)?);
            } else {
                return Err(CommandError::quoting("ERR Unsupported option ", word, ""));
            }
        }
        if condition.absent && (condition.present || condition.later || condition.earlier) {
            return Err(CommandError::text(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if condition.later && condition.earlier {
            return Err(CommandError::text(
                "ERR GT and LT options at the same time are not compatible",
            ));
        }
        Ok(condition)
    }

    /// Whether the item's expiry may become `at_ms`, which may lie before 1970.
    fn allows(self, at_ms: i64, item: &Item<'_>) -> bool {
        let old_ms = item.expiry_ms().map(|old_ms| i64::try_from(old_ms).unwrap_or(i64::MAX));
        let refused = self.absent && old_ms.is_some()
            || self.present && old_ms.is_none()
            || self.later && old_ms.is_none_or(|old_ms| at_ms <= old_ms)
            || self.earlier && old_ms.is_some_and(|old_ms| at_ms >= old_ms)
            || self.value.is_some_and(|value| item.value().bytes() != Ok(value));
        !refused
    }
}

/// `EXPIRE key seconds [NX | XX | GT | LT] [IFEQ value]`.
pub(crate) fn expire(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    set_expiry(cx, args, "expire", Unit::Seconds, Origin::Now)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT] [IFEQ value]`.
pub(crate) fn pexpire(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    set_expiry(cx, args, "pexpire", Unit::Milliseconds, Origin::Now)
}

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT] [IFEQ value]`.
pub(crate) fn expireat(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    set_expiry(cx, args, "expireat", Unit::Seconds, Origin::Epoch)
}

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] [IFEQ value]`.
pub(crate) fn pexpireat(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    set_expiry(cx, args, "pexpireat", Unit::Milliseconds, Origin::Epoch)
}

fn set_expiry(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    command: &str,
    unit: Unit,
    origin: Origin,
) -> Result<(), CommandError> {
    let condition = Condition::parse(args.from(3))?;
    let time = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    let at_ms = unix_ms(time, unit, origin, cx.now_ms());
    let at_ms = at_ms.ok_or_else(|| CommandError::invalid_expire(command))?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    let item = cx.view.find(database, &key);
    let allowed = item.is_some_and(|item| condition.allows(at_ms, &item));
    if allowed {
        match u64::try_from(at_ms).ok().filter(|at_ms| *at_ms > cx.now_ms()) {
            Some(at_ms) => cx.view.set_expiry(database, &key, Some(at_ms))?,
            None => cx.view.remove(database, &key),
        };
    }
    cx.reply.integer(i64::from(allowed));
    Ok(())
}

/// The Unix millisecond that is meant, or nothing when it lies beyond what 64 bits can count.
pub(crate) fn unix_ms(time: i64, unit: Unit, origin: Origin, now_ms: u64) -> Option<i64> {
    let time_ms = match unit {
        Unit::Seconds => time.checked_mul(1000)?,
        Unit::Milliseconds => time,
    };
    match origin {
        Origin::Now => time_ms.checked_add(i64::try_from(now_ms).ok()?),
        Origin::Epoch => Some(time_ms),
    }
}

/// `TTL key`: seconds left; -1 if it never expires, -2 if it is not there.
pub(crate) fn ttl(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    tell_expiry(cx, args, Unit::Seconds, Origin::Now)
}

/// `PTTL key`: as TTL, in milliseconds.
pub(crate) fn pttl(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    tell_expiry(cx, args, Unit::Milliseconds, Origin::Now)
}

/// `EXPIRETIME key`: the Unix second when it expires; -1 and -2 as TTL.
pub(crate) fn expiretime(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    tell_expiry(cx, args, Unit::Seconds, Origin::Epoch)
}

/// `PEXPIRETIME key`: as EXPIRETIME, in milliseconds.
pub(crate) fn pexpiretime(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    tell_expiry(cx, args, Unit::Milliseconds, Origin::Epoch)
}

fn tell_expiry(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    unit: Unit,
    origin: Origin,
) -> Result<(), CommandError> {
    const NEVER: i64 = -1;
    const MISSING: i64 = -2;
    let (database, now_ms) = (cx.database(), cx.now_ms());
    let key = cx.key(&args[1]);
    let answer = match glance(&mut cx.view, database, &key, |item| item.expiry_ms()) {
        None => MISSING,
        Some(None) => NEVER,
        Some(Some(at_ms)) => {
            let time_ms = match origin {
                Origin::Now => at_ms.saturating_sub(now_ms),
                Origin::Epoch => at_ms,
            };
            let time = match unit {
                Unit::Seconds => time_ms.saturating_add(500) / 1000,
                Unit::Milliseconds => time_ms,
            };
            i64::try_from(time).unwrap_or(i64::MAX)
        }
    };
    cx.reply.integer(answer);
    Ok(())
}

/// `PERSIST key`: answers whether there was an expiry to forget.
pub(crate) fn persist(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let expires = cx.view.find(database, &key).is_some_and(|item| item.expiry_ms().is_some());
    if expires {
        cx.view.set_expiry(database, &key, None)?;
    }
    cx.reply.integer(i64::from(expires));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn a_lock_is_prolonged_only_by_whoever_knows_its_value() {
        Bench::new().expect(&[
            ("PEXPIRE lock 1000 IFEQ token", ":0"),
            ("SET lock token PX 100", "+OK"),
            ("PEXPIRE lock 1000 IFEQ other", ":0"),
            ("PTTL lock", ":100"),
            ("PEXPIRE lock 1000 ifeq token", ":1"),
            ("PTTL lock", ":1000"),
            ("EXPIRE lock 100 XX IFEQ token GT", ":1"),
            ("EXPIRE lock 10 GT IFEQ token", ":0"),
            ("PTTL lock", ":100000"),
            ("EXPIREAT lock 1 IFEQ other", ":0"),
            ("PEXPIREAT lock 1 IFEQ token", ":1"),
            ("EXISTS lock", ":0"),
        ]);
    }

    #[test]
    fn ifeq_needs_a_value() {
        Bench::new().expect(&[
            ("EXPIRE k 1 IFEQ", "-ERR syntax error"),
            ("EXPIRE k 1 IFEQ v w", "-ERR Unsupported option w"),
        ]);
    }
}
