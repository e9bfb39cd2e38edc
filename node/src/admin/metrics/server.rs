//! The process, its clients and its keys.

use skep_command::server::REDIS_VERSION;

use super::{Kind, Metric, Samples, counter, gauge, labelled};
use crate::VERSION;
use crate::admin::health::readiness;
use crate::info::Facts;

pub(super) const METRICS: &[Metric] = &[
    gauge("redis_up", "", "The node answers.", |_| 1.0),
    gauge("skep_ready", "", "The node can serve: what /health/ready says.", |facts| {
        f64::from(readiness(facts.node).ready)
    }),
    labelled("redis_instance_info", Kind::Gauge, "What the node is: always 1.", instance),
    labelled("skep_build_info", Kind::Gauge, "What is running: always 1.", |_, out| {
        out.add(&[("version", VERSION)], 1.0);
    }),
    gauge("redis_uptime_in_seconds", "uptime_in_seconds", "Time since the start.", |facts| {
        facts.uptime_seconds() as f64
    }),
    gauge("redis_start_time_seconds", "", "When the node started, in Unix time.", |facts| {
        (facts.node.started_unix_ms / 1000) as f64
    }),
    gauge("redis_process_id", "process_id", "The process.", |_| f64::from(std::process::id())),
    gauge("skep_workers", "workers", "Threads that serve clients.", |facts| {
        facts.node.settings.load().workers as f64
    }),
    gauge("redis_hz", "hz", "How often a second upkeep is done.", |facts| {
        f64::from(facts.node.settings.load().hz)
    }),
    gauge("redis_configured_hz", "configured_hz", "The same: it does not adapt.", |facts| {
        f64::from(facts.node.settings.load().hz)
    }),
    counter(
        "redis_cpu_sys_seconds_total",
        "used_cpu_sys",
        "Processor time in the system.",
        |facts| facts.cpu().system_seconds,
    ),
    counter(
        "redis_cpu_user_seconds_total",
        "used_cpu_user",
        "Processor time in the process.",
        |facts| facts.cpu().user_seconds,
    ),
    gauge("redis_loading_dump_file", "loading", "Always 0: nothing is loaded.", |_| 0.0),
    gauge(
        "redis_rdb_changes_since_last_save",
        "rdb_changes_since_last_save",
        "Changes to the data since the start; nothing is saved.",
        |facts| facts.figures.counters.changes as f64,
    ),
    gauge("redis_connected_clients", "connected_clients", "Clients connected.", |facts| {
        facts.clients().connected as f64
    }),
    gauge("redis_config_maxclients", "maxclients", "Clients that may connect.", |facts| {
        facts.node.settings.load().max_clients as f64
    }),
    gauge("redis_blocked_clients", "blocked_clients", "Always 0: no command blocks.", |_| 0.0),
    gauge("redis_pubsub_clients", "pubsub_clients", "Clients with subscriptions.", |facts| {
        facts.clients().subscribed as f64
    }),
    gauge("redis_watching_clients", "watching_clients", "Clients with WATCHed keys.", |facts| {
        facts.clients().watching as f64
    }),
    gauge("redis_total_watched_keys", "total_watched_keys", "Keys under WATCH.", |facts| {
        facts.clients().watched_keys as f64
    }),
    gauge(
        "redis_client_recent_max_input_buffer_bytes",
        "client_recent_max_input_buffer",
        "The largest buffer of requests.",
        |facts| facts.clients().input_bytes_max as f64,
    ),
    gauge(
        "redis_client_recent_max_output_buffer_bytes",
        "client_recent_max_output_buffer",
        "The largest buffer of replies.",
        |facts| facts.clients().output_bytes_max as f64,
    ),
    labelled("redis_db_keys", Kind::Gauge, "Keys by database.", |facts, out| {
        each_database(facts, out, |keys, _| keys);
    }),
    labelled("redis_db_keys_expiring", Kind::Gauge, "Keys that expire.", |facts, out| {
        each_database(facts, out, |_, expiring| expiring);
    }),
];

fn instance(facts: &Facts<'_>, out: &mut Samples<'_>) {
    let settings = facts.node.settings.load();
    let labels = [
        ("role", facts.replication().role()),
        ("redis_version", REDIS_VERSION),
        ("redis_build_id", "0"),
        ("redis_mode", facts.mode()),
        ("os", &crate::memory::system_name()),
        ("maxmemory_policy", settings.policy.name()),
        ("tcp_port", &settings.port.to_string()),
        ("run_id", &facts.node.run_id),
        ("process_id", &std::process::id().to_string()),
        ("master_replid", &facts.replication().history),
    ];
    out.add(&labels, 1.0);
}

/// Databases with keys, and the first one.
fn each_database(facts: &Facts<'_>, out: &mut Samples<'_>, count: fn(u64, u64) -> u64) {
    let keys = facts.keys();
    if keys.first().is_none_or(|(database, _)| *database != 0) {
        out.add(&[("db", "db0")], 0.0);
    }
    for (database, counts) in keys {
        let name = format!("db{database}");
        out.add(&[("db", &name)], count(counts.keys, counts.expiring) as f64);
    }
}
