//! Bytes from a server, with an end: of time and of length, for each reply.
//!
//! A timeout of the socket's own is for each read, so that a peer who sends a byte now and then is
//! waited for without end; here the wait is for the whole reply.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Bytes of one reply that are taken: far more than INFO, CLUSTER NODES or a line of MONITOR has.
pub(super) const REPLY_BYTES_MAX: usize = 64 << 20;

/// A connection to a server.
pub(super) struct Stream {
    inner: TcpStream,
    /// When the reply has to be there.
    end: Instant,
    /// Bytes of it that may still come.
    left_bytes: usize,
}

impl Stream {
    /// Connects to the first address of a host that takes the connection, each within `timeout`.
    ///
    /// # Errors
    /// The last address's refusal, or that there is none.
    pub(super) fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<Stream> {
        let mut refusal =
            io::Error::new(io::ErrorKind::AddrNotAvailable, "the host has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(inner) => {
                    inner.set_nodelay(true)?;
                    inner.set_write_timeout(Some(timeout))?;
                    return Ok(Stream { inner, end: Instant::now(), left_bytes: 0 });
                }
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// When the peer does not take it.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)
    }

    /// Begins to wait for a reply, until then.
    pub(super) fn expect(&mut self, end: Instant) {
        self.end = end;
        self.left_bytes = REPLY_BYTES_MAX;
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left_bytes == 0 {
            let text =
                format!("a reply longer than the {} MB that are read", REPLY_BYTES_MAX >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        let most = buffer.len().min(self.left_bytes);
        loop {
            let left = self.end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.inner.set_read_timeout(Some(left))?;
            match self.inner.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.left_bytes -= count;
                    return Ok(count);
                }
            }
        }
    }
}
