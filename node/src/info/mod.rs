//! The text of INFO: sections of `name:value` lines, with the names that clients, dashboards and
//! Redis's own tools look for.

/// Appends `name:value` lines.
macro_rules! lines {
    ($out:expr, $($name:literal: $value:expr),* $(,)?) => {
        $( let _ = write!($out, concat!($name, ":{}\r\n"), $value); )*
    };
}

mod facts;
pub(crate) mod memory;
pub(crate) mod replication;
mod stats;

use std::fmt::Write as _;

use skep_command::server::REDIS_VERSION;

use crate::VERSION;
use crate::node::Node;

pub(crate) use facts::Facts;

/// Bits of the clock that Redis shows as `lru_clock`, in seconds.
const LRU_CLOCK_MASK: u64 = (1 << 24) - 1;

/// Writes one section's lines.
type Section = fn(&Facts<'_>, &mut String);

/// Sections in order: name, title, whether INFO shows it unasked, and its writer.
const SECTIONS: &[(&str, &str, bool, Section)] = &[
    ("server", "Server", true, server),
    ("clients", "Clients", true, clients),
    ("memory", "Memory", true, memory::memory),
    ("persistence", "Persistence", true, persistence),
    ("stats", "Stats", true, stats::stats),
    ("replication", "Replication", true, replication::replication),
    ("cpu", "CPU", true, cpu),
    ("modules", "Modules", true, |_, _| {}),
    ("commandstats", "Commandstats", false, stats::command_stats),
    ("latencystats", "Latencystats", false, stats::latency_stats),
    ("errorstats", "Errorstats", true, stats::error_stats),
    ("cluster", "Cluster", true, cluster),
    ("keyspace", "Keyspace", true, keyspace),
];

/// The named sections (lower case), or the default ones.
pub(crate) fn text(node: &Node, wanted: &[&str]) -> String {
    text_of(&Facts::new(node), wanted)
}

/// As [`text`], from figures that are there.
pub(crate) fn text_of(facts: &Facts<'_>, wanted: &[&str]) -> String {
    let all = wanted.iter().any(|name| matches!(*name, "all" | "everything"));
    let defaults = wanted.is_empty() || wanted.contains(&"default");
    let mut out = String::new();
    for (name, title, default, section) in SECTIONS {
        if all || (defaults && *default) || wanted.contains(name) {
            if !out.is_empty() {
                out.push_str("\r\n");
            }
            let _ = write!(out, "# {title}\r\n");
            section(facts, &mut out);
        }
    }
    out
}

fn server(facts: &Facts<'_>, out: &mut String) {
    let node = facts.node;
    let settings = node.settings.load();
    let uptime_seconds = facts.uptime_seconds();
    let executable = std::env::current_exe().unwrap_or_default();
    lines!(out,
        "redis_version": REDIS_VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": 0,
        "redis_mode": facts.mode(),
        "server_name": "skep",
        "skep_version": VERSION,
        "os": crate::memory::system_name(),
        "arch_bits": usize::BITS,
        "monotonic_clock": "POSIX clock_gettime",
        "multiplexing_api": "epoll",
        "process_id": std::process::id(),
        "process_supervised": "no",
        "run_id": node.run_id,
        "tcp_port": settings.port,
        "server_time_usec": crate::node::unix_time_us(),
        "uptime_in_seconds": uptime_seconds,
        "uptime_in_days": uptime_seconds / 86_400,
        "hz": settings.hz,
        "configured_hz": settings.hz,
        "lru_clock": (crate::node::unix_time_us() / 1_000_000) & LRU_CLOCK_MASK,
        "workers": settings.workers,
        "executable": executable.display(),
        "config_file": node.config_file(),
        "io_threads_active": 0,
    );
    let addresses: String = settings.bind.iter().map(|one| format!("bind={one},")).collect();
    let _ = write!(out, "listener0:name=tcp,{addresses}port={}\r\n", settings.port);
}

fn clients(facts: &Facts<'_>, out: &mut String) {
    let clients = facts.clients();
    lines!(out,
        "connected_clients": clients.connected,
        "cluster_connections": 0,
        "maxclients": facts.node.settings.load().max_clients,
        "client_recent_max_input_buffer": clients.input_bytes_max,
        "client_recent_max_output_buffer": clients.output_bytes_max,
        "blocked_clients": 0,
        "tracking_clients": 0,
        "pubsub_clients": clients.subscribed,
        "watching_clients": clients.watching,
        "clients_in_timeout_table": 0,
        "total_watched_keys": clients.watched_keys,
        "total_blocking_keys": 0,
        "total_blocking_keys_on_nokey": 0,
    );
}

/// Nothing is kept on disk: zeros, except for what has changed since the start.
fn persistence(facts: &Facts<'_>, out: &mut String) {
    lines!(out,
        "loading": 0,
        "async_loading": 0,
        "current_cow_peak": 0,
        "current_cow_size": 0,
        "current_cow_size_age": 0,
        "current_fork_perc": "0.00",
        "current_save_keys_processed": 0,
        "current_save_keys_total": 0,
        "rdb_changes_since_last_save": facts.figures.counters.changes,
        "rdb_bgsave_in_progress": 0,
        "rdb_last_save_time": facts.node.started_unix_ms / 1000,
        "rdb_last_bgsave_status": "ok",
        "rdb_last_bgsave_time_sec": -1,
        "rdb_current_bgsave_time_sec": -1,
        "rdb_saves": 0,
        "rdb_last_cow_size": 0,
        "rdb_last_load_keys_expired": 0,
        "rdb_last_load_keys_loaded": 0,
        "aof_enabled": 0,
        "aof_rewrite_in_progress": 0,
        "aof_rewrite_scheduled": 0,
        "aof_last_rewrite_time_sec": -1,
        "aof_current_rewrite_time_sec": -1,
        "aof_last_bgrewrite_status": "ok",
        "aof_rewrites": 0,
        "aof_rewrites_consecutive_failures": 0,
        "aof_last_write_status": "ok",
        "aof_last_cow_size": 0,
        "module_fork_in_progress": 0,
        "module_fork_last_cow_size": 0,
    );
}

fn cpu(facts: &Facts<'_>, out: &mut String) {
    let times = facts.cpu();
    lines!(out,
        "used_cpu_sys": format!("{:.6}", times.system_seconds),
        "used_cpu_user": format!("{:.6}", times.user_seconds),
        "used_cpu_sys_children": "0.000000",
        "used_cpu_user_children": "0.000000",
    );
}

fn cluster(facts: &Facts<'_>, out: &mut String) {
    lines!(out, "cluster_enabled": u8::from(facts.is_clustered()));
    if let Some(agreement) = facts.cluster().and_then(|cluster| cluster.agreement.as_ref()) {
        lines!(out, "cluster_voters": agreement.voters.len());
    }
}

fn keyspace(facts: &Facts<'_>, out: &mut String) {
    for (database, count) in facts.keys() {
        let _ = write!(
            out,
            "db{database}:keys={},expires={},avg_ttl=0\r\n",
            count.keys, count.expiring
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::fixture;

    fn node() -> Node {
        fixture::node(|_| {})
    }

    fn titles(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("# ")).collect()
    }

    const DEFAULT: [&str; 11] = [
        "Server",
        "Clients",
        "Memory",
        "Persistence",
        "Stats",
        "Replication",
        "CPU",
        "Modules",
        "Errorstats",
        "Cluster",
        "Keyspace",
    ];

    #[test]
    fn sections_come_in_order_once_each_and_unknown_ones_show_nothing() {
        let node = node();
        assert_eq!(titles(&text(&node, &[])), DEFAULT);
        assert_eq!(titles(&text(&node, &["default"])), DEFAULT);
        let more = titles(&text(&node, &["commandstats", "default"])).len();
        assert_eq!(more, DEFAULT.len() + 1);
        for all in ["all", "everything"] {
            assert_eq!(titles(&text(&node, &[all, "server"])).len(), SECTIONS.len(), "{all}");
        }
        assert_eq!(titles(&text(&node, &["keyspace", "cpu", "cpu"])), ["CPU", "Keyspace"]);
        assert_eq!(text(&node, &["nosuch"]), "");
    }

    #[test]
    fn every_line_is_a_title_or_a_field_and_ends_as_in_a_protocol() {
        let text = text(&node(), &["everything"]);
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines.len(), text.matches('\n').count() + 1, "a line ends with LF alone");
        for line in &lines {
            let is_field = line.split_once(':').is_some_and(|(name, _)| !name.contains(' '));
            assert!(line.is_empty() || line.starts_with("# ") || is_field, "{line}");
        }
        let mut names: Vec<_> = lines.iter().filter_map(|line| line.split_once(':')).collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0].0 == pair[1].0);
        assert_eq!(twice, None, "a field is there twice");
    }

    #[test]
    fn what_clients_wait_for_is_there() {
        let text = text(&node(), &[]);
        for line in [
            "redis_version:7.2.4",
            "redis_mode:standalone",
            "loading:0",
            "role:master",
            "cluster_enabled:0",
            "maxmemory_policy:allkeys-adaptive",
            "connected_slaves:0",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} is missing in\n{text}");
        }
    }
    #[test]
    fn a_node_of_a_cluster_says_so() {
        let node = fixture::node(|settings| settings.cluster.is_enabled = true);
        let text = text(&node, &[]);
        assert!(text.contains("redis_mode:cluster\r\n"), "{text}");
        assert!(text.contains("cluster_enabled:1\r\n"), "{text}");
    }
}
