//! Counting and finding bits, a word at a time.

use std::ops::Range;

/// 64-bit words that are worked on at once.
const LANES: usize = 4;
type Word = [u64; LANES];
const WORD_BYTES: usize = LANES * 8;
/// Words that are added before bits are counted.
const ADDED: usize = 8;
const BLOCK_BYTES: usize = WORD_BYTES * ADDED;
/// Bytes that are compared with blank ones at once.
const CHUNK_BYTES: usize = 64;

/// How many bits of a range are one.
///
/// # Panics
/// The range reaches beyond the bytes.
pub(super) fn count(bytes: &[u8], bits: Range<usize>) -> usize {
    if bits.is_empty() {
        return 0;
    }
    let end = bits.end - 1;
    let bytes = &bytes[bits.start / 8..=end / 8];
    let before = bytes[0] & !(0xff >> (bits.start % 8));
    let behind = bytes[bytes.len() - 1] & (0x7f >> (end % 8));
    ones(bytes) - (before.count_ones() + behind.count_ones()) as usize
}

/// Counts ones as Harley and Seal do (Warren, "Hacker's Delight", section 5-1): words are added bit
/// by bit first, so that only one of [`ADDED`] has its bits counted. Several stand beside each
/// other in vector registers.
fn ones(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
    let (mut ones, mut twos, mut fours) = ([0; LANES], [0; LANES], [0; LANES]);
    let mut eights = 0;
    for block in blocks {
        let (words, _) = block.as_chunks::<WORD_BYTES>();
        let words: [Word; ADDED] = std::array::from_fn(|at| word_of(&words[at]));
        let [a, b, c, d, e, f, g, h] = words;
        let (two_a, one) = add(ones, a, b);
        let (two_b, one) = add(one, c, d);
        let (four_a, two) = add(twos, two_a, two_b);
        let (two_a, one) = add(one, e, f);
        let (two_b, one) = add(one, g, h);
        let (four_b, two) = add(two, two_a, two_b);
        let (eight, four) = add(fours, four_a, four_b);
        (ones, twos, fours) = (one, two, four);
        eights += ones_of(eight);
    }
    let of_blocks = 8 * eights + 4 * ones_of(fours) + 2 * ones_of(twos) + ones_of(ones);
    let of_rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    of_blocks as usize + of_rest as usize
}

#[inline(always)]
fn word_of(bytes: &[u8; WORD_BYTES]) -> Word {
    let (lanes, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|lane| u64::from_ne_bytes(lanes[lane]))
}

/// Adds three words bit by bit: answers the bits carried and those that stay.
#[inline(always)]
fn add(a: Word, b: Word, c: Word) -> (Word, Word) {
    let carried = |lane: usize| a[lane] & b[lane] | (a[lane] ^ b[lane]) & c[lane];
    (std::array::from_fn(carried), std::array::from_fn(|lane| a[lane] ^ b[lane] ^ c[lane]))
}

#[inline(always)]
fn ones_of(word: Word) -> u64 {
    word.iter().map(|lane| u64::from(lane.count_ones())).sum()
}

/// The first bit of a range that is `bit`.
///
/// # Panics
/// The range reaches beyond the bytes.
pub(super) fn find(bytes: &[u8], bits: Range<usize>, bit: bool) -> Option<usize> {
    if bits.is_empty() {
        return None;
    }
    let blank: u8 = if bit { 0 } else { 0xff };
    let first = bits.start / 8;
    let bytes = &bytes[first..=(bits.end - 1) / 8];
    // Bits that are not blank: those looked for.
    let head = (bytes[0] ^ blank) & (0xff >> (bits.start % 8));
    let (at, wanted) = match head {
        0 => {
            let at = 1 + skip(&bytes[1..], blank)?;
            (at, bytes[at] ^ blank)
        }
        head => (0, head),
    };
    let found = (first + at) * 8 + wanted.leading_zeros() as usize;
    (found < bits.end).then_some(found)
}

/// The first byte that is not blank.
fn skip(bytes: &[u8], blank: u8) -> Option<usize> {
    let is_blank =
        |chunk: &&[u8; CHUNK_BYTES]| chunk.iter().fold(0, |all, byte| all | byte ^ blank) == 0;
    let (chunks, _) = bytes.as_chunks::<CHUNK_BYTES>();
    let skipped = chunks.iter().take_while(is_blank).count() * CHUNK_BYTES;
    bytes[skipped..].iter().position(|byte| *byte != blank).map(|at| skipped + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_set(bytes: &[u8], bit: usize) -> bool {
        bytes[bit / 8] & (0x80 >> (bit % 8)) != 0
    }

    fn patterns(len: usize) -> [Vec<u8>; 3] {
        let mixed = |at: usize| ((at as u32).wrapping_mul(2_654_435_761) >> 13) as u8;
        let sparse = |at: usize| if at % 211 == 210 { at as u8 } else { 0 };
        let nearly_full = |at: usize| !sparse(at);
        [
            (0..len).map(mixed).collect(),
            (0..len).map(sparse).collect(),
            (0..len).map(nearly_full).collect(),
        ]
    }

    #[test]
    fn any_range_is_counted_and_searched_as_bit_by_bit() {
        for bytes in patterns(40) {
            for start in 0..=bytes.len() * 8 {
                for end in start..=bytes.len() * 8 {
                    let expected = (start..end).filter(|&bit| is_set(&bytes, bit)).count();
                    assert_eq!(count(&bytes, start..end), expected, "{start}..{end}");
                    for wanted in [false, true] {
                        let expected = (start..end).find(|&bit| is_set(&bytes, bit) == wanted);
                        assert_eq!(find(&bytes, start..end, wanted), expected, "{start}..{end}");
                    }
                }
            }
        }
    }

    #[test]
    fn long_bitmaps_are_counted_and_searched_as_bit_by_bit() {
        for bytes in patterns(3000) {
            for start in (0..24_000).step_by(997) {
                for end in (start..24_000).step_by(1009) {
                    let expected = (start..end).filter(|&bit| is_set(&bytes, bit)).count();
                    assert_eq!(count(&bytes, start..end), expected, "{start}..{end}");
                    for wanted in [false, true] {
                        let expected = (start..end).find(|&bit| is_set(&bytes, bit) == wanted);
                        assert_eq!(find(&bytes, start..end, wanted), expected, "{start}..{end}");
                    }
                }
            }
        }
    }
}
