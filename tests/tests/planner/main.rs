//! The planner as people run it: a process, its two streams, its exit code.

mod curves;
mod schemas;
mod screens;
mod support;
