//! What is sent arrives.

use std::net::UdpSocket;
use std::time::Duration;

use bytes::Bytes;
use skep_mesh::{Class, MeshError, Peer};
use skep_tests::{PATIENCE, TestResult, wait_until};

use crate::support::{Hive, Node, event_loop, id, run};

#[test]
fn requests_of_every_class_and_size_are_answered() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        for class in Class::ALL {
            for size in [0, 1, 1_500, 100_000, class.frame_bytes_max()] {
                let frame = Bytes::from(vec![0x5a; size]);
                assert_eq!(one.ask(&two, class, frame.clone()).await?, frame);
                let (caller, seen, _) = two.echo.requests.lock().pop().unwrap();
                assert_eq!((caller.id, caller.is_member, seen), (id(1), true, class));
            }
        }
        Ok(())
    })
}

#[test]
fn a_request_that_fails_says_why_and_whether_it_may_have_run() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        let rejected = one.ask(&two, Class::Control, "reject").await.unwrap_err();
        assert!(rejected.to_string().ends_with("no such thing here"), "{rejected}");

        let long = vec![0; Class::Bulk.frame_bytes_max() + 1];
        let long = one.ask(&two, Class::Bulk, long).await.unwrap_err();
        assert!(matches!(long, MeshError::TooLong { .. }) && !long.may_have_run(), "{long}");

        let swollen = one.ask(&two, Class::Bulk, "swell").await.unwrap_err();
        assert!(matches!(swollen, MeshError::Rejected { .. }), "{swollen}");
        assert!(swollen.to_string().contains("at most 1048576 are allowed"), "{swollen}");

        let deadline = Duration::from_millis(50);
        let late = one.mesh.request(&two.peer, Class::Control, "wait".into(), deadline).await;
        let late = late.unwrap_err();
        assert!(matches!(late, MeshError::Deadline { was_sent: true, .. }), "{late}");
        assert!(late.may_have_run());
        // The connection goes on.
        one.greet(&two).await
    })
}

#[test]
fn a_stream_carries_frames_in_order_both_ways_until_it_ends() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        let (mut sender, mut receiver) = one.mesh.open(&two.peer, Class::Bulk, PATIENCE).await?;
        let sizes = (0..200).map(|at| at * at * 3 % 70_000);
        let frames: Vec<Bytes> = sizes.map(|size| vec![size as u8; size].into()).collect();
        let send = async {
            for (at, frame) in frames.iter().cloned().enumerate() {
                match at % 3 {
                    0 => sender.send(frame).await?,
                    _ => sender.feed(frame).await?,
                }
            }
            sender.finish().await
        };
        let receive = async {
            let mut seen = Vec::new();
            while let Some(frame) = receiver.receive().await? {
                seen.push(frame);
            }
            Ok(seen)
        };
        let ((), seen) = tokio::try_join!(send, receive)?;
        assert!(seen == frames, "{} frames of {}", seen.len(), frames.len());
        Ok(())
    })
}

#[test]
fn a_frame_given_up_half_way_tears_its_stream_and_no_other() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        let (mut sender, mut receiver) = one.mesh.open(&two.peer, Class::Bulk, PATIENCE).await?;
        let frame = Bytes::from(vec![1; Class::Bulk.frame_bytes_max()]);
        // Nobody reads the echo, so sooner or later a frame does not fit any more.
        let mut sent = 0;
        let pause = Duration::from_millis(200);
        while tokio::time::timeout(pause, sender.send(frame.clone())).await.is_ok() {
            sent += 1;
            assert!(sent < 1_000, "there is no back-pressure");
        }
        let error = sender.send(frame).await.unwrap_err();
        assert!(error.to_string().contains("given up half-way"), "{error}");
        drop(sender);
        while let Ok(Some(_)) = receiver.receive().await {}
        assert_eq!(one.links_to(&two), 1);
        one.ask(&two, Class::Bulk, "hello").await?;
        Ok(())
    })
}

#[test]
fn datagrams_arrive_once_there_is_a_connection() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    assert!(!one.mesh.datagram(&two.peer, b"too early"), "nothing was connected yet");
    wait_until(PATIENCE, "a datagram dials", || one.mesh.datagram(&two.peer, b"beacon"));
    let beacon = (id(1), Bytes::from("beacon"));
    wait_until(PATIENCE, "a datagram arrives", || {
        two.echo.datagrams.lock().contains(&beacon) || {
            one.mesh.datagram(&two.peer, b"beacon");
            false
        }
    });
    assert!(!one.mesh.datagram(&two.peer, &[0; 70_000]), "longer than a packet");
    Ok(())
}

