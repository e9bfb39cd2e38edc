use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use skep_command::cluster::Lease;
use skep_command::statistics::Statistics;
use skep_store::Counters;

use super::*;
use crate::admin::facts::{Following, ReplicaProgress};
use crate::admin::fixture;
use crate::info;

/// Fields of INFO that are numbers and no metrics.
const LEFT_OUT: &[&str] = &[
    // They name something, are told in `redis_instance_info`, or are the clock.
    "redis_git_sha1",
    "redis_git_dirty",
    "redis_build_id",
    "arch_bits",
    "run_id",
    "tcp_port",
    "server_time_usec",
    "lru_clock",
    "master_replid",
    "master_replid2",
    // Others say them: `uptime_in_seconds`, and zero is said by "none" elsewhere.
    "uptime_in_days",
    "second_repl_offset",
    "rdb_last_save_time",
    // `cache_replication_lag_bytes` and `skep_replica_staleness_seconds` say them.
    "slave_lag_bytes",
    "slave_staleness_ms",
];

/// Fields that are always zero, since the node has nothing of the kind; a dashboard shows no line.
fn is_always_zero(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "io_threads_active",
        "cluster_connections",
        "tracking_clients",
        "clients_in_timeout_table",
        "total_blocking_keys",
        "total_blocking_keys_on_nokey",
        "used_memory_lua",
        "used_memory_vm_eval",
        "used_memory_scripts_eval",
        "number_of_cached_scripts",
        "number_of_functions",
        "number_of_libraries",
        "used_memory_vm_functions",
        "used_memory_vm_total",
        "used_memory_functions",
        "used_memory_scripts",
        "mem_not_counted_for_evict",
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_clients_slaves",
        "mem_cluster_links",
        "mem_aof_buffer",
        "lazyfree_pending_objects",
        "lazyfreed_objects",
        "async_loading",
        "module_fork_in_progress",
        "module_fork_last_cow_size",
        "total_net_repl_input_bytes",
        "total_net_repl_output_bytes",
        "instantaneous_input_repl_kbps",
        "instantaneous_output_repl_kbps",
        "expired_stale_perc",
        "expired_time_cap_reached_count",
        "expire_cycle_cpu_milliseconds",
        "evicted_clients",
        "evicted_scripts",
        "latest_fork_usec",
        "total_forks",
        "migrate_cached_sockets",
        "slave_expires_tracked_keys",
        "unexpected_error_replies",
        "dump_payload_sanitizations",
        "io_threaded_reads_processed",
        "io_threaded_writes_processed",
        "reply_buffer_shrinks",
        "reply_buffer_expands",
        "used_cpu_sys_children",
        "used_cpu_user_children",
        "total_active_defrag_time",
        "current_active_defrag_time",
    ];
    const BEGINNINGS: &[&str] = &[
        "current_cow_",
        "current_fork_",
        "current_save_",
        "rdb_",
        "aof_",
        "sync_partial_err",
        "active_defrag_",
        "tracking_total_",
        "repl_backlog_",
    ];
    NAMES.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// A node that has counted a little.
fn busy_node() -> Node {
    let node = fixture::node(|_| {});
    node.connections_received.store(7, Relaxed);
    node.connections_rejected.store(2, Relaxed);
    node.input_limit_disconnections.store(3, Relaxed);
    node.output_limit_disconnections.store(4, Relaxed);
    node.note_moved(b"web \"1\"");
    node.figures[0].input_bytes.store(1000, Relaxed);
    node.figures[0].output_bytes.store(2000, Relaxed);
    let counters = Counters {
        hits: 11,
        misses: 12,
        expired: 13,
        evicted: 14,
        changes: 15,
        compacted_bytes: 16,
    };
    node.figures[0].take(&counters, &mut Statistics::default());
    node
}

/// The values of a page, by name with labels.
fn values(page: &str) -> BTreeMap<&str, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.rsplit_once(' ').unwrap());
    pairs.map(|(name, value)| (name, value.parse().unwrap())).collect()
}

/// Everything that a node may have to say.
fn pages() -> Vec<String> {
    let (alone, clustered) =
        (busy_node(), fixture::node(|settings| settings.cluster.is_enabled = true));
    let mut primary = fixture::facts(1);
    (primary.lease, primary.offset_bytes) = (Some(Lease::Held), Some(500));
    let silence = Some(Duration::from_millis(1500));
    let node = fixture::id(3);
    primary.replicas.push(ReplicaProgress {
        node,
        offset_bytes: 400,
        lag_bytes: Some(100),
        silence,
    });
    let mut replica = fixture::facts(3);
    replica.following =
        Some(Following { is_up: true, silence, staleness: silence, lag_bytes: Some(90) });
    let of_cluster = |cluster| page_of(&Facts::with_cluster(&clustered, cluster));
    vec![page(&alone), of_cluster(primary), of_cluster(replica)]
}

