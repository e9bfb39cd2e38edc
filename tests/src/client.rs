//! A connection in raw bytes: what the test sends is what goes out, and a reply is the bytes that
//! came, so that tests can compare them to the byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::{PATIENCE, TestResult, frame_len};

/// Read from the socket at a time.
const READ_BYTES: usize = 64 << 10;

/// A request as an array of bulk strings.
pub fn command<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        let argument = argument.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// See the module.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    /// What was received and not yet given back.
    received: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(address: SocketAddr) -> TestResult<Client> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { stream, received: Vec::new() })
    }

    /// The socket, for what only it can do (half close, ports, buffer sizes).
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is gone, or the peer has not read for a long time.
    pub fn send(&mut self, bytes: &[u8]) -> TestResult {
        Ok(self.stream.write_all(bytes)?)
    }

    /// Sends one command and returns its reply.
    ///
    /// # Errors
    /// As [`Client::send`] and [`Client::reply`].
    pub fn ask<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> TestResult<Vec<u8>> {
        self.send(&command(arguments))?;
        self.reply()
    }

    /// Sends the words of a line as one command and returns its reply, made readable: ASCII with
    /// escapes. For replies that are compared with a literal.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn say(&mut self, line: &str) -> TestResult<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(self.ask(&words)?.escape_ascii().to_string())
    }

    /// The next whole reply or push message.
    ///
    /// # Errors
    /// When none comes, the connection ends, or what comes is no reply: with what did come.
    pub fn reply(&mut self) -> TestResult<Vec<u8>> {
        self.reply_within(PATIENCE)?.ok_or_else(|| self.complaint("no whole reply"))
    }

    /// The next whole reply or push message, or `None` if there is none by the deadline.
    ///
    /// # Errors
    /// When the connection ends before, or what comes is no reply.
    pub fn reply_within(&mut self, deadline: Duration) -> TestResult<Option<Vec<u8>>> {
        let end = Instant::now() + deadline;
        loop {
            match frame_len(&self.received) {
                Ok(Some(len)) => return Ok(Some(self.received.drain(..len).collect())),
                Ok(None) => {}
                Err(malformed) => return Err(self.complaint(&malformed.to_string())),
            }
            match self.receive(end)? {
                Received::Bytes => {}
                Received::Nothing => return Ok(None),
                Received::End => return Err(self.complaint("the connection ended")),
            }
        }
    }

    /// Waits until the server closes the connection and returns all that it sent before.
    ///
    /// # Errors
    /// When it does not close it.
    pub fn rest(&mut self) -> TestResult<Vec<u8>> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.receive(end)? {
                Received::Bytes => {}
                Received::Nothing => return Err(self.complaint("the connection stays open")),
                Received::End => return Ok(std::mem::take(&mut self.received)),
            }
        }
    }

    fn receive(&mut self, end: Instant) -> TestResult<Received> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Received::Nothing);
        }
        self.stream.set_read_timeout(Some(left))?;
        let filled = self.received.len();
        self.received.resize(filled + READ_BYTES, 0);
        let read = self.stream.read(&mut self.received[filled..]);
        self.received.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Ok(Received::End),
            Ok(_) => Ok(Received::Bytes),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(Received::Nothing),
                ErrorKind::Interrupted => Ok(Received::Bytes),
                // The server closed while bytes of ours were on their way.
                ErrorKind::ConnectionReset => Ok(Received::End),
                _ => Err(error.into()),
            },
        }
    }

    fn complaint(&self, what: &str) -> Box<dyn std::error::Error> {
        let len = self.received.len();
        let shown = self.received[..len.min(400)].escape_ascii();
        format!("{what}; {len} bytes received: \"{shown}\"").into()
    }
}

enum Received {
    Bytes,
    Nothing,
    End,
}
