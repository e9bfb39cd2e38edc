//! A running server's own figures, carried over to another number of keys.
//!
//! What a server takes is what it takes without keys, and what its keys take; the second grows with
//! their number as its layout does. The layout's model only says by how much they grow, so its error
//! is only that of the growth.

use skep_store::cost::{Load, footprint, item};

use super::items::{ItemModel, table_bytes};
use super::profile::{NodeProfile, Profile, Role, ServerKind, Shape};
use crate::error::{PlanError, Result};
use crate::quantity::{decimals, grouped};
use crate::report::Step;

/// Keys below which a server's own memory drowns that of its keys.
const KEYS_MIN: u64 = 1_000;
/// Used memory below which resident over used says more of the program than of holes.
const FRAGMENTED_MIN_BYTES: f64 = (64u64 << 20) as f64;
const SOURCE: &str = "the server's INFO and a sample of its keys";

/// The primaries of a server or a cluster, together.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Primaries that were read.
    pub nodes: u32,
    /// Keys they have.
    pub keys: u64,
    /// Resident over used memory, at least 1; nothing if too little is used to tell.
    pub fragmentation: Option<f64>,
    kind: ServerKind,
    used_bytes: f64,
    resident_bytes: f64,
    /// Accounted for without keys.
    fixed_bytes: f64,
    /// Share of the keys that expire.
    expiring: f64,
    databases: u32,
    shapes: Vec<Shape>,
}

/// What INFO will say, in bytes of all primaries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// `used_memory`.
    pub used_bytes: f64,
    /// `used_memory_rss`.
    pub resident_bytes: f64,
    /// The part of `used_bytes` that keys take.
    pub data_bytes: f64,
}

impl Measured {
    /// Adds a profile's primaries up.
    ///
    /// # Errors
    /// No primary tells of its memory and of keys enough.
    pub fn of(profile: &Profile) -> Result<Measured> {
        let missing = |what: &str| {
            let how = "take a profile with planner probe of a server that holds typical keys";
            PlanError::source(&profile.source, format!("{what}; {how}"))
        };
        let primaries = profile.nodes.iter().filter(|node| node.role == Role::Primary);
        let nodes: Vec<&NodeProfile> = primaries.collect();
        let kind = nodes.first().ok_or_else(|| missing("no primary was read"))?.kind;
        let sum = |of: &dyn Fn(&NodeProfile) -> Option<u64>| -> Option<f64> {
            nodes.iter().map(|node| of(node).map(|bytes| bytes as f64)).sum()
        };
        let used = sum(&|node| node.memory.used_bytes);
        let resident = sum(&|node| node.memory.resident_bytes);
        let (Some(used_bytes), Some(resident_bytes)) = (used, resident) else {
            return Err(missing("INFO memory tells no used_memory and used_memory_rss"));
        };
        // Ours tells what data takes, index included; others what they took at their start.
        let fixed = match kind {
            ServerKind::Skep => {
                sum(&|node| node.memory.dataset_bytes).map(|data| used_bytes - data)
            }
            ServerKind::Redis | ServerKind::Valkey => sum(&|node| node.memory.startup_bytes),
        };
        let keys: u64 = nodes.iter().map(|node| node.keys()).sum();
        if keys < KEYS_MIN {
            return Err(missing(&format!("{keys} keys say too little, {KEYS_MIN} would do")));
        }
        let expiring: u64 = nodes.iter().map(|node| node.expiring()).sum();
        let databases = nodes.iter().map(|node| node.databases.len()).max().unwrap_or(1);
        let shapes = profile.sample.as_ref().map(|sample| sample.shapes.clone());
        Ok(Measured {
            nodes: nodes.len() as u32,
            keys,
            fragmentation: (used_bytes >= FRAGMENTED_MIN_BYTES)
                .then(|| (resident_bytes / used_bytes).max(1.0)),
            kind,
            used_bytes,
            resident_bytes,
            fixed_bytes: fixed.unwrap_or(0.0).clamp(0.0, used_bytes),
            expiring: expiring as f64 / keys as f64,
            databases: databases.max(1) as u32,
            shapes: shapes.unwrap_or_default(),
        })
    }

    /// What the same primaries will take with so many keys of the same kinds.
    pub fn predict(&self, keys: u64) -> Prediction {
        let now_bytes = self.used_bytes - self.fixed_bytes;
        let data_bytes = match self.kind {
            ServerKind::Skep if !self.shapes.is_empty() => {
                // The model is the node's own: what it misses is a matter of whole blocks, not of keys.
                (now_bytes + self.modelled(keys) - self.modelled(self.keys)).max(0.0)
            }
            _ => self.grown(now_bytes, keys),
        };
        let used_bytes = self.fixed_bytes + data_bytes;
        // Of others, holes grow with what they are in. Ours has none, and small ones cannot tell.
        let resident_bytes = match (self.kind, self.fragmentation) {
            (ServerKind::Redis | ServerKind::Valkey, Some(factor)) => used_bytes * factor,
            _ => self.resident_bytes - now_bytes + data_bytes,
        };
        Prediction { used_bytes, resident_bytes: resident_bytes.max(data_bytes), data_bytes }
    }

