//! Conditions on what a key holds at present, so that locks and optimistic updates need no
//! script.
//!
//! A digest stands for a value in 16 hexadecimal digits. Its hash (XXH3, 64 bits, seed 0) finds
//! changes; it is no proof against people who look for collisions.

use skep_store::WrongType;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::CommandError;

const DIGEST_DIGITS: usize = 16;
const INVALID_DIGEST: CommandError =
    CommandError::text("ERR digest must be exactly 16 hexadecimal characters");

/// What must be true of a key for a command to take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition<'a> {
    /// `NX`: it is not there.
    Absent,
    /// `XX`: it is there.
    Present,
    /// `IFEQ value`: it is there and holds this.
    Equal(&'a [u8]),
    /// `IFNE value`: it does not hold this, or is not there.
    Unequal(&'a [u8]),
    /// `IFDEQ digest`: it is there and its value has this digest.
    DigestEqual(&'a [u8]),
    /// `IFDNE digest`: its value does not have this digest, or it is not there.
    DigestUnequal(&'a [u8]),
}

impl<'a> Condition<'a> {
    /// The comparison that a word and its argument name, if the word is one.
    pub(crate) fn comparison(word: &[u8], with: &'a [u8]) -> Option<Condition<'a>> {
        let make = if word.eq_ignore_ascii_case(b"IFEQ") {
            Condition::Equal
        } else if word.eq_ignore_ascii_case(b"IFNE") {
            Condition::Unequal
        } else if word.eq_ignore_ascii_case(b"IFDEQ") {
            Condition::DigestEqual
        } else if word.eq_ignore_ascii_case(b"IFDNE") {
            Condition::DigestUnequal
        } else {
            return None;
        };
        Some(make(with))
    }

    /// Whether it is true of a key that holds `value`, or is not there.
    ///
    /// # Errors
    /// The key holds no string to compare with, or the digest has a wrong length. Nobody looks at it when the key is missing.
    pub(crate) fn holds(
        self,
        value: Option<Result<&[u8], WrongType>>,
    ) -> Result<bool, CommandError> {
        let Some(value) = value else {
            return Ok(match self {
                Condition::Absent | Condition::Unequal(_) | Condition::DigestUnequal(_) => true,
                Condition::Present | Condition::Equal(_) | Condition::DigestEqual(_) => false,
            });
        };
        match self {
            Condition::Absent => Ok(false),
            Condition::Present => Ok(true),
            Condition::Equal(other) => Ok(value? == other),
            Condition::Unequal(other) => Ok(value? != other),
            Condition::DigestEqual(other) => has_digest(value?, other),
            Condition::DigestUnequal(other) => has_digest(value?, other).map(|equal| !equal),
        }
    }
}

fn has_digest(value: &[u8], digits: &[u8]) -> Result<bool, CommandError> {
    if digits.len() != DIGEST_DIGITS {
        return Err(INVALID_DIGEST);
    }
    Ok(digest(value).as_bytes().eq_ignore_ascii_case(digits))
}

/// The digest of a value.
pub(crate) fn digest(value: &[u8]) -> String {
    format!("{:0width$x}", xxh3_64(value), width = DIGEST_DIGITS)
}
