//! The way out when a majority is gone for good.

use super::{Cluster, id, until};
use crate::consensus::unsafe_recover;

#[tokio::test(start_paused = true)]
async fn one_node_goes_on_alone_when_the_majority_is_lost() {
    let cluster = Cluster::of("recover", 6).await;
    cluster.votes(&[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5]).await;
    let version = cluster.mark(6, 6, false).await;
    cluster.all_see(&[1, 2, 6], "the change", |seen| seen.version >= version).await;
    for number in 1..=5 {
        cluster.stop(number).await;
    }
    let recovery = unsafe_recover(&cluster.directory(2), id(2), "ops").unwrap();
    assert_eq!(recovery.cluster, "of 1");
    assert_eq!(recovery.voters.len(), 5);
    assert_eq!(recovery.generation, 1);
    assert!(recovery.version >= version);
    let audit = std::fs::read_to_string(cluster.directory(2).join("topology/audit")).unwrap();
    assert!(audit.contains("asked by \"ops\""), "{audit}");

    cluster.start(2).await;
    cluster.mark(2, 4, true).await;
    // The observer has found it, and with node 6 it goes on.
    let version = cluster.mark(6, 5, true).await;
    cluster.all_see(&[2, 6], "the change", |seen| seen.version >= version).await;

    // One of the old voters is alive after all. It hears of the new generation and obeys.
    cluster.start(1).await;
    cluster.all_see(&[1], "the change", |seen| seen.version >= version).await;
    let version = cluster.mark(1, 4, true).await;
    cluster.all_see(&[1, 2, 6], "the change", |seen| seen.version >= version).await;
    cluster.mark(2, 3, true).await;
    until("three vote", || cluster.node(2).voters().len() == 3).await;
    cluster.votes(&[1, 2, 6], &[1, 2, 6]).await;
}

#[tokio::test(start_paused = true)]
async fn an_observer_can_be_recovered_too() {
    let cluster = Cluster::of("recover observer", 2).await;
    cluster.votes(&[1, 2], &[1]).await;
    cluster.stop(1).await;
    cluster.stop(2).await;
    let recovery = unsafe_recover(&cluster.directory(2), id(2), "ops").unwrap();
    assert_eq!(recovery.voters.into_iter().collect::<Vec<_>>(), [id(1)]);
    let node = cluster.start(2).await;
    assert_eq!(node.topology().borrow().nodes.len(), 2);
    let version = cluster.mark(2, 1, true).await;
    // It outlives another start.
    cluster.stop(2).await;
    cluster.start(2).await;
    cluster.all_see(&[2], "the mark", |seen| seen.version >= version).await;
}

#[test]
fn nothing_is_recovered_where_nothing_is() {
    let cluster = Cluster::new("recover nothing");
    let refused = unsafe_recover(&cluster.directory(1), id(1), "ops");
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("holds no cluster"), "{text}");
}
