//! Several nodes at once: what a majority survives, what a minority still does, and what is left
//! when all have been away.

use skep_tests::cluster::{Cluster, SLOTS};
use skep_tests::{PATIENCE, TestResult, wait_until};

use crate::support::roamer;

#[test]
fn the_leader_and_a_primary_may_die_at_once() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &[])?;
    for round in 0..2 {
        // Who leads the agreement, and a primary that has to be replaced without it.
        let leader = cluster.leader();
        let primaries = [0, 6000, 12000].map(|slot| (slot, cluster.primary_of(slot)));
        let replicas = primaries.map(|(_, primary)| cluster.replica_of(primary));
        let others = primaries
            .iter()
            .zip(&replicas)
            .filter(|((_, primary), replica)| *primary != leader && **replica != leader);
        let (slot, other) = others.map(|(it, _)| *it).nth(round % 2).ok_or("three shards")?;
        let dead = [leader, other];
        for at in dead {
            cluster.node_mut(at).kill()?;
        }
        assert_ne!(cluster.primary_of(slot), other);
        let mut roamer = roamer(&cluster);
        for number in 0..30 {
            let said = roamer.say(&format!("key:{number}"), &format!("SET key:{number} 1"));
            assert_eq!(said, "+OK");
        }
        cluster.wait_for("the dead are marked", |view| {
            dead.iter().all(|&at| view.line(cluster.node(at).id()).is_some_and(|it| it.is("fail")))
        });
        for at in dead {
            cluster.node_mut(at).restart()?;
        }
        cluster.wait_for("nobody is marked", |view| view.lines.iter().all(|it| !it.is("fail")));
        cluster.wait_until_well();
    }
    Ok(())
}

/// A cluster of five voters: node 0 has all slots, node 1 follows it, the others have nothing.
fn with_witnesses() -> TestResult<Cluster> {
    let cluster = Cluster::start(5, &[])?;
    cluster.meet()?;
    cluster.node(0).ask(&format!("CLUSTER ADDSLOTSRANGE 0 {}", SLOTS - 1))?;
    cluster.node(1).insist(&format!("CLUSTER REPLICATE {}", cluster.node(0).id()));
    cluster.wait_until_well();
    Ok(cluster)
}

#[test]
fn a_minority_keeps_serving_healthy_shards_and_changes_nothing() -> TestResult {
    let mut cluster = with_witnesses()?;
    let before = cluster.agreed().ok_or("they do not agree")?;
    for at in 2..5 {
        cluster.node_mut(at).kill()?;
    }
    let mut client = cluster.node(0).connect()?;
    for round in 0..100 {
        assert_eq!(client.say(&format!("SET key {round}"))?, "+OK\\r\\n");
        assert_eq!(client.say("WAIT 1 5000")?, ":1\\r\\n");
    }
    let refused = cluster.node(0).ask("CLUSTER BUMPEPOCH");
    let refused = refused.map_err(|error| error.to_string()).expect_err("it has no majority");
    assert!(refused.contains("majority") || refused.contains("leader"), "{refused}");
    // It goes on serving after that, and has changed nothing that anybody acts on.
    assert_eq!(client.say("GET key")?, "$2\\r\\n99\\r\\n");
    let now = cluster.node(0).view()?;
    let roles = |view: &skep_tests::cluster::View| -> Vec<_> {
        let lines = view.lines.iter();
        lines.map(|it| (it.id.clone(), it.primary.clone(), it.epoch, it.slots.clone())).collect()
    };
    assert_eq!(roles(&now), roles(&before));
    for at in 2..5 {
        cluster.node_mut(at).restart()?;
    }
    cluster.node(0).insist("CLUSTER BUMPEPOCH");
    cluster.wait_until_well();
    Ok(())
}

