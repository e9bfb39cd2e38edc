//! Whose the slots should be that nobody owns: the ring decides when nobody says otherwise.

use skep_keyspace::ring::Ring;
use skep_keyspace::{LayoutError, SlotSet};

use super::{ShardId, Topology};

/// Which shard should get which of the slots that nobody owns, by the ring of all shards under
/// their ids as text, each of weight 1. Shards that get none are left out; without shards, or with
/// nothing to give, there is nothing in it. For [`Change::AddSlots`](super::Change::AddSlots).
///
/// # Errors
/// No virtual nodes, or more points than a ring may have.
pub fn assign_unowned(
    topology: &Topology,
    virtual_nodes: u32,
) -> Result<Vec<(ShardId, SlotSet)>, LayoutError> {
    if topology.shards.is_empty() || topology.is_covered() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = topology.shards.keys().map(ShardId::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ring = Ring::new(&names, &vec![1.0; names.len()], virtual_nodes)?;
    let mut gains = vec![SlotSet::new(); names.len()];
    for slot in topology.unowned().iter() {
        gains[ring.owner(slot)].insert(slot);
    }
    let gains = topology.shards.keys().copied().zip(gains);
    Ok(gains.filter(|(_, slots)| !slots.is_empty()).collect())
}
