//! One client connection: bytes in, commands run, bytes out.
//!
//! What has arrived is read into the worker's shared buffer, parsed and run as one batch, and the
//! replies are written, all without waiting in between. Only what is left over (half a command,
//! commands that must wait, replies the socket would not take) is kept in the session, so an idle
//! connection holds no buffers.
//!
//! Bounds: unparsed input by `client-query-buffer-limit`; unsent replies and pushed messages by
//! `client-output-buffer-limit`. While replies are unsent nothing more is read or run, and messages
//! stay where publishers and the node's tick watch over them, so a client that never reads stops
//! only itself.
//!
//! After the last reply (QUIT, CLIENT KILL of itself, a broken request) only the sending half is
//! closed, and the client has a moment to read it: closing at once with input unread would let
//! the system drop the reply.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use skep_command::Client;
use skep_command::client::ReplyMode;
use skep_command::cluster::Deferred;
use skep_resp::{Batch, Limits, Parser, ProtocolError, Reply};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::clients::Connection;
use crate::visible::Shape;
use crate::worker::Worker;

/// Commands parsed at a time; more wait in the buffer.
const MAX_BATCH_COMMANDS: usize = 1024;
/// A session's own buffer is given back when it is empty and larger than this.
const KEEP_BUFFER_BYTES: usize = 16 << 10;
/// Most room made ahead of bytes that have been announced but have not arrived.
const MAX_READ_AHEAD_BYTES: usize = 1 << 20;
/// Reads in a row that bring something before other sessions get a turn.
const MAX_BUSY_READS: u32 = 4;
/// Slices of one write.
const MAX_SLICES: usize = 64;
/// Unsent bytes from which on the output limit is looked at right away.
const CHECKED_OUTPUT_BYTES: usize = 16 << 10;
/// Input that is still taken in while commands wait for the end of a pause.
const MAX_PAUSED_INPUT_BYTES: usize = 64 << 10;
/// How long a client whose connection ends may leave what is unsent without taking any of it.
const MAX_LAST_WRITE: Duration = Duration::from_secs(5);
/// How long a client may take to close after the last reply.
const MAX_LINGER: Duration = Duration::from_secs(1);

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
    /// Bytes of `input` that `batch` covers, from `used` on.
    consumed: usize,
    /// Bytes of `input` that are used up but not dropped yet.
    used: usize,
    /// Reads in a row that brought something.
    busy_reads: u32,
    /// Replies that the socket has not taken.
    pending: Reply,
    /// What to answer last, before closing.
    broken: Option<ProtocolError>,
    /// The connection is to end when nothing is left to answer.
    closing: bool,
    /// What had arrived by then has been read.
    has_read_last: bool,
    /// What the connection has been told to wake.
    waker: Option<Waker>,
    /// What others have been told about the client.
    shown: Shape,
}

/// What a session waits for.
enum Wait {
    /// Input, or an order from elsewhere.
    Input,
    /// What arrived before the order to close.
    LastInput,
    /// The socket to take more.
    Output,
    /// The end of CLIENT PAUSE, or of what else keeps commands from running.
    Unpause,
    /// The reply of a command that takes its time.
    Deferred(Deferred),
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
        used: 0,
        busy_reads: 0,
        pending: Reply::default(),
        broken: None,
        closing: false,
        has_read_last: false,
        waker: None,
        shown: Shape::default(),
    };
    // The end itself is not news: the client went, or was told why before.
    let _ = session.run(&worker).await;
    session.disconnect(&worker);
    session.linger().await;
}

impl Session {
    async fn run(&mut self, worker: &Worker) -> Result<(), Closed> {
        loop {
            match self.advance(worker)? {
                Wait::Input => self.wait_for_input(worker).await?,
                Wait::LastInput => self.read_last(worker).await?,
                Wait::Output => self.writable(worker).await?,
                Wait::Unpause => self.unpaused(worker).await?,
                Wait::Deferred(deferred) => self.answered(deferred).await?,
            }
        }
    }

