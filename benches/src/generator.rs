//! The load: connections that each keep one pipeline of requests under way, and check every reply.
//!
//! Closed loop: a connection sends its next batch when the last answer of the one before has
//! come. One thread, one epoll instance, nothing allocated while it runs, so that the load costs
//! less than any server it is put on.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::connection::unexpected;
use crate::error::{Context, Error, Result};
use crate::protocol::{Answer, Dialect, Encoder, answer};
use crate::workload::{Key, SplitMix, is_value_of, key};

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Reads a key that exists.
    Get,
    /// Writes a key that exists, with a value of the same size.
    Set,
}

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// After a time.
    After(Duration),
    /// After so many operations.
    Operations(u64),
}

/// A load.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// The server's language.
    pub(crate) dialect: Dialect,
    /// Many keys in one `get`, where the language can.
    pub(crate) has_multiget: bool,
    /// Whether values are checked beyond their length; a parse-only server has but one value.
    pub(crate) checks_content: bool,
    /// Read or write.
    pub(crate) operation: Operation,
    /// The length of every value.
    pub(crate) value_bytes: usize,
    /// Requests in a batch.
    pub(crate) pipeline: usize,
    /// Connections.
    pub(crate) connections: usize,
    /// Keys loaded before.
    pub(crate) key_count: u64,
    /// Each connection has its own share of the keys.
    pub(crate) keys_are_disjoint: bool,
    /// The key sequence.
    pub(crate) seed: u64,
    /// Time before measuring begins.
    pub(crate) warm_up: Duration,
    /// When measuring ends.
    pub(crate) stop: Stop,
}

/// What a run did while it was measured.
#[derive(Debug)]
pub(crate) struct Measured<P> {
    /// Operations completed.
    pub(crate) operations: u64,
    /// The time it took.
    pub(crate) seconds: f64,
    /// Nanoseconds from sending a batch to its last answer.
    pub(crate) latency_ns: Histogram<u64>,
    /// The probe at the beginning and at the end.
    pub(crate) probes: (P, P),
}

/// Batches on their way longer than this fail the run.
const STALL_SECONDS_MAX: u64 = 20;
const POLL_MS: u64 = 100;
const EVENTS_AT_ONCE: usize = 256;
const READ_BYTES: usize = 128 << 10;
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Runs a load; `probe` is read when measuring begins and when it ends.
pub(crate) fn run<P>(
    address: SocketAddr,
    load: &Load,
    mut probe: impl FnMut() -> Result<P>,
) -> Result<Measured<P>> {
    let mut poll = Poll::new().context("epoll")?;
    let mut clients = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        let mut client = Client::connect(address, load, number)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(&mut client.stream, Token(number), interest)
            .context("registering a connection")?;
        clients.push(client);
    }
    let mut latency_ns = histogram()?;
    for client in &mut clients {
        client.next_batch(load)?;
    }
    drive(&mut poll, &mut clients, load, &mut latency_ns, Stop::After(load.warm_up))?;
    latency_ns.reset();
    let first = probe()?;
    let (operations, seconds) = drive(&mut poll, &mut clients, load, &mut latency_ns, load.stop)?;
    Ok(Measured { operations, seconds, latency_ns, probes: (first, probe()?) })
}

/// An empty histogram of nanoseconds.
pub(crate) fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3)
        .map_err(|error| Error::new(format!("histogram: {error}")))
}

/// Keeps the clients going until `stop`; returns what was completed and the time it took.
fn drive(
    poll: &mut Poll,
    clients: &mut [Client],
    load: &Load,
    latency_ns: &mut Histogram<u64>,
    stop: Stop,
) -> Result<(u64, f64)> {
    let mut events = Events::with_capacity(EVENTS_AT_ONCE);
    let begin = Instant::now();
    let (mut operations, mut last) = (0, begin);
    loop {
        let is_done = match stop {
            Stop::After(time) => last.duration_since(begin) >= time,
            Stop::Operations(count) => operations >= count,
        };
        if is_done {
            return Ok((operations, last.duration_since(begin).as_secs_f64()));
        }
        match poll.poll(&mut events, Some(Duration::from_millis(POLL_MS))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other.context("epoll")?,
        }
        for event in &events {
            let Some(client) = clients.get_mut(event.token().0) else { continue };
            if client.advance()? {
                last = Instant::now();
                let waited = last.duration_since(client.sent_at).as_nanos();
                latency_ns.saturating_record(u64::try_from(waited).unwrap_or(u64::MAX));
                operations += load.pipeline as u64;
                client.next_batch(load)?;
            }
        }
        if last.elapsed() > Duration::from_secs(STALL_SECONDS_MAX) {
            return Err(Error::new(format!("no answer for {STALL_SECONDS_MAX} s")));
        }
    }
}

