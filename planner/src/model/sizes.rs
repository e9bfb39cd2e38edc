//! Sizes of keys and values as people know them: one number, two of mean, median and 99th percentile,
//! or a log-normal.

use std::str::FromStr;

use crate::quantity::{Size, Units};

/// Representative sizes taken of a distribution, each standing for as many items.
const REPRESENTATIVES: usize = 512;
/// The standard normal's 99th percentile.
const Z_99: f64 = 2.326_347_874_040_841;
/// Spread beyond which a log-normal says nothing useful: p99 would be 10^6 medians.
const SIGMA_MAX: f64 = 6.0;

/// A distribution of sizes in bytes, as written: `120`, `4K`, `p50=120,p99=4k`, `mean=300,p99=4k`,
/// `mean=300,p50=120` or `lognormal:MEDIAN,SIGMA`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    text: String,
    median_bytes: f64,
    /// Spread of the logarithm; 0 for a fixed size.
    sigma: f64,
}

impl Sizes {
    /// A fixed size.
    pub fn fixed(bytes: u64) -> Sizes {
        Sizes { text: bytes.to_string(), median_bytes: bytes as f64, sigma: 0.0 }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Sizes that stand for the distribution, one for each of as many equal shares of the items.
    pub fn representatives(&self) -> Vec<u64> {
        if self.sigma == 0.0 {
            return vec![self.median_bytes.round() as u64];
        }
        let share = |at: usize| (at as f64 + 0.5) / REPRESENTATIVES as f64;
        let bytes = |at| self.median_bytes * (self.sigma * normal_quantile(share(at))).exp();
        (0..REPRESENTATIVES).map(|at| bytes(at).round() as u64).collect()
    }

    /// The mean of the representatives, in bytes.
    pub fn mean_bytes(&self) -> f64 {
        let sizes = self.representatives();
        sizes.iter().map(|&bytes| bytes as f64).sum::<f64>() / sizes.len() as f64
    }
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Sizes, String> {
        let (median_bytes, sigma) = match text.strip_prefix("lognormal:") {
            Some(parameters) => lognormal(parameters)?,
            None if text.contains('=') => percentiles(text)?,
            None => (bytes(text)?, 0.0),
        };
        if !(0.0..=SIGMA_MAX).contains(&sigma) {
            return Err(format!("\"{text}\" spreads too far: give a sigma of 0 to {SIGMA_MAX}"));
        }
        Ok(Sizes { text: text.to_owned(), median_bytes, sigma })
    }
}

fn bytes(text: &str) -> Result<f64, String> {
    let bytes = text.parse::<Size>()?.bytes(Units::Binary);
    match bytes <= 1 << 32 {
        true => Ok(bytes as f64),
        false => Err(format!("{text} is more than a key or a value can have")),
    }
}

fn lognormal(parameters: &str) -> Result<(f64, f64), String> {
    let usage = || "write lognormal:MEDIAN,SIGMA, such as lognormal:700,0.9".to_owned();
    let (median, sigma) = parameters.split_once(',').ok_or_else(usage)?;
    let sigma: f64 = sigma.trim().parse().map_err(|_| usage())?;
    if !sigma.is_finite() {
        return Err(usage());
    }
    Ok((bytes(median.trim())?, sigma))
}

/// The log-normal with two of mean, median and 99th percentile.
fn percentiles(text: &str) -> Result<(f64, f64), String> {
    let usage = || {
        "write two of mean, p50 and p99, such as p50=120,p99=4k or mean=300,p99=4k; one size alone is \
         a number"
            .to_owned()
    };
    let mut parts = Vec::new();
    for part in text.split(',') {
        let (name, size) = part.trim().split_once('=').ok_or_else(usage)?;
        parts.push((name.trim().to_owned(), bytes(size.trim())?));
    }
    let of = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, bytes)| *bytes);
    if parts.len() != 2 {
        return Err(usage());
    }
    let falls =
        |low, high| format!("\"{text}\": {high} must be at least {low}, and {low} at least 1");
    match (of("mean"), of("p50"), of("p99")) {
        (None, Some(median), Some(tail)) if median >= 1.0 && tail >= median => {
            Ok((median, (tail / median).ln() / Z_99))
        }
        (None, Some(_), Some(_)) => Err(falls("p50", "p99")),
        // The mean is median x e^(sigma^2 / 2).
        (Some(mean), Some(median), None) if median >= 1.0 && mean >= median => {
            Ok((median, (2.0 * (mean / median).ln()).sqrt()))
        }
        (Some(_), Some(_), None) => Err(falls("p50", "mean")),
        // ln(p99 / mean) = z sigma - sigma^2 / 2, of which the smaller sigma is meant.
        (Some(mean), None, Some(tail)) if mean >= 1.0 && tail >= mean => {
            let root = Z_99 * Z_99 - 2.0 * (tail / mean).ln();
            if root < 0.0 {
                return Err(format!(
                    "\"{text}\": a log-normal's p99 is at most {:.1} times its mean; give p50 and p99",
                    (Z_99 * Z_99 / 2.0).exp()
                ));
            }
            let sigma = Z_99 - root.sqrt();
            Ok((mean / (sigma * sigma / 2.0).exp(), sigma))
        }
        (Some(_), None, Some(_)) => Err(falls("mean", "p99")),
        _ => Err(usage()),
    }
}

