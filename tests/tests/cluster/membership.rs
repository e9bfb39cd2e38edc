//! Who is a member, and who not (any more).

use skep_tests::cluster::{Cluster, meeting};
use skep_tests::{PATIENCE, TestResult, wait_until};

fn refusal(said: TestResult<String>) -> String {
    match said {
        Ok(said) => format!("not refused: {said}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn who_is_forgotten_is_cut_off_stays_out_and_may_come_again_once_it_was_reset() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &[])?;
    let guest = cluster.add()?;
    cluster.node(0).insist(&meeting(cluster.node(guest)));
    let id = cluster.node(guest).id().to_owned();
    cluster.wait_for("the guest is a member", |view| view.lines.len() == 7);
    cluster.node(1).insist(&format!("CLUSTER FORGET {id}"));
    let is_out = |at: usize| {
        let node = cluster.node(at);
        node.view().is_ok_and(|view| view.line(&id).is_none())
            && node.ask("CLUSTER LINKS").is_ok_and(|links| !links.contains(&id))
    };
    wait_until(PATIENCE, "all have cut it off", || (0..6).all(is_out));
    // A start makes it ask its old friends.
    cluster.node_mut(guest).restart()?;
    let is_out = |at: usize| {
        let node = cluster.node(at);
        node.view().is_ok_and(|view| view.line(&id).is_none())
            && node.ask("CLUSTER LINKS").is_ok_and(|links| !links.contains(&id))
    };
    assert!((0..6).all(is_out), "it is back");
    cluster.node(guest).insist("CLUSTER RESET");
    assert_eq!(cluster.node(guest).view()?.lines.len(), 1);
    assert_eq!(cluster.node(guest).ask("CLUSTER MYID")?, id);
    cluster.node(0).insist(&meeting(cluster.node(guest)));
    cluster.wait_for("the guest is a member again", |view| view.lines.len() == 7);
    cluster.node(guest).insist(&format!("CLUSTER REPLICATE {}", cluster.node(0).id()));
    cluster.wait_until_well();
    Ok(())
}

#[test]
fn a_replica_that_is_reset_is_a_node_of_its_own_and_empty() -> TestResult {
    let cluster = Cluster::formed(1, 2, &[])?;
    cluster.node(0).ask("SET foo 1")?;
    cluster.node(0).ask("WAIT 2 5000")?;
    cluster.node(2).insist("CLUSTER RESET");
    assert_eq!(cluster.node(2).ask("DBSIZE")?, "0");
    assert_eq!(cluster.node(2).view()?.lines.len(), 1);
    wait_until(PATIENCE, "the others know", || {
        (0..2).all(|at| cluster.node(at).view().is_ok_and(|view| view.lines.len() == 2))
    });
    assert_eq!(cluster.node(0).ask("GET foo")?, "1");
    let refused = refusal(cluster.node(0).ask("CLUSTER RESET"));
    assert_eq!(refused, "ERR CLUSTER RESET can't be called with master nodes containing keys");
    Ok(())
}

#[test]
fn who_has_slots_is_not_forgotten_and_nobody_forgets_himself() -> TestResult {
    let cluster = Cluster::formed(2, 0, &[])?;
    let refused = refusal(cluster.node(0).ask(&format!("CLUSTER FORGET {}", cluster.node(1).id())));
    assert!(refused.contains("is the primary of slots"), "{refused}");
    let refused = refusal(cluster.node(0).ask(&format!("CLUSTER FORGET {}", cluster.node(0).id())));
    assert_eq!(refused, "ERR I tried hard but I can't forget myself...");
    Ok(())
}

#[test]
fn a_node_with_certificates_of_another_authority_cannot_join() -> TestResult {
    // Both are called "bees".
    let (ours, theirs) = (Cluster::start(2, &[])?, Cluster::start(1, &[])?);
    ours.meet()?;
    for (asked, met) in [(ours.node(0), theirs.node(0)), (theirs.node(0), ours.node(0))] {
        let refused = refusal(asked.ask(&meeting(met)));
        assert!(
            refused.contains("not to be trusted") || refused.contains("certificate"),
            "{refused}"
        );
        assert!(refused.contains(&met.mesh_port().to_string()), "it names no address: {refused}");
    }
    assert_eq!(ours.node(0).view()?.lines.len(), 2);
    assert_eq!(theirs.node(0).view()?.lines.len(), 1);
    Ok(())
}

#[test]
fn meeting_nobody_is_an_error_that_says_where() -> TestResult {
    let mut cluster = Cluster::start(2, &[])?;
    cluster.node_mut(1).kill()?;
    let refused = refusal(cluster.node(0).ask(&meeting(cluster.node(1))));
    assert!(refused.contains(&cluster.node(1).mesh_port().to_string()), "{refused}");
    let refused = refusal(cluster.node(0).ask("CLUSTER MEET nowhere.invalid 7000"));
    assert!(refused.contains("nowhere.invalid"), "{refused}");
    Ok(())
}

#[test]
fn two_clusters_of_several_nodes_do_not_merge() -> TestResult {
    let cluster = Cluster::start(4, &[])?;
    cluster.node(0).insist(&meeting(cluster.node(1)));
    cluster.node(2).insist(&meeting(cluster.node(3)));
    let refused = refusal(cluster.node(0).ask(&meeting(cluster.node(2))));
    assert!(refused.contains("several nodes already"), "{refused}");
    for node in cluster.nodes() {
        assert_eq!(node.view()?.lines.len(), 2);
    }
    Ok(())
}
