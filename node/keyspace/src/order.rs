//! In which order slots move so that nobody is over its limit on the way.
//!
//! While a slot moves, both ends hold it: the target needs room for it beforehand, and the source is
//! relieved only afterwards. Moves that run at the same time form a batch; a batch counts everything
//! that comes in and nothing that goes out. Where full nodes wait for each other, a slot makes a detour
//! over a third that has room.
//!
//! Bounds: a slot moves at most twice, so there are at most 32,768 steps. The order is found greedily
//! (finding one whenever there is one is as hard as packing bins): [`Stuck`] therefore names the nearest
//! miss and does not prove that no order exists.

use std::fmt;

use crate::error::LayoutError;
use crate::layout::Layout;
use crate::moves::Move;
use crate::slot::SLOT_COUNT;

/// A move, of which an earlier one or a later one may be about the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What goes where.
    pub step: Move,
    /// The target only keeps the slot until there is room where it belongs.
    pub is_detour: bool,
}

/// What must not be exceeded.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Bytes of each slot.
    pub slot_bytes: &'a [u64],
    /// Bytes that each shard may hold; `u64::MAX` for as many as come.
    pub shard_bytes_max: &'a [u64],
    /// Slots of one batch, at least 1.
    pub batch_slots_max: usize,
}

/// No step is possible any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The slot that comes nearest to fitting.
    pub slot: u16,
    /// Where it should go.
    pub shard: usize,
    /// By how many bytes that shard is too small for it.
    pub short_bytes: u64,
    /// Slots that would still have to move.
    pub left_slots: usize,
}

impl fmt::Display for Stuck {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stuck { slot, shard, short_bytes, left_slots } = self;
        write!(
            out,
            "shard {} lacks {short_bytes} bytes for slot {slot}, and {left_slots} slots wait; raise \
             its limit by as much",
            shard + 1
        )
    }
}

impl std::error::Error for Stuck {}

/// Why there is no order.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderError {
    /// Lists that do not fit to the layout.
    Arguments(LayoutError),
    /// Limits that leave no step.
    Stuck(Stuck),
}

impl fmt::Display for OrderError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderError::Arguments(error) => error.fmt(out),
            OrderError::Stuck(stuck) => stuck.fmt(out),
        }
    }
}

impl std::error::Error for OrderError {}

/// The moves in batches. A shard that is over its limit to begin with gets nothing until it is below.
///
/// # Errors
/// Lists of the wrong lengths; or [`Stuck`].
pub fn order(
    from: &Layout,
    moves: &[Move],
    limits: &Limits<'_>,
) -> Result<Vec<Vec<Step>>, OrderError> {
    check(from, limits).map_err(OrderError::Arguments)?;
    let mut used = vec![0u64; from.shard_count()];
    for (&owner, &bytes) in from.owners().iter().zip(limits.slot_bytes) {
        let used = &mut used[usize::from(owner)];
        *used = used.saturating_add(bytes);
    }
    let mut work =
        Work { limits, used, pending: moves.to_vec(), detoured: vec![false; SLOT_COUNT] };
    let mut batches = Vec::new();
    while !work.pending.is_empty() {
        let batch = work.batch();
        let batch = match batch.is_empty() {
            true => vec![work.detour().map_err(OrderError::Stuck)?],
            false => batch,
        };
        batches.push(batch);
    }
    Ok(batches)
}

fn check(from: &Layout, limits: &Limits<'_>) -> Result<(), LayoutError> {
    for (what, given, wanted) in [
        ("sizes of slots", limits.slot_bytes.len(), SLOT_COUNT),
        ("limits", limits.shard_bytes_max.len(), from.shard_count()),
    ] {
        if given != wanted {
            return Err(LayoutError::Length { what, given, wanted });
        }
    }
    Ok(())
}

struct Work<'a> {
    limits: &'a Limits<'a>,
    used: Vec<u64>,
    pending: Vec<Move>,
    detoured: Vec<bool>,
}

