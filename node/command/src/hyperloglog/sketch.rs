//! The representation of a sketch, as Redis publishes it: a header and a dense or sparse body.
//!
//! ```text
//! "HYLL" | 0 dense, 1 sparse | 3 bytes of zeros | the last estimate, 8 bytes | body
//! ```
//! The estimate's lowest byte is first; its highest bit says that it is overtaken.

use super::hash::Spot;
use super::sparse::{self, Raised};
use super::{Corrupt, Histogram, Ranks, dense};
use crate::error::CommandError;

const NO_SKETCH: CommandError =
    CommandError::text("WRONGTYPE Key is not a valid HyperLogLog string value.");
const CORRUPT: CommandError = CommandError::text("INVALIDOBJ Corrupted HLL object detected");

const MAGIC: &[u8] = b"HYLL";
const BODY_AT: usize = 16;
const BODY_KIND_AT: usize = 4;
const ESTIMATE_AT: usize = 8;
/// Where the highest bit of the estimate is.
const OVERTAKEN_AT: usize = BODY_AT - 1;
const OVERTAKEN: u8 = 0x80;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// The longest sparse value, header included; as `hll-sparse-max-bytes` is in Redis.
const MAX_SPARSE_BYTES: usize = 3000;

impl From<Corrupt> for CommandError {
    fn from(_: Corrupt) -> CommandError {
        CORRUPT
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyKind {
    Dense,
    Sparse,
}

/// A value that has a sketch's header and, if it is dense, a sketch's length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sketch<'a> {
    kind: BodyKind,
    value: &'a [u8],
}

impl<'a> Sketch<'a> {
    /// Reads a value as a sketch.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn of(value: &'a [u8]) -> Result<Sketch<'a>, CommandError> {
        if value.len() < BODY_AT || !value.starts_with(MAGIC) {
            return Err(NO_SKETCH);
        }
        let kind = match value[BODY_KIND_AT] {
            DENSE if value.len() == BODY_AT + dense::BODY_BYTES => BodyKind::Dense,
            SPARSE => BodyKind::Sparse,
            _ => return Err(NO_SKETCH),
        };
        Ok(Sketch { kind, value })
    }

    pub(super) fn is_dense(&self) -> bool {
        self.kind == BodyKind::Dense
    }

    fn body(&self) -> &'a [u8] {
        &self.value[BODY_AT..]
    }

    /// The last estimate, unless it is overtaken.
    pub(super) fn last_estimate(&self) -> Option<u64> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.value[ESTIMATE_AT..BODY_AT]);
        (self.value[OVERTAKEN_AT] & OVERTAKEN == 0).then_some(u64::from_le_bytes(bytes))
    }

    /// Whether a spot's register has a lower rank.
    pub(super) fn is_raised_by(&self, spot: Spot) -> Result<bool, Corrupt> {
        match self.kind {
            BodyKind::Dense => Ok(dense::get(self.body(), spot.register) < spot.rank),
            BodyKind::Sparse => sparse::is_raised_by(self.body(), spot),
        }
    }

    /// Raises ranks to those of the sketch.
    pub(super) fn merge_into(&self, ranks: &mut Ranks) -> Result<(), Corrupt> {
        match self.kind {
            BodyKind::Dense => {
                dense::merge_into(self.body(), ranks);
                Ok(())
            }
            BodyKind::Sparse => sparse::merge_into(self.body(), ranks),
        }
    }

    /// Counts ranks.
    pub(super) fn histogram(&self) -> Result<Histogram, Corrupt> {
        match self.kind {
            BodyKind::Dense => Ok(dense::histogram(self.body())),
            BodyKind::Sparse => sparse::histogram(self.body()),
        }
    }
}

/// Makes an empty value a sketch without elements.
pub(super) fn create(value: &mut Vec<u8>) {
    value.extend_from_slice(MAGIC);
    value.extend_from_slice(&[SPARSE, 0, 0, 0]);
    value.extend_from_slice(&[0; BODY_AT - ESTIMATE_AT]);
    value.extend_from_slice(&sparse::EMPTY);
}

/// Raises a register of a sketch, which becomes dense when it must.
///
/// # Errors
/// The body is no valid one; nothing has changed.
pub(super) fn raise(value: &mut Vec<u8>, spot: Spot) -> Result<(), Corrupt> {
    if value[BODY_KIND_AT] == SPARSE {
        match sparse::raise(value, BODY_AT, spot, MAX_SPARSE_BYTES)? {
            Raised::Yes | Raised::No => return Ok(()),
            Raised::NeedsDense => make_dense(value)?,
        }
    }
    let body = &mut value[BODY_AT..];
    let rank = dense::get(body, spot.register).max(spot.rank);
    dense::set(body, spot.register, rank);
    Ok(())
}

/// Makes a sketch dense.
///
/// # Errors
/// The body is no valid one; nothing has changed.
fn make_dense(value: &mut Vec<u8>) -> Result<(), Corrupt> {
    let mut ranks = [0; super::REGISTERS];
    sparse::merge_into(&value[BODY_AT..], &mut ranks)?;
    write_dense(value, &ranks);
    Ok(())
}

/// Makes a sketch a dense one with these ranks.
pub(super) fn write_dense(value: &mut Vec<u8>, ranks: &Ranks) {
    value[BODY_KIND_AT] = DENSE;
    let len = BODY_AT + dense::BODY_BYTES;
    value.reserve_exact(len.saturating_sub(value.len()));
    value.resize(len, 0);
    dense::set_all(&mut value[BODY_AT..], ranks);
}

/// Notes an estimate.
pub(super) fn note_estimate(value: &mut [u8], estimate: u64) {
    value[ESTIMATE_AT..BODY_AT].copy_from_slice(&estimate.to_le_bytes());
}

/// Notes that the estimate is overtaken.
pub(super) fn overtake_estimate(value: &mut [u8]) {
    value[OVERTAKEN_AT] |= OVERTAKEN;
}
