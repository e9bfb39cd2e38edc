//! Pure arithmetic about keys, slots and sizes, shared by the node and the planner.
//!
//! Nothing here reads a clock, allocates on a hot path or performs IO.

pub mod bytesize;
pub mod glob;
pub mod slot;

pub use slot::{SLOT_COUNT, Slot};