impl Work<'_> {
    fn bytes(&self, slot: u16) -> u64 {
        self.limits.slot_bytes[usize::from(slot)]
    }

    fn room(&self, shard: usize) -> u64 {
        self.limits.shard_bytes_max[shard].saturating_sub(self.used[shard])
    }

    /// Bytes that each shard is yet to get.
    fn incoming(&self) -> Vec<u64> {
        let mut incoming = vec![0u64; self.used.len()];
        for step in &self.pending {
            let incoming = &mut incoming[usize::from(step.target)];
            *incoming = incoming.saturating_add(self.bytes(step.slot));
        }
        incoming
    }

    /// Takes as many moves as may run at the same time, from the tightest sources first: others wait
    /// for the room that they make.
    fn batch(&mut self) -> Vec<Step> {
        let incoming = self.incoming();
        let is_tight = |shard: u16| incoming[usize::from(shard)] > self.room(shard.into());
        let is_first: Vec<bool> = self.pending.iter().map(|step| is_tight(step.source)).collect();
        let mut reserved = vec![0u64; self.used.len()];
        let mut is_taken = vec![false; self.pending.len()];
        let mut batch = Vec::new();
        for wanted in [true, false] {
            for (at, step) in self.pending.iter().enumerate() {
                if batch.len() >= self.limits.batch_slots_max.max(1) {
                    break;
                }
                let target = usize::from(step.target);
                let needed = reserved[target].saturating_add(self.bytes(step.slot));
                if is_first[at] != wanted || needed > self.room(target) {
                    continue;
                }
                reserved[target] = needed;
                is_taken[at] = true;
                batch.push(Step { step: *step, is_detour: false });
            }
        }
        let mut taken = is_taken.iter();
        self.pending.retain(|_| !taken.next().copied().unwrap_or(false));
        for taken in &batch {
            self.shift(taken.step);
        }
        batch
    }

    fn shift(&mut self, step: Move) {
        let bytes = self.bytes(step.slot);
        let (source, target) = (usize::from(step.source), usize::from(step.target));
        self.used[source] = self.used[source].saturating_sub(bytes);
        self.used[target] = self.used[target].saturating_add(bytes);
    }

    /// Moves a slot out of the way: from a shard that others wait for, to the one that has most room
    /// beyond what it is yet to get.
    fn detour(&mut self) -> Result<Step, Stuck> {
        let incoming = self.incoming();
        let spare = |shard: usize| self.room(shard).saturating_sub(incoming[shard]);
        let helper = |step: &Move| {
            let shards = 0..self.used.len();
            let others = shards.filter(|&shard| shard != usize::from(step.source));
            let fits = others.filter(|&shard| self.room(shard) >= self.bytes(step.slot));
            fits.max_by_key(|&shard| (spare(shard), self.room(shard), std::cmp::Reverse(shard)))
        };
        // The smallest slot that makes room where somebody waits for it.
        let mut candidates: Vec<usize> = (0..self.pending.len())
            .filter(|&at| {
                let step = &self.pending[at];
                incoming[usize::from(step.source)] > 0
                    && self.bytes(step.slot) > 0
                    && !self.detoured[usize::from(step.slot)]
            })
            .collect();
        candidates.sort_by_key(|&at| (self.bytes(self.pending[at].slot), self.pending[at].slot));
        let found = candidates.iter().find_map(|&at| helper(&self.pending[at]).map(|to| (at, to)));
        let Some((at, target)) = found else { return Err(self.stuck()) };
        let step = Move { target: target as u16, ..self.pending[at] };
        self.detoured[usize::from(step.slot)] = true;
        self.pending[at].source = target as u16;
        self.shift(step);
        Ok(Step { step, is_detour: true })
    }

    fn stuck(&self) -> Stuck {
        let short =
            |step: &Move| self.bytes(step.slot).saturating_sub(self.room(step.target.into()));
        let nearest = self.pending.iter().min_by_key(|step| (short(step), step.slot));
        let (slot, shard, short_bytes) =
            nearest.map_or((0, 0, 0), |step| (step.slot, step.target.into(), short(step)));
        Stuck { slot, shard, short_bytes, left_slots: self.pending.len() }
    }
}

#[cfg(test)]
mod tests;
