//! Who is let in, and as what.

use bytes::Bytes;
use skep_mesh::{Admission, Class, GUEST_BYTES_MAX, MeshError, Peer};
use skep_tests::{PATIENCE, TestResult};

use crate::intruder::{Intruder, hello};
use crate::support::{Hive, Node, id, run};

#[test]
fn a_node_of_an_unknown_authority_is_refused_on_both_sides() -> TestResult {
    let (ours, theirs) = (Hive::new("bees")?, Hive::new("bees")?);
    let node = ours.node(1)?;
    let stranger = theirs.node(2)?;
    let believer = Node::start(theirs.issue_trusting(3, &ours)?, None)?;
    run(async {
        // Who dials does not trust who answers.
        let error = node.ask(&stranger, Class::Control, "hello").await.unwrap_err();
        assert!(matches!(error, MeshError::Untrusted { .. }), "{error}");
        // Who answers does not trust who dials.
        let error = believer.ask(&node, Class::Control, "hello").await.unwrap_err();
        assert!(matches!(error, MeshError::Refused { .. }), "{error}");
        assert!(!error.may_have_run());
        assert_eq!(node.requests() + stranger.requests(), 0);
        assert!(node.mesh.links().is_empty());
        Ok(())
    })
}

#[test]
fn a_node_of_another_cluster_is_refused_though_its_authority_is_trusted() -> TestResult {
    let (bees, wasps) = (Hive::new("bees")?, Hive::new("wasps")?);
    let bee = Node::start(bees.issue_trusting(1, &wasps)?, None)?;
    let wasp = Node::start(wasps.issue_trusting(2, &bees)?, None)?;
    run(async {
        let error = bee.ask(&wasp, Class::Control, "hello").await.unwrap_err();
        // Both see it; whose words arrive is a matter of who was faster.
        assert!(error.to_string().contains("it is of cluster"), "{error}");
        assert_eq!(wasp.requests(), 0);
        assert!(bee.mesh.links().is_empty() && wasp.mesh.links().is_empty());
        Ok(())
    })
}

#[test]
fn a_node_that_says_it_is_another_is_refused() -> TestResult {
    let hive = Hive::new("bees")?;
    let node = hive.node(1)?;
    let files = hive.issue(2)?;
    run(async {
        let liar = Intruder::connect(&files, node.peer.control).await?;
        assert!(liar.send(&hello(id(3), "bees")).await.is_err());
        let words = liar.closed().await;
        assert!(words.contains("but it says that it is"), "{words}");
        assert!(node.mesh.links().is_empty());

        let honest = Intruder::connect(&files, node.peer.control).await?;
        honest.introduce(id(2)).await?;
        assert_eq!(node.mesh.links().len(), 1);
        Ok(())
    })
}

#[test]
fn a_node_that_answers_for_another_is_not_trusted() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        let wrong = Peer { id: id(3), ..two.peer };
        let error = one.mesh.request(&wrong, Class::Control, Bytes::new(), PATIENCE).await;
        let error = error.unwrap_err();
        assert!(matches!(error, MeshError::Untrusted { .. }), "{error}");
        let itself = one.mesh.meet(one.peer.control, Bytes::new(), PATIENCE).await.unwrap_err();
        assert!(itself.to_string().contains("as is this one"), "{itself}");
        assert_eq!(one.requests() + two.requests(), 0);
        Ok(())
    })
}

#[test]
fn a_node_that_the_topology_refuses_is_told_so() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    two.roster.set(id(1), Admission::Refused);
    run(async {
        let error = one.ask(&two, Class::Control, "hello").await.unwrap_err();
        assert!(matches!(error, MeshError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("is not admitted"), "{error}");
        let error = two.ask(&one, Class::Bulk, "hello").await.unwrap_err();
        assert_eq!(error, MeshError::NotAdmitted(id(1)));
        assert_eq!(one.requests() + two.requests(), 0);
        Ok(())
    })
}

#[test]
fn a_guest_may_ask_to_join_and_nothing_else() -> TestResult {
    let hive = Hive::new("bees")?;
    let (guest, host) = (hive.node(1)?, hive.node(2)?);
    host.roster.set(id(1), Admission::Guest);
    run(async {
        // It knows no more than an address.
        let (met, reply) = guest.mesh.meet(host.peer.control, "join".into(), PATIENCE).await?;
        assert_eq!((met, &reply[..]), (id(2), &b"join"[..]));
        let (caller, class, _) = host.echo.requests.lock()[0].clone();
        assert_eq!((caller.id, caller.is_member, class), (id(1), false, Class::Control));

        for class in [Class::Bulk, Class::Forward] {
            let error = guest.ask(&host, class, "hello").await.unwrap_err();
            assert!(matches!(error, MeshError::Rejected { .. }), "{error}");
            let (_sender, mut receiver) = guest.mesh.open(&host.peer, class, PATIENCE).await?;
            let refused = receiver.receive().await;
            assert!(refused.is_err(), "{refused:?}");
        }
        let long = vec![0; GUEST_BYTES_MAX + 1];
        let error = guest.ask(&host, Class::Control, long).await.unwrap_err();
        assert!(matches!(error, MeshError::Lost { .. }), "{error}");
        assert_eq!(host.requests(), 1);

        // The same node, once it is a member, needs no new connection.
        guest.greet(&host).await?;
        host.roster.set(id(1), Admission::Member);
        guest.ask(&host, Class::Bulk, vec![0; GUEST_BYTES_MAX + 1]).await?;
        assert!(host.echo.requests.lock().last().unwrap().0.is_member);
        Ok(())
    })
}
