//! The sparse body of a sketch: runs of registers with the same rank.
//!
//! A run takes a byte, or two where there are many zeros:
//!
//! ```text
//! 00llllll            l + 1 registers without an element
//! 01llllll llllllll   the same, higher bits of l first
//! 1rrrrrll            l + 1 registers with rank r + 1
//! ```

use super::hash::Spot;
use super::{Corrupt, Histogram, REGISTERS, Ranks};

/// The body without any element.
pub(super) const EMPTY: [u8; 2] = [0x7f, 0xff];
/// The highest rank that a run can tell.
const MAX_RANK: u8 = 32;
/// Most registers of a run with a rank.
const MAX_RANKED: usize = 4;
/// Most registers of a run without one that takes one byte.
const MAX_SHORT: usize = 64;
/// How many runs are looked at when equal neighbours are joined: those that have changed, and one
/// before and behind.
const JOINED_RUNS: usize = 5;
/// Most bytes that the replacement of a run takes.
const MAX_REPLACEMENT_BYTES: usize = 5;

/// What came of raising a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was as high already.
    No,
    Yes,
    /// The rank or the body would be too large: nothing has changed.
    NeedsDense,
}

/// A run of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// 0 for registers without an element.
    rank: u8,
    /// How many registers.
    len: usize,
    /// Bytes that it takes.
    bytes: usize,
}

impl Run {
    /// The run at the front of a body.
    fn first(body: &[u8]) -> Option<Run> {
        let (&byte, rest) = body.split_first()?;
        let low = usize::from(byte & 0x3f);
        Some(match byte >> 6 {
            0 => Run { rank: 0, len: low + 1, bytes: 1 },
            1 => Run { rank: 0, len: (low << 8 | usize::from(*rest.first()?)) + 1, bytes: 2 },
            _ => Run { rank: (byte >> 2 & 0x1f) + 1, len: usize::from(byte & 3) + 1, bytes: 1 },
        })
    }

    /// Writes a run that is not empty.
    fn write(rank: u8, len: usize, out: &mut Vec<u8>) {
        match len.checked_sub(1) {
            None => {}
            Some(low) if rank > 0 => out.push(0x80 | (rank - 1) << 2 | low as u8),
            Some(low) if len <= MAX_SHORT => out.push(low as u8),
            Some(low) => out.extend([0x40 | (low >> 8) as u8, low as u8]),
        }
    }
}

/// Calls `visit` with each run's first register, length and rank.
///
/// # Errors
/// The runs are not of all registers.
fn each_run(body: &[u8], mut visit: impl FnMut(usize, usize, u8)) -> Result<(), Corrupt> {
    let (mut rest, mut first) = (body, 0);
    while !rest.is_empty() {
        let run = Run::first(rest).filter(|run| first + run.len <= REGISTERS).ok_or(Corrupt)?;
        visit(first, run.len, run.rank);
        first += run.len;
        rest = &rest[run.bytes..];
    }
    if first == REGISTERS { Ok(()) } else { Err(Corrupt) }
}

/// Raises ranks to those of a body.
///
/// # Errors
/// The body is no valid one.
pub(super) fn merge_into(body: &[u8], ranks: &mut Ranks) -> Result<(), Corrupt> {
    each_run(body, |first, len, rank| {
        ranks[first..first + len].iter_mut().for_each(|ours| *ours = rank.max(*ours));
    })
}

/// Counts ranks.
///
/// # Errors
/// The body is no valid one.
pub(super) fn histogram(body: &[u8]) -> Result<Histogram, Corrupt> {
    let mut counts = [0; 64];
    each_run(body, |_, len, rank| counts[usize::from(rank)] += len as u32)?;
    Ok(counts)
}

/// Where the run of a register is.
struct Place {
    run: Run,
    /// The run's first register.
    first: usize,
    /// Where it begins in the body.
    at: usize,
    /// Where the run before it begins, or the same.
    previous_at: usize,
}

fn place_of(body: &[u8], register: usize) -> Result<Place, Corrupt> {
    let (mut first, mut at, mut previous_at) = (0, 0, 0);
    loop {
        let run = Run::first(&body[at..]).ok_or(Corrupt)?;
        if register < first + run.len {
            return Ok(Place { run, first, at, previous_at });
        }
        first += run.len;
        previous_at = at;
        at += run.bytes;
    }
}

/// Whether a spot's register has a lower rank.
///
/// # Errors
/// The body ends before that register.
pub(super) fn is_raised_by(body: &[u8], spot: Spot) -> Result<bool, Corrupt> {
    Ok(place_of(body, spot.register)?.run.rank < spot.rank)
}

