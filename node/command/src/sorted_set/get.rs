//! ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZCOUNT, ZLEXCOUNT and ZSCAN.

use skep_resp::{Args, Reply};
use skep_store::{Contents, Kind};

use super::range::{By, Range};
use crate::cx::Cx;
use crate::elements;
use crate::error::CommandError;

/// As [`elements::with`], of a sorted set.
pub(super) fn with_set(
    cx: &mut Cx<'_>,
    name: &[u8],
    answer: impl FnOnce(&mut Reply, Option<Contents<'_>>),
) -> Result<(), CommandError> {
    elements::with(cx, name, Kind::SortedSet, answer)
}

/// `ZCARD key`.
pub(crate) fn zcard(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_set(cx, &args[1], |reply, set| reply.integer(set.map_or(0, Contents::len) as i64))
}

fn reply_score(reply: &mut Reply, set: Option<Contents<'_>>, member: &[u8]) {
    match set.and_then(|set| set.score(member)) {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

/// `ZSCORE key member`.
pub(crate) fn zscore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_set(cx, &args[1], |reply, set| reply_score(reply, set, &args[2]))
}

/// `ZMSCORE key member [member ...]`.
pub(crate) fn zmscore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_set(cx, &args[1], |reply, set| {
        reply.array(args.len() - 2);
        args.iter().skip(2).for_each(|member| reply_score(reply, set, member));
    })
}

/// `ZRANK key member [WITHSCORE]`.
pub(crate) fn zrank(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    rank(cx, args, false)
}

/// `ZREVRANK key member [WITHSCORE]`.
pub(crate) fn zrevrank(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    rank(cx, args, true)
}

fn rank(cx: &mut Cx<'_>, args: Args<'_>, is_reversed: bool) -> Result<(), CommandError> {
    let has_score = match args.get(3) {
        _ if args.len() > 4 => {
            let name = if is_reversed { "zrevrank" } else { "zrank" };
            return Err(CommandError::wrong_arity(name));
        }
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"WITHSCORE") => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    with_set(cx, &args[1], |reply, set| {
        let found = set.and_then(|set| Some((set.len(), set.rank(&args[2])?)));
        let Some((len, (rank, score))) = found else {
            return if has_score { reply.null_array() } else { reply.null() };
        };
        let rank = if is_reversed { len - 1 - rank } else { rank };
        if has_score {
            reply.array(2);
        }
        reply.integer(rank as i64);
        if has_score {
            reply.double(score);
        }
    })
}

/// `ZCOUNT key min max`.
pub(crate) fn zcount(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    count(cx, args, By::Score)
}

/// `ZLEXCOUNT key min max`.
pub(crate) fn zlexcount(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    count(cx, args, By::Name)
}

fn count(cx: &mut Cx<'_>, args: Args<'_>, by: By) -> Result<(), CommandError> {
    let range = Range::between(by, (&args[2], &args[3]), false)?;
    with_set(cx, &args[1], |reply, set| {
        reply.integer(set.map_or(0, |set| range.ranks(set).len()) as i64);
    })
}

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`: scores are strings in either protocol.
pub(crate) fn zscan(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::scan(cx, args, Kind::SortedSet, |reply, value| {
        let score = skep_store::score_in(value);
        reply.bulk(skep_resp::format_f64(score).as_bytes());
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn scores_ranks_and_counts_are_told() {
        Bench::new().expect(&[
            ("ZADD z 1 a 2 b 2 c 3.5 d", ":4"),
            ("ZCARD z", ":4"),
            ("ZCARD none", ":0"),
            ("ZSCORE z d", "$3 3.5"),
            ("ZSCORE z x", "$-1"),
            ("ZSCORE none x", "$-1"),
            ("ZMSCORE z a x d", "*3 $1 1 $-1 $3 3.5"),
            ("ZMSCORE none a", "*1 $-1"),
            ("ZRANK z c", ":2"),
            ("ZREVRANK z c", ":1"),
            ("ZRANK z c WITHSCORE", "*2 :2 $1 2"),
            ("ZRANK z x", "$-1"),
            ("ZRANK z x WITHSCORE", "*-1"),
            ("ZRANK none x WITHSCORE", "*-1"),
            ("ZRANK z a NOPE", "-ERR syntax error"),
            ("ZREVRANK z a WITHSCORE x", "-ERR wrong number of arguments for 'zrevrank' command"),
            ("ZCOUNT z 2 3", ":2"),
            ("ZCOUNT z (2 +inf", ":1"),
            ("ZCOUNT z 3 2", ":0"),
            ("ZCOUNT none 3 2", ":0"),
            ("ZCOUNT z x 2", "-ERR min or max is not a float"),
            ("ZLEXCOUNT z - +", ":4"),
            ("ZLEXCOUNT z [b (d", ":2"),
            ("ZLEXCOUNT z b d", "-ERR min or max not valid string range item"),
            ("ZSCAN z 0", "*2 $1 0 *8 $1 a $1 1 $1 b $1 2 $1 c $1 2 $1 d $3 3.5"),
            ("ZSCAN z 0 MATCH [ad]", "*2 $1 0 *4 $1 a $1 1 $1 d $3 3.5"),
            ("SET s string", "+OK"),
            ("ZCARD s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }

    #[test]
    fn scores_are_numbers_in_resp3() {
        Bench::resp3().expect(&[
            ("ZADD z 1 a 2.5 b", ":2"),
            ("ZSCORE z b", ",2.5"),
            ("ZSCORE z x", "_"),
            ("ZMSCORE z a x", "*2 ,1 _"),
            ("ZRANK z b WITHSCORE", "*2 :1 ,2.5"),
            ("ZRANK z x WITHSCORE", "_"),
            ("ZINCRBY z inf a", ",inf"),
            ("ZSCAN z 0", "*2 $1 0 *4 $1 b $3 2.5 $1 a $3 inf"),
        ]);
    }
}
