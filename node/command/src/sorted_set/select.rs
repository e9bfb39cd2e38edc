//! ZRANGE, its older siblings, and ZRANGESTORE.

use skep_resp::Args;
use skep_store::{Contents, Kind};

use super::get::with_set;
use super::range::{By, Grammar, Range};
use super::{Scored, put, reply_len, reply_member};
use crate::cx::Cx;
use crate::elements;
use crate::error::CommandError;

/// `ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`.
pub(crate) fn zrange(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    select(cx, args, Grammar::default())
}

/// `ZREVRANGE key start stop [WITHSCORES]`.
pub(crate) fn zrevrange(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    select(cx, args, fixed(By::Rank, true))
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`.
pub(crate) fn zrangebyscore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    select(cx, args, fixed(By::Score, false))
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`.
pub(crate) fn zrevrangebyscore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    select(cx, args, fixed(By::Score, true))
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`.
pub(crate) fn zrangebylex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    select(cx, args, fixed(By::Name, false))
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`.
pub(crate) fn zrevrangebylex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    select(cx, args, fixed(By::Name, true))
}

fn fixed(by: By, is_reversed: bool) -> Grammar {
    Grammar { by: Some(by), is_reversed: Some(is_reversed), is_stored: false }
}

fn select(cx: &mut Cx<'_>, args: Args<'_>, grammar: Grammar) -> Result<(), CommandError> {
    let (range, has_scores) = Range::parse(args.from(2), grammar)?;
    with_set(cx, &args[1], |reply, set| {
        let Some(set) = set else { return reply.array(0) };
        let ranks = range.ranks(set);
        reply_len(reply, ranks.len(), has_scores);
        range.each(set, &ranks, |member, score| reply_member(reply, member, score, has_scores));
    })
}

/// The members of a range, copied, because what they are in is about to change.
pub(super) fn copied(set: Contents<'_>, range: &Range<'_>) -> Vec<Scored> {
    let ranks = range.ranks(set);
    let mut members = Vec::with_capacity(ranks.len());
    range.each(set, &ranks, |member, score| members.push((member.to_vec(), score)));
    members
}

/// `ZRANGESTORE dst src min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]`: answers how many members
/// there are.
pub(crate) fn zrangestore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let grammar = Grammar { is_stored: true, ..Grammar::default() };
    let (range, _) = Range::parse(args.from(3), grammar)?;
    let database = cx.database();
    let source = cx.key(&args[2]);
    let set = elements::read(&mut cx.view, database, &source, Kind::SortedSet)?;
    let members = set.map(|set| copied(set, &range)).unwrap_or_default();
    store(cx, &args[1], &members)
}

/// Makes a key the sorted set of these members, and answers how many there are; without any it goes.
pub(super) fn store(cx: &mut Cx<'_>, name: &[u8], members: &[Scored]) -> Result<(), CommandError> {
    let mut set = cx.view.new_collection(Kind::SortedSet);
    for (member, score) in members {
        put(&mut set, member, *score);
    }
    let database = cx.database();
    let key = cx.key(name);
    let len = cx.view.put_collection(database, &key, set)?;
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn ranges_are_read_in_every_way() {
        Bench::new().expect(&[
            ("ZADD z 1 a 2 b 3 c 4 d", ":4"),
            ("ZRANGE z 0 -1", "*4 $1 a $1 b $1 c $1 d"),
            ("ZRANGE z -2 10 WITHSCORES", "*4 $1 c $1 3 $1 d $1 4"),
            ("ZRANGE z 3 1", "*0"),
            ("ZRANGE z 0 1 REV", "*2 $1 d $1 c"),
            ("ZREVRANGE z 0 1", "*2 $1 d $1 c"),
            ("ZRANGE z (1 3 BYSCORE", "*2 $1 b $1 c"),
            ("ZRANGE z 3 (1 BYSCORE REV LIMIT 1 5", "*1 $1 b"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 1 2 WITHSCORES", "*4 $1 b $1 2 $1 c $1 3"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT -1 2", "*0"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 2 -1", "*2 $1 c $1 d"),
            ("ZREVRANGEBYSCORE z 3 2", "*2 $1 c $1 b"),
            ("ZRANGEBYLEX z [b +", "*3 $1 b $1 c $1 d"),
            ("ZREVRANGEBYLEX z + (b", "*2 $1 d $1 c"),
            ("ZRANGE z - + BYLEX REV", "*0"),
            ("ZRANGE none 0 -1", "*0"),
            ("ZRANGE z x 1", "-ERR value is not an integer or out of range"),
            ("ZRANGE z 0 1 BYSCORE BYLEX", "-ERR syntax error"),
            ("ZRANGE z 0 1 LIMIT 0", "-ERR syntax error"),
            (
                "ZRANGE z 0 1 LIMIT 0 1",
                "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ),
            (
                "ZRANGEBYLEX z - + WITHSCORES",
                "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ),
        ]);
        Bench::resp3().expect(&[
            ("ZADD z 1 a 2.5 b", ":2"),
            ("ZRANGE z 0 -1 WITHSCORES", "*2 *2 $1 a ,1 *2 $1 b ,2.5"),
        ]);
    }

    #[test]
    fn a_stored_range_replaces_whatever_was_there() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("SET to string EX 100", "+OK"),
            ("ZRANGESTORE to z 1 -1", ":2"),
            ("ZRANGE to 0 -1 WITHSCORES", "*4 $1 b $1 2 $1 c $1 3"),
            ("TTL to", ":-1"),
            ("ZRANGESTORE z z 2 inf BYSCORE REV LIMIT 0 1", ":0"),
            ("EXISTS z", ":0"),
            ("ZRANGESTORE to none 0 -1", ":0"),
            ("EXISTS to", ":0"),
            ("SET s string", "+OK"),
            (
                "ZRANGESTORE to s 0 -1",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("ZRANGESTORE to s 0 -1 WITHSCORES", "-ERR syntax error"),
        ]);
        for number in 0..300 {
            bench.ask(&format!("ZADD big {number} m{number}"));
        }
        bench.expect(&[
            ("ZRANGESTORE copy big 0 -1", ":300"),
            ("OBJECT ENCODING copy", "$8 skiplist"),
            ("ZRANGESTORE copy big 298 -1", ":2"),
            ("ZRANGE copy 0 -1", "*2 $4 m298 $4 m299"),
        ]);
        bench.recount();
    }
}
