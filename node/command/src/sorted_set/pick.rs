//! ZRANDMEMBER.

use skep_resp::Args;
use skep_store::{Kind, score_in};

use super::{reply_len, reply_member};
use crate::cx::Cx;
use crate::elements::{self, Picks};
use crate::error::CommandError;

/// `ZRANDMEMBER key [count [WITHSCORES]]`: different members, or with a negative count any.
pub(crate) fn zrandmember(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let mut picks = args.get(2).map(Picks::parse).transpose()?;
    let has_scores = match args.get(3) {
        None => false,
        Some(word) if args.len() == 4 && word.eq_ignore_ascii_case(b"WITHSCORES") => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    if has_scores {
        picks = picks.map(Picks::with_values).transpose()?;
    }
    let database = cx.database();
    let key = cx.key(&args[1]);
    let mut state = cx.view.random();
    let mut random = || crate::random::next(&mut state);
    let set = elements::read(&mut cx.view, database, &key, Kind::SortedSet)?;
    let Some(picks) = picks else {
        match set.and_then(|set| set.pick(&mut random)) {
            Some((member, _)) => cx.reply.bulk(member),
            None => cx.reply.null(),
        }
        return Ok(());
    };
    let Some(set) = set else {
        cx.reply.array(0);
        return Ok(());
    };
    let picked = picks.pick(set, &mut random)?;
    reply_len(cx.reply, picked.len(), has_scores);
    for (member, value) in picked {
        reply_member(cx.reply, member, score_in(value), has_scores);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn members_are_picked_once_or_again_and_again() {
        Bench::new().expect(&[
            ("ZRANDMEMBER z", "$-1"),
            ("ZRANDMEMBER z 3", "*0"),
            ("ZADD z 1 a", ":1"),
            ("ZRANDMEMBER z", "$1 a"),
            ("ZRANDMEMBER z 5", "*1 $1 a"),
            ("ZRANDMEMBER z -3", "*3 $1 a $1 a $1 a"),
            ("ZRANDMEMBER z -1 WITHSCORES", "*2 $1 a $1 1"),
            ("ZRANDMEMBER z 0", "*0"),
            ("ZRANDMEMBER z x", "-ERR value is not an integer or out of range"),
            ("ZRANDMEMBER z 1 NOPE", "-ERR syntax error"),
        ]);
        Bench::resp3().expect(&[
            ("ZADD z 1 a", ":1"),
            ("ZRANDMEMBER z -2 WITHSCORES", "*2 *2 $1 a ,1 *2 $1 a ,1"),
        ]);
    }
}
