//! INFO stats, commandstats, latencystats and errorstats.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use skep_command::server::ChannelKind;

use crate::info::Facts;

pub(super) fn stats(facts: &Facts<'_>, out: &mut String) {
    let node = facts.node;
    let denied = node.access.denied();
    let counters = &facts.figures.counters;
    let rates = node.rates.lock();
    let resyncs = facts.resyncs();
    let (exceeded_ms, now_exceeded_ms) = facts.exceeded_ms();
    lines!(out,
        "total_connections_received": node.connections_received.load(Relaxed),
        "total_commands_processed": facts.figures.statistics.calls,
        "instantaneous_ops_per_sec": rates.operations_per_second,
        "total_net_input_bytes": facts.figures.input_bytes,
        "total_net_output_bytes": facts.figures.output_bytes,
        "instantaneous_input_kbps": format!("{:.2}", rates.input_kib_per_second()),
        "instantaneous_output_kbps": format!("{:.2}", rates.output_kib_per_second()),
        "rejected_connections": node.connections_rejected.load(Relaxed),
        "total_net_repl_input_bytes": 0,
        "total_net_repl_output_bytes": 0,
        "instantaneous_input_repl_kbps": "0.00",
        "instantaneous_output_repl_kbps": "0.00",
        "sync_full": resyncs.full,
        "sync_partial_ok": resyncs.partial,
        "sync_partial_err": 0,
        "sync_copied_stripes": resyncs.stripes,
        "expired_keys": counters.expired,
        "expired_stale_perc": "0.00",
        "expired_time_cap_reached_count": 0,
        "expire_cycle_cpu_milliseconds": 0,
        "evicted_keys": counters.evicted,
        "evicted_clients": 0,
        "evicted_scripts": 0,
        "total_eviction_exceeded_time": exceeded_ms,
        "current_eviction_exceeded_time": now_exceeded_ms,
        "keyspace_hits": counters.hits,
        "keyspace_misses": counters.misses,
        "compacted_bytes": counters.compacted_bytes,
        "pubsub_channels": node.pubsub.name_count(ChannelKind::Channel),
        "pubsub_patterns": node.pubsub.name_count(ChannelKind::Pattern),
        "pubsubshard_channels": node.pubsub.name_count(ChannelKind::Shard),
        "latest_fork_usec": 0,
        "total_forks": 0,
        "migrate_cached_sockets": 0,
        "slave_expires_tracked_keys": 0,
        "active_defrag_hits": 0,
        "active_defrag_misses": 0,
        "active_defrag_key_hits": 0,
        "active_defrag_key_misses": 0,
        "total_active_defrag_time": 0,
        "current_active_defrag_time": 0,
        "tracking_total_keys": 0,
        "tracking_total_items": 0,
        "tracking_total_prefixes": 0,
        "unexpected_error_replies": 0,
        "total_error_replies": facts.error_replies(),
        "dump_payload_sanitizations": 0,
        "io_threaded_reads_processed": 0,
        "io_threaded_writes_processed": 0,
        "reply_buffer_shrinks": 0,
        "reply_buffer_expands": 0,
        "client_query_buffer_limit_disconnections": node.input_limit_disconnections.load(Relaxed),
        "client_output_buffer_limit_disconnections": node.output_limit_disconnections.load(Relaxed),
        "acl_access_denied_auth": facts.figures.statistics.error_count("WRONGPASS"),
        "acl_access_denied_cmd": denied[0],
        "acl_access_denied_key": denied[1],
        "acl_access_denied_channel": denied[2],
    );
}

pub(super) fn command_stats(facts: &Facts<'_>, out: &mut String) {
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

pub(super) fn latency_stats(facts: &Facts<'_>, out: &mut String) {
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

pub(super) fn error_stats(facts: &Facts<'_>, out: &mut String) {
    let mut errors: Vec<_> = facts.figures.statistics.errors().collect();
    errors.sort_unstable();
    for (code, count) in errors {
        let _ = write!(out, "errorstat_{code}:count={count}\r\n");
    }
}
