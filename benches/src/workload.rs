//! The keys and values of every benchmark: cheap to make, and checkable from the key alone.
//!
//! A key is the 16 hexadecimal digits of a mixed number, so neighbours share no prefix and no
//! slot. A value is its key, repeated and cut to length: a reply that belongs to another key, or
//! is damaged, is seen.

pub(crate) use skep_planner::random::SplitMix;
pub(crate) use skep_planner::trace::object::{KEY_BYTES, key};

/// A key as it is sent.
pub(crate) type Key = [u8; KEY_BYTES];

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

/// Whether item `number` is in the random half that the churn test deletes.
pub(crate) fn is_in_deleted_half(number: u64) -> bool {
    SplitMix::new(number ^ 0x5ca1_ab1e).draw() & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

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
