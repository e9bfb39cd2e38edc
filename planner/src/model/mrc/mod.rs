//! Hit ratio by memory: stack distances in bytes, exact or on a sample, and the curve that they
//! add up to.
//!
//! The model is LRU, which needs one pass for all sizes at once; what a node's own eviction does at
//! one size is [`crate::model::replica`]'s matter.

mod curve;
mod shards;
mod stack;
#[cfg(test)]
mod tests;

pub use curve::{Curve, Distances};
pub use shards::{OBJECTS_MIN, Sampling, Shards};
pub use stack::Stack;
