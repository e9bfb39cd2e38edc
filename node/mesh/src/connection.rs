//! One connection to one node whose identity has been checked: what is asked on it, and what is served.
//!
//! Either side asks, whoever dialled. A stream is a request with its reply, or an open stream of
//! frames; how many there may be at once is QUIC's to bound (`tuning`), so no queue is needed here.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use quinn::{Connection, ConnectionError, RecvStream, SendDatagramError, SendStream, VarInt};
use skep_keyspace::NodeId;
use tokio::time::timeout;

use crate::error::MeshError;
use crate::frame::{Class, FAILURE_BYTES_MAX, FrameError, Kind, VERSION};
use crate::mesh::Context;
use crate::stream::{FrameReceiver, FrameSender, lost};
use crate::tuning::Channel;
use crate::{Admission, Caller, GUEST_BYTES_MAX};

/// Why a connection was closed, for the other side. The words beside it are for humans.
pub(crate) mod close {
    use quinn::VarInt;

    pub(crate) const STOPPED: VarInt = VarInt::from_u32(0);
    pub(crate) const FRAME: VarInt = VarInt::from_u32(1);
    pub(crate) const IDENTITY: VarInt = VarInt::from_u32(2);
    pub(crate) const REPLACED: VarInt = VarInt::from_u32(3);
}

/// How long a stream may be open before its first frame is there.
const FIRST_FRAME: Duration = Duration::from_secs(10);
/// A stream that is not served.
const NOT_SERVED: VarInt = VarInt::from_u32(2);

pub(crate) fn close_for_frame(connection: &Connection, error: FrameError) {
    connection.close(close::FRAME, error.to_string().as_bytes());
}

/// A connection to a node, of which the id is certain.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) connection: Connection,
    pub(crate) node: NodeId,
    pub(crate) incarnation: u64,
    pub(crate) is_dialled: bool,
}

impl Link {
    pub(crate) fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    pub(crate) fn close(&self, code: VarInt, reason: &str) {
        self.connection.close(code, reason.as_bytes());
    }

    /// A stream for frames; an error means that the connection is gone and nothing was sent.
    pub(crate) async fn streams(
        &self,
        class: Class,
    ) -> Result<(FrameSender, FrameReceiver), ConnectionError> {
        let (send, receive) = self.connection.open_bi().await?;
        Ok(self.frames(class, send, receive, usize::MAX))
    }

    fn frames(
        &self,
        class: Class,
        send: SendStream,
        receive: RecvStream,
        cap_bytes: usize,
    ) -> (FrameSender, FrameReceiver) {
        let connection = self.connection.clone();
        (
            FrameSender::new(send, self.node, class),
            FrameReceiver::new(receive, connection, self.node, class, cap_bytes),
        )
    }

    /// Hands a datagram to the connection. Never waits; when its buffer is full the oldest go.
    pub(crate) fn datagram(&self, frame: &[u8]) -> Result<(), MeshError> {
        let mut bytes = BytesMut::with_capacity(1 + frame.len());
        bytes.put_u8(VERSION);
        bytes.put_slice(frame);
        self.connection.send_datagram(bytes.freeze()).map_err(|error| match error {
            SendDatagramError::TooLarge => MeshError::TooLong {
                node: self.node,
                bytes: frame.len(),
                max: self.connection.max_datagram_size().map_or(0, |max| max.saturating_sub(1)),
            },
            error => lost(self.node, &error.to_string()),
        })
    }
}

