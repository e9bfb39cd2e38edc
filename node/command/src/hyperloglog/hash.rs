//! Where an element belongs, by its hash.

use super::REGISTERS;

const SEED: u64 = 0xadc8_3b19;
/// The multiplier and shift that MurmurHash2 mixes with.
const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
const SHIFT: u32 = 47;

/// A register and the rank that an element gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) register: usize,
    /// 1 to 51: one more than the zeros before the first one.
    pub(super) rank: u8,
}

impl Spot {
    /// The spot of an element.
    pub(super) fn of(element: &[u8]) -> Spot {
        let hash = murmur(element);
        let register = hash as usize % REGISTERS;
        // The bit behind those of the hash ends a run of nothing but zeros.
        let bits = hash >> REGISTERS.ilog2() | 1 << (u64::BITS - REGISTERS.ilog2());
        Spot { register, rank: bits.trailing_zeros() as u8 + 1 }
    }
}

/// MurmurHash2 with 64 bits, for 64-bit machines, by Austin Appleby: the variant called `64A`,
/// reading words with the lowest byte first.
fn murmur(bytes: &[u8]) -> u64 {
    let mix = |word: u64| {
        let word = word.wrapping_mul(MULTIPLIER);
        (word ^ word >> SHIFT).wrapping_mul(MULTIPLIER)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let seed = SEED ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let mut hash = words
        .iter()
        .fold(seed, |hash, word| (hash ^ mix(u64::from_le_bytes(*word))).wrapping_mul(MULTIPLIER));
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_has_a_register_and_a_rank() {
        for number in 0..10_000u32 {
            let spot = Spot::of(&number.to_le_bytes()[..number as usize % 5]);
            assert!(spot.register < REGISTERS && (1..=51).contains(&spot.rank), "{spot:?}");
        }
    }
}
