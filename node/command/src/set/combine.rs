//! SINTER, SUNION, SDIFF, what stores their results, and SINTERCARD.

use skep_resp::{Args, parse_i64};
use skep_store::{Key, Kind};

use super::algebra::Operation;
use crate::cx::Cx;
use crate::error::CommandError;

/// The keys among the arguments.
fn keys<'k>(cx: &Cx<'_>, names: impl Iterator<Item = &'k [u8]>) -> Vec<Key<'k>> {
    names.map(|name| cx.key(name)).collect()
}

/// Replies with the result for the keys from the first argument on.
fn reply(cx: &mut Cx<'_>, args: Args<'_>, operation: Operation) -> Result<(), CommandError> {
    let (database, keys) = (cx.database(), keys(cx, args.iter().skip(1)));
    let sets = cx.view.read_collections(database, &keys, Kind::Set)?;
    let head = cx.reply.deferred_array();
    let members = operation.distinct_of(&sets);
    let len = members.inspect(|member| cx.reply.bulk(member)).count();
    cx.reply.finish_set(head, len);
    Ok(())
}

/// Replaces the first key by the result for the others, and replies with its length.
fn store(cx: &mut Cx<'_>, args: Args<'_>, operation: Operation) -> Result<(), CommandError> {
    let (database, keys) = (cx.database(), keys(cx, args.iter().skip(2)));
    let target = cx.key(&args[1]);
    let mut result = cx.view.new_collection(Kind::Set);
    let sets = cx.view.read_collections(database, &keys, Kind::Set)?;
    operation.of(&sets).for_each(|member| {
        result.put(member, b"");
    });
    let len = cx.view.put_collection(database, &target, result)?;
    cx.reply.integer(len as i64);
    Ok(())
}

/// `SINTER key [key ...]`.
pub(crate) fn sinter(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    reply(cx, args, Operation::Intersection)
}

/// `SUNION key [key ...]`.
pub(crate) fn sunion(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    reply(cx, args, Operation::Union)
}

/// `SDIFF key [key ...]`.
pub(crate) fn sdiff(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    reply(cx, args, Operation::Difference)
}

/// `SINTERSTORE destination key [key ...]`.
pub(crate) fn sinterstore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    store(cx, args, Operation::Intersection)
}

/// `SUNIONSTORE destination key [key ...]`.
pub(crate) fn sunionstore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    store(cx, args, Operation::Union)
}

