//! SCAN: the keys of a database in small steps.
//!
//! A key that is there from the first step to the last is returned at least once. Each stripe is
//! locked only while it is looked at, and a step looks at no more keys of a stripe than COUNT.

use skep_keyspace::glob;
use skep_resp::{Args, Reply, parse_i64, parse_u64};
use skep_store::{Item, ScanCursor};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::exists::type_name;

pub(crate) const INVALID_CURSOR: CommandError = CommandError::text("ERR invalid cursor");
const DEFAULT_COUNT: usize = 10;

/// What SCAN, HSCAN and their siblings are all asked for.
pub(crate) struct Step<'a> {
    pattern: Option<&'a [u8]>,
    pub(crate) count: usize,
}

impl<'a> Step<'a> {
    /// What is wanted unless a client says otherwise.
    pub(crate) const USUAL: Step<'static> = Step { pattern: None, count: DEFAULT_COUNT };

    /// Takes an option with its value. Answers whether it is one of these.
    ///
    /// # Errors
    /// Its value is none.
    pub(crate) fn take(&mut self, option: &[u8], value: &'a [u8]) -> Result<bool, CommandError> {
        if option.eq_ignore_ascii_case(b"MATCH") {
            self.pattern = (value != b"*").then_some(value);
        } else if option.eq_ignore_ascii_case(b"COUNT") {
            let count = parse_i64(value).ok_or(CommandError::NOT_INTEGER)?;
            let count = usize::try_from(count).ok().filter(|count| *count > 0);
            self.count = count.ok_or(CommandError::SYNTAX)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Whether a name is wanted.
    pub(crate) fn takes(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, name))
    }
}

/// What SCAN is asked to return.
struct Filter<'a> {
    step: Step<'a>,
    /// The name of the only type that is wanted. One that does not exist has no keys, as in Redis.
    kind: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    fn parse(options: Args<'a>) -> Result<Filter<'a>, CommandError> {
        let mut filter = Filter { step: Step::USUAL, kind: None };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let value = options.next().ok_or(CommandError::SYNTAX)?;
            if option.eq_ignore_ascii_case(b"TYPE") {
                filter.kind = Some(value);
            } else if !filter.step.take(option, value)? {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(filter)
    }

    fn takes(&self, key: &[u8], item: &Item<'_>) -> bool {
        let is_kind = |name: &[u8]| type_name(item).as_bytes().eq_ignore_ascii_case(name);
        self.kind.is_none_or(is_kind) && self.step.takes(key)
    }
}

/// The number in a cursor. Leading blanks, a sign and leading zeros are let through, but for plain
/// negative numbers, as Redis 7.2 and later do.
pub(crate) fn cursor_number(text: &[u8]) -> Option<u64> {
    if let Some(number) = parse_i64(text) {
        return u64::try_from(number).ok();
    }
    let text = text.trim_ascii_start();
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    let number = parse_u64(&digits[zeros.min(digits.len().saturating_sub(1))..])?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`.
pub(crate) fn scan(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let cursor = ScanCursor(cursor_number(&args[1]).ok_or(INVALID_CURSOR)?);
    let filter = Filter::parse(args.from(2))?;
    let database = cx.database();
    // The cursor comes before the keys in the reply, so that the keys are collected aside.
    let mut keys = Reply::new(cx.reply.protocol());
    let (mut seen, mut taken) = (0, 0);
    // A cursor without a stripe is none that a step gave: as in Redis, nothing is left to walk over.
    let mut next = ScanCursor(0);
    if let Some(first) = cursor.stripe() {
        next = cursor;
        cx.view.each_stripe_from(first, &mut |view, stripe| {
            let left = filter.step.count - seen;
            next = view.scan(database, next, left, |key, item| {
                seen += 1;
                if filter.takes(key, item) {
                    keys.bulk(key);
                    taken += 1;
                }
            });
            // A cursor that stays in the stripe has seen enough keys, expired ones perhaps.
            next != ScanCursor(0) && next.stripe() != Some(stripe) && seen < filter.step.count
        });
    }
    cx.reply.array(2);
    cx.reply.bulk(next.0.to_string().as_bytes());
    cx.reply.array(taken);
    cx.reply.append(&mut keys);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::cursor_number;

    #[test]
    fn a_cursor_is_read_as_leniently_as_redis_does() {
        for (text, number) in [
            ("0", Some(0)),
            ("17", Some(17)),
            (" +017", Some(17)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-0", Some(0)),
            ("-01", Some(u64::MAX)),
            ("-1", None),
            ("18446744073709551616", None),
            ("", None),
            ("x", None),
            ("1.5", None),
        ] {
            assert_eq!(cursor_number(text.as_bytes()), number, "{text}");
        }
    }
}
