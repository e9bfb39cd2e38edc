//! Leaders that die, and sides that cannot see each other.

use std::time::Duration;

use skep_cluster::Change;

use super::{Cluster, entry, id, until};
use crate::consensus::ProposeError;

#[tokio::test(start_paused = true)]
async fn the_death_of_a_leader_stops_changes_for_an_election_only() {
    let cluster = Cluster::of("leader dies", 6).await;
    cluster.votes(&[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5]).await;
    let leader = cluster.leader(&[1, 2, 3, 4, 5, 6]).await;
    cluster.stop(leader).await;
    let rest: Vec<u8> = (1..=6).filter(|number| *number != leader).collect();
    let begin = tokio::time::Instant::now();
    let voters = || rest.iter().filter(|number| cluster.node(**number).is_voter());
    let elected = || voters().any(|number| cluster.node(*number).leader() == Some(id(*number)));
    until("a leader", elected).await;
    println!("elected within {:?}", begin.elapsed());
    // The observer too, which may have followed the dead one.
    for by in rest.iter().copied() {
        let version = cluster.mark(by, leader, by % 2 == 0).await;
        cluster.all_see(&rest, "a change", |seen| seen.version >= version).await;
    }
    println!("changes from everywhere within {:?}", begin.elapsed());
    cluster.mark(6, leader, true).await;
    // It is replaced, and comes back as an observer.
    let voters: Vec<u8> = rest.clone();
    cluster.votes(&rest, &voters).await;
    cluster.start(leader).await;
    let version = cluster.mark(6, leader, false).await;
    let all = [1, 2, 3, 4, 5, 6];
    cluster.all_see(&all, "a change", |seen| seen.version >= version).await;
    cluster.votes(&all, &voters).await;
    cluster.mark(leader, leader, false).await;
}

#[tokio::test(start_paused = true)]
async fn a_minority_commits_nothing_and_catches_up_when_it_is_back() {
    let cluster = Cluster::of("minority", 5).await;
    let all = [1, 2, 3, 4, 5];
    cluster.votes(&all, &all).await;
    let leader = cluster.leader(&all).await;
    let other = all.into_iter().find(|number| *number != leader).unwrap();
    let minority = [leader, other];
    let majority: Vec<u8> = all.into_iter().filter(|number| !minority.contains(number)).collect();
    cluster.cut(&minority, &majority);

    let before = cluster.topology(leader).version;
    for by in minority {
        let change = Change::Mark { node: id(majority[0]), is_failed: true };
        let proposed = cluster.node(by).propose(entry(by, change)).await;
        assert!(matches!(proposed, Err(ProposeError::NoAnswer { .. })), "{proposed:?}");
    }
    // Nor do they claim to know of a leader.
    until("nobody leads them", || minority.iter().all(|n| !cluster.node(*n).is_attached())).await;
    assert_eq!(cluster.topology(leader).version, before);
    let version = cluster.mark(majority[0], other, true).await;
    assert!(version > before);
    cluster.all_see(&majority, "the change", |seen| seen.nodes[&id(other)].is_failed).await;

    cluster.cut(&[], &[]);
    cluster.all_see(&all, "the change", |seen| seen.nodes[&id(other)].is_failed).await;
    until("all are attached", || all.iter().all(|number| cluster.node(*number).is_attached()))
        .await;
    cluster.leader(&all).await;
    for by in all {
        cluster.mark(by, other, false).await;
    }
    let first = cluster.topology(1);
    cluster.all_see(&all, "the same", |seen| seen.version >= first.version).await;
    // What the minority proposed in vain is nowhere.
    cluster.all_see(&all, "no mark", |seen| !seen.nodes[&id(majority[0])].is_failed).await;
}

#[tokio::test(start_paused = true)]
async fn a_voter_that_was_cut_off_deposes_nobody_and_delays_no_election() {
    let cluster = Cluster::of("cut-off", 5).await;
    let all = [1, 2, 3, 4, 5];
    cluster.votes(&all, &all).await;
    for round in 0..3 {
        let leader = cluster.leader(&all).await;
        for voter in all.into_iter().filter(|number| *number != leader) {
            let rest: Vec<u8> = all.into_iter().filter(|number| *number != voter).collect();
            cluster.cut(&[voter], &rest);
            until("it hears nobody", || !cluster.node(voter).is_attached()).await;
            // Its log is short when it is back.
            cluster.mark(leader, leader, false).await;
            cluster.cut(&[], &[]);
            until("it is back", || cluster.node(voter).is_attached()).await;
            assert_eq!(cluster.leader(&all).await, leader, "round {round}: deposed by {voter}");
        }
        cluster.settle(&all).await;
        let rest: Vec<u8> = all.into_iter().filter(|number| *number != leader).collect();
        cluster.cut(&[leader], &rest);
        let is_another = |number: &u8| {
            let leads = cluster.node(*number).leader();
            leads.is_some_and(|other| other != id(leader))
        };
        // In the time of the clock here: the lease, the longest patience, and two looks.
        let took = until("another leads", || rest.iter().all(is_another)).await;
        let timings = &cluster.timings;
        let expected = timings.election_max * 2 + timings.heartbeat * 2;
        assert!(took <= expected, "round {round}: {took:?}, {expected:?} at most");
        cluster.cut(&[], &[]);
        until("all are attached", || all.iter().all(|n| cluster.node(*n).is_attached())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn elections_are_over_soon_again_and_again() {
    let cluster = Cluster::of("again", 3).await;
    let all = [1, 2, 3];
    cluster.votes(&all, &all).await;
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..20 {
        let leader = cluster.leader(&all).await;
        cluster.stop(leader).await;
        let rest: Vec<u8> = all.into_iter().filter(|number| *number != leader).collect();
        let elected =
            || rest.iter().any(|number| cluster.node(*number).leader() == Some(id(*number)));
        took.push(until("a leader", elected).await);
        cluster.start(leader).await;
        until("all are attached", || all.iter().all(|n| cluster.node(*n).is_attached())).await;
        cluster.settle(&all).await;
    }
    took.sort_unstable();
    println!("elections took {:?} at the median, {:?} at most", took[10], took[19]);
    assert_eq!(took.len(), 20);
}
