//! How many elements there were, by the ranks they left: the estimator of Ertl 2017, sections 2.3
//! to 2.5 and algorithm 6, which needs no correction for small or large numbers.

use super::{Histogram, REGISTERS};

/// Bits of a hash that ranks are made of.
const RANK_BITS: usize = u64::BITS as usize - REGISTERS.ilog2() as usize;
/// 1 / (2 ln 2), what the factor that makes up for the bias of the mean tends to.
const BIAS: f64 = 0.721_347_520_444_481_7;

/// The estimate.
pub(super) fn estimate(histogram: &Histogram) -> u64 {
    let registers = REGISTERS as f64;
    let share = |rank: usize| f64::from(histogram[rank]) / registers;
    let full = (registers - f64::from(histogram[RANK_BITS + 1])) / registers;
    let mut sum = registers * tau(full);
    for rank in (1..=RANK_BITS).rev() {
        sum = 0.5 * (sum + f64::from(histogram[rank]));
    }
    sum += registers * sigma(share(0));
    (BIAS * registers * registers / sum).round() as u64
}

/// The share of empty registers, taken to count the elements that too few registers tell of.
fn sigma(share: f64) -> f64 {
    if share == 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let before = sum;
        sum += power * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// The share of registers below the highest rank, taken to count what that rank cannot.
fn tau(share: f64) -> f64 {
    if share == 0.0 || share == 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = root.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - root).powi(2) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(counts: &[(usize, u32)]) -> u64 {
        let mut histogram = [0; 64];
        counts.iter().for_each(|&(rank, count)| histogram[rank] = count);
        estimate(&histogram)
    }

    #[test]
    fn no_elements_are_none_and_few_are_exact() {
        let registers = REGISTERS as u32;
        assert_eq!(of(&[(0, registers)]), 0);
        assert_eq!(of(&[(0, registers - 1), (1, 1)]), 1);
        assert_eq!(of(&[(0, registers - 100), (1, 50), (2, 50)]), 100);
    }

    #[test]
    fn full_registers_count_more_than_any_real_number_of_elements() {
        let registers = REGISTERS as u32;
        assert!(of(&[(51, registers)]) > 1 << 60);
        assert!(of(&[(63, registers)]) > 1 << 60);
        assert!(of(&[(50, registers / 2), (51, registers / 2)]) > 1 << 60);
    }
}
