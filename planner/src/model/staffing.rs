//! How many cores a rate needs, and what rate so many cores serve: square-root staffing.
//!
//! `cores = a + Q sqrt(a)`, with `a = rate x service time` the cores that are busy on average
//! (Erlangs) and `Q` the quality: the larger, the less anything waits. Halfin and Whitt 1981 show
//! that the probability of waiting stays the same as `a` grows if `Q` does; Netflix' public capacity
//! models use 2.375 for the most critical tier down to 1.

/// Quality for what must not wait.
pub const QUALITY_DEFAULT: f64 = 2.375;
/// Where the formula is from.
pub const SOURCE: &str = "square-root staffing: Halfin and Whitt 1981; quality as in Netflix' public \
     service-capacity-modeling";

/// The cores that a rate needs, not rounded.
pub fn cores_for(rate: f64, service_seconds: f64, quality: f64) -> f64 {
    let busy = (rate * service_seconds).max(0.0);
    busy + quality * busy.sqrt()
}

/// The rate that so many cores serve: the inverse of [`cores_for`].
///
/// `service_seconds` is above 0.
pub fn rate_of(cores: f64, service_seconds: f64, quality: f64) -> f64 {
    // x^2 + quality x - cores = 0 with x = sqrt(busy), written so that nothing cancels.
    let root = (quality * quality + 4.0 * cores).sqrt();
    let busy = (2.0 * cores / (quality + root)).powi(2);
    busy / service_seconds
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hundred_busy_cores_need_a_fifth_to_a_quarter_more() {
        assert!((cores_for(1e6, 1e-4, 2.375) - 123.75).abs() < 1e-9);
        assert!((rate_of(123.75, 1e-4, 2.375) - 1e6).abs() < 1e-3);
        assert_eq!(cores_for(0.0, 1.0, 1.0), 0.0);
    }

    proptest! {
        #[test]
        fn cores_and_rates_are_each_others_inverse(
            cores in 0.1..1e5, service in 1e-7..1.0, quality in 0.0..5.0,
        ) {
            let rate = rate_of(cores, service, quality);
            prop_assert!(rate > 0.0 && rate * service <= cores * (1.0 + 1e-9));
            prop_assert!((cores_for(rate, service, quality) / cores - 1.0).abs() < 1e-9);
            prop_assert!(rate_of(cores * 2.0, service, quality) >= rate * 2.0 * (1.0 - 1e-9));
        }
    }
}
