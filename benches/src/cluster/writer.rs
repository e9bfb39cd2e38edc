//! A client that never stops writing one key, and remembers when each write was acknowledged.
//!
//! It is a plain client: it goes where `MOVED` sends it, gives up a node that says nothing for a
//! while or hangs up, and asks the others in turn who owns the slot now. What it has sent and got no
//! answer to it sends again.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::space;
use super::wire::{Said, Silence, Wire, request};
use crate::error::{Error, Result};

/// Between two writes.
const PACE: Duration = Duration::from_micros(500);
/// Before it is asked again after an answer that is no help.
const AGAIN: Duration = Duration::from_millis(2);
/// A node that failed is not gone back to for so long, even if another one sends us there.
const GRUDGE: Duration = Duration::from_millis(50);
/// Failures that are kept in words.
const TOLD_MAX: usize = 1000;

/// How it writes.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// How long a node may say nothing before it is given up.
    pub(super) patience: Duration,
    /// Whether it looks for the owner elsewhere; else it stays with the first node.
    pub(super) roams: bool,
    /// The network namespace that it writes from.
    pub(super) space: Option<String>,
}

/// A write that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ack {
    pub(super) at: Instant,
    pub(super) by: SocketAddr,
}

/// A write that was not: an error, no answer, a connection that ended under it.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) at: Instant,
    pub(super) told: String,
}

#[derive(Debug, Default)]
struct Log {
    acks: Vec<Ack>,
    failures: Vec<Failure>,
}

/// See the module. It ends when this is dropped.
pub(super) struct Writer {
    log: Arc<Mutex<Log>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Begins to write a key at the first of the nodes.
    pub(super) fn start(key: &str, nodes: &[SocketAddr], manner: Manner) -> Result<Writer> {
        let (log, stop) = (Arc::<Mutex<Log>>::default(), Arc::<AtomicBool>::default());
        let first = nodes.first().ok_or_else(|| Error::new("a writer needs a node"))?;
        let mut client = Client {
            key: key.to_owned(),
            nodes: nodes.to_vec(),
            target: *first,
            wire: None,
            failed: None,
            manner,
            log: Arc::clone(&log),
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            if let Some(Err(error)) = client.manner.space.as_deref().map(space::enter) {
                client.note_failure(error.to_string());
                return;
            }
            let mut number = 0;
            while !stopped.load(Relaxed) {
                client.write(number);
                number += 1;
            }
        });
        Ok(Writer { log, stop, thread: Some(thread) })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets all but the last acknowledged write.
    pub(super) fn forget(&self) {
        let mut log = self.log();
        let last = log.acks.pop();
        log.acks.clear();
        log.acks.extend(last);
        log.failures.clear();
    }

    /// The first write since then that another node has acknowledged.
    pub(super) fn first_elsewhere(&self, since: Instant, than: SocketAddr) -> Option<Ack> {
        let log = self.log();
        log.acks.iter().find(|ack| ack.at > since && ack.by != than).copied()
    }

    /// The last write that a node has acknowledged.
    pub(super) fn last_by(&self, node: SocketAddr) -> Option<Ack> {
        self.log().acks.iter().rfind(|ack| ack.by == node).copied()
    }

    /// The number of acknowledged writes that are remembered.
    pub(super) fn count(&self) -> usize {
        self.log().acks.len()
    }

    /// The longest time without an acknowledged write that ends after `since`.
    pub(super) fn longest_gap(&self, since: Instant) -> Duration {
        self.longest_gap_ends(since).0
    }

    /// The same, and when it ended.
    pub(super) fn longest_gap_ends(&self, since: Instant) -> (Duration, Instant) {
        let log = self.log();
        longest_gap(&log.acks, since, Instant::now())
    }

