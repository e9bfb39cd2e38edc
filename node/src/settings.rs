//! The options that the running node looks at, in the form it needs them. Built from the
//! configuration and replaced whole when an option changes.

use std::time::Duration;

/// A soft and a hard limit on unsent bytes; 0: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutputLimit {
    pub(crate) hard_bytes: usize,
    pub(crate) soft_bytes: usize,
    pub(crate) soft_for: Duration,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) bind: Vec<String>,
    pub(crate) backlog: u32,
    pub(crate) workers: usize,
    pub(crate) databases: usize,
    pub(crate) password: Option<String>,
    pub(crate) protected_mode: bool,
    pub(crate) max_clients: usize,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) memory_limit_bytes: u64,
    pub(crate) policy: String,
    pub(crate) normal_output: OutputLimit,
    pub(crate) pubsub_output: OutputLimit,
    pub(crate) max_query_buffer_bytes: usize,
    pub(crate) max_bulk_bytes: usize,
    pub(crate) max_args: usize,
    pub(crate) slow_log_threshold_us: i64,
    pub(crate) slow_log_len: usize,
    pub(crate) latency_threshold_ms: u64,
    pub(crate) hz: u32,
    pub(crate) shutdown_timeout: Duration,
}
