//! Founding, joining, leaving, starting again.

use skep_cluster::{Change, Refusal};

use super::super::running::JoinError;
use super::{Cluster, admission, entry, id, shard, until};
use crate::consensus::ProposeError;

#[tokio::test(start_paused = true)]
async fn a_founder_leads_at_once_and_founds_only_once() {
    let cluster = Cluster::new("founder");
    cluster.found(1).await;
    assert_eq!(cluster.node(1).leader(), Some(id(1)));
    assert!(cluster.node(1).is_voter() && cluster.node(1).is_attached());
    let change = Change::Found {
        cluster: "another".to_owned(),
        node: id(1),
        about: super::about(1),
        shard: shard(9),
    };
    let again = cluster.node(1).found(entry(1, change)).await.unwrap();
    assert_eq!(again, Err(Refusal::Founded("of 1".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn nodes_join_one_by_one_and_propose_from_everywhere() {
    let cluster = Cluster::new("join");
    cluster.found(1).await;
    for count in 2..=6u8 {
        cluster.found(count).await;
        // Any member may admit; it need not lead or vote.
        cluster.admit(count - 1, count).await;
        let nodes: Vec<u8> = (1..=count).collect();
        cluster.all_see(&nodes, "the new node", |seen| seen.nodes.contains_key(&id(count))).await;
        for by in nodes.iter().copied() {
            cluster.mark(by, count, true).await;
            let version = cluster.mark(by, count, false).await;
            cluster.all_see(&nodes, "a change", |seen| seen.version >= version).await;
        }
        let voters: &[u8] = match count {
            2 => &[1],
            3 | 4 => &[1, 2, 3],
            _ => &[1, 2, 3, 4, 5],
        };
        cluster.votes(&nodes, voters).await;
    }
    let first = cluster.topology(1);
    for number in 2..=6 {
        assert_eq!(*cluster.topology(number), *first);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_joins_only_where_it_was_admitted_and_only_alone() {
    let cluster = Cluster::of("admitted", 2).await;
    cluster.found(3).await;
    // What another was given does not do.
    let welcome = cluster.node(1).admit(admission(1, 2)).await.unwrap().unwrap();
    let joined = cluster.node(3).join(&welcome).await;
    assert!(matches!(joined, Err(JoinError::NotAdmitted(node)) if node == id(3)), "{joined:?}");
    let joined = cluster.node(3).join(b"nonsense").await;
    assert!(matches!(joined, Err(JoinError::Unreadable(_))), "{joined:?}");
    assert_eq!(cluster.topology(3).cluster, "of 3");

    // Node 3 has a second node by now, so it must not come over alone.
    cluster.found(4).await;
    cluster.admit(3, 4).await;
    let welcome = cluster.node(1).admit(admission(1, 3)).await.unwrap().unwrap();
    let joined = cluster.node(3).join(&welcome).await;
    assert!(matches!(joined, Err(JoinError::NotAlone(2))), "{joined:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_stopped_whole_goes_on_with_its_topology() {
    let cluster = Cluster::of("restart", 6).await;
    let nodes = [1, 2, 3, 4, 5, 6];
    cluster.votes(&nodes, &[1, 2, 3, 4, 5]).await;
    let version = cluster.mark(6, 4, true).await;
    cluster.all_see(&nodes, "the mark", |seen| seen.version >= version).await;
    let before = cluster.topology(1);
    for number in nodes {
        cluster.stop(number).await;
    }
    for number in nodes {
        let node = cluster.start(number).await;
        // Each knows its cluster before it has heard of anybody.
        assert_eq!(node.topology().borrow().nodes.len(), 6, "node {number}");
    }
    cluster.leader(&nodes).await;
    cluster.all_see(&nodes, "the same topology", |seen| *seen == *before).await;
    cluster.mark(6, 4, false).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_leaves_may_found_or_join_again() {
    let cluster = Cluster::of("leave", 3).await;
    cluster.votes(&[1, 2, 3], &[1, 2, 3]).await;
    let forget = entry(1, Change::Forget { node: id(3) });
    cluster.node(1).propose(forget).await.unwrap().unwrap();
    cluster.node(3).leave().await.unwrap();
    assert_eq!(cluster.topology(3).nodes.len(), 0);
    let lost = cluster.node(3).propose(entry(3, Change::Forget { node: id(3) })).await;
    assert!(matches!(lost, Err(ProposeError::NoCluster)), "{lost:?}");
    cluster.votes(&[1, 2], &[1]).await;
    cluster.stop(3).await;
    cluster.found(3).await;
    cluster.admit(2, 3).await;
    cluster.votes(&[1, 2, 3], &[1, 2, 3]).await;
}

#[tokio::test(start_paused = true)]
async fn a_voter_that_comes_late_is_sent_a_snapshot() {
    let mut cluster = Cluster::new("snapshot");
    cluster.timings.snapshot_entries = 20;
    cluster.found(1).await;
    let is_purged = |number: u8| {
        let running = cluster.node(number).shared.running.load_full().unwrap();
        running.raft.metrics().borrow().purged.is_some()
    };
    for round in 0..100 {
        cluster.mark(1, 1, round % 2 == 0).await;
    }
    until("a shorter log", || is_purged(1)).await;
    for number in 2..=5 {
        cluster.found(number).await;
        cluster.admit(number - 1, number).await;
    }
    let all = [1, 2, 3, 4, 5];
    cluster.votes(&all, &all).await;
    cluster.settle(&all).await;
    let before = cluster.topology(1);
    for number in all {
        assert!(cluster.node(number).is_voter() && is_purged(number), "node {number}");
        cluster.stop(number).await;
    }
    for number in all {
        cluster.start(number).await;
    }
    cluster.leader(&all).await;
    cluster.all_see(&all, "the same topology", |seen| *seen == *before).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_proposes_in_the_name_of_another() {
    let cluster = Cluster::of("name", 2).await;
    let change = Change::Mark { node: id(1), is_failed: true };
    let proposed = cluster.node(1).propose(entry(2, change)).await;
    assert!(matches!(proposed, Err(ProposeError::NotMine(node)) if node == id(2)), "{proposed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_directory_is_used_once_at_a_time() {
    let cluster = Cluster::of("lock", 1).await;
    let used = crate::consensus::unsafe_recover(&cluster.directory(1), id(1), "a test");
    let text = used.unwrap_err().to_string();
    assert!(text.contains("in use by another process"), "{text}");
}
