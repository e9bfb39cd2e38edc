//! Passwords as they are kept: SHA-256 without salt, as Redis keeps them, so that users can be
//! moved between the two.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A password's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PasswordHash([u8; 32]);

impl PasswordHash {
    pub(super) fn of(password: &[u8]) -> PasswordHash {
        PasswordHash(Sha256::digest(password).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub(super) fn parse(digits: &[u8]) -> Option<PasswordHash> {
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(PasswordHash(hash))
    }

    /// Compares in a time that does not depend on where they differ.
    pub(super) fn is(&self, other: &PasswordHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(super) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::PasswordHash;

    #[test]
    fn a_hash_reads_back_and_is_that_of_redis() {
        let hash = PasswordHash::of(b"apppassword");
        let hex = "b533b48adf3ff64073e480ef7cac3b016ebe423fa14b6fc86f98b572bdd696f1";
        assert_eq!(hash.hex(), hex);
        let read = PasswordHash::parse(hex.as_bytes()).expect("it is a hash");
        assert!(read.is(&hash) && !read.is(&PasswordHash::of(b"other")));
        let upper = hex.to_ascii_uppercase();
        for wrong in ["", &hex[1..], &upper, &format!("{hex}0")] {
            assert_eq!(PasswordHash::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
