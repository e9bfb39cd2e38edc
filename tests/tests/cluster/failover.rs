//! What happens when the primary of a shard is killed or stopped.

use skep_tests::cluster::Cluster;
use skep_tests::{Client, PATIENCE, TestResult, command, wait_until};

use crate::support::{Load, roamer, tag_in, wait_for_equal_digests};

/// Writes sent to a stopped primary.
const WRITES: usize = 20;
/// Else the new primary answers through the old one, which is as it should be and would not show.
const MOVED_ONLY: [&str; 2] = ["--cluster-redirect", "moved"];

/// Writes keys all over the cluster, and waits until the replica of each has it.
fn write_replicated(cluster: &Cluster, round: usize) {
    let mut roamer = roamer(cluster);
    for number in 0..100 {
        let key = format!("key:{number}");
        wait_until(PATIENCE, &format!("{key} is replicated"), || {
            roamer.say(&key, &format!("SET {key} {round}:{number}")) == "+OK"
                && roamer.say_there("WAIT 1 1000").is_ok_and(|said| said.integer() == Some(1))
        });
    }
}

/// Every key has the value of that round.
fn check(cluster: &Cluster, round: usize) {
    let mut roamer = roamer(cluster);
    for number in 0..100 {
        let key = format!("key:{number}");
        assert_eq!(roamer.say(&key, &format!("GET {key}")), format!("${round}:{number}"));
    }
}

#[test]
fn a_replica_takes_over_from_a_killed_primary_with_all_that_was_replicated_and_back() -> TestResult
{
    let mut cluster = Cluster::formed(3, 1, &[])?;
    let slot = 0;
    for round in 0..2 {
        write_replicated(&cluster, round);
        let old = cluster.primary_of(slot);
        let heir = cluster.replica_of(old);
        cluster.node_mut(old).kill()?;
        let heir_id = cluster.node(heir).id().to_owned();
        cluster.wait_for("the replica takes over", |view| {
            view.primary_of(slot).is_some_and(|line| line.id == heir_id)
        });
        check(&cluster, round);
        cluster.node_mut(old).restart()?;
        cluster.wait_until_well();
        wait_for_equal_digests(&cluster, heir, old);
        check(&cluster, round);
    }
    Ok(())
}

/// What a client may be told by a primary of before.
fn is_refusal(reply: &[u8]) -> bool {
    reply.starts_with(b"-MOVED ") || reply.starts_with(b"-CLUSTERDOWN ")
}

/// A cluster, the primary of slot 0, who is to take over from it, and a counter that they have.
fn contested() -> TestResult<(Cluster, usize, String, String)> {
    let cluster = Cluster::formed(3, 1, &MOVED_ONLY)?;
    let old = cluster.primary_of(0);
    let heir = cluster.node(cluster.replica_of(old)).id().to_owned();
    let tag = tag_in(&mut cluster.node(0).connect()?, 0..=0x0fff);
    Ok((cluster, old, heir, format!("{{{tag}}}counter")))
}

/// All that comes back over a connection until there are so many replies, or its end.
fn replies(client: &mut Client, count: usize) -> Vec<Vec<u8>> {
    (0..count).map_while(|_| client.reply().ok()).collect()
}

#[test]
fn a_primary_that_wakes_after_another_took_over_acknowledges_nothing() -> TestResult {
    let (mut cluster, old, heir, counter) = contested()?;
    let load = Load::begin(&cluster, 2);
    load.wait_for(100);
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = cluster.node(old).connect()?;
        client.ask(&["INCR", &counter])?;
        clients.push(client);
    }
    cluster.node_mut(old).stop()?;
    // These wait in the sockets of the stopped one.
    for client in &mut clients {
        client.send(&command(&["INCR", &counter]).repeat(WRITES))?;
        client.send(&command(&["GET", &counter]))?;
    }
    cluster.wait_for("the replica takes over", |view| {
        view.primary_of(0).is_some_and(|line| line.id == heir)
    });
    let mut elsewhere = roamer(&cluster);
    assert_eq!(elsewhere.say(&counter, &format!("SET {counter} 1000")), "+OK");
    cluster.node_mut(old).go_on()?;
    for client in &mut clients {
        for reply in replies(client, WRITES + 1) {
            assert!(is_refusal(&reply), "answered by one who is deposed: {}", reply.escape_ascii());
        }
    }
    let said = elsewhere.say(&counter, &format!("INCR {counter}"));
    assert_eq!(said, ":1001", "a write of the deposed primary came through");
    load.wait_for(100);
    let written = load.end();
    cluster.wait_until_well();
    written.check(&cluster);
    let (old, heir) = (old, cluster.number_of(&heir)?);
    wait_for_equal_digests(&cluster, heir, old);
    Ok(())
}

#[test]
fn a_client_that_was_silent_is_turned_away_and_not_dropped_by_a_primary_that_wakes() -> TestResult {
    let (mut cluster, old, heir, counter) = contested()?;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = cluster.node(old).connect()?;
        client.ask(&["CLIENT", "SETNAME", "silent"])?;
        clients.push(client);
    }
    // Long enough to be asked to leave when the node is deposed.
    wait_until(PATIENCE, "all have been silent for two seconds", || {
        let list = cluster.node(old).ask("CLIENT LIST").unwrap_or_default();
        let silent = list.lines().filter(|line| line.contains("name=silent"));
        silent.filter(|line| line.contains(" idle=2 ")).count() == clients.len()
    });
    cluster.node_mut(old).stop()?;
    for client in &mut clients {
        client.send(&command(&["INCR", &counter]))?;
    }
    cluster.wait_for("the replica takes over", |view| {
        view.primary_of(0).is_some_and(|line| line.id == heir)
    });
    cluster.node_mut(old).go_on()?;
    for client in &mut clients {
        let reply = client.reply()?;
        assert!(is_refusal(&reply), "answered by one who is deposed: {}", reply.escape_ascii());
    }
    Ok(())
}

#[test]
fn numbers_that_were_given_out_and_replicated_are_not_given_out_again() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &[])?;
    let mut roamer = roamer(&cluster);
    let tag = tag_in(&mut cluster.node(0).connect()?, 0..=0x0fff);
    let counter = format!("{{{tag}}}counter");
    let mut highest = 0;
    for round in 0..3 {
        for _ in 0..50 {
            let answer = roamer.ask(&counter, &format!("INCR {counter}"));
            let number = answer.integer().ok_or_else(|| answer.to_string())?;
            assert!(number > highest, "round {round}: {number} came after {highest}");
            // Once on the same connection: another node would speak for its own writes only.
            let replicas = roamer.say_there("WAIT 1 1000").ok().and_then(|said| said.integer());
            if replicas.is_some_and(|count| count >= 1) {
                highest = number;
            }
        }
        assert!(highest > 0, "nothing was replicated in round {round}");
        let old = cluster.primary_of(0);
        cluster.node_mut(old).kill()?;
        let answer = roamer.ask(&counter, &format!("INCR {counter}"));
        assert!(answer.integer() > Some(highest), "{answer} came after {highest}");
        cluster.node_mut(old).restart()?;
        cluster.wait_until_well();
    }
    Ok(())
}

#[test]
fn a_primary_that_is_back_before_it_was_missed_has_lost_nothing_that_was_replicated() -> TestResult
{
    let mut cluster = Cluster::formed(3, 1, &[])?;
    write_replicated(&cluster, 0);
    let old = cluster.primary_of(0);
    cluster.node_mut(old).kill()?;
    cluster.node_mut(old).restart()?;
    check(&cluster, 0);
    cluster.wait_until_well();
    check(&cluster, 0);
    Ok(())
}
