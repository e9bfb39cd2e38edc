//! The nearest layout in which every shard has its share: of slots, or of what weighs on them.
//!
//! By slots the number of moves is the minimum, half the sum of the differences: only who has too much
//! gives, and only who has too little gets. By load (bytes, operations) the minimum is a packing problem;
//! there, heavy slots move first, a move never overshoots while one that does not will do, and every
//! move brings shards nearer to their shares.
//!
//! Nothing depends on how shards are numbered: among equals, who owns the lowest slot comes first.

use std::collections::BinaryHeap;

use crate::apportion::{apportion_near, check};
use crate::error::LayoutError;
use crate::layout::Layout;
use crate::slot::SLOT_COUNT;

/// Loads nearer to each other than this share of the whole are equal: what floating point leaves.
const EQUAL_SHARE: f64 = 1e-12;

/// The layout nearest to `from` in which every shard has slots in proportion to its weight, within one
/// slot. There may be more weights than shards: those are new.
///
/// # Errors
/// Weights that cannot be apportioned, or fewer than there are shards.
pub fn by_slots(from: &Layout, weights: &[f64]) -> Result<Layout, LayoutError> {
    let layout = extended(from, weights.len())?;
    // Among equals the first gets the odd slot: first by what it owns, not by its number.
    let (counts, lowest) = (layout.counts(), lowest_slots(&layout));
    let mut shards: Vec<usize> = (0..weights.len()).collect();
    shards.sort_by_key(|&shard| lowest[shard]);
    let sorted_weights: Vec<f64> = shards.iter().map(|&shard| weights[shard]).collect();
    let sorted_counts: Vec<u32> = shards.iter().map(|&shard| counts[shard]).collect();
    let mut targets = vec![0; weights.len()];
    for (&shard, target) in shards.iter().zip(apportion_near(&sorted_weights, &sorted_counts)?) {
        targets[shard] = target;
    }
    by_counts(&layout, &targets)
}

/// The layout nearest to `from` in which shards have exactly so many slots. Givers give their
/// highest slots, so that what they keep stays in few ranges.
///
/// # Errors
/// Fewer counts than shards, or counts that do not add up to 16,384.
pub fn by_counts(from: &Layout, targets: &[u32]) -> Result<Layout, LayoutError> {
    let mut layout = extended(from, targets.len())?;
    let sum: u64 = targets.iter().map(|&count| u64::from(count)).sum();
    if sum != SLOT_COUNT as u64 {
        return Err(LayoutError::Sum(sum));
    }
    let counts = layout.counts();
    let lowest = lowest_slots(&layout);
    let surplus = |shard: usize| counts[shard].saturating_sub(targets[shard]) as usize;
    let deficit = |shard: usize| targets[shard].saturating_sub(counts[shard]) as usize;
    let sorted = |excess: &dyn Fn(usize) -> usize| {
        let mut shards: Vec<usize> = (0..targets.len()).filter(|&s| excess(s) > 0).collect();
        shards.sort_by_key(|&shard| (std::cmp::Reverse(excess(shard)), lowest[shard], shard));
        shards
    };
    let slots = slots_of(&layout);
    let givers = sorted(&surplus);
    let given = givers.iter().flat_map(|&shard| slots[shard].iter().rev().take(surplus(shard)));
    let receivers = sorted(&deficit);
    let places = receivers.iter().flat_map(|&shard| std::iter::repeat_n(shard, deficit(shard)));
    for (&slot, shard) in given.zip(places) {
        layout.give(slot, shard);
    }
    Ok(layout)
}

/// A layout near to `from` in which no shard has more than its share of the load by more than
/// `tolerance` (0.02: by two percent) or by the weight of one slot. Shares are in proportion to
/// `weights`; a weight of 0 gives every slot away, empty ones too.
///
/// # Errors
/// Weights that cannot be apportioned, fewer than there are shards, or a load that is negative or
/// no number.
pub fn by_load(
    from: &Layout,
    slot_loads: &[f64],
    weights: &[f64],
    tolerance: f64,
) -> Result<Layout, LayoutError> {
    check(weights)?;
    if let Some(slot) = slot_loads.iter().position(|load| !load.is_finite() || *load < 0.0) {
        return Err(LayoutError::Weight { shard: slot, weight: slot_loads[slot] });
    }
    let layout = extended(from, weights.len())?;
    let loads = layout.loads(slot_loads)?;
    let (sum, weight_sum) = (loads.iter().sum::<f64>(), weights.iter().sum::<f64>());
    let shares: Vec<f64> = weights.iter().map(|weight| sum * (weight / weight_sum)).collect();
    let lowest = lowest_slots(&layout);
    let mut balance = Balance {
        slots: slots_of(&layout),
        layout,
        slot_loads,
        loads,
        shares,
        weights,
        lowest,
        slack: tolerance.max(0.0),
        equal: sum * EQUAL_SHARE,
    };
    balance.drain();
    balance.give_surpluses();
    balance.refine();
    Ok(balance.layout)
}

fn extended(from: &Layout, shard_count: usize) -> Result<Layout, LayoutError> {
    let (given, wanted) = (shard_count, from.shard_count());
    match given < wanted {
        true => Err(LayoutError::Length { what: "weights", given, wanted }),
        false => from.with_shards(shard_count),
    }
}

/// The slots of each shard, ascending.
fn slots_of(layout: &Layout) -> Vec<Vec<u16>> {
    let mut slots = vec![Vec::new(); layout.shard_count()];
    for (slot, &owner) in (0u16..).zip(layout.owners()) {
        slots[usize::from(owner)].push(slot);
    }
    slots
}

