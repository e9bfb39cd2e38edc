//! Layouts with names: how they are made, what one more shard costs in each, and their JSON.
//!
//! The arithmetic is the node's own, in `node/keyspace`; here shards get names. A layout in JSON is
//! `{"version": 1, "shards": [{"name": "a", "ranges": [[0, 5460]]}]}`, whole: every shard, those that
//! own nothing included, with all its ranges, ascending and inclusive at both ends.

use serde_json::{Value, json};
use skep_keyspace::layout::SHARDS_MAX;
use skep_keyspace::moves::differences;
use skep_keyspace::rebalance::by_slots;
use skep_keyspace::rendezvous::rendezvous;
use skep_keyspace::ring::Ring;
use skep_keyspace::{Layout, LayoutError};

use crate::error::{PlanError, Result};

/// How slots are given to shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LayoutKind {
    /// Equal ranges, exactly those of redis-cli
    Even,
    /// Ranges in proportion to weights, exact within a slot
    Weighted,
    /// Consistent hashing with virtual nodes, as Skep places slots
    Ring,
    /// Highest bidder of all shards for each slot
    Rendezvous,
    /// Slot modulo the number of shards: even, but it moves nearly everything
    Modulo,
    /// Equal ranges, with copies of each in different zones
    Zones,
}

impl LayoutKind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            LayoutKind::Even => "even",
            LayoutKind::Weighted => "weighted",
            LayoutKind::Ring => "ring",
            LayoutKind::Rendezvous => "rendezvous",
            LayoutKind::Modulo => "modulo",
            LayoutKind::Zones => "zones",
        }
    }

    /// Whether weights have a meaning.
    pub fn takes_weights(self) -> bool {
        match self {
            LayoutKind::Weighted | LayoutKind::Ring | LayoutKind::Rendezvous => true,
            LayoutKind::Even | LayoutKind::Modulo | LayoutKind::Zones => false,
        }
    }
}

impl From<LayoutError> for PlanError {
    fn from(error: LayoutError) -> PlanError {
        PlanError::usage(error.to_string())
    }
}

/// A layout whose shards have names.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedLayout {
    /// Names, as many as the layout has shards, all different.
    pub names: Vec<String>,
    /// Who owns which slots.
    pub layout: Layout,
}

/// Makes a layout.
///
/// # Errors
/// [`PlanError::Usage`] for names and weights that make none.
pub fn make(
    kind: LayoutKind,
    names: &[String],
    weights: &[f64],
    virtual_nodes: u32,
) -> Result<Layout> {
    let references: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(match kind {
        LayoutKind::Even | LayoutKind::Zones => Layout::even(names.len())?,
        LayoutKind::Weighted => Layout::weighted(weights)?,
        LayoutKind::Ring => Ring::new(&references, weights, virtual_nodes)?.layout(),
        LayoutKind::Rendezvous => rendezvous(&references, weights)?,
        LayoutKind::Modulo => Layout::modulo(names.len())?,
    })
}

/// What one more shard moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Slots that change hands when the layout is made anew.
    pub moved_slots: usize,
    /// The fewest for an equally balanced result.
    pub least_slots: usize,
}

/// What one more shard of the mean weight moves, or nothing if there is no room for one.
///
/// # Errors
/// As [`make`].
pub fn growth(
    kind: LayoutKind,
    now: &NamedLayout,
    weights: &[f64],
    virtual_nodes: u32,
) -> Result<Option<Growth>> {
    let count = now.names.len() + 1;
    if count > SHARDS_MAX {
        return Ok(None);
    }
    let mut names = now.names.clone();
    let mut number = count;
    while names.contains(&format!("node-{number}")) {
        number += 1;
    }
    names.push(format!("node-{number}"));
    let mean = weights.iter().map(|weight| weight / weights.len() as f64).sum();
    let weights: Vec<f64> = weights.iter().copied().chain([mean]).collect();
    let before = now.layout.with_shards(count)?;
    let moved = |after: &Layout| differences(&before, after).map(|moves| moves.len());
    let after = make(kind, &names, &weights, virtual_nodes)?;
    let weights = if kind.takes_weights() { weights } else { vec![1.0; count] };
    let least = by_slots(&now.layout, &weights)?;
    Ok(Some(Growth { moved_slots: moved(&after)?, least_slots: moved(&least)? }))
}

/// Of the shape of a layout in JSON.
const LAYOUT_VERSION: u32 = 1;

impl NamedLayout {
    /// As JSON, in the shape this module promises.
    pub fn to_value(&self) -> Value {
        let shards = self.names.iter().zip(self.layout.ranges()).map(|(name, ranges)| {
            let pairs: Vec<_> = ranges.iter().map(|range| [range.first, range.last]).collect();
            json!({"name": name, "ranges": pairs})
        });
        json!({"version": LAYOUT_VERSION, "shards": shards.collect::<Vec<_>>()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(kind: LayoutKind, count: usize) -> (NamedLayout, Vec<f64>) {
        let names: Vec<String> = (1..=count).map(|number| format!("node-{number}")).collect();
        let weights = vec![1.0; count];
        let layout = make(kind, &names, &weights, 150).unwrap();
        (NamedLayout { names, layout }, weights)
    }

    #[test]
    fn one_more_shard_costs_what_is_known() {
        let cost = |kind| {
            let (now, weights) = named(kind, 3);
            growth(kind, &now, &weights, 150).unwrap().unwrap()
        };
        assert_eq!(cost(LayoutKind::Even), Growth { moved_slots: 8192, least_slots: 4096 });
        // Of slots modulo 3 and modulo 4, those equal modulo 12 in the first three stay.
        assert_eq!(cost(LayoutKind::Modulo).moved_slots, 12_286);
        assert!(cost(LayoutKind::Ring).moved_slots.abs_diff(4096) < 700);
        assert!(cost(LayoutKind::Rendezvous).moved_slots.abs_diff(4096) < 230);
    }

    #[test]
    fn json_has_every_slot_once_and_shards_without_any() {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let layout = make(LayoutKind::Weighted, &names, &[1.0, 0.0, 1.0], 150).unwrap();
        assert_eq!(
            NamedLayout { names, layout }.to_value(),
            json!({"version": 1, "shards": [
                {"name": "a", "ranges": [[0, 8191]]},
                {"name": "b", "ranges": []},
                {"name": "c", "ranges": [[8192, 16_383]]},
            ]})
        );
        for kind in [LayoutKind::Ring, LayoutKind::Rendezvous, LayoutKind::Modulo] {
            let value = named(kind, 5).0.to_value();
            let mut slots: Vec<u64> = Vec::new();
            for range in value["shards"].as_array().unwrap() {
                for pair in range["ranges"].as_array().unwrap() {
                    slots.extend(pair[0].as_u64().unwrap()..=pair[1].as_u64().unwrap());
                }
            }
            slots.sort_unstable();
            assert!(slots.into_iter().eq(0..16_384), "{kind:?}");
        }
    }
}
