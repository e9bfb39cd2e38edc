//! The name of a node: 160 bits, written as 40 hexadecimal digits, as Redis Cluster's clients expect.

use std::fmt;
use std::str::FromStr;

/// Bytes of an id.
const ID_BYTES: usize = 20;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The name of a node for as long as its directory lives. Ordered, so that whoever must choose among
/// nodes chooses alike everywhere.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct NodeId(pub [u8; ID_BYTES]);

/// A text that is not 40 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is 40 hexadecimal digits")
    }
}

impl std::error::Error for NotAnId {}

impl FromStr for NodeId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<NodeId, NotAnId> {
        let digits = text.as_bytes();
        if digits.len() != 2 * ID_BYTES {
            return Err(NotAnId);
        }
        let mut id = [0; ID_BYTES];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(NodeId(id))
    }
}

fn digit(digit: u8) -> Result<u8, NotAnId> {
    let value = char::from(digit).to_digit(16).ok_or(NotAnId)?;
    Ok(value as u8)
}

/// Ids in the order of numbers, for made-up topologies.
impl From<u64> for NodeId {
    fn from(number: u64) -> NodeId {
        let mut id = [0; ID_BYTES];
        id[ID_BYTES - 8..].copy_from_slice(&number.to_be_bytes());
        NodeId(id)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 2 * ID_BYTES];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_is_written() {
        let id = NodeId(std::array::from_fn(|at| (at * 13) as u8));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 40);
        assert_eq!(NodeId::from(258).to_string(), format!("{:040x}", 258));
        assert_eq!("".parse::<NodeId>(), Err(NotAnId));
        assert_eq!("g".repeat(40).parse::<NodeId>(), Err(NotAnId));
        assert_eq!("é".repeat(20).parse::<NodeId>(), Err(NotAnId));
    }
}
