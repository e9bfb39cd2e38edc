//! Traffic that was counted: lists of keys, and traces.

use std::collections::HashMap;
use std::path::Path;

use skep_keyspace::Slot;

use super::seen::Seen;
use super::{KEYS_DEFAULT, Named, Traffic};
use crate::cli::Common;
use crate::cli::progress::Progress;
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
/// One part in so many of the requests makes a key's name worth keeping. Whatever has that much in the
/// end had it when it was last asked for, and not many have it at any time.
const NAMED_PART: u64 = 1000;
/// Objects of a trace that are counted.
const OBJECTS_MAX: usize = 100_000_000;

/// A key that was counted: how it is called, and where it is.
pub(super) trait CountedKey: Ord {
    /// For people.
    fn label(&self) -> String;
    /// Its slot.
    fn slot(&self) -> u16;
}

/// An object of a trace; its name is kept if it may be one of those that are shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    id: u64,
    slot: u16,
    name: Option<Vec<u8>>,
}

impl CountedKey for Object {
    fn label(&self) -> String {
        match &self.name {
            Some(name) => String::from_utf8_lossy(name).into_owned(),
            None => format!("object {:x}", self.id),
        }
    }

    fn slot(&self) -> u16 {
        self.slot
    }
}

/// A key by its name, in one of a server's databases.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyName {
    pub(super) name: Vec<u8>,
    pub(super) database: u64,
}

impl CountedKey for KeyName {
    fn label(&self) -> String {
        let name = String::from_utf8_lossy(&self.name);
        match self.database {
            0 => name.into_owned(),
            database => format!("{name} (database {database})"),
        }
    }

    fn slot(&self) -> u16 {
        Slot::of(&self.name).number()
    }
}

/// What was counted, in words.
pub(super) struct Counted<'w> {
    /// Of what: "the keys of top.csv".
    pub(super) what: &'w str,
    /// What a count is a number of: "requests".
    pub(super) unit: &'w str,
}

/// Traffic as a trace has it.
///
/// # Errors
/// The file cannot be read, is no trace, or has too many objects.
pub(super) fn traced(
    path: &Path,
    format: Option<trace::Format>,
    keys: Option<u64>,
    common: &Common,
) -> Result<Traffic> {
    let mut progress = Progress::new("requests", common);
    let mut counts: HashMap<u64, (u64, u16)> = HashMap::new();
    let mut names: HashMap<u64, Vec<u8>> = HashMap::new();
    let (mut all, mut reads) = (0u64, 0u64);
    let mut reader = trace::Reader::open(path, format)?;
    while let Some(access) = reader.read()? {
        progress.step();
        let (count, _) = counts.entry(access.id).or_insert_with(|| (0, access.slot()));
        *count += 1;
        if *count * NAMED_PART > all
            && !names.contains_key(&access.id)
            && let Some(key) = reader.key()
        {
            names.insert(access.id, key.to_vec());
        }
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
    let object = |(id, (count, slot))| (Object { id, slot, name: names.remove(&id) }, count);
    let counts = counts.into_iter().map(object).collect();
    let counted = Counted { what: &what, unit: "requests" };
    let traffic = from_counts(&counted, counts, None, keys)?;
    Ok(traffic.with_reads(reads as f64 / all as f64))
}

/// Traffic as a list of keys and counts has it; see [`from_counts`].
///
/// # Errors
/// The file cannot be read, has no rows, or rows of something else.
pub(super) fn listed(path: &Path, total: Option<u64>, keys: Option<u64>) -> Result<Traffic> {
    let what = format!("the keys of {}", path.display());
    let counted = Counted { what: &what, unit: "requests" };
    from_counts(&counted, read_counts(path)?, total, keys)
}

/// Traffic from how often each key was asked for; `total` requests and `keys` keys in all, if these
/// are more than what is counted.
///
/// # Errors
/// A total or a number of keys below what is counted.
pub(super) fn from_counts<K: CountedKey>(
    Counted { what, unit }: &Counted<'_>,
    mut counts: Vec<(K, u64)>,
    total: Option<u64>,
    keys: Option<u64>,
) -> Result<Traffic> {
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let counted = counts.iter().try_fold(0u64, |sum, (_, count)| sum.checked_add(*count));
    let Some(counted) = counted.filter(|sum| *sum <= TOTAL_MAX) else {
        return Err(PlanError::usage(format!("{what}: more than {TOTAL_MAX} {unit}")));
    };
    let total = total.unwrap_or(counted);
    let Some(rest_count) = total.checked_sub(counted) else {
        return Err(PlanError::usage(format!(
            "--total {total} is less than the {counted} {unit} of {what}"
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
        label: key.label(),
        group: Group { keys: 1, share: *count as f64 / total as f64 },
        slot: Some(key.slot()),
    });
    let text = format!("{what}: {} keys, {} {unit}", grouped(keys), grouped(total));
    let slots = counts.iter().map(|(key, count)| (key.slot(), *count));
    Ok(Traffic {
        text,
        popularity,
        keys,
        named: named.collect(),
        of_any_size: Vec::new(),
        seen: Some(Seen::new(slots, rest_count)),
    })
}

/// Reads `key,count` rows; a first row whose count is no number is a heading.
fn read_counts(path: &Path) -> Result<Vec<(KeyName, u64)>> {
    let what = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(path)
        .map_err(|error| PlanError::source(&what, error))?;
    let mut counts = Vec::new();
    for (at, row) in reader.byte_records().enumerate() {
        let row = row.map_err(|error| PlanError::source(&what, error))?;
        let key = row.get(0).map(|name| KeyName { name: name.to_vec(), database: 0 });
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
    fn counted_keys_and_the_others_share_the_total() {
        let key = |name: &str| KeyName { name: name.into(), database: 0 };
        let counts = || vec![(key("small"), 10), (key("large"), 90)];
        let counted = Counted { what: "keys", unit: "requests" };
        let traffic = from_counts(&counted, counts(), None, None).unwrap();
        assert_eq!((traffic.named[0].label.as_str(), traffic.keys), ("large", 2));
        assert!((traffic.named[0].group.share - 0.9).abs() < 1e-12);
        let traffic = from_counts(&counted, counts(), Some(1000), Some(102)).unwrap();
        assert!((traffic.named[0].group.share - 0.09).abs() < 1e-12);
        let head = traffic.popularity.head(3);
        assert!((head[2] - 0.009).abs() < 1e-12, "900 for 100 others: {head:?}");
        for (total, keys) in [(Some(50), None), (None, Some(1)), (Some(1000), Some(2))] {
            assert!(from_counts(&counted, counts(), total, keys).is_err(), "{total:?} {keys:?}");
        }
        let huge = vec![(key("a"), u64::MAX), (key("b"), 1)];
        assert!(from_counts(&counted, huge, None, None).is_err());
    }
}
