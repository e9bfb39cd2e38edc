//! What `planner reshard` reads: layouts, what slots hold, large keys.

use std::path::Path;

use serde_json::Value;
use skep_keyspace::{SLOT_COUNT, Slot};

use crate::error::{PlanError, Result};
use crate::files;
use crate::live::ReadOptions;
use crate::model::profile::Profile;
use crate::model::profile::cluster::parse_nodes;
use crate::model::reshard::{LayoutFile, Owners, SlotSizes};

/// Longer files are none of these.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// More than anybody has of a key, so that sums do not overflow.
const BYTES_MAX: u64 = 1 << 48;

/// A key that is large.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BigKey {
    pub(super) key: String,
    pub(super) slot: u16,
    pub(super) bytes: u64,
}

/// The text of a file of bounded length.
pub(super) fn text(path: &Path) -> Result<String> {
    let refused = |why: &str| PlanError::source(path.display(), why);
    let bytes = files::read(path, FILE_BYTES_MAX)?
        .ok_or_else(|| refused("is longer than the 64 MB that are read"))?;
    String::from_utf8(bytes).map_err(|_| refused("is no text"))
}

/// A layout out of a file: JSON, or the text of CLUSTER NODES.
pub(super) fn layout(path: &Path) -> Result<Owners> {
    let text = text(path)?;
    let refused = |why: String| {
        let fix = "give the JSON of planner slots, or the text of CLUSTER NODES";
        PlanError::source(path.display(), format!("{why}; {fix}"))
    };
    let owners = if text.trim_start().starts_with('{') {
        let mut value: Value = serde_json::from_str(&text).map_err(|e| refused(e.to_string()))?;
        if let Some(inner) = value.pointer_mut("/result/layout") {
            value = inner.take();
        }
        let file: LayoutFile =
            serde_json::from_value(value).map_err(|error| refused(error.to_string()))?;
        if file.version != 1 {
            return Err(refused(format!("is a layout of version {}, not 1", file.version)));
        }
        Owners::of(&file.shards)
    } else {
        Owners::of_nodes(&parse_nodes(&text))
    };
    owners.map_err(|error| refused(error.to_string()))
}

/// A live cluster or a profile: who owns what, and what its slots hold, each as much as the mean of its
/// node's.
pub(super) fn live(from: &str) -> Result<(String, Owners, Option<SlotSizes>)> {
    let options = ReadOptions { samples: 0, looks_at_keys: false, ..ReadOptions::default() };
    let profile = Profile::read(from, &options)?;
    let Some(cluster) = &profile.cluster else {
        return Err(PlanError::source(
            &profile.source,
            "is no cluster: a single server owns every slot; start it with cluster-enabled yes",
        ));
    };
    let owners = Owners::of_nodes(&cluster.nodes).map_err(|error| {
        PlanError::source(&profile.source, format!("CLUSTER NODES has no whole layout: {error}"))
    })?;
    let mut sizes = SlotSizes::empty();
    for (shard, name) in owners.names.iter().enumerate() {
        let Some(node) = profile.nodes.iter().find(|node| &node.address == name) else { continue };
        let owned = (0u16..).zip(owners.layout.owners());
        let slots: Vec<u16> = owned
            .filter(|(_, owner)| usize::from(**owner) == shard)
            .map(|(slot, _)| slot)
            .collect();
        if slots.is_empty() {
            continue;
        }
        let keys = node.databases.iter().map(|database| database.keys).sum();
        let overhead = node.memory.startup_bytes.unwrap_or(0);
        let used = node.memory.used_bytes.map(|used| used.saturating_sub(overhead));
        let bytes = node.memory.dataset_bytes.or(used).unwrap_or(0);
        sizes.spread(&slots, keys, bytes.min(BYTES_MAX));
    }
    Ok((profile.source.clone(), owners, Some(sizes)))
}

/// What slots hold, by a CSV whose header names slot and any of keys, bytes and ops.
pub(super) fn slot_stats(path: &Path) -> Result<SlotSizes> {
    let text = text(path)?;
    let mut rows = Rows::new(path, &text)?;
    let slot = rows.needed("slot")?;
    let columns = ["keys", "bytes", "ops"].map(|name| rows.column(name));
    if columns.iter().all(Option::is_none) {
        return Err(rows.refused("needs a column keys, bytes or ops beside slot"));
    }
    let mut sizes = SlotSizes::empty();
    let mut is_seen = vec![false; SLOT_COUNT];
    while let Some(row) = rows.next()? {
        let number = rows.whole(&row, slot)?;
        let Some(slot) = u16::try_from(number).ok().and_then(Slot::new) else {
            return Err(rows.refused(&format!("has slot {number}; slots are 0 to 16383")));
        };
        let at = usize::from(slot.number());
        if std::mem::replace(&mut is_seen[at], true) {
            return Err(rows.refused(&format!("has slot {number} twice")));
        }
        if let Some(column) = columns[0] {
            sizes.keys[at] = rows.whole(&row, column)?;
        }
        if let Some(column) = columns[1] {
            sizes.bytes[at] = rows.whole(&row, column)?;
        }
        if let Some(column) = columns[2] {
            sizes.operations[at] = rows.number(&row, column)?;
        }
    }
    Ok(sizes)
}

/// Large keys, by a CSV whose header names key and bytes.
pub(super) fn big_keys(path: &Path) -> Result<Vec<BigKey>> {
    let text = text(path)?;
    let mut rows = Rows::new(path, &text)?;
    let (key, bytes) = (rows.needed("key")?, rows.needed("bytes")?);
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = rows.whole(&row, bytes)?;
        let key = row.get(key).unwrap_or_default().to_owned();
        let slot = Slot::of(key.as_bytes()).number();
        found.push(BigKey { key, slot, bytes });
    }
    Ok(found)
}

/// A CSV with a header.
struct Rows<'a> {
    path: &'a Path,
    header: Vec<String>,
    reader: csv::Reader<&'a [u8]>,
    line: u64,
}

impl<'a> Rows<'a> {
    fn new(path: &'a Path, text: &'a str) -> Result<Rows<'a>> {
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| PlanError::source(path.display(), error))?;
        let header = header.iter().map(str::to_ascii_lowercase).collect();
        Ok(Rows { path, header, reader, line: 1 })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|known| known == name)
    }

    fn needed(&self, name: &str) -> Result<usize> {
        self.column(name)
            .ok_or_else(|| self.refused(&format!("has no column {name} in its first line")))
    }

    fn refused(&self, what: &str) -> PlanError {
        PlanError::source(self.path.display(), format!("{what} (line {})", self.line))
    }

    fn next(&mut self) -> Result<Option<csv::StringRecord>> {
        let mut row = csv::StringRecord::new();
        let is_there = self
            .reader
            .read_record(&mut row)
            .map_err(|error| PlanError::source(self.path.display(), error))?;
        self.line = row.position().map_or(self.line, csv::Position::line);
        Ok(is_there.then_some(row))
    }

    fn number(&self, row: &csv::StringRecord, column: usize) -> Result<f64> {
        let text = row.get(column).unwrap_or_default();
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
        value.ok_or_else(|| {
            self.refused(&format!("has \"{text}\", which is no number of 0 or more"))
        })
    }

    fn whole(&self, row: &csv::StringRecord, column: usize) -> Result<u64> {
        let value = self.number(row, column)?;
        match value.fract() == 0.0 && value <= BYTES_MAX as f64 {
            true => Ok(value as u64),
            false => {
                Err(self.refused(&format!("has {value}, which is no whole number up to 2^48")))
            }
        }
    }
}
