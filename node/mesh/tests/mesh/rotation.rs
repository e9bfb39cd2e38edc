//! New certificates and authorities while everything runs.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use skep_mesh::{Class, MeshError, authority};
use skep_tests::{PATIENCE, TestResult, wait_until};

use crate::support::{Hive, Node, id, run};

/// Requests one after the other, from a thread of its own, until told to end.
struct Load {
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    thread: JoinHandle<Result<(), MeshError>>,
}

impl Load {
    fn begin(from: &Node, to: &Node) -> Load {
        let (is_over, answered) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let (mesh, peer) = (from.mesh.clone(), to.peer);
        let (over, count) = (is_over.clone(), answered.clone());
        let thread = std::thread::spawn(move || {
            run(async {
                while !over.load(Ordering::Relaxed) {
                    for class in Class::ALL {
                        mesh.request(&peer, class, vec![1; 2_000].into(), PATIENCE).await?;
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(())
            })
        });
        Load { is_over, answered, thread }
    }

    /// Waits until some more requests have been answered.
    fn go_on(&self) {
        let goal = self.answered.load(Ordering::Relaxed) + 6;
        wait_until(PATIENCE, "requests are answered", || {
            assert!(!self.thread.is_finished(), "a request failed");
            self.answered.load(Ordering::Relaxed) >= goal
        });
    }

    fn end(self) -> TestResult {
        self.is_over.store(true, Ordering::Relaxed);
        Ok(self.thread.join().map_err(|_| "the load panicked")??)
    }
}

#[test]
fn a_new_certificate_disturbs_no_request_and_is_used_from_then_on() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    let old = [&one, &two].map(|node| node.mesh.credentials().shown().fingerprint);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(one.ask(&two, Class::Control, "wait")));
        two.wait_for_requests(1);
        for (number, node) in [(1, &one), (2, &two)] {
            assert!(!node.mesh.reload()?, "nothing has changed yet");
            hive.issue(number)?;
            assert!(node.mesh.reload()?, "it has changed");
        }
        two.echo.gate.add_permits(1);
        let reply = waiting.join().map_err(|_| "the request panicked")?;
        assert_eq!(reply?, "wait");
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    let new = [&one, &two].map(|node| node.mesh.credentials().shown().fingerprint);
    assert!(new[0] != old[0] && new[1] != old[1]);
    // The next handshake shows the new ones.
    two.mesh.close(id(1));
    wait_until(PATIENCE, "they part", || one.mesh.links().is_empty());
    run(one.greet(&two))
}

#[test]
fn a_new_authority_disturbs_no_request_and_ends_the_trust_in_the_oldest() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    // A copy of what the first authority signed, for later.
    let stolen = hive.directory().with_file_name("stolen.pem");
    let files = hive.issue(3)?;
    fs::copy(&files.certificate, &stolen)?;
    let load = Load::begin(&one, &two);
    load.go_on();

    for turn in 1..=2 {
        authority::rotate(&hive.directory())?;
        for (at, node) in [&one, &two].into_iter().enumerate() {
            // Half of the nodes know the new authority, and nobody uses it yet.
            assert!(node.mesh.reload()?, "turn {turn}, node {at}: the roots have changed");
            load.go_on();
        }
        for (number, node) in [(1, &one), (2, &two)] {
            hive.issue(number)?;
            assert!(node.mesh.reload()?, "turn {turn}: a certificate of the new authority");
            load.go_on();
        }
        // A handshake under the new authority, beside the old connections.
        let guest = hive.node(3)?;
        run(guest.greet(&two))?;
        guest.mesh.close(id(2));
    }
    load.end()?;

    let files = hive.issue(3)?;
    fs::copy(&stolen, &files.certificate)?;
    let error = Node::start(files, None).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("would refuse this node's certificate"), "{error}");
    Ok(())
}

#[test]
fn files_that_are_of_no_use_change_nothing() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    let files = hive.issue(1)?;
    one.mesh.reload()?;
    let right = fs::read(&files.certificate)?;
    let before = one.mesh.credentials().shown();
    let theirs = fs::read(hive.issue(2)?.certificate)?;
    let strangers = fs::read(Hive::new("bees")?.issue(1)?.certificate)?;
    for (wrong, words) in [
        (&b"garbage"[..], "node.pem"),
        (&right[..right.len() / 2], "node.pem"),
        (&theirs, "but this node is spiffe://bees/node/0101"),
        (&strangers, "would refuse this node's certificate"),
    ] {
        fs::write(&files.certificate, wrong)?;
        let error = one.mesh.reload().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(one.mesh.reload_error(), Some(error));
        assert_eq!(one.mesh.credentials().shown(), before);
        two.mesh.close(id(1));
        wait_until(PATIENCE, "they part", || one.mesh.links().is_empty());
        run(one.greet(&two))?;
    }
    fs::write(&files.certificate, right)?;
    one.mesh.reload()?;
    assert_eq!(one.mesh.reload_error(), None);
    Ok(())
}

#[test]
fn changed_files_are_found_without_being_told() -> TestResult {
    let hive = Hive::new("bees")?;
    let node = Node::start(hive.issue(1)?, Some(Duration::from_millis(10)))?;
    let before = node.mesh.credentials().shown();
    let files = hive.issue(1)?;
    wait_until(PATIENCE, "the new certificate is found", || {
        node.mesh.credentials().shown() != before
    });
    fs::write(&files.roots, "garbage")?;
    wait_until(PATIENCE, "the spoiled file is told of", || node.mesh.reload_error().is_some());
    Ok(())
}
