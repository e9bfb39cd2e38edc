//! The node's memory: values by key, with expiry, eviction and exact accounts, under 256 short
//! locks.
//!
//! Invariants: nothing here reads a clock, a random source or a file (`now_ms` and seeds are
//! arguments); every byte of an item is reached under its stripe's lock; work per call is bounded.
//!
//! Read in this order: `region` (memory), `block`, `segment` and `item` (where values lie),
//! `entry`, `chunk`, `leaf` and `table` (how keys find them), `store`, `view` (what commands use) and
//! `view::write` (what they change), `writer` (what a worker owns), `compact`, `expire`, `policy`,
//! `ghost`, `shadow` and `evict`; `effect`, `lane`, `lanes`, `replay` and `state` (what replicas are told);
//! `cost` says beforehand what all of that will take.

mod audit;
mod block;
mod chunk;
mod collection;
mod compact;
pub mod cost;
mod effect;
mod entry;
mod evict;
mod expire;
mod ghost;
mod huge;
mod item;
mod key;
mod keys;
mod lane;
mod lanes;
mod leaf;
mod policy;
mod region;
mod replay;
mod segment;
mod shadow;
mod state;
mod store;
mod stripe;
mod stripe_set;
mod table;
#[cfg(test)]
mod tests;
mod upkeep;
mod view;
mod writer;

pub use collection::{Contents, Editor, End, Kind, SMALL_ELEMENTS_MAX, SMALL_VALUE_BYTES_MAX};
pub use compact::DeadShare;
pub use item::{LARGE_VALUE_BYTES, Value, WrongType};
pub use key::Key;
pub use keys::ScanCursor;
pub use policy::Policy;
pub use replay::{Replay, ReplayError};
pub use state::Walk;
pub use store::{Database, MAX_DATABASES, Options, STRIPE_COUNT, Store, Trail};
pub use stripe_set::StripeSet;
pub use upkeep::{Footprint, Upkeep};
pub use view::{EditError, Expiry, Item, KeyCounts, NewValue, OutOfMemory, View};
pub use writer::{Counters, Writer};
