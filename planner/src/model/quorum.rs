//! Who decides that a primary is dead, and what a random cut does to them: exact probabilities.
//!
//! Redis Cluster asks a majority of the primaries; Skep a majority of the voters of its Raft group;
//! Sentinel a quorum of its sentinels to say so, and a majority of them to act.

use crate::error::{PlanError, Result};

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// A majority of the primaries, which vote for a replica.
    Primaries,
    /// A majority of so many voters.
    Voters(u32),
    /// So many sentinels, of which so many must agree that a primary is down.
    Sentinels {
        /// How many there are.
        count: u32,
        /// How many must agree.
        quorum: u32,
    },
}

/// More than half.
pub fn majority(count: u32) -> u32 {
    count / 2 + 1
}

/// The voters of Skep's Raft group in a cluster of so many nodes.
pub fn voters_for(nodes: usize) -> u32 {
    match nodes {
        0..=4 => 3.min(nodes as u32),
        5..=49 => 5,
        50..=199 => 7,
        200..=999 => 9,
        _ => 15,
    }
}

impl Control {
    /// How many decide and how many of them are needed, in a cluster of so many primaries.
    pub fn needed(self, primaries: u32) -> (u32, u32) {
        match self {
            Control::Primaries => (primaries, majority(primaries)),
            Control::Voters(count) => (count, majority(count)),
            Control::Sentinels { count, quorum } => (count, majority(count).max(quorum)),
        }
    }

    /// What those who decide are called.
    pub fn name(self) -> &'static str {
        match self {
            Control::Primaries => "primaries",
            Control::Voters(_) => "voters",
            Control::Sentinels { .. } => "sentinels",
        }
    }

    /// Checks the numbers in it against so many machines.
    ///
    /// # Errors
    /// Nobody, more than there are machines, or a quorum that cannot be reached.
    pub fn checked(self, machines: usize) -> Result<Control> {
        let (count, argument) = match self {
            Control::Primaries => return Ok(self),
            Control::Voters(count) => (count, "--voters"),
            Control::Sentinels { count, .. } => (count, "--sentinels"),
        };
        if count == 0 || count as usize > machines {
            return Err(PlanError::usage(format!(
                "{argument} {count}: give 1 to {machines}, one a machine"
            )));
        }
        match self {
            Control::Sentinels { count, quorum } if quorum == 0 || quorum > count => {
                Err(PlanError::usage(format!(
                    "--quorum {quorum}: give 1 to {count}, the sentinels there are; \
                     {} is a majority",
                    majority(count)
                )))
            }
            checked => Ok(checked),
        }
    }
}

/// The probability that a random cut of `cut` of `all` takes `0..=marked` marked ones: the
/// hypergeometric distribution. Empty if more is cut or marked than there is.
pub fn marked_in_cut(all: u32, marked: u32, cut: u32) -> Vec<f64> {
    Choices::up_to(all).marked_in_cut(all, marked, cut)
}

/// The probability that at least `least` of `marked` are left outside of a cut.
pub fn left_after_cut(all: u32, marked: u32, cut: u32, least: u32) -> f64 {
    let Some(most_taken) = marked.checked_sub(least) else { return 0.0 };
    let taken = marked_in_cut(all, marked, cut);
    taken.iter().take(most_taken as usize + 1).sum::<f64>().min(1.0)
}

/// The probability that a random cut contains every one of a group's `size` machines for none of
/// `groups` groups, which are all the machines there are.
///
/// Group after group, the cut takes some of its machines with the hypergeometric probability of
/// what is left to take; paths in which it takes all are left out.
pub fn no_group_in_cut(groups: u32, size: u32, cut: u32) -> f64 {
    let choices = Choices::up_to(groups * size);
    let mut by_taken = vec![0.0; cut as usize + 1];
    by_taken[0] = 1.0;
    for group in 0..groups {
        let left = (groups - group) * size;
        let mut next = vec![0.0; by_taken.len()];
        for (taken, probability) in by_taken.iter().enumerate().filter(|(_, here)| **here > 0.0) {
            let of_group = choices.marked_in_cut(left, size, cut - taken as u32);
            for (here, share) in of_group.iter().enumerate().take(size as usize) {
                if let Some(sum) = next.get_mut(taken + here) {
                    *sum += probability * share;
                }
            }
        }
        by_taken = next;
    }
    by_taken.last().copied().unwrap_or(0.0).clamp(0.0, 1.0)
}

/// How many groups of `size` a random cut contains on average.
pub fn groups_in_cut(groups: u32, size: u32, cut: u32) -> f64 {
    let all = groups * size;
    marked_in_cut(all, size, cut).last().copied().unwrap_or(0.0) * f64::from(groups)
}