    /// What went wrong since then.
    pub(super) fn failures(&self, since: Instant) -> Vec<Failure> {
        self.log().failures.iter().filter(|failure| failure.at > since).cloned().collect()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        // It has nothing to say that is not in the log.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn longest_gap(acks: &[Ack], since: Instant, now: Instant) -> (Duration, Instant) {
    let nexts = acks.iter().skip(1).map(|ack| ack.at).chain([now]);
    let gaps = acks.iter().zip(nexts).filter(|(_, next)| *next > since);
    let gaps = gaps.map(|(ack, next)| (next.saturating_duration_since(ack.at), next));
    gaps.max().unwrap_or((Duration::ZERO, now))
}

struct Client {
    key: String,
    nodes: Vec<SocketAddr>,
    target: SocketAddr,
    wire: Option<(SocketAddr, Wire)>,
    /// The node that failed last.
    failed: Option<(SocketAddr, Instant)>,
    manner: Manner,
    log: Arc<Mutex<Log>>,
}

impl Client {
    fn write(&mut self, number: u64) {
        match self.attempt(number) {
            Ok(Said::Text(_)) => {
                let ack = Ack { at: Instant::now(), by: self.target };
                self.log.lock().unwrap_or_else(PoisonError::into_inner).acks.push(ack);
                std::thread::sleep(PACE);
            }
            Ok(Said::No(text)) => match moved(&text).filter(|_| self.manner.roams) {
                Some(owner) if self.bears_grudge(owner) => std::thread::sleep(AGAIN),
                Some(owner) => self.target = owner,
                None => {
                    self.note_failure(text);
                    std::thread::sleep(AGAIN);
                }
            },
            Err((doing, silence)) => {
                self.note_failure(format!("{doing} {}: {silence:?}", self.target));
                self.give_up();
                std::thread::sleep(AGAIN);
            }
        }
    }

    fn attempt(&mut self, number: u64) -> Result<Said, (&'static str, Silence)> {
        let wire = match self.wire.take() {
            Some((address, wire)) if address == self.target => wire,
            _ => Wire::connect(self.target, self.manner.patience)
                .map_err(|silence| ("connecting to", silence))?,
        };
        let (_, wire) = self.wire.insert((self.target, wire));
        let sent = wire.send(&request(&["SET", &self.key, &number.to_string()]));
        sent.and_then(|()| wire.receive()).map_err(|silence| ("a command at", silence))
    }

    /// Turns to the next node.
    fn give_up(&mut self) {
        self.wire = None;
        self.failed = Some((self.target, Instant::now()));
        if self.manner.roams {
            let at = self.nodes.iter().position(|node| *node == self.target).unwrap_or(0);
            self.target = self.nodes[(at + 1) % self.nodes.len()];
        }
    }

    fn bears_grudge(&self, node: SocketAddr) -> bool {
        self.failed.is_some_and(|(failed, at)| failed == node && at.elapsed() < GRUDGE)
    }

    fn note_failure(&self, told: String) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.failures.len() < TOLD_MAX {
            log.failures.push(Failure { at: Instant::now(), told });
        }
    }
}

/// Where `MOVED slot host:port` sends.
fn moved(text: &str) -> Option<SocketAddr> {
    text.strip_prefix("MOVED ")?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_lasts_from_one_acknowledgement_to_the_next_or_until_now() {
        let (begin, by) = (Instant::now(), "127.0.0.1:1".parse().unwrap());
        let at = |ms: u64| begin + Duration::from_millis(ms);
        let acks = [0, 500, 510, 700].map(|ms| Ack { at: at(ms), by });
        let gap = |since, now| longest_gap(&acks, at(since), at(now)).0.as_millis();
        assert_eq!(gap(400, 710), 500);
        assert_eq!(gap(505, 710), 190);
        assert_eq!(gap(505, 1700), 1000);
    }

    #[test]
    fn a_redirection_names_the_owner() {
        let owner = "127.0.0.1:7001".parse().unwrap();
        assert_eq!(moved("MOVED 3999 127.0.0.1:7001"), Some(owner));
        assert_eq!(moved("CLUSTERDOWN The cluster is down"), None);
    }
}
