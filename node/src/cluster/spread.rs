//! Published messages for subscribers at other nodes: those of ordinary channels go to all members,
//! those of shard channels to the members of the shard.
//!
//! Each other node has a queue and a stream of its own, so that one that does not read keeps nobody
//! else waiting. A queue that is full loses messages, which are counted: pub/sub promises no more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use skep_command::server::ChannelKind;
use skep_keyspace::NodeId;
use skep_mesh::{Class, FrameReceiver, FrameSender, MeshError};
use tokio::sync::mpsc;

use super::Cluster;

/// Messages that may wait for one node.
const QUEUE_MESSAGES: usize = 4_096;
/// And their bytes.
const QUEUE_BYTES: usize = 32 << 20;
/// Longest message with its channel, less than the mesh allows.
const MESSAGE_BYTES_MAX: usize = 15 << 20;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(1);

/// The queues to other nodes.
#[derive(Default)]
pub(crate) struct Spread {
    queues: Mutex<HashMap<NodeId, Queue>>,
    /// Messages that were lost on the way.
    pub(crate) lost: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Queue {
    sender: mpsc::Sender<Bytes>,
    bytes: Arc<AtomicUsize>,
}

impl Cluster {
    /// Hands a message on to the nodes that may have subscribers. Never waits.
    pub(crate) fn spread(self: &Arc<Self>, kind: ChannelKind, channel: &[u8], message: &[u8]) {
        let is_of_shard = match kind {
            ChannelKind::Shard => true,
            ChannelKind::Channel => false,
            ChannelKind::Pattern => return,
        };
        let routes = self.routes();
        let others: Vec<NodeId> = match routes.my_shard().filter(|_| is_of_shard) {
            Some((_, shard)) => shard.members().filter(|node| *node != self.me).collect(),
            None => self.peers.others().iter().map(|peer| peer.id).collect(),
        };
        if others.is_empty() {
            return;
        }
        let lost = &self.spread.lost;
        if channel.len() + message.len() > MESSAGE_BYTES_MAX {
            lost.fetch_add(others.len() as u64, Relaxed);
            return;
        }
        let frame = encode(is_of_shard, channel, message);
        let mut queues = self.spread.queues.lock();
        for node in others {
            let queue = queues.entry(node).or_insert_with(|| self.open_queue(node));
            let is_full = queue.bytes.fetch_add(frame.len(), Relaxed) > QUEUE_BYTES;
            if is_full || queue.sender.try_send(frame.clone()).is_err() {
                queue.bytes.fetch_sub(frame.len(), Relaxed);
                lost.fetch_add(1, Relaxed);
            }
        }
    }

    fn open_queue(self: &Arc<Self>, node: NodeId) -> Queue {
        let (sender, receiver) = mpsc::channel(QUEUE_MESSAGES);
        let bytes = Arc::new(AtomicUsize::new(0));
        self.bulk.spawn(Arc::clone(self).send_all(node, receiver, Arc::clone(&bytes)));
        Queue { sender, bytes }
    }

    /// Sends what comes into a queue until the node is no member any more.
    async fn send_all(
        self: Arc<Self>,
        node: NodeId,
        mut queue: mpsc::Receiver<Bytes>,
        bytes: Arc<AtomicUsize>,
    ) {
        let mut stream = None;
        while let Some(frame) = queue.recv().await {
            bytes.fetch_sub(frame.len(), Relaxed);
            if self.peers.get(node).is_none() {
                self.spread.queues.lock().remove(&node);
                return;
            }
            if self.send_message(node, &mut stream, frame, queue.is_empty()).await.is_err() {
                stream = None;
                self.spread.lost.fetch_add(1, Relaxed);
            }
        }
    }

    async fn send_message(
        &self,
        node: NodeId,
        stream: &mut Option<(FrameSender, FrameReceiver)>,
        frame: Bytes,
        is_last: bool,
    ) -> Result<(), MeshError> {
        if stream.is_none() {
            let (Some(mesh), Some(peer)) = (self.mesh(), self.peers.get(node)) else {
                return Err(MeshError::NotAdmitted(node));
            };
            *stream = Some(mesh.open(&peer, Class::Forward, CONNECT).await?);
        }
        let Some((sender, _)) = stream else { return Ok(()) };
        sender.feed(frame).await?;
        if is_last { sender.flush().await } else { Ok(()) }
    }

    /// Gives messages of another node to the subscribers here, until it ends.
    pub(super) async fn take_messages(&self, first: Bytes, mut receiver: FrameReceiver) {
        let mut next = Some(first);
        while let Some(frame) = next {
            let Some((kind, channel, message)) = decode(&frame) else { return };
            self.node.publish_here(kind, channel, message);
            next = receiver.receive().await.ok().flatten();
        }
    }
}

/// is_of_shard:u8, the channel's length:u32 little-endian, the channel, the message.
fn encode(is_of_shard: bool, channel: &[u8], message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + channel.len() + message.len());
    frame.put_u8(u8::from(is_of_shard));
    frame.put_u32_le(channel.len() as u32);
    frame.put_slice(channel);
    frame.put_slice(message);
    frame.freeze()
}

fn decode(frame: &[u8]) -> Option<(ChannelKind, &[u8], &[u8])> {
    let (&[is_of_shard, a, b, c, d], rest) = frame.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    let (channel, message) = rest.split_at_checked(length)?;
    let kind = if is_of_shard == 1 { ChannelKind::Shard } else { ChannelKind::Channel };
    Some((kind, channel, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let frame = encode(true, b"news", b"a\0b");
        assert_eq!(decode(&frame), Some((ChannelKind::Shard, &b"news"[..], &b"a\0b"[..])));
        assert_eq!(decode(&[0, 9, 0, 0, 0, 1]), None);
        assert_eq!(decode(&[0, 9]), None);
    }
}