/// The natural logarithm of the ways to choose so many, whose number is soon beyond what a float
/// holds; minus infinity if there are not as many.
pub fn ln_ways(all: u32, chosen: u32) -> f64 {
    Choices::up_to(all).ln(all, chosen)
}

/// The logarithms of factorials, of which those of binomial coefficients are made.
struct Choices {
    ln_factorials: Vec<f64>,
}

impl Choices {
    fn up_to(all: u32) -> Choices {
        let mut ln_factorials = vec![0.0];
        let mut sum = 0.0;
        ln_factorials.extend((1..=all).map(|number| {
            sum += f64::from(number).ln();
            sum
        }));
        Choices { ln_factorials }
    }

    fn ln(&self, all: u32, chosen: u32) -> f64 {
        if chosen > all {
            return f64::NEG_INFINITY;
        }
        let ln = |number: u32| self.ln_factorials[number as usize];
        ln(all) - ln(chosen) - ln(all - chosen)
    }

    fn marked_in_cut(&self, all: u32, marked: u32, cut: u32) -> Vec<f64> {
        if marked > all || cut > all {
            return Vec::new();
        }
        let whole = self.ln(all, cut);
        let probability = |taken: u32| match taken <= cut && cut - taken <= all - marked {
            true => (self.ln(marked, taken) + self.ln(all - marked, cut - taken) - whole).exp(),
            false => 0.0,
        };
        (0..=marked).map(probability).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn voters_lose_their_majority_as_often_as_reckoned() {
        // A quarter of a thousand nodes dies at once.
        for (voters, expected) in [(5, 0.104), (7, 0.071), (9, 0.049), (15, 0.017)] {
            let lost = 1.0 - left_after_cut(1000, voters, 250, majority(voters));
            assert!((lost - expected).abs() < 0.002, "{voters}: {lost}");
        }
    }

    #[test]
    fn four_of_24_nodes_contain_a_whole_shard_once_in_four() {
        assert_eq!(ln_ways(24, 4).exp().round(), 10_626.0);
        // C(12,4) x 2^4 of 10,626 ways take no shard whole.
        assert!((no_group_in_cut(12, 2, 4) - 7920.0 / 10_626.0).abs() < 1e-12);
        assert!((groups_in_cut(12, 2, 4) - 12.0 * 231.0 / 10_626.0).abs() < 1e-12);
        assert!((left_after_cut(24, 12, 4, 7) - 1.0).abs() < 1e-12, "eight primaries are left");
    }

    #[test]
    fn ways_beyond_what_a_float_holds_are_counted_by_their_logarithm() {
        let digits = ln_ways(2000, 500) / std::f64::consts::LN_10;
        // Stirling: 2000 H(1/4) ln 2 nats, less half the logarithm of 2 pi 2000 (1/4) (3/4).
        let entropy = -(0.25f64 * 0.25f64.ln() + 0.75 * 0.75f64.ln());
        let spread = 2.0 * std::f64::consts::PI * 2000.0 * 0.25 * 0.75;
        let expected = (2000.0 * entropy - spread.ln() / 2.0) / std::f64::consts::LN_10;
        assert!((digits - expected).abs() < 0.01 && digits > 308.0, "{digits} {expected}");
        assert_eq!((ln_ways(7, 0), ln_ways(7, 7)), (0.0, 0.0));
    }

    #[test]
    fn quorums_are_checked() {
        let sentinels = |count, quorum| Control::Sentinels { count, quorum };
        assert_eq!(sentinels(3, 2).needed(1), (3, 2));
        assert_eq!(sentinels(5, 2).needed(1), (5, 3), "a majority acts, whatever the quorum");
        assert_eq!(sentinels(5, 5).needed(1), (5, 5));
        assert!(sentinels(3, 4).checked(9).is_err() && sentinels(0, 0).checked(9).is_err());
        assert!(Control::Voters(5).checked(4).is_err());
        assert_eq!((majority(1), majority(2), majority(3), majority(12)), (1, 2, 2, 7));
    }

    proptest! {
        #[test]
        fn probabilities_add_up_and_fall_with_the_cut(
            groups in 1u32..40, size in 1u32..5, share in 0.0..1.0,
        ) {
            let all = groups * size;
            let cut = (share * f64::from(all)) as u32;
            let sum: f64 = marked_in_cut(all, groups, cut).iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
            let none = no_group_in_cut(groups, size, cut);
            let more = no_group_in_cut(groups, size, cut + 1);
            prop_assert!((0.0..=1.0).contains(&none) && more <= none + 1e-9, "{none} {more}");
            // The chance of any is at most the expected number.
            prop_assert!(1.0 - none <= groups_in_cut(groups, size, cut) + 1e-9);
            if cut < size {
                prop_assert!((none - 1.0).abs() < 1e-9, "{none}");
            }
        }
    }
}
