//! HyperLogLog: how many different elements there were, to about 1 %, in at most 12 KiB.
//!
//! Each element is hashed; some bits of the hash choose one of 16,384 registers, which keeps the
//! longest run of zeros seen in the others (Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the
//! analysis of a near-optimal cardinality estimation algorithm", 2007). The estimate is that of
//! Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017.
//!
//! Values are strings in the representation that Redis publishes, so they can be moved between
//! servers with GET and SET. Read in this order: `hash`, `sketch` (the representation), `dense`,
//! `sparse`, `estimate`, `commands`.

pub(crate) mod commands;
mod dense;
mod estimate;
mod hash;
mod sketch;
mod sparse;
#[cfg(test)]
mod tests;

/// How many registers a sketch has.
const REGISTERS: usize = 1 << 14;

/// The rank in each register; 0 where no element has come.
type Ranks = [u8; REGISTERS];

/// How many registers have each rank that six bits can tell.
type Histogram = [u32; 64];

/// No sketch with a run of registers that do not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Corrupt;