    /// Does everything that can be done without waiting.
    fn advance(&mut self, worker: &Worker) -> Result<Wait, Closed> {
        loop {
            self.take_orders()?;
            self.flush(worker)?;
            if !self.pending.is_empty() {
                return Ok(Wait::Output);
            }
            if let Some(deferred) = self.client.deferred.take() {
                return Ok(Wait::Deferred(deferred));
            }
            if self.client.close_after_reply {
                return Err(Closed);
            }
            if !self.has_work() {
                if self.closing {
                    return Ok(Wait::LastInput);
                }
                self.give_back_buffers(worker);
                return Ok(Wait::Input);
            }
            if std::mem::take(&mut self.client.postponed) {
                // A node that stops answers nothing later. One that asks its idle clients to leave
                // does not mean those that wait for it.
                let is_over = self.closing && worker.node.is_stopping();
                return if is_over { Err(Closed) } else { Ok(Wait::Unpause) };
            }
            self.run_own(worker);
        }
    }

    /// Whether commands wait in the session's own buffer.
    fn has_work(&self) -> bool {
        self.next < self.batch.len() || self.broken.is_some()
    }

    /// Waits until the socket takes more, or the connection is killed.
    async fn writable(&mut self, worker: &Worker) -> Result<(), Closed> {
        let Session { stream, connection, waker, .. } = self;
        let killed = std::future::poll_fn(|cx| poll_killed(connection, waker, cx));
        let patience = if self.client.close_after_reply { MAX_LAST_WRITE } else { Duration::MAX };
        tokio::select! {
            ready = stream.writable() => ready.map_err(|_| Closed)?,
            () = killed => return Err(Closed),
            () = tokio::time::sleep(patience), if patience < Duration::MAX => return Err(Closed),
        }
        // A client that takes a long answer is not idle.
        self.connection.active(worker.recent_ms());
        Ok(())
    }

    /// Waits for the end of a pause, or orders. What arrives meanwhile is taken in up to a bound,
    /// so that the end of the connection is noticed.
    async fn unpaused(&mut self, worker: &Worker) -> Result<(), Closed> {
        let Session { stream, connection, waker, input, .. } = self;
        let orders = std::future::poll_fn(|cx| poll_orders(connection, waker, cx));
        let takes_input = input.len() < MAX_PAUSED_INPUT_BYTES;
        input.reserve(KEEP_BUFFER_BYTES);
        let wait_ms = std::mem::take(&mut self.client.postponed_for_ms);
        let may_go_on = async {
            match wait_ms {
                0 => worker.node.unpaused().await,
                _ => tokio::time::sleep(Duration::from_millis(wait_ms)).await,
            }
        };
        tokio::select! {
            () = may_go_on => Ok(()),
            () = orders => Ok(()),
            read = stream.read_buf(input), if takes_input => match read {
                Ok(len) if len > 0 => {
                    worker.traffic_in(len);
                    connection.active(worker.recent_ms());
                    Ok(())
                }
                _ => Err(Closed),
            },
        }
    }

    /// Waits for the reply of a command that takes its time, and writes it.
    async fn answered(&mut self, deferred: Deferred) -> Result<(), Closed> {
        let Session { stream, connection, waker, .. } = self;
        // A client that has left is noticed unless it has said more before.
        let left = async {
            if stream.peek(&mut [0]).await.is_ok_and(|len| len > 0) {
                std::future::pending::<()>().await;
            }
        };
        let killed = std::future::poll_fn(|cx| poll_killed(connection, waker, cx));
        let answer = tokio::select! {
            answer = deferred => answer,
            () = killed => return Err(Closed),
            () = left => return Err(Closed),
        };
        let is_wanted = self.client.reply_mode == ReplyMode::On;
        self.pending.set_protocol(self.client.protocol);
        if is_wanted {
            answer.write(&mut self.pending);
        }
        Ok(())
    }

