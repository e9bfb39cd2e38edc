//! What each command means: a request and the stripes of its keys in, a reply and effects out.
//!
//! Nothing here reads a clock, a socket or a random source: time is an argument, and everything
//! beyond keys is asked of [`server::Server`]. Read in this order: `row` (what a command is),
//! `table` (all of them), `cx` (what a handler gets), `dispatch` (how one command runs), `batch`
//! (how many run at once), then the families.

pub mod acl;
pub mod batch;
mod bitmap;
pub mod client;
pub mod cluster;
mod connection;
pub mod cx;
mod dispatch;
mod elements;
pub mod error;
#[cfg(test)]
mod fuzz;
mod hash;
mod hyperloglog;
mod introspection;
mod key;
mod keyspec;
mod list;
mod pubsub;
mod random;
mod route;
pub mod row;
pub mod server;
mod set;
mod sorted_set;
pub mod statistics;
mod string;
pub mod table;
#[cfg(test)]
mod testing;
mod transaction;
mod value;

pub use client::Client;
pub use cx::Cx;
pub use dispatch::Env;
pub use error::CommandError;
pub use server::Server;
