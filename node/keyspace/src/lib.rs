//! Pure arithmetic about keys, slots and sizes, shared by the node and the planner.
//!
//! Nothing here reads a clock, performs IO or draws a random number, and what is on the path of a
//! command does not allocate.
//!
//! Read in this order: `slot` (key to slot), `slot_set` (sets and ranges of slots), `layout` (who owns
//! which slots), `apportion`, `ring` and `rendezvous` (how layouts are made), `zones` (where copies
//! go), `moves`, `rebalance` and `order` (how one layout becomes another).

pub mod apportion;
pub mod bytesize;
pub mod error;
pub mod glob;
pub mod layout;
pub mod moves;
pub mod node_id;
pub mod order;
pub mod rebalance;
pub mod rendezvous;
pub mod ring;
pub mod slot;
pub mod slot_set;
pub mod zones;

pub use error::LayoutError;
pub use layout::Layout;
pub use node_id::NodeId;
pub use slot::{SLOT_COUNT, Slot};
pub use slot_set::{SlotRange, SlotSet};
