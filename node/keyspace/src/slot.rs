//! Which of the 16,384 slots a key belongs to: exactly Redis Cluster's rule, so that its
//! clients and ours agree on every key.
//!
//! Source: Redis Cluster specification, "Key distribution model" and "Hash tags".

use memchr::memchr;

/// Number of slots in the key space.
pub const SLOT_COUNT: usize = 16_384;

/// A slot number below [`SLOT_COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// Computes the slot of a key: CRC16 of the key, or of its hash tag, modulo 16,384.
    #[inline]
    pub fn of(key: &[u8]) -> Slot {
        Slot(crc16(hash_tag(key)) & (SLOT_COUNT as u16 - 1))
    }

    /// Wraps a number, or nothing when it is not a slot.
    pub fn new(number: u16) -> Option<Slot> {
        (usize::from(number) < SLOT_COUNT).then_some(Slot(number))
    }

    /// The slot's number.
    #[inline]
    pub fn number(self) -> u16 {
        self.0
    }
}

/// Returns the part of the key that decides its slot: what stands between the first `{` and
/// the next `}`, when that is not empty, else the whole key.
#[inline]
pub fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = memchr(b'{', key) else { return key };
    let tail = &key[open + 1..];
    match memchr(b'}', tail) {
        Some(0) | None => key,
        Some(close) => &tail[..close],
    }
}

/// CRC16/XMODEM: polynomial 0x1021, initial value 0, no reflection, no final xor.
///
/// Eight bytes a step ("slicing by 8": Kounavis and Berry, "Novel table lookup-based algorithms
/// for high-performance CRC generation", 2008), because the hash of a short key is on the path
/// of every command.
#[inline]
pub fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0u16;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let first = chunk[0] ^ (crc >> 8) as u8;
        let second = chunk[1] ^ (crc & 0xff) as u8;
        crc = TABLES[7][usize::from(first)]
            ^ TABLES[6][usize::from(second)]
            ^ TABLES[5][usize::from(chunk[2])]
            ^ TABLES[4][usize::from(chunk[3])]
            ^ TABLES[3][usize::from(chunk[4])]
            ^ TABLES[2][usize::from(chunk[5])]
            ^ TABLES[1][usize::from(chunk[6])]
            ^ TABLES[0][usize::from(chunk[7])];
    }
    for &byte in rest {
        crc = (crc << 8) ^ TABLES[0][usize::from((crc >> 8) as u8 ^ byte)];
    }
    crc
}

/// `TABLES[k][b]` is the CRC of byte `b` followed by `k` zero bytes.
static TABLES: [[u16; 256]; 8] = tables();

const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0u16; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let shorter = tables[table - 1][byte];
            tables[table][byte] = (shorter << 8) ^ tables[0][(shorter >> 8) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_crc16_xmodem_is_the_published_one() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn slots_are_those_redis_cluster_computes() {
        // Values of CLUSTER KEYSLOT.
        for (key, slot) in
            [("foo", 12_182), ("bar", 5_061), ("hello", 866), ("", 0), ("user:1000", 1_649)]
        {
            assert_eq!(Slot::of(key.as_bytes()).number(), slot, "{key}");
        }
    }

    #[test]
    fn only_a_non_empty_first_tag_decides_the_slot() {
        assert_eq!(hash_tag(b"{user1000}.following"), b"user1000");
        assert_eq!(hash_tag(b"foo{}{bar}"), b"foo{}{bar}");
        assert_eq!(hash_tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(hash_tag(b"foo{bar}{zap}"), b"bar");
        assert_eq!(hash_tag(b"foo{bar"), b"foo{bar");
    }

    #[test]
    fn eight_bytes_a_step_equals_one_byte_a_step() {
        let bytes: Vec<u8> = (0..100u32).map(|n| (n * 7 + 3) as u8).collect();
        for length in 0..bytes.len() {
            let slow = bytes[..length].iter().fold(0u16, |crc, &byte| {
                (crc << 8) ^ TABLES[0][usize::from((crc >> 8) as u8 ^ byte)]
            });
            assert_eq!(crc16(&bytes[..length]), slow, "length {length}");
        }
    }
}
