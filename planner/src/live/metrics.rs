//! Metrics in Prometheus's text format, under the names of INFO, so that the rest is one path.
//!
//! The names are those of redis_exporter (`redis_memory_used_bytes`, `redis_db_keys{db="db0"}`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::info::Info;
use crate::error::{PlanError, Result};
use crate::report::cell::finite;

/// A page of metrics longer than this is not read.
const PAGE_BYTES_MAX: u64 = 16 << 20;
const PREFIX: &str = "redis_";
/// Metrics whose names are not the field's own, and the field.
const RENAMED: [(&str, &str); 23] = [
    ("memory_used_bytes", "used_memory"),
    ("memory_used_rss_bytes", "used_memory_rss"),
    ("memory_used_peak_bytes", "used_memory_peak"),
    ("memory_used_overhead_bytes", "used_memory_overhead"),
    ("memory_used_startup_bytes", "used_memory_startup"),
    ("memory_used_dataset_bytes", "used_memory_dataset"),
    ("memory_max_bytes", "maxmemory"),
    ("allocator_active_bytes", "allocator_active"),
    ("allocator_allocated_bytes", "allocator_allocated"),
    ("allocator_resident_bytes", "allocator_resident"),
    ("total_system_memory_bytes", "total_system_memory"),
    ("loading_dump_file", "loading"),
    ("connections_received_total", "total_connections_received"),
    ("commands_processed_total", "total_commands_processed"),
    ("rejected_connections_total", "rejected_connections"),
    ("net_input_bytes_total", "total_net_input_bytes"),
    ("net_output_bytes_total", "total_net_output_bytes"),
    ("expired_keys_total", "expired_keys"),
    ("evicted_keys_total", "evicted_keys"),
    ("keyspace_hits_total", "keyspace_hits"),
    ("keyspace_misses_total", "keyspace_misses"),
    ("replication_backlog_bytes", "repl_backlog_size"),
    ("config_maxclients", "maxclients"),
];
/// Labels of `redis_instance_info` that are fields of INFO.
const LABELS: [&str; 5] = ["redis_version", "redis_mode", "role", "maxmemory_policy", "os"];

/// One line of metrics.
#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Reads a page and makes fields of it.
///
/// # Errors
/// A page that cannot be read, or has no metrics of a Redis server.
pub(super) fn read(url: &str, shown: &str, timeout: Duration) -> Result<Info> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .proxy(None)
        .build()
        .into();
    let page = agent.get(url).call().and_then(|mut response| {
        response.body_mut().with_config().limit(PAGE_BYTES_MAX).read_to_string()
    });
    let page = page.map_err(|error| PlanError::source(shown, reason(&error)))?;
    let info = fields(&page);
    if info.count("used_memory").is_none() {
        let what = "has no redis_memory_used_bytes: give the address of redis_exporter's or \
                    the node's metrics";
        return Err(PlanError::source(shown, what));
    }
    Ok(info)
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(code) => {
            format!("answers HTTP {code}: is the path right? It usually is /metrics")
        }
        ureq::Error::Timeout(_) => {
            "no answer in time: is it busy, or a firewall between? wait longer with --timeout"
                .to_owned()
        }
        ureq::Error::ConnectionFailed => "nobody listens there".to_owned(),
        ureq::Error::BodyExceedsLimit(_) => {
            format!("the page is longer than the {} MB that are read", PAGE_BYTES_MAX >> 20)
        }
        other => format!("{other}: is the server running, and are host and port right?"),
    }
}

