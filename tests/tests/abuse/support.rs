//! What the abuse tests share: memory of the node, and another client that goes on.

use std::time::Duration;

use skep_tests::{Client, Server, TestResult};

/// Bytes in a mebibyte.
pub(crate) const MIB: u64 = 1 << 20;

/// A mistake may not cost more than this. Buffers, threads and the allocator's caches do.
pub(crate) const SLACK_BYTES: u64 = 48 * MIB;

/// The node's resident memory.
pub(crate) fn resident_bytes(server: &Server) -> TestResult<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix("kB")).ok_or("no VmRSS")?;
    Ok(kilobytes.trim().parse::<u64>()? * 1024)
}

/// Asserts that memory has not grown by more than `allowed` since it was `before`.
pub(crate) fn assert_bounded(server: &Server, before: u64, allowed: u64) -> TestResult {
    let after = resident_bytes(server)?;
    let grown = after.saturating_sub(before);
    assert!(grown <= allowed, "resident memory grew by {grown} bytes, {allowed} are allowed");
    Ok(())
}

/// Asserts that the node serves a client as ever.
pub(crate) fn assert_serves(client: &mut Client) -> TestResult {
    for _ in 0..20 {
        assert_eq!(client.ask(&["SET", "neighbour", "1"])?, b"+OK\r\n");
        assert_eq!(client.ask(&["INCR", "neighbour"])?, b":2\r\n");
    }
    Ok(())
}

/// Sends bytes on a new connection and returns all that comes until the node closes it.
pub(crate) fn last_words(server: &Server, bytes: &[u8]) -> TestResult<String> {
    let mut client = server.connect()?;
    client.send(bytes)?;
    Ok(client.rest()?.escape_ascii().to_string())
}

/// A field of INFO as a number.
pub(crate) fn info(client: &mut Client, field: &str) -> TestResult<u64> {
    let text = String::from_utf8(client.ask(&["INFO"])?)?;
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    Ok(value.ok_or_else(|| format!("no {field} in INFO"))?.trim().parse()?)
}

/// Writes until the peer takes no more for `patience`, or `most` bytes are written. Returns how
/// many were.
pub(crate) fn stuff(client: &Client, piece: &[u8], most: usize, patience: Duration) -> usize {
    use std::io::Write;
    let mut stream = client.stream();
    let mut written = 0;
    if stream.set_write_timeout(Some(patience)).is_err() {
        return 0;
    }
    while written < most {
        let from = written % piece.len();
        match stream.write(&piece[from..]) {
            Ok(0) | Err(_) => break,
            Ok(count) => written += count,
        }
    }
    written
}
