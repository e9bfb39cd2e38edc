//! The arithmetic: pure functions, whose steps say formula, reason and source.

pub mod capacity;
