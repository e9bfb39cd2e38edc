//! Capacity planning: how much fits, where slots go, what is at risk, and what each answer rests on.
//!
//! Models are pure functions that return their steps with formula, reason and source; commands read
//! arguments, call models and fill a [`report::Report`]. `live`, `trace` and `files` read; `main`
//! writes, and `reshard` the plan it is asked to keep. Chance comes from a seed, so that every answer
//! can be repeated.
//!
//! Read in this order: `quantity` (units), `error` (exit codes), `report` (what an answer is),
//! `model` (the arithmetic), `cli` (one file per command).

pub mod cli;
pub mod error;
mod files;
pub mod live;
pub mod model;
pub mod quantity;
pub mod random;
pub mod report;
mod shell;
pub mod trace;

pub use error::{PlanError, Result};
