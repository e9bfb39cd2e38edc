//! Memory, eviction, hit rate, clients: what the article's alerts are about.

use std::collections::BTreeMap;

use super::{Findings, Status};
use crate::model::capacity::ALERT_SHARE;
use crate::model::profile::{NodeProfile, Profile, Role, ServerKind};
use crate::quantity::{ByteUnit, Units, decimals, grouped};

/// The article's threshold.
const HIT_RATE_MIN: f64 = 0.8;
/// Fewer lookups say nothing about a hit rate.
const LOOKUPS_MIN: u64 = 1000;
/// The article's threshold.
const CLIENTS_MAX: u64 = 10_000;
/// The upper end of what the article calls typical.
const FRAGMENTATION_MAX: f64 = 1.5;
/// Less resident than used: the rest is swapped out, or given back and not yet touched.
const FRAGMENTATION_MIN: f64 = 0.9;
/// Below this, a program's own pages are most of the ratio.
const FRAGMENTATION_JUDGED_MIN_BYTES: u64 = 64 << 20;
/// Of a machine; the rest is for the system, buffers and forks.
const MACHINE_SHARE_MAX: f64 = 0.9;
/// With fewer keys that expire, a policy that takes only these finds little to take.
const EXPIRING_MIN: f64 = 0.5;

fn bytes(bytes: u64) -> String {
    ByteUnit::of(bytes, Units::Binary).brief(bytes)
}

pub(super) fn check(profile: &Profile, findings: &mut Findings) {
    let from = findings.mark();
    for node in profile.nodes.iter().filter(|node| node.role != Role::Sentinel) {
        limit(node, findings);
        fragmentation(node, findings);
        clients(node, findings);
        saving(node, findings);
    }
    for node in profile.primaries() {
        policy(node, findings);
        evictions(node, findings);
    }
    machines(profile, findings);
    hit_rate(profile, findings);
    if profile.primaries().next().is_none() {
        return;
    }
    for (id, what) in [
        ("memory_filled", "memory is less than 80 % full"),
        ("maxmemory_set", "every node has a limit of memory"),
        ("fragmentation", "fragmentation is ordinary"),
        ("clients", "fewer than 10,000 clients, and none turned away"),
        ("policy", "a full node makes room"),
        ("evictions", "nothing was evicted"),
        ("machine_holds_limits", "limits fit into their machines"),
        ("data_loaded", "nodes have loaded their data, and saves succeed"),
    ] {
        let evidence = match id {
            "fragmentation" => "nodes with less than 64 MB used are not judged",
            _ => "",
        };
        findings.close(id, from, what, evidence.to_owned());
    }
}

fn limit(node: &NodeProfile, findings: &mut Findings) {
    let memory = &node.memory;
    let Some((limit, used)) = memory.limit_bytes.zip(memory.used_bytes) else {
        findings.unchecked(
            "memory_filled",
            &node.address,
            "memory",
            "no used_memory, no maxmemory",
        );
        return;
    };
    if limit == 0 {
        let size = memory.system_bytes.map_or_else(
            || "SIZE".to_owned(),
            |system| format!("{}mb", (system as f64 * 0.75) as u64 >> 20),
        );
        findings.add(
            "maxmemory_set",
            Status::Warning,
            &node.address,
            "it has no limit: it grows until the system ends it",
            "maxmemory:0",
            node.command(&format!("CONFIG SET maxmemory {size}")),
        );
    }
    // Without a limit, the machine is one.
    let (whole, name) = match limit {
        0 => (memory.system_bytes.unwrap_or(0), "total_system_memory"),
        _ => (limit, "maxmemory"),
    };
    let used = if limit == 0 { memory.resident_bytes.unwrap_or(used) } else { used };
    if whole > 0 && used as f64 > whole as f64 * ALERT_SHARE {
        let share = decimals(used as f64 / whole as f64 * 100.0, 1);
        findings.add(
            "memory_filled",
            Status::Warning,
            &node.address,
            format!("memory is {share} % full; the alert is at {} %", ALERT_SHARE * 100.0),
            format!("{} of {name} {}", bytes(used), bytes(whole)),
            "planner size --data says how many nodes; planner mrc what more memory buys",
        );
    }
}

fn fragmentation(node: &NodeProfile, findings: &mut Findings) {
    let memory = &node.memory;
    let Some((used, factor)) = memory.used_bytes.zip(memory.fragmentation()) else {
        findings.unchecked("fragmentation", &node.address, "fragmentation", "no used_memory_rss");
        return;
    };
    if used < FRAGMENTATION_JUDGED_MIN_BYTES {
        return;
    }
    let resident = memory.resident_bytes.unwrap_or(0);
    let evidence = format!("resident {} / used {}", bytes(resident), bytes(used));
    let fix: &str = match node.kind {
        ServerKind::Skep => "it compacts by itself; is the ratio still so in a minute?",
        _ => {
            "CONFIG SET activedefrag yes, or MEMORY PURGE, or a restart of a replica and a failover"
        }
    };
    if factor > FRAGMENTATION_MAX {
        let what = format!("resident is {} x used", decimals(factor, 2));
        findings.add("fragmentation", Status::Warning, &node.address, what, evidence, fix);
    } else if factor < FRAGMENTATION_MIN && node.kind != ServerKind::Skep {
        findings.add(
            "fragmentation",
            Status::Warning,
            &node.address,
            "less is resident than used: it may be swapped out",
            evidence,
            "look at the swap of the machine; lower maxmemory",
        );
    }
}

