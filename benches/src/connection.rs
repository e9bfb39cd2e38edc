//! One blocking connection: to fill a server, to ask it about itself, to replay a trace.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::protocol::{Answer, Dialect, answer};

/// A server that says nothing for so long is given up.
const ANSWER_SECONDS_MAX: u64 = 60;
const READ_BYTES: usize = 256 << 10;
/// Longer statistics are taken for endless.
const INFO_LINES_MAX: usize = 10_000;

/// A connection with its answers read so far.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    dialect: Dialect,
    buffer: Vec<u8>,
    start: usize,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(address: SocketAddr, dialect: Dialect) -> Result<Connection> {
        let stream = TcpStream::connect(address).context(format!("connecting to {address}"))?;
        stream.set_nodelay(true).context("TCP_NODELAY")?;
        let timeout = Some(Duration::from_secs(ANSWER_SECONDS_MAX));
        stream.set_read_timeout(timeout).context("read timeout")?;
        stream.set_write_timeout(timeout).context("write timeout")?;
        Ok(Connection { stream, dialect, buffer: Vec::new(), start: 0 })
    }

    /// Sends requests. What is outstanding must be small enough for the sockets' buffers.
    pub(crate) fn send(&mut self, requests: &[u8]) -> Result<()> {
        self.stream.write_all(requests).context("sending requests")
    }

    /// Reads answers until `take` says it has seen its last.
    pub(crate) fn receive(
        &mut self,
        mut take: impl FnMut(Answer<'_>) -> Result<Progress>,
    ) -> Result<()> {
        loop {
            while let Some((answer, length)) = answer(self.dialect, &self.buffer[self.start..])? {
                let progress = take(answer)?;
                self.start += length;
                if progress == Progress::Finished {
                    return Ok(());
                }
            }
            self.fill()?;
        }
    }

    /// Reads `count` answers which must all be a plain "done", or accepted by `excuse`.
    pub(crate) fn receive_done(
        &mut self,
        count: usize,
        mut excuse: impl FnMut(&[u8]) -> bool,
    ) -> Result<()> {
        let mut missing = count;
        if missing == 0 {
            return Ok(());
        }
        self.receive(|answer| {
            match answer {
                Answer::Done(_) => {}
                Answer::Refused(text) if excuse(text) => {}
                other => return Err(unexpected(&other)),
            }
            missing -= 1;
            Ok(if missing == 0 { Progress::Finished } else { Progress::More })
        })
    }

    /// One number the server tells about itself: a field of `INFO` or of `stats`.
    pub(crate) fn figure(&mut self, name: &str) -> Result<Option<u64>> {
        match self.dialect {
            Dialect::Resp => {
                self.send(b"INFO\r\n")?;
                let mut figure = None;
                self.receive(|answer| match answer {
                    Answer::Value { data, .. } => {
                        figure = info_field(data, name);
                        Ok(Progress::Finished)
                    }
                    other => Err(unexpected(&other)),
                })?;
                Ok(figure)
            }
            Dialect::Memcached => {
                self.send(b"stats\r\n")?;
                let (mut figure, prefix) = (None, format!("STAT {name} "));
                let mut lines = 0;
                self.receive(|answer| {
                    lines += 1;
                    match answer {
                        Answer::Done(line) if lines < INFO_LINES_MAX => {
                            let line = String::from_utf8_lossy(line);
                            let value = line.strip_prefix(&prefix).map(str::parse);
                            figure = figure.or(value.and_then(|value| value.ok()));
                            Ok(Progress::More)
                        }
                        Answer::End => Ok(Progress::Finished),
                        other => Err(unexpected(&other)),
                    }
                })?;
                Ok(figure)
            }
        }
    }

    /// The number of items the server holds.
    pub(crate) fn item_count(&mut self) -> Result<u64> {
        let mut count = None;
        match self.dialect {
            Dialect::Memcached => count = self.figure("curr_items")?,
            Dialect::Resp => {
                self.send(b"*1\r\n$6\r\nDBSIZE\r\n")?;
                self.receive(|answer| match answer {
                    Answer::Done(digits) => {
                        count = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
                        Ok(Progress::Finished)
                    }
                    other => Err(unexpected(&other)),
                })?;
            }
        }
        count.ok_or_else(|| Error::new("the server does not tell how many items it holds"))
    }

    fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let old = self.buffer.len();
        self.buffer.resize(old + READ_BYTES, 0);
        let result = self.stream.read(&mut self.buffer[old..]);
        self.buffer.truncate(old + *result.as_ref().unwrap_or(&0));
        match result.context("reading answers")? {
            0 => Err(Error::new("the server closed the connection")),
            _ => Ok(()),
        }
    }
}

/// Whether more answers are awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Yes.
    More,
    /// That was the last.
    Finished,
}

/// An answer that does not fit the question.
#[cold]
pub(crate) fn unexpected(answer: &Answer<'_>) -> Error {
    let (kind, text) = match answer {
        Answer::Value { data, .. } => ("a value", *data),
        Answer::Absent => ("no value", &b""[..]),
        Answer::End => ("the end", &b""[..]),
        Answer::Done(text) => ("a status", *text),
        Answer::Refused(text) => ("an error", *text),
    };
    let shown = &text[..text.len().min(80)];
    Error::new(format!("unexpected answer: {kind} {}", shown.escape_ascii()))
}

fn info_field(text: &[u8], name: &str) -> Option<u64> {
    let text = String::from_utf8_lossy(text);
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = b"# Memory\r\nused_memory_human:1M\r\nused_memory:123\r\n";
        assert_eq!(info_field(text, "used_memory"), Some(123));
        assert_eq!(info_field(text, "used"), None);
        assert_eq!(info_field(text, "used_memory_human"), None);
    }
}
