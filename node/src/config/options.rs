//! THE table of options: command line, files, environment, CONFIG GET, CONFIG SET, CONFIG REWRITE
//! and the help text all come from it.
//!
//! Names, defaults and texts of errors are Redis's, except where a cache wants something else:
//! `maxmemory` (`auto`), `maxmemory-policy` (`allkeys-adaptive`), the class `normal` of
//! `client-output-buffer-limit`, which is bounded, and `enable-debug-command` (`local`). A
//! catalogue: no logic in here.

use std::time::Duration;

use skep_cluster::shard::Timings;
use skep_store::Policy;

use super::value::Kind::{
    self, Addresses, Automatic, Bytes, Choice, Clamped, Integer, Memory, OutputLimits, Pairs,
    Switch, Text, Users, Words,
};
use crate::settings::{DebugAccess, LogLevel, Redirect};

/// One option.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Other names for the same thing.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) kind: Kind,
    /// As it would be written.
    pub(crate) default: &'static str,
    /// What the number counts; empty where the kind says it.
    pub(crate) unit: &'static str,
    pub(crate) change: Change,
    pub(crate) role: Role,
    /// One sentence for people.
    pub(crate) doc: &'static str,
}

/// When an option may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// By CONFIG SET and on SIGHUP, at once.
    Live,
    /// At the start only.
    Start,
    /// At the start only, because a client could do harm with it.
    Protected,
}

/// What an option is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It does what it says. The group is for the help text.
    Effective(Group),
    /// It is accepted, kept and answered, for the sake of files and tools written for Redis, and
    /// does nothing.
    WithoutEffect,
    /// Only the default is accepted, since ignoring anything else would do harm. The text says
    /// why.
    DefaultOnly(&'static str),
}

/// Groups of the help text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Network,
    Memory,
    Clients,
    Security,
    Observing,
    Process,
    Cluster,
}

impl Group {
    /// In the order of the help text, with their headings.
    pub(crate) const ALL: [(Group, &'static str); 7] = [
        (Group::Network, "Network"),
        (Group::Memory, "Memory and eviction"),
        (Group::Clients, "Clients and limits"),
        (Group::Security, "Security"),
        (Group::Observing, "Observing"),
        (Group::Process, "Process"),
        (Group::Cluster, "Cluster"),
    ];
}

const MAX_I32: i64 = i32::MAX as i64;
const MAX_U32: i64 = u32::MAX as i64;
const MEGABYTE: u64 = 1 << 20;

/// In Redis's order, ours last.
const POLICIES: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
    "allkeys-adaptive",
];

