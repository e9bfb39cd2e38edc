//! The dense body of a sketch: all registers, six bits each, four in three bytes, the lowest bits
//! first.

use super::{Histogram, REGISTERS, Ranks};

/// Bytes of a dense body.
pub(super) const BODY_BYTES: usize = REGISTERS * 6 / 8;

/// The rank in a register.
///
/// # Panics
/// The body has another length, or there is no such register.
pub(super) fn get(body: &[u8], register: usize) -> u8 {
    unpack(group(body, register / 4))[register % 4]
}

/// Writes a rank to a register.
///
/// # Panics
/// As [`get`].
pub(super) fn set(body: &mut [u8], register: usize, rank: u8) {
    let number = register / 4;
    let mut ranks = unpack(group(body, number));
    ranks[register % 4] = rank;
    body[number * 3..][..3].copy_from_slice(&pack(ranks));
}

/// Raises ranks to those of a body.
pub(super) fn merge_into(body: &[u8], ranks: &mut Ranks) {
    let (groups, _) = body.as_chunks::<3>();
    let (fours, _) = ranks.as_chunks_mut::<4>();
    for (group, four) in groups.iter().zip(fours) {
        let theirs = unpack(*group);
        *four = std::array::from_fn(|at| four[at].max(theirs[at]));
    }
}

/// Counts ranks.
pub(super) fn histogram(body: &[u8]) -> Histogram {
    // Neighbours are counted apart: most ranks are alike, and the count of one would wait for the
    // other's.
    let mut counts = [[0; 64]; 4];
    let (groups, _) = body.as_chunks::<3>();
    for group in groups {
        let ranks = unpack(*group);
        counts.iter_mut().zip(ranks).for_each(|(counts, rank)| counts[usize::from(rank)] += 1);
    }
    std::array::from_fn(|rank| counts.iter().map(|counts| counts[rank]).sum())
}

/// Writes all ranks to a body.
pub(super) fn set_all(body: &mut [u8], ranks: &Ranks) {
    let (groups, _) = body.as_chunks_mut::<3>();
    let (fours, _) = ranks.as_chunks::<4>();
    groups.iter_mut().zip(fours).for_each(|(group, four)| *group = pack(*four));
}

fn group(body: &[u8], number: usize) -> [u8; 3] {
    let at = number * 3;
    [body[at], body[at + 1], body[at + 2]]
}

#[inline]
fn unpack([low, middle, high]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_le_bytes([low, middle, high, 0]);
    [0, 6, 12, 18].map(|shift| (bits >> shift & 63) as u8)
}

fn pack(ranks: [u8; 4]) -> [u8; 3] {
    let bits = ranks.iter().rev().fold(0u32, |bits, rank| bits << 6 | u32::from(rank & 63));
    let [low, middle, high, _] = bits.to_le_bytes();
    [low, middle, high]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_packed_lowest_bits_first_and_do_not_touch_each_other() {
        let mut body = vec![0; BODY_BYTES];
        let mut ranks = [0; REGISTERS];
        for register in (0..REGISTERS).rev() {
            ranks[register] = (register * 7 % 64) as u8;
            set(&mut body, register, ranks[register]);
        }
        assert_eq!(body[..3], [0b1100_0000, 0b1110_0001, 0b0101_0100]);
        let mut written = vec![0xff; BODY_BYTES];
        set_all(&mut written, &ranks);
        assert_eq!(body, written);
        assert!((0..REGISTERS).all(|register| get(&body, register) == ranks[register]));
        let mut merged = [9; REGISTERS];
        merge_into(&body, &mut merged);
        assert_eq!(merged, ranks.map(|rank| rank.max(9)));
        assert_eq!(histogram(&body), [256; 64]);
    }
}
