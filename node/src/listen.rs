//! Listening sockets: one per address and worker, sharing the port by `SO_REUSEPORT`.
//!
//! The kernel spreads connections over them. With the option alone, a second process could share
//! our port and take half of our clients, so each address is first bound without it, which fails
//! if anybody listens there. Between that probe and our own sockets a second node could do the
//! same; so both happen under a lock named by the port, which the system frees when its holder
//! ends.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

/// How long to wait for another node that is just binding the same port.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
/// Time between attempts.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// What chooses the port of the clients.
const PORT: &str = "--port";

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", remedy(source, option))]
pub(crate) struct CannotBind {
    address: String,
    /// What chooses the port.
    option: &'static str,
    source: io::Error,
}

fn remedy(error: &io::Error, option: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("the port is in use; stop who uses it, or choose another with {option}")
        }
        io::ErrorKind::PermissionDenied => {
            format!("not allowed; choose a port above 1023 with {option}")
        }
        io::ErrorKind::AddrNotAvailable => {
            "this host does not have the address; choose others with --bind".to_owned()
        }
        _ => error.to_string(),
    }
}

/// What was bound.
pub(crate) struct Listeners {
    /// The sockets of each worker.
    pub(crate) of_workers: Vec<Vec<TcpListener>>,
    pub(crate) addresses: Vec<SocketAddr>,
}

/// Binds every address once per worker. An address written with a leading `-` may be missing on
/// this host, as in Redis.
pub(crate) fn bind(
    addresses: &[String],
    port: u16,
    backlog: u32,
    workers: usize,
) -> Result<Listeners, CannotBind> {
    let mut of_workers: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    let mut bound = Vec::new();
    let _lock = lock(port);
    for text in addresses {
        let (optional, text) = optional(text);
        let failed = |address: String| move |source| CannotBind { address, option: PORT, source };
        let address = resolve(text, port).map_err(failed(text.to_owned()))?;
        if bound.contains(&address) {
            continue;
        }
        if let Err(source) = open(address, 1, false) {
            if optional && source.kind() != io::ErrorKind::AddrInUse {
                continue;
            }
            return Err(CannotBind { address: address.to_string(), option: PORT, source });
        }
        for worker in &mut of_workers {
            worker.push(open(address, backlog, true).map_err(failed(address.to_string()))?);
        }
        bound.push(address);
    }
    if bound.is_empty() {
        let source = io::Error::from(io::ErrorKind::AddrNotAvailable);
        return Err(CannotBind { address: addresses.join(" "), option: PORT, source });
    }
    Ok(Listeners { of_workers, addresses: bound })
}

/// Keeps other nodes from binding the port at the same time. The name is one of this network
/// namespace, as the port is. Without the lock (somebody blocks it) we go on: it only closes a gap
/// of microseconds.
fn lock(port: u16) -> Option<UnixListener> {
    let name = UnixAddress::from_abstract_name(format!("skep listens on {port}")).ok()?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match UnixListener::bind_addr(&name) {
            Ok(lock) => return Some(lock),
            Err(_) if Instant::now() < deadline => std::thread::sleep(LOCK_POLL),
            Err(_) => return None,
        }
    }
}

/// Whether an address may be missing, and the address.
pub(crate) fn optional(text: &str) -> (bool, &str) {
    text.strip_prefix('-').map_or((false, text), |rest| (true, rest))
}

/// The address that `bind` names.
pub(crate) fn resolve(text: &str, port: u16) -> io::Result<SocketAddr> {
    let ip = match text {
        "*" => IpAddr::from([0, 0, 0, 0]),
        "::*" => IpAddr::from([0u16; 8]),
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        other => other.parse().map_err(|_| {
            let text = "not an IP address, '*', '::*' or 'localhost'";
            io::Error::new(io::ErrorKind::InvalidInput, text)
        })?,
    };
    Ok(SocketAddr::new(ip, port))
}

/// A socket that nobody shares; `option` is what chooses its port.
pub(crate) fn open_alone(
    address: SocketAddr,
    backlog: u32,
    option: &'static str,
) -> Result<TcpListener, CannotBind> {
    let failed = |source| CannotBind { address: address.to_string(), option, source };
    open(address, backlog, false).map_err(failed)
}

fn open(address: SocketAddr, backlog: u32, share: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_port(share)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