fn seconds(number: i64) -> Option<Duration> {
    (number > 0).then(|| Duration::from_secs(number.unsigned_abs()))
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn port(number: i64) -> u16 {
    u16::try_from(number).unwrap_or(0)
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// A row that does something.
macro_rules! row {
    ($name:literal, $kind:expr, $default:literal, $unit:literal, $change:ident, $group:ident,
     $doc:literal) => {
        Row {
            name: $name,
            aliases: &[],
            kind: $kind,
            default: $default,
            unit: $unit,
            change: Change::$change,
            role: Role::Effective(Group::$group),
            doc: $doc,
        }
    };
}

/// A row that does nothing.
const fn idle(
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    default: &'static str,
) -> Row {
    Row {
        name,
        aliases,
        kind,
        default,
        unit: "",
        change: Change::Live,
        role: Role::WithoutEffect,
        doc: "Accepted without effect.",
    }
}

/// A row that does nothing and that Redis keeps clients from changing.
const fn protected(name: &'static str, default: &'static str) -> Row {
    Row { change: Change::Protected, ..idle(name, &[], NO_TEXT, default) }
}

/// A row of which only the default will do.
const fn only(name: &'static str, kind: Kind, default: &'static str, reason: &'static str) -> Row {
    Row {
        name,
        aliases: &[],
        kind,
        default,
        unit: "",
        change: Change::Live,
        role: Role::DefaultOnly(reason),
        doc: reason,
    }
}

const NO_SWITCH: Kind = Switch(|_, _| {});
const NO_TEXT: Kind = Text(|_, _| {});
const NO_WORDS: Kind = Words(|_, _| {});
const NO_BYTES: Kind = Bytes(0, |_, _| {});
const fn no_integer(min: i64, max: i64) -> Kind {
    Integer(min, max, |_, _| {})
}
const fn no_choice(names: &'static [&'static str]) -> Kind {
    Choice(names, |_, _| {})
}

/// Options that do what they say.
const EFFECTIVE: &[Row] = &[
    row!(
        "port",
        Integer(1, 65_535, |s, v| s.port = u16::try_from(v).unwrap_or(0)),
        "6379",
        "",
        Start,
        Network,
        "TCP port for clients."
    ),
    row!(
        "bind",
        Addresses(|s, v| s.bind = v.to_vec()),
        "127.0.0.1 -::1",
        "",
        Start,
        Network,
        "Addresses to listen on; `*` is every IPv4 and `::*` every IPv6 address of this host. \
         One with a leading `-` may be missing."
    ),
    row!(
        "tcp-backlog",
        Integer(0, MAX_I32, |s, v| s.backlog = small(v)),
        "511",
        "connections",
        Start,
        Network,
        "Connections that may wait to be accepted, per worker."
    ),
    row!(
        "tcp-keepalive",
        Integer(0, MAX_I32, |s, v| s.keepalive = seconds(v)),
        "300",
        "seconds",
        Live,
        Network,
        "Silence after which the system asks whether a client is still there; 0: \
         never. For new connections."
    ),
    row!(
        "workers",
        Automatic(1, 1024, |s, v| s.workers = v.map_or(s.machine.cores, count)),
        "auto",
        "",
        Start,
        Process,
        "Threads that serve clients; auto: one for each core this process may use."
    ),
    row!(
        "databases",
        Integer(1, skep_store::MAX_DATABASES as i64, |s, v| s.databases = count(v)),
        "16",
        "databases",
        Start,
        Process,
        "How many databases SELECT may choose from."
    ),
    row!(
        "hz",
        Clamped(1, 500, |s, v| s.hz = small(v)),
        "10",
        "per second",
        Live,
        Process,
        "How often each worker looks for expired keys and other upkeep when there is little to do."
    ),
    row!(
        "shutdown-timeout",
        Integer(0, MAX_I32, |s, v| s.shutdown_timeout = seconds(v).unwrap_or_default()),
        "10",
        "seconds",
        Live,
        Process,
        "How long SIGTERM, SIGINT and SHUTDOWN wait for replies to be sent."
    ),
    row!(
        "maxmemory",
        Memory(|s, v| {
            s.memory_limit_bytes = v.bytes(&s.machine);
            s.memory_limit_source = v.source(&s.machine);
        }),
        "auto",
        "",
        Live,
        Memory,
        "What the process may hold before keys are evicted: a size, a share such as 50%, 0 for no \
         limit; auto: 75% of the cgroup limit or of RAM."
    ),
    row!(
        "maxmemory-policy",
        Choice(POLICIES, |s, v| s.policy = Policy::from_name(v).unwrap_or(Policy::NoEviction)),
        "allkeys-adaptive",
        "",
        Live,
        Memory,
        "Which keys are evicted when memory is full."
    ),
    row!(
        "maxmemory-samples",
        Integer(1, 64, |s, v| s.samples = count(v)),
        "32",
        "keys",
        Live,
        Memory,
        "Keys looked at for each eviction."
    ),
    row!(
        "lfu-log-factor",
        Integer(0, MAX_I32, |s, v| s.lfu_log_factor = small(v)),
        "10",
        "",
        Live,
        Memory,
        "How slowly the counters of the lfu policies grow."
    ),
    row!(
        "lfu-decay-time",
        Integer(0, MAX_I32, |s, v| s.lfu_decay_minutes = small(v)),
        "1",
        "minutes",
        Live,
        Memory,
        "How often the counters of the lfu policies lose one; 0: never."
    ),
    row!(
        "maxclients",
        Integer(1, MAX_U32, |s, v| s.max_clients = count(v)),
        "10000",
        "connections",
        Live,
        Clients,
        "Connections served at a time."
    ),
    row!(
        "timeout",
        Integer(0, MAX_I32, |s, v| s.idle_timeout = seconds(v)),
        "0",
        "seconds",
        Live,
        Clients,
        "Silence after which a client is disconnected, unless it subscribes; 0: never."
    ),
    row!(
        "client-output-buffer-limit",
        OutputLimits(|s, v| {
            s.normal_output = v[0];
            s.pubsub_output = v[2];
        }),
        "normal 1gb 256mb 300 slave 256mb 64mb 60 pubsub 32mb 8mb 60",
        "",
        Live,
        Clients,
        "Unsent bytes after which a client is disconnected, by class (normal, replica, pubsub): a \
         hard limit, and a soft one with the seconds it may be exceeded; 0: none."
    ),
    row!(
        "client-query-buffer-limit",
        Bytes(MEGABYTE, |s, v| s.max_query_buffer_bytes = size(v)),
        "1gb",
        "",
        Live,
        Clients,
        "Unparsed bytes a client may send, and bytes a transaction may queue."
    ),
    row!(
        "proto-max-bulk-len",
        Bytes(MEGABYTE, |s, v| s.max_bulk_bytes = size(v)),
        "512mb",
        "",
        Live,
        Clients,
        "Longest single argument or value."
    ),
    row!(
        "proto-max-args",
        Integer(16, MAX_I32, |s, v| s.max_args = count(v)),
        "1048576",
        "arguments",
        Live,
        Clients,
        "Most arguments of one command."
    ),
    row!(
        "requirepass",
        Text(|s, v| s.password = (!v.is_empty()).then(|| v.to_owned())),
        "",
        "",
        Live,
        Security,
        "Password that clients must give by AUTH or HELLO; empty: none."
    ),
    row!(
        "user",
        Users,
        "",
        "",
        Start,
        Security,
        "A user and what it may do, as ACL SETUSER takes it; one line for each. See ACL LIST."
    ),
    row!(
        "aclfile",
        Text(|s, v| s.users_file = v.to_owned()),
        "",
        "",
        Start,
        Security,
        "File of users, one line for each, instead of the option 'user'; see ACL LOAD and ACL SAVE."
    ),
    row!(
        "acllog-max-len",
        Integer(0, MAX_I32, |s, v| s.denial_log_len = count(v)),
        "128",
        "entries",
        Live,
        Security,
        "Refusals that ACL LOG remembers."
    ),
    row!(
        "acl-pubsub-default",
        Choice(&["allchannels", "resetchannels"], |s, v| s.users_hear_all = v == "allchannels"),
        "resetchannels",
        "",
        Live,
        Security,
        "Whether new users may use every channel or none."
    ),
    row!(
        "unauthenticated-timeout",
        Integer(0, MAX_I32, |s, v| s.login_timeout = seconds(v)),
        "60",
        "seconds",
        Live,
        Security,
        "How long a client may take to authenticate, where it has to; 0: for ever."
    ),
    row!(
        "protected-mode",
        Switch(|s, v| s.protected_mode = v),
        "yes",
        "",
        Live,
        Security,
        "Without a password, serve clients of this host only."
    ),
    row!(
        "enable-debug-command",
        Choice(&["no", "yes", "local"], |s, v| s.debug_access = match v {
            "yes" => DebugAccess::Everybody,
            "local" => DebugAccess::Local,
            _ => DebugAccess::Nobody,
        }),
        "local",
        "",
        Start,
        Security,
        "Who may use DEBUG: nobody, everybody, or clients of this \
         host (local)."
    ),
    row!(
        "slowlog-log-slower-than",
        Integer(-1, i64::MAX, |s, v| s.slow_log_threshold_us = v),
        "10000",
        "microseconds",
        Live,
        Observing,
        "Commands that take this long enter the slow log; -1: none do."
    ),
    row!(
        "slowlog-max-len",
        Integer(0, MAX_U32, |s, v| s.slow_log_len = count(v)),
        "128",
        "entries",
        Live,
        Observing,
        "Entries the slow log keeps."
    ),
    row!(
        "latency-monitor-threshold",
        Integer(0, i64::MAX, |s, v| s.latency_threshold_ms = v.unsigned_abs()),
        "0",
        "milliseconds",
        Live,
        Observing,
        "Events that take this long are kept for LATENCY; 0: none."
    ),
    row!(
        "loglevel",
        Choice(&["debug", "verbose", "notice", "warning", "nothing"], |s, v| {
            s.log_level = match v {
                "nothing" => LogLevel::Nothing,
                "warning" => LogLevel::Warning,
                _ => LogLevel::Notice,
            }
        }),
        "notice",
        "",
        Live,
        Observing,
        "What is logged: nothing, warnings only, or from notice on also what happens to the node."
    ),
    row!(
        "logfile",
        Text(|s, v| s.log_file = v.to_owned()),
        "",
        "",
        Start,
        Observing,
        "File to log to; empty: standard error."
    ),
    row!(
        "dir",
        Text(|s, v| s.directory = v.into()),
        ".",
        "",
        Protected,
        Process,
        "Where a node of a cluster keeps what the nodes agree on, and finds its certificates. A node \
         on its own keeps nothing."
    ),
    row!(
        "admin-port",
        Automatic(0, 65_535, |s, v| s.admin_port = v.map(port)),
        "auto",
        "",
        Start,
        Network,
        "TCP port on loopback for /health, /metrics and /api over HTTP; auto: `port` + 1000, 0: none."
    ),
    row!(
        "cluster-enabled",
        Switch(|s, v| s.cluster.is_enabled = v),
        "no",
        "",
        Start,
        Cluster,
        "Be a node of a cluster, with Redis Cluster's protocol for clients."
    ),
    row!(
        "cluster-announce-host",
        Text(|s, v| s.cluster.announce_host = v.to_owned()),
        "",
        "",
        Start,
        Cluster,
        "Address or name under which clients and other nodes reach this one; empty: the first address \
         of `bind` that is one, else 127.0.0.1."
    ),
    row!(
        "cluster-mesh-port",
        Automatic(1, 65_535, |s, v| s.cluster.mesh_port = v.map(port)),
        "auto",
        "",
        Start,
        Cluster,
        "UDP port for beacons and agreement between nodes; auto: `port` + 10000."
    ),
    row!(
        "cluster-bulk-port",
        Automatic(1, 65_535, |s, v| s.cluster.bulk_port = v.map(port)),
        "auto",
        "",
        Start,
        Cluster,
        "UDP port for replication and forwarded commands; auto: `port` + 11000."
    ),
    row!(
        "cluster-certificate-file",
        Text(|s, v| s.cluster.certificate_file = v.into()),
        "",
        "",
        Start,
        Cluster,
        "This node's certificate, as PEM; empty: `node.pem` in `dir`. `skep ca issue` makes it."
    ),
    row!(
        "cluster-key-file",
        Text(|s, v| s.cluster.key_file = v.into()),
        "",
        "",
        Start,
        Cluster,
        "The private key of the certificate, as PEM; empty: in the certificate's file."
    ),
    row!(
        "cluster-ca-file",
        Text(|s, v| s.cluster.roots_file = v.into()),
        "",
        "",
        Start,
        Cluster,
        "Certificates of the authorities that sign nodes of this cluster; empty: `roots.pem` in `dir`."
    ),
    row!(
        "cluster-zone",
        Text(|s, v| s.cluster.zone = v.to_owned()),
        "",
        "",
        Start,
        Cluster,
        "The failure domain that this node stands in; voters are spread over zones."
    ),
    row!(
        "cluster-proxy",
        Switch(|s, v| s.cluster.is_proxy = v),
        "no",
        "",
        Start,
        Cluster,
        "Hold no data, and only pass commands on: this node gets no slots and no replicas, and \
         becomes no replica. What it has from before, it keeps until that is taken away."
    ),
    row!(
        "cluster-timings",
        Choice(&["lan", "wan"], |s, v| {
            s.cluster.timings = if v == "wan" { Timings::WAN } else { Timings::LAN };
        }),
        "lan",
        "",
        Start,
        Cluster,
        "How soon a silent node is given up, the same on all nodes: lan fails over in some 0.4 s, \
         wan in some 1.4 s."
    ),
    row!(
        "cluster-log-size",
        Bytes(1 << 20, |s, v| s.cluster.log_bytes = v),
        "64mb",
        "",
        Start,
        Cluster,
        "How many bytes of changes a node keeps for replicas that have been away."
    ),
    row!(
        "cluster-redirect",
        Choice(&["moved", "proxy", "auto"], |s, v| s.cluster.redirect = Redirect::from_name(v)),
        "auto",
        "",
        Live,
        Cluster,
        "What a client is answered whose key is at another node: moved, the error MOVED; proxy, the \
         reply of that node; auto, MOVED, and the reply for one that does not heed it."
    ),
    row!(
        "replica-max-staleness",
        Integer(0, MAX_I32, |s, v| {
            s.cluster.staleness_max = (v > 0).then(|| Duration::from_millis(v.unsigned_abs()));
        }),
        "0",
        "milliseconds",
        Live,
        Cluster,
        "How old a replica's data may be for READONLY clients, which are sent to the primary beyond \
         it; 0: any age."
    ),
    Row {
        aliases: &["min-slaves-to-write"],
        ..row!(
            "min-replicas-to-write",
            Integer(0, MAX_I32, |s, v| s.cluster.replicas_to_write = count(v)),
            "0",
            "replicas",
            Live,
            Cluster,
            "A primary refuses writes while fewer replicas follow it within min-replicas-max-lag."
        )
    },
    Row {
        aliases: &["min-slaves-max-lag"],
        ..row!(
            "min-replicas-max-lag",
            Integer(0, MAX_I32, |s, v| s.cluster.replica_lag_max = seconds(v).unwrap_or_default()),
            "10",
            "seconds",
            Live,
            Cluster,
            "How long a replica may not have answered and still count for min-replicas-to-write."
        )
    },
];

/// Options of which only the default will do.
const DEFAULT_ONLY: &[Row] = &[
    only(
        "daemonize",
        NO_SWITCH,
        "no",
        "Skep stays in the foreground; let systemd or another supervisor run it",
    ),
    only(
        "notify-keyspace-events",
        NO_TEXT,
        "",
        "this version of Skep has no keyspace notifications",
    ),
    only("replicaof", NO_WORDS, "", "this version of Skep has no replication"),
    only("slaveof", NO_WORDS, "", "this version of Skep has no replication"),
    only("tls-port", no_integer(0, 65_535), "0", "this version of Skep has no TLS"),
    only("unixsocket", NO_TEXT, "", "Skep listens on TCP only"),
    only("rename-command", NO_WORDS, "", "Skep does not rename commands"),
    only("loadmodule", NO_WORDS, "", "Skep does not load Redis modules"),
    only(
        "enable-module-command",
        no_choice(&["no", "yes", "local"]),
        "no",
        "Skep does not load Redis modules",
    ),
    only(
        "enable-protected-configs",
        no_choice(&["no", "yes", "local"]),
        "no",
        "options that only a file or flag may set stay so in Skep",
    ),
];

/// Options of Redis that change nothing here. Harmless to ignore: Skep keeps nothing on disk, has
/// no replicas, and does by itself what others tune.
const WITHOUT_EFFECT: &[Row] = &[
    idle("save", &[], Pairs, ""),
    idle("appendonly", &[], NO_SWITCH, "no"),
    idle("appendfsync", &[], no_choice(&["everysec", "always", "no"]), "everysec"),
    idle("appendfilename", &[], NO_TEXT, "appendonly.aof"),
    idle("appenddirname", &[], NO_TEXT, "appendonlydir"),
    protected("dbfilename", "dump.rdb"),
    idle("rdbcompression", &[], NO_SWITCH, "yes"),
    idle("rdbchecksum", &[], NO_SWITCH, "yes"),
    idle("rdb-del-sync-files", &[], NO_SWITCH, "no"),
    idle("rdb-save-incremental-fsync", &[], NO_SWITCH, "yes"),
    idle("sanitize-dump-payload", &[], no_choice(&["no", "yes", "clients"]), "no"),
    idle("stop-writes-on-bgsave-error", &[], NO_SWITCH, "yes"),
    idle("no-appendfsync-on-rewrite", &[], NO_SWITCH, "no"),
    idle("auto-aof-rewrite-percentage", &[], no_integer(0, MAX_I32), "100"),
    idle("auto-aof-rewrite-min-size", &[], NO_BYTES, "64mb"),
    idle("aof-load-truncated", &[], NO_SWITCH, "yes"),
    idle("aof-use-rdb-preamble", &[], NO_SWITCH, "yes"),
    idle("aof-timestamp-enabled", &[], NO_SWITCH, "no"),
    idle("aof-rewrite-incremental-fsync", &[], NO_SWITCH, "yes"),
    idle("lazyfree-lazy-eviction", &[], NO_SWITCH, "no"),
    idle("lazyfree-lazy-expire", &[], NO_SWITCH, "no"),
    idle("lazyfree-lazy-server-del", &[], NO_SWITCH, "no"),
    idle("lazyfree-lazy-user-del", &[], NO_SWITCH, "no"),
    idle("lazyfree-lazy-user-flush", &[], NO_SWITCH, "no"),
    idle("activedefrag", &[], NO_SWITCH, "no"),
    idle("active-defrag-cycle-min", &[], no_integer(1, 99), "1"),
    idle("active-defrag-cycle-max", &[], no_integer(1, 99), "25"),
    idle("active-defrag-threshold-lower", &[], no_integer(0, 1000), "10"),
    idle("active-defrag-threshold-upper", &[], no_integer(0, 1000), "100"),
    idle("active-defrag-ignore-bytes", &[], NO_BYTES, "100mb"),
    idle("active-defrag-max-scan-fields", &[], no_integer(1, MAX_I32), "1000"),
    idle("activerehashing", &[], NO_SWITCH, "yes"),
    idle("active-expire-effort", &[], no_integer(1, 10), "1"),
    idle("dynamic-hz", &[], NO_SWITCH, "yes"),
    idle("jemalloc-bg-thread", &[], NO_SWITCH, "yes"),
    idle("maxmemory-eviction-tenacity", &[], no_integer(0, 100), "10"),
    idle("maxmemory-clients", &[], NO_TEXT, "0"),
    idle("io-threads", &[], no_integer(1, 128), "1"),
    idle("io-threads-do-reads", &[], NO_SWITCH, "no"),
    idle("server_cpulist", &[], NO_TEXT, ""),
    idle("bio_cpulist", &[], NO_TEXT, ""),
    idle("aof_rewrite_cpulist", &[], NO_TEXT, ""),
    idle("bgsave_cpulist", &[], NO_TEXT, ""),
    idle("oom-score-adj", &[], no_choice(&["no", "yes", "relative", "absolute"]), "no"),
    idle("oom-score-adj-values", &[], NO_WORDS, "0 200 800"),
    idle("disable-thp", &[], NO_SWITCH, "yes"),
    idle("always-show-logo", &[], NO_SWITCH, "no"),
    idle("set-proc-title", &[], NO_SWITCH, "yes"),
    idle("proc-title-template", &[], NO_TEXT, "{title} {listen-addr} {server-mode}"),
    idle("supervised", &[], no_choice(&["upstart", "systemd", "auto", "no"]), "no"),
    idle("pidfile", &[], NO_TEXT, ""),
    idle("syslog-enabled", &[], NO_SWITCH, "no"),
    idle("syslog-ident", &[], NO_TEXT, "redis"),
    idle("syslog-facility", &[], NO_TEXT, "local0"),
    idle("crash-log-enabled", &[], NO_SWITCH, "yes"),
    idle("crash-memcheck-enabled", &[], NO_SWITCH, "yes"),
    idle("latency-tracking", &[], NO_SWITCH, "yes"),
    idle("latency-tracking-info-percentiles", &[], NO_WORDS, "50 99 99.9"),
    idle("busy-reply-threshold", &["lua-time-limit"], no_integer(0, i64::MAX), "5000"),
    idle("tracking-table-max-keys", &[], no_integer(0, i64::MAX), "1000000"),
    idle("locale-collate", &[], NO_TEXT, ""),
    idle(
        "hash-max-listpack-entries",
        &["hash-max-ziplist-entries"],
        no_integer(0, i64::MAX),
        "512",
    ),
    idle("hash-max-listpack-value", &["hash-max-ziplist-value"], no_integer(0, i64::MAX), "64"),
    idle("list-max-listpack-size", &["list-max-ziplist-size"], no_integer(-5, MAX_I32), "-2"),
    idle("list-compress-depth", &[], no_integer(0, MAX_I32), "0"),
    idle("set-max-intset-entries", &[], no_integer(0, i64::MAX), "512"),
    idle("set-max-listpack-entries", &[], no_integer(0, i64::MAX), "128"),
    idle("set-max-listpack-value", &[], no_integer(0, i64::MAX), "64"),
    idle(
        "zset-max-listpack-entries",
        &["zset-max-ziplist-entries"],
        no_integer(0, i64::MAX),
        "128",
    ),
    idle("zset-max-listpack-value", &["zset-max-ziplist-value"], no_integer(0, i64::MAX), "64"),
    idle("hll-sparse-max-bytes", &[], NO_BYTES, "3000"),
    idle("stream-node-max-bytes", &[], NO_BYTES, "4kb"),
    idle("stream-node-max-entries", &[], no_integer(0, i64::MAX), "100"),
    idle("replica-serve-stale-data", &["slave-serve-stale-data"], NO_SWITCH, "yes"),
    idle("replica-read-only", &["slave-read-only"], NO_SWITCH, "yes"),
    idle("replica-priority", &["slave-priority"], no_integer(0, MAX_I32), "100"),
    idle("replica-lazy-flush", &["slave-lazy-flush"], NO_SWITCH, "no"),
    idle("replica-ignore-maxmemory", &["slave-ignore-maxmemory"], NO_SWITCH, "yes"),
    idle("replica-announced", &[], NO_SWITCH, "yes"),
    idle("replica-announce-ip", &["slave-announce-ip"], NO_TEXT, ""),
    idle("replica-announce-port", &["slave-announce-port"], no_integer(0, 65_535), "0"),
    idle("masterauth", &[], NO_TEXT, ""),
    idle("masteruser", &[], NO_TEXT, ""),
    idle("repl-backlog-size", &[], NO_BYTES, "1mb"),
    idle("repl-backlog-ttl", &[], no_integer(0, i64::MAX), "3600"),
    idle("repl-timeout", &[], no_integer(1, MAX_I32), "60"),
    idle("repl-ping-replica-period", &["repl-ping-slave-period"], no_integer(1, MAX_I32), "10"),
    idle("repl-diskless-sync", &[], NO_SWITCH, "yes"),
    idle("repl-diskless-sync-delay", &[], no_integer(0, MAX_I32), "5"),
    idle("repl-diskless-sync-max-replicas", &[], no_integer(0, MAX_I32), "0"),
    idle("repl-diskless-load", &[], no_choice(&["disabled", "on-empty-db", "swapdb"]), "disabled"),
    idle("repl-disable-tcp-nodelay", &[], NO_SWITCH, "no"),
    idle("cluster-config-file", &[], NO_TEXT, "nodes.conf"),
    idle("cluster-node-timeout", &[], no_integer(0, i64::MAX), "15000"),
];

/// The parts of the table.
const PARTS: [&[Row]; 3] = [EFFECTIVE, DEFAULT_ONLY, WITHOUT_EFFECT];

/// All options, in order.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    PARTS.into_iter().flatten()
}
