//! One client connection: bytes in, commands run, bytes out.
//!
//! What has arrived is read into the worker's shared buffer, parsed and run as one batch, and the
//! replies are written, all without waiting in between. Only what is left over (half a command,
//! commands that must wait, replies the socket would not take) is kept in the session, so an idle
//! connection holds no buffers.
//!
//! Bounds: unparsed input by `client-query-buffer-limit`; unsent replies and pushed messages by
//! `client-output-buffer-limit`. While replies are unsent nothing more is read, so a client that
//! never reads stops only itself.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use skep_command::Client;
use skep_resp::{Batch, Limits, Parser, ProtocolError, Reply};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::TcpStream;

use crate::clients::Connection;
use crate::worker::Worker;

/// Commands parsed at a time; more wait in the buffer.
const MAX_BATCH_COMMANDS: usize = 1024;
/// A session's own buffer is given back when it is empty and larger than this.
const KEEP_BUFFER_BYTES: usize = 16 << 10;
/// Most room made ahead of bytes that have been announced but have not arrived.
const MAX_READ_AHEAD_BYTES: usize = 1 << 20;
/// Slices of one write.
const MAX_SLICES: usize = 64;

struct Session {
    stream: TcpStream,
    connection: Arc<Connection>,
    client: Client,
    parser: Parser,
    /// Input that could not be used up at once.
    input: Vec<u8>,
    /// Commands of `input` that wait to run, from number `next` on.
    batch: Batch,
    next: usize,
    /// Bytes of `input` that `batch` covers.
    consumed: usize,
    /// Replies that the socket has not taken.
    pending: Reply,
    /// What to answer last, before closing.
    broken: Option<ProtocolError>,
    /// The node stops: close when nothing is left to answer.
    closing: bool,
}

/// What a session waits for.
enum Wait {
    /// Input, or an order from elsewhere.
    Input,
    /// The socket to take more.
    Output,
    /// The end of CLIENT PAUSE.
    Unpause,
}

/// The connection is over.
struct Closed;

/// Serves a connection until it ends.
pub(crate) async fn serve(worker: Rc<Worker>, stream: TcpStream, connection: Arc<Connection>) {
    let client = worker.node.new_client(&connection);
    let mut session = Session {
        stream,
        connection,
        client,
        parser: Parser::default(),
        input: Vec::new(),
        batch: Batch::default(),
        next: 0,
        consumed: 0,
        pending: Reply::default(),
        broken: None,
        closing: false,
    };
    // The end itself is not news: the client went, or was told why before.
    let _ = session.run(&worker).await;
    session.disconnect(&worker);
}

impl Session {
    async fn run(&mut self, worker: &Worker) -> Result<(), Closed> {
        loop {
            match self.advance(worker)? {
                Wait::Input => {
                    std::future::poll_fn(|cx| self.poll_input(worker, cx)).await?;
                }
                Wait::Output => self.writable().await?,
                Wait::Unpause => worker.node.unpaused().await,
            }
        }
    }

    /// Does everything that can be done without waiting.
    fn advance(&mut self, worker: &Worker) -> Result<Wait, Closed> {
        loop {
            self.take_orders(worker)?;
            self.flush()?;
            if !self.pending.is_empty() {
                return Ok(Wait::Output);
            }
            if self.client.close_after_reply {
                return Err(Closed);
            }
            if worker.node.is_paused(&self.client) && self.has_work() {
                return Ok(Wait::Unpause);
            }
            if !self.has_work() {
                if self.closing {
                    return Err(Closed);
                }
                self.give_back_buffers();
                return Ok(Wait::Input);
            }
            self.run_own(worker);
        }
    }

    /// Whether commands wait in the session's own buffer.
    fn has_work(&self) -> bool {
        self.next < self.batch.len() || self.broken.is_some()
    }

    async fn writable(&mut self) -> Result<(), Closed> {
        let killed = std::future::poll_fn(|cx| self.connection.poll_killed(cx));
        tokio::select! {
            ready = self.stream.writable() => ready.map_err(|_| Closed),
            () = killed => Err(Closed),
        }
    }

