//! The keys and values of every benchmark: cheap to make, and checkable from the key alone.
//!
//! A key is the 16 hexadecimal digits of a mixed number, so neighbours share no prefix and no
//! slot. A value is its key, repeated and cut to length: a reply that belongs to another key, or
//! is damaged, is seen.

/// A key as it is sent.
pub(crate) type Key = [u8; KEY_BYTES];

/// The length of every key.
pub(crate) const KEY_BYTES: usize = 16;

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

/// The key of the `number`th item.
#[inline]
pub(crate) fn key(number: u64) -> Key {
    let mixed = mix(number.wrapping_add(GOLDEN)).to_be_bytes();
    let mut key = [0; KEY_BYTES];
    for (pair, byte) in key.chunks_exact_mut(2).zip(mixed) {
        pair.copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
    }
    key
}

/// Appends the value of `key`, `value_bytes` long.
#[inline]
pub(crate) fn append_value(key: &Key, value_bytes: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let end = start + value_bytes;
    out.extend_from_slice(&key[..value_bytes.min(KEY_BYTES)]);
    while out.len() < end {
        let chunk = (out.len() - start).min(end - out.len());
        out.extend_from_within(start..start + chunk);
    }
}

/// Whether `data` begins as the value of `key` and repeats it to its end.
#[inline]
pub(crate) fn is_value_of(key: &Key, data: &[u8]) -> bool {
    let head = data.len().min(KEY_BYTES);
    data[..head] == key[..head] && data[head..] == data[..data.len() - head]
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The splitmix64 sequence: a repeatable source of numbers, seeded, never the system's.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    /// The sequence of a seed.
    pub(crate) fn new(seed: u64) -> SplitMix {
        SplitMix(seed)
    }

    /// The next 64 bits.
    #[inline]
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `bound`, without a division.
    #[inline]
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in (0, 1].
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.draw() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

/// Whether item `number` is in the random half that the churn test deletes.
pub(crate) fn is_in_deleted_half(number: u64) -> bool {
    SplitMix::new(number ^ 0x5ca1_ab1e).draw() & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn splitmix_is_the_published_sequence() {
        let mut sequence = SplitMix::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| sequence.draw()).collect();
        let published = [6457827717110365317, 3203168211198807973, 9817491932198370423];
        assert_eq!(first, published);
    }

    #[test]
    fn keys_are_distinct_and_hexadecimal() {
        let keys: HashSet<Key> = (0..100_000).map(key).collect();
        assert_eq!(keys.len(), 100_000);
        assert!(keys.iter().flatten().all(u8::is_ascii_hexdigit));
    }

    #[test]
    fn a_value_is_known_by_its_key_at_any_length() {
        for value_bytes in [0, 1, 15, 16, 17, 64, 83, 1024, 1331] {
            let mut value = b"before".to_vec();
            append_value(&key(7), value_bytes, &mut value);
            let value = &value[6..];
            assert_eq!(value.len(), value_bytes);
            assert!(is_value_of(&key(7), value), "{value_bytes}");
            if let Some(last) = value_bytes.checked_sub(1) {
                assert!(!is_value_of(&key(8), value), "{value_bytes}");
                let mut damaged = value.to_vec();
                damaged[last] ^= 1;
                assert!(!is_value_of(&key(7), &damaged), "{value_bytes}");
            }
        }
    }

    #[test]
    fn the_deleted_half_is_a_half() {
        let deleted = (0..100_000).filter(|&number| is_in_deleted_half(number)).count();
        assert!((49_000..51_000).contains(&deleted), "{deleted}");
    }
}
