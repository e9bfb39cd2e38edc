//! How sizes are spread: their mean, and buckets that are 1/16 of their power of two wide.

use serde::{Deserialize, Serialize};

/// Buckets of each power of two. Below it, every number has its own.
const BUCKETS_PER_DOUBLING: u64 = 16;

/// How numbers are spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Distribution {
    /// How many numbers.
    pub count: u64,
    /// Their mean, to twelve digits.
    pub mean: f64,
    /// The largest.
    pub largest: u64,
    /// Buckets that are not empty, in ascending order.
    pub buckets: Vec<Bucket>,
}

/// Numbers that are close together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// The smallest that belongs here.
    pub from: u64,
    /// The largest that belongs here.
    pub to: u64,
    /// How many there are.
    pub count: u64,
}

/// Items whose keys and values are of about one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shape {
    /// How many.
    pub keys: u64,
    /// Mean length of the key, in bytes.
    pub key_bytes: f64,
    /// Mean length of the value, in bytes.
    pub value_bytes: f64,
    /// Whether they expire.
    pub expires: bool,
}

/// The bounds of a number's bucket, both included.
pub fn bounds(number: u64) -> (u64, u64) {
    if number < BUCKETS_PER_DOUBLING {
        return (number, number);
    }
    let shift = number.ilog2() - BUCKETS_PER_DOUBLING.ilog2();
    let from = number >> shift << shift;
    (from, from + ((1 << shift) - 1))
}

/// A mean, rounded to twelve digits so that a file gives back what was written; 0 of nothing.
pub fn mean(sum: u128, count: u64) -> f64 {
    let exact = sum as f64 / count.max(1) as f64;
    format!("{exact:.11e}").parse().unwrap_or(exact)
}

impl Distribution {
    /// The distribution of numbers.
    pub fn of(numbers: impl IntoIterator<Item = u64>) -> Distribution {
        let mut buckets = std::collections::BTreeMap::new();
        let (mut count, mut sum, mut largest) = (0u64, 0u128, 0);
        for number in numbers {
            let (from, to) = bounds(number);
            buckets.entry(from).or_insert(Bucket { from, to, count: 0 }).count += 1;
            count += 1;
            sum += u128::from(number);
            largest = largest.max(number);
        }
        let mean = mean(sum, count);
        Distribution { count, mean, largest, buckets: buckets.into_values().collect() }
    }

    /// The number below which a share of all lie, within a bucket's width (6 %); nothing if there
    /// are none.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let wanted = ((share * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        let found = self.buckets.iter().find(|bucket| {
            seen += bucket.count;
            seen >= wanted
        });
        found.map(|bucket| bucket.to.min(self.largest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_belongs_to_them_and_are_narrow() {
        for number in (0..5000).chain([u64::MAX, u64::MAX - 1, 1 << 40, (1 << 40) - 1]) {
            let (from, to) = bounds(number);
            assert!((from..=to).contains(&number), "{number}: {from}..={to}");
            assert!(to - from <= from / BUCKETS_PER_DOUBLING, "{number}: {from}..={to}");
            assert_eq!(bounds(from), bounds(to));
        }
    }

    #[test]
    fn mean_is_exact_and_quantiles_are_within_a_bucket() {
        let found = Distribution::of(1..=1000);
        assert_eq!((found.count, found.mean, found.largest), (1000, 500.5, 1000));
        for (share, exact) in [(0.0, 1.0), (0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let quantile = found.quantile(share).unwrap_or_default() as f64;
            assert!((quantile / exact - 1.0).abs() <= 1.0 / 16.0, "{share}: {quantile}");
        }
        assert_eq!(Distribution::of([]).quantile(0.5), None);
        assert_eq!(Distribution::of([]).mean.to_string(), "0");
    }
}
