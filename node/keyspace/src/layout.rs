//! Who owns which slots: every slot has exactly one owner, always.
//!
//! A layout knows shards by their position only; names live beside it, so that a layout costs 32 KiB
//! and compares fast. Shards may own nothing (a weight of 0, more shards than points): they still
//! count. At most [`SHARDS_MAX`] shards.

use crate::apportion::{apportion, check};
use crate::error::LayoutError;
use crate::slot::{SLOT_COUNT, Slot};
use crate::slot_set::{SlotRange, SlotSet};

/// Shards that a layout can have: more could not own a slot each.
pub const SHARDS_MAX: usize = SLOT_COUNT;
/// Shards up to which [`Layout::even`] rounds as redis-cli does.
pub const REDIS_CLI_SHARDS_MAX: usize = 2_000;

/// The owner of each of the 16,384 slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    owners: Vec<u16>,
    shard_count: usize,
}

impl Layout {
    /// The layout whose slot `s` belongs to shard `owner(s)`; for makers within this room, whose
    /// owners are below `shard_count`.
    pub(crate) fn from_fn(shard_count: usize, owner: impl Fn(usize) -> usize) -> Layout {
        let owners: Vec<u16> = (0..SLOT_COUNT).map(|slot| owner(slot) as u16).collect();
        debug_assert!(owners.iter().all(|&owner| usize::from(owner) < shard_count));
        Layout { owners, shard_count }
    }

    /// A layout from the slots of each shard.
    ///
    /// # Errors
    /// No or too many shards, a slot that two own, or slots that nobody owns.
    pub fn from_sets(sets: &[SlotSet]) -> Result<Layout, LayoutError> {
        check_count(sets.len())?;
        let mut owners = vec![u16::MAX; SLOT_COUNT];
        for (shard, set) in sets.iter().enumerate() {
            for slot in set.iter() {
                let owner = &mut owners[usize::from(slot.number())];
                if *owner != u16::MAX {
                    let first = usize::from(*owner);
                    return Err(LayoutError::Overlap { slot: slot.number(), first, second: shard });
                }
                *owner = shard as u16;
            }
        }
        let nobodys: SlotSet = (0u16..)
            .zip(&owners)
            .filter(|(_, owner)| **owner == u16::MAX)
            .filter_map(|(slot, _)| Slot::new(slot))
            .collect();
        match nobodys.is_empty() {
            true => Ok(Layout { owners, shard_count: sets.len() }),
            false => Err(LayoutError::Uncovered(nobodys.ranges().collect())),
        }
    }

    /// Ranges of equal length in the order of the shards: exactly those `redis-cli --cluster
    /// create` makes (for three: 0-5460, 5461-10922, 10923-16383). Each boundary is rounded to the
    /// nearest slot.
    ///
    /// redis-cli adds up lengths in single precision, which from 78 masters on shifts some boundaries
    /// by a slot. Up to [`REDIS_CLI_SHARDS_MAX`] shards, where that leaves everybody within a slot
    /// of exact, this does the same; above it is exact.
    ///
    /// # Errors
    /// No shards, or more than there are slots.
    pub fn even(shard_count: usize) -> Result<Layout, LayoutError> {
        check_count(shard_count)?;
        let each = SLOT_COUNT as f32 / shard_count as f32;
        let (mut cursor, mut first) = (0f32, 0);
        let mut counts = Vec::with_capacity(shard_count);
        for shard in 1..=shard_count {
            let end = match shard_count {
                _ if shard == shard_count => SLOT_COUNT,
                few if few <= REDIS_CLI_SHARDS_MAX => (cursor + each - 1.0).round() as usize + 1,
                many => (2 * shard * SLOT_COUNT + many) / (2 * many),
            };
            counts.push((end - first) as u32);
            first = end;
            cursor += each;
        }
        Layout::contiguous(&counts)
    }

    /// One range for each shard, so many slots long, in their order.
    ///
    /// # Errors
    /// No or too many shards, or counts that do not add up to 16,384.
    pub fn contiguous(counts: &[u32]) -> Result<Layout, LayoutError> {
        check_count(counts.len())?;
        let sum: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        if sum != SLOT_COUNT as u64 {
            return Err(LayoutError::Sum(sum));
        }
        let runs = (0u16..).zip(counts);
        let owners = runs.flat_map(|(shard, &count)| std::iter::repeat_n(shard, count as usize));
        Ok(Layout { owners: owners.collect(), shard_count: counts.len() })
    }

    /// One range for each shard, in proportion to its weight, exact within one slot; see
    /// [`apportion`].
    ///
    /// # Errors
    /// Weights that cannot be apportioned.
    pub fn weighted(weights: &[f64]) -> Result<Layout, LayoutError> {
        Layout::contiguous(&apportion(weights)?)
    }

    /// Slot modulo the number of shards: what clients without a ring do. Even, but another shard
    /// moves nearly everything.
    ///
    /// # Errors
    /// No shards, or more than there are slots.
    pub fn modulo(shard_count: usize) -> Result<Layout, LayoutError> {
        check_count(shard_count)?;
        Ok(Layout::from_fn(shard_count, |slot| slot % shard_count))
    }

