//! Which of a command's arguments are keys, by its row alone: the dispatcher locks their stripes,
//! and COMMAND GETKEYS shows them.
//!
//! Every argument number that is visited exists. Keys beyond the end of the request, or a count
//! that is no number, are an error, and then nothing of that specification is visited. Work is
//! bounded by the number of arguments.

use skep_resp::Args;

use crate::bitmap;
use crate::row::{Flags, KeyBegin, KeyFind, KeySpec, Row};

/// Says that the flags depend on the arguments, in a key specification.
const VARIABLE: &str = "variable_flags";

/// The client's arguments do not fit the row's key specifications. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeysNotFound;

/// The keys of one specification: every `step`th argument from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    first: usize,
    last: usize,
    step: usize,
}

/// The argument that is the command's only key, where that is certain from the row.
#[inline]
pub(crate) fn only_key(row: &Row) -> Option<usize> {
    match row.keys {
        [KeySpec { begin: KeyBegin::Index(at), find: KeyFind::Range { last: 0, .. }, .. }]
            if !row.flags.has(Flags::ALL_KEYS) =>
        {
            Some(usize::from(*at))
        }
        _ => None,
    }
}

/// Calls `visit` with the number of each argument that is a key, and what happens to it.
///
/// # Errors
/// Some specification does not fit the arguments; the keys of those that do are visited.
#[inline]
pub(crate) fn keys(
    row: &Row,
    args: Args<'_>,
    mut visit: impl FnMut(usize, &'static KeySpec),
) -> Result<(), KeysNotFound> {
    let mut result = Ok(());
    for spec in row.keys {
        match stretch(spec, args) {
            Ok(Some(Stretch { first, last, step })) => {
                (first..=last).step_by(step).for_each(|at| visit(at, spec));
            }
            Ok(None) => {}
            Err(error) => result = Err(error),
        }
    }
    result
}

/// What happens to the keys of a specification. Of those with variable flags the specification holds
/// the most that may happen; a SET without GET and a BITFIELD that only reads do less.
pub(crate) fn flags(spec: &'static KeySpec, request: Args<'_>) -> &'static [&'static str] {
    let is = |name: &str| request[0].eq_ignore_ascii_case(name.as_bytes());
    let has_get = || request.iter().skip(3).any(|word| word.eq_ignore_ascii_case(b"GET"));
    if !spec.flags.contains(&VARIABLE) {
        spec.flags
    } else if is("SET") && !has_get() {
        &["OW", "update"]
    } else if is("BITFIELD") && bitmap::field::only_reads(request) {
        &["RO", "access"]
    } else {
        &["RW", "access", "update"]
    }
}

/// Where the keys of a specification are; nothing when its keyword is not there.
#[inline]
fn stretch(spec: &KeySpec, args: Args<'_>) -> Result<Option<Stretch>, KeysNotFound> {
    let begin = match spec.begin {
        KeyBegin::Index(at) => usize::from(at),
        KeyBegin::Keyword(word, from) => match behind_keyword(word, from, args) {
            Some(at) => at,
            None => return Ok(None),
        },
    };
    let (first, last, step) = match spec.find {
        KeyFind::Range { last, step, limit } => {
            (begin, last_of_range(begin, last, limit, args.len()), step)
        }
        KeyFind::Count { count_at, first, step } => {
            let count = args.get(begin + usize::from(count_at)).ok_or(KeysNotFound)?;
            let more = count_in(count) - 1;
            let first = begin + usize::from(first);
            (first, more.saturating_mul(i64::from(step)).saturating_add(first as i64), step)
        }
    };
    let last = usize::try_from(last).map_err(|_| KeysNotFound)?;
    if first > last || last >= args.len() {
        return Err(KeysNotFound);
    }
    Ok(Some(Stretch { first, last, step: usize::from(step).max(1) }))
}

