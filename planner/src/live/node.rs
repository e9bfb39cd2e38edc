//! One node, as its INFO, CONFIG and ACL tell of it.

use std::collections::BTreeMap;

use super::{Info, Live, list, text};
use crate::error::Result;
use crate::model::profile::cluster::address;
use crate::model::profile::{
    Clients, Database, Memory, NodeProfile, Profile, ReplicaProfile, Replication, Role, ServerKind,
    Traffic,
};

const KIB: f64 = 1024.0;
/// Options that say how a node is reached and guarded, and what it does when something fails.
const OPTIONS: [&str; 17] = [
    "bind",
    "protected-mode",
    "port",
    "tls-port",
    "tls-cluster",
    "tls-replication",
    "tls-auth-clients",
    "requirepass",
    "masterauth",
    "maxmemory-policy",
    "min-replicas-to-write",
    "cluster-require-full-coverage",
    "cluster-node-timeout",
    "save",
    "appendonly",
    "aclfile",
    "enable-debug-command",
];
/// Options whose value is a secret: only whether there is one is kept.
const SECRETS: [&str; 2] = ["requirepass", "masterauth"];
const SET: &str = "set";

/// What INFO says.
pub(super) fn of_info(address: &str, info: &Info) -> NodeProfile {
    let kind = match info.text("server_name") {
        Some("skep") => ServerKind::Skep,
        Some("valkey") => ServerKind::Valkey,
        _ => ServerKind::Redis,
    };
    let own_version = match kind {
        ServerKind::Skep => info.text("skep_version"),
        ServerKind::Valkey => info.text("valkey_version"),
        ServerKind::Redis => None,
    };
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mode = owned(info.text("redis_mode").or_else(|| info.text("server_mode")));
    NodeProfile {
        address: address.to_owned(),
        kind,
        version: owned(own_version.or_else(|| info.text("redis_version"))),
        role: match (mode.as_str(), info.text("role")) {
            ("sentinel", _) => Role::Sentinel,
            (_, Some("slave" | "replica")) => Role::Replica,
            _ => Role::Primary,
        },
        mode,
        uptime_seconds: info.count("uptime_in_seconds"),
        memory: memory(info),
        traffic: traffic(info),
        clients: Clients {
            connected: info.count("connected_clients"),
            limit: info.count("maxclients"),
            rejected: info.count("rejected_connections"),
        },
        databases: databases(info),
        replication: replication(info),
        is_loading: info.flag("loading"),
        save_failed: info
            .text("rdb_last_bgsave_status")
            .map(|status| !["ok", "1"].contains(&status)),
        config: None,
        users: None,
    }
}

fn memory(info: &Info) -> Memory {
    Memory {
        used_bytes: info.count("used_memory"),
        resident_bytes: info.count("used_memory_rss"),
        startup_bytes: info.count("used_memory_startup"),
        dataset_bytes: info.count("used_memory_dataset"),
        peak_bytes: info.count("used_memory_peak"),
        limit_bytes: info.count("maxmemory"),
        system_bytes: info.count("total_system_memory"),
        replication_bytes: info
            .count("mem_total_replication_buffers")
            .or_else(|| info.count("mem_replication_backlog")),
        clients_bytes: info.count("mem_clients_normal"),
        allocated_bytes: info.count("allocator_allocated"),
        allocator_active_bytes: info.count("allocator_active"),
        allocator_resident_bytes: info.count("allocator_resident"),
        policy: info.text("maxmemory_policy").map(str::to_owned),
    }
}

fn traffic(info: &Info) -> Traffic {
    Traffic {
        operations_per_second: info.number("instantaneous_ops_per_sec"),
        commands: info.count("total_commands_processed"),
        hits: info.count("keyspace_hits"),
        misses: info.count("keyspace_misses"),
        evicted_keys: info.count("evicted_keys"),
        expired_keys: info.count("expired_keys"),
        input_bytes: info.count("total_net_input_bytes"),
        output_bytes: info.count("total_net_output_bytes"),
    }
}

fn databases(info: &Info) -> Vec<Database> {
    let lines = info.databases().into_iter().map(|line| Database {
        number: line.database,
        keys: line.keys,
        expiring: line.expiring,
        // 0 is what servers say that do not keep it.
        ttl_seconds: (line.ttl_ms > 0).then(|| line.ttl_ms as f64 / 1e3),
    });
    lines.collect()
}

