//! The answer of `planner probe`.

use crate::model::profile::{NodeProfile, Profile, Role, Sample};
use crate::quantity::{ByteUnit, decimals, grouped, spoken_seconds};
use crate::report::cell::finite;
use crate::report::{Block, Cell, Report, Step, Table, Unit};

const INFO: &str = "INFO of the servers";

pub(super) fn fill(report: &mut Report, profile: &Profile) {
    report.line(format!("source     {}", heading(profile)));
    totals(report, profile);
    report.block(Block::Table(nodes(profile)));
    if let Some(sample) = &profile.sample {
        report.block(Block::Table(types(sample)));
    }
    steps(report, profile);
    for unread in &profile.unread {
        report.warn(
            "unread",
            format!("{} of {} could not be read: {}", unread.what, unread.node, unread.why),
            "give a user who may read it, or live without what depends on it",
        );
    }
}

/// What runs: program, version, and how many of them.
pub(in crate::cli) fn heading(profile: &Profile) -> String {
    let Some(first) = profile.nodes.first() else { return profile.source.clone() };
    let (primaries, replicas) = (profile.primaries().count(), profile.replicas().count());
    let plural = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let all = format!(
        "{}, {}",
        plural(primaries, "primary", "primaries"),
        plural(replicas, "replica", "replicas")
    );
    let what = if profile.cluster.is_some() { "cluster of " } else { "" };
    format!("{}, {} {}, {what}{all}", profile.source, first.kind.name(), first.version)
}

fn totals(report: &mut Report, profile: &Profile) {
    let keys = profile.keys();
    let mut text = format!("keys       {}", grouped(keys));
    if let Some(share) = profile.expiring_share() {
        text += &format!(", {} % expire", decimals(share * 100.0, 1));
        report.figure("expiring_share", finite(share));
    }
    let ttl = profile.sample.as_ref().map(|sample| &sample.ttl_seconds);
    if let Some(ttl) = ttl.filter(|ttl| ttl.count > 0) {
        text += &format!(", mean time to live {}", spoken_seconds(ttl.mean));
        report.figure("ttl_seconds", finite(ttl.mean));
    }
    report.line(text);
    let used = profile.used_bytes();
    let mut text = format!("memory     {}", ByteUnit::of(used, report.units).brief(used));
    if let Some(factor) = profile.fragmentation() {
        text += &format!(", resident x {}", decimals(factor, 2));
        report.figure("fragmentation", finite(factor));
    }
    if let Some(bytes) = bytes_per_key(profile) {
        text += &format!(", {} bytes a key", decimals(bytes, 1));
        report.figure("bytes_per_key", finite(bytes));
    }
    report.line(text);
    report.figure("keys", keys);
    report.figure("used_bytes", used);
    report.figure("nodes", profile.nodes.len());
    if let Some(rate) = profile.hit_rate() {
        report.figure("hit_rate", finite(rate));
    }
    let operations: f64 =
        profile.nodes.iter().filter_map(|node| node.traffic.operations_per_second).sum();
    report.figure("operations_per_second", finite(operations));
}

/// What a key takes, over what an empty server takes.
fn bytes_per_key(profile: &Profile) -> Option<f64> {
    let (mut bytes, mut keys) = (0u64, 0u64);
    for node in profile.primaries() {
        bytes += node.memory.used_bytes?.saturating_sub(node.memory.startup_bytes?);
        keys += node.keys();
    }
    (keys > 0).then(|| bytes as f64 / keys as f64)
}

fn nodes(profile: &Profile) -> Table {
    let columns = [
        "node",
        "role",
        "keys",
        "used",
        "resident",
        "fragmentation",
        "limit",
        "filled",
        "policy",
        "ops",
        "hit rate",
        "evicted",
        "clients",
    ];
    let mut table = Table::new("nodes", columns);
    for node in &profile.nodes {
        table.row(row(node));
    }
    table
}

