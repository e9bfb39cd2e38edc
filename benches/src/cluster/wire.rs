//! One connection that never waits long: a node may be stopped, cut off or dead.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::protocol::{Answer, Dialect, answer};

const READ_BYTES: usize = 16 << 10;
/// The longest page of the admin API that is read.
const PAGE_BYTES_MAX: u64 = 4 << 20;

/// See the module.
pub(super) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What a node answers to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A text, a number, a status.
    Text(String),
    /// An error.
    No(String),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nobody listens, or the connection ended.
    Gone,
    /// Nothing came in time.
    Late,
}

impl Wire {
    /// Connects; every later wait is bounded by `patience`, too.
    pub(super) fn connect(address: SocketAddr, patience: Duration) -> Result<Wire, Silence> {
        let stream = TcpStream::connect_timeout(&address, patience).map_err(|e| silence(&e))?;
        let set = || {
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(patience))?;
            stream.set_read_timeout(Some(patience))
        };
        set().map_err(|error| silence(&error))?;
        Ok(Wire { stream, received: Vec::new() })
    }

    /// Sends requests as they are.
    pub(super) fn send(&mut self, requests: &[u8]) -> Result<(), Silence> {
        self.stream.write_all(requests).map_err(|error| silence(&error))
    }

    /// The next answer.
    pub(super) fn receive(&mut self) -> Result<Said, Silence> {
        loop {
            match answer(Dialect::Resp, &self.received) {
                Ok(Some((found, length))) => {
                    let said = said(&found);
                    self.received.drain(..length);
                    return Ok(said);
                }
                Ok(None) => self.fill()?,
                // What is no answer is no reason to stay.
                Err(_) => return Err(Silence::Gone),
            }
        }
    }

    /// Sends one command and waits for its answer.
    pub(super) fn ask(&mut self, words: &[&str]) -> Result<Said, Silence> {
        self.send(&request(words))?;
        self.receive()
    }

    fn fill(&mut self) -> Result<(), Silence> {
        let mut bytes = [0; READ_BYTES];
        match self.stream.read(&mut bytes) {
            Ok(0) => Err(Silence::Gone),
            Ok(count) => {
                self.received.extend_from_slice(&bytes[..count]);
                Ok(())
            }
            Err(error) => Err(silence(&error)),
        }
    }
}

fn silence(error: &std::io::Error) -> Silence {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Silence::Late,
        _ => Silence::Gone,
    }
}

fn said(answer: &Answer<'_>) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match answer {
        Answer::Value { data, .. } => Said::Text(text(data)),
        Answer::Done(line) => Said::Text(text(line)),
        Answer::Refused(line) => Said::No(text(line)),
        Answer::Absent | Answer::End => Said::Text(String::new()),
    }
}

/// A command as bytes.
pub(super) fn request(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

/// One command on a connection of its own; an error of the node is an error.
pub(super) fn tell(address: SocketAddr, words: &[&str], patience: Duration) -> Result<String> {
    let refused = |what: &str| Error::new(format!("{address} to {}: {what}", words.join(" ")));
    let said = Wire::connect(address, patience).and_then(|mut wire| wire.ask(words));
    match said {
        Ok(Said::Text(text)) => Ok(text),
        Ok(Said::No(text)) => Err(refused(&text)),
        Err(Silence::Gone) => Err(refused("the connection ended")),
        Err(Silence::Late) => Err(refused("no answer in time")),
    }
}

/// The body of a page of the admin API.
pub(super) fn page(address: SocketAddr, path: &str, patience: Duration) -> Result<String> {
    let what = || format!("http://{address}{path}");
    let mut stream = TcpStream::connect_timeout(&address, patience).context(what())?;
    stream.set_read_timeout(Some(patience)).context(what())?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).context(what())?;
    let mut text = String::new();
    stream.take(PAGE_BYTES_MAX).read_to_string(&mut text).context(what())?;
    let (_, body) = text.split_once("\r\n\r\n").ok_or_else(|| Error::new(what()))?;
    Ok(body.to_owned())
}

/// A number of INFO.
pub(super) fn figure(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().parse().ok()
}
