//! Consistent hashing with virtual nodes: which shard owns a slot when nobody says otherwise.
//!
//! Karger et al., "Consistent hashing and random trees", STOC 1997. Each name stands on a circle of
//! 2^64 positions as many times as it has virtual nodes; a slot belongs to the first point at or after
//! its own position, and past the last point to the first. Any language can reproduce it:
//!
//! ```text
//! point i of a name  = XXH3-64, seed 0, of the UTF-8 bytes of  name + "#" + i in decimal,  i = 0, 1, ...
//! points of a name   = virtual nodes x weight, rounded to nearest, halves up; at least 1; 0 for weight 0
//! position of a slot = slot x 2^50  (the slot number in the top 14 of 64 bits)
//! slot of a key      = CRC16 of the key or its hash tag, modulo 16,384, as in Redis Cluster
//! equal points       : the name that is first in byte order has it
//! ```
//!
//! `tests/ring_vectors.csv` has points and owners computed by another implementation. Slots lie evenly
//! on the circle rather than hashed, so a shard has at most as many ranges as points, and the only
//! imbalance is that of the arcs. Changing any of this moves data in running clusters:
//! [`RING_VERSION`] names the rule.
//!
//! A shard that comes takes slots only for itself, one that goes leaves its slots to the others, and
//! nothing else moves. At most [`POINTS_MAX`] points.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::LayoutError;
use crate::layout::{Layout, check_named};
use crate::slot::{SLOT_COUNT, Slot};

/// Names the rule above in exported rings.
pub const RING_VERSION: u32 = 1;
/// Virtual nodes of a shard of weight 1 when nobody says otherwise.
pub const VIRTUAL_NODES_DEFAULT: u32 = 150;
/// Points that a ring may have: some 256 MiB.
pub const POINTS_MAX: u64 = 1 << 24;
/// Bits of a position below the slot's number.
const SLOT_SHIFT: u32 = u64::BITS - SLOT_COUNT.trailing_zeros();

/// A circle of points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Position and shard, ascending.
    points: Vec<(u64, u16)>,
    shard_count: usize,
}

impl Ring {
    /// A ring of named shards with `virtual_nodes` points for a weight of 1.
    ///
    /// # Errors
    /// No names, an empty or repeated one, weights that are no numbers of 0 or more or all 0, no
    /// virtual nodes, or too many points.
    pub fn new(names: &[&str], weights: &[f64], virtual_nodes: u32) -> Result<Ring, LayoutError> {
        check_named(names, weights)?;
        let counts: Vec<u64> = weights.iter().map(|&w| point_count(virtual_nodes, w)).collect();
        match counts.iter().fold(0, |sum: u64, &count| sum.saturating_add(count)) {
            0 => return Err(LayoutError::NoWeight),
            sum if sum > POINTS_MAX => return Err(LayoutError::TooManyPoints(sum)),
            _ => {}
        }
        let mut points = Vec::with_capacity(counts.iter().sum::<u64>() as usize);
        for (shard, (name, &count)) in names.iter().zip(&counts).enumerate() {
            let mut text = String::new();
            points.extend((0..count).map(|index| (point_in(&mut text, name, index), shard as u16)));
        }
        let name = |shard: u16| names[usize::from(shard)];
        points.sort_unstable_by(|one, other| {
            one.0.cmp(&other.0).then_with(|| name(one.1).cmp(name(other.1)))
        });
        Ok(Ring { points, shard_count: names.len() })
    }

    /// Position and shard of each point, ascending.
    pub fn points(&self) -> &[(u64, u16)] {
        &self.points
    }

    /// The shard at or after a position.
    pub fn owner_at(&self, position: u64) -> usize {
        let next = self.points.partition_point(|point| point.0 < position);
        // Past the last point the circle begins again.
        usize::from(self.points[if next == self.points.len() { 0 } else { next }].1)
    }

    /// The shard that owns a slot.
    pub fn owner(&self, slot: Slot) -> usize {
        self.owner_at(position(slot))
    }

    /// The owners of all slots.
    pub fn layout(&self) -> Layout {
        Layout::from_fn(self.shard_count, |slot| self.owner_at((slot as u64) << SLOT_SHIFT))
    }
}

/// Where point `index` of a name is.
pub fn point(name: &str, index: u64) -> u64 {
    point_in(&mut String::new(), name, index)
}

/// As [`point`], with the text in a buffer that is used again.
fn point_in(text: &mut String, name: &str, index: u64) -> u64 {
    text.clear();
    text.push_str(name);
    text.push('#');
    text.push_str(&index.to_string());
    xxh3_64(text.as_bytes())
}

/// Where a slot is.
pub fn position(slot: Slot) -> u64 {
    u64::from(slot.number()) << SLOT_SHIFT
}

fn point_count(virtual_nodes: u32, weight: f64) -> u64 {
    match weight > 0.0 && virtual_nodes > 0 {
        true => (f64::from(virtual_nodes) * weight).round().max(1.0) as u64,
        false => 0,
    }
}

#[cfg(test)]
mod tests;
