//! Arguments that say how traffic is spread over keys: for every command whose answer depends on it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use crate::error::{PlanError, Result};
use crate::model::placement::{SEED_DEFAULT, TRIALS_DEFAULT, Trials};
use crate::model::popularity::{Group, KEYS_MAX, Popularity};
use crate::quantity::{Count, Share, decimals, grouped};
use crate::report::Report;
use crate::report::cell::finite;

/// Keys if the caller does not say.
const KEYS_DEFAULT: u64 = 1_000_000;
/// Rows of a list of keys that are read.
const ROWS_MAX: usize = 10_000_000;
/// Keys of a list that are shown.
const SHOWN: usize = 10;
/// Ranks that are shown of a law.
const RANKS_SHOWN: [u64; 5] = [1, 2, 3, 10, 100];
/// Distinct counts up to which sums stay exact.
const TOTAL_MAX: u64 = 1 << 53;

/// How traffic is spread over keys.
#[derive(Args, Debug)]
#[command(next_help_heading = "Traffic")]
pub(super) struct TrafficArgs {
    /// Traffic by Zipf's law with this exponent; caches have 0.6 to 1.4
    #[arg(long, value_name = "ALPHA", conflicts_with_all = ["hot", "key_share", "top_file"])]
    zipf: Option<f64>,
    /// Keys in all [default: 1M]
    #[arg(long, value_name = "COUNT")]
    keys: Option<Count>,
    /// A group of keys and its traffic: 1%=50%, or 20=30% for 20 keys; may be given again
    #[arg(long, value_name = "KEYS=SHARE", conflicts_with = "top_file")]
    hot: Vec<HotGroup>,
    /// One key with this share of the traffic; may be given again
    #[arg(long, value_name = "SHARE", conflicts_with = "top_file")]
    key_share: Vec<Share>,
    /// A CSV file of keys and how often each was asked for: key,count
    #[arg(long, value_name = "FILE")]
    top_file: Option<PathBuf>,
    /// Requests in all, if the file lists only the top [default: the sum of the file]
    #[arg(long, value_name = "COUNT", requires = "top_file")]
    total: Option<Count>,
    /// Placements that are tried
    #[arg(long, value_name = "COUNT", default_value_t = TRIALS_DEFAULT)]
    trials: u32,
    /// Where chance starts: the same seed gives the same answer
    #[arg(long, value_name = "NUMBER", default_value_t = SEED_DEFAULT)]
    seed: u64,
}

/// A group of keys as written: how many, or which share of all keys, and its traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct HotGroup {
    pub(super) keys: KeysOf,
    pub(super) share: f64,
}

/// How many keys a group has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum KeysOf {
    /// So many.
    Count(u64),
    /// A share of all keys, 0 to 1.
    Share(f64),
}

impl FromStr for HotGroup {
    type Err = String;

    fn from_str(text: &str) -> Result<HotGroup, String> {
        let Some((keys, share)) = text.split_once('=') else {
            return Err(format!(
                "\"{text}\" is no group; write KEYS=SHARE such as 1%=50% or 20=30%"
            ));
        };
        let keys = match keys.ends_with('%') {
            true => KeysOf::Share(keys.parse::<Share>()?.0),
            false => KeysOf::Count(keys.parse::<Count>()?.0),
        };
        Ok(HotGroup { keys, share: share.parse::<Share>()?.0 })
    }
}

impl HotGroup {
    /// The group among `keys` keys: at least one.
    pub(super) fn among(self, keys: u64) -> Group {
        let count = match self.keys {
            KeysOf::Count(count) => count,
            KeysOf::Share(share) => (share * keys as f64).round() as u64,
        };
        Group { keys: count.max(1), share: self.share }
    }

    fn text(self) -> String {
        let keys = match self.keys {
            KeysOf::Count(1) => "1 key gets".to_owned(),
            KeysOf::Count(count) => format!("{} keys get", grouped(count)),
            KeysOf::Share(share) => format!("{} of the keys get", percent(share)),
        };
        format!("{keys} {} of the traffic", percent(self.share))
    }
}

/// A share as people write it: `1 %`, `0.5 %`.
pub(super) fn percent(share: f64) -> String {
    let text = decimals(share * 100.0, 2);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// Keys to say something about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) label: String,
    pub(super) group: Group,
}

