//! Frames on one QUIC stream. QUIC's flow control is the only queue: a sender that is not read from
//! waits, and holds no more than its connection's window.

use bytes::{Bytes, BytesMut};
use quinn::{Connection, ReadError, RecvStream, SendStream, VarInt, WriteError};
use skep_keyspace::NodeId;

use crate::connection::close_for_frame;
use crate::error::MeshError;
use crate::frame::{Class, Decoder, FrameError, Kind, header};

/// Short frames are copied together into pieces of about this size, since the cost of sending a packet
/// grows with the number of pieces that wait.
const PIECE_BYTES: usize = 64 << 10;
/// From here on a frame is a piece of its own, and is not copied.
const LONG_BYTES: usize = 16 << 10;
/// Packets that are taken from the connection at once.
const CHUNKS_AT_ONCE: usize = 32;
/// The code of a stream that ended within a frame.
const GAVE_UP: VarInt = VarInt::from_u32(1);

/// Sends frames on a stream. When dropped, the other side sees the end after what was sent; what was
/// fed and not flushed is lost.
pub struct FrameSender {
    stream: SendStream,
    pub(crate) node: NodeId,
    pub(crate) class: Class,
    /// Fed and not flushed. At most `PIECE_BYTES` and one short frame.
    piece: BytesMut,
    /// Whether a write was begun and not finished: then nothing can follow.
    is_torn: bool,
}

impl FrameSender {
    pub(crate) fn new(stream: SendStream, node: NodeId, class: Class) -> FrameSender {
        FrameSender { stream, node, class, piece: BytesMut::new(), is_torn: false }
    }

    /// Sends one frame; waits while the other side does not read. A call that is given up half-way
    /// tears the stream: the next one fails.
    ///
    /// # Errors
    /// When the frame is too long, or the stream or its connection is gone.
    pub async fn send(&mut self, frame: Bytes) -> Result<(), MeshError> {
        self.write(Kind::Data(self.class), frame).await
    }

    /// As `send`, but short frames may wait for more of their kind until `flush`, `send` or `finish`.
    /// Thousands of short frames cost a tenth that way.
    ///
    /// # Errors
    /// As `send`.
    pub async fn feed(&mut self, frame: Bytes) -> Result<(), MeshError> {
        let frame = self.add(Kind::Data(self.class), frame)?;
        if frame.is_none() && self.piece.len() < PIECE_BYTES {
            return Ok(());
        }
        self.write_piece(frame).await
    }

    /// Sends what was fed.
    ///
    /// # Errors
    /// When the stream or its connection is gone.
    pub async fn flush(&mut self) -> Result<(), MeshError> {
        self.write_piece(None).await
    }

    /// Ends the stream after all that was sent and fed. Does not wait until it has arrived.
    ///
    /// # Errors
    /// When the stream or its connection is gone.
    pub async fn finish(mut self) -> Result<(), MeshError> {
        self.flush().await?;
        self.stream.finish().map_err(|_| lost(self.node, "the stream has ended"))
    }

    /// Ends the stream at once, with a reason for the other side.
    pub(crate) fn give_up(mut self, code: VarInt) {
        let _ = self.stream.reset(code);
    }

    pub(crate) async fn write(&mut self, kind: Kind, payload: Bytes) -> Result<(), MeshError> {
        let payload = self.add(kind, payload)?;
        self.write_piece(payload).await
    }

    /// Puts a frame into the piece, but for a long payload, which is given back.
    fn add(&mut self, kind: Kind, payload: Bytes) -> Result<Option<Bytes>, MeshError> {
        let (node, bytes) = (self.node, payload.len());
        let max = kind.payload_bytes_max();
        let header = header(kind, bytes).map_err(|_| MeshError::TooLong { node, bytes, max })?;
        if self.is_torn {
            return Err(lost(node, "a frame before this one was given up half-way"));
        }
        self.piece.extend_from_slice(&header);
        if bytes >= LONG_BYTES {
            return Ok(Some(payload));
        }
        self.piece.extend_from_slice(&payload);
        Ok(None)
    }

    async fn write_piece(&mut self, payload: Option<Bytes>) -> Result<(), MeshError> {
        if self.is_torn {
            return Err(lost(self.node, "a frame before this one was given up half-way"));
        }
        let mut parts = [self.piece.split().freeze(), payload.unwrap_or_default()];
        self.is_torn = true;
        self.stream.write_all_chunks(&mut parts).await.map_err(|error| match error {
            WriteError::Stopped(_) => lost(self.node, "it does not read this stream any more"),
            WriteError::ConnectionLost(error) => lost(self.node, &error.to_string()),
            error => lost(self.node, &error.to_string()),
        })?;
        self.is_torn = false;
        Ok(())
    }
}

impl Drop for FrameSender {
    fn drop(&mut self) {
        if self.is_torn {
            // Else the other side would take what it has for all there is.
            let _ = self.stream.reset(GAVE_UP);
        }
    }
}

/// Receives frames of a stream. When dropped, the other side is told to send no more.
pub struct FrameReceiver {
    stream: RecvStream,
    connection: Connection,
    node: NodeId,
    pub(crate) class: Class,
    decoder: Decoder,
    chunks: [Bytes; CHUNKS_AT_ONCE],
}

impl FrameReceiver {
    /// `cap_bytes` bounds payloads beside what their kind does.
    pub(crate) fn new(
        stream: RecvStream,
        connection: Connection,
        node: NodeId,
        class: Class,
        cap_bytes: usize,
    ) -> FrameReceiver {
        let chunks = std::array::from_fn(|_| Bytes::new());
        FrameReceiver { stream, connection, node, class, decoder: Decoder::new(cap_bytes), chunks }
    }

    /// The next frame; none when the other side ended the stream. May be given up and called again.
    ///
    /// # Errors
    /// When the stream or its connection is gone, or something else than a frame arrived: then the
    /// connection has been closed.
    pub async fn receive(&mut self) -> Result<Option<Bytes>, MeshError> {
        match self.frame().await? {
            Some((kind, payload)) if kind == Kind::Data(self.class) => Ok(Some(payload)),
            Some((kind, _)) => Err(self.refuse(FrameError::unexpected(kind))),
            None => Ok(None),
        }
    }

    /// The next frame of any kind.
    pub(crate) async fn frame(&mut self) -> Result<Option<(Kind, Bytes)>, MeshError> {
        loop {
            match self.decoder.take() {
                Ok(None) => {}
                Ok(frame) => return Ok(frame),
                Err(error) => return Err(self.refuse(error)),
            }
            let read = self.stream.read_chunks(&mut self.chunks).await;
            match read {
                Ok(Some(count)) => {
                    for chunk in &mut self.chunks[..count] {
                        self.decoder.push(&std::mem::take(chunk));
                    }
                }
                Ok(None) if self.decoder.is_empty() => return Ok(None),
                Ok(None) => return Err(lost(self.node, "the stream ended within a frame")),
                Err(ReadError::Reset(_)) => return Err(lost(self.node, "it gave up the stream")),
                Err(ReadError::ConnectionLost(error)) => {
                    return Err(lost(self.node, &error.to_string()));
                }
                Err(error) => return Err(lost(self.node, &error.to_string())),
            }
        }
    }

    /// Closes the connection because of what came.
    pub(crate) fn refuse(&self, error: FrameError) -> MeshError {
        close_for_frame(&self.connection, error);
        MeshError::Frame { node: self.node, error }
    }
}

pub(crate) fn lost(node: NodeId, reason: &str) -> MeshError {
    MeshError::Lost { node, reason: reason.to_owned() }
}
