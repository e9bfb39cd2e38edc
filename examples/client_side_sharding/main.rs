//! Finds the node of a key from a ring document, without asking for every key.
//!
//! ```text
//! client-side-sharding SOURCE KEY...
//! ```
//! SOURCE is a node as `host:port`, which is asked `CLUSTER RING`, or a file that holds its answer.
//! Nothing is used but std and serde_json. `README.md` says what is in the document.

mod ring;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use ring::{Placement, Ring, Shard, slot_of};

const HEAD_BYTES_MAX: u64 = 1024;
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let (source, keys) = (words.next(), words.map(OsString::into_vec).collect::<Vec<_>>());
    let (Some(source), false) = (source, keys.is_empty()) else {
        eprintln!("usage: client-side-sharding host:port|FILE KEY...");
        return ExitCode::from(2);
    };
    match load(&source.to_string_lossy()) {
        Ok(ring) => {
            println!("topology version {}", ring.topology_version);
            keys.iter().for_each(|key| println!("{}", told(&ring, key)));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("client-side-sharding: {error}");
            ExitCode::FAILURE
        }
    }
}

fn told(ring: &Ring, key: &[u8]) -> String {
    let (slot, name) = (slot_of(key), String::from_utf8_lossy(key));
    if let Some(shard) = ring.shard_of(key) {
        let Shard { id, primary, host, port, .. } = shard;
        return format!("{name}: slot {slot}, {host}:{port}, node {primary} of shard {id}");
    }
    let placed = Placement::new(ring);
    let placed = placed.as_ref().map_or("no shard", |placement| placement.shard_of_slot(slot));
    format!("{name}: slot {slot}, nobody; CLUSTER PLACE would give it to {placed}")
}

/// The ring from a file, or from the node at `host:port`.
fn load(source: &str) -> Result<Ring, String> {
    let bytes = match Path::new(source).exists() {
        true => std::fs::read(source).map_err(|error| format!("{source}: {error}"))?,
        false => ask(source)?,
    };
    let document =
        serde_json::from_slice(&bytes).map_err(|error| format!("no ring document: {error}"))?;
    Ring::parse(&document)
}

/// What a node answers to `CLUSTER RING`.
fn ask(address: &str) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let first = address.to_socket_addrs().map_err(failed)?.next();
    let first = first.ok_or_else(|| format!("{address} has no address"))?;
    let mut connection = TcpStream::connect_timeout(&first, PATIENCE).map_err(failed)?;
    connection.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    connection.write_all(b"*2\r\n$7\r\nCLUSTER\r\n$4\r\nRING\r\n").map_err(failed)?;
    let mut replies = BufReader::new(connection);
    let mut head = String::new();
    replies.by_ref().take(HEAD_BYTES_MAX).read_line(&mut head).map_err(failed)?;
    let length = head.trim_end().strip_prefix('$').and_then(|length| length.parse().ok());
    let length: u64 = length
        .filter(|length| *length <= DOCUMENT_BYTES_MAX)
        .ok_or_else(|| format!("{address} answered {:?}", head.trim_end()))?;
    let mut bytes = Vec::new();
    replies.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