/// What tells shards apart that have as much: unlike a number, it stays when shards are renumbered.
fn lowest_slots(layout: &Layout) -> Vec<u16> {
    let mut lowest = vec![u16::MAX; layout.shard_count()];
    for (slot, &owner) in (0u16..).zip(layout.owners()) {
        let lowest = &mut lowest[usize::from(owner)];
        *lowest = slot.min(*lowest);
    }
    lowest
}

/// Loads on their way to their shares.
struct Balance<'a> {
    layout: Layout,
    slots: Vec<Vec<u16>>,
    slot_loads: &'a [f64],
    loads: Vec<f64>,
    shares: Vec<f64>,
    weights: &'a [f64],
    lowest: Vec<u16>,
    slack: f64,
    equal: f64,
}

/// A shard by how much it still may get.
#[derive(PartialEq)]
struct Room {
    load: f64,
    lowest: u16,
    shard: usize,
}

impl Eq for Room {}

impl Ord for Room {
    fn cmp(&self, other: &Room) -> std::cmp::Ordering {
        let by_load = self.load.total_cmp(&other.load);
        by_load.then(other.lowest.cmp(&self.lowest)).then(other.shard.cmp(&self.shard))
    }
}

impl PartialOrd for Room {
    fn partial_cmp(&self, other: &Room) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Balance<'_> {
    fn load(&self, slot: u16) -> f64 {
        self.slot_loads[usize::from(slot)]
    }

    fn room(&self, shard: usize) -> Room {
        let load = self.shares[shard] - self.loads[shard];
        Room { load, lowest: self.lowest[shard], shard }
    }

    /// Who may get slots, whoever has most room first.
    fn receivers(&self) -> BinaryHeap<Room> {
        let shards = (0..self.shares.len()).filter(|&shard| self.weights[shard] > 0.0);
        shards.map(|shard| self.room(shard)).collect()
    }

    /// Heavy slots first; the highest of equals.
    fn sorted_slots(&self, shard: usize) -> Vec<u16> {
        let mut slots = self.slots[shard].clone();
        slots.sort_by(|&one, &other| {
            self.load(other).total_cmp(&self.load(one)).then(other.cmp(&one))
        });
        slots
    }

    fn pass(&mut self, slot: u16, source: usize, target: usize) {
        let load = self.load(slot);
        self.loads[source] -= load;
        self.loads[target] += load;
        self.layout.give(slot, target);
    }

    /// Shards of weight 0 give everything to whoever has most room.
    fn drain(&mut self) {
        let mut receivers = self.receivers();
        for shard in 0..self.shares.len() {
            if self.weights[shard] > 0.0 {
                continue;
            }
            for slot in self.sorted_slots(shard) {
                let Some(receiver) = receivers.pop() else { return };
                self.pass(slot, shard, receiver.shard);
                receivers.push(self.room(receiver.shard));
            }
        }
        self.slots = slots_of(&self.layout);
    }

    /// Whoever has more than share and slack gives what fits into both its surplus and the room of
    /// the roomiest.
    fn give_surpluses(&mut self) {
        let surplus = |balance: &Balance<'_>, shard: usize| {
            balance.loads[shard] - balance.shares[shard] * (1.0 + balance.slack)
        };
        let mut givers: Vec<usize> = (0..self.shares.len())
            .filter(|&shard| self.weights[shard] > 0.0 && surplus(self, shard) > self.equal)
            .collect();
        givers.sort_by(|&one, &other| {
            let by_surplus = surplus(self, other).total_cmp(&surplus(self, one));
            by_surplus.then(self.lowest[one].cmp(&self.lowest[other]))
        });
        let mut receivers = self.receivers();
        for giver in givers {
            for slot in self.sorted_slots(giver) {
                let left = self.loads[giver] - self.shares[giver];
                if surplus(self, giver) <= self.equal {
                    break;
                }
                let load = self.load(slot);
                let Some(roomiest) = receivers.peek() else { return };
                let target = roomiest.shard;
                if load <= 0.0 || load > left + self.equal || load > roomiest.load + self.equal {
                    continue;
                }
                receivers.pop();
                self.pass(slot, giver, target);
                receivers.push(self.room(target));
            }
        }
        self.slots = slots_of(&self.layout);
    }

    /// While somebody is above share and slack, its slot that evens out best goes to the roomiest,
    /// as long as the two get nearer to their shares.
    fn refine(&mut self) {
        for _ in 0..SLOT_COUNT {
            let over = |shard: &usize| {
                self.loads[*shard] - self.shares[*shard] * (1.0 + self.slack) > self.equal
            };
            let excess = |shard: usize| self.loads[shard] - self.shares[shard];
            let shards = (0..self.shares.len()).filter(|&shard| self.weights[shard] > 0.0);
            let giver = shards.filter(over).max_by(|&one, &other| {
                let by_excess = excess(one).total_cmp(&excess(other));
                by_excess.then(self.lowest[other].cmp(&self.lowest[one]))
            });
            let (Some(giver), Some(room)) = (giver, self.receivers().pop()) else { return };
            // With a load of half the gap both would be equally far from their shares.
            let gap = excess(giver) + room.load;
            let distance = |slot: u16| (self.load(slot) - gap / 2.0).abs();
            let best = self.slots[giver].iter().copied().min_by(|&one, &other| {
                distance(one).total_cmp(&distance(other)).then(other.cmp(&one))
            });
            let Some(slot) = best
                .filter(|&slot| self.load(slot) > self.equal && self.load(slot) < gap - self.equal)
            else {
                return;
            };
            self.pass(slot, giver, room.shard);
            self.slots[giver].retain(|&kept| kept != slot);
            self.slots[room.shard].push(slot);
        }
    }
}

#[cfg(test)]
mod tests;
