//! What the nodes of a cluster tell of it: all the same, in the shapes that clients read.

use std::collections::BTreeSet;

use skep_tests::TestResult;
use skep_tests::cluster::{Cluster, ClusterNode};

const USAGE: &str = "Try CLUSTER HELP.";

/// What one node answers, an error like any text.
fn answer(node: &ClusterNode, line: &str) -> String {
    node.ask(line).unwrap_or_else(|error| format!("-{error}"))
}

#[test]
fn all_nodes_tell_the_same_of_slots_shards_and_nodes() -> TestResult {
    let cluster = Cluster::formed(3, 1, &[])?;
    let view = cluster.wait_until_well();
    assert_eq!(view.lines.iter().filter(|line| line.is("master")).count(), 3);
    assert_eq!(view.lines.iter().filter(|line| line.is("slave")).count(), 3);
    for line in ["CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER RING"] {
        let told: BTreeSet<String> =
            cluster.nodes().iter().map(|node| answer(node, line)).collect();
        // Offsets are of the moment, and nobody writes.
        assert_eq!(told.len(), 1, "{line}: {told:#?}");
        for node in cluster.nodes() {
            let names = told.iter().all(|told| told.contains(node.id()) || line == "CLUSTER RING");
            assert!(names, "{line} lacks {}: {told:?}", node.id());
        }
    }
    for (at, node) in cluster.nodes().iter().enumerate() {
        let told = node.ask("CLUSTER NODES")?;
        let own: Vec<&str> = told.lines().filter(|line| line.contains("myself,")).collect();
        assert!(own.len() == 1 && own[0].starts_with(node.id()), "{told}");
        let links = node.frame("CLUSTER LINKS")?;
        assert!(!links.items().is_empty(), "node {at} has no link");
        for (name, wanted) in [
            ("cluster_state", "ok"),
            ("cluster_slots_assigned", "16384"),
            ("cluster_slots_ok", "16384"),
            ("cluster_slots_fail", "0"),
            ("cluster_known_nodes", "6"),
            ("cluster_size", "3"),
        ] {
            assert_eq!(node.field("CLUSTER INFO", name)?, wanted, "{name} at node {at}");
        }
        assert_eq!(node.field("INFO cluster", "cluster_enabled")?, "1");
        let role = node.field("INFO replication", "role")?;
        assert_eq!(role, if at < 3 { "master" } else { "slave" });
    }
    Ok(())
}

#[test]
fn every_question_is_answered_at_every_node() -> TestResult {
    let cluster = Cluster::formed(2, 1, &[])?;
    let primary = cluster.node(0).id().to_owned();
    for (at, node) in cluster.nodes().iter().enumerate() {
        let owns_5061 = at % 2 == 0;
        assert_eq!(answer(node, "CLUSTER MYID"), node.id());
        let shard = answer(node, "CLUSTER MYSHARDID");
        assert_eq!(shard.len(), 40, "{shard}");
        assert_eq!(shard, answer(cluster.node(at % 2), "CLUSTER MYSHARDID"));
        let replicas = answer(node, &format!("CLUSTER REPLICAS {primary}"));
        assert!(replicas.contains(cluster.node(2).id()), "{replicas}");
        assert_eq!(answer(node, &format!("CLUSTER SLAVES {primary}")), replicas);
        let figures = answer(node, "CLUSTER SLOT-STATS SLOTSRANGE 5061 5061");
        assert_eq!(figures.contains("5061"), owns_5061, "{figures}");
        let help = answer(node, "CLUSTER HELP");
        assert!(help.contains("CLUSTER <subcommand>") && help.contains("FAILOVER"), "{help}");
        for (line, wanted) in [
            ("CLUSTER KEYSLOT bar", "5061"),
            ("CLUSTER COUNTKEYSINSLOT 5061", "0"),
            ("CLUSTER GETKEYSINSLOT 5061 10", "*0[]"),
            (&format!("CLUSTER COUNT-FAILURE-REPORTS {primary}"), "0"),
            ("CLUSTER SAVECONFIG", "OK"),
            ("DEBUG SLOT-DIGEST 5061", "0000000000000000"),
            ("ASKING", "OK"),
            ("READONLY", "OK"),
            ("READWRITE", "OK"),
        ] {
            assert_eq!(answer(node, line), wanted, "{line} at node {at}");
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_done_is_refused_at_every_node() -> TestResult {
    let cluster = Cluster::formed(2, 1, &[])?;
    let view = cluster.wait_until_well();
    let (one, other) = (cluster.node(0).id(), cluster.node(1).id());
    for (at, node) in cluster.nodes().iter().enumerate() {
        let is_replica = at > 1;
        let own = node.id();
        let busy = answer(node, "CLUSTER ADDSLOTS 0");
        assert!(busy.starts_with("-ERR"), "node {at}: {busy}");
        for (line, wanted) in [
            (format!("CLUSTER FORGET {own}"), "-ERR I tried hard but I can't forget myself..."),
            (format!("CLUSTER REPLICATE {own}"), "-ERR Can't replicate myself"),
            ("CLUSTER REPLICATE x".into(), "-ERR Unknown node x"),
            ("CLUSTER REPLICAS x".into(), "-ERR Unknown node x"),
            ("CLUSTER FORGET x".into(), "-ERR Unknown node x"),
            (
                format!("CLUSTER REPLICAS {}", cluster.node(2).id()),
                "-ERR The specified node is not a master",
            ),
            ("CLUSTER COUNTKEYSINSLOT 16384".into(), "-ERR Invalid slot"),
            ("CLUSTER ADDSLOTS 16384".into(), "-ERR Invalid or out of range slot"),
            ("CLUSTER MEET a b".into(), "-ERR Invalid base port specified: b"),
            (
                "CLUSTER SET-CONFIG-EPOCH 5".into(),
                "-ERR The user can assign a config epoch only when the node does not know any other node.",
            ),
            ("CLUSTER FAILOVER NOW".into(), "-ERR syntax error"),
            ("CLUSTER RESET NOW".into(), "-ERR syntax error"),
            ("CLUSTER".into(), "-ERR wrong number of arguments for 'cluster' command"),
            (
                "CLUSTER KEYSLOT".into(),
                "-ERR wrong number of arguments for 'cluster|keyslot' command",
            ),
        ] {
            assert_eq!(answer(node, &line), wanted, "{line} at node {at}");
        }
        let unknown = answer(node, "CLUSTER NOPE");
        assert!(
            unknown.contains("unknown subcommand 'NOPE'") && unknown.ends_with(USAGE),
            "{unknown}"
        );
        let strange =
            answer(node, &format!("CLUSTER FORGET {}", if at == 0 { other } else { one }));
        assert!(strange.starts_with("-ERR"), "node {at}: {strange}");
        if !is_replica {
            let refused = answer(node, "CLUSTER FAILOVER");
            assert_eq!(refused, "-ERR You should send CLUSTER FAILOVER to a replica");
            let refused =
                answer(node, &format!("CLUSTER REPLICATE {}", if at == 0 { other } else { one }));
            assert!(refused.contains("the node must be empty"), "{refused}");
        }
    }
    assert_eq!(cluster.agreed(), Some(view), "something was changed all the same");
    Ok(())
}
