//! The text of INFO: sections of `name:value` lines, with the names that clients, dashboards and
//! Redis's own tools look for.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use skep_command::server::{ChannelKind, REDIS_VERSION};

use crate::figures::{self, Published, traffic};
use crate::node::Node;
use crate::{VERSION, allocator};

/// What the sections are made of.
struct Facts<'n> {
    node: &'n Node,
    figures: Published,
}

/// Writes one section's lines.
type Section = fn(&Facts<'_>, &mut String);

/// Sections in order: name, title, whether INFO shows it unasked, and its writer.
const SECTIONS: &[(&str, &str, bool, Section)] = &[
    ("server", "Server", true, server),
    ("clients", "Clients", true, clients),
    ("memory", "Memory", true, memory),
    ("persistence", "Persistence", true, persistence),
    ("stats", "Stats", true, stats),
    ("replication", "Replication", true, replication),
    ("cpu", "CPU", true, cpu),
    ("modules", "Modules", true, |_, _| {}),
    ("commandstats", "Commandstats", false, command_stats),
    ("latencystats", "Latencystats", false, latency_stats),
    ("errorstats", "Errorstats", true, error_stats),
    ("cluster", "Cluster", true, cluster),
    ("keyspace", "Keyspace", true, keyspace),
];

/// The named sections (lower case), or the default ones.
pub(crate) fn text(node: &Node, wanted: &[&str]) -> String {
    let facts = Facts { node, figures: figures::since(&node.figures, &node.reset.lock()) };
    let all = wanted.iter().any(|name| matches!(*name, "all" | "everything"));
    let defaults = wanted.is_empty() || wanted.contains(&"default");
    let mut out = String::new();
    for (name, title, default, section) in SECTIONS {
        if all || (defaults && *default) || wanted.contains(name) {
            if !out.is_empty() {
                out.push_str("\r\n");
            }
            let _ = write!(out, "# {title}\r\n");
            section(&facts, &mut out);
        }
    }
    out
}

/// Appends `name:value` lines.
macro_rules! lines {
    ($out:expr, $($name:literal: $value:expr),* $(,)?) => {
        $( let _ = write!($out, concat!($name, ":{}\r\n"), $value); )*
    };
}

fn server(facts: &Facts<'_>, out: &mut String) {
    let node = facts.node;
    let settings = node.settings.load();
    let uptime = node.started.elapsed().as_secs();
    let config_file = node.config_file();
    lines!(out,
        "redis_version": REDIS_VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": 0,
        "redis_mode": "standalone",
        "server_name": "skep",
        "skep_version": VERSION,
        "os": std::env::consts::OS,
        "arch_bits": usize::BITS,
        "multiplexing_api": "epoll",
        "process_id": std::process::id(),
        "process_supervised": "no",
        "run_id": node.run_id,
        "tcp_port": settings.port,
        "server_time_usec": crate::node::unix_time_us(),
        "uptime_in_seconds": uptime,
        "uptime_in_days": uptime / 86_400,
        "hz": settings.hz,
        "configured_hz": settings.hz,
        "workers": settings.workers,
        "config_file": config_file,
        "io_threads_active": 0,
    );
}

fn clients(facts: &Facts<'_>, out: &mut String) {
    let node = facts.node;
    let all = node.clients.select(&Default::default(), node.now_ms());
    let (mut pubsub, mut watching, mut watched) = (0, 0, 0);
    for one in &all {
        let visible = one.visible.lock();
        pubsub += usize::from(visible.is_subscribed());
        watching += usize::from(visible.watches > 0);
        watched += visible.watches;
    }
    lines!(out,
        "connected_clients": all.len(),
        "cluster_connections": 0,
        "maxclients": node.settings.load().max_clients,
        "client_recent_max_input_buffer": all.iter().map(|one| one.input_bytes()).max().unwrap_or(0),
        "client_recent_max_output_buffer": all.iter().map(|one| one.output_bytes()).max().unwrap_or(0),
        "blocked_clients": 0,
        "tracking_clients": 0,
        "pubsub_clients": pubsub,
        "watching_clients": watching,
        "clients_in_timeout_table": 0,
        "total_watched_keys": watched,
        "total_blocking_keys": 0,
        "total_blocking_keys_on_nokey": 0,
    );
}

/// A size as people read it: `1.50M`.
fn human(bytes: u64) -> String {
    let units = [("T", 40), ("G", 30), ("M", 20), ("K", 10)];
    let unit = units.iter().find(|(_, shift)| bytes >= 1 << shift);
    match unit {
        Some((letter, shift)) => format!("{:.2}{letter}", bytes as f64 / (1u64 << shift) as f64),
        None => format!("{bytes}B"),
    }
}

fn memory(facts: &Facts<'_>, out: &mut String) {
    let node = facts.node;
    let facts = node.memory_facts();
    let settings = node.settings.load();
    let ratio = facts.resident_bytes as f64 / facts.used_bytes.max(1) as f64;
    let total = crate::memory::total_system_bytes();
    lines!(out,
        "used_memory": facts.used_bytes,
        "used_memory_human": human(facts.used_bytes),
        "used_memory_rss": facts.resident_bytes,
        "used_memory_rss_human": human(facts.resident_bytes),
        "used_memory_peak": facts.peak_bytes,
        "used_memory_peak_human": human(facts.peak_bytes),
        "used_memory_peak_perc": format!("{:.2}%", facts.used_bytes as f64 * 100.0 / facts.peak_bytes.max(1) as f64),
        "used_memory_overhead": facts.used_bytes.saturating_sub(facts.dataset_bytes),
        "used_memory_startup": facts.startup_bytes,
        "used_memory_dataset": facts.dataset_bytes,
        "used_memory_dataset_perc": format!("{:.2}%", facts.dataset_bytes as f64 * 100.0 / facts.used_bytes.max(1) as f64),
        "used_memory_dead": facts.dead_bytes,
        "allocator_allocated": facts.allocated_bytes,
        "allocator_active": facts.active_bytes,
        "allocator_resident": facts.allocator_resident_bytes,
        "total_system_memory": total,
        "total_system_memory_human": human(total),
        "used_memory_lua": 0,
        "used_memory_scripts": 0,
        "maxmemory": facts.limit_bytes,
        "maxmemory_human": human(facts.limit_bytes),
        "maxmemory_policy": settings.policy,
        "allocator_frag_ratio": format!("{:.2}", facts.active_bytes as f64 / facts.allocated_bytes.max(1) as f64),
        "mem_fragmentation_ratio": format!("{ratio:.2}"),
        "mem_fragmentation_bytes": facts.resident_bytes as i64 - facts.used_bytes as i64,
        "mem_not_counted_for_evict": 0,
        "mem_replication_backlog": 0,
        "mem_clients_slaves": 0,
        "mem_clients_normal": facts.client_bytes,
        "mem_cluster_links": 0,
        "mem_aof_buffer": 0,
        "mem_allocator": allocator::NAME,
        "active_defrag_running": 0,
        "lazyfree_pending_objects": 0,
        "lazyfreed_objects": 0,
    );
}

fn persistence(facts: &Facts<'_>, out: &mut String) {
    lines!(out,
        "loading": 0,
        "async_loading": 0,
        "rdb_changes_since_last_save": facts.figures.counters.changes,
        "rdb_bgsave_in_progress": 0,
        "rdb_last_save_time": facts.node.started_unix_ms / 1000,
        "rdb_last_bgsave_status": "ok",
        "aof_enabled": 0,
        "aof_rewrite_in_progress": 0,
        "aof_rewrite_scheduled": 0,
        "aof_last_bgrewrite_status": "ok",
        "aof_last_write_status": "ok",
    );
}

fn stats(facts: &Facts<'_>, out: &mut String) {
    let node = facts.node;
    let counters = &facts.figures.counters;
    let rates = node.rates.lock();
    lines!(out,
        "total_connections_received": node.connections_received.load(Relaxed),
        "total_commands_processed": facts.figures.statistics.calls,
        "instantaneous_ops_per_sec": rates.operations_per_second,
        "total_net_input_bytes": traffic(&node.figures, |one| &one.input_bytes),
        "total_net_output_bytes": traffic(&node.figures, |one| &one.output_bytes),
        "instantaneous_input_kbps": format!("{:.2}", rates.input_bytes_per_second as f64 / 1024.0),
        "instantaneous_output_kbps": format!("{:.2}", rates.output_bytes_per_second as f64 / 1024.0),
        "rejected_connections": node.connections_rejected.load(Relaxed),
        "sync_full": 0,
        "sync_partial_ok": 0,
        "sync_partial_err": 0,
        "expired_keys": counters.expired,
        "evicted_keys": counters.evicted,
        "evicted_clients": 0,
        "keyspace_hits": counters.hits,
        "keyspace_misses": counters.misses,
        "compacted_bytes": counters.compacted_bytes,
        "pubsub_channels": node.pubsub.name_count(ChannelKind::Channel),
        "pubsub_patterns": node.pubsub.name_count(ChannelKind::Pattern),
        "pubsubshard_channels": node.pubsub.name_count(ChannelKind::Shard),
        "latest_fork_usec": 0,
        "total_forks": 0,
        "migrate_cached_sockets": 0,
        "total_error_replies": facts.figures.statistics.errors().map(|(_, count)| count).sum::<u64>(),
        "client_query_buffer_limit_disconnections": node.input_limit_disconnections.load(Relaxed),
        "client_output_buffer_limit_disconnections": node.output_limit_disconnections.load(Relaxed),
    );
}

fn replication(facts: &Facts<'_>, out: &mut String) {
    lines!(out,
        "role": "master",
        "connected_slaves": 0,
        "master_failover_state": "no-failover",
        "master_replid": facts.node.run_id,
        "master_replid2": "0000000000000000000000000000000000000000",
        "master_repl_offset": 0,
        "second_repl_offset": -1,
        "repl_backlog_active": 0,
        "repl_backlog_size": 0,
        "repl_backlog_first_byte_offset": 0,
        "repl_backlog_histlen": 0,
    );
}

fn cpu(_: &Facts<'_>, out: &mut String) {
    let times = crate::memory::cpu_times();
    lines!(out,
        "used_cpu_sys": format!("{:.6}", times.system_seconds),
        "used_cpu_user": format!("{:.6}", times.user_seconds),
        "used_cpu_sys_children": "0.000000",
        "used_cpu_user_children": "0.000000",
    );
}

fn command_stats(facts: &Facts<'_>, out: &mut String) {
    for (name, one) in facts.figures.statistics.commands() {
        let usec = one.nanoseconds / 1000;
        let per_call = one.nanoseconds as f64 / 1000.0 / one.calls.max(1) as f64;
        let _ = write!(
            out,
            "cmdstat_{name}:calls={},usec={usec},usec_per_call={per_call:.2},rejected_calls={},\
             failed_calls={}\r\n",
            one.calls, one.rejected, one.failed
        );
    }
}

fn latency_stats(facts: &Facts<'_>, out: &mut String) {
    for (name, one) in facts.figures.statistics.commands() {
        if one.calls == 0 {
            continue;
        }
        let percentile = |share: f64| one.duration_us(share);
        let _ = write!(
            out,
            "latency_percentiles_usec_{name}:p50={:.3},p99={:.3},p99.9={:.3}\r\n",
            percentile(0.5),
            percentile(0.99),
            percentile(0.999)
        );
    }
}

fn error_stats(facts: &Facts<'_>, out: &mut String) {
    let mut errors: Vec<_> = facts.figures.statistics.errors().collect();
    errors.sort_unstable();
    for (code, count) in errors {
        let _ = write!(out, "errorstat_{code}:count={count}\r\n");
    }
}

fn cluster(_: &Facts<'_>, out: &mut String) {
    lines!(out, "cluster_enabled": 0);
}

fn keyspace(facts: &Facts<'_>, out: &mut String) {
    for (database, count) in facts.node.store.key_counts() {
        let _ = write!(
            out,
            "db{database}:keys={},expires={},avg_ttl=0,subexpiry=0\r\n",
            count.keys, count.expiring
        );
    }
}
