//! Connections that end in unusual ways, or in great numbers.

use std::net::Shutdown;

use skep_tests::{PATIENCE, Server, TestResult, command, wait_until};
use socket2::SockRef;

use crate::support::{SLACK_BYTES, assert_bounded, assert_serves, info, resident_bytes};

#[test]
fn a_client_that_closes_its_sending_side_still_gets_its_replies() -> TestResult {
    let server = Server::skep(&[])?;
    let mut client = server.connect()?;
    client.send(&command(&["SET", "key", &"v".repeat(100_000)]))?;
    client.send(&command(&["GET", "key"]).repeat(20))?;
    client.stream().shutdown(Shutdown::Write)?;
    let heard = client.rest()?;
    let one = 100_000 + "$100000\r\n\r\n".len();
    assert_eq!(heard.len(), "+OK\r\n".len() + 20 * one);
    Ok(())
}

#[test]
fn a_reset_in_the_middle_of_a_command_frees_everything() -> TestResult {
    let server = Server::skep(&[])?;
    let mut neighbour = server.connect()?;
    assert_serves(&mut neighbour)?;
    let before = resident_bytes(&server)?;
    for round in 0..100 {
        let mut client = server.connect()?;
        client.ask(&["WATCH", "watched"])?;
        client.ask(&["SUBSCRIBE", "channel"])?;
        client.send(&[&b"*2\r\n$3\r\nGET\r\n$1000000\r\n"[..], &vec![b'x'; 200_000]].concat())?;
        // Closing with bytes unread, or with no time to linger, sends a reset.
        SockRef::from(client.stream()).set_linger(Some(std::time::Duration::ZERO))?;
        drop(client);
        if round % 10 == 0 {
            assert_serves(&mut neighbour)?;
        }
    }
    let mut seen = 0;
    wait_until(PATIENCE, "the connections to be gone", || {
        seen = info(&mut neighbour, "connected_clients").unwrap_or(u64::MAX);
        seen == 1
    });
    assert_eq!(neighbour.ask(&["PUBSUB", "CHANNELS"])?, b"*0\r\n");
    assert_bounded(&server, before, SLACK_BYTES)
}

#[test]
fn thousands_of_connections_come_and_go_without_a_trace() -> TestResult {
    let server = Server::skep(&[])?;
    let mut neighbour = server.connect()?;
    // A first wave, so that what is kept for later is there.
    for _ in 0..500 {
        server.connect()?.send(b"PING\r\n")?;
    }
    let before = resident_bytes(&server)?;
    for round in 0..3000 {
        let mut client = server.connect()?;
        match round % 3 {
            0 => drop(client),
            1 => client.send(b"*1\r\n$4\r\nPI")?,
            _ => assert_eq!(client.say("PING")?, r"+PONG\r\n"),
        }
    }
    wait_until(PATIENCE, "the connections to be gone", || {
        info(&mut neighbour, "connected_clients").is_ok_and(|count| count == 1)
    });
    assert_bounded(&server, before, SLACK_BYTES)?;
    assert_serves(&mut neighbour)
}