fn clients(node: &NodeProfile, findings: &mut Findings) {
    let clients = &node.clients;
    let Some(connected) = clients.connected else {
        findings.unchecked("clients", &node.address, "clients", "no connected_clients");
        return;
    };
    let limit = clients.limit.unwrap_or(u64::MAX).max(1);
    let is_near = connected as f64 > limit as f64 * ALERT_SHARE;
    if connected > CLIENTS_MAX || is_near {
        findings.add(
            "clients",
            Status::Warning,
            &node.address,
            format!("{} clients are connected", grouped(connected)),
            format!("maxclients {}", clients.limit.map_or_else(String::new, grouped)),
            "pool connections in the application; CLIENT LIST says whose they are",
        );
    }
    if let Some(rejected) = clients.rejected.filter(|&rejected| rejected > 0) {
        findings.add(
            "clients",
            Status::Warning,
            &node.address,
            format!("{} connections were turned away since its start", grouped(rejected)),
            format!("rejected_connections:{rejected}"),
            "raise maxclients and the system's limit of open files, or pool connections",
        );
    }
}

fn saving(node: &NodeProfile, findings: &mut Findings) {
    if node.is_loading == Some(true) {
        findings.add(
            "data_loaded",
            Status::Warning,
            &node.address,
            "it still loads its data and answers nothing else",
            "loading:1",
            "wait",
        );
    }
    if node.save_failed == Some(true) {
        findings.add(
            "data_loaded",
            Status::Critical,
            &node.address,
            "the last save failed: with stop-writes-on-bgsave-error it refuses writes",
            "rdb_last_bgsave_status:err",
            "look at its log and its disk; a cache that keeps nothing: CONFIG SET save ''",
        );
    }
}

fn policy(node: &NodeProfile, findings: &mut Findings) {
    let Some(policy) = node.memory.policy.as_deref() else {
        findings.unchecked("policy", &node.address, "the policy", "no maxmemory_policy");
        return;
    };
    let evidence = format!("maxmemory_policy:{policy}");
    let better = match node.kind {
        ServerKind::Skep => "allkeys-adaptive",
        ServerKind::Redis | ServerKind::Valkey => "allkeys-lfu",
    };
    let fix = node.command(&format!("CONFIG SET maxmemory-policy {better}"));
    let share = node.expiring() as f64 / node.keys().max(1) as f64;
    if policy == "noeviction" {
        let what = "when it is full it refuses writes instead of making room, which a cache should";
        findings.add("policy", Status::Warning, &node.address, what, evidence, fix);
    } else if policy.starts_with("volatile") && node.keys() > 0 && share < EXPIRING_MIN {
        let what = format!(
            "it may evict only keys that expire, which {} % do",
            decimals(share * 100.0, 1)
        );
        findings.add("policy", Status::Warning, &node.address, what, evidence, fix);
    }
}

fn evictions(node: &NodeProfile, findings: &mut Findings) {
    let Some(evicted) = node.traffic.evicted_keys else {
        findings.unchecked("evictions", &node.address, "evictions", "no evicted_keys");
        return;
    };
    if evicted == 0 {
        return;
    }
    let hours = node.uptime_seconds.unwrap_or(0).max(1) as f64 / 3600.0;
    findings.add(
        "evictions",
        Status::Warning,
        &node.address,
        "memory was full, and keys left before their time",
        format!(
            "evicted_keys:{evicted}, {} an hour since its start",
            decimals(evicted as f64 / hours, 0)
        ),
        "planner mrc --trace FILE says what hit rate more memory buys",
    );
}

/// Limits of all nodes on one machine, against the machine.
fn machines(profile: &Profile, findings: &mut Findings) {
    let mut on_host: BTreeMap<&str, (u64, u64, usize)> = BTreeMap::new();
    for node in &profile.nodes {
        let host = node.address.rsplit_once(':').map_or("", |(host, _)| host);
        let (limits, system, count) = on_host.entry(host).or_default();
        *limits += node.memory.limit_bytes.unwrap_or(0);
        *system = (*system).max(node.memory.system_bytes.unwrap_or(0));
        *count += 1;
    }
    for (host, (limits, system, count)) in on_host {
        if system > 0 && limits as f64 > system as f64 * MACHINE_SHARE_MAX {
            findings.add(
                "machine_holds_limits",
                Status::Warning,
                host,
                "limits of memory leave nothing for the system, buffers and forks",
                format!("{count} nodes may use {} of {}", bytes(limits), bytes(system)),
                "CONFIG SET maxmemory to 75 % of the machine, divided by its nodes",
            );
        }
    }
}

fn hit_rate(profile: &Profile, findings: &mut Findings) {
    let lookups: u64 = profile
        .nodes
        .iter()
        .filter_map(|node| node.traffic.hits.zip(node.traffic.misses))
        .map(|(hits, misses)| hits + misses)
        .sum();
    let Some(rate) = profile.hit_rate().filter(|_| lookups >= LOOKUPS_MIN) else {
        let why = format!("{lookups} lookups since the start say nothing; {LOOKUPS_MIN} would");
        findings.add(
            "hit_rate",
            if lookups > 0 { Status::Note } else { Status::Unchecked },
            "",
            "could not be judged: the hit rate",
            why,
            "look again under traffic",
        );
        return;
    };
    let evidence = format!(
        "keyspace_hits / (hits + misses) = {} % of {}",
        decimals(rate * 100.0, 1),
        grouped(lookups)
    );
    match rate < HIT_RATE_MIN {
        true => findings.add(
            "hit_rate",
            Status::Warning,
            "",
            "the hit rate is below 80 %",
            evidence,
            "planner mrc says whether more memory helps; longer times to live may",
        ),
        false => findings.fine("hit_rate", "the hit rate is at least 80 %", evidence),
    }
}