#[test]
fn a_primary_that_can_neither_ask_its_replica_nor_the_majority_acknowledges_nothing() -> TestResult
{
    let mut cluster = with_witnesses()?;
    for at in 2..5 {
        cluster.node_mut(at).kill()?;
    }
    cluster.node_mut(1).stop()?;
    let mut client = cluster.node(0).connect()?;
    let down = "-CLUSTERDOWN The cluster is down\\r\\n";
    wait_until(PATIENCE, "writes are refused", || {
        client.say("SET key 1").is_ok_and(|said| said == down)
    });
    assert_eq!(client.say("GET key")?, down);
    assert_eq!(client.say("PING")?, "+PONG\\r\\n");
    cluster.node_mut(1).go_on()?;
    // The replica may have proposed itself as it woke, and then waits for what becomes of that.
    for at in 2..5 {
        cluster.node_mut(at).restart()?;
    }
    cluster.wait_until_well();
    assert_eq!(roamer(&cluster).say("key", "SET key 2"), "+OK");
    Ok(())
}

#[test]
fn a_primary_that_comes_back_empty_does_not_empty_its_replica() -> TestResult {
    let mut cluster = with_witnesses()?;
    assert_eq!(cluster.node(0).ask("SET key value")?, "OK");
    assert_eq!(cluster.node(0).ask("WAIT 1 5000")?, "1");
    // Without a majority nobody learns that it is a new process.
    for at in [2, 3, 4, 0] {
        cluster.node_mut(at).kill()?;
    }
    cluster.node_mut(0).restart()?;
    let mut client = cluster.node(0).connect()?;
    assert_eq!(client.say("GET key")?, "-CLUSTERDOWN The cluster is down\\r\\n");
    assert_eq!(cluster.node(1).ask("DBSIZE")?, "1");
    for at in 2..5 {
        cluster.node_mut(at).restart()?;
    }
    let heir = cluster.node(1).id().to_owned();
    cluster.wait_for("the replica takes over", |view| {
        view.primary_of(0).is_some_and(|line| line.id == heir)
    });
    assert_eq!(roamer(&cluster).say("key", "GET key"), "$value");
    Ok(())
}

#[test]
fn without_a_majority_nobody_takes_over_and_with_one_again_somebody_does() -> TestResult {
    let mut cluster = with_witnesses()?;
    for at in 2..5 {
        cluster.node_mut(at).kill()?;
    }
    cluster.node_mut(0).kill()?;
    let mut client = cluster.node(1).connect()?;
    let refused = client.ask(&["CLUSTER", "FAILOVER", "TAKEOVER"])?;
    assert!(refused.starts_with(b"-ERR"), "{}", refused.escape_ascii());
    assert!(cluster.node(1).view()?.primary_of(0).is_some_and(|it| it.id == cluster.node(0).id()));
    for at in 2..5 {
        cluster.node_mut(at).restart()?;
    }
    let heir = cluster.node(1).id().to_owned();
    cluster.wait_for("the replica takes over", |view| {
        view.primary_of(0).is_some_and(|line| line.id == heir)
    });
    assert_eq!(roamer(&cluster).say("key", "SET key 1"), "+OK");
    Ok(())
}

#[test]
fn a_cluster_that_was_away_as_a_whole_finds_itself_again() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &[])?;
    let mut client = roamer(&cluster);
    for number in 0..30 {
        assert_eq!(client.say(&format!("key:{number}"), &format!("SET key:{number} 1")), "+OK");
    }
    for round in ["ended", "killed"] {
        for at in 0..6 {
            match round {
                "ended" => cluster.node(at).signal("TERM")?,
                _ => cluster.node(at).signal("KILL")?,
            }
        }
        for at in 0..6 {
            cluster.node_mut(at).wait_for_end()?;
        }
        for at in 0..6 {
            cluster.node_mut(at).launch_again()?;
        }
        for at in 0..6 {
            cluster.node_mut(at).wait_until_ready()?;
        }
        cluster.wait_until_well();
        let mut client = roamer(&cluster);
        for number in 0..30 {
            let key = format!("key:{number}");
            // What was in memory is gone.
            assert_eq!(client.say(&key, &format!("GET {key}")), "$-1", "{round}");
            assert_eq!(client.say(&key, &format!("SET {key} {round}")), "+OK");
        }
        wait_until(PATIENCE, "replicas have it", || {
            cluster.nodes().iter().all(|node| node.ask("DBSIZE").is_ok_and(|size| size != "0"))
        });
    }
    Ok(())
}
