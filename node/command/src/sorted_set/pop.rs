//! ZPOPMIN, ZPOPMAX and ZMPOP.

use skep_resp::{Args, Protocol, parse_i64};
use skep_store::Kind;

use super::range::Range;
use super::remove::take;
use crate::cx::Cx;
use crate::error::CommandError;

const NOT_POSITIVE: CommandError =
    CommandError::text("ERR value is out of range, must be positive");
const NO_KEYS: CommandError = CommandError::text("ERR numkeys should be greater than 0");
const NO_COUNT: CommandError = CommandError::text("ERR count should be greater than 0");

/// `ZPOPMIN key [count]`.
pub(crate) fn zpopmin(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    pop(cx, args, false)
}

/// `ZPOPMAX key [count]`.
pub(crate) fn zpopmax(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    pop(cx, args, true)
}

fn pop(cx: &mut Cx<'_>, args: Args<'_>, is_highest: bool) -> Result<(), CommandError> {
    let count = match args.get(2) {
        _ if args.len() > 3 => return Err(CommandError::SYNTAX),
        None => None,
        Some(text) => {
            let count = parse_i64(text).and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(NOT_POSITIVE)?)
        }
    };
    let range = Range::end(count.unwrap_or(1), is_highest);
    let database = cx.database();
    let key = cx.key(&args[1]);
    let popped =
        cx.view.edit_collection(database, &key, Kind::SortedSet, |set| take(set, &range))?;
    // Without a count there is no list of pairs, but a pair.
    let is_nested = count.is_some() && cx.reply.protocol() == Protocol::Resp3;
    cx.reply.array(if is_nested { popped.len() } else { 2 * popped.len() });
    for (member, score) in popped {
        if is_nested {
            cx.reply.array(2);
        }
        cx.reply.bulk(&member);
        cx.reply.double(score);
    }
    Ok(())
}

/// `ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]`: pops from the first key that is there.
pub(crate) fn zmpop(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let positive = |text: &[u8]| {
        let number = parse_i64(text).and_then(|number| usize::try_from(number).ok());
        number.filter(|number| *number > 0)
    };
    let key_count = positive(&args[1]).ok_or(NO_KEYS)?;
    let end = args.get(key_count.saturating_add(2)).ok_or(CommandError::SYNTAX)?;
    let is_highest = match () {
        () if end.eq_ignore_ascii_case(b"MIN") => false,
        () if end.eq_ignore_ascii_case(b"MAX") => true,
        () => return Err(CommandError::SYNTAX),
    };
    let options = args.from(key_count + 3);
    let count = match options.len() {
        0 => 1,
        1 => return Err(CommandError::SYNTAX),
        len => {
            if !options[0].eq_ignore_ascii_case(b"COUNT") {
                return Err(CommandError::SYNTAX);
            }
            let count = positive(&options[1]).ok_or(NO_COUNT)?;
            if len > 2 {
                return Err(CommandError::SYNTAX);
            }
            count
        }
    };
    let range = Range::end(count, is_highest);
    let database = cx.database();
    for name in args.iter().skip(2).take(key_count) {
        let key = cx.key(name);
        if cx.view.peek(database, &key).is_none() {
            continue;
        }
        let popped =
            cx.view.edit_collection(database, &key, Kind::SortedSet, |set| take(set, &range))?;
        cx.reply.array(2);
        cx.reply.bulk(name);
        cx.reply.array(popped.len());
        for (member, score) in popped {
            cx.reply.array(2);
            cx.reply.bulk(&member);
            cx.reply.double(score);
        }
        return Ok(());
    }
    cx.reply.null_array();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn the_lowest_and_highest_are_popped() {
        const WRONG_TYPE: &str =
            "-WRONGTYPE Operation against a key holding the wrong kind of value";
        Bench::new().expect(&[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"),
            ("ZPOPMIN z", "*2 $1 a $1 1"),
            ("ZPOPMAX z 2", "*4 $1 e $1 5 $1 d $1 4"),
            ("ZPOPMIN z 0", "*0"),
            ("ZPOPMIN none", "*0"),
            ("ZPOPMIN z -1", "-ERR value is out of range, must be positive"),
            ("ZPOPMIN z x", "-ERR value is out of range, must be positive"),
            ("ZPOPMIN z 1 2", "-ERR syntax error"),
            ("ZMPOP 2 none z MAX", "*2 $1 z *1 *2 $1 c $1 3"),
            ("ZMPOP 1 z MIN COUNT 10", "*2 $1 z *1 *2 $1 b $1 2"),
            ("ZMPOP 1 z MIN", "*-1"),
            ("EXISTS z", ":0"),
            ("ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0"),
            ("ZMPOP x z MIN", "-ERR numkeys should be greater than 0"),
            ("ZMPOP 9 z MIN", "-ERR syntax error"),
            ("ZMPOP 9223372036854775807 z MIN", "-ERR syntax error"),
            ("ZMPOP 1 z NOPE", "-ERR syntax error"),
            ("ZMPOP 1 z MIN COUNT", "-ERR syntax error"),
            ("ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0"),
            ("ZMPOP 1 z MIN COUNT 1 COUNT 1", "-ERR syntax error"),
            ("SET s string", "+OK"),
            ("ZPOPMIN s 0", WRONG_TYPE),
            ("ZMPOP 2 none s MIN", WRONG_TYPE),
        ]);
    }

    #[test]
    fn pops_are_pairs_in_resp3_when_counted() {
        Bench::resp3().expect(&[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("ZPOPMIN z", "*2 $1 a ,1"),
            ("ZPOPMIN z 1", "*1 *2 $1 b ,2"),
            ("ZMPOP 1 z MIN", "*2 $1 z *1 *2 $1 c ,3"),
            ("ZMPOP 1 z MIN", "_"),
        ]);
    }
}
