//! Which slots change hands between two layouts: exactly those whose owner differs, no more.
//!
//! Both layouts number the same shards; [`Layout::renumbered`] and [`Layout::with_shards`] bring two
//! lists of shards together first.

use std::collections::BTreeMap;

use crate::error::LayoutError;
use crate::layout::Layout;
use crate::slot::Slot;
use crate::slot_set::SlotSet;

/// A slot that goes from one shard to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Move {
    /// The slot.
    pub slot: u16,
    /// Who has it.
    pub source: u16,
    /// Who gets it.
    pub target: u16,
}

/// All slots that go from one shard to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Who has them.
    pub source: usize,
    /// Who gets them.
    pub target: usize,
    /// The slots.
    pub slots: SlotSet,
}

/// The moves that make `to` of `from`, by slot.
///
/// # Errors
/// Layouts of different numbers of shards.
pub fn differences(from: &Layout, to: &Layout) -> Result<Vec<Move>, LayoutError> {
    let (given, wanted) = (to.shard_count(), from.shard_count());
    if given != wanted {
        return Err(LayoutError::Length { what: "shards in the other layout", given, wanted });
    }
    let pairs = (0u16..).zip(from.owners().iter().zip(to.owners()));
    let moves = pairs.filter(|(_, (source, target))| source != target);
    Ok(moves.map(|(slot, (&source, &target))| Move { slot, source, target }).collect())
}

/// What `from` becomes when the moves are done.
pub fn applied(from: &Layout, moves: &[Move]) -> Layout {
    let mut layout = from.clone();
    for step in moves {
        layout.give(step.slot, usize::from(step.target));
    }
    layout
}

/// Moves gathered by who gives to whom, in that order.
pub fn transfers(moves: &[Move]) -> Vec<Transfer> {
    let mut pairs: BTreeMap<(u16, u16), SlotSet> = BTreeMap::new();
    for step in moves {
        if let Some(slot) = Slot::new(step.slot) {
            pairs.entry((step.source, step.target)).or_default().insert(slot);
        }
    }
    let transfer = |((source, target), slots): ((u16, u16), SlotSet)| Transfer {
        source: source.into(),
        target: target.into(),
        slots,
    };
    pairs.into_iter().map(transfer).collect()
}

/// The fewest slots that must move for shards that have `current` slots to have `targets`: half
/// the sum of the differences. A shard missing from either has none.
pub fn fewest(current: &[u32], targets: &[u32]) -> u32 {
    let at = |counts: &[u32], shard: usize| counts.get(shard).copied().unwrap_or(0);
    let shards = 0..current.len().max(targets.len());
    shards.map(|shard| at(current, shard).saturating_sub(at(targets, shard))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_naive_layout_anew_moves_half_of_all_slots() {
        for (count, least) in [(3, 4096), (4, 3276), (6, 2340), (10, 1489)] {
            let from = Layout::even(count).unwrap().with_shards(count + 1).unwrap();
            let to = Layout::even(count + 1).unwrap();
            assert_eq!(differences(&from, &to).unwrap().len(), 8192, "{count}");
            let targets =
                crate::apportion::apportion_near(&vec![1.0; count + 1], &from.counts()).unwrap();
            assert_eq!(fewest(&from.counts(), &targets), least, "{count}");
        }
    }

    #[test]
    fn moves_make_one_layout_of_the_other() {
        let from = Layout::even(7).unwrap();
        let to = Layout::modulo(7).unwrap();
        let moves = differences(&from, &to).unwrap();
        assert_eq!(applied(&from, &moves), to);
        let transfers = transfers(&moves);
        assert_eq!(transfers.iter().map(|part| part.slots.len()).sum::<usize>(), moves.len());
        assert!(transfers.iter().all(|part| part.source != part.target));
        assert!(differences(&from, &Layout::even(8).unwrap()).is_err());
    }
}
