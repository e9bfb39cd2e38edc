//! Listening sockets: one per address and worker, sharing the port by `SO_REUSEPORT`.
//!
//! The kernel spreads connections over them. Before that, each address is bound once without the
//! option: with it, a second process could share our port and take half of our clients.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub(crate) struct CannotBind {
    address: String,
    source: io::Error,
}

impl CannotBind {
    /// Whether somebody else has the port.
    pub(crate) fn is_in_use(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

/// Binds every address once per worker. An address written with a leading `-` may be missing on
/// this host, as in Redis.
pub(crate) fn bind(
    addresses: &[String],
    port: u16,
    backlog: u32,
    workers: usize,
) -> Result<Vec<Vec<TcpListener>>, CannotBind> {
    let mut listeners: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for text in addresses {
        let (optional, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let failed = |source| CannotBind { address: format!("{text}:{port}"), source };
        let address = resolve(text, port).map_err(failed)?;
        if let Err(source) = open(address, 1, false) {
            let missing = source.kind() != io::ErrorKind::AddrInUse;
            if optional && missing {
                continue;
            }
            return Err(failed(source));
        }
        for worker in &mut listeners {
            worker.push(open(address, backlog, true).map_err(failed)?);
        }
    }
    Ok(listeners)
}

fn resolve(text: &str, port: u16) -> io::Result<SocketAddr> {
    let ip = match text {
        "*" => IpAddr::from([0, 0, 0, 0]),
        "::*" => IpAddr::from([0u16; 8]),
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        other => other.parse().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, "not an IP address, `*` or `localhost`")
        })?,
    };
    Ok(SocketAddr::new(ip, port))
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