/// Metrics as fields of INFO.
fn fields(page: &str) -> Info {
    let mut info = Info::default();
    let mut databases: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    let mut replicas: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
    for sample in page.lines().filter_map(sample) {
        let Some(name) = sample.name.strip_prefix(PREFIX) else { continue };
        let label = |name: &str| sample.labels.get(name).cloned().unwrap_or_default();
        let text = finite(sample.value).to_string();
        let text = text.strip_suffix(".0").map_or(text.clone(), str::to_owned);
        match name {
            "db_keys" => databases.entry(label("db")).or_default()[0] = sample.value,
            "db_keys_expiring" => databases.entry(label("db")).or_default()[1] = sample.value,
            "db_avg_ttl_seconds" => databases.entry(label("db")).or_default()[2] = sample.value,
            "connected_slave_offset_bytes" | "connected_slave_lag_seconds" => {
                let key = label("slave_ip") + " " + &label("slave_port");
                let replica = replicas.entry(key).or_default();
                let field = if name.ends_with("_bytes") { "offset" } else { "lag" };
                replica.insert(field, text);
                replica.insert("ip", label("slave_ip"));
                replica.insert("port", label("slave_port"));
                replica.insert("state", label("slave_state"));
            }
            "instance_info" => {
                for name in LABELS {
                    info.set(name, label(name));
                }
            }
            "master_link_up" => {
                info.set("master_link_status", if sample.value > 0.0 { "up" } else { "down" });
                info.set("master_host", label("master_host"));
                info.set("master_port", label("master_port"));
            }
            _ => {
                let renamed = RENAMED.iter().find(|(known, _)| *known == name);
                info.set(renamed.map_or(name, |(_, field)| field), text);
            }
        }
    }
    for (name, [keys, expiring, ttl]) in databases.iter().filter(|(_, [keys, ..])| *keys > 0.0) {
        let ttl_ms = (ttl * 1e3).max(0.0) as u64;
        let line = format!("keys={},expires={},avg_ttl={ttl_ms}", *keys as u64, *expiring as u64);
        info.set(name.clone(), line);
    }
    for (at, replica) in replicas.values().enumerate() {
        let parts: Vec<String> =
            replica.iter().map(|(name, text)| format!("{name}={text}")).collect();
        info.set(format!("slave{at}"), parts.join(","));
    }
    info
}

/// A line `name{label="value",...} number [time]`; nothing if it is a comment or broken.
fn sample(line: &str) -> Option<Sample> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// Labels up to the closing brace, and what comes behind it.
fn labels(text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    let mut rest = text.trim_start_matches([',', ' ']);
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (mut value, mut is_escaped, mut end) = (String::new(), false, None);
        for (at, letter) in quoted.char_indices() {
            match letter {
                'n' if is_escaped => value.push('\n'),
                _ if is_escaped => value.push(letter),
                '\\' => {
                    is_escaped = true;
                    continue;
                }
                '"' => {
                    end = Some(at + 1);
                    break;
                }
                _ => value.push(letter),
            }
            is_escaped = false;
        }
        labels.insert(name.trim().to_owned(), value);
        rest = quoted.get(end?..)?.trim_start_matches([',', ' ']);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_become_the_fields_of_info() {
        let info = fields(
            "# HELP redis_memory_used_bytes x\n# TYPE redis_memory_used_bytes gauge\n\
             redis_memory_used_bytes 1.048576e+06\nredis_memory_max_bytes 0\n\
             redis_instance_info{role=\"master\",redis_version=\"7.2.4\",os=\"Linux \\\"x\\\"\"} 1\n\
             redis_db_keys{db=\"db0\"} 10\nredis_db_keys_expiring{db=\"db0\"} 4\n\
             redis_db_avg_ttl_seconds{db=\"db0\"} 1.5\nredis_db_keys{db=\"db1\"} 0\n\
             redis_connected_slave_offset_bytes{slave_ip=\"10.0.0.2\",slave_port=\"1\",\
             slave_state=\"online\"} 77\nredis_keyspace_hits_total 9 1700000000\n\
             redis_broken{a=\"b 1\nredis_mem_fragmentation_ratio NaN\ngo_goroutines 5\n",
        );
        assert_eq!(info.count("used_memory"), Some(1 << 20));
        assert_eq!(info.text("os"), Some("Linux \"x\""));
        assert_eq!(info.count("keyspace_hits"), Some(9));
        assert_eq!(info.number("mem_fragmentation_ratio"), None);
        assert_eq!(info.databases().len(), 1);
        assert_eq!(info.databases()[0].ttl_ms, 1500);
        assert_eq!(info.replicas()[0].offset_bytes, 77);
        assert_eq!(info.text("go_goroutines"), None);
    }
}
