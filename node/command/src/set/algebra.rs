//! Intersection, union and difference of sets: one walk each, over members that stay where they are.

use std::collections::HashSet;

use skep_store::Contents;

/// What becomes of several sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Members of all.
    Intersection,
    /// Members of any.
    Union,
    /// Members of the first and of no other.
    Difference,
}

/// Members, one after the other.
pub(crate) type Members<'v> = Box<dyn Iterator<Item = &'v [u8]> + 'v>;

fn members(set: Contents<'_>) -> Members<'_> {
    Box::new(set.iter().map(|(member, _)| member))
}

impl Operation {
    /// The members of the result; a union's come as often as there are sets that have them. A set
    /// that is not there is empty.
    pub(crate) fn of<'v>(self, sets: &[Option<Contents<'v>>]) -> Members<'v> {
        match self {
            Operation::Intersection => intersection(sets),
            Operation::Union => {
                let sets: Vec<_> = sets.iter().flatten().copied().collect();
                Box::new(sets.into_iter().flat_map(members))
            }
            Operation::Difference => difference(sets),
        }
    }

    /// The same, each member once.
    pub(crate) fn distinct_of<'v>(self, sets: &[Option<Contents<'v>>]) -> Members<'v> {
        let all = self.of(sets);
        if self != Operation::Union || sets.iter().flatten().count() < 2 {
            return all;
        }
        let mut seen = HashSet::new();
        Box::new(all.filter(move |member| seen.insert(*member)))
    }
}

/// Asks all sets about the members of the smallest, the smaller ones first.
fn intersection<'v>(sets: &[Option<Contents<'v>>]) -> Members<'v> {
    let there: Option<Vec<_>> = sets.iter().copied().collect();
    let mut sets = there.unwrap_or_default();
    sets.sort_by_cached_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else {
        return Box::new(std::iter::empty());
    };
    let others = others.to_vec();
    let is_everywhere = move |member: &&[u8]| others.iter().all(|set| set.get(member).is_some());
    Box::new(members(*smallest).filter(is_everywhere))
}

/// Asks the other sets about the members of the first. Small ones, which are slow to ask, are put
/// together before.
fn difference<'v>(sets: &[Option<Contents<'v>>]) -> Members<'v> {
    let [Some(first), others @ ..] = sets else {
        return Box::new(std::iter::empty());
    };
    let (large, small): (Vec<_>, Vec<_>) =
        others.iter().flatten().copied().partition(|set| set.is_large());
    let small: HashSet<&[u8]> = small.into_iter().flat_map(members).collect();
    let is_left = move |member: &&[u8]| {
        !small.contains(*member) && large.iter().all(|set| set.get(member).is_none())
    };
    Box::new(members(*first).filter(is_left))
}
