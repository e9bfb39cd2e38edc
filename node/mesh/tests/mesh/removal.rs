//! A node that the topology removed.

use skep_mesh::{Admission, Class, MeshError};
use skep_tests::{PATIENCE, TestResult, wait_until};

use crate::support::{Hive, id, run};

#[test]
fn a_removed_nodes_connections_are_closed_at_once_in_both_directions() -> TestResult {
    let hive = Hive::new("bees")?;
    let (stays, removed) = (hive.node(1)?, hive.node(2)?);
    run(async {
        stays.greet(&removed).await?;
        removed.ask(&stays, Class::Bulk, "hello").await?;
        let open = removed.mesh.open(&stays.peer, Class::Bulk, PATIENCE).await?;
        let (mut sender, mut receiver) = open;
        sender.send("one".into()).await?;
        assert_eq!(receiver.receive().await?, Some("one".into()));
        let asked = stays.requests();

        stays.roster.set(id(2), Admission::Refused);
        assert_eq!(stays.mesh.close(id(2)), 2);
        assert!(stays.mesh.links().is_empty());
        let error = receiver.receive().await.unwrap_err();
        assert!(error.to_string().contains("was removed from the cluster"), "{error}");
        wait_until(PATIENCE, "both sides see it", || removed.mesh.links().is_empty());

        let error = removed.ask(&stays, Class::Control, "let me in").await.unwrap_err();
        assert!(matches!(error, MeshError::Refused { .. }), "{error}");
        assert!(!removed.mesh.datagram(&stays.peer, b"beacon"));
        assert!(!stays.mesh.datagram(&removed.peer, b"beacon"));
        assert_eq!(stays.requests(), asked);

        stays.roster.set(id(2), Admission::Member);
        wait_until(PATIENCE, "it is let in again", || run_greet(&removed, &stays));
        Ok(())
    })
}

/// From within a test's event loop, on another one.
fn run_greet(from: &crate::support::Node, to: &crate::support::Node) -> bool {
    std::thread::scope(|scope| scope.spawn(|| run(from.greet(to)).is_ok()).join().unwrap_or(false))
}

#[test]
fn a_removed_node_is_refused_by_what_it_sends_even_if_nobody_closed() -> TestResult {
    let hive = Hive::new("bees")?;
    let (stays, removed) = (hive.node(1)?, hive.node(2)?);
    run(async {
        removed.greet(&stays).await?;
        stays.roster.set(id(2), Admission::Refused);
        let error = removed.ask(&stays, Class::Control, "still here").await.unwrap_err();
        assert!(error.to_string().contains("not admitted"), "{error}");
        assert_eq!(stays.requests(), 1);
        assert!(stays.mesh.links().is_empty());
        Ok(())
    })
}
