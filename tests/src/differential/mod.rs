//! Drives the same random commands into Skep and into real servers and compares what comes back.
//!
//! Promises: every reply of a command that is sent is compared to the byte, except as `compare`
//! and the table in `known` say; a run is repeated exactly by its seed; what fails is made small
//! before it is shown. Read in this order: `templates` and `vocabulary` (what is sent), `generate`
//! (scripts), `peer` (a server with connections), `play` (side by side), `judge` (who is right),
//! `run`.

mod compare;
pub mod frame;
mod generate;
mod grammar;
mod judge;
pub mod known;
mod peer;
mod play;
pub mod random;
mod run;
mod shrink;
mod step;
pub mod templates;
mod vocabulary;

pub use generate::Generator;
pub use run::Run;
