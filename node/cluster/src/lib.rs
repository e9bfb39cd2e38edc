//! The protocol cores of a cluster, without IO: what every node agrees on, and what each does about
//! it. `now` goes in, actions come out; nothing here reads a clock, a socket or a random source.
//!
//! Read in this order: `topology` (the versioned truth, and the changes that Raft orders), then
//! `shard` (leases, beacons and promotion within one shard).

pub mod topology;

pub use topology::{Change, Entry, Node, Refusal, Shard, ShardId, Topology};