#[test]
fn names_are_valid_and_unique_and_every_metric_says_what_it_is() {
    let mut names = BTreeSet::new();
    for metric in metrics() {
        let name = metric.name;
        let is_valid = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(is_valid, "{name}");
        let has_prefix = ["redis_", "cache_", "skep_"].iter().any(|one| name.starts_with(one));
        assert!(has_prefix, "{name}");
        assert!(names.insert(name), "{name} is there twice");
        let is_sentence = metric.help.ends_with('.') && !metric.help.contains(['\n', '\\']);
        assert!(is_sentence, "{name}: {}", metric.help);
    }
}

#[test]
fn a_page_has_help_and_type_before_the_values_and_every_value_is_a_number() {
    for page in pages() {
        let mut lines = page.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, _) = line.strip_prefix("# HELP ").unwrap().split_once(' ').unwrap();
            let kind = lines.next().unwrap();
            assert!(kind.starts_with(&format!("# TYPE {name} ")), "{line}\n{kind}");
            let mut count = 0;
            while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
                let (labelled, value) = sample.rsplit_once(' ').unwrap();
                assert!(labelled.starts_with(name), "{sample}");
                assert!(value.parse::<f64>().unwrap().is_finite(), "{sample}");
                count += 1;
            }
            assert!(count > 0, "{line}");
        }
        let names: Vec<_> = values(&page).into_keys().collect();
        let lines = page.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(names.len(), lines, "a value is there twice");
    }
}

#[test]
fn every_metric_is_said_by_some_node() {
    // These need commands to have run; a test with a real node has them.
    let needs_commands = |name: &str| {
        name.starts_with("redis_commands_") && name != "redis_commands_processed_total"
            || name.contains("slow")
            || ["redis_latency_percentiles_usec", "skep_command_duration_seconds"].contains(&name)
            || name == "redis_errors_total"
    };
    let pages = pages().concat();
    for metric in metrics().filter(|metric| !needs_commands(metric.name)) {
        assert!(pages.contains(&format!("# TYPE {} ", metric.name)), "{}", metric.name);
    }
}

#[test]
fn every_number_of_info_is_a_metric_or_left_out_on_purpose() {
    let node = busy_node();
    let text = info::text(&node, &["default"]);
    let known: BTreeSet<&str> = metrics().map(|metric| metric.info).collect();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if value.parse::<f64>().is_err() || LEFT_OUT.contains(&name) || known.contains(name) {
            continue;
        }
        assert!(is_always_zero(name), "{line} is no metric");
        assert!(["0", "-1", "0.00", "0.000000"].contains(&value), "{line} is no metric");
    }
}

#[test]
fn info_and_metrics_say_the_same() {
    let node = busy_node();
    let facts = Facts::new(&node);
    let (page, text) = (page_of(&facts), info::text_of(&facts, &["default"]));
    let values = values(&page);
    let fields: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once(':')).collect();
    let mut seen = 0;
    for metric in metrics().filter(|metric| !metric.info.is_empty()) {
        let said: f64 = fields[metric.info].parse().unwrap();
        let value = values[metric.name];
        assert!((said - value).abs() < 0.006, "{} is {value}, not {said}", metric.name);
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
    assert_eq!(values["redis_connections_received_total"], 7.0);
    assert_eq!(values["skep_compacted_bytes_total"], 16.0);
}

#[test]
fn the_metrics_of_the_usual_alerts_are_there() {
    let pages = pages();
    assert!(!pages[0].contains("cache_cluster"), "a node on its own has no cluster");
    let primary = values(&pages[1]);
    let lag = format!("cache_replication_lag_bytes{{replica=\"{}\"}}", fixture::id(3));
    assert_eq!(primary["cache_cluster_connected_nodes"], 2.0);
    assert_eq!(primary["cache_cluster_expected_nodes"], 3.0);
    assert_eq!(primary["cache_cluster_slots_fail"], 8192.0);
    assert_eq!(primary[&*lag], 100.0);
    assert_eq!(primary["skep_lease_held"], 1.0);
    assert_eq!(primary["redis_cluster_state"], 0.0);
    let replica = "slave_ip=\"10.0.0.3\",slave_port=\"7000\",slave_state=\"online\"";
    let lag_seconds = format!("redis_connected_slave_lag_seconds{{{replica}}}");
    assert_eq!(primary[&*lag_seconds], 1.5);
    assert_eq!(values(&pages[2])[&*lag], 90.0);
}

#[test]
fn labels_are_escaped() {
    let mut text = String::new();
    let mut samples = Samples { name: "a", text: &mut text };
    samples.add(&[("b", "x\"y\\z\n"), ("c", "")], 0.5);
    samples.add_to("_sum", &[], 1e21);
    assert_eq!(text, "a{b=\"x\\\"y\\\\z\\n\",c=\"\"} 0.5\na_sum 1000000000000000000000\n");
}
