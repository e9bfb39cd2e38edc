//! `WAIT`: until replicas have what was written, of this node and of those that its client has
//! written to through it.
//!
//! Another node is asked on a stream of its own of class Forward, which both see end: who waits in
//! vain ends with its client. They may be many and last for ever, so only some are under way between
//! two nodes, and the others wait here: streams are left for what else these two have to say.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use skep_cluster::ShardId;
use skep_keyspace::NodeId;
use skep_mesh::{Class, FrameReceiver, FrameSender};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Cluster, has_no_slots};

/// Waits under way at one other node, of the 1,024 streams that it takes.
const WAITS_MAX: usize = 256;
/// How long a `WAIT` without an end waits for another node.
const WAIT_MAX: Duration = Duration::from_secs(3600);
/// How long the way there and back may take.
const WAY: Duration = Duration::from_secs(1);
/// What a stream of a wait begins with. Those of messages begin with 0 or 1.
const WAIT: u8 = 2;

/// The waits under way at other nodes.
#[derive(Default)]
pub(crate) struct Waits(Mutex<HashMap<NodeId, Arc<Semaphore>>>);

impl Waits {
    /// The places at a node.
    fn places(&self, node: NodeId) -> Arc<Semaphore> {
        let mut all = self.0.lock();
        // Where nobody waits all are free.
        all.retain(|_, places| Arc::strong_count(places) > 1);
        let places = all.entry(node).or_insert_with(|| Arc::new(Semaphore::new(WAITS_MAX)));
        Arc::clone(places)
    }
}

/// A wait that another node asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    replicas: u64,
    timeout_ms: u64,
}

impl Asked {
    /// `WAIT`:u8, replicas:u64, timeout_ms:u64, little-endian.
    fn encode(self) -> Bytes {
        let mut frame = BytesMut::with_capacity(17);
        frame.put_u8(WAIT);
        frame.put_u64_le(self.replicas);
        frame.put_u64_le(self.timeout_ms);
        frame.freeze()
    }

    /// Reads the first frame of a stream, if it is one of a wait.
    pub(super) fn decode(frame: &[u8]) -> Option<Asked> {
        let (replicas, timeout_ms) = frame.strip_prefix(&[WAIT])?.split_first_chunk()?;
        let timeout_ms = timeout_ms.try_into().ok()?;
        Some(Asked {
            replicas: u64::from_le_bytes(*replicas),
            timeout_ms: u64::from_le_bytes(timeout_ms),
        })
    }
}

impl Cluster {
    /// `WAIT` of a client that may have written to other shards, too: the least of all counts.
    pub(super) async fn wait_everywhere(
        &self,
        replicas: u64,
        timeout_ms: u64,
        elsewhere: &[ShardId],
    ) -> i64 {
        let routes = self.duty.routes();
        let is_mine = !has_no_slots(&routes) || elsewhere.is_empty();
        let has_replicas = routes.my_shard().is_some_and(|(_, shard)| !shard.replicas.is_empty());
        let mut least = match (is_mine, has_replicas) {
            (true, true) => self.wait(replicas, timeout_ms).await,
            (true, false) => 0,
            (false, _) => i64::MAX,
        };
        for shard in elsewhere {
            let primary = routes.topology.shards.get(shard).map(|shard| shard.primary);
            let waited = match primary {
                Some(primary) => self.wait_at(primary, replicas, timeout_ms).await,
                None => None,
            };
            let Some(count) = waited else { return 0 };
            least = least.min(count);
        }
        least
    }

    /// `WAIT` at another node. Nothing when it does not answer, or nobody could be asked in time.
    async fn wait_at(&self, node: NodeId, replicas: u64, timeout_ms: u64) -> Option<i64> {
        let (mesh, peer) = self.mesh().zip(self.peers.get(node))?;
        let patience = match timeout_ms {
            0 => WAIT_MAX,
            _ => Duration::from_millis(timeout_ms).min(WAIT_MAX),
        };
        let until = Instant::now() + patience;
        let place = timeout_at(until, self.waits.places(node).acquire_owned()).await;
        let _place = place.ok()?.ok()?;
        let left = until.saturating_duration_since(Instant::now());
        // 0 would be for ever.
        let asked = Asked { replicas, timeout_ms: (left.as_millis() as u64).max(1) };
        let answer = async {
            let (mut sender, mut receiver) = mesh.open(&peer, Class::Forward, WAY).await.ok()?;
            sender.send(asked.encode()).await.ok()?;
            let answer = receiver.receive().await.ok()??;
            Some(i64::from_le_bytes(answer.as_ref().try_into().ok()?))
        };
        timeout_at(until + WAY, answer).await.ok()?
    }

    /// Waits for another node, which gets the count, unless it gives up before.
    pub(super) async fn serve_wait(
        &self,
        asked: Asked,
        mut sender: FrameSender,
        mut receiver: FrameReceiver,
    ) {
        tokio::select! {
            count = self.wait(asked.replicas, asked.timeout_ms) => {
                // Who is gone need not be told.
                let _ = sender.send(Bytes::copy_from_slice(&count.to_le_bytes())).await;
            }
            // It has nothing more to say.
            _ = receiver.receive() => {}
        }
    }

    /// `WAIT`: how many replicas have applied what is written now, once enough have or time is up.
    pub(super) async fn wait(&self, replicas: u64, timeout_ms: u64) -> i64 {
        let mut waiting = tokio::task::JoinSet::new();
        for progress in self.replication.replicas() {
            waiting.spawn(async move { progress.catch_up().await });
        }
        let mut count = 0;
        let enough = async {
            while count < replicas && waiting.join_next().await.is_some() {
                count += 1;
            }
            if count < replicas {
                // None is left that could; as in Redis the client waits all the same.
                std::future::pending::<()>().await;
            }
        };
        match timeout_ms {
            0 => enough.await,
            // Too late is what the count says.
            _ => drop(timeout(Duration::from_millis(timeout_ms), enough).await),
        }
        i64::try_from(count).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_as_it_was_written_and_messages_are_none() {
        let asked = Asked { replicas: 2, timeout_ms: 1 << 40 };
        assert_eq!(Asked::decode(&asked.encode()), Some(asked));
        assert_eq!(Asked::decode(&asked.encode()[..16]), None);
        assert_eq!(Asked::decode(&[1; 17]), None);
        assert_eq!(Asked::decode(&[]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_wait_at_one_node_and_places_are_given_back() {
        let (waits, node) = (Waits::default(), NodeId::from(1));
        let mut held = Vec::new();
        for _ in 0..WAITS_MAX {
            held.push(waits.places(node).try_acquire_owned().unwrap());
        }
        assert!(waits.places(node).try_acquire_owned().is_err());
        assert!(waits.places(NodeId::from(2)).try_acquire_owned().is_ok(), "another node");
        held.pop();
        assert!(waits.places(node).try_acquire_owned().is_ok());
        drop(held);
        waits.places(NodeId::from(2));
        assert_eq!(waits.0.lock().len(), 1, "what is not in use is forgotten");
    }
}