/// Raises a register in the body that begins at `begin` of a value, which may grow to `max_bytes`.
/// Runs are split and joined exactly as in Redis, so equal additions make equal bytes.
///
/// # Errors
/// The body ends before that register; nothing has changed.
pub(super) fn raise(
    value: &mut Vec<u8>,
    begin: usize,
    spot: Spot,
    max_bytes: usize,
) -> Result<Raised, Corrupt> {
    if spot.rank > MAX_RANK {
        return Ok(Raised::NeedsDense);
    }
    let Place { run, first, at, previous_at } = place_of(&value[begin..], spot.register)?;
    if run.rank >= spot.rank {
        return Ok(Raised::No);
    }
    let mut replacement = Vec::with_capacity(MAX_REPLACEMENT_BYTES);
    Run::write(run.rank, spot.register - first, &mut replacement);
    Run::write(spot.rank, 1, &mut replacement);
    Run::write(run.rank, first + run.len - 1 - spot.register, &mut replacement);
    let len = value.len() - run.bytes + replacement.len();
    if len > value.len() && len > max_bytes {
        return Ok(Raised::NeedsDense);
    }
    value.splice(begin + at..begin + at + run.bytes, replacement);
    join(value, begin + previous_at);
    Ok(Raised::Yes)
}

/// Joins neighbours with the same rank, as far as one run can tell them, in the few runs from `at`
/// on.
fn join(value: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOINED_RUNS {
        let Some(run) = value.get(at..).and_then(Run::first) else { return };
        let next = Run::first(&value[at + run.bytes..]);
        let next = next.filter(|next| run.rank > 0 && next.rank == run.rank);
        match next.map(|next| run.len + next.len).filter(|len| *len <= MAX_RANKED) {
            Some(len) => {
                value.remove(at);
                value[at] = 0x80 | (run.rank - 1) << 2 | (len - 1) as u8;
            }
            None => at += run.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(spots: &[(usize, u8)]) -> Vec<u8> {
        let mut body = EMPTY.to_vec();
        for &(register, rank) in spots {
            let raised = raise(&mut body, 0, Spot { register, rank }, 3000);
            assert_eq!(raised, Ok(Raised::Yes), "{register} to {rank}");
        }
        body
    }

    #[test]
    fn runs_are_split_where_a_rank_is_raised() {
        assert_eq!(raised(&[(0, 1)]), [0x80, 0x7f, 0xfe]);
        assert_eq!(raised(&[(10, 32)]), [0x09, 0xfc, 0x7f, 0xf4]);
        assert_eq!(raised(&[(16_383, 2)]), [0x7f, 0xfe, 0x84]);
        assert_eq!(raised(&[(64, 1), (0, 1)]), [0x80, 0x3e, 0x80, 0x7f, 0xbe]);
    }

    #[test]
    fn equal_neighbours_are_joined_up_to_four() {
        assert_eq!(raised(&[(0, 3), (1, 3), (2, 3), (3, 3)]), [0x8b, 0x7f, 0xfb]);
        assert_eq!(raised(&[(0, 3), (2, 3), (1, 3)]), [0x8a, 0x7f, 0xfc]);
        let five = raised(&[(0, 3), (1, 3), (2, 3), (3, 3), (4, 3)]);
        assert_eq!(five, [0x8b, 0x88, 0x7f, 0xfa]);
        assert_eq!(raised(&[(0, 3), (1, 3), (2, 3), (1, 4)]), [0x88, 0x8c, 0x88, 0x7f, 0xfc]);
    }

    #[test]
    fn any_order_of_additions_makes_the_highest_ranks() {
        let mut body = EMPTY.to_vec();
        let mut ranks = [0; REGISTERS];
        for step in 0..4000usize {
            let spot = Spot { register: step * 31 % 600, rank: (step * step % 32) as u8 + 1 };
            let is_raise = ranks[spot.register] < spot.rank;
            assert_eq!(is_raised_by(&body, spot), Ok(is_raise));
            let expected = if is_raise { Raised::Yes } else { Raised::No };
            assert_eq!(raise(&mut body, 0, spot, 3000), Ok(expected));
            ranks[spot.register] = ranks[spot.register].max(spot.rank);
        }
        let mut merged = [0; REGISTERS];
        assert_eq!(merge_into(&body, &mut merged), Ok(()));
        assert_eq!(merged, ranks);
    }

    #[test]
    fn what_a_sparse_body_cannot_hold_needs_a_dense_one_and_changes_nothing() {
        let mut body = EMPTY.to_vec();
        let too_high = Spot { register: 1, rank: 33 };
        assert_eq!(raise(&mut body, 0, too_high, 3000), Ok(Raised::NeedsDense));
        let spot = Spot { register: 1, rank: 1 };
        assert_eq!(raise(&mut body, 0, spot, 3), Ok(Raised::NeedsDense));
        assert_eq!(body, EMPTY);
        assert_eq!(raise(&mut body, 0, spot, 4), Ok(Raised::Yes));
    }

    #[test]
    fn runs_that_do_not_add_up_are_corrupt() {
        let last = Spot { register: REGISTERS - 1, rank: 1 };
        for body in [&[][..], &[0x7f], &[0x7f, 0xfe], &[0x7f, 0xff, 0x00], &[0x00], &[0x7e, 0xff]] {
            assert_eq!(histogram(body), Err(Corrupt), "{body:?}");
            assert_eq!(merge_into(body, &mut [0; REGISTERS]), Err(Corrupt), "{body:?}");
        }
        assert_eq!(raise(&mut vec![0x7f, 0xfe], 0, last, 3000), Err(Corrupt));
        assert_eq!(is_raised_by(&[0x40], last), Err(Corrupt));
    }
}
