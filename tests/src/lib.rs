//! Starts real servers for black-box tests and talks to them in raw bytes.
//!
//! * [`Program`]: the node that was just built, or a server that tells us what is right (an
//!   oracle): Redis 7.0.15, Redis 8.2, Valkey 9.1, memcached.
//! * [`Server`]: one of them running on a free port of 127.0.0.1 in a directory of its own. It is
//!   killed when dropped, and by the kernel when the test process dies first. Its log is printed
//!   when it is dropped, which the test runner shows for a test that failed.
//! * [`Client`]: sends bytes, gives back one whole reply as the bytes that came.
//! * [`cluster`]: several nodes that make up a cluster.
//! * [`run()`]: a program that is run to its end, with what it printed.
//! * [`blocks_of()`]: the commands that a document shows, to be run.
//! * [`wait_until`]: the way to wait for a condition.
//!
//! Nothing here waits without a deadline. A program that is missing is an error that says how to get
//! it; the few things that a machine may rightly lack are a [`skip()`] that is told in the summary.

mod blocks;
mod client;
pub mod cluster;
pub mod differential;
mod frame;
mod program;
mod run;
mod scratch;
mod server;
mod skip;
mod spawn;
mod wait;

pub use blocks::blocks_of;
pub use client::{Client, command};
pub use frame::{Malformed, frame_len};
pub use program::{Program, planner};
pub use run::{Finished, run};
pub use scratch::Scratch;
pub use server::Server;
pub use skip::skip;
pub use spawn::spawn;
pub use wait::{finish, wait_until};

/// How long anything may take before the test gives up, where it has no reason for another bound.
/// Generous, because it is only ever waited for in full by a test that fails.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// What a test returns, so that `?` works on everything.
pub type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The top of the repository.
pub fn repository() -> std::path::PathBuf {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}
