//! What is known of traffic beside how often each key was asked for: where its keys are.

use skep_keyspace::{Layout, SLOT_COUNT};

use crate::error::Result;

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Seen {
    /// Share of operations that read, if it is known.
    pub(in crate::cli) reads: Option<f64>,
    /// What each slot got, in any unit.
    slots: Vec<f64>,
}

impl Seen {
    /// From what each slot got; `rest` more, of keys that are not known, is spread over all slots.
    pub(super) fn new(slots: impl IntoIterator<Item = (u16, u64)>, rest: u64) -> Seen {
        let mut seen = vec![rest as f64 / SLOT_COUNT as f64; SLOT_COUNT];
        for (slot, amount) in slots {
            seen[usize::from(slot) % SLOT_COUNT] += amount as f64;
        }
        Seen { reads: None, slots: seen }
    }

    /// The busiest node's load over the mean.
    ///
    /// # Errors
    /// None: a layout has an owner for each slot.
    pub(in crate::cli) fn imbalance(&self, layout: &Layout) -> Result<f64> {
        let loads = layout.loads(&self.slots)?;
        Ok(skep_keyspace::layout::imbalance(&loads, &vec![1.0; loads.len()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_goes_to_the_owners_of_its_slots() {
        let last = SLOT_COUNT as u16 - 1;
        let seen = Seen::new([(0, 30), (last, 10)], 0);
        let of = |nodes| seen.imbalance(&Layout::even(nodes).unwrap()).unwrap();
        assert_eq!((of(1), of(2), of(4)), (1.0, 1.5, 3.0));
        let modulo = Layout::modulo(2).unwrap();
        assert_eq!(seen.imbalance(&modulo).unwrap(), 1.5, "0 is even and the last is odd");
    }

    #[test]
    fn keys_that_are_not_known_are_everywhere() {
        let seen = Seen::new([(0, 50)], 50);
        let found = seen.imbalance(&Layout::even(2).unwrap()).unwrap();
        assert!((found - 1.5).abs() < 1e-12, "{found}: 75 of 100 on one of two");
        assert_eq!(Seen::new([], 7).imbalance(&Layout::even(4).unwrap()).unwrap(), 1.0);
    }
}
