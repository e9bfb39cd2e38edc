//! What each command means: a request and the stripes of its keys in, a reply and effects out.
//!
//! Nothing here reads a clock, a socket or a random source: time is an argument, and everything
//! beyond keys is asked of [`server::Server`]. Read in this order: `row` (what a command is),
//! `table` (all of them), `cx` (what a handler gets), `dispatch` (how one command runs), `batch`
//! (how many run at once), then the families.

pub mod client;
pub mod cx;
pub mod error;
pub mod row;
pub mod server;
mod dispatch;
mod key;
mod keyspec;
pub mod statistics;
mod transaction;
pub mod batch;
pub mod table;

pub use client::Client;
pub use cx::Cx;
pub use error::CommandError;
pub use server::Server;
pub use dispatch::Env;
