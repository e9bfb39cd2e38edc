//! ZUNION, ZINTER, ZDIFF, what stores their results, and ZINTERCARD.

use skep_resp::Args;

use super::combination::{Combination, Operation, Purpose};
use super::select::store;
use super::{reply_len, reply_member};
use crate::cx::Cx;
use crate::error::CommandError;

/// `ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`.
pub(crate) fn zunion(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    show(cx, args, Operation::Union, "zunion")
}

/// `ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`.
pub(crate) fn zinter(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    show(cx, args, Operation::Intersection, "zinter")
}

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`.
pub(crate) fn zdiff(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    show(cx, args, Operation::Difference, "zdiff")
}

fn show(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    operation: Operation,
    command: &str,
) -> Result<(), CommandError> {
    let how = (operation, Purpose::Reply);
    let combination = Combination::parse(cx, args.from(1), how, command)?;
    let mut members = combination.members(cx)?;
    members.sort_unstable_by(|(member, score), (other, other_score)| {
        score
            .partial_cmp(other_score)
            .map_or_else(|| member.cmp(other), |by_score| by_score.then_with(|| member.cmp(other)))
    });
    let has_scores = combination.has_scores;
    reply_len(cx.reply, members.len(), has_scores);
    for (member, score) in &members {
        reply_member(cx.reply, member, *score, has_scores);
    }
    Ok(())
}

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...]`: answers how many
/// members there are.
pub(crate) fn zunionstore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    keep(cx, args, Operation::Union, "zunionstore")
}

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS ...] [AGGREGATE ...]`.
pub(crate) fn zinterstore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    keep(cx, args, Operation::Intersection, "zinterstore")
}

/// `ZDIFFSTORE destination numkeys key [key ...]`.
pub(crate) fn zdiffstore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    keep(cx, args, Operation::Difference, "zdiffstore")
}

fn keep(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    operation: Operation,
    command: &str,
) -> Result<(), CommandError> {
    let how = (operation, Purpose::Store);
    let combination = Combination::parse(cx, args.from(2), how, command)?;
    let members = combination.members(cx)?;
    store(cx, &args[1], &members)
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`.
pub(crate) fn zintercard(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let how = (Operation::Intersection, Purpose::Count);
    let combination = Combination::parse(cx, args.from(1), how, "zintercard")?;
    let count = combination.members(cx)?.len();
    let limit = if combination.limit == 0 { count } else { combination.limit };
    cx.reply.integer(count.min(limit) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn sets_are_combined_with_weights_and_aggregates() {
        Bench::new().expect(&[
            ("ZADD a 1 x 2 y 3 z", ":3"),
            ("ZADD b 10 y 20 z 30 w", ":3"),
            ("ZUNION 2 a b", "*4 $1 x $1 y $1 z $1 w"),
            (
                "ZUNION 2 a b WEIGHTS 10 -1 WITHSCORES",
                "*8 $1 w $3 -30 $1 x $2 10 $1 y $2 10 $1 z $2 10",
            ),
            ("ZINTER 2 a b WITHSCORES", "*4 $1 y $2 12 $1 z $2 23"),
            ("ZINTER 2 a b AGGREGATE MIN WITHSCORES", "*4 $1 y $1 2 $1 z $1 3"),
            ("ZINTER 2 a b AGGREGATE MAX WITHSCORES", "*4 $1 y $2 10 $1 z $2 20"),
            ("ZINTER 2 a none", "*0"),
            ("ZDIFF 2 a b WITHSCORES", "*2 $1 x $1 1"),
            ("ZDIFF 2 none b", "*0"),
            ("ZUNION 2 a a WITHSCORES", "*6 $1 x $1 2 $1 y $1 4 $1 z $1 6"),
            ("ZINTERCARD 2 a b", ":2"),
            ("ZINTERCARD 2 a b LIMIT 1", ":1"),
            ("ZINTERCARD 2 a b LIMIT 0", ":2"),
            ("ZUNIONSTORE c 2 a b AGGREGATE MAX", ":4"),
            ("ZRANGE c 0 -1 WITHSCORES", "*8 $1 x $1 1 $1 y $2 10 $1 z $2 20 $1 w $2 30"),
            ("ZINTERSTORE a 2 a b", ":2"),
            ("ZRANGE a 0 -1", "*2 $1 y $1 z"),
            ("ZDIFFSTORE c 2 a a", ":0"),
            ("EXISTS c", ":0"),
        ]);
        Bench::resp3().expect(&[
            ("ZADD a 1 x 2.5 y", ":2"),
            ("ZUNION 1 a WITHSCORES", "*2 *2 $1 x ,1 *2 $1 y ,2.5"),
        ]);
    }

    #[test]
    fn infinities_of_both_signs_add_up_to_zero() {
        Bench::new().expect(&[
            ("ZADD a inf x", ":1"),
            ("ZADD b -inf x", ":1"),
            ("ZUNION 2 a b WITHSCORES", "*2 $1 x $1 0"),
            ("ZINTER 2 a b WITHSCORES", "*2 $1 x $1 0"),
            ("ZUNION 1 a WEIGHTS 0 WITHSCORES", "*2 $1 x $1 0"),
        ]);
    }

    #[test]
    fn requests_that_make_no_sense_are_refused() {
        Bench::new().expect(&[
            ("ZADD a 1 x", ":1"),
            ("ZUNION 0 a", "-ERR at least 1 input key is needed for 'zunion' command"),
            ("ZDIFFSTORE c 0 a", "-ERR at least 1 input key is needed for 'zdiffstore' command"),
            ("ZUNION x a", "-ERR value is not an integer or out of range"),
            ("ZUNION 2 a", "-ERR syntax error"),
            ("ZUNION 1 a WEIGHTS", "-ERR syntax error"),
            ("ZUNION 1 a WEIGHTS x", "-ERR weight value is not a float"),
            ("ZUNION 1 a AGGREGATE NOPE", "-ERR syntax error"),
            ("ZDIFF 1 a WEIGHTS 1", "-ERR syntax error"),
            ("ZUNIONSTORE c 1 a WITHSCORES", "-ERR syntax error"),
            ("ZINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"),
            ("HSET h f v", ":1"),
            ("ZUNION 2 a h", WRONG_TYPE),
            ("LPUSH l x", ":1"),
            ("ZUNION 2 a l", WRONG_TYPE),
            ("ZINTER 2 a l", WRONG_TYPE),
            ("ZUNIONSTORE h 1 a", ":1"),
            ("TYPE h", "+zset"),
        ]);
    }
}
