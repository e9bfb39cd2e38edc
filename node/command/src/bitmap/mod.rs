//! Bitmaps: strings as rows of bits, of which the first is the highest bit of the first byte.
//!
//! What lies beyond a string's end counts as zeros. Reading never creates a key; writing lengthens a
//! string up to the byte it needs, within the server's limit for values.

pub(crate) mod bit;
pub(crate) mod combine;
pub(crate) mod field;
mod integer;
pub(crate) mod search;
mod words;

use skep_resp::parse_i64;

use crate::cx::Cx;
use crate::error::CommandError;
use crate::string::range::make_room;

const OFFSET_RANGE: CommandError =
    CommandError::text("ERR bit offset is not an integer or out of range");

/// Reads the number of a bit, whose byte must be one that a value may have. `#number` counts in
/// steps of `step_bits`, where there are such.
fn offset_of(cx: &Cx<'_>, text: &[u8], step_bits: Option<u32>) -> Result<usize, CommandError> {
    let (digits, step_bits) = match (text.strip_prefix(b"#"), step_bits) {
        (Some(digits), Some(step_bits)) => (digits, step_bits),
        _ => (text, 1),
    };
    parse_i64(digits)
        .and_then(|number| number.checked_mul(i64::from(step_bits)))
        .and_then(|bit| usize::try_from(bit).ok())
        .filter(|bit| bit / 8 < cx.server.max_value_bytes())
        .ok_or(OFFSET_RANGE)
}

/// Lengthens a value with zeros to at least `len_bytes`.
fn lengthen(bytes: &mut Vec<u8>, len_bytes: usize) {
    if bytes.len() < len_bytes {
        make_room(bytes, len_bytes - bytes.len());
        bytes.resize(len_bytes, 0);
    }
}
