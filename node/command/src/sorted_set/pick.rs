//! ZRANDMEMBER.

use skep_resp::{Args, Reply};
use skep_store::{Kind, score_in};

use super::{reply_len, reply_member};
use crate::cx::Cx;
use crate::elements::{self, Picked};
use crate::error::CommandError;

/// `ZRANDMEMBER key [count [WITHSCORES]]`: different members, or with a negative count any.
pub(crate) fn zrandmember(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::pick_with_values(cx, args, (Kind::SortedSet, b"WITHSCORES"), reply_members)
}

fn reply_members(reply: &mut Reply, picked: Vec<Picked<'_>>, has_scores: bool) {
    reply_len(reply, picked.len(), has_scores);
    for (member, value) in picked {
        reply_member(reply, member, score_in(value), has_scores);
    }
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
