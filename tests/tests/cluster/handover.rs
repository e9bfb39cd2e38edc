//! Planned changes of primaries: no command is lost, and none answered with an error but MOVED.

use skep_tests::TestResult;
use skep_tests::cluster::Cluster;

use crate::support::Load;

/// Has the replica of a slot's shard become its primary.
fn fail_over(cluster: &Cluster, slot: u16, how: &str) {
    let old = cluster.primary_of(slot);
    let heir = cluster.replica_of(old);
    let said = cluster.node(heir).insist(&format!("CLUSTER FAILOVER {how}"));
    assert_eq!(said, "OK");
    // It is done when it is answered, where it was asked.
    let view = cluster.node(heir).view().expect("a view");
    let primary = view.primary_of(slot).map(|line| line.id.as_str());
    assert_eq!(primary, Some(cluster.node(heir).id()));
}

#[test]
fn a_failover_by_command_loses_nothing_and_answers_no_error() -> TestResult {
    let cluster = Cluster::formed(3, 1, &[])?;
    let load = Load::begin(&cluster, 2);
    for how in ["", "FORCE", "TAKEOVER"] {
        for slot in [0, 6000, 12000] {
            load.wait_for(20);
            fail_over(&cluster, slot, how);
        }
        load.wait_for(100);
        cluster.wait_until_well();
    }
    let written = load.end();
    assert_eq!(written.errors, [""; 0]);
    written.check(&cluster);
    Ok(())
}

#[test]
fn nodes_that_are_restarted_one_by_one_lose_nothing_and_answer_no_error() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &[])?;
    let load = Load::begin(&cluster, 2);
    load.wait_for(100);
    for at in 0..cluster.nodes().len() {
        assert!(cluster.node_mut(at).end()?.success());
        load.wait_for(50);
        cluster.node_mut(at).restart()?;
        cluster.wait_until_well();
    }
    load.wait_for(100);
    let written = load.end();
    assert_eq!(written.errors, [""; 0]);
    assert!(written.losses > 0, "no client noticed anything");
    written.check(&cluster);
    Ok(())
}

#[test]
fn a_failover_is_refused_where_it_makes_no_sense_and_done_where_there_are_two_replicas()
-> TestResult {
    let cluster = Cluster::formed(1, 2, &[])?;
    let primary = cluster.primary_of(0);
    let refused = cluster.node(primary).ask("CLUSTER FAILOVER").map_err(|error| error.to_string());
    assert_eq!(refused, Err("ERR You should send CLUSTER FAILOVER to a replica".to_owned()));
    for _ in 0..2 {
        fail_over(&cluster, 0, "");
        // The one that was not asked follows the new primary, too.
        let view = cluster.wait_until_well();
        let new = cluster.node(cluster.primary_of(0)).id();
        assert_eq!(view.replicas_of(new).count(), 2);
    }
    Ok(())
}
