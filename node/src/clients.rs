//! The connections of all workers, as others see them: CLIENT LIST, CLIENT KILL, messages pushed
//! to subscribers.
//!
//! A connection's own worker owns its session; everybody else only leaves orders (messages, or the
//! end), which the session takes when it next runs. The queue of messages is bounded by the output
//! buffer limit: a subscriber that does not keep up is closed, not waited for.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use skep_command::Client;
use skep_command::server::{ChannelKind, ClientFilter, ClientKind};
use skep_resp::Protocol;

/// One connection.
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) worker: usize,
    pub(crate) connected_ms: u64,
    descriptor: i32,
    active_ms: AtomicU64,
    has_orders: AtomicBool,
    orders: Mutex<Orders>,
    waker: Mutex<Option<Waker>>,
    /// When the unsent bytes first exceeded the soft limit; 0: they do not.
    pub(crate) soft_exceeded_ms: AtomicU64,
    output_bytes: AtomicUsize,
    input_bytes: AtomicUsize,
    /// What commands have made of the client, for CLIENT LIST.
    pub(crate) visible: Mutex<Visible>,
    /// Channels, patterns and shard channels it is subscribed to.
    pub(crate) subscriptions: Mutex<HashSet<(ChannelKind, Box<[u8]>)>>,
}

/// What others have left for a connection.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) messages: Vec<Bytes>,
    pub(crate) message_bytes: usize,
    pub(crate) killed: bool,
    /// Close when nothing is left to answer.
    pub(crate) closing: bool,
}

/// The part of a client's state that others may see.
#[derive(Clone, Default)]
pub(crate) struct Visible {
    pub(crate) name: Vec<u8>,
    pub(crate) library_name: Vec<u8>,
    pub(crate) library_version: Vec<u8>,
    pub(crate) database: u16,
    pub(crate) protocol: Protocol,
    pub(crate) channels: usize,
    pub(crate) patterns: usize,
    pub(crate) shard_channels: usize,
    pub(crate) queued: Option<usize>,
    pub(crate) watches: usize,
    pub(crate) no_evict: bool,
    pub(crate) no_touch: bool,
    pub(crate) last_command: &'static str,
}

impl Connection {
    pub(crate) fn new(
        id: u64,
        (peer, local): (SocketAddr, SocketAddr),
        descriptor: i32,
        worker: usize,
        now_ms: u64,
    ) -> Connection {
        Connection {
            id,
            peer,
            local,
            worker,
            connected_ms: now_ms,
            descriptor,
            active_ms: AtomicU64::new(now_ms),
            has_orders: AtomicBool::new(false),
            orders: Mutex::default(),
            waker: Mutex::default(),
            soft_exceeded_ms: AtomicU64::new(0),
            output_bytes: AtomicUsize::new(0),
            input_bytes: AtomicUsize::new(0),
            visible: Mutex::default(),
            subscriptions: Mutex::default(),
        }
    }

    /// Notes that the client has sent something.
    #[inline]
    pub(crate) fn active(&self, now_ms: u64) {
        self.active_ms.store(now_ms, Relaxed);
    }