    /// Number of shards, those that own nothing included.
    pub fn shard_count(&self) -> usize {
        self.shard_count
    }

    /// The shard that owns a slot.
    #[inline]
    pub fn owner(&self, slot: Slot) -> usize {
        usize::from(self.owners[usize::from(slot.number())])
    }

    /// The owner of every slot, by slot.
    pub fn owners(&self) -> &[u16] {
        &self.owners
    }

    /// Gives a slot to another shard, which is below [`Layout::shard_count`].
    pub(crate) fn give(&mut self, slot: u16, shard: usize) {
        debug_assert!(shard < self.shard_count);
        self.owners[usize::from(slot)] = shard as u16;
    }

    /// The same layout with further shards that own nothing, up to `shard_count` in all.
    ///
    /// # Errors
    /// More shards than there can be.
    pub fn with_shards(&self, shard_count: usize) -> Result<Layout, LayoutError> {
        check_count(shard_count)?;
        let shard_count = shard_count.max(self.shard_count);
        Ok(Layout { owners: self.owners.clone(), shard_count })
    }

    /// The same owners under other numbers: shard `s` becomes `numbers[s]`, of `shard_count`.
    ///
    /// # Errors
    /// A list of another length, or too many shards.
    pub fn renumbered(&self, numbers: &[usize], shard_count: usize) -> Result<Layout, LayoutError> {
        check_count(shard_count)?;
        let (given, wanted) = (numbers.len(), self.shard_count);
        if given != wanted || numbers.iter().any(|&number| number >= shard_count) {
            return Err(LayoutError::Length { what: "numbers of shards", given, wanted });
        }
        let owners = self.owners.iter().map(|&owner| numbers[usize::from(owner)] as u16).collect();
        Ok(Layout { owners, shard_count })
    }

    /// Number of slots of each shard.
    pub fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.shard_count];
        for &owner in &self.owners {
            counts[usize::from(owner)] += 1;
        }
        counts
    }

    /// The ranges of each shard, ascending.
    pub fn ranges(&self) -> Vec<Vec<SlotRange>> {
        let mut ranges: Vec<Vec<SlotRange>> = vec![Vec::new(); self.shard_count];
        let mut first = 0;
        for run in self.owners.chunk_by(|one, other| one == other) {
            let last = first + run.len() as u16 - 1;
            ranges[usize::from(run[0])].push(SlotRange { first, last });
            first = last.wrapping_add(1);
        }
        ranges
    }

    /// What each shard has of something that `slot_loads` says for every slot: bytes, operations.
    ///
    /// # Errors
    /// Another number of slots.
    pub fn loads(&self, slot_loads: &[f64]) -> Result<Vec<f64>, LayoutError> {
        let (given, wanted) = (slot_loads.len(), SLOT_COUNT);
        if given != wanted {
            return Err(LayoutError::Length { what: "loads of slots", given, wanted });
        }
        let mut loads = vec![0.0; self.shard_count];
        for (&owner, load) in self.owners.iter().zip(slot_loads) {
            loads[usize::from(owner)] += load;
        }
        Ok(loads)
    }

    /// The most loaded shard's slots over the mean: 1 is perfect.
    pub fn imbalance(&self) -> f64 {
        let counts: Vec<f64> = self.counts().into_iter().map(f64::from).collect();
        imbalance(&counts, &vec![1.0; self.shard_count])
    }
}

/// The largest load over its fair share, where shares are in proportion to `weights`: 1 is perfect.
/// Shards of weight 0 have no fair share and are left out; if nobody has any load, that is fair.
pub fn imbalance(loads: &[f64], weights: &[f64]) -> f64 {
    let load_sum: f64 = loads.iter().sum();
    let weight_sum: f64 = weights.iter().sum();
    if load_sum <= 0.0 || weight_sum <= 0.0 {
        return 1.0;
    }
    let shares = loads.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
    shares.map(|(load, weight)| load / load_sum / (weight / weight_sum)).fold(0.0, f64::max)
}

/// Refuses numbers of shards that no layout has.
fn check_count(shard_count: usize) -> Result<(), LayoutError> {
    match shard_count {
        0 => Err(LayoutError::NoShards),
        count if count > SHARDS_MAX => Err(LayoutError::TooManyShards(count)),
        _ => Ok(()),
    }
}

/// Refuses names that do not tell shards apart, and weights that cannot be apportioned.
pub(crate) fn check_named(names: &[&str], weights: &[f64]) -> Result<(), LayoutError> {
    check(weights)?;
    let (given, wanted) = (weights.len(), names.len());
    if given != wanted {
        return Err(LayoutError::Length { what: "weights", given, wanted });
    }
    if let Some(shard) = names.iter().position(|name| name.is_empty()) {
        return Err(LayoutError::EmptyName(shard));
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(LayoutError::SameName(pair[0].to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
