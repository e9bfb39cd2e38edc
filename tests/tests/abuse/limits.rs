//! Limits that are configured.

use std::time::Duration;

use skep_tests::{PATIENCE, Server, TestResult, command, wait_until};

use crate::support::{
    MIB, SLACK_BYTES, assert_bounded, assert_serves, info, last_words, resident_bytes, stuff,
};

#[test]
fn a_client_too_many_is_told_so_and_one_that_leaves_makes_room() -> TestResult {
    let server = Server::skep(&["--maxclients", "3"])?;
    let mut clients = vec![server.connect()?, server.connect()?, server.connect()?];
    for client in &mut clients {
        assert_eq!(client.say("PING")?, r"+PONG\r\n");
    }
    let refused = server.connect()?.rest()?;
    assert_eq!(refused.escape_ascii().to_string(), r"-ERR max number of clients reached\r\n");
    clients.pop();
    let mut heard = String::new();
    wait_until(PATIENCE, "room for another client", || {
        let mut client = server.connect().expect("the port is open");
        heard = client.say("PING").unwrap_or_default();
        heard == r"+PONG\r\n"
    });
    assert_eq!(clients[0].say("PING")?, r"+PONG\r\n");
    Ok(())
}

#[test]
fn a_silent_client_is_disconnected_but_not_a_subscriber() -> TestResult {
    let server = Server::skep(&["--timeout", "1"])?;
    let mut subscriber = server.connect()?;
    subscriber.ask(&["SUBSCRIBE", "channel"])?;
    let mut silent = server.connect()?;
    assert_eq!(silent.say("PING")?, r"+PONG\r\n");
    assert_eq!(silent.rest()?, b"", "a client that is silent too long is told nothing");
    assert_eq!(server.connect()?.ask(&["PUBLISH", "channel", "still there"])?, b":1\r\n");
    assert!(subscriber.reply()?.ends_with(b"$11\r\nstill there\r\n"));
    Ok(())
}

#[test]
fn an_argument_longer_than_allowed_is_refused_before_it_is_sent() -> TestResult {
    let server = Server::skep(&["--proto-max-bulk-len", "1mb", "--proto-max-args", "16"])?;
    let bulk = r"-ERR Protocol error: invalid bulk length\r\n";
    assert_eq!(last_words(&server, b"*1\r\n$1048577\r\n")?, bulk);
    let multibulk = r"-ERR Protocol error: invalid multibulk length\r\n";
    assert_eq!(last_words(&server, b"*17\r\n")?, multibulk);
    let mut client = server.connect()?;
    assert_eq!(client.ask(&["SET", "key", &"v".repeat(1 << 20)])?, b"+OK\r\n");
    Ok(())
}

#[test]
fn more_unparsed_bytes_than_allowed_end_the_connection() -> TestResult {
    let server = Server::skep(&["--client-query-buffer-limit", "1mb"])?;
    let mut neighbour = server.connect()?;
    assert_serves(&mut neighbour)?;
    let before = resident_bytes(&server)?;
    let client = server.connect()?;
    let piece = [&b"*2\r\n$3\r\nGET\r\n$536870912\r\n"[..], &vec![b'x'; 8 << 20]].concat();
    let written = stuff(&client, &piece, 200 << 20, Duration::from_secs(2));
    assert!(written < 200 << 20, "all of it was taken");
    assert_bounded(&server, before, SLACK_BYTES)?;
    assert_serves(&mut neighbour)
}

#[test]
fn a_transaction_cannot_queue_more_than_the_query_buffer_may_hold() -> TestResult {
    let server = Server::skep(&["--client-query-buffer-limit", "1mb"])?;
    let mut client = server.connect()?;
    assert_eq!(client.say("MULTI")?, r"+OK\r\n");
    let before = resident_bytes(&server)?;
    let queued = command(&["SET", "key", &"v".repeat(100_000)]);
    let mut refused = 0;
    for _ in 0..200 {
        client.send(&queued)?;
        refused += u64::from(client.reply()?.starts_with(b"-"));
    }
    assert!(refused > 150, "only {refused} commands were refused");
    assert!(client.say("EXEC")?.starts_with("-EXECABORT"));
    assert_bounded(&server, before, SLACK_BYTES)
}

#[test]
fn a_slow_subscriber_is_cut_off_at_its_limit() -> TestResult {
    let limit = "normal 0 0 0 replica 0 0 0 pubsub 4mb 0 0";
    let server = Server::skep(&["--client-output-buffer-limit", limit])?;
    let mut publisher = server.connect()?;
    let mut slow = server.connect()?;
    slow.ask(&["SUBSCRIBE", "channel"])?;
    let mut quick = server.connect()?;
    quick.ask(&["SUBSCRIBE", "channel"])?;
    let before = resident_bytes(&server)?;
    let message = "m".repeat(100_000);
    let mut sent = 0;
    // What the kernel buffers for a socket is bounded; 100 MB is more than that.
    while publisher.ask(&["PUBLISH", "channel", &message])? != b":1\r\n" {
        quick.reply()?;
        sent += 1;
        assert!(sent < 1000, "the slow subscriber is still there after {sent} messages");
    }
    assert_bounded(&server, before, SLACK_BYTES)?;
    assert_serves(&mut publisher)?;
    assert_eq!(info(&mut publisher, "pubsub_clients").unwrap_or(1), 1);
    Ok(())
}

#[test]
fn a_client_that_never_reads_is_bounded_and_disturbs_nobody() -> TestResult {
    let server = Server::skep(&["--workers", "1"])?;
    let mut neighbour = server.connect()?;
    let value = vec![b'v'; 1 << 20];
    assert_eq!(neighbour.ask(&[&b"SET"[..], b"large", &value])?, b"+OK\r\n");
    let small = vec![b's'; 1000];
    assert_eq!(neighbour.ask(&[&b"SET"[..], b"small", &small])?, b"+OK\r\n");
    let before = resident_bytes(&server)?;
    let deaf: Vec<_> = (0..4).map(|_| server.connect()).collect::<TestResult<_>>()?;
    for (number, client) in deaf.iter().enumerate() {
        let key = if number % 2 == 0 { "large" } else { "small" };
        let piece = command(&["GET", key]).repeat(1000);
        stuff(client, &piece, 64 << 20, Duration::from_millis(300));
        assert_serves(&mut neighbour)?;
    }
    assert_bounded(&server, before, SLACK_BYTES + 32 * MIB)?;
    assert_serves(&mut neighbour)
}
