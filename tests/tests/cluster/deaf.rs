//! Clients that do not follow MOVED are served through the node that they talk to.

use skep_tests::cluster::Cluster;
use skep_tests::{PATIENCE, TestResult, wait_until};

#[test]
fn a_client_that_heeds_no_redirection_is_served_all_the_same() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &[])?;
    let owner = cluster.primary_of(12182);
    let replica = cluster.replica_of(owner);
    let mut client = cluster.node(cluster.primary_of(0)).connect()?;
    let moved = format!("-MOVED 12182 {}\\r\\n", cluster.node(owner).address());
    let mut refusals = 0;
    wait_until(PATIENCE, "it is served", || {
        let said = client.say("SET foo 1").unwrap_or_default();
        refusals += usize::from(said == moved);
        said == "+OK\\r\\n"
    });
    assert!(refusals >= 3, "it was told {refusals} times where to go");
    assert_eq!(client.say("INCR foo")?, ":2\\r\\n");
    // What it is told about replicas is about those of the owner.
    assert_eq!(client.say("WAIT 1 5000")?, ":1\\r\\n");
    assert_eq!(cluster.node(owner).ask("GET foo")?, "2");
    // Another connection has to be deaf itself.
    let mut other = cluster.node(cluster.primary_of(0)).connect()?;
    assert_eq!(other.say("GET foo")?, moved);
    cluster.node_mut(owner).kill()?;
    assert_eq!(client.say("GET foo")?, "$1\\r\\n2\\r\\n", "it waits for the replica to take over");
    assert_eq!(cluster.primary_of(12182), replica);
    Ok(())
}

#[test]
fn without_a_replica_wait_tells_a_deaf_client_so() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &["--cluster-redirect", "proxy"])?;
    let owner = cluster.primary_of(12182);
    let replica = cluster.replica_of(owner);
    let mut client = cluster.node(cluster.primary_of(0)).connect()?;
    cluster.node_mut(replica).kill()?;
    assert_eq!(client.say("SET foo 1")?, "+OK\\r\\n");
    assert_eq!(
        client.say("WAIT 1 100")?,
        ":0\\r\\n",
        "the node asked has a replica, the owner none"
    );
    Ok(())
}
