//! What a trace does not say of its objects: the key of a numbered one, and a size for those
//! without one.
//!
//! Both are fixed functions of the number, so that every run, and a node that the trace is
//! replayed to, sees the same keys and sizes.

use crate::random::{SplitMix, mix};

/// The length of the key of a numbered object.
pub const KEY_BYTES: usize = 16;

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const SIZE_MEDIAN_BYTES: f64 = 700.0;
const SIZE_SIGMA: f64 = 0.9;
const SIZE_MIN_BYTES: f64 = 64.0;
const SIZE_MAX_BYTES: f64 = 8192.0;

const HEX_PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte / 16], digits[byte % 16]];
        byte += 1;
    }
    pairs
};

/// The key of a numbered object: 16 hexadecimal digits of its mixed number, so that neighbours
/// share no prefix and no slot.
#[inline]
pub fn key(number: u64) -> [u8; KEY_BYTES] {
    let mixed = mix(number.wrapping_add(GOLDEN)).to_be_bytes();
    let mut key = [0; KEY_BYTES];
    for (pair, byte) in key.chunks_exact_mut(2).zip(mixed) {
        pair.copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
    }
    key
}

/// The size of an object without one: log-normal with median 700 B and sigma 0.9, cut to 64 to
/// 8192 B, by Box and Muller from two draws of its number. Popularity plays no part in it, which
/// flatters policies that look at sizes: say so beside any figure.
#[inline]
pub fn size_of(number: u64) -> u32 {
    let mut draws = SplitMix::new(number);
    let (first, second) = (draws.unit(), draws.unit());
    let normal = (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos();
    let bytes = SIZE_MEDIAN_BYTES * (SIZE_SIGMA * normal).exp();
    bytes.clamp(SIZE_MIN_BYTES, SIZE_MAX_BYTES) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_are_distinct_and_hexadecimal() {
        let keys: HashSet<_> = (0..100_000).map(key).collect();
        assert_eq!(keys.len(), 100_000);
        assert!(keys.iter().flatten().all(u8::is_ascii_hexdigit));
    }

    #[test]
    fn sizes_have_the_median_the_spread_and_the_bounds_agreed() {
        let mut sizes: Vec<u32> = (0..100_000).map(size_of).collect();
        sizes.sort_unstable();
        let at = |share: f64| f64::from(sizes[(share * sizes.len() as f64) as usize]);
        assert!((at(0.5) / 700.0 - 1.0).abs() < 0.02, "{}", at(0.5));
        // One sigma above the median of a log-normal.
        assert!((at(0.8413) / (700.0 * 0.9f64.exp()) - 1.0).abs() < 0.02, "{}", at(0.8413));
        assert!(sizes[0] >= 64 && sizes[sizes.len() - 1] == 8192, "{}", sizes[0]);
    }
}
