//! Lists: values in an order that clients choose.

pub(crate) mod change;
pub(crate) mod ends;
pub(crate) mod moving;
pub(crate) mod position;
pub(crate) mod read;

use skep_resp::parse_i64;
use skep_store::End;

use crate::error::CommandError;

/// The end that a word names.
///
/// # Errors
/// It names none.
fn end_named(word: &[u8]) -> Result<End, CommandError> {
    if word.eq_ignore_ascii_case(b"LEFT") {
        Ok(End::Left)
    } else if word.eq_ignore_ascii_case(b"RIGHT") {
        Ok(End::Right)
    } else {
        Err(CommandError::SYNTAX)
    }
}

/// The rank that an index means in a list of so many values, if there is one. Negative ones count
/// from the end.
fn rank_of(index: i64, len: usize) -> Option<usize> {
    let rank = if index < 0 { index.checked_add(len as i64)? } else { index };
    usize::try_from(rank).ok().filter(|rank| *rank < len)
}

/// The ranks of a range of indexes, both ends of which are part of it.
fn ranks_of(start: i64, end: i64, len: usize) -> std::ops::Range<usize> {
    let len = len as i64;
    let from_start = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let (start, end) = (from_start(start).max(0), from_start(end).min(len - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

/// An index.
///
/// # Errors
/// It is no number.
fn index_argument(word: &[u8]) -> Result<i64, CommandError> {
    parse_i64(word).ok_or(CommandError::NOT_INTEGER)
}