fn replication(info: &Info) -> Replication {
    let is_replica = info.text("role").is_some_and(|role| role != "master");
    let own = if is_replica { info.count("slave_repl_offset") } else { None };
    let replicas = info.replicas().into_iter().map(|line| ReplicaProfile {
        address: line.address,
        state: line.state,
        offset_bytes: line.offset_bytes,
        acknowledged_seconds_ago: line.acknowledged_seconds_ago,
    });
    let rate = |name: &str| info.number(name).map(|kibibytes| kibibytes * KIB);
    Replication {
        offset_bytes: own.or_else(|| info.count("master_repl_offset")),
        replicas: replicas.collect(),
        primary: info
            .text("master_host")
            .zip(info.text("master_port"))
            .map(|(host, port)| address(host, port)),
        is_linked: info.text("master_link_status").map(|status| status == "up"),
        output_bytes_per_second: rate("instantaneous_output_repl_kbps"),
        input_bytes_per_second: rate("instantaneous_input_repl_kbps"),
    }
}

/// Reads CONFIG and ACL into the node; notes what the server refuses.
///
/// # Errors
/// When the connection fails.
pub(super) fn read_guards(
    live: &mut Live,
    node: &mut NodeProfile,
    profile: &mut Profile,
) -> Result<()> {
    let questions: Vec<Vec<&str>> =
        OPTIONS.iter().map(|name| vec!["CONFIG", "GET", name]).collect();
    let mut options = BTreeMap::new();
    let mut refusal = None;
    for answer in live.ask_all(&questions)? {
        match answer {
            Ok(value) => {
                let words: Vec<String> = list(&value).iter().filter_map(text).collect();
                for pair in words.chunks_exact(2) {
                    let is_secret = SECRETS.contains(&pair[0].as_str()) && !pair[1].is_empty();
                    let value = if is_secret { SET.to_owned() } else { pair[1].clone() };
                    options.insert(pair[0].clone(), value);
                }
            }
            Err(why) => refusal = Some(why),
        }
    }
    match refusal {
        None => node.config = Some(options),
        Some(why) => profile.note_unread(&node.address, "CONFIG", why),
    }
    match live.ask(&["ACL", "LIST"])? {
        Ok(value) => {
            let lines = list(&value).iter().filter_map(text);
            node.users = Some(lines.map(|line| without_hashes(&line)).collect());
        }
        Err(why) => profile.note_unread(&node.address, "ACL", why),
    }
    Ok(())
}

/// A line of ACL LIST, with a bare `#` for each password.
fn without_hashes(line: &str) -> String {
    let words = line.split_whitespace();
    let words = words.map(|word| if word.starts_with(['#', '>']) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_what_it_says_it_is() {
        let of = |text: &str| of_info("a:1", &Info::parse(text));
        let skep = of("redis_version:7.2.4\nserver_name:skep\nskep_version:0.1.0\nrole:master\n");
        assert_eq!((skep.kind, skep.version.as_str()), (ServerKind::Skep, "0.1.0"));
        let valkey = of("redis_version:7.2.4\nserver_name:valkey\nvalkey_version:9.1.2\n");
        assert_eq!((valkey.kind, valkey.version.as_str()), (ServerKind::Valkey, "9.1.2"));
        let redis = of("redis_version:7.0.15\nrole:slave\nmaster_host:::1\nmaster_port:7000\n\
                        master_link_status:down\nslave_repl_offset:70\nmaster_repl_offset:75\n");
        assert_eq!((redis.kind, redis.role), (ServerKind::Redis, Role::Replica));
        assert_eq!(redis.replication.primary.as_deref(), Some("[::1]:7000"));
        assert_eq!(redis.replication.offset_bytes, Some(70), "what it applied");
        assert_eq!(redis.replication.is_linked, Some(false));
        assert_eq!(redis.memory.used_bytes, None, "what was not told is no zero");
    }

    #[test]
    fn no_hash_of_a_password_is_kept() {
        let line = "user app on #9f86d081884c7d659a2feaa0c55ad015 >plain ~app:* -@all +get";
        assert_eq!(without_hashes(line), "user app on # # ~app:* -@all +get");
    }
}
