//! The connections of all workers, as others see them: CLIENT LIST, CLIENT KILL, messages pushed
//! to subscribers.
//!
//! A connection's own worker owns its session; everybody else only leaves orders (messages, or the
//! end), which the session takes when it next runs. Unsent bytes, queued messages included, are
//! bounded by `client-output-buffer-limit`: a client that does not keep up is closed, not waited
//! for. Publishers check the hard limit, the node's tick both.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_command::Client;
use skep_command::server::{ChannelKind, ClientFilter, ClientKind};
use skep_command::table::Command;
use skep_resp::Protocol;

use crate::settings::OutputLimit;
use crate::visible::Visible;

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
    killed: AtomicBool,
    orders: Mutex<Orders>,
    waker: Mutex<Option<Waker>>,
    /// When the unsent bytes first exceeded the soft limit; 0: they do not.
    soft_exceeded_ms: AtomicU64,
    /// Bytes of replies that the socket has not taken.
    output_bytes: AtomicUsize,
    /// Bytes of messages that the session has not taken.
    queued_bytes: AtomicUsize,
    input_bytes: AtomicUsize,
    /// Whether messages to it are to be in RESP3.
    speaks_resp3: AtomicBool,
    /// The last command's number in the table.
    last_command: AtomicUsize,
    /// What commands have made of the client, for CLIENT LIST.
    pub(crate) visible: Mutex<Visible>,
    /// Channels, patterns and shard channels it is subscribed to.
    pub(crate) subscriptions: Mutex<HashSet<(ChannelKind, Box<[u8]>)>>,
}

/// No command yet, or an unknown one.
const NO_COMMAND: usize = usize::MAX;

