//! From one layout to another: which slots move, in which order, how long it takes, and what is left
//! of a plan that was begun.
//!
//! Pure: who owns what comes in as [`Owners`], sizes as [`SlotSizes`]; limits and speeds are the
//! caller's. A plan that was saved ([`saved`]) carries the digest of the state that it was made for, so
//! that nobody carries it out on another.

mod forecast;
mod owners;
pub mod saved;
#[cfg(test)]
mod tests;

use skep_keyspace::layout::Layout;
use skep_keyspace::moves::{Move, differences, fewest};
use skep_keyspace::order::{Limits, OrderError, Step, Stuck, order};
use skep_keyspace::rebalance::{by_load, by_slots};
use skep_keyspace::{LayoutError, SLOT_COUNT};

pub use forecast::{Forecast, Speed, forecast, slot_seconds};
pub use owners::{LayoutFile, Owners, ShardRanges};

/// What each slot holds and serves; every list has 16,384 entries.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotSizes {
    /// Keys.
    pub keys: Vec<u64>,
    /// Bytes, as the node accounts for them.
    pub bytes: Vec<u64>,
    /// Operations a second, or of any period: only their proportions count.
    pub operations: Vec<f64>,
}

impl SlotSizes {
    /// Slots without anything.
    pub fn empty() -> SlotSizes {
        SlotSizes {
            keys: vec![0; SLOT_COUNT],
            bytes: vec![0; SLOT_COUNT],
            operations: vec![0.0; SLOT_COUNT],
        }
    }

    /// Adds so many keys and bytes, spread evenly over slots, what does not divide too: any run of
    /// slots gets its share, within one.
    pub fn spread(&mut self, slots: &[u16], keys: u64, bytes: u64) {
        let count = slots.len() as u128;
        let until = |whole: u64, at: u128| (u128::from(whole) * at / count) as u64;
        for (at, &slot) in (0u128..).zip(slots) {
            let slot = usize::from(slot);
            self.keys[slot] += until(keys, at + 1) - until(keys, at);
            self.bytes[slot] += until(bytes, at + 1) - until(bytes, at);
        }
    }
}

/// What shards are to have in proportion to their weights.
#[derive(Clone, Copy, Debug)]
pub enum Balance<'a> {
    /// Slots: the fewest moves that there can be.
    Slots,
    /// Something that slots have: bytes, operations; nobody more than its share by this part of it.
    Load {
        /// Of each slot.
        loads: &'a [f64],
        /// 0.02: two percent.
        tolerance: f64,
    },
}

/// Where to go from where.
#[derive(Clone, Debug)]
pub struct Goal {
    /// Who owns what now; shards that are new or leave are among them.
    pub start: Owners,
    /// Who is to own what, by the same numbers.
    pub target: Layout,
    /// What laying everything out anew, one range after the other, would give.
    pub naive: Layout,
}

impl Goal {
    /// The nearest layout with shares in proportion to `weights`, one for each of the owners.
    ///
    /// # Errors
    /// Weights or loads that cannot be shared out.
    pub fn balanced(
        start: Owners,
        weights: &[f64],
        balance: Balance<'_>,
    ) -> Result<Goal, LayoutError> {
        let target = match balance {
            Balance::Slots => by_slots(&start.layout, weights)?,
            Balance::Load { loads, tolerance } => {
                by_load(&start.layout, loads, weights, tolerance)?
            }
        };
        Ok(Goal { start, target, naive: contiguous(weights)? })
    }

    /// Another layout, matched by the names of its shards.
    ///
    /// # Errors
    /// More shards together than there are slots.
    pub fn exactly(start: Owners, wanted: &Owners) -> Result<Goal, LayoutError> {
        let start = start.with(&wanted.names)?;
        let target = wanted.seen_by(&start)?;
        let naive = Layout::contiguous(&target.counts())?;
        Ok(Goal { start, target, naive })
    }
}

/// One range after the other: as redis-cli creates a cluster if the weights are equal.
fn contiguous(weights: &[f64]) -> Result<Layout, LayoutError> {
    let first = weights.iter().copied().find(|weight| *weight > 0.0).unwrap_or(0.0);
    let is_in = |weight: f64| weight > 0.0;
    if weights.iter().any(|&weight| is_in(weight) && weight != first) || first <= 0.0 {
        return Layout::weighted(weights);
    }
    let shard_count = weights.iter().filter(|weight| is_in(**weight)).count();
    let mut even = Layout::even(shard_count)?.counts().into_iter();
    let counts: Vec<u32> = weights
        .iter()
        .map(|&weight| if is_in(weight) { even.next().unwrap_or(0) } else { 0 })
        .collect();
    Layout::contiguous(&counts)
}

/// What must not happen on the way.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes that no shard may exceed.
    pub shard_bytes_max: Option<u64>,
    /// Slots that move at the same time.
    pub batch_slots_max: usize,
}

/// What to move, in which order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From where to where.
    pub goal: Goal,
    /// Every slot whose owner changes.
    pub moves: Vec<Move>,
    /// The fewest slots that must move for shards to have as many as they will have.
    pub fewest: u32,
    /// Slots that a layout anew would move.
    pub naive: usize,
    /// The moves in batches; detours among them.
    pub batches: Result<Vec<Vec<Step>>, Stuck>,
}

/// Finds the moves and their order.
///
/// # Errors
/// Sizes that are not those of 16,384 slots.
pub fn plan(goal: Goal, sizes: &SlotSizes, bounds: Bounds) -> Result<Plan, LayoutError> {
    let start = &goal.start.layout;
    let moves = differences(start, &goal.target)?;
    let limit = bounds.shard_bytes_max.unwrap_or(u64::MAX);
    let limits = Limits {
        slot_bytes: &sizes.bytes,
        shard_bytes_max: &vec![limit; start.shard_count()],
        batch_slots_max: bounds.batch_slots_max,
    };
    let batches = match order(start, &moves, &limits) {
        Ok(batches) => Ok(batches),
        Err(OrderError::Stuck(stuck)) => Err(stuck),
        Err(OrderError::Arguments(error)) => return Err(error),
    };
    Ok(Plan {
        fewest: fewest(&start.counts(), &goal.target.counts()),
        naive: differences(start, &goal.naive)?.len(),
        moves,
        batches,
        goal,
    })
}

/// The most bytes that each shard holds on the way: both ends hold a slot while it moves.
pub fn peak_bytes(start: &Layout, batches: &[Vec<Step>], sizes: &SlotSizes) -> Vec<u64> {
    let mut held = vec![0u64; start.shard_count()];
    for (&owner, &bytes) in start.owners().iter().zip(&sizes.bytes) {
        held[usize::from(owner)] += bytes;
    }
    let mut peaks = held.clone();
    for batch in batches {
        let size = |step: &Step| sizes.bytes[usize::from(step.step.slot)];
        for step in batch {
            held[usize::from(step.step.target)] += size(step);
        }
        for (peak, &now) in peaks.iter_mut().zip(&held) {
            *peak = now.max(*peak);
        }
        for step in batch {
            held[usize::from(step.step.source)] -= size(step);
        }
    }
    peaks
}
