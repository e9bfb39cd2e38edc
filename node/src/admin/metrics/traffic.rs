//! What comes in, what goes out, and what becomes of the keys.

use std::sync::atomic::Ordering::Relaxed;

use skep_command::server::ChannelKind;

use super::{Metric, counter, gauge};

pub(super) const METRICS: &[Metric] = &[
    counter(
        "redis_connections_received_total",
        "total_connections_received",
        "Connections that came, refused ones too.",
        |facts| facts.node.connections_received.load(Relaxed) as f64,
    ),
    counter(
        "redis_rejected_connections_total",
        "rejected_connections",
        "Connections that were refused.",
        |facts| facts.node.connections_rejected.load(Relaxed) as f64,
    ),
    counter(
        "redis_commands_processed_total",
        "total_commands_processed",
        "Commands that ran.",
        |facts| facts.figures.statistics.calls as f64,
    ),
    gauge(
        "redis_instantaneous_ops_per_sec",
        "instantaneous_ops_per_sec",
        "Commands a second, lately.",
        |facts| facts.node.rates.lock().operations_per_second as f64,
    ),
    counter(
        "redis_net_input_bytes_total",
        "total_net_input_bytes",
        "Bytes received from clients.",
        |facts| facts.figures.input_bytes as f64,
    ),
    counter(
        "redis_net_output_bytes_total",
        "total_net_output_bytes",
        "Bytes sent to clients.",
        |facts| facts.figures.output_bytes as f64,
    ),
    gauge(
        "redis_instantaneous_input_kbps",
        "instantaneous_input_kbps",
        "KiB a second received, lately.",
        |facts| facts.node.rates.lock().input_kib_per_second(),
    ),
    gauge(
        "redis_instantaneous_output_kbps",
        "instantaneous_output_kbps",
        "KiB a second sent, lately.",
        |facts| facts.node.rates.lock().output_kib_per_second(),
    ),
    counter("redis_keyspace_hits_total", "keyspace_hits", "Lookups that found the key.", |facts| {
        facts.figures.counters.hits as f64
    }),
    counter("redis_keyspace_misses_total", "keyspace_misses", "Lookups that did not.", |facts| {
        facts.figures.counters.misses as f64
    }),
    counter(
        "redis_expired_keys_total",
        "expired_keys",
        "Keys removed because their time had come.",
        |facts| facts.figures.counters.expired as f64,
    ),
    counter("redis_evicted_keys_total", "evicted_keys", "Keys removed to make room.", |facts| {
        facts.figures.counters.evicted as f64
    }),
    counter(
        "skep_compacted_bytes_total",
        "compacted_bytes",
        "Bytes of records moved by compaction.",
        |facts| facts.figures.counters.compacted_bytes as f64,
    ),
    gauge("redis_pubsub_channels", "pubsub_channels", "Channels with subscribers.", |facts| {
        facts.node.pubsub.name_count(ChannelKind::Channel) as f64
    }),
    gauge("redis_pubsub_patterns", "pubsub_patterns", "Patterns subscribed to.", |facts| {
        facts.node.pubsub.name_count(ChannelKind::Pattern) as f64
    }),
    gauge(
        "redis_pubsubshard_channels",
        "pubsubshard_channels",
        "Shard channels with subscribers.",
        |facts| facts.node.pubsub.name_count(ChannelKind::Shard) as f64,
    ),
    counter(
        "redis_client_query_buffer_limit_disconnections_total",
        "client_query_buffer_limit_disconnections",
        "Clients closed because they asked for too much at once.",
        |facts| facts.node.input_limit_disconnections.load(Relaxed) as f64,
    ),
    counter(
        "redis_client_output_buffer_limit_disconnections_total",
        "client_output_buffer_limit_disconnections",
        "Clients closed because they left too much unread.",
        |facts| facts.node.output_limit_disconnections.load(Relaxed) as f64,
    ),
    counter(
        "redis_acl_access_denied_auth_total",
        "acl_access_denied_auth",
        "Wrong passwords.",
        |facts| facts.figures.statistics.error_count("WRONGPASS") as f64,
    ),
    counter(
        "redis_acl_access_denied_cmd_total",
        "acl_access_denied_cmd",
        "Commands that their user may not run.",
        |facts| facts.node.access.denied()[0] as f64,
    ),
    counter(
        "redis_acl_access_denied_key_total",
        "acl_access_denied_key",
        "Commands whose user may not touch one of their keys.",
        |facts| facts.node.access.denied()[1] as f64,
    ),
    counter(
        "redis_acl_access_denied_channel_total",
        "acl_access_denied_channel",
        "Commands whose user may not use one of their channels.",
        |facts| facts.node.access.denied()[2] as f64,
    ),
    counter(
        "redis_total_error_replies",
        "total_error_replies",
        "Replies that were errors.",
        |facts| facts.error_replies() as f64,
    ),
];
