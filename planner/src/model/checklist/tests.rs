//! A cluster that is well has no findings; each thing that goes wrong is found under its name.

use std::collections::BTreeMap;

use super::*;
use crate::model::profile::cluster::ClusterNode;
use crate::model::profile::{
    Clients, ClusterProfile, Database, Memory, ReplicaProfile, Replication, Role, Sample, Traffic,
    Unread,
};

const GIB: u64 = 1 << 30;

fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn node(at: usize, role: Role) -> NodeProfile {
    let config = options(&[
        ("bind", "10.0.1.1 -::1"),
        ("protected-mode", "yes"),
        ("tls-port", "6379"),
        ("tls-cluster", "yes"),
        ("tls-replication", "yes"),
        ("tls-auth-clients", "yes"),
        ("requirepass", "set"),
        ("cluster-require-full-coverage", "no"),
    ]);
    NodeProfile {
        address: format!("10.0.1.{at}:6379"),
        version: "7.0.15".to_owned(),
        mode: "cluster".to_owned(),
        uptime_seconds: Some(3600),
        role,
        memory: Memory {
            used_bytes: Some(4 * GIB),
            resident_bytes: Some(5 * GIB),
            limit_bytes: Some(12 * GIB),
            system_bytes: Some(16 * GIB),
            policy: Some("allkeys-lfu".to_owned()),
            ..Memory::default()
        },
        traffic: Traffic {
            hits: Some(90_000),
            misses: Some(10_000),
            evicted_keys: Some(0),
            ..Traffic::default()
        },
        clients: Clients { connected: Some(100), limit: Some(10_000), rejected: Some(0) },
        databases: vec![Database { keys: 100_000, expiring: 90_000, ..Database::default() }],
        replication: Replication { offset_bytes: Some(1 << 40), ..Replication::default() },
        is_loading: Some(false),
        save_failed: Some(false),
        config: Some(config),
        users: Some(vec![
            "user default off resetchannels -@all".to_owned(),
            "user app on # ~app:* resetchannels -@all +get +set".to_owned(),
        ]),
        ..NodeProfile::default()
    }
}

/// Three primaries and three replicas, each on a machine of its own.
fn healthy() -> Profile {
    let mut profile = Profile::default();
    let mut cluster = ClusterProfile { state: "ok".to_owned(), ..ClusterProfile::default() };
    let slots = [(0, 5460), (5461, 10_922), (10_923, 16_383)];
    for (at, range) in slots.into_iter().enumerate() {
        let (mut primary, mut replica) =
            (node(at + 1, Role::Primary), node(at + 11, Role::Replica));
        primary.replication.replicas.push(ReplicaProfile {
            address: replica.address.clone(),
            state: "online".to_owned(),
            offset_bytes: 1 << 40,
            acknowledged_seconds_ago: Some(1.0),
        });
        replica.replication.primary = Some(primary.address.clone());
        replica.replication.is_linked = Some(true);
        replica.replication.input_bytes_per_second = Some(1e6);
        let of = |node: &NodeProfile, flag: &str| ClusterNode {
            id: format!("id-{}", node.address),
            address: node.address.clone(),
            flags: vec![flag.to_owned()],
            is_connected: true,
            ..ClusterNode::default()
        };
        let primary_id = Some(format!("id-{}", primary.address));
        cluster.nodes.push(ClusterNode { slots: vec![range], ..of(&primary, "master") });
        cluster.nodes.push(ClusterNode { primary_id, ..of(&replica, "slave") });
        profile.nodes.extend([primary, replica]);
    }
    profile.cluster = Some(cluster);
    profile.sample = Some(Sample { keys: 100, prefixed: 100, ..Sample::default() });
    profile
}

fn bad(findings: &[Finding]) -> Vec<(&'static str, Status)> {
    let is_bad = |row: &&Finding| ![Status::Fine, Status::ByHand].contains(&row.status);
    findings.iter().filter(is_bad).map(|row| (row.id, row.status)).collect()
}

