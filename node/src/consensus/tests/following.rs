//! Nodes that do not vote.

use super::{Cluster, id, until};

#[tokio::test(start_paused = true)]
async fn an_observer_sees_changes_at_once() {
    let cluster = Cluster::of("observer", 2).await;
    cluster.votes(&[1, 2], &[1]).await;
    assert!(!cluster.node(2).is_voter());
    for round in 0..20 {
        let version = cluster.mark(1, 1, round % 2 == 0).await;
        let seen = || cluster.topology(2).version >= version;
        let took = until("the change", seen).await;
        // Paused time: nothing but the transport takes any.
        assert!(took < cluster.timings.follow_wait, "{took:?}");
    }
    assert_eq!(cluster.node(2).leader(), Some(id(1)));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_was_away_finds_its_cluster_again() {
    let cluster = Cluster::of("away", 6).await;
    let voters = [1, 2, 3, 4, 5];
    cluster.votes(&[1, 2, 3, 4, 5, 6], &voters).await;
    cluster.stop(6).await;
    cluster.mark(1, 2, true).await;
    // Most of those that it knows are away themselves.
    cluster.stop(1).await;
    cluster.stop(3).await;
    let node = cluster.start(6).await;
    assert_eq!(node.topology().borrow().nodes.len(), 6);
    cluster.all_see(&[6], "the change", |seen| seen.nodes[&id(2)].is_failed).await;
    assert!(!cluster.node(6).is_voter());
    cluster.mark(6, 2, false).await;
}

#[tokio::test(start_paused = true)]
async fn an_observer_leaves_a_voter_that_sees_no_majority() {
    let cluster = Cluster::of("bridge", 6).await;
    cluster.votes(&[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5]).await;
    let leader = cluster.leader(&[1, 2, 3, 4, 5, 6]).await;
    let rest: Vec<u8> = (1..=5).filter(|number| *number != leader).collect();
    // The observer still reaches the old leader, and all others.
    cluster.cut(&[leader], &rest);
    let version = cluster.mark(rest[0], leader, true).await;
    cluster.all_see(&[6], "the change", |seen| seen.version >= version).await;
    cluster.mark(6, leader, false).await;
}
