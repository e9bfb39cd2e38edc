//! Slot sets on the wire: their ranges.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skep_keyspace::{Slot, SlotSet};

/// For `#[serde(with)]`.
///
/// # Errors
/// Those of the serializer.
pub(super) fn serialize<S: Serializer>(set: &SlotSet, out: S) -> Result<S::Ok, S::Error> {
    let ranges: Vec<(u16, u16)> = set.ranges().map(|range| (range.first, range.last)).collect();
    ranges.serialize(out)
}

/// For `#[serde(with)]`.
///
/// # Errors
/// Those of the deserializer, and numbers that are no slots.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<SlotSet, D::Error> {
    let mut set = SlotSet::new();
    for (first, last) in Vec::<(u16, u16)>::deserialize(input)? {
        for slot in first..=last {
            let no_slot = || serde::de::Error::custom(format_args!("{slot} is no slot"));
            set.insert(Slot::new(slot).ok_or_else(no_slot)?);
        }
    }
    Ok(set)
}
