//! Sums over Zipf's law, for any number of keys in constant time.
//!
//! Under Zipf's law the key of rank `i` gets a share of `i^-alpha / H` of the traffic, with
//! `H = 1^-alpha + 2^-alpha + ...`. The first terms are added one by one and the rest by the
//! Euler-Maclaurin formula, whose first neglected term is below 1e-14 of the sum here.

/// Terms that are added one by one.
const EXACT_TERMS: u64 = 2048;

/// The sum of `i^-exponent` for `first <= i <= last`; 0 if there are no such ranks.
///
/// `exponent` is finite and not negative; `first` is at least 1.
pub fn power_sum(first: u64, last: u64, exponent: f64) -> f64 {
    let first = first.max(1);
    if last < first {
        return 0.0;
    }
    let split = last.min(EXACT_TERMS.max(first));
    // Small terms first, so that they are not lost beside large ones.
    let head: f64 = (first..split).rev().map(|rank| (rank as f64).powf(-exponent)).sum();
    head + smooth_sum(split as f64, last as f64, exponent)
}

/// Euler-Maclaurin from `low` to `high`, both included.
fn smooth_sum(low: f64, high: f64, exponent: f64) -> f64 {
    let term = |x: f64| x.powf(-exponent);
    if high <= low {
        return term(low);
    }
    let slope = |x: f64| -exponent * x.powf(-exponent - 1.0);
    let ratio = (high / low).ln();
    let rise = 1.0 - exponent;
    // (high^rise - low^rise) / rise, which is a logarithm where `rise` is 0.
    let integral = match (rise * ratio).abs() < 1e-12 {
        true => low.powf(rise) * ratio,
        false => low.powf(rise) * (rise * ratio).exp_m1() / rise,
    };
    integral + (term(low) + term(high)) / 2.0 + (slope(high) - slope(low)) / 12.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn added(first: u64, last: u64, exponent: f64) -> f64 {
        (first..=last).rev().map(|rank| (rank as f64).powf(-exponent)).sum()
    }

    #[test]
    fn sums_are_those_of_adding_every_term() {
        for exponent in [0.0, 0.5, 0.9, 0.99, 1.0, 1.2, 2.4] {
            for (first, last) in [(1, 1), (1, 100), (1, 1_000_000), (777, 1_000_000), (5000, 9000)]
            {
                let (sum, expected) =
                    (power_sum(first, last, exponent), added(first, last, exponent));
                let error = (sum / expected - 1.0).abs();
                assert!(error < 1e-11, "{first}..={last}^-{exponent}: {sum} {expected}");
            }
        }
        assert_eq!(power_sum(5, 4, 1.0), 0.0);
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(
            cut in 1u64..2_000_000, more in 1u64..1_000_000_000_000, exponent in 0.0..4.0,
        ) {
            let last = cut + more;
            let whole = power_sum(1, last, exponent);
            let parts = power_sum(1, cut, exponent) + power_sum(cut + 1, last, exponent);
            prop_assert!((parts / whole - 1.0).abs() < 1e-9, "{parts} {whole}");
        }
    }
}