/// One connection and its batch.
struct Client {
    stream: TcpStream,
    dialect: Dialect,
    encoder: Encoder,
    numbers: SplitMix,
    first_key: u64,
    key_count: u64,
    expected: Expected,
    requests: Vec<u8>,
    requests_sent: usize,
    answers: Vec<u8>,
    answers_end: usize,
    sent_at: Instant,
}

impl Client {
    fn connect(address: SocketAddr, load: &Load, number: usize) -> Result<Client> {
        let stream = std::net::TcpStream::connect(address).context("connecting")?;
        stream.set_nodelay(true).context("TCP_NODELAY")?;
        stream.set_nonblocking(true).context("non-blocking")?;
        let number = number as u64;
        let share = load.key_count / load.connections.max(1) as u64;
        let (first_key, key_count) = match load.keys_are_disjoint {
            true => (number * share, share),
            false => (0, load.key_count),
        };
        Ok(Client {
            stream: TcpStream::from_std(stream),
            dialect: load.dialect,
            encoder: Encoder::new(load.dialect, None),
            numbers: SplitMix::new(load.seed ^ number.wrapping_mul(0x1234_5678_9abc_def1)),
            first_key,
            key_count,
            expected: Expected::new(load),
            requests: Vec::new(),
            requests_sent: 0,
            answers: vec![0; READ_BYTES + load.pipeline * (load.value_bytes + 64)],
            answers_end: 0,
            sent_at: Instant::now(),
        })
    }

    /// Makes the next batch and sends what the socket takes.
    fn next_batch(&mut self, load: &Load) -> Result<()> {
        self.expected.keys.clear();
        for _ in 0..load.pipeline {
            let number = self.first_key + self.numbers.below(self.key_count);
            self.expected.keys.push(key(number));
        }
        self.requests.clear();
        let keys = &self.expected.keys;
        match load.operation {
            Operation::Get if load.has_multiget => {
                self.encoder.get_many(keys, &mut self.requests);
            }
            Operation::Get => {
                keys.iter().for_each(|key| self.encoder.get(key, &mut self.requests));
            }
            Operation::Set => {
                for key in keys {
                    self.encoder.set(key, load.value_bytes, &mut self.requests);
                }
            }
        }
        self.requests_sent = 0;
        self.expected.restart();
        self.sent_at = Instant::now();
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        while let Some(rest) = self.requests.get(self.requests_sent..).filter(|r| !r.is_empty()) {
            match self.stream.write(rest) {
                Ok(count) => self.requests_sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("sending requests"),
            }
        }
        Ok(())
    }

    /// Sends and receives what is possible; true when the batch is answered.
    fn advance(&mut self) -> Result<bool> {
        self.flush()?;
        loop {
            let space = &mut self.answers[self.answers_end..];
            let space_bytes = space.len();
            let count = match self.stream.read(space) {
                Ok(0) => return Err(Error::new("the server closed the connection")),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("reading answers"),
            };
            self.answers_end += count;
            let used = self.expected.check(self.dialect, &self.answers[..self.answers_end])?;
            self.answers.copy_within(used..self.answers_end, 0);
            self.answers_end -= used;
            if self.expected.is_complete() {
                return Ok(true);
            }
            // The edge that reports more data comes after a read that found less than it asked.
            if count < space_bytes {
                return Ok(false);
            }
        }
    }
}

/// What the batch under way must be answered with.
struct Expected {
    operation: Operation,
    value_bytes: usize,
    checks_content: bool,
    keys: Vec<Key>,
    /// Answers seen.
    seen: usize,
    /// Ends of `get` still to come: the memcached way.
    ends_missing: usize,
    ends_in_batch: usize,
}

