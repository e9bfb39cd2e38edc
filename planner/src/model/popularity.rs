//! Which share of the traffic each key gets.
//!
//! A [`Popularity`] is a few runs of keys, each with equal shares or with shares that fall by
//! Zipf's law, so that a thousand million keys cost no more than ten. Shares are positive and add
//! up to 1. Ranks of [`Popularity::head`] go from the most to the least asked-for key.

use std::collections::BTreeMap;

use super::zipf::power_sum;
use crate::error::{PlanError, Result};

/// Keys that can be planned for.
pub const KEYS_MAX: u64 = 1_000_000_000_000;
/// The steepest Zipf exponent that is planned for: above it, one key is nearly all there is.
pub const ALPHA_MAX: f64 = 5.0;

/// Keys of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    keys: u64,
    /// Rank of its first key, under which the run's law counts.
    first_rank: u64,
    /// `share = scale x rank^-exponent`.
    scale: f64,
    exponent: f64,
}

impl Run {
    fn equal(keys: u64, share_each: f64) -> Run {
        Run { keys, first_rank: 1, scale: share_each, exponent: 0.0 }
    }

    fn last_rank(&self) -> u64 {
        self.first_rank + self.keys - 1
    }

    fn share_of_first(&self) -> f64 {
        self.scale * (self.first_rank as f64).powf(-self.exponent)
    }

    /// The sum of the shares' `power`-th powers.
    fn sum(&self, power: i32) -> f64 {
        let exponent = self.exponent * f64::from(power);
        self.scale.powi(power) * power_sum(self.first_rank, self.last_rank(), exponent)
    }

    /// How many of its keys have a share above `share`.
    fn keys_above(&self, share: f64) -> u64 {
        if self.share_of_first() <= share {
            return 0;
        }
        if self.exponent == 0.0 || share <= 0.0 {
            return self.keys;
        }
        let rank = (self.scale / share).powf(1.0 / self.exponent).min(KEYS_MAX as f64).ceil();
        (rank as u64).saturating_sub(self.first_rank).clamp(1, self.keys)
    }

    /// The run without its first keys.
    fn without(&self, keys: u64) -> Option<Run> {
        let first_rank = match self.exponent {
            0.0 => self.first_rank,
            _ => self.first_rank + keys,
        };
        let left = self.keys.checked_sub(keys).filter(|left| *left > 0)?;
        Some(Run { keys: left, first_rank, ..*self })
    }
}

/// Which share of the traffic each key gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Popularity {
    /// Those with the largest shares first.
    runs: Vec<Run>,
}

/// Keys with so much of the traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// How many.
    pub keys: u64,
    /// What they get together, 0 to 1.
    pub share: f64,
}

/// The keys with the largest shares one by one, and what is to be known of all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Shares of the head, largest first.
    pub head: Vec<f64>,
    /// Keys of the tail.
    pub tail_keys: u64,
    /// What the tail gets together.
    pub tail_share: f64,
    /// The sum of the squares of the tail's shares.
    pub tail_square_sum: f64,
    /// The largest share in the tail.
    pub tail_largest: f64,
}

impl Popularity {
    /// Zipf's law with an exponent.
    ///
    /// # Errors
    /// No keys, more than [`KEYS_MAX`], or an exponent outside 0 to [`ALPHA_MAX`].
    pub fn zipf(keys: u64, alpha: f64) -> Result<Popularity> {
        check_keys(keys)?;
        if !(0.0..=ALPHA_MAX).contains(&alpha) {
            return Err(PlanError::usage(format!(
                "--zipf {alpha}: an exponent is between 0 (all keys alike) and {ALPHA_MAX}; \
                 caches have 0.6 to 1.4"
            )));
        }
        let scale = 1.0 / power_sum(1, keys, alpha);
        Ok(Popularity { runs: vec![Run { keys, first_rank: 1, scale, exponent: alpha }] })
    }