/// What others have left for a connection.
#[derive(Default)]
struct Orders {
    messages: Vec<Bytes>,
    /// Close when nothing is left to answer.
    closing: bool,
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
            killed: AtomicBool::new(false),
            orders: Mutex::default(),
            waker: Mutex::default(),
            soft_exceeded_ms: AtomicU64::new(0),
            output_bytes: AtomicUsize::new(0),
            queued_bytes: AtomicUsize::new(0),
            input_bytes: AtomicUsize::new(0),
            speaks_resp3: AtomicBool::new(false),
            last_command: AtomicUsize::new(NO_COMMAND),
            visible: Mutex::default(),
            subscriptions: Mutex::default(),
        }
    }

    /// Notes that the client has sent or taken something.
    #[inline]
    pub(crate) fn active(&self, now_ms: u64) {
        self.active_ms.store(now_ms, Relaxed);
    }

    pub(crate) fn idle_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.active_ms.load(Relaxed))
    }

    /// Notes how much of the replies the socket has not taken.
    #[inline]
    pub(crate) fn note_output(&self, unsent_bytes: usize) {
        self.output_bytes.store(unsent_bytes, Relaxed);
        if unsent_bytes == 0 {
            self.soft_exceeded_ms.store(0, Relaxed);
        }
    }

    pub(crate) fn note_input(&self, capacity_bytes: usize) {
        self.input_bytes.store(capacity_bytes, Relaxed);
    }

    #[inline]
    pub(crate) fn note_command(&self, command: Option<&Command>) {
        let number = command.map_or(NO_COMMAND, |command| usize::from(command.index));
        self.last_command.store(number, Relaxed);
    }

    pub(crate) fn input_bytes(&self) -> usize {
        self.input_bytes.load(Relaxed)
    }

    /// Bytes the client has not taken: replies and messages.
    pub(crate) fn output_bytes(&self) -> usize {
        self.output_bytes.load(Relaxed) + self.queued_bytes.load(Relaxed)
    }

    /// Messages that the session has not taken, and their bytes.
    pub(crate) fn queued(&self) -> (usize, usize) {
        let orders = self.orders.lock();
        (orders.messages.len(), self.queued_bytes.load(Relaxed))
    }

    /// The full name of the last command, or `NULL`.
    pub(crate) fn last_command(&self) -> &'static str {
        let command = skep_command::table::commands().get(self.last_command.load(Relaxed));
        command.map_or("NULL", |command| &command.full_name)
    }

    pub(crate) fn descriptor(&self) -> i32 {
        self.descriptor
    }

    /// Bytes of buffers held for the connection.
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.output_bytes() + self.input_bytes()
    }

    /// The protocol that messages to it are to be in.
    pub(crate) fn protocol(&self) -> Protocol {
        if self.speaks_resp3.load(Relaxed) { Protocol::Resp3 } else { Protocol::Resp2 }
    }

    /// Leaves a message. Beyond the hard limit the connection is ordered closed instead; answers
    /// whether that has happened now.
    pub(crate) fn push(&self, message: Bytes, limit: &OutputLimit) -> bool {
        let mut orders = self.orders.lock();
        if self.is_killed() {
            return false;
        }
        let unsent_bytes = self.output_bytes() + message.len();
        if limit.hard_bytes > 0 && unsent_bytes > limit.hard_bytes {
            orders.messages.clear();
            drop(orders);
            self.kill();
            return true;
        }
        self.queued_bytes.fetch_add(message.len(), Relaxed);
        orders.messages.push(message);
        drop(orders);
        self.wake();
        false
    }

    /// Orders the connection closed.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Relaxed);
        self.has_orders.store(true, Release);
        // Also a session that leaves its messages where they are, for want of room.
        self.wake_session();
    }

    #[inline]
    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Relaxed)
    }

    /// Orders the connection closed once everything it has asked for is answered.
    pub(crate) fn close_when_idle(&self) {
        self.orders.lock().closing = true;
        self.wake();
    }

    fn wake(&self) {
        if self.has_orders.swap(true, AcqRel) {
            return;
        }
        self.wake_session();
    }

    fn wake_session(&self) {
        if let Some(waker) = &*self.waker.lock() {
            waker.wake_by_ref();
        }
    }

    #[inline]
    pub(crate) fn has_orders(&self) -> bool {
        self.has_orders.load(Acquire)
    }

    /// Says whom to wake when orders come, from now on.
    pub(crate) fn set_waker(&self, waker: Waker) {
        *self.waker.lock() = Some(waker);
    }

    /// Notes that orders are looked at. Answers whether the connection is to be closed once
    /// everything is answered.
    pub(crate) fn take_closing(&self) -> bool {
        self.has_orders.swap(false, AcqRel);
        self.orders.lock().closing
    }

    /// Takes the messages that have been left.
    pub(crate) fn take_messages(&self) -> Vec<Bytes> {
        let mut orders = self.orders.lock();
        self.queued_bytes.store(0, Relaxed);
        std::mem::take(&mut orders.messages)
    }

    /// Tells whether more is unsent than may be, at once or for too long.
    pub(crate) fn exceeds(&self, limit: &OutputLimit, now_ms: u64) -> bool {
        let unsent_bytes = self.output_bytes();
        if limit.hard_bytes > 0 && unsent_bytes > limit.hard_bytes {
            return true;
        }
        if limit.soft_bytes == 0 || unsent_bytes <= limit.soft_bytes {
            self.soft_exceeded_ms.store(0, Relaxed);
            return false;
        }
        let since_ms = match self.soft_exceeded_ms.load(Relaxed) {
            0 => now_ms.max(1),
            since_ms => since_ms,
        };
        self.soft_exceeded_ms.store(since_ms, Relaxed);
        u128::from(now_ms.saturating_sub(since_ms)) > limit.soft_for.as_millis()
    }

    /// Tells others what they may see of the client.
    pub(crate) fn show(&self, client: &Client) {
        *self.visible.lock() = Visible::of(client);
        self.speaks_resp3.store(client.protocol == Protocol::Resp3, Relaxed);
        self.note_command(client.last_command);
    }

    /// Whether the client has had more than `limit` to say who it is, and has not.
    pub(crate) fn is_late_to_log_in(&self, now_ms: u64, limit: Duration) -> bool {
        let age_ms = now_ms.saturating_sub(self.connected_ms);
        u128::from(age_ms) > limit.as_millis() && !self.visible.lock().identity().1
    }

    fn kind(&self) -> ClientKind {
        if self.visible.lock().is_subscribed() { ClientKind::Pubsub } else { ClientKind::Normal }
    }

    fn matches(&self, filter: &ClientFilter, now_ms: u64) -> bool {
        (filter.ids.is_empty() || filter.ids.contains(&self.id))
            && filter.address.as_ref().is_none_or(|address| *address == self.peer.to_string())
            && filter.local_address.as_ref().is_none_or(|local| *local == self.local.to_string())
            && filter.kind.is_none_or(|kind| kind == self.kind())
            && filter.user.as_ref().is_none_or(|user| self.visible.lock().identity().0 == *user)
            && filter
                .max_age_seconds
                .is_none_or(|age| now_ms.saturating_sub(self.connected_ms) / 1000 >= age)
            && filter.skip != Some(self.id)
    }
}

/// All connections, by id.
#[derive(Default)]
pub(crate) struct Clients {
    connections: Mutex<BTreeMap<u64, Arc<Connection>>>,
    next_id: AtomicU64,
}

impl Clients {
    /// The id of the next connection.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Relaxed) + 1
    }

    /// Adds a connection unless there are `limit` already.
    pub(crate) fn add(&self, connection: &Arc<Connection>, limit: usize) -> bool {
        let mut connections = self.connections.lock();
        let fits = connections.len() < limit;
        if fits {
            connections.insert(connection.id, Arc::clone(connection));
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
    pub(crate) fn select(&self, filter: &ClientFilter, now_ms: u64) -> Vec<Arc<Connection>> {
        let connections = self.connections.lock();
        let mut selected: Vec<_> = match &*filter.ids {
            [] => connections.values().cloned().collect(),
            ids => ids.iter().filter_map(|id| connections.get(id)).cloned().collect(),
        };
        drop(connections);
        selected.retain(|one| one.matches(filter, now_ms));
        selected
    }

    /// Visits every connection, oldest first. The visitor must not add or remove any.
    pub(crate) fn each(&self, visit: impl FnMut(&Connection)) {
        self.connections.lock().values().map(Arc::as_ref).for_each(visit);
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Connection>> {
        self.connections.lock().get(&id).cloned()
    }
}
