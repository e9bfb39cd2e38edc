//! What replicas serve, and what primaries do without them.

use skep_tests::cluster::{Cluster, meeting};
use skep_tests::{PATIENCE, TestResult, wait_until};

#[test]
fn a_replica_serves_reads_to_those_who_ask_for_them() -> TestResult {
    let cluster = Cluster::formed(2, 1, &[])?;
    let primary = cluster.primary_of(12182);
    let replica = cluster.replica_of(primary);
    let (mut writer, mut reader) =
        (cluster.node(primary).connect()?, cluster.node(replica).connect()?);
    assert_eq!(writer.say("SET foo 1")?, "+OK\\r\\n");
    assert_eq!(writer.say("WAIT 1 5000")?, ":1\\r\\n");
    let moved = format!("-MOVED 12182 {}\\r\\n", cluster.node(primary).address());
    let elsewhere = cluster.node(cluster.primary_of(5061)).address();
    let read = ["GET foo", "MULTI", "GET foo", "EXEC"];
    let exchanges = [
        ("GET foo", moved.as_str()),
        ("READONLY", "+OK\\r\\n"),
        ("GET foo", "$1\\r\\n1\\r\\n"),
        ("MGET foo {foo}2", "*2\\r\\n$1\\r\\n1\\r\\n$-1\\r\\n"),
        ("SET foo 2", &moved),
        ("GET bar", &format!("-MOVED 5061 {elsewhere}\\r\\n")),
        ("READWRITE", "+OK\\r\\n"),
        ("GET foo", &moved),
    ];
    for (line, wanted) in exchanges {
        assert_eq!(reader.say(line)?, wanted, "{line}");
    }
    assert_eq!(reader.say("READONLY")?, "+OK\\r\\n");
    let answers: TestResult<Vec<String>> = read.iter().map(|line| reader.say(line)).collect();
    let wanted = ["$1\\r\\n1\\r\\n", "+OK\\r\\n", "+QUEUED\\r\\n", "*1\\r\\n$1\\r\\n1\\r\\n"];
    assert_eq!(answers?, wanted);
    // An expired key is gone there, too.
    assert_eq!(writer.say("SET foo 3 PX 1")?, "+OK\\r\\n");
    wait_until(PATIENCE, "the key expires at the replica", || {
        reader.say("GET foo").is_ok_and(|said| said == "$-1\\r\\n")
    });
    Ok(())
}

#[test]
fn a_replica_whose_data_may_be_too_old_sends_readers_to_the_primary() -> TestResult {
    // Of two nodes one votes. It is stopped, so that nobody can be promoted.
    let arguments = ["--replica-max-staleness", "500", "--cluster-redirect", "moved"];
    let mut cluster = Cluster::start(2, &arguments)?;
    cluster.meet()?;
    // The first was alone and joined the second.
    let (primary, replica) = (1, 0);
    cluster.node(primary).ask("CLUSTER ADDSLOTSRANGE 0 16383")?;
    cluster.node(replica).insist(&format!("CLUSTER REPLICATE {}", cluster.node(primary).id()));
    cluster.wait_until_well();
    let mut writer = cluster.node(primary).connect()?;
    writer.say("SET foo 1")?;
    assert_eq!(writer.say("WAIT 1 5000")?, ":1\\r\\n");
    let mut reader = cluster.node(replica).connect()?;
    reader.say("READONLY")?;
    let is_served = |said: TestResult<String>| said.is_ok_and(|said| said == "$1\\r\\n1\\r\\n");
    wait_until(PATIENCE, "it reads", || is_served(reader.say("GET foo")));
    cluster.node_mut(primary).stop()?;
    let moved = format!("-MOVED 12182 {}\\r\\n", cluster.node(primary).address());
    wait_until(PATIENCE, "readers are sent away", || {
        reader.say("GET foo").is_ok_and(|said| said == moved)
    });
    cluster.node_mut(primary).go_on()?;
    wait_until(PATIENCE, "it reads again", || is_served(reader.say("GET foo")));
    Ok(())
}

#[test]
fn a_primary_with_too_few_replicas_reads_and_does_not_write() -> TestResult {
    let arguments = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "1"];
    let mut cluster = Cluster::formed(3, 1, &arguments)?;
    let primary = cluster.primary_of(12182);
    let replica = cluster.replica_of(primary);
    let mut client = cluster.node(primary).connect()?;
    // It looks now and then how many replicas there are.
    wait_until(PATIENCE, "writes are taken", || {
        client.say("SET foo 1").is_ok_and(|said| said == "+OK\\r\\n")
    });
    cluster.node_mut(replica).kill()?;
    let refused = "-NOREPLICAS Not enough good replicas to write.\\r\\n";
    wait_until(PATIENCE, "writes are refused", || {
        client.say("SET foo 2").is_ok_and(|said| said == refused)
    });
    let exchanges = [
        ("GET foo", None),
        ("MULTI", Some("+OK\\r\\n")),
        ("SET foo 3", Some(refused)),
        ("EXEC", Some("-EXECABORT Transaction discarded because of previous errors.\\r\\n")),
    ];
    for (line, wanted) in exchanges {
        let said = client.say(line)?;
        assert!(wanted.map_or(said.starts_with('$'), |wanted| said == wanted), "{line}: {said}");
    }
    cluster.node_mut(replica).restart()?;
    wait_until(PATIENCE, "writes are taken again", || {
        client.say("SET foo 4").is_ok_and(|said| said == "+OK\\r\\n")
    });
    Ok(())
}

#[test]
fn the_shard_serves_on_when_its_replica_is_gone_and_the_replica_catches_up() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &[])?;
    let primary = cluster.primary_of(12182);
    let replica = cluster.replica_of(primary);
    let mut client = cluster.node(primary).connect()?;
    for way in ["killed", "stopped"] {
        match way {
            "killed" => cluster.node_mut(replica).kill()?,
            _ => cluster.node_mut(replica).stop()?,
        }
        for number in 0..300 {
            // Parked for a moment until the replica is out of the set that must agree.
            assert_eq!(client.say(&format!("SET {{foo}}{number} {way}"))?, "+OK\\r\\n");
        }
        match way {
            "killed" => cluster.node_mut(replica).restart()?,
            _ => cluster.node_mut(replica).go_on()?,
        }
        cluster.wait_until_well();
        assert_eq!(client.say("WAIT 1 5000")?, ":1\\r\\n");
        crate::support::wait_for_equal_digests(&cluster, primary, replica);
        assert_eq!(cluster.node(replica).ask("DBSIZE")?, "300");
    }
    Ok(())
}

#[test]
fn a_replica_is_in_sync_only_when_it_has_everything() -> TestResult {
    const KEYS: usize = 20_000;
    let mut cluster = Cluster::formed(3, 0, &[])?;
    let replica = cluster.add()?;
    cluster.node(0).ask(&format!("DEBUG POPULATE {KEYS} key 1000"))?;
    cluster.node(0).insist(&meeting(cluster.node(replica)));
    let id = cluster.node(replica).id().to_owned();
    cluster.node(replica).insist(&format!("CLUSTER REPLICATE {}", cluster.node(0).id()));
    // CLUSTER SLOTS names replicas that are in sync.
    wait_until(PATIENCE, "it is in sync", || {
        cluster.node(0).ask("CLUSTER SLOTS").is_ok_and(|slots| slots.contains(&id))
    });
    cluster.node_mut(0).kill()?;
    cluster.wait_for("it takes over", |view| view.primary_of(0).is_some_and(|it| it.id == id));
    assert_eq!(cluster.node(replica).ask("DBSIZE")?, KEYS.to_string());
    Ok(())
}
