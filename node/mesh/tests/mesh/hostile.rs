//! Peers that break the rules, with and without a certificate.

use std::net::UdpSocket;

use skep_mesh::Class;
use skep_tests::TestResult;

use crate::intruder::{HELLO, Intruder, REQUEST, VERSION, frame, hello};
use crate::support::{Hive, Node, id, run};

/// A node that serves, one that asks it, and what an intruder needs.
struct Scene {
    hive: Hive,
    node: Node,
    friend: Node,
}

impl Scene {
    fn new() -> TestResult<Scene> {
        let hive = Hive::new("bees")?;
        let (node, friend) = (hive.node(1)?, hive.node(2)?);
        Ok(Scene { hive, node, friend })
    }

    async fn intruder(&self) -> TestResult<Intruder> {
        Intruder::connect(&self.hive.issue(9)?, self.node.peer.control).await
    }

    /// Everybody else is served as before.
    async fn goes_on(&self) -> TestResult {
        self.friend.greet(&self.node).await?;
        self.friend.ask(&self.node, Class::Bulk, "hello").await?;
        assert_eq!(self.node.links_to(&self.friend), 2);
        Ok(())
    }
}

#[test]
fn a_frame_that_is_too_long_closes_the_connection_before_it_arrives() -> TestResult {
    let scene = Scene::new()?;
    run(async {
        scene.goes_on().await?;
        let intruder = scene.intruder().await?;
        intruder.introduce(id(9)).await?;
        let (mut send, _receive) = intruder.connection.open_bi().await?;
        // Six bytes of a gigabyte. The stream stays open, so that only its length can tell.
        send.write_all(&[VERSION, REQUEST, 0x40, 0, 0, 0]).await?;
        let words = intruder.closed().await;
        assert!(words.contains("1073741824 bytes, at most 8388608"), "{words}");
        scene.goes_on().await
    })
}

#[test]
fn what_is_not_a_frame_closes_the_connection() -> TestResult {
    let scene = Scene::new()?;
    let noise: Vec<u8> = (0..4_000_u32).map(|at| (at.wrapping_mul(at * 31) >> 5) as u8).collect();
    let bulk = frame(REQUEST | 1, b"on the wrong connection");
    let cases: [(&[u8], &str); 6] = [
        (&noise, "frame version"),
        (b"GET / HTTP/1.1\r\n\r\n", "frame version 71"),
        (&[VERSION, 0xff, 0, 0, 0, 0], "frame kind 0xff"),
        (&[VERSION, 0x30, 0, 0, 0, 0], "a frame of kind 0x30 where none"),
        (&bulk, "a frame of kind 0x21 where none"),
        (&hello(id(9), "bees"), "a frame of kind 0x10 where none"),
    ];
    run(async {
        for (bytes, expected) in cases {
            let intruder = scene.intruder().await?;
            intruder.introduce(id(9)).await?;
            let sent = intruder.send(bytes).await;
            let words = intruder.closed().await;
            assert!(words.contains(expected), "{words}, {sent:?}");
        }
        assert_eq!(scene.node.requests(), 0);
        scene.goes_on().await
    })
}

#[test]
fn who_does_not_begin_with_a_hello_is_nobody() -> TestResult {
    let scene = Scene::new()?;
    let long = frame(HELLO, &[b'a'; 256]);
    let cases: [(&[u8], &str); 6] = [
        (&frame(REQUEST, b"at once"), "a frame of kind 0x20 where none"),
        (&[0; 64], "frame version 0"),
        (&frame(HELLO, b"short"), "a HELLO of 5 bytes"),
        (&[VERSION, HELLO, 0, 0, 1, 1], "257 bytes, at most 256"),
        (&long, "a HELLO of"),
        (b"", "a HELLO of 0 bytes"),
    ];
    run(async {
        for (bytes, expected) in cases {
            let intruder = scene.intruder().await?;
            let sent = intruder.send(bytes).await;
            let words = intruder.closed().await;
            assert!(words.contains(expected), "{words}, {sent:?}");
        }
        // Who says nothing at all is not waited for.
        let mute = scene.intruder().await?;
        let words = mute.closed().await;
        assert!(words.contains("closed by peer"), "{words}");
        assert!(scene.node.mesh.links().is_empty());
        assert_eq!(scene.node.requests(), 0);
        scene.goes_on().await
    })
}

#[test]
fn a_datagram_that_is_not_ours_closes_the_connection() -> TestResult {
    let scene = Scene::new()?;
    run(async {
        for (bytes, expected) in [(&b"noise"[..], "frame version 110"), (b"", "frame version 0")] {
            let intruder = scene.intruder().await?;
            intruder.introduce(id(9)).await?;
            intruder.connection.send_datagram(bytes.into())?;
            let words = intruder.closed().await;
            assert!(words.contains(expected), "{words}");
        }
        assert!(scene.node.echo.datagrams.lock().is_empty());
        scene.goes_on().await
    })
}

#[test]
fn packets_from_nobody_disturb_nobody() -> TestResult {
    let scene = Scene::new()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    for size in 0..1_000_u32 {
        let noise: Vec<u8> =
            (0..size).map(|at| (at.wrapping_mul(size * 2_654_435) >> 7) as u8).collect();
        socket.send_to(&noise, scene.node.peer.control)?;
        socket.send_to(&noise, scene.node.peer.bulk)?;
    }
    run(scene.goes_on())
}
