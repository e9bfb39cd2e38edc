//! The planner as people run it: a process, its two streams, its exit code.

mod calibration;
mod curves;
mod hotkeys;
mod live;
mod schemas;
mod screens;
mod support;
