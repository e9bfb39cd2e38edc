//! Whole slots for weights: who gets how many, exactly as many as there are.
//!
//! Largest remainder (Hamilton's method; Balinski and Young, "Fair Representation", 1982, chapter
//! 2): everybody gets the whole part of the exact quota, and what is left goes one each to the
//! largest fractions. So nobody is a whole slot off, and a weight of 0 gives exactly 0 slots.
//! Truncating alone, as `redis-cli --cluster rebalance` does, leaves the rest with whoever had it:
//! of 201 masters one kept 184 slots instead of 81 or 82, and a weight of 0 left 1 slot.

use crate::error::LayoutError;
use crate::layout::SHARDS_MAX;
use crate::slot::SLOT_COUNT;

/// Slots for each weight, 16,384 in all. Equal fractions are served in the order given.
///
/// # Errors
/// No weights, too many, one that is no number of 0 or more, or none above 0.
pub fn apportion(weights: &[f64]) -> Result<Vec<u32>, LayoutError> {
    share_out(weights, |_, _| 0)
}

/// As [`apportion`], but of the counts that are within one slot of exact, those nearest to what
/// each shard has now: so the fewest slots move. `current` may be shorter than `weights`: who is
/// missing has nothing.
///
/// # Errors
/// As [`apportion`].
pub fn apportion_near(weights: &[f64], current: &[u32]) -> Result<Vec<u32>, LayoutError> {
    // A slot more for somebody who would otherwise have to give one away saves a move.
    share_out(weights, |shard, floor| {
        u32::from(current.get(shard).is_some_and(|&slots| slots > floor))
    })
}

/// Whole parts, and the rest by `preference` of (shard, whole part), then by fraction, then in order.
fn share_out(
    weights: &[f64],
    preference: impl Fn(usize, u32) -> u32,
) -> Result<Vec<u32>, LayoutError> {
    let quotas = quotas(weights)?;
    let mut counts: Vec<u32> = quotas.iter().map(|quota| quota.floor() as u32).collect();
    let given: u32 = counts.iter().sum();
    let left = (SLOT_COUNT as u32).saturating_sub(given) as usize;
    let fraction = |shard: usize| quotas[shard] - quotas[shard].floor();
    let mut order: Vec<usize> = (0..quotas.len()).filter(|&shard| fraction(shard) > 0.0).collect();
    order.sort_by(|&one, &other| {
        preference(other, counts[other])
            .cmp(&preference(one, counts[one]))
            .then(fraction(other).total_cmp(&fraction(one)))
            .then(one.cmp(&other))
    });
    for &shard in order.iter().take(left) {
        counts[shard] += 1;
    }
    Ok(counts)
}

/// The exact number of slots for each weight. What floating point makes of a whole number within
/// a billionth of it is that number, so that the whole parts are what arithmetic says.
pub fn quotas(weights: &[f64]) -> Result<Vec<f64>, LayoutError> {
    check(weights)?;
    // Scaled first, so that neither the sum nor a product leaves the range.
    let largest = weights.iter().copied().fold(0.0, f64::max);
    let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
    let quota = |weight: &f64| {
        let quota = weight / largest / sum * SLOT_COUNT as f64;
        if (quota - quota.round()).abs() < 1e-9 { quota.round() } else { quota }
    };
    let mut quotas: Vec<f64> = weights.iter().map(quota).collect();
    // A weight that is next to nothing beside the others still is no zero.
    for (quota, weight) in quotas.iter_mut().zip(weights) {
        if *weight > 0.0 && *quota == 0.0 {
            *quota = f64::MIN_POSITIVE;
        }
    }
    Ok(quotas)
}

/// Refuses weights that cannot be apportioned.
pub(crate) fn check(weights: &[f64]) -> Result<(), LayoutError> {
    match weights.len() {
        0 => return Err(LayoutError::NoShards),
        count if count > SHARDS_MAX => return Err(LayoutError::TooManyShards(count)),
        _ => {}
    }
    let bad = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0);
    if let Some(shard) = bad {
        return Err(LayoutError::Weight { shard, weight: weights[shard] });
    }
    match weights.iter().any(|&weight| weight > 0.0) {
        true => Ok(()),
        false => Err(LayoutError::NoWeight),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_201_masters_nobody_keeps_184_slots() {
        let counts = apportion(&[1.0; 201]).unwrap();
        assert_eq!(counts.iter().sum::<u32>(), 16_384);
        assert_eq!(counts.iter().filter(|&&count| count == 82).count(), 103);
        assert_eq!(counts.iter().filter(|&&count| count == 81).count(), 98);
    }

    #[test]
    fn a_weight_of_zero_leaves_no_slot() {
        assert_eq!(apportion(&[1.0, 0.0, 1.0, 1.0]).unwrap(), [5462, 0, 5461, 5461]);
        assert_eq!(apportion_near(&[1.0, 0.0], &[0, 16_384]).unwrap(), [16_384, 0]);
    }

    #[test]
    fn weights_that_mean_nothing_are_refused() {
        assert_eq!(apportion(&[]), Err(LayoutError::NoShards));
        assert_eq!(apportion(&[0.0, 0.0]), Err(LayoutError::NoWeight));
        let negative = LayoutError::Weight { shard: 1, weight: -1.0 };
        assert_eq!(apportion(&[1.0, -1.0]), Err(negative));
        assert!(apportion(&[f64::NAN]).is_err());
        assert!(apportion(&[f64::INFINITY, 1.0]).is_err());
        assert_eq!(apportion(&vec![1.0; 16_385]), Err(LayoutError::TooManyShards(16_385)));
    }

    #[test]
    fn extreme_weights_add_up_too() {
        for weights in [&[1e308, 1e308, 1e-308][..], &[f64::MIN_POSITIVE, 1.0], &[5e-324, 5e-324]] {
            assert_eq!(apportion(weights).unwrap().iter().sum::<u32>(), 16_384, "{weights:?}");
        }
    }

    proptest! {
        #[test]
        fn counts_add_up_and_nobody_is_a_whole_slot_off(
            weights in proptest::collection::vec(prop_oneof![Just(0.0), 0.001f64..1000.0], 1..300),
            current in proptest::collection::vec(0u32..16_384, 0..300),
        ) {
            prop_assume!(weights.iter().any(|&weight| weight > 0.0));
            let quotas = quotas(&weights).unwrap();
            for counts in
                [apportion(&weights).unwrap(), apportion_near(&weights, &current).unwrap()]
            {
                prop_assert_eq!(counts.iter().sum::<u32>(), 16_384);
                for (shard, (&count, &quota)) in counts.iter().zip(&quotas).enumerate() {
                    prop_assert!((f64::from(count) - quota).abs() < 1.0, "{shard}: {count} {quota}");
                    prop_assert!(weights[shard] > 0.0 || count == 0);
                }
            }
        }
    }
}
