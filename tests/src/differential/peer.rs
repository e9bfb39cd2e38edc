//! A server under test or an oracle, with the connections of a script.

use std::time::{Duration, Instant};

use crate::{Client, PATIENCE, Program, Server, TestResult, command};

use super::frame::{self, Frame};
use super::step::{Action, CONNECTIONS, SUBSCRIBER, Step, quote};

/// Steps of SCAN after which it is taken to be endless.
const MAX_SCAN_STEPS: usize = 100_000;
/// How long an oracle may take: Redis 8.2 leaves some transactions without their last replies.
/// One that takes longer is not asked any more in this script.
const ORACLE_PATIENCE: Duration = Duration::from_secs(3);
/// How long a key lives that is to expire at once.
const INSTANT_MS: &str = "15";

/// What a step brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Replies, in order.
    pub(super) replies: Vec<Frame>,
    /// Messages that reached the subscriber, in order.
    pub(super) messages: Vec<Frame>,
    /// The connection was closed or sent no RESP; what happened.
    pub(super) broken: Option<String>,
}

/// See the module.
pub(super) struct Peer {
    server: Server,
    clients: Vec<Client>,
    /// Messages taken from the subscriber's connection on the way to a reply.
    messages: Vec<Frame>,
    barriers: usize,
}

impl Peer {
    /// Starts a server.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(program: Program, arguments: &[&str]) -> TestResult<Peer> {
        let server = Server::start(program, arguments)?;
        Ok(Peer { server, clients: Vec::new(), messages: Vec::new(), barriers: 0 })
    }

    /// What runs.
    pub(super) fn program(&self) -> Program {
        self.server.program()
    }

    /// Brings it to the state that scripts begin with: no keys, new connections in `protocol`.
    ///
    /// # Errors
    /// It does not answer as it should.
    pub(super) fn reset(&mut self, protocol: &str) -> TestResult {
        self.messages.clear();
        if self.clients.is_empty() || self.restore().is_err() {
            self.clients.clear();
            for _ in 0..CONNECTIONS {
                self.clients.push(self.server.connect()?);
            }
            self.restore()?;
        }
        for at in 0..CONNECTIONS {
            let hello = self.clients[at].ask(&["HELLO", protocol])?;
            if hello.first() == Some(&b'-') {
                return Err(format!("HELLO {protocol}: {}", quote(&hello)).into());
            }
        }
        Ok(())
    }

    fn restore(&mut self) -> TestResult {
        for at in 0..CONNECTIONS {
            self.clients[at].send(&command(&["RESET"]))?;
            while !self.next(at)?.is_status("RESET") {}
        }
        self.messages.clear();
        let flushed = self.clients[0].ask(&["FLUSHALL"])?;
        if flushed == b"+OK\r\n" {
            Ok(())
        } else {
            Err(format!("FLUSHALL: {}", quote(&flushed)).into())
        }
    }

    /// Does a step. `is_publishing`: wait for messages. `expected`: how many there should be.
    pub(super) fn perform(&mut self, step: &Step, is_publishing: bool, expected: usize) -> Outcome {
        let mut outcome = Outcome::default();
        let mut done = self.act(step, &mut outcome.replies);
        if done.is_ok() && is_publishing {
            done = self.settle(expected);
        }
        outcome.broken = done.err().map(|error| error.to_string());
        outcome.messages = std::mem::take(&mut self.messages);
        outcome
    }

    fn act(&mut self, step: &Step, replies: &mut Vec<Frame>) -> TestResult {
        let at = step.connection;
        match &step.action {
            Action::Command(words) if has_many_replies(words) => {
                self.clients[at].send(&command(words))?;
                self.until_barrier(at, "PING", replies)
            }
            Action::Command(words) => {
                self.clients[at].send(&command(words))?;
                replies.push(self.next(at)?);
                Ok(())
            }
            Action::Pipeline(commands) => {
                let bytes: Vec<u8> = commands.iter().flat_map(|words| command(words)).collect();
                self.clients[at].send(&bytes)?;
                self.until_barrier(at, "ECHO", replies)
            }
            Action::ScanAll(options) => self.scan(at, options, replies),
            Action::AwaitGone(key) => self.await_gone(at, key, replies),
        }
    }

    /// The next reply; messages on the way are put aside.
    fn next(&mut self, at: usize) -> TestResult<Frame> {
        loop {
            let patience = if self.program() == Program::Skep { PATIENCE } else { ORACLE_PATIENCE };
            let bytes = self.clients[at].reply_within(patience)?.ok_or("no whole reply in time")?;
            let frame = read(&bytes)?;
            if !frame.is_message() {
                return Ok(frame);
            }
            self.messages.push(frame);
        }
    }

    /// Takes replies up to the one to a question that nobody else asks.
    fn until_barrier(&mut self, at: usize, word: &str, replies: &mut Vec<Frame>) -> TestResult {
        self.barriers += 1;
        let token = format!("barrier-{}", self.barriers);
        self.clients[at].send(&command(&[word, &token]))?;
        loop {
            let frame = self.next(at)?;
            let last = frame.items().last().unwrap_or(&frame);
            if last.bytes() == Some(token.as_bytes()) {
                return Ok(());
            }
            replies.push(frame);
        }
    }

    /// Waits until the subscriber has what was published before.
    fn settle(&mut self, expected: usize) -> TestResult {
        let mut others = Vec::new();
        self.until_barrier(SUBSCRIBER, "PING", &mut others)?;
        if !others.is_empty() {
            return Err(format!("the subscriber got a reply to nothing: {}", others[0]).into());
        }
        let end = Instant::now() + PATIENCE;
        while self.messages.len() < expected {
            let left = end.saturating_duration_since(Instant::now());
            match self.clients[SUBSCRIBER].reply_within(left)? {
                Some(bytes) => self.messages.push(read(&bytes)?),
                None => break,
            }
        }
        Ok(())
    }

    fn scan(&mut self, at: usize, options: &[Vec<u8>], replies: &mut Vec<Frame>) -> TestResult {
        let (mut cursor, mut keys) = (b"0".to_vec(), Vec::new());
        for _ in 0..MAX_SCAN_STEPS {
            let mut words = vec![b"SCAN".to_vec(), cursor];
            words.extend_from_slice(options);
            self.clients[at].send(&command(&words))?;
            let reply = self.next(at)?;
            let [Frame::Bulk(b'$', Some(next)), Frame::List(b'*', Some(found))] = reply.items()
            else {
                replies.push(reply);
                return Ok(());
            };
            keys.extend_from_slice(found);
            cursor = next.clone();
            if cursor == b"0" {
                keys.sort_by_key(Frame::to_string);
                keys.dedup();
                replies.push(Frame::List(b'*', Some(keys)));
                return Ok(());
            }
        }
        Err("SCAN does not end".into())
    }

    fn await_gone(&mut self, at: usize, key: &[u8], replies: &mut Vec<Frame>) -> TestResult {
        let set: [&[u8]; 5] = [b"SET", key, b"v", b"PX", INSTANT_MS.as_bytes()];
        self.clients[at].send(&command(&set))?;
        let reply = self.next(at)?;
        let is_set = reply.is_status("OK");
        replies.push(reply);
        if !is_set {
            return Ok(());
        }
        let end = Instant::now() + PATIENCE;
        loop {
            self.clients[at].send(&command(&[&b"EXISTS"[..], key]))?;
            let reply = self.next(at)?;
            if reply.integer() == Some(1) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            replies.push(reply);
            return Ok(());
        }
    }
}

fn read(bytes: &[u8]) -> TestResult<Frame> {
    match frame::read(bytes)? {
        Some((frame, len)) if len == bytes.len() => Ok(frame),
        _ => Err(format!("not one frame: {}", quote(bytes)).into()),
    }
}

/// Whether a command is answered once for each of its arguments.
fn has_many_replies(words: &[Vec<u8>]) -> bool {
    let name = words[0].to_ascii_lowercase();
    name.ends_with(b"subscribe")
}
