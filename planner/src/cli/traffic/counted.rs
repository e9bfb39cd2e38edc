//! Traffic that was counted: lists of keys, and traces.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::path::Path;

use super::{KEYS_DEFAULT, Named, Traffic};
use crate::error::{PlanError, Result};
use crate::model::popularity::{Group, KEYS_MAX, Popularity};
use crate::quantity::{Count, grouped};
use crate::trace::{self, Operation};

/// Rows of a list of keys that are read.
const ROWS_MAX: usize = 10_000_000;
/// Keys of a list that are shown.
const SHOWN: usize = 10;
/// Requests up to which sums stay exact.
const TOTAL_MAX: u64 = 1 << 53;
/// Objects of a trace that are counted.
const OBJECTS_MAX: usize = 100_000_000;
/// Slots of a cluster.
const SLOTS: usize = 16_384;

/// What a trace says beside how often each key was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Seen {
    /// Share of operations that read.
    pub(in crate::cli) reads: f64,
    /// Requests by slot.
    slots: Vec<u64>,
}

impl Seen {
    /// The busiest node's requests over the mean if each node has an even range of slots.
    pub(in crate::cli) fn imbalance(&self, nodes: usize) -> f64 {
        let total: u64 = self.slots.iter().sum();
        let end = |node: usize| {
            (SLOTS as f64 * node as f64 / nodes as f64).round_ties_even().min(SLOTS as f64) as usize
        };
        let load = |node: usize| self.slots[end(node)..end(node + 1)].iter().sum::<u64>();
        let busiest = (0..nodes).map(load).max().unwrap_or(0);
        busiest as f64 * nodes as f64 / total.max(1) as f64
    }
}

/// An object of a trace that has no name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Object(u64);

impl Display for Object {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "object {:x}", self.0)
    }
}

/// Traffic as a trace has it.
///
/// # Errors
/// The file cannot be read, is no trace, or has too many objects.
pub(super) fn traced(
    path: &Path,
    format: Option<trace::Format>,
    keys: Option<u64>,
) -> Result<Traffic> {
    let mut counts: HashMap<u64, u64> = HashMap::new();
    let mut slots = vec![0u64; SLOTS];
    let (mut all, mut reads) = (0u64, 0u64);
    let mut reader = trace::Reader::open(path, format)?;
    while let Some(access) = reader.read()? {
        *counts.entry(access.id).or_insert(0) += 1;
        slots[usize::from(access.slot()) % SLOTS] += 1;
        reads += u64::from(access.operation == Operation::Get);
        all += 1;
        if counts.len() > OBJECTS_MAX {
            let reason = format!("more than {OBJECTS_MAX} objects; give a part of the trace");
            return Err(PlanError::source(path.display(), reason));
        }
    }
    if all == 0 {
        return Err(PlanError::source(path.display(), "there is no request in it"));
    }
    let what = format!("the objects of {}", path.display());
    let counts = counts.into_iter().map(|(id, count)| (Object(id), count)).collect();
    let mut traffic = from_counts(&what, counts, None, keys)?;
    traffic.seen = Some(Seen { reads: reads as f64 / all as f64, slots });
    Ok(traffic)
}

/// Traffic as a list of keys and counts has it; see [`from_counts`].
///
/// # Errors
/// The file cannot be read, has no rows, or rows of something else.
pub(super) fn listed(path: &Path, total: Option<u64>, keys: Option<u64>) -> Result<Traffic> {
    from_counts(&format!("the keys of {}", path.display()), read_counts(path)?, total, keys)
}

/// Traffic from how often each key was asked for; `total` requests and `keys` keys in all, if these
/// are more than what is counted.
///
/// # Errors
/// A total or a number of keys below what is counted.
fn from_counts<K: Ord + Display>(
    what: &str,
    mut counts: Vec<(K, u64)>,
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
        label: key.to_string(),
        group: Group { keys: 1, share: *count as f64 / total as f64 },
    });
    let text = format!("{what}: {} keys, {} requests", grouped(keys), grouped(total));
    Ok(Traffic {
        text,
        popularity,
        keys,
        named: named.collect(),
        of_any_size: Vec::new(),
        seen: None,
    })
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
    fn a_trace_also_says_where_its_keys_are() {
        let mut slots = vec![0; SLOTS];
        (slots[0], slots[SLOTS - 1]) = (30, 10);
        let seen = Seen { reads: 1.0, slots };
        assert_eq!((seen.imbalance(1), seen.imbalance(2), seen.imbalance(4)), (1.0, 1.5, 3.0));
        assert_eq!(seen.imbalance(20_000), 15_000.0, "more nodes than slots");
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