    /// Reads and runs what arrives. A client that always has something to say lets others have a
    /// turn now and then.
    async fn wait_for_input(&mut self, worker: &Worker) -> Result<(), Closed> {
        // Only now are the replies to the last read sent and the lent buffers given back.
        if self.busy_reads == MAX_BUSY_READS {
            self.busy_reads = 0;
            tokio::task::yield_now().await;
        }
        let mut has_waited = false;
        std::future::poll_fn(|cx| {
            let polled = self.poll_input(worker, cx);
            has_waited |= polled.is_pending();
            polled
        })
        .await?;
        self.busy_reads = if has_waited { 0 } else { self.busy_reads + 1 };
        Ok(())
    }

    /// Reads and runs what came before the order to close. The second time the connection is over.
    async fn read_last(&mut self, worker: &Worker) -> Result<(), Closed> {
        if std::mem::replace(&mut self.has_read_last, true) {
            return Err(Closed);
        }
        // Only then does the runtime know what has arrived.
        tokio::task::yield_now().await;
        match self.poll_input(worker, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read,
            Poll::Pending => Err(Closed),
        }
    }

    /// Reads what has arrived and runs it. Ready when the session has something to do.
    fn poll_input(&mut self, worker: &Worker, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let polled = if self.input.is_empty() {
            self.read_shared(worker, cx)
        } else {
            self.read_own(worker, cx)
        };
        if polled.is_pending() {
            return poll_orders(&self.connection, &mut self.waker, cx).map(Ok);
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
        worker.lend(&mut self.batch, &mut self.pending);
        self.parse(input, &limits);
        self.next = worker.run_batch(&mut self.client, &mut self.pending, &self.batch, input, 0);
        self.show();
        if self.next < self.batch.len() {
            // The batch's ranges stay true for a copy of the same bytes.
            self.input.extend_from_slice(input);
            return;
        }
        self.input.extend_from_slice(&input[self.consumed..]);
        self.finish_batch();
        if !self.input.is_empty() {
            // Looked up again: the batch may have authenticated the client.
            self.parse_own(&worker.node.limits(&self.client));
        }
    }

    /// Parses what is left in the session's own buffer.
    fn parse_own(&mut self, limits: &Limits) {
        if !self.input.is_empty() && !self.client.close_after_reply {
            let input = std::mem::take(&mut self.input);
            self.parse(&input[self.used..], limits);
            self.input = input;
            if self.batch.is_empty() {
                // Empty lines are used up without a command. The parser's place is behind them.
                let len = std::mem::take(&mut self.consumed);
                self.use_up(len);
            }
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
            if self.input.len() - self.used > limits.max_query_buffer_bytes {
                worker.node.note_query_buffer_overflow();
                return Poll::Ready(Err(Closed));
            }
            worker.lend(&mut self.batch, &mut self.pending);
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
                self.connection.active(worker.recent_ms());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) => Poll::Ready(Err(Closed)),
        }
    }

    fn parse(&mut self, input: &[u8], limits: &Limits) {
        // Before authentication one at a time: the next one may change what is allowed.
        let max_commands = if limits.authenticated { MAX_BATCH_COMMANDS } else { 1 };
        let parsed = self.parser.parse(input, limits, &mut self.batch, max_commands);
        self.next = 0;
        self.consumed = parsed.consumed;
        self.broken = parsed.error;
    }

    /// Runs commands from the session's own buffer.
    fn run_own(&mut self, worker: &Worker) {
        let input = std::mem::take(&mut self.input);
        let (client, pending) = (&mut self.client, &mut self.pending);
        let commands = &input[self.used..];
        self.next = worker.run_batch(client, pending, &self.batch, commands, self.next);
        self.input = input;
        self.show();
        if self.next == self.batch.len() {
            self.use_up(self.consumed);
            self.finish_batch();
            self.parse_own(&worker.node.limits(&self.client));
        }
    }

    /// Drops the first bytes of the own buffer, when that moves no more than it has used up: a batch
    /// may be a single small command.
    fn use_up(&mut self, len: usize) {
        self.used += len;
        if self.used * 2 >= self.input.len() {
            self.input.drain(..self.used);
            self.used = 0;
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
            if self.client.reply_mode == ReplyMode::On {
                self.pending.error(&error.reply_text());
            }
            self.client.close_after_reply = true;
        }
    }