    /// Groups of keys with their shares; the other keys share the rest alike.
    ///
    /// # Errors
    /// Groups with more keys than there are or more than all traffic, or traffic that nobody gets.
    pub fn groups(keys: u64, groups: &[Group]) -> Result<Popularity> {
        check_keys(keys)?;
        let taken = groups.iter().try_fold(0u64, |sum, group| sum.checked_add(group.keys));
        let share: f64 = groups.iter().map(|group| group.share).sum();
        let Some(left) = taken.and_then(|taken| keys.checked_sub(taken)) else {
            return Err(PlanError::usage(format!(
                "the hot groups have more keys than the {keys} there are; raise --keys"
            )));
        };
        // Shares such as 0.1 and 0.9 add up to a little more or less than 1.
        if !share.is_finite() || share > 1.0 + 1e-9 {
            return Err(PlanError::usage(
                "the hot groups get more than all traffic; their shares must add up to 100% or less",
            ));
        }
        let rest = (1.0 - share).max(0.0);
        if left == 0 && rest > 1e-9 {
            return Err(PlanError::usage(
                "all keys are in hot groups, but these do not get all traffic; \
                 raise --keys or their shares",
            ));
        }
        let named = groups.iter().map(|group| (group.keys, group.share));
        Popularity::of_runs(named.chain([(left, rest)]))
    }

    /// Keys by how often each was asked for, and `rest` more keys that got `rest_count` together.
    ///
    /// # Errors
    /// No requests at all.
    pub fn counted(
        counts: impl IntoIterator<Item = u64>,
        rest: u64,
        rest_count: u64,
    ) -> Result<Popularity> {
        let mut by_count = BTreeMap::new();
        for count in counts {
            *by_count.entry(count).or_insert(0u64) += 1;
        }
        let counted = by_count.into_iter().map(|(count, keys)| (keys, count as f64 * keys as f64));
        Popularity::of_runs(counted.chain([(rest, rest_count as f64)]))
    }

    /// Runs of so many keys that got so much together, in any unit.
    fn of_runs(runs: impl Iterator<Item = (u64, f64)>) -> Result<Popularity> {
        let kept: Vec<(u64, f64)> =
            runs.filter(|(keys, weight)| *keys > 0 && *weight > 0.0).collect();
        let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
        if kept.is_empty() || !total.is_finite() {
            return Err(PlanError::usage("no key gets any traffic; give keys that are asked for"));
        }
        let run = |(keys, weight): &(u64, f64)| Run::equal(*keys, weight / *keys as f64 / total);
        let mut runs: Vec<Run> = kept.iter().map(run).collect();
        runs.sort_by(|one, other| other.scale.total_cmp(&one.scale));
        Ok(Popularity { runs })
    }

    /// Keys that get any traffic.
    pub fn keys(&self) -> u64 {
        self.runs.iter().map(|run| run.keys).sum()
    }

    /// The shares of the `count` most asked-for keys, largest first.
    pub fn head(&self, count: usize) -> Vec<f64> {
        let of_run = |run: &Run| {
            let run = *run;
            (0..run.keys.min(count as u64)).map(move |at| {
                let rank = run.first_rank + at;
                run.scale * (rank as f64).powf(-run.exponent)
            })
        };
        self.runs.iter().flat_map(of_run).take(count).collect()
    }

    /// The popularity without its `count` most asked-for keys, their shares not given to others;
    /// what is left, which may be nothing, adds up to less than 1.
    fn without_head(&self, count: u64) -> Vec<Run> {
        let mut skip = count;
        let mut left = Vec::new();
        for run in &self.runs {
            let here = skip.min(run.keys);
            skip -= here;
            left.extend(run.without(here));
        }
        left
    }

