//! The state of one connection that commands see and change. Plain data: no socket in here.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use skep_resp::{OwnedArgs, Protocol};
use skep_store::Database;

/// A connection as commands see it.
pub struct Client {
    /// Unique and rising.
    pub id: u64,
    /// The selected database.
    pub database: Database,
    /// RESP2 or RESP3, by HELLO.
    pub protocol: Protocol,
    /// Whether commands other than AUTH, HELLO and QUIT are allowed.
    pub authenticated: bool,
    /// Name given by CLIENT SETNAME, or empty.
    pub name: Vec<u8>,
    /// CLIENT SETINFO LIB-NAME.
    pub library_name: Vec<u8>,
    /// CLIENT SETINFO LIB-VER.
    pub library_version: Vec<u8>,
    /// CLIENT REPLY.
    pub reply_mode: ReplyMode,
    /// CLIENT NO-EVICT.
    pub no_evict: bool,
    /// CLIENT NO-TOUCH: lookups leave no trace in the access state.
    pub no_touch: bool,
    /// The transaction being queued, if any.
    pub transaction: Option<Transaction>,
    /// Keys being watched.
    pub watches: Vec<(Database, Vec<u8>)>,
    /// Becomes true when a watched key changes.
    pub watch_broken: Arc<AtomicBool>,
    /// Channels, patterns and shard channels subscribed to: how many of each.
    pub subscriptions: Subscriptions,
    /// Close the connection once the replies so far are sent.
    pub close_after_reply: bool,
    /// How long the client asked to be blocked, when a handler wants it to wait (CLIENT PAUSE and
    /// DEBUG SLEEP do not use this).
    pub deferred: Option<Deferred>,
}

/// What CLIENT REPLY asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyMode {
    /// Every reply is sent.
    On,
    /// None is.
    Off,
    /// The reply to CLIENT REPLY SKIP itself is left out, and the next one.
    SkipNext,
}

/// Commands queued by MULTI.
#[derive(Default)]
pub struct Transaction {
    /// In order.
    pub commands: Vec<OwnedArgs>,
    /// A command could not be queued, so EXEC must refuse.
    pub failed: bool,
    /// One of them may use more memory.
    pub uses_memory: bool,
    /// Bytes of the queued arguments.
    pub queued_bytes: usize,
}

/// How much a client is subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// SUBSCRIBE.
    pub channels: usize,
    /// PSUBSCRIBE.
    pub patterns: usize,
    /// SSUBSCRIBE.
    pub shard_channels: usize,
}

impl Subscriptions {
    /// Whether there is any.
    pub fn any(self) -> bool {
        self.channels + self.patterns + self.shard_channels > 0
    }
}

/// A reply that comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferred {
    /// After these milliseconds the session goes on with the next command.
    Pause(u64),
}

impl Client {
    /// A fresh connection.
    pub fn new(id: u64, authenticated: bool) -> Client {
        Client {
            id,
            database: 0,
            protocol: Protocol::Resp2,
            authenticated,
            name: Vec::new(),
            library_name: Vec::new(),
            library_version: Vec::new(),
            reply_mode: ReplyMode::On,
            no_evict: false,
            no_touch: false,
            transaction: None,
            watches: Vec::new(),
            watch_broken: Arc::new(AtomicBool::new(false)),
            subscriptions: Subscriptions::default(),
            close_after_reply: false,
            deferred: None,
        }
    }
}