/// Asks on a new stream, and waits for the answer.
pub(crate) async fn ask(
    (mut sender, mut receiver): (FrameSender, FrameReceiver),
    frame: Bytes,
) -> Result<Bytes, MeshError> {
    let (node, class) = (sender.node, sender.class);
    let written = sender.write(Kind::Request(class), frame).await;
    if let Err(error @ MeshError::TooLong { .. }) = written {
        return Err(error);
    }
    // Even when it did not read all, it may have said why.
    let _ = sender.finish().await;
    match receiver.frame().await? {
        Some((kind, reply)) if kind == Kind::Reply(class) => Ok(reply),
        Some((kind, reason)) if kind == Kind::Failure(class) => {
            let reason = String::from_utf8_lossy(&reason).into_owned();
            Err(MeshError::Rejected { node, reason })
        }
        Some((kind, _)) => Err(receiver.refuse(FrameError::unexpected(kind))),
        None => Err(lost(node, "it ended the stream without a reply")),
    }
}

/// Serves what the other side asks, until the connection is gone.
pub(crate) async fn serve(link: &Link, channel: Channel, context: &Arc<Context>) {
    tokio::select! {
        () = serve_streams(link, channel, context) => {}
        () = serve_datagrams(link, context) => {}
    }
}

async fn serve_streams(link: &Link, channel: Channel, context: &Arc<Context>) {
    while let Ok((send, receive)) = link.connection.accept_bi().await {
        let Some(caller) = admit(link, context) else { return };
        let cap_bytes = if caller.is_member { usize::MAX } else { GUEST_BYTES_MAX };
        let (sender, receiver) = link.frames(Class::Control, send, receive, cap_bytes);
        tokio::spawn(serve_stream(context.clone(), channel, caller, sender, receiver));
    }
}

async fn serve_datagrams(link: &Link, context: &Arc<Context>) {
    loop {
        let Ok(mut frame) = link.connection.read_datagram().await else { return };
        let Some(caller) = admit(link, context) else { return };
        match frame.first() {
            Some(&VERSION) if caller.is_member => {
                context.handler.datagram(link.node, frame.split_off(1));
            }
            // A guest has nothing to say that could be lost.
            Some(&VERSION) => {}
            other => {
                let version = other.copied().unwrap_or(0);
                return close_for_frame(&link.connection, FrameError::Version(version));
            }
        }
    }
}

/// Asks the topology anew, so that a removed node is refused whatever it had before.
fn admit(link: &Link, context: &Context) -> Option<Caller> {
    match context.membership.admits(link.node) {
        Admission::Refused => {
            link.close(close::IDENTITY, "this node is not admitted to the cluster any more");
            None
        }
        Admission::Guest => Some(Caller { id: link.node, is_member: false }),
        Admission::Member => Some(Caller { id: link.node, is_member: true }),
    }
}

async fn serve_stream(
    context: Arc<Context>,
    channel: Channel,
    caller: Caller,
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
) {
    // Whoever failed on the way has been told, or is gone.
    let Ok(Ok(Some((kind, frame)))) = timeout(FIRST_FRAME, receiver.frame()).await else { return };
    match kind {
        Kind::Request(class) if class.channel() == channel => {
            let answer = if caller.is_member || class == Class::Control {
                context.handler.request(caller, class, frame).await.map_err(|rejected| rejected.0)
            } else {
                Err("only members of the cluster may ask that".to_owned())
            };
            reply(&mut sender, class, answer).await;
        }
        Kind::Open(class) if class.channel() == channel => {
            if !caller.is_member {
                return sender.give_up(NOT_SERVED);
            }
            (sender.class, receiver.class) = (class, class);
            context.handler.stream(caller.id, class, sender, receiver).await;
        }
        kind => {
            receiver.refuse(FrameError::unexpected(kind));
        }
    }
}

async fn reply(sender: &mut FrameSender, class: Class, answer: Result<Bytes, String>) {
    let reason = match answer {
        Ok(frame) => match sender.write(Kind::Reply(class), frame).await {
            Err(error @ MeshError::TooLong { .. }) => error.to_string(),
            // Sent, or nobody is there to be told.
            _ => return,
        },
        Err(reason) => reason,
    };
    let mut reason = Bytes::from(reason);
    reason.truncate(FAILURE_BYTES_MAX);
    let _ = sender.write(Kind::Failure(class), reason).await;
}
