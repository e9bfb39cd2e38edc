//! Counting and finding bits, a word at a time.

use std::ops::Range;

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

fn ones(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let of_words: u64 =
        words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    let of_rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    of_words as usize + of_rest as usize
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
    let (words, _) = bytes.as_chunks::<8>();
    let skipped = words.iter().take_while(|word| **word == [blank; 8]).count() * 8;
    bytes[skipped..].iter().position(|byte| *byte != blank).map(|at| skipped + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_set(bytes: &[u8], bit: usize) -> bool {
        bytes[bit / 8] & (0x80 >> (bit % 8)) != 0
    }

    #[test]
    fn any_range_is_counted_and_searched_as_bit_by_bit() {
        let sparse = |at: usize| if at % 11 == 10 { at as u8 } else { 0 };
        let patterns: [Vec<u8>; 3] = [
            (0..40u32).map(|at| ((at * 2_654_435) >> 8) as u8).collect(),
            (0..40).map(sparse).collect(),
            (0..40).map(|at| !sparse(at)).collect(),
        ];
        for bytes in &patterns {
            for start in 0..=bytes.len() * 8 {
                for end in start..=bytes.len() * 8 {
                    let expected = (start..end).filter(|&bit| is_set(bytes, bit)).count();
                    assert_eq!(count(bytes, start..end), expected, "{start}..{end}");
                    for wanted in [false, true] {
                        let expected = (start..end).find(|&bit| is_set(bytes, bit) == wanted);
                        assert_eq!(find(bytes, start..end, wanted), expected, "{start}..{end}");
                    }
                }
            }
        }
    }
}