    /// Reads what has arrived and runs it. Ready when the session has something to do.
    fn poll_input(&mut self, worker: &Worker, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let polled = if self.input.is_empty() {
            self.read_shared(worker, cx)
        } else {
            self.read_own(worker, cx)
        };
        if polled.is_pending() && self.connection.poll_orders(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        polled
    }

    /// Reads into the worker's buffer and keeps only what cannot be used up at once.
    fn read_shared(&mut self, worker: &Worker, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut input = worker.input.take();
        let mut buffer = ReadBuf::new(&mut input);
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        let len = buffer.filled().len();
        let polled = self.arrived(worker, polled, len);
        if let Poll::Ready(Ok(())) = polled {
            self.run_shared(worker, &input[..len]);
        }
        worker.input.replace(input);
        polled
    }

    /// Runs commands straight from the worker's buffer.
    fn run_shared(&mut self, worker: &Worker, input: &[u8]) {
        let limits = worker.node.limits(&self.client);
        self.parse(input, &limits);
        if worker.node.is_paused(&self.client) {
            self.input.extend_from_slice(input);
            return;
        }
        self.next = worker.run_batch(&mut self.client, &mut self.pending, &self.batch, input, 0);
        if self.next < self.batch.len() {
            // The batch's ranges stay true for a copy of the same bytes.
            self.input.extend_from_slice(input);
            return;
        }
        self.input.extend_from_slice(&input[self.consumed..]);
        self.finish_batch();
        self.parse_own(&limits);
    }

    /// Parses what is left in the session's own buffer.
    fn parse_own(&mut self, limits: &Limits) {
        if !self.input.is_empty() && !self.client.close_after_reply {
            let input = std::mem::take(&mut self.input);
            self.parse(&input, limits);
            self.input = input;
        }
    }

    /// Reads into the session's own buffer, which holds the beginning of something.
    fn read_own(&mut self, worker: &Worker, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let filled = self.input.len();
        if self.input.capacity() - filled < KEEP_BUFFER_BYTES / 2 {
            // Room grows with what has arrived, never with what was merely announced.
            self.input.reserve(filled.clamp(KEEP_BUFFER_BYTES, MAX_READ_AHEAD_BYTES));
        }
        let polled = pin!(self.stream.read_buf(&mut self.input)).poll(cx);
        let len = self.input.len() - filled;
        let polled = self.arrived(worker, polled.map_ok(|_| ()), len);
        if let Poll::Ready(Ok(())) = polled {
            let limits = worker.node.limits(&self.client);
            if self.input.len() > limits.max_query_buffer_bytes {
                worker.node.note_query_buffer_overflow(&self.client);
                return Poll::Ready(Err(Closed));
            }
            self.parse_own(&limits);
        }
        polled
    }

    /// Judges the outcome of a read.
    fn arrived(
        &mut self,
        worker: &Worker,
        polled: Poll<io::Result<()>>,
        len: usize,
    ) -> Poll<Result<(), Closed>> {
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) if len > 0 => {
                worker.traffic_in(len);
                self.connection.active(worker.node.now_ms());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) => Poll::Ready(Err(Closed)),
        }
    }

    fn parse(&mut self, input: &[u8], limits: &Limits) {
        let parsed = self.parser.parse(input, limits, &mut self.batch, MAX_BATCH_COMMANDS);
        self.next = 0;
        self.consumed = parsed.consumed;
        self.broken = parsed.error;
    }

    /// Runs commands from the session's own buffer.
    fn run_own(&mut self, worker: &Worker) {
        let input = std::mem::take(&mut self.input);
        let (client, pending) = (&mut self.client, &mut self.pending);
        self.next = worker.run_batch(client, pending, &self.batch, &input, self.next);
        self.input = input;
        if self.next == self.batch.len() {
            self.input.drain(..self.consumed);
            self.finish_batch();
            self.parse_own(&worker.node.limits(&self.client));
        }
    }

    /// Ends a batch whose commands have all run.
    fn finish_batch(&mut self) {
        self.batch.clear();
        self.next = 0;
        self.consumed = 0;
        if let Some(error) = self.broken.take()
            && !self.client.close_after_reply
        {
            self.pending.error(&error.reply_text());
            self.client.close_after_reply = true;
        }
    }

    /// Writes as much as the socket takes.
    fn flush(&mut self) -> Result<(), Closed> {
        while !self.pending.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let count = self.pending.unsent(&mut slices);
            let written = match slices[..count] {
                [ref only] => self.stream.try_write(only),
                ref several => self.stream.try_write_vectored(several),
            };
            match written {
                Ok(written) => self.pending.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(Closed),
            }
        }
        self.connection.note_output(self.pending.len_bytes());
        Ok(())
    }

    /// Takes what others have left for this connection: pushed messages, or the end.
    fn take_orders(&mut self, worker: &Worker) -> Result<(), Closed> {
        if !self.connection.has_orders() {
            return Ok(());
        }
        let orders = self.connection.take_orders();
        orders.messages.iter().for_each(|message| self.pending.raw(message));
        self.closing |= orders.closing;
        let unsent = self.pending.len_bytes();
        if orders.killed || worker.node.exceeds_output_limit(&self.connection, &self.client, unsent)
        {
            return Err(Closed);
        }
        Ok(())
    }

    fn give_back_buffers(&mut self) {
        if self.input.is_empty() && self.input.capacity() > KEEP_BUFFER_BYTES {
            self.input = Vec::new();
        }
        self.connection.note_input(self.input.capacity());
    }

    fn disconnect(&mut self, worker: &Worker) {
        worker.disconnect(&mut self.client, &mut self.pending);
        worker.node.gone(&self.connection);
        // Best effort: the last replies, such as the reason for closing.
        let _ = self.flush();
    }
}

/// How long a closing node waits for a session's last replies.
pub(crate) const DRAIN_POLL: Duration = Duration::from_millis(5);