    /// Tells others what they may see of the client, if that has changed.
    #[inline]
    fn show(&mut self) {
        let shape = Shape::of(&self.client);
        if shape != self.shown {
            self.shown = shape;
            self.connection.show(&self.client);
        }
        self.connection.note_command(self.client.last_command);
    }

    /// Writes as much as the socket takes.
    fn flush(&mut self, worker: &Worker) -> Result<(), Closed> {
        let before = self.pending.len_bytes();
        if before > CHECKED_OUTPUT_BYTES {
            self.check_output(worker)?;
        }
        while !self.pending.is_empty() {
            let written = match self.pending.unsent_piece() {
                Some(piece) => self.stream.try_write(piece),
                None => {
                    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                    let count = self.pending.unsent(&mut slices);
                    self.stream.try_write_vectored(&slices[..count])
                }
            };
            match written {
                Ok(written) => self.pending.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(Closed),
            }
        }
        let unsent = self.pending.len_bytes();
        if before > 0 {
            worker.traffic_out(before - unsent);
            self.connection.note_output(unsent);
        }
        Ok(())
    }

    /// Ends a connection that has more unsent than it may have.
    #[cold]
    fn check_output(&self, worker: &Worker) -> Result<(), Closed> {
        self.connection.note_output(self.pending.len_bytes());
        let limit = worker.node.output_limit(self.client.subscriptions.any());
        if self.connection.exceeds(&limit, worker.node.now_ms()) {
            worker.node.note_output_overrun();
            return Err(Closed);
        }
        Ok(())
    }

    /// Takes what others have left for this connection: pushed messages, or the end. Messages wait
    /// while there is something to send before them.
    fn take_orders(&mut self) -> Result<(), Closed> {
        if !self.connection.has_orders() {
            return Ok(());
        }
        if self.pending.is_empty() {
            self.closing |= self.connection.take_closing();
            let messages = self.connection.take_messages();
            messages.into_iter().for_each(|message| self.pending.raw_shared(message));
        }
        if self.connection.is_killed() { Err(Closed) } else { Ok(()) }
    }

    fn give_back_buffers(&mut self, worker: &Worker) {
        worker.take_back(&mut self.batch, &mut self.pending);
        if self.input.is_empty() && self.input.capacity() > KEEP_BUFFER_BYTES {
            self.input = Vec::new();
        }
        self.connection.note_input(self.input.capacity());
    }

    fn disconnect(&mut self, worker: &Worker) {
        worker.disconnect(&mut self.client, &mut self.pending);
        worker.node.gone(&self.connection);
    }

    /// Lets the client read the last reply; see the module.
    async fn linger(&mut self) {
        let ends_in_peace = (self.client.close_after_reply || self.closing)
            && self.pending.is_empty()
            && !self.connection.is_killed();
        if !ends_in_peace || self.stream.shutdown().await.is_err() {
            return;
        }
        let mut rest = [0; 1024];
        let read_out =
            async { while self.stream.read(&mut rest).await.is_ok_and(|len| len > 0) {} };
        let _ = tokio::time::timeout(MAX_LINGER, read_out).await;
    }
}

/// Ready when there are orders; else the task is woken when some come.
fn poll_orders(
    connection: &Connection,
    known: &mut Option<Waker>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if !known.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
        connection.set_waker(cx.waker().clone());
        *known = Some(cx.waker().clone());
    }
    if connection.has_orders() { Poll::Ready(()) } else { Poll::Pending }
}

/// Ready when the connection has been killed.
fn poll_killed(
    connection: &Connection,
    known: &mut Option<Waker>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let _ = poll_orders(connection, known, cx);
    if connection.is_killed() { Poll::Ready(()) } else { Poll::Pending }
}

/// How long a closing node waits for a session's last replies.
pub(crate) const DRAIN_POLL: Duration = Duration::from_millis(5);
