//! LPUSH, RPUSH, LPOP, RPOP and their kin: values put at, and taken from, the ends of lists.

use skep_resp::{Args, Protocol, Reply, parse_i64};
use skep_store::{End, Kind};

use super::end_named;
use crate::cx::Cx;
use crate::error::CommandError;

const RANGE: CommandError = CommandError::text("ERR value is out of range, must be positive");

/// `LPUSH key element [element ...]`: answers the new length.
pub(crate) fn lpush(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    push(cx, args, End::Left, false)
}

/// `RPUSH key element [element ...]`.
pub(crate) fn rpush(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    push(cx, args, End::Right, false)
}

/// `LPUSHX key element [element ...]`: does nothing when the key is not there.
pub(crate) fn lpushx(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    push(cx, args, End::Left, true)
}

/// `RPUSHX key element [element ...]`.
pub(crate) fn rpushx(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    push(cx, args, End::Right, true)
}

fn push(cx: &mut Cx<'_>, args: Args<'_>, end: End, must_exist: bool) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let len = cx.view.edit_collection(database, &key, Kind::List, |list| {
        if !must_exist || !list.is_empty() {
            args.iter().skip(2).for_each(|value| list.push(end, value));
        }
        list.len()
    })?;
    cx.reply.integer(len as i64);
    Ok(())
}

/// `LPOP key [count]`.
pub(crate) fn lpop(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    pop(cx, args, End::Left, "lpop")
}

/// `RPOP key [count]`.
pub(crate) fn rpop(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    pop(cx, args, End::Right, "rpop")
}

fn pop(cx: &mut Cx<'_>, args: Args<'_>, end: End, name: &str) -> Result<(), CommandError> {
    if args.len() > 3 {
        return Err(CommandError::wrong_arity(name));
    }
    let count = match args.get(2) {
        Some(word) => {
            let count = parse_i64(word).and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(RANGE)?)
        }
        None => None,
    };
    let taken = take(cx, &args[1], end, count.unwrap_or(1))?;
    match (taken, count) {
        (None, None) => cx.reply.null(),
        (None, Some(_)) => cx.reply.null_array(),
        (Some(values), None) => values.iter().for_each(|value| cx.reply.bulk(value)),
        (Some(values), Some(_)) => reply_values(cx.reply, &values),
    }
    Ok(())
}

fn reply_values(reply: &mut Reply, values: &[Vec<u8>]) {
    reply.array(values.len());
    values.iter().for_each(|value| reply.bulk(value));
}

/// Takes up to `count` values from an end; nothing if the key is not there.
fn take(
    cx: &mut Cx<'_>,
    name: &[u8],
    end: End,
    count: usize,
) -> Result<Option<Vec<Vec<u8>>>, CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let taken = cx.view.edit_collection(database, &key, Kind::List, |list| {
        let is_there = !list.is_empty();
        is_there.then(|| (0..count).map_while(|_| list.pop(end)).collect())
    })?;
    Ok(taken)
}

/// `LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]`: from the first list that is there.
pub(crate) fn lmpop(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    const KEYS: CommandError = CommandError::text("ERR numkeys should be greater than 0");
    const COUNT: CommandError = CommandError::text("ERR count should be greater than 0");
    let positive = |word: &[u8], error: CommandError| {
        let number = parse_i64(word).filter(|number| (1..=i64::from(i32::MAX)).contains(number));
        number.map(|number| number as usize).ok_or(error)
    };
    let keys = positive(&args[1], KEYS)?;
    let end = end_named(args.get(keys.saturating_add(2)).ok_or(CommandError::SYNTAX)?)?;
    let count = match (args.get(keys + 3), args.get(keys + 4), args.len() - (keys + 3)) {
        (None, None, 0) => 1,
        (Some(word), Some(count), 2) if word.eq_ignore_ascii_case(b"COUNT") => {
            positive(count, COUNT)?
        }
        _ => return Err(CommandError::SYNTAX),
    };
    for name in args.iter().skip(2).take(keys) {
        if let Some(values) = take(cx, name, end, count)? {
            cx.reply.array(2);
            cx.reply.bulk(name);
            reply_values(cx.reply, &values);
            return Ok(());
        }
    }
    match cx.reply.protocol() {
        Protocol::Resp2 => cx.reply.null_array(),
        Protocol::Resp3 => cx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn values_are_put_at_and_taken_from_both_ends() {
        Bench::new().expect(&[
            ("RPUSH l a b c", ":3"),
            ("LPUSH l y x", ":5"),
            ("LRANGE l 0 -1", "*5 $1 x $1 y $1 a $1 b $1 c"),
            ("TYPE l", "+list"),
            ("OBJECT ENCODING l", "$8 listpack"),
            ("LPOP l", "$1 x"),
            ("RPOP l 2", "*2 $1 c $1 b"),
            ("LPOP l 0", "*0"),
            ("RPOP l 9", "*2 $1 a $1 y"),
            ("EXISTS l", ":0"),
            ("LPOP l", "$-1"),
            ("LPOP l 1", "*-1"),
            ("LPUSHX l a", ":0"),
            ("EXISTS l", ":0"),
            ("LPUSH l a", ":1"),
            ("RPUSHX l b", ":2"),
            ("LPOP l -1", "-ERR value is out of range, must be positive"),
            ("LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command"),
            ("SET s string", "+OK"),
            ("LPUSH s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }

    #[test]
    fn the_first_list_that_is_there_gives_its_values() {
        Bench::new().expect(&[
            ("RPUSH b 1 2 3", ":3"),
            ("LMPOP 2 a b LEFT", "*2 $1 b *1 $1 1"),
            ("LMPOP 2 a b RIGHT COUNT 5", "*2 $1 b *2 $1 3 $1 2"),
            ("LMPOP 2 a b LEFT", "*-1"),
            ("LMPOP 0 a LEFT", "-ERR numkeys should be greater than 0"),
            ("LMPOP 1 a LEFT COUNT 0", "-ERR count should be greater than 0"),
            ("LMPOP 1 a UP", "-ERR syntax error"),
        ]);
    }

    #[test]
    fn a_list_that_outgrows_its_record_is_the_same() {
        let mut bench = Bench::new();
        for number in 0..1_000 {
            bench.expect(&[(&format!("RPUSH l {number}"), &format!(":{}", number + 1))]);
        }
        bench.expect(&[
            ("LINDEX l 0", "$1 0"),
            ("LINDEX l -1", "$3 999"),
            ("LINDEX l 500", "$3 500"),
            ("LRANGE l 498 500", "*3 $3 498 $3 499 $3 500"),
            ("LPOP l", "$1 0"),
            ("LPUSH l x", ":1000"),
            ("LINSERT l BEFORE 500 y", ":1001"),
            ("LRANGE l 499 501", "*3 $3 499 $1 y $3 500"),
            ("LREM l 0 y", ":1"),
            ("LTRIM l 400 409", "+OK"),
            ("LLEN l", ":10"),
            ("LINDEX l 0", "$3 400"),
        ]);
        bench.recount();
    }
}