/// The standard normal's quantile, by bisection of its distribution function.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-8.0f64, 8.0f64);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if normal_share(middle) < share { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The share of a standard normal below `z` (Abramowitz and Stegun, 26.2.17; error below 7.5e-8).
fn normal_share(z: f64) -> f64 {
    const B: [f64; 5] =
        [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = B.iter().rev().fold(0.0, |sum, &b| (sum + b) * t);
    let tail = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * series;
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_they_say() {
        let fixed: Sizes = "4K".parse().unwrap();
        assert_eq!((fixed.representatives(), fixed.mean_bytes()), (vec![4096], 4096.0));
        let sizes: Sizes = "p50=120,p99=4k".parse().unwrap();
        let all = sizes.representatives();
        assert!(all[255] <= 120 && all[256] >= 120, "{} {}", all[255], all[256]);
        let p99 = all[506] as f64;
        assert!((p99 / 4096.0 - 1.0).abs() < 0.05, "{p99}");
        for text in ["mean=300,p99=2k", "p99=2k,mean=300", "mean=300,p50=120"] {
            let sizes: Sizes = text.parse().unwrap();
            assert!((sizes.mean_bytes() / 300.0 - 1.0).abs() < 0.02, "{}", sizes.mean_bytes());
        }
        let sizes: Sizes = "mean=300,p99=2k".parse().unwrap();
        let p99 = sizes.representatives()[506] as f64;
        assert!((p99 / 2048.0 - 1.0).abs() < 0.05, "{p99}");
        // The mean of a log-normal is median x e^(sigma^2 / 2).
        let spread: Sizes = "lognormal:700,0.9".parse().unwrap();
        let expected = 700.0 * (0.9f64 * 0.9 / 2.0).exp();
        assert!((spread.mean_bytes() / expected - 1.0).abs() < 0.02, "{}", spread.mean_bytes());
    }

    #[test]
    fn what_is_no_distribution_says_what_would_be() {
        for text in [
            "",
            "p50=1",
            "p50=9,p99=3",
            "p50=0,p99=3",
            "mean=3",
            "mean=3,p99=2",
            "mean=3,p50=4",
            "mean=1,p99=999",
            "mean=3,mean=4",
            "mean=3,p50=2,p99=9",
            "p90=1,p99=2",
            "lognormal:7",
            "lognormal:7,nan",
            "9T",
        ] {
            assert!(text.parse::<Sizes>().unwrap_err().len() > 15, "{text}");
        }
    }
}