    /// Leaves out the first `skip` keys, takes the following keys with shares above `share_min`,
    /// at most `head_max`, one by one, and sums up the others.
    pub fn split(&self, skip: usize, share_min: f64, head_max: usize) -> Split {
        let rest = Popularity { runs: self.without_head(skip as u64) };
        let above = |run: &Run| run.keys_above(share_min);
        let large = rest.runs.iter().map(above).fold(0, u64::saturating_add);
        let head = rest.head(usize::try_from(large).unwrap_or(usize::MAX).min(head_max));
        let tail = rest.without_head(head.len() as u64);
        Split {
            tail_keys: tail.iter().map(|run| run.keys).sum(),
            tail_share: tail.iter().map(|run| run.sum(1)).sum(),
            tail_square_sum: tail.iter().map(|run| run.sum(2)).sum(),
            tail_largest: tail.iter().map(Run::share_of_first).fold(0.0, f64::max),
            head,
        }
    }
}

fn check_keys(keys: u64) -> Result<()> {
    match keys {
        0 => Err(PlanError::usage("--keys 0: there is nothing to ask for; give at least 1")),
        1..=KEYS_MAX => Ok(()),
        _ => Err(PlanError::usage(format!(
            "--keys {keys}: more than {KEYS_MAX} keys are not planned for"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_the_traffic_for_one_percent_of_the_keys() {
        let hot = Group { keys: 10, share: 0.5 };
        let popularity = Popularity::groups(1000, &[hot]).unwrap();
        let head = popularity.head(11);
        assert!((head[9] - 0.05).abs() < 1e-12, "{head:?}");
        assert!((head[10] - 0.5 / 990.0).abs() < 1e-12, "{head:?}");
        assert_eq!(popularity.keys(), 1000);
    }

    #[test]
    fn groups_that_cannot_be_say_so() {
        let group = |keys, share| Group { keys, share };
        for (keys, groups, hint) in [
            (0, vec![], "at least 1"),
            (10, vec![group(11, 0.5)], "raise --keys"),
            (10, vec![group(u64::MAX, 0.1), group(2, 0.5)], "raise --keys"),
            (10, vec![group(1, 0.7), group(1, 0.7)], "100%"),
            (10, vec![group(1, f64::NAN)], "100%"),
            (10, vec![group(10, 0.5)], "all keys are in hot groups"),
        ] {
            let error = Popularity::groups(keys, &groups).unwrap_err().to_string();
            assert!(error.contains(hint), "{keys} {groups:?}: {error}");
        }
        assert!(Popularity::counted([], 0, 0).is_err());
        assert!(Popularity::counted([0, 0], 5, 0).is_err());
    }

    fn popularity() -> impl Strategy<Value = Popularity> {
        prop_oneof![
            (1u64..100_000, 0.0..3.0).prop_map(|(keys, alpha)| Popularity::zipf(keys, alpha)),
            (2u64..100_000, 0.0..1.0).prop_map(|(keys, share)| {
                Popularity::groups(keys, &[Group { keys: keys.div_ceil(10).min(keys - 1), share }])
            }),
            proptest::collection::vec(1u64..1000, 1..200)
                .prop_map(|counts| Popularity::counted(counts, 1000, 500)),
        ]
        .prop_map(Result::unwrap)
    }

    proptest! {
        #[test]
        fn a_split_loses_no_key_and_no_traffic(
            popularity in popularity(), skip in 0usize..100, share in 0.0..0.01, most in 0usize..5000,
        ) {
            let split = popularity.split(skip, share, most);
            let skipped = popularity.head(skip);
            let sum: f64 = skipped.iter().chain(&split.head).sum::<f64>() + split.tail_share;
            prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
            let keys = skipped.len() as u64 + split.head.len() as u64 + split.tail_keys;
            prop_assert_eq!(keys, popularity.keys());
            prop_assert!(split.head.len() <= most);
            let falls = split.head.windows(2).all(|pair| pair[0] >= pair[1]);
            prop_assert!(falls, "{:?}", split.head);
            if split.head.len() < most {
                prop_assert!(split.tail_largest <= share * (1.0 + 1e-9), "{split:?}");
            }
            let square = split.tail_largest * split.tail_share;
            prop_assert!(split.tail_square_sum <= square * (1.0 + 1e-9));
        }
    }
}