/// The number of keys that a text says, as Redis reads it here: C's `atoi`, which is content with a
/// number at the beginning and keeps 32 bits of it. Whether it is a count at all, the command checks.
fn count_in(text: &[u8]) -> i64 {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let (is_negative, digits) = match &text[blanks..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let sign = if is_negative { -1 } else { 1 };
    let add = |sum: i64, digit: &u8| {
        sum.saturating_mul(10).saturating_add(sign * i64::from(digit - b'0'))
    };
    i64::from(digits.fold(0, add) as i32)
}

/// The last key of a range that begins at `begin`; see [`KeyFind::Range`].
#[inline]
fn last_of_range(begin: usize, last: i16, limit: u16, len: usize) -> i64 {
    if last >= 0 {
        begin as i64 + i64::from(last)
    } else if limit == 0 {
        len as i64 + i64::from(last)
    } else {
        let share = len.saturating_sub(begin) / usize::from(limit);
        (begin + share) as i64 + i64::from(last)
    }
}

/// The argument behind a keyword, searched from `from` towards the end, or backwards from the
/// end when `from` is negative. A keyword that is the last argument has nothing behind it.
fn behind_keyword(word: &str, from: i16, args: Args<'_>) -> Option<usize> {
    let is_word = |at: &usize| {
        args.get(*at).is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
    };
    let behind_last = args.len().saturating_sub(1);
    let found = if from >= 0 {
        (from.unsigned_abs().into()..behind_last).find(is_word)
    } else {
        let start = args.len().saturating_sub(from.unsigned_abs().into());
        (2..=start).rev().find(is_word)
    };
    found.map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use skep_resp::OwnedArgs;

    use super::*;

    const fn spec(begin: KeyBegin, find: KeyFind) -> KeySpec {
        KeySpec { flags: &["RO"], begin, find, notes: "" }
    }

    const MGET: &[KeySpec] = &[KeySpec::range(&["RO"], 1, -1, 1)];
    const MSET: &[KeySpec] = &[KeySpec::range(&["OW"], 1, -1, 2)];
    const RENAME: &[KeySpec] =
        &[KeySpec::range(&["RW"], 1, 0, 1), KeySpec::range(&["OW"], 2, 0, 1)];
    const BLOCKING_POP: &[KeySpec] = &[KeySpec::range(&["RW"], 1, -2, 1)];
    const COUNTED: &[KeySpec] =
        &[spec(KeyBegin::Index(2), KeyFind::Count { count_at: 0, first: 1, step: 1 })];
    const STREAMS: &[KeySpec] =
        &[spec(KeyBegin::Keyword("STREAMS", 1), KeyFind::Range { last: -1, step: 1, limit: 2 })];
    const BEHIND: &[KeySpec] =
        &[spec(KeyBegin::Keyword("KEYS", -2), KeyFind::Range { last: -1, step: 1, limit: 0 })];

    fn found(keys: &'static [KeySpec], words: &str) -> (Vec<usize>, bool) {
        let row = Row { keys, ..Row::BASE };
        let args: OwnedArgs = words.split(' ').map(str::as_bytes).collect();
        let mut numbers = Vec::new();
        let result = super::keys(&row, args.as_args(), |at, _| numbers.push(at));
        (numbers, result.is_ok())
    }

    #[test]
    fn ranges_reach_as_far_as_they_say() {
        assert_eq!(found(MGET, "mget a b c"), (vec![1, 2, 3], true));
        assert_eq!(found(MSET, "mset a 1 b 2"), (vec![1, 3], true));
        assert_eq!(found(RENAME, "rename a b"), (vec![1, 2], true));
        assert_eq!(found(BLOCKING_POP, "blpop a b 0"), (vec![1, 2], true));
    }

    #[test]
    fn counted_keys_are_as_many_as_the_count_says() {
        assert_eq!(found(COUNTED, "eval s 2 a b more"), (vec![3, 4], true));
        for count in ["+2", "2.5", "02x", "4294967298"] {
            assert_eq!(found(COUNTED, &format!("eval s {count} a b more")), (vec![3, 4], true));
        }
    }

    #[test]
    fn keywords_are_found_in_any_case_from_either_end() {
        assert_eq!(found(STREAMS, "xread count 5 streams a b 0 0"), (vec![4, 5], true));
        assert_eq!(found(STREAMS, "xread count 5"), (vec![], true));
        assert_eq!(found(BEHIND, "migrate h p keys 0 t KEYS a b"), (vec![7, 8], true));
    }

    #[test]
    fn arguments_that_do_not_fit_are_an_error_and_visit_nothing() {
        assert_eq!(found(RENAME, "rename a"), (vec![1], false));
        assert_eq!(found(BLOCKING_POP, "blpop a"), (vec![], false));
        for count in ["0", "-1", "3", "x", "9223372036854775807", "-9223372036854775808"] {
            let (numbers, fits) = found(COUNTED, &format!("eval s {count} a b"));
            assert!(numbers.is_empty() && !fits, "count {count}");
        }
        assert_eq!(found(COUNTED, "eval s"), (vec![], false));
    }

    #[test]
    fn only_rows_with_one_fixed_key_say_where_it_is() {
        const GET: &[KeySpec] = &[KeySpec::first(&["RO"])];
        let at = |keys| only_key(&Row { keys, ..Row::BASE });
        assert_eq!(at(GET), Some(1));
        assert_eq!(at(MGET), None);
        assert_eq!(at(RENAME), None);
        assert_eq!(at(COUNTED), None);
    }
}