#[test]
fn many_who_need_a_node_at_once_share_one_connection_per_channel() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        let mut requests = tokio::task::JoinSet::new();
        for at in 0..60 {
            let (mesh, peer) = (one.mesh.clone(), two.peer);
            let class = Class::ALL[at % 3];
            requests.spawn(async move { mesh.request(&peer, class, "a".into(), PATIENCE).await });
        }
        while let Some(reply) = requests.join_next().await {
            assert_eq!(reply??, "a");
        }
        assert_eq!((one.links_to(&two), two.links_to(&one)), (2, 2));
        // And the other side asks on them too.
        two.greet(&one).await?;
        assert_eq!((one.links_to(&two), two.links_to(&one)), (2, 2));
        Ok(())
    })
}

#[test]
fn a_node_that_is_not_there_is_told_of_and_found_when_it_comes() -> TestResult {
    let hive = Hive::new("bees")?;
    let one = hive.node(1)?;
    let deaf = [UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?];
    let [control, bulk] = [deaf[0].local_addr()?, deaf[1].local_addr()?];
    let peer = Peer { id: id(2), control, bulk };
    run(async {
        let error = one.mesh.request(&peer, Class::Control, "a".into(), PATIENCE).await;
        let error = error.unwrap_err();
        assert!(matches!(error, MeshError::Unreachable { .. }), "{error}");
        // The next to ask is told at once, without a packet.
        let again = one.mesh.request(&peer, Class::Control, "a".into(), PATIENCE).await;
        assert_eq!(again, Err(error));
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    drop(deaf);
    let files = hive.issue(2)?;
    let two = Node::start_at(files, None, &control.to_string(), &bulk.to_string())?;
    wait_until(PATIENCE, "the node is found", || run(one.greet(&two)).is_ok());
    Ok(())
}

#[test]
fn another_run_of_a_node_takes_the_place_of_the_one_before() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, before) = (hive.node(1)?, hive.node(2)?);
    let files = hive.issue(2)?;
    let after = Node::start(files, None)?;
    run(async {
        before.greet(&one).await?;
        after.greet(&one).await?;
        assert_eq!(one.links_to(&after), 1);
        // The address is that of the run before, the connection that of the one that lives.
        one.ask(&before, Class::Control, "to whom?").await?;
        assert_eq!((before.requests(), after.requests()), (0, 1));
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    wait_until(PATIENCE, "the run before is let go", || before.mesh.links().is_empty());
    Ok(())
}

#[test]
fn a_node_that_was_killed_and_restarted_says_that_it_knows_nothing_of_before() -> TestResult {
    let hive = Hive::new("bees")?;
    let one = hive.node(1)?;
    let files = hive.issue(2)?;
    let (kill, killed) = tokio::sync::watch::channel(());
    let loops = [(); 2].map(|()| {
        let mut killed = killed.clone();
        event_loop(async move { killed.changed().await.unwrap_or(()) })
    });
    let (any, handles) = ("127.0.0.1:0", [loops[0].0.clone(), loops[1].0.clone()]);
    let before = Node::start_on(&handles, files.clone(), None, any, any)?;
    let (_sender, mut receiver) = run(one.mesh.open(&before.peer, Class::Bulk, PATIENCE))?;
    kill.send(())?;
    let [control, bulk] = [before.peer.control, before.peer.bulk].map(|place| place.to_string());
    for (_, thread) in loops {
        thread.join().map_err(|_| "an event loop panicked")?;
    }
    // Nothing drives it any more, so it cannot say goodbye.
    drop(before);
    let after = Node::start_at(files, None, &control, &bulk)?;
    // Long before the connection would be given up for its silence.
    let error = run(receiver.receive()).unwrap_err();
    assert!(error.to_string().contains("reset by peer"), "{error}");
    run(one.greet(&after))
}

#[test]
fn a_node_that_stops_says_so() -> TestResult {
    let hive = Hive::new("bees")?;
    let (one, two) = (hive.node(1)?, hive.node(2)?);
    run(async {
        one.greet(&two).await?;
        let (_sender, mut receiver) = one.mesh.open(&two.peer, Class::Control, PATIENCE).await?;
        two.mesh.stop().await;
        let error = receiver.receive().await.unwrap_err();
        assert!(error.to_string().contains("this node is stopping"), "{error}");
        Ok(())
    })
}