/// `SDIFFSTORE destination key [key ...]`.
pub(crate) fn sdiffstore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    store(cx, args, Operation::Difference)
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`: 0 is no limit.
pub(crate) fn sintercard(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    const NO_KEYS: CommandError = CommandError::text("ERR numkeys should be greater than 0");
    const TOO_MANY: CommandError =
        CommandError::text("ERR Number of keys can't be greater than number of args");
    const NEGATIVE: CommandError = CommandError::text("ERR LIMIT can't be negative");
    let count = parse_i64(&args[1]).filter(|count| *count > 0).ok_or(NO_KEYS)?;
    if count > args.len() as i64 - 2 {
        return Err(TOO_MANY);
    }
    let first_option = 2 + count as usize;
    let mut limit = 0;
    let mut options = args.iter().skip(first_option);
    while let Some(option) = options.next() {
        let value = options.next().filter(|_| option.eq_ignore_ascii_case(b"LIMIT"));
        let value = value.ok_or(CommandError::SYNTAX)?;
        limit = parse_i64(value).filter(|limit| *limit >= 0).ok_or(NEGATIVE)?;
    }
    let limit = if limit == 0 { usize::MAX } else { limit as usize };
    let database = cx.database();
    let keys = keys(cx, args.iter().skip(2).take(count as usize));
    let sets = cx.view.read_collections(database, &keys, Kind::Set)?;
    let len = Operation::Intersection.of(&sets).take(limit).count();
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn sets_are_combined_and_missing_ones_are_empty() {
        Bench::new().expect(&[
            ("SADD s a b c d", ":4"),
            ("SADD t c d e", ":3"),
            ("SADD u d", ":1"),
            ("SINTER s t u", "*1 $1 d"),
            ("SINTER s t", "*2 $1 c $1 d"),
            ("SINTER s x t", "*0"),
            ("SUNION s t", "*5 $1 a $1 b $1 c $1 d $1 e"),
            ("SUNION x u x", "*1 $1 d"),
            ("SUNION u u", "*1 $1 d"),
            ("SUNION x", "*0"),
            ("SDIFF s t u", "*2 $1 a $1 b"),
            ("SDIFF s x", "*4 $1 a $1 b $1 c $1 d"),
            ("SDIFF s s", "*0"),
            ("SDIFF x s", "*0"),
            ("SINTERCARD 2 s t", ":2"),
            ("SINTERCARD 2 s t LIMIT 1", ":1"),
            ("SINTERCARD 2 s t limit 0", ":2"),
            ("SINTERCARD 2 s x", ":0"),
        ]);
        let mut bench = Bench::resp3();
        bench.expect(&[("SADD s a", ":1"), ("SINTER s", "~1 $1 a"), ("SUNION x", "~0")]);
    }

    #[test]
    fn a_stored_result_replaces_whatever_was_there() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SADD s a b c", ":3"),
            ("SADD t c d", ":2"),
            ("SET to string EX 100", "+OK"),
            ("SUNIONSTORE to s t", ":4"),
            ("TTL to", ":-1"),
            ("SMEMBERS to", "*4 $1 a $1 b $1 c $1 d"),
            ("SDIFFSTORE s s t", ":2"),
            ("SMEMBERS s", "*2 $1 a $1 b"),
            ("SINTERSTORE to s t", ":0"),
            ("EXISTS to", ":0"),
            ("SINTERSTORE to x t", ":0"),
        ]);
        for number in 0..300 {
            bench.expect(&[(&format!("SADD big member:{number}"), ":1")]);
        }
        bench.expect(&[
            ("SUNIONSTORE both big s", ":302"),
            ("SCARD both", ":302"),
            ("SDIFFSTORE both both big", ":2"),
            ("SUNIONSTORE big big big", ":300"),
            ("SINTERSTORE big big s", ":0"),
            ("EXISTS big", ":0"),
        ]);
        bench.recount();
    }

    #[test]
    fn large_and_small_sets_and_expired_ones_are_combined_alike() {
        let mut bench = Bench::new();
        for number in 0..300 {
            let (even, third) = (2 * number, 3 * number);
            bench.expect(&[(&format!("SADD even m{even}"), ":1")]);
            bench.expect(&[(&format!("SADD third m{third}"), ":1")]);
        }
        bench.expect(&[
            ("SADD few m0 m6 m7", ":3"),
            ("SADD gone m1", ":1"),
            ("PEXPIRE gone 10", ":1"),
            ("SINTERCARD 2 even third", ":100"),
            ("SINTERCARD 3 even third few", ":2"),
            ("SUNIONSTORE to even third few", ":501"),
            ("SDIFFSTORE to even third few", ":200"),
            ("SDIFF few even third", "*1 $2 m7"),
        ]);
        bench.pass_ms(20);
        bench.expect(&[("SUNION gone few gone", "*3 $2 m0 $2 m6 $2 m7"), ("EXISTS gone", ":0")]);
        let union = bench.ask("SUNION even third few");
        assert!(union.starts_with("*501 "), "{}", &union[..20]);
        bench.recount();
    }

    #[test]
    fn what_is_no_set_is_refused_and_nothing_is_stored() {
        Bench::new().expect(&[
            ("SADD s a", ":1"),
            ("SET string x", "+OK"),
            ("SINTER s string", WRONG_TYPE),
            ("SINTER x string", WRONG_TYPE),
            ("SUNION s string", WRONG_TYPE),
            ("SDIFF x string", WRONG_TYPE),
            ("SINTERCARD 2 x string", WRONG_TYPE),
            ("SUNIONSTORE s x string", WRONG_TYPE),
            ("SMEMBERS s", "*1 $1 a"),
            ("SINTERCARD 0 s", "-ERR numkeys should be greater than 0"),
            ("SINTERCARD x s", "-ERR numkeys should be greater than 0"),
            ("SINTERCARD 2 s", "-ERR Number of keys can't be greater than number of args"),
            ("SINTERCARD 1 s LIMIT", "-ERR syntax error"),
            ("SINTERCARD 1 s NOPE 1", "-ERR syntax error"),
            ("SINTERCARD 1 s LIMIT -1", "-ERR LIMIT can't be negative"),
            ("SINTERCARD 1 s LIMIT x", "-ERR LIMIT can't be negative"),
        ]);
    }
}
