//! Bytes to requests and replies to bytes: RESP2, RESP3 and inline commands. No IO.
//!
//! Every length is checked against [`Limits`] before anything is allocated for it, and nothing is
//! allocated for bytes that have been announced but have not arrived.
//!
//! Read in this order: `limits`, `args` (what a request is), `parser`, `reply`, `number`.

mod args;
mod error;
#[cfg(test)]
mod fuzz;
mod inline;
mod limits;
pub mod number;
mod parser;
mod reply;

pub use args::{Args, Batch, OwnedArgs};
pub use error::ProtocolError;
pub use limits::Limits;
pub use number::{format_f64, parse_f64, parse_f64_loosely, parse_i64, parse_u64};
pub use parser::{Parsed, Parser};
pub use reply::{Checkpoint, Deferred, Protocol, Reply};
