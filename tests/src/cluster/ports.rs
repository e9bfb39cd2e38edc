//! Ports that a node keeps over its restarts.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::TestResult;

/// Below the ports that Linux gives to whoever asks for any: else a connection of another test could
/// have a node's port while the node is restarted.
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;
/// The usual distances, which redis-cli takes for granted.
const MESH: u16 = 10_000;
const BULK: u16 = 11_000;
/// Not the usual one, at which other nodes of tests may have their clients.
const ADMIN: u16 = 10_000;
/// More than there may be in use by others.
const TRIES_MAX: usize = 2_000;

/// The ports of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    /// TCP, for clients.
    pub(super) client: u16,
    /// UDP.
    pub(super) mesh: u16,
    /// UDP.
    pub(super) bulk: u16,
    /// TCP, for those who watch it.
    pub(super) admin: u16,
}

impl Ports {
    /// Three that nobody has now.
    pub(super) fn free() -> TestResult<Ports> {
        for _ in 0..TRIES_MAX {
            let client = next();
            let ports =
                Ports { client, mesh: client + MESH, bulk: client + BULK, admin: client + ADMIN };
            let is_free = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
            let is_free_tcp = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
            let are_free = is_free_tcp(client) && is_free_tcp(ports.admin);
            if are_free && is_free(ports.mesh) && is_free(ports.bulk) {
                return Ok(ports);
            }
        }
        Err(format!("no port from {FIRST} on is free").into())
    }
}

/// The next port; never the same twice in a process, and far from those of other processes.
fn next() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id().wrapping_mul(541);
    let step = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
    FIRST + (begin.wrapping_add(step) % u32::from(COUNT)) as u16
}
