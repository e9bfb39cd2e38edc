//! What happens when the primary of a shard is killed or stopped.

use skep_tests::cluster::{Cluster, Roamer};
use skep_tests::{PATIENCE, TestResult, wait_until};

/// Writes keys all over the cluster, and waits until the replica of each has it.
fn write_replicated(cluster: &Cluster, round: usize) {
    let mut roamer = roamer(cluster);
    for number in 0..100 {
        let key = format!("key:{number}");
        wait_until(PATIENCE, &format!("{key} is replicated"), || {
            roamer.say(&key, &format!("SET {key} {round}:{number}")) == "+OK"
                && roamer.say(&key, "WAIT 1 1000") == ":1"
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

fn roamer(cluster: &Cluster) -> Roamer {
    Roamer::new(cluster.running().map(|node| node.address()).collect())
}

/// The digests of all slots of the shard that this node is of are equal on all its members.
fn wait_for_equal_digests(cluster: &Cluster, one: usize, other: usize) {
    let digests = |at: usize| cluster.node(at).ask("DEBUG SLOT-DIGESTS").ok();
    wait_until(PATIENCE, "equal digests", || {
        digests(one).is_some_and(|found| Some(found) == digests(other))
    });
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
        assert_eq!(cluster.primary_of(slot), heir);
        wait_for_equal_digests(&cluster, heir, old);
        check(&cluster, round);
    }
    Ok(())
}
