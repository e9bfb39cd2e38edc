//! Clients on every host: they write and read there, wait for replicas, and go through the host to
//! whoever serves their keys.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use skep_command::Client;
use skep_command::cluster::DeferredReply;
use skep_keyspace::Slot;
use skep_resp::{Batch, Limits, Parser};
use tokio::time::{sleep, timeout};

use super::history::Answered;
use super::host::Host;
use crate::cluster::Cluster;
use crate::cluster::forward::Forwarded;
use crate::simulated;

/// Keys that every host's clients use, by each kind of client.
const KEYS: u64 = 24;
/// Between commands of a client, on the average.
const PAUSE_MS: u64 = 8;
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it waits for replicas.
const CONFIRM: Duration = Duration::from_millis(500);

/// Starts the clients of a life; they end with it.
pub(super) fn start(host: &Arc<Host>, cluster: &Arc<Cluster>) {
    let client = Here { host: Arc::clone(host), cluster: Arc::clone(cluster) };
    tokio::spawn(client.clone().use_host());
    tokio::spawn(client.clone().use_cluster());
    tokio::spawn(client.confirm());
}

/// A command as a node forwards it.
pub(super) fn command(words: &[&str]) -> Forwarded {
    let mut input = format!("*{}\r\n", words.len());
    for word in words {
        input += &format!("${}\r\n{word}\r\n", word.len());
    }
    let mut batch = Batch::default();
    Parser::default().parse(input.as_bytes(), &Limits::default(), &mut batch, 1);
    let client = Client::new(1, true);
    Forwarded::new(&client, batch.args(0, input.as_bytes())).expect("it is short")
}

/// The value of a reply to GET, if it is one.
pub(super) fn value(reply: &[u8]) -> Option<Option<u64>> {
    let text = std::str::from_utf8(reply).ok()?;
    if text == "$-1\r\n" {
        return Some(None);
    }
    text.strip_prefix('$')?.lines().nth(1)?.parse().ok().map(Some)
}

#[derive(Clone)]
struct Here {
    host: Arc<Host>,
    cluster: Arc<Cluster>,
}

impl Here {
    /// What the host answers itself. A key is written by one client of each host only, one after
    /// the other, so what it reads next in the same epoch is certain.
    async fn use_host(self) {
        loop {
            self.pause(PAUSE_MS).await;
            let key = format!("here:{}", simulated::number() % KEYS);
            if simulated::number().is_multiple_of(2) {
                self.write(&key).await;
                continue;
            }
            match self.within(self.cluster.run(&command(&["GET", &key]))).await {
                Some(Ok(reply)) if value(&reply).is_some() => {
                    let read = value(&reply).flatten();
                    let Some(by) = self.answered(&key) else { continue };
                    self.host.history.lock().read(&by, &key, read);
                }
                _ => self.refused(),
            }
        }
    }

    /// Writes a new value. Answers it if the host has acknowledged it.
    async fn write(&self, key: &str) -> Option<u64> {
        let value = self.host.history.lock().try_write(key);
        let set = command(&["SET", key, &value.to_string()]);
        let reply = self.within(self.cluster.run(&set)).await;
        let by = self.answered(key);
        let mut history = self.host.history.lock();
        match (reply, by) {
            (Some(Ok(reply)), Some(by)) if &*reply == b"+OK\r\n" => {
                history.wrote(&by, key, value);
                return Some(value);
            }
            // It has not run.
            (Some(Ok(reply)), _) if reply.starts_with(b"-") => {}
            _ => history.lost_sight(key),
        }
        history.refusals += 1;
        None
    }

    /// What others answer through this host.
    async fn use_cluster(self) {
        loop {
            self.pause(2 * PAUSE_MS).await;
            let key = format!("there:{}", simulated::number() % KEYS);
            let slot = Slot::of(key.as_bytes());
            let cluster = Arc::clone(&self.cluster);
            if simulated::number().is_multiple_of(2) {
                let value = self.host.history.lock().try_write(&key);
                let set = command(&["SET", &key, &value.to_string()]);
                let done = self.within(cluster.forward(slot, set, false)).await;
                let is_done = is_raw(done, |reply| reply == b"+OK\r\n");
                self.host.history.lock().writes_forwarded += u64::from(is_done);
            } else if let Some(DeferredReply::Raw(reply)) =
                self.within(cluster.forward(slot, command(&["GET", &key]), true)).await
                && let Some(read) = value(&reply)
            {
                self.host.history.lock().read_somewhere(elapsed(), &key, read);
            }
        }
    }

    /// Writes keys of this host and waits until all replicas have them.
    async fn confirm(self) {
        for turn in 0u64.. {
            self.pause(4 * PAUSE_MS).await;
            let key = format!("sure:{}:{}", self.host.number, turn % KEYS);
            let Some(value) = self.write(&key).await else { continue };
            let routes = self.cluster.routes();
            let Some((_, shard)) = routes.my_shard() else { continue };
            let needed = (shard.members().count() - 1) as u64;
            let timeout_ms = CONFIRM.as_millis() as u64;
            let count = self.cluster.wait(needed, timeout_ms).await;
            if needed > 0 && u64::try_from(count).is_ok_and(|count| count >= needed) {
                self.host.history.lock().confirm(self.host.number, &key, value);
            }
        }
    }

    async fn pause(&self, ms: u64) {
        loop {
            sleep(Duration::from_millis(1 + simulated::number() % (2 * ms))).await;
            if self.host.history.lock().is_open {
                return;
            }
        }
    }

    async fn within<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        timeout(PATIENCE, answer).await.ok()
    }

    fn refused(&self) {
        self.host.history.lock().refusals += 1;
    }

    /// By whom a key's command was answered, called at once.
    fn answered(&self, key: &str) -> Option<Answered> {
        let routes = self.cluster.routes();
        let owner = routes.map.owner(Slot::of(key.as_bytes()))?;
        let (shard, epoch) = (owner.shard, owner.epoch);
        Some(Answered { at: elapsed(), host: self.host.number, shard, epoch })
    }
}

fn is_raw(reply: Option<DeferredReply>, is_so: impl Fn(&[u8]) -> bool) -> bool {
    match reply {
        Some(DeferredReply::Raw(bytes)) => is_so(&bytes),
        _ => false,
    }
}

fn elapsed() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}
