//! Which of a command's arguments are channels that a user must be allowed.
//!
//! Leaving a channel is always allowed, and so is asking about channels.

use std::ops::Range;

use skep_resp::Args;

use crate::row::{Flags, Row};

/// The numbers of the arguments that are channels, and whether they are patterns.
pub(super) fn channels(row: &Row, args: Args<'_>) -> Option<(Range<usize>, bool)> {
    if !row.flags.has(Flags::PUBSUB) {
        return None;
    }
    match row.name {
        "publish" | "spublish" => Some((1..2, false)),
        "subscribe" | "ssubscribe" => Some((1..args.len(), false)),
        "psubscribe" => Some((1..args.len(), true)),
        _ => None,
    }
}