    /// What the node's own cost model says of so many keys of the sampled shapes.
    fn modelled(&self, keys: u64) -> f64 {
        let sampled: u64 = self.shapes.iter().map(|shape| shape.keys).sum();
        let mean = |of: &dyn Fn(&Shape) -> usize| {
            let sum: f64 =
                self.shapes.iter().map(|shape| shape.keys as f64 * of(shape) as f64).sum();
            sum / sampled.max(1) as f64
        };
        let cost = |shape: &Shape| {
            let (key, value) = (shape.key_bytes.round(), shape.value_bytes.round());
            item(key as usize, value as usize, shape.expires)
        };
        let load = Load {
            keys: keys / u64::from(self.nodes),
            slots: (16_384 / self.nodes).max(1),
            databases: self.databases,
            record_bytes: mean(&|shape| cost(shape).record_bytes),
            outside_bytes: mean(&|shape| cost(shape).outside_bytes),
        };
        let footprint = footprint(&load);
        f64::from(self.nodes) * (footprint.region_bytes() + footprint.outside_bytes) as f64
    }

    /// Keys by their mean, with hash tables of the size they will have.
    fn grown(&self, now_bytes: f64, keys: u64) -> f64 {
        let model = match self.kind {
            ServerKind::Valkey => ItemModel::Valkey9,
            ServerKind::Skep | ServerKind::Redis => ItemModel::Redis7,
        };
        let table = |keys| (1.0 + self.expiring) * table_bytes(model, keys, self.nodes);
        let object = (now_bytes / self.keys as f64 - table(self.keys)).max(1.0);
        keys as f64 * (object + table(keys))
    }

    /// How a prediction comes about.
    pub fn steps(&self, keys: u64) -> Vec<Step> {
        let prediction = self.predict(keys);
        let per_key = (self.used_bytes - self.fixed_bytes) / self.keys as f64;
        let bytes = |id, label: &str, formula, value, why: &str| {
            Step::bytes(id, label, formula, value, why, SOURCE)
        };
        vec![
            bytes(
                "fixed",
                "taken without keys",
                format!("{} nodes as read", self.nodes),
                self.fixed_bytes,
                "it does not grow with keys",
            ),
            bytes(
                "data",
                "taken by keys",
                format!(
                    "{} keys x {} bytes, grown to {}",
                    grouped(self.keys),
                    decimals(per_key, 1),
                    grouped(keys)
                ),
                prediction.data_bytes,
                "what was read, and the growth by the layout's model",
            ),
            bytes(
                "resident",
                "resident",
                match self.fragmentation {
                    Some(factor) => format!("resident over used was {}", decimals(factor, 3)),
                    None => "resident beyond used as it was".to_owned(),
                },
                prediction.resident_bytes,
                "what the machine has to have",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::{Database, Memory, Sample};

    fn profile(kind: ServerKind, keys: u64, data_bytes: u64) -> Profile {
        let memory = Memory {
            used_bytes: Some(data_bytes + 6_000_000),
            resident_bytes: Some(data_bytes + 5_000_000),
            startup_bytes: Some(6_000_000),
            dataset_bytes: Some(data_bytes),
            ..Memory::default()
        };
        let databases = vec![Database { number: 0, keys, expiring: 0, ttl_seconds: None }];
        let node = NodeProfile { kind, memory, databases, ..NodeProfile::default() };
        let shape = Shape { keys: 1000, key_bytes: 20.0, value_bytes: 100.0, expires: false };
        let sample = Sample { shapes: vec![shape], ..Sample::default() };
        Profile { nodes: vec![node], sample: Some(sample), ..Profile::default() }
    }

    #[test]
    fn the_number_of_keys_that_was_read_gives_what_was_read() {
        for kind in [ServerKind::Skep, ServerKind::Redis, ServerKind::Valkey] {
            let measured = Measured::of(&profile(kind, 100_000, 14_000_000)).unwrap();
            let said = measured.predict(100_000);
            assert!((said.used_bytes - 20_000_000.0).abs() < 1.0, "{kind:?}: {said:?}");
            let more = measured.predict(1_000_000);
            assert!(more.used_bytes > 9.0 * 14_000_000.0, "{kind:?}: {more:?}");
            assert!(more.resident_bytes >= more.data_bytes, "{kind:?}: {more:?}");
        }
    }

    #[test]
    fn too_little_says_what_would_do() {
        let error = Measured::of(&profile(ServerKind::Skep, 10, 1000)).unwrap_err().to_string();
        assert!(error.contains("1000 would do"), "{error}");
        assert!(Measured::of(&Profile::default()).is_err());
    }
}
