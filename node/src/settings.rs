//! The options that the running node looks at, in the form it needs them. Built from the
//! configuration and replaced whole when an option changes.

use std::path::PathBuf;
use std::time::Duration;

use skep_cluster::shard::Timings;
use skep_store::Policy;

use crate::config::Machine;

/// A soft and a hard limit on unsent bytes; 0: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutputLimit {
    pub(crate) hard_bytes: usize,
    pub(crate) soft_bytes: usize,
    pub(crate) soft_for: Duration,
}

/// Who may use DEBUG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DebugAccess {
    /// Nobody.
    Nobody,
    /// Clients on this host.
    Local,
    /// Everybody.
    Everybody,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogLevel {
    /// Not even that.
    Nothing,
    /// What calls for action.
    Warning,
    /// And what happened to the node.
    Notice,
}

/// What a client is answered whose key is at another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// `MOVED`.
    Moved,
    /// The reply of that node.
    Proxy,
    /// `MOVED`, and the reply for a client that does not heed it.
    Auto,
}

impl Redirect {
    /// By the name of the option's value.
    pub(crate) fn from_name(name: &str) -> Redirect {
        match name {
            "moved" => Redirect::Moved,
            "proxy" => Redirect::Proxy,
            _ => Redirect::Auto,
        }
    }
}

/// What a node is told about its cluster. Paths that are empty, and ports that are not given, have
/// defaults, which `cluster::setup` knows.
#[derive(Clone, Debug)]
pub(crate) struct ClusterSettings {
    pub(crate) is_enabled: bool,
    pub(crate) announce_host: String,
    pub(crate) mesh_port: Option<u16>,
    pub(crate) bulk_port: Option<u16>,
    pub(crate) certificate_file: PathBuf,
    pub(crate) key_file: PathBuf,
    pub(crate) roots_file: PathBuf,
    pub(crate) zone: String,
    pub(crate) is_proxy: bool,
    pub(crate) timings: Timings,
    pub(crate) log_bytes: u64,
    pub(crate) redirect: Redirect,
    pub(crate) staleness_max: Option<Duration>,
    pub(crate) replicas_to_write: usize,
    pub(crate) replica_lag_max: Duration,
}

impl ClusterSettings {
    fn blank() -> ClusterSettings {
        ClusterSettings {
            is_enabled: false,
            announce_host: String::new(),
            mesh_port: None,
            bulk_port: None,
            certificate_file: PathBuf::new(),
            key_file: PathBuf::new(),
            roots_file: PathBuf::new(),
            zone: String::new(),
            is_proxy: false,
            timings: Timings::LAN,
            log_bytes: 0,
            redirect: Redirect::Auto,
            staleness_max: None,
            replicas_to_write: 0,
            replica_lag_max: Duration::ZERO,
        }
    }
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
    /// Where ACL LOAD finds users; empty: nowhere.
    pub(crate) users_file: String,
    /// New users may use every channel.
    pub(crate) users_hear_all: bool,
    pub(crate) denial_log_len: usize,
    pub(crate) login_timeout: Option<Duration>,
    pub(crate) max_clients: usize,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) memory_limit_bytes: u64,
    /// Where the limit comes from, for people.
    pub(crate) memory_limit_source: String,
    pub(crate) policy: Policy,
    pub(crate) samples: usize,
    pub(crate) lfu_log_factor: u32,
    pub(crate) lfu_decay_minutes: u32,
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
    pub(crate) debug_access: DebugAccess,
    pub(crate) log_level: LogLevel,
    /// Where the log goes; empty: standard error.
    pub(crate) log_file: String,
    /// Where a node of a cluster keeps its files.
    pub(crate) directory: PathBuf,
    /// Where the admin API listens; nothing: at `port` + 1000. 0: nowhere.
    pub(crate) admin_port: Option<u16>,
    pub(crate) cluster: ClusterSettings,
    pub(crate) machine: Machine,
}

impl Settings {
    /// Settings that every option is still to be brought into; none of these values is used.
    pub(crate) fn blank(machine: Machine) -> Settings {
        Settings {
            port: 0,
            bind: Vec::new(),
            backlog: 0,
            workers: 1,
            databases: 1,
            password: None,
            protected_mode: true,
            users_file: String::new(),
            users_hear_all: false,
            denial_log_len: 0,
            login_timeout: None,
            max_clients: 0,
            idle_timeout: None,
            keepalive: None,
            memory_limit_bytes: 0,
            memory_limit_source: String::new(),
            policy: Policy::NoEviction,
            samples: 1,
            lfu_log_factor: 0,
            lfu_decay_minutes: 0,
            normal_output: OutputLimit::default(),
            pubsub_output: OutputLimit::default(),
            max_query_buffer_bytes: 0,
            max_bulk_bytes: 0,
            max_args: 0,
            slow_log_threshold_us: 0,
            slow_log_len: 0,
            latency_threshold_ms: 0,
            hz: 1,
            shutdown_timeout: Duration::ZERO,
            debug_access: DebugAccess::Nobody,
            log_level: LogLevel::Warning,
            log_file: String::new(),
            directory: PathBuf::new(),
            admin_port: None,
            cluster: ClusterSettings::blank(),
            machine,
        }
    }
}