/// Traffic as understood.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    /// In words.
    pub(super) text: String,
    pub(super) popularity: Popularity,
    /// Keys in all, with those that get no traffic.
    pub(super) keys: u64,
    /// The hot ones.
    pub(super) named: Vec<Named>,
    /// Groups given as shares of a number of keys that was not given.
    pub(super) of_any_size: Vec<HotGroup>,
}

impl TrafficArgs {
    /// How often to place the keys.
    pub(super) fn trials(&self) -> Trials {
        Trials { count: self.trials, seed: self.seed }
    }

    /// What is said of the traffic, or nothing.
    ///
    /// # Errors
    /// Arguments that contradict each other; a list that cannot be read.
    pub(super) fn read(&self, report: &mut Report) -> Result<Option<Traffic>> {
        let keys = self.keys.map_or(KEYS_DEFAULT, |keys| keys.0);
        let traffic = match (self.zipf, &self.top_file) {
            (Some(alpha), _) => {
                report.input("zipf", finite(alpha));
                law(keys, alpha)?
            }
            (None, Some(path)) => self.listed(path)?,
            (None, None) if !self.hot.is_empty() || !self.key_share.is_empty() => {
                self.groups(keys)?
            }
            (None, None) => return Ok(None),
        };
        report.input("traffic", traffic.text.as_str());
        report.input("keys", traffic.keys);
        report.input("trials", self.trials);
        report.seed = Some(self.seed);
        Ok(Some(traffic))
    }

    fn groups(&self, keys: u64) -> Result<Traffic> {
        let single = |share: &Share| HotGroup { keys: KeysOf::Count(1), share: share.0 };
        let written: Vec<HotGroup> =
            self.key_share.iter().map(single).chain(self.hot.iter().copied()).collect();
        let groups: Vec<Group> = written.iter().map(|group| group.among(keys)).collect();
        let popularity = Popularity::groups(keys, &groups)?;
        let texts: Vec<String> = written.iter().map(|group| group.text()).collect();
        let named = written
            .iter()
            .zip(&groups)
            .map(|(written, group)| Named { label: written.text(), group: *group });
        let is_share = |group: &HotGroup| matches!(group.keys, KeysOf::Share(_));
        let is_any_size = self.keys.is_none() && written.iter().any(is_share);
        Ok(Traffic {
            text: texts.join(", "),
            popularity,
            keys,
            named: named.collect(),
            of_any_size: if is_any_size { written } else { Vec::new() },
        })
    }

    fn listed(&self, path: &Path) -> Result<Traffic> {
        let counts = read_counts(path)?;
        let what = format!("the keys of {}", path.display());
        let total = self.total.map(|total| total.0);
        from_counts(&what, counts, total, self.keys.map(|keys| keys.0))
    }
}

fn law(keys: u64, alpha: f64) -> Result<Traffic> {
    let popularity = Popularity::zipf(keys, alpha)?;
    let head = popularity.head(RANKS_SHOWN[RANKS_SHOWN.len() - 1] as usize);
    let ranks = RANKS_SHOWN.into_iter().filter_map(|rank| {
        let share = *head.get(rank as usize - 1)?;
        Some(Named { label: format!("rank {rank}"), group: Group { keys: 1, share } })
    });
    let text = format!("Zipf {alpha} over {} keys", grouped(keys));
    Ok(Traffic { text, popularity, keys, named: ranks.collect(), of_any_size: Vec::new() })
}