/// One thing that goes wrong, and the row that must say so.
type Case = (&'static str, Status, fn(&mut Profile));

fn cluster(profile: &mut Profile) -> &mut ClusterProfile {
    profile.cluster.get_or_insert_default()
}

fn set(profile: &mut Profile, name: &str, value: &str) {
    for node in &mut profile.nodes {
        node.config.get_or_insert_default().insert(name.to_owned(), value.to_owned());
    }
}

fn users(profile: &mut Profile, lines: &[&str]) {
    profile.nodes[0].users = Some(lines.iter().map(ToString::to_string).collect());
}

const CASES: [Case; 43] = [
    ("slots_covered", Status::Critical, |it| cluster(it).nodes[0].slots = vec![(0, 5000)]),
    ("cluster_state", Status::Critical, |it| cluster(it).state = "fail".to_owned()),
    ("cluster_state", Status::Critical, |it| cluster(it).slots_failed = 5),
    ("cluster_state", Status::Warning, |it| cluster(it).slots_suspected = 5),
    ("nodes_alive", Status::Critical, |it| cluster(it).nodes[1].flags.push("fail".to_owned())),
    ("nodes_alive", Status::Warning, |it| cluster(it).nodes[1].flags.push("fail?".to_owned())),
    ("nodes_alive", Status::Warning, |it| cluster(it).nodes[1].is_connected = false),
    ("quorum", Status::Warning, |it| cluster(it).nodes[0].flags.push("fail?".to_owned())),
    ("quorum", Status::Critical, |it| {
        cluster(it).nodes[0].flags.push("fail".to_owned());
        cluster(it).nodes[2].flags.push("fail".to_owned());
    }),
    ("primaries", Status::Warning, |it| {
        cluster(it).nodes[0].slots = Vec::new();
    }),
    ("primaries", Status::Warning, |it| it.cluster = None),
    ("primary_replicas", Status::Warning, |it| cluster(it).nodes[1].primary_id = None),
    ("primary_replicas", Status::Warning, |it| {
        it.cluster = None;
        it.nodes[0].replication.replicas.clear();
    }),
    ("copies_apart", Status::Warning, |it| {
        cluster(it).nodes[1].address = "10.0.1.1:6380".to_owned();
    }),
    ("slot_migration", Status::Warning, |it| cluster(it).nodes[0].migrating.push(7)),
    ("slot_balance", Status::Warning, |it| {
        cluster(it).nodes[0].slots = vec![(0, 8000)];
        cluster(it).nodes[2].slots = vec![(8001, 10_922)];
    }),
    ("key_balance", Status::Warning, |it| it.nodes[0].databases[0].keys = 500_000),
    ("full_coverage", Status::Warning, |it| set(it, "cluster-require-full-coverage", "yes")),
    ("nodes_alike", Status::Warning, |it| it.nodes[3].version = "7.0.14".to_owned()),
    ("lag_bytes", Status::Warning, |it| {
        it.nodes[1].replication.offset_bytes = Some((1 << 40) - 10_485_761);
    }),
    ("lag_time", Status::Warning, |it| {
        it.nodes[1].replication.offset_bytes = Some((1 << 40) - 200_000);
    }),
    ("lag_time", Status::Unchecked, |it| {
        it.nodes[1].replication.offset_bytes = Some((1 << 40) - 200_000);
        it.nodes[1].replication.input_bytes_per_second = None;
    }),
    ("lag_time", Status::Warning, |it| {
        it.nodes[0].replication.replicas[0].acknowledged_seconds_ago = Some(11.0);
    }),
    ("replica_link", Status::Critical, |it| it.nodes[1].replication.is_linked = Some(false)),
    ("replica_link", Status::Warning, |it| {
        it.nodes[0].replication.replicas[0].state = "wait_bgsave".to_owned();
    }),
    ("memory_filled", Status::Warning, |it| {
        it.nodes[0].memory.used_bytes = Some(10 * GIB);
        it.nodes[0].memory.resident_bytes = Some(11 * GIB);
    }),
    ("maxmemory_set", Status::Warning, |it| it.nodes[0].memory.limit_bytes = Some(0)),
    ("machine_holds_limits", Status::Warning, |it| {
        it.nodes[0].memory.limit_bytes = Some(15 * GIB);
    }),
    ("fragmentation", Status::Warning, |it| it.nodes[0].memory.resident_bytes = Some(7 * GIB)),
    ("fragmentation", Status::Warning, |it| it.nodes[0].memory.resident_bytes = Some(GIB)),
    ("policy", Status::Warning, |it| it.nodes[0].memory.policy = Some("noeviction".to_owned())),
    ("evictions", Status::Warning, |it| it.nodes[0].traffic.evicted_keys = Some(7)),
    ("hit_rate", Status::Warning, |it| it.nodes[0].traffic.misses = Some(200_000)),
    ("clients", Status::Warning, |it| it.nodes[0].clients.connected = Some(8001)),
    ("clients", Status::Warning, |it| it.nodes[0].clients.rejected = Some(1)),
    ("data_loaded", Status::Critical, |it| it.nodes[0].save_failed = Some(true)),
    ("authentication", Status::Warning, |it| users(it, &["user default on nopass ~* &* +@all"])),
    ("network", Status::Warning, |it| set(it, "bind", "* -::*")),
    ("encryption", Status::Warning, |it| set(it, "tls-port", "0")),
    ("encryption", Status::Warning, |it| set(it, "tls-cluster", "no")),
    ("node_identity", Status::Warning, |it| set(it, "tls-auth-clients", "no")),
    ("acl_pattern_useless", Status::Warning, |it| users(it, &["user app on # ~app:* ~* +get"])),
    ("key_prefixes", Status::Warning, |it| {
        it.sample = Some(Sample { keys: 100, prefixed: 49, ..Sample::default() });
    }),
];

#[test]
fn a_healthy_cluster_has_no_findings_and_says_what_was_looked_at() {
    let findings = check(&healthy(), None);
    assert_eq!(bad(&findings), []);
    let fine = findings.iter().filter(|row| row.status == Status::Fine).count();
    assert!(fine > 20, "only {fine} rows are fine: {findings:?}");
}

#[test]
fn whatever_goes_wrong_is_found_under_its_name_with_evidence_and_a_fix() {
    for (at, (id, status, harm)) in CASES.iter().enumerate() {
        let mut profile = healthy();
        harm(&mut profile);
        let findings = check(&profile, None);
        let found = findings.iter().find(|row| row.id == *id && row.status == *status);
        let found = found.unwrap_or_else(|| panic!("case {at}, {id}: {:?}", bad(&findings)));
        assert!(!found.what.is_empty() && !found.evidence.is_empty(), "{found:?}");
        assert!(!found.fix.is_empty(), "{found:?}");
        let is_fine = |row: &Finding| row.id == *id && row.status == Status::Fine;
        assert!(!findings.iter().any(is_fine), "{id} is both fine and not");
    }
}

#[test]
fn what_could_not_be_read_is_never_fine() {
    let mut profile = healthy();
    for node in &mut profile.nodes {
        (node.config, node.users) = (None, None);
        node.memory = Memory::default();
        node.clients = Clients::default();
        node.traffic = Traffic::default();
        node.replication.offset_bytes = None;
    }
    profile.sample = None;
    let (place, what, why) = ("10.0.1.1:6379".to_owned(), "CONFIG".to_owned(), "NOPERM".to_owned());
    profile.unread.push(Unread { node: place, what, why });
    let findings = check(&profile, None);
    for id in [
        "config_readable",
        "authentication",
        "encryption",
        "network",
        "protected_mode",
        "memory_filled",
        "fragmentation",
        "policy",
        "evictions",
        "hit_rate",
        "clients",
        "lag_bytes",
        "key_prefixes",
    ] {
        let of_id: Vec<&Finding> = findings.iter().filter(|row| row.id == id).collect();
        assert!(of_id.iter().any(|row| row.status == Status::Unchecked), "{id}: {of_id:?}");
        assert!(of_id.iter().all(|row| row.status != Status::Fine), "{id}: {of_id:?}");
    }
}

#[test]
fn an_open_server_without_a_password_is_critical() {
    let mut profile = healthy();
    users(&mut profile, &["user default on nopass ~* &* +@all"]);
    set(&mut profile, "bind", "0.0.0.0");
    set(&mut profile, "protected-mode", "no");
    let found = bad(&check(&profile, None));
    assert!(found.contains(&("authentication", Status::Critical)), "{found:?}");
    assert!(found.contains(&("protected_mode", Status::Critical)), "{found:?}");
}

#[test]
fn a_plan_is_held_against_what_runs() {
    let plan = |primaries: u64, usable: u64| {
        let text = format!(
            "{{\"schema\":\"planner/size/1\",\"inputs\":{{\"primaries\":{primaries},\"replicas\":1,\
             \"mem_bytes\":{},\"fragmentation\":1.2}},\"result\":{{\"usable_bytes\":{usable}}}}}",
            16 * GIB
        );
        Plan::parse("plan.json", &text)
    };
    let profile = healthy();
    let good = plan(3, 20 * GIB).unwrap();
    assert_eq!(bad(&check(&profile, Some(&good))), []);
    let other = plan(4, 11 * GIB).unwrap();
    let found = bad(&check(&profile, Some(&other)));
    assert_eq!(found, [("plan_primaries", Status::Warning), ("plan_data", Status::Warning)]);
    let error = Plan::parse("x.json", "{\"schema\":\"planner/probe/1\"}").unwrap_err();
    assert!(error.to_string().contains("planner size --out"), "{error}");
}
