//! Lengths in entries: seven bits a byte, the lowest first.

/// Writes a length.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, length: usize) {
    let mut rest = length;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Reads a length. Answers it and how many bytes it took.
#[inline]
pub(super) fn read(bytes: &[u8]) -> (usize, usize) {
    match bytes {
        [first, ..] if *first < 128 => (usize::from(*first), 1),
        _ => read_long(bytes),
    }
}

/// Reads a length from bytes that may be no length. Answers it and how many bytes it took.
pub(super) fn checked(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.iter().take(9).position(|byte| *byte < 128)?;
    Some(read(&bytes[..=end]))
}

fn read_long(bytes: &[u8]) -> (usize, usize) {
    let mut length = 0;
    for (at, byte) in bytes.iter().enumerate() {
        length |= usize::from(byte & 127) << (7 * at);
        if *byte < 128 {
            return (length, at + 1);
        }
    }
    (0, bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_come_back_as_they_were_written() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 1 << 20, (1 << 29) + 5] {
            let mut out = Vec::new();
            write(&mut out, length);
            out.push(7);
            assert_eq!(read(&out), (length, out.len() - 1));
        }
    }
}