    pub(crate) fn idle_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.active_ms.load(Relaxed))
    }

    #[inline]
    pub(crate) fn note_output(&self, unsent_bytes: usize) {
        self.output_bytes.store(unsent_bytes, Relaxed);
    }

    pub(crate) fn note_input(&self, capacity_bytes: usize) {
        self.input_bytes.store(capacity_bytes, Relaxed);
    }

    pub(crate) fn input_bytes(&self) -> usize {
        self.input_bytes.load(Relaxed)
    }

    pub(crate) fn output_bytes(&self) -> usize {
        self.output_bytes.load(Relaxed)
    }

    /// Bytes of buffers held for the connection.
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.output_bytes.load(Relaxed)
            + self.input_bytes.load(Relaxed)
            + self.orders.lock().message_bytes
    }

    /// Leaves a message. Answers whether the queue is within `limit_bytes` (0: no limit); beyond
    /// it the connection is to be closed.
    pub(crate) fn push(&self, message: Bytes, limit_bytes: usize) -> bool {
        let mut orders = self.orders.lock();
        orders.message_bytes += message.len();
        let fits = limit_bytes == 0 || orders.message_bytes <= limit_bytes;
        if fits {
            orders.messages.push(message);
        } else {
            orders.killed = true;
        }
        drop(orders);
        self.wake();
        fits
    }

    /// Orders the connection closed.
    pub(crate) fn kill(&self) {
        self.orders.lock().killed = true;
        self.wake();
    }

    /// Orders the connection closed once everything it has asked for is answered.
    pub(crate) fn close_when_idle(&self) {
        self.orders.lock().closing = true;
        self.wake();
    }

    fn wake(&self) {
        self.has_orders.store(true, std::sync::atomic::Ordering::Release);
        if let Some(waker) = self.waker.lock().take() {
            waker.wake();
        }
    }

    #[inline]
    pub(crate) fn has_orders(&self) -> bool {
        self.has_orders.load(std::sync::atomic::Ordering::Acquire)
    }

    pub(crate) fn take_orders(&self) -> Orders {
        self.has_orders.store(false, Relaxed);
        let mut orders = self.orders.lock();
        let (killed, closing) = (orders.killed, orders.closing);
        let taken = std::mem::take(&mut *orders);
        (orders.killed, orders.closing) = (killed, closing);
        taken
    }

    /// Ready when there are orders; else wakes the task when some come.
    pub(crate) fn poll_orders(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_orders() {
            let mut waker = self.waker.lock();
            match &*waker {
                Some(known) if known.will_wake(cx.waker()) => {}
                _ => *waker = Some(cx.waker().clone()),
            }
        }
        if self.has_orders() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ready when the connection has been killed.
    pub(crate) fn poll_killed(&self, cx: &mut Context<'_>) -> Poll<()> {
        *self.waker.lock() = Some(cx.waker().clone());
        if self.orders.lock().killed { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The line of CLIENT LIST, without its end.
    pub(crate) fn describe(&self, now_ms: u64) -> String {
        let visible = self.visible.lock().clone();
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let flags = visible.flags();
        let orders = self.orders.lock();
        let (output, queued) = (self.output_bytes.load(Relaxed), orders.message_bytes);
        let input = self.input_bytes.load(Relaxed);
        format!(
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} \
             ssub={} multi={} watch={} qbuf={} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 \
             obl={} oll={} omem={} tot-mem={} events=r cmd={} user=default redir=-1 resp={} \
             lib-name={} lib-ver={}",
            self.id,
            self.peer,
            self.local,
            self.descriptor,
            lossy(&visible.name),
            now_ms.saturating_sub(self.connected_ms) / 1000,
            self.idle_ms(now_ms) / 1000,
            flags,
            visible.database,
            visible.channels,
            visible.patterns,
            visible.shard_channels,
            visible.queued.map_or(-1, |queued| queued as i64),
            visible.watches,
            input,
            output,
            orders.messages.len(),
            output + queued,
            input + output + queued + size_of::<Connection>(),
            if visible.last_command.is_empty() { "NULL" } else { visible.last_command },
            if visible.protocol == Protocol::Resp3 { 3 } else { 2 },
            lossy(&visible.library_name),
            lossy(&visible.library_version),
        )
    }

    fn kind(&self) -> ClientKind {
        if self.visible.lock().is_subscribed() { ClientKind::Pubsub } else { ClientKind::Normal }
    }

    fn matches(&self, filter: &ClientFilter, now_ms: u64) -> bool {
        (filter.ids.is_empty() || filter.ids.contains(&self.id))
            && filter.address.as_ref().is_none_or(|address| *address == self.peer.to_string())
            && filter.local_address.as_ref().is_none_or(|local| *local == self.local.to_string())
            && filter.kind.is_none_or(|kind| kind == self.kind())
            && filter.user.as_ref().is_none_or(|user| user == "default")
            && filter
                .max_age_seconds
                .is_none_or(|age| now_ms.saturating_sub(self.connected_ms) / 1000 >= age)
            && filter.skip != Some(self.id)
    }
}

impl Visible {
    /// What can be seen of a client now.
    pub(crate) fn of(client: &Client, last_command: &'static str) -> Visible {
        Visible {
            name: client.name.clone(),
            library_name: client.library_name.clone(),
            library_version: client.library_version.clone(),
            database: client.database,
            protocol: client.protocol,
            channels: client.subscriptions.channels,
            patterns: client.subscriptions.patterns,
            shard_channels: client.subscriptions.shard_channels,
            queued: client.transaction.as_ref().map(|transaction| transaction.commands.len()),
            watches: client.watches.len(),
            no_evict: client.no_evict,
            no_touch: client.no_touch,
            last_command,
        }
    }

    pub(crate) fn is_subscribed(&self) -> bool {
        self.channels + self.patterns + self.shard_channels > 0
    }

    /// The letters of CLIENT LIST.
    fn flags(&self) -> String {
        let letters = [
            (self.is_subscribed(), 'P'),
            (self.queued.is_some(), 'x'),
            (self.no_evict, 'e'),
            (self.no_touch, 'T'),
        ];
        let set: String = letters.iter().filter(|(on, _)| *on).map(|(_, letter)| letter).collect();
        if set.is_empty() { "N".to_owned() } else { set }
    }
}

/// All connections, by id.
#[derive(Default)]
pub(crate) struct Clients {
    connections: Mutex<BTreeMap<u64, std::sync::Arc<Connection>>>,
    next_id: AtomicU64,
}

impl Clients {
    /// The id of the next connection.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Relaxed) + 1
    }

    /// Adds a connection unless there are `limit` already.
    pub(crate) fn add(&self, connection: &std::sync::Arc<Connection>, limit: usize) -> bool {
        let mut connections = self.connections.lock();
        let fits = connections.len() < limit;
        if fits {
            connections.insert(connection.id, std::sync::Arc::clone(connection));
        }
        fits
    }

    pub(crate) fn remove(&self, id: u64) {
        self.connections.lock().remove(&id);
    }

    /// Connections that a worker serves.
    pub(crate) fn count_of(&self, worker: usize) -> usize {
        self.connections.lock().values().filter(|one| one.worker == worker).count()
    }

    pub(crate) fn count(&self) -> usize {
        self.connections.lock().len()
    }

    /// The connections that a filter takes, oldest first.
    pub(crate) fn select(
        &self,
        filter: &ClientFilter,
        now_ms: u64,
    ) -> Vec<std::sync::Arc<Connection>> {
        let connections: Vec<_> = self.connections.lock().values().cloned().collect();
        connections.into_iter().filter(|one| one.matches(filter, now_ms)).collect()
    }

    pub(crate) fn get(&self, id: u64) -> Option<std::sync::Arc<Connection>> {
        self.connections.lock().get(&id).cloned()
    }
}