impl Expected {
    fn new(load: &Load) -> Expected {
        let ends_in_batch = match (load.dialect, load.operation, load.has_multiget) {
            (Dialect::Memcached, Operation::Get, true) => 1,
            (Dialect::Memcached, Operation::Get, false) => load.pipeline,
            (Dialect::Memcached, Operation::Set, _) | (Dialect::Resp, ..) => 0,
        };
        Expected {
            operation: load.operation,
            value_bytes: load.value_bytes,
            checks_content: load.checks_content,
            keys: Vec::with_capacity(load.pipeline),
            seen: 0,
            ends_missing: 0,
            ends_in_batch,
        }
    }

    fn restart(&mut self) {
        self.seen = 0;
        self.ends_missing = self.ends_in_batch;
    }

    fn is_complete(&self) -> bool {
        self.seen == self.keys.len() && self.ends_missing == 0
    }

    /// Checks the answers that are complete and returns their length.
    fn check(&mut self, dialect: Dialect, bytes: &[u8]) -> Result<usize> {
        let mut used = 0;
        while let Some((found, length)) = answer(dialect, &bytes[used..])? {
            used += length;
            match (&found, self.operation) {
                (Answer::Value { data, .. }, Operation::Get) => self.check_value(data)?,
                (Answer::Done(b"OK" | b"STORED"), Operation::Set) => self.seen += 1,
                (Answer::End, Operation::Get) if self.ends_missing > 0 => self.ends_missing -= 1,
                _ => return Err(unexpected(&found)),
            }
        }
        match self.is_complete() && used < bytes.len() {
            true => Err(Error::new("more answers than requests")),
            false => Ok(used),
        }
    }

    #[inline]
    fn check_value(&mut self, data: &[u8]) -> Result<()> {
        let Some(key) = self.keys.get(self.seen) else {
            return Err(Error::new("more values than requests"));
        };
        self.seen += 1;
        if data.len() != self.value_bytes || (self.checks_content && !is_value_of(key, data)) {
            return Err(Error::new(format!(
                "wrong value for {}: {} bytes, {} expected",
                key.escape_ascii(),
                data.len(),
                self.value_bytes
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(dialect: Dialect, operation: Operation, pipeline: usize) -> Load {
        Load {
            dialect,
            has_multiget: false,
            checks_content: true,
            operation,
            value_bytes: 16,
            pipeline,
            connections: 1,
            key_count: 10,
            keys_are_disjoint: false,
            seed: 1,
            warm_up: Duration::ZERO,
            stop: Stop::Operations(1),
        }
    }

    fn expected(dialect: Dialect, operation: Operation, pipeline: usize) -> Expected {
        let mut expected = Expected::new(&load(dialect, operation, pipeline));
        expected.keys = (0..pipeline as u64).map(key).collect();
        expected.restart();
        expected
    }

    fn value(number: u64) -> String {
        format!("$16\r\n{}\r\n", key(number).escape_ascii())
    }

    #[test]
    fn a_batch_is_complete_when_all_its_values_have_come_in_order() {
        let mut batch = expected(Dialect::Resp, Operation::Get, 2);
        let bytes = value(0) + &value(1);
        let used = batch.check(Dialect::Resp, &bytes.as_bytes()[..30]).unwrap();
        assert_eq!((used, batch.is_complete()), (23, false));
        batch.check(Dialect::Resp, &bytes.as_bytes()[used..]).unwrap();
        assert!(batch.is_complete());
    }

    #[test]
    fn a_wrong_a_missing_and_a_surplus_answer_fail_the_run() {
        for bytes in [value(1), "$-1\r\n".to_owned(), "-ERR x\r\n".to_owned(), value(0) + "+OK\r\n"]
        {
            let mut batch = expected(Dialect::Resp, Operation::Get, 1);
            assert!(batch.check(Dialect::Resp, bytes.as_bytes()).is_err(), "{bytes}");
        }
        let mut batch = expected(Dialect::Memcached, Operation::Set, 1);
        assert!(batch.check(Dialect::Memcached, b"NOT_STORED\r\n").is_err());
    }

    #[test]
    fn memcached_ends_every_get() {
        let mut batch = expected(Dialect::Memcached, Operation::Get, 1);
        let bytes = format!("VALUE k 0 16\r\n{}\r\n", key(0).escape_ascii());
        batch.check(Dialect::Memcached, bytes.as_bytes()).unwrap();
        assert!(!batch.is_complete());
        batch.check(Dialect::Memcached, b"END\r\n").unwrap();
        assert!(batch.is_complete());
    }
}
