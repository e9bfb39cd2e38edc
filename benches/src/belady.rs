//! The best any cache could do: Belady's rule, which knows the future and gives up first what is
//! wanted last. Sizes are charged, with an overhead for each item; with sizes the rule is not
//! strictly optimal, but nothing practical comes near it.

use std::collections::{BTreeMap, HashMap};

use crate::trace::Request;
use crate::workload::KEY_BYTES;

/// What an item costs beside its value: the key, and 24 bytes which no server here undercuts by
/// much.
pub(crate) const ITEM_OVERHEAD_BYTES: u64 = KEY_BYTES as u64 + 24;

/// Misses of a trace in a cache of this capacity.
pub(crate) fn misses(requests: &[Request], capacity_bytes: u64) -> u64 {
    let next_uses = next_uses(requests);
    // What is held, by the position of its next use: a position belongs to one object only.
    let mut held: BTreeMap<usize, u64> = BTreeMap::new();
    let (mut held_bytes, mut misses) = (0, 0);
    for (position, (request, next_use)) in requests.iter().zip(next_uses).enumerate() {
        match held.remove(&position) {
            Some(item_bytes) => held_bytes -= item_bytes,
            None => misses += 1,
        }
        // What is never used again is not worth holding.
        let Some(next_use) = next_use else { continue };
        let item_bytes = u64::from(request.value_bytes) + ITEM_OVERHEAD_BYTES;
        held.insert(next_use, item_bytes);
        held_bytes += item_bytes;
        while held_bytes > capacity_bytes {
            let Some((_, item_bytes)) = held.pop_last() else { break };
            held_bytes -= item_bytes;
        }
    }
    misses
}

/// For each request, the position of the next one for the same object.
fn next_uses(requests: &[Request]) -> Vec<Option<usize>> {
    let mut seen: HashMap<u64, usize> = HashMap::new();
    let backwards = requests.iter().enumerate().rev();
    let mut next: Vec<_> =
        backwards.map(|(position, request)| seen.insert(request.id, position)).collect();
    next.reverse();
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(ids: &[u64]) -> Vec<Request> {
        ids.iter().map(|&id| Request { id, value_bytes: 60 }).collect()
    }

    #[test]
    fn what_is_wanted_last_goes_first() {
        // The textbook's sequence: with three frames the optimum misses nine times in twenty, and
        // once less where, as in a cache, what was missed need not be held.
        let ids = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
        let item_bytes = 60 + ITEM_OVERHEAD_BYTES;
        assert_eq!(misses(&trace(&ids), 3 * item_bytes), 8);
    }

    #[test]
    fn everything_fits_or_nothing_does() {
        let ids = [1, 2, 1, 2, 1];
        assert_eq!(misses(&trace(&ids), 1 << 20), 2);
        assert_eq!(misses(&trace(&ids), 10), 5);
    }
}
