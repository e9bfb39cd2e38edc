//! Sorted sets: members with scores, in the order of the scores and then of the members.
//!
//! Read in this order: `score` (what scores look like), `range` (which members a command is about),
//! then the commands.

pub(crate) mod add;
mod combination;
pub(crate) mod combine;
pub(crate) mod get;
pub(crate) mod pick;
pub(crate) mod pop;
mod range;
#[cfg(test)]
mod range_tests;
pub(crate) mod remove;
mod score;
pub(crate) mod select;

use skep_resp::{Protocol, Reply};
use skep_store::Editor;

/// A member that has left its set, or never had one, with its score.
type Scored = (Vec<u8>, f64);

/// Writes the head of a reply of members: in RESP2 scores stand between them, in RESP3 each pair is
/// an array.
fn reply_len(reply: &mut Reply, len: usize, has_scores: bool) {
    let is_flat = reply.protocol() == Protocol::Resp2;
    reply.array(if has_scores && is_flat { 2 * len } else { len });
}

/// Writes a member of such a reply.
fn reply_member(reply: &mut Reply, member: &[u8], score: f64, has_scores: bool) {
    if has_scores && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    reply.bulk(member);
    if has_scores {
        reply.double(score);
    }
}

/// Puts a member. Answers whether it is new. A zero is kept without its sign, as in Redis's small
/// sets.
fn put(set: &mut Editor<'_>, member: &[u8], score: f64) -> bool {
    set.put_score(member, score + 0.0)
}
