//! The protocol cores of a cluster, without IO: what every node agrees on, and what each does about
//! it. `now` goes in, actions come out; nothing here reads a clock, a socket or a random source.
//!
//! Read in this order: `topology` (the versioned truth, and the changes that Raft orders), then
//! `shard` (leases, beacons and promotion within one shard). `simulation` runs whole clusters of
//! them through faults, in tests.

pub mod shard;
#[cfg(test)]
mod simulation;
pub mod topology;

pub use shard::{Action, Message, ShardCore, ShardView, Timings};
pub use topology::{Change, Entry, Node, Refusal, Shard, ShardId, Topology};