/// Traffic from how often each key was asked for; `total` requests and `keys` keys in all, if these
/// are more than what is counted.
///
/// # Errors
/// A total or a number of keys below what is counted.
pub(super) fn from_counts(
    what: &str,
    mut counts: Vec<(String, u64)>,
    total: Option<u64>,
    keys: Option<u64>,
) -> Result<Traffic> {
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let counted = counts.iter().try_fold(0u64, |sum, (_, count)| sum.checked_add(*count));
    let Some(counted) = counted.filter(|sum| *sum <= TOTAL_MAX) else {
        return Err(PlanError::usage(format!("{what}: more than {TOTAL_MAX} requests")));
    };
    let total = total.unwrap_or(counted);
    let Some(rest_count) = total.checked_sub(counted) else {
        return Err(PlanError::usage(format!(
            "--total {total} is less than the {counted} requests for {what}"
        )));
    };
    let listed = counts.len() as u64;
    // Requests that are not of the list are for keys that are not in it.
    let unlisted = KEYS_DEFAULT.saturating_sub(listed).max(1);
    let keys = keys.unwrap_or(listed + if rest_count > 0 { unlisted } else { 0 });
    let rest = keys.checked_sub(listed).filter(|rest| rest_count == 0 || *rest > 0);
    let Some(rest) = rest.filter(|_| keys <= KEYS_MAX) else {
        return Err(PlanError::usage(format!(
            "--keys {keys} does not go with {what}: there are {listed} of them and others; \
             give --keys between {listed} and {KEYS_MAX}"
        )));
    };
    let popularity = Popularity::counted(counts.iter().map(|(_, count)| *count), rest, rest_count)?;
    let named = counts.iter().take(SHOWN).map(|(key, count)| Named {
        label: key.clone(),
        group: Group { keys: 1, share: *count as f64 / total as f64 },
    });
    let text = format!("{what}: {} keys, {} requests", grouped(keys), grouped(total));
    Ok(Traffic { text, popularity, keys, named: named.collect(), of_any_size: Vec::new() })
}

/// Reads `key,count` rows; a first row whose count is no number is a heading.
fn read_counts(path: &Path) -> Result<Vec<(String, u64)>> {
    let what = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(path)
        .map_err(|error| PlanError::source(&what, error))?;
    let mut counts = Vec::new();
    for (at, row) in reader.byte_records().enumerate() {
        let row = row.map_err(|error| PlanError::source(&what, error))?;
        let key = row.get(0).map(|key| String::from_utf8_lossy(key).into_owned());
        let text = row.get(1).map(|count| String::from_utf8_lossy(count).into_owned());
        let count = text.as_deref().and_then(|text| text.trim().parse::<Count>().ok());
        match (key, count) {
            (Some(key), Some(count)) => counts.push((key, count.0)),
            _ if at == 0 => {}
            _ => {
                let reason = format!("row {} is not key,count; give a key and a number", at + 1);
                return Err(PlanError::source(&what, reason));
            }
        }
        if counts.len() > ROWS_MAX {
            let reason = format!("more than {ROWS_MAX} keys; give the top ones and --total");
            return Err(PlanError::source(&what, reason));
        }
    }
    match counts.is_empty() {
        true => Err(PlanError::source(&what, "there is no row in it; give rows of key,count")),
        false => Ok(counts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counts_or_shares_of_the_keys() {
        let group: HotGroup = "1%=50%".parse().unwrap();
        assert_eq!(group.among(1_000_000), Group { keys: 10_000, share: 0.5 });
        assert_eq!(group.among(3), Group { keys: 1, share: 0.5 }, "a group has a key");
        assert_eq!(group.text(), "1 % of the keys get 50 % of the traffic");
        let group: HotGroup = "20=0.3".parse().unwrap();
        assert_eq!(group.among(1000), Group { keys: 20, share: 0.3 });
        for text in ["", "1%", "=", "x=50%", "1%=x", "1%=150%", "200%=50%", "-1=50%"] {
            assert!(text.parse::<HotGroup>().is_err(), "{text}");
        }
    }

    #[test]
    fn counted_keys_and_the_others_share_the_total() {
        let counts = || vec![("small".to_owned(), 10), ("large".to_owned(), 90)];
        let traffic = from_counts("keys", counts(), None, None).unwrap();
        assert_eq!((traffic.named[0].label.as_str(), traffic.keys), ("large", 2));
        assert!((traffic.named[0].group.share - 0.9).abs() < 1e-12);
        let traffic = from_counts("keys", counts(), Some(1000), Some(102)).unwrap();
        assert!((traffic.named[0].group.share - 0.09).abs() < 1e-12);
        let head = traffic.popularity.head(3);
        assert!((head[2] - 0.009).abs() < 1e-12, "900 for 100 others: {head:?}");
        for (total, keys) in [(Some(50), None), (None, Some(1)), (Some(1000), Some(2))] {
            assert!(from_counts("keys", counts(), total, keys).is_err(), "{total:?} {keys:?}");
        }
        let huge = vec![("a".to_owned(), u64::MAX), ("b".to_owned(), 1)];
        assert!(from_counts("keys", huge, None, None).is_err());
    }
}
