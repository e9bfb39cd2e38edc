//! Whose the slots should be that nobody owns: the ring decides when nobody says otherwise.

use skep_keyspace::ring::Ring;
use skep_keyspace::{LayoutError, SlotSet};

use super::{Shard, ShardId, Topology};

/// Why slots cannot be given out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlacementError {
    /// No shard may have them.
    #[error(
        "no shard may have slots: each primary is a proxy or has failed; add a node that holds data"
    )]
    NoShard,
    /// The ring that was asked for cannot be.
    #[error("the ring cannot be made: {0}")]
    Ring(#[from] LayoutError),
}

/// How much of the ring is a shard's: 1; or 0 for one that gets no more slots, because its primary is
/// a proxy, or has failed. An empty shard waits for slots like any other.
pub fn ring_weight(topology: &Topology, shard: &Shard) -> f64 {
    let gets_slots =
        topology.nodes.get(&shard.primary).is_some_and(|about| !about.is_failed && !about.is_proxy);
    f64::from(u8::from(gets_slots))
}

/// Which shard should get which of the slots that nobody owns, by the ring of all shards under
/// their ids as text, each of its [`ring_weight`]. Shards that get none are left out; with nothing
/// to give, there is nothing in it. For [`Change::AddSlots`](super::Change::AddSlots), once for each.
///
/// # Errors
/// Slots to give, and no shard that may have them; no virtual nodes, or more points than a ring may
/// have.
pub fn assign_unowned(
    topology: &Topology,
    virtual_nodes: u32,
) -> Result<Vec<(ShardId, SlotSet)>, PlacementError> {
    if topology.is_covered() {
        return Ok(Vec::new());
    }
    let weights: Vec<f64> =
        topology.shards.values().map(|shard| ring_weight(topology, shard)).collect();
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(PlacementError::NoShard);
    }
    let names: Vec<String> = topology.shards.keys().map(ShardId::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ring = Ring::new(&names, &weights, virtual_nodes)?;
    let mut gains = vec![SlotSet::new(); names.len()];
    for slot in topology.unowned().iter() {
        gains[ring.owner(slot)].insert(slot);
    }
    let gains = topology.shards.keys().copied().zip(gains);
    Ok(gains.filter(|(_, slots)| !slots.is_empty()).collect())
}