fn row(node: &NodeProfile) -> [Cell; 13] {
    let bytes = |bytes: Option<u64>| bytes.map_or(Cell::Empty, Cell::Bytes);
    let count = |count: Option<u64>| count.map_or(Cell::Empty, Cell::Count);
    let (memory, traffic) = (&node.memory, &node.traffic);
    let lookups = traffic.hits.zip(traffic.misses).filter(|(hits, misses)| hits + misses > 0);
    [
        Cell::text(node.address.as_str()),
        Cell::text(match node.role {
            Role::Primary => "primary",
            Role::Replica => "replica",
            Role::Sentinel => "sentinel",
        }),
        Cell::Count(node.keys()),
        bytes(memory.used_bytes),
        bytes(memory.resident_bytes),
        memory.fragmentation().map_or(Cell::Empty, |factor| Cell::Number(factor, 2)),
        match memory.limit_bytes {
            Some(0) => Cell::text("none"),
            limit => bytes(limit),
        },
        memory.filled().map_or(Cell::Empty, |share| Cell::Share(share, 1)),
        memory.policy.as_deref().map_or(Cell::Empty, Cell::text),
        traffic.operations_per_second.map_or(Cell::Empty, |rate| Cell::Number(rate, 0)),
        lookups.map_or(Cell::Empty, |(hits, misses)| {
            Cell::Share(hits as f64 / (hits + misses) as f64, 1)
        }),
        count(traffic.evicted_keys),
        count(node.clients.connected),
    ]
}

fn types(sample: &Sample) -> Table {
    let columns = [
        "type",
        "keys",
        "key mean",
        "value mean",
        "value p50",
        "value p99",
        "value largest",
        "elements mean",
        "memory mean",
    ];
    let title = format!("a sample of {} keys", grouped(sample.keys));
    let mut table = Table::new("types", columns).titled(title);
    for (name, of) in &sample.types {
        let mean = |of: &crate::model::profile::Distribution| match of.count {
            0 => Cell::Empty,
            _ => Cell::Number(of.mean, 1),
        };
        let quantile = |share| of.value_bytes.quantile(share).map_or(Cell::Empty, Cell::Bytes);
        table.row([
            Cell::text(name.as_str()),
            Cell::Count(of.keys),
            mean(&of.key_bytes),
            mean(&of.value_bytes),
            quantile(0.5),
            quantile(0.99),
            quantile(1.0),
            mean(&of.elements),
            mean(&of.memory_bytes),
        ]);
    }
    table
}

fn steps(report: &mut Report, profile: &Profile) {
    let mut add = |id, label: &str, formula: String, value: Option<f64>, unit, why: &str| {
        let Some(value) = value else { return };
        let (label, why) = (label.to_owned(), why.to_owned());
        report.steps.push(Step { id, label, formula, value, unit, why, source: INFO });
    };
    let (used, keys) = (profile.used_bytes(), profile.keys());
    add(
        "fragmentation",
        "fragmentation",
        format!("used_memory_rss / used_memory, of {} bytes used", grouped(used)),
        profile.fragmentation(),
        Unit::Ratio,
        "what is resident costs machines; small servers have ratios that say little",
    );
    add(
        "bytes_per_key",
        "bytes a key",
        format!("(used_memory - used_memory_startup) / {} keys", grouped(keys)),
        bytes_per_key(profile),
        Unit::Bytes,
        "buffers of clients and of replication are in it",
    );
    add(
        "hit_rate",
        "hit rate",
        "keyspace_hits / (keyspace_hits + keyspace_misses), since the start".to_owned(),
        profile.hit_rate(),
        Unit::Ratio,
        "of all nodes together, replicas included",
    );
    add(
        "expiring_share",
        "share of keys that expire",
        format!("expires / keys of {} keys", grouped(keys)),
        profile.expiring_share(),
        Unit::Ratio,
        "keys without a time to live leave only by eviction or DEL",
    );
}
