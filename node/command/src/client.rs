//! The state of one connection that commands see and change. Plain data: no socket in here.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use skep_resp::{OwnedArgs, Protocol};
use skep_store::Database;

use crate::acl::{User, fresh_default};
use crate::cluster::{Deferred, Detours};
use crate::server::{ChannelKind, PauseScope};
use crate::table::Command;

/// A connection as commands see it.
pub struct Client {
    /// Unique and rising.
    pub id: u64,
    /// The selected database.
    pub database: Database,
    /// RESP2 or RESP3, by HELLO.
    pub protocol: Protocol,
    /// Who it is; the default user until it says otherwise.
    pub(crate) user: Arc<User>,
    /// Whether it has proved that, if the user needs a password.
    pub(crate) is_authenticated: bool,
    /// It has, and the user may do everything: nothing is checked.
    pub(crate) is_unrestricted: bool,
    /// Of the users that `user` is one of; see [`Server::users`](crate::Server::users).
    pub(crate) users_version: u64,
    /// When AUTH, which waits, may go on, in Unix milliseconds.
    pub(crate) login_wait_ends_ms: Option<u64>,
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
    /// MONITOR: it is told of every command that runs.
    pub monitors: bool,
    /// The transaction being queued, if any.
    pub transaction: Option<Transaction>,
    /// Keys being watched.
    pub watches: HashSet<(Database, Vec<u8>)>,
    /// Becomes true when a watched key changes.
    pub watch_broken: Arc<AtomicBool>,
    /// Channels, patterns and shard channels subscribed to: how many of each.
    pub subscriptions: Subscriptions,
    /// Close the connection once the replies so far are sent.
    pub close_after_reply: bool,
    /// A published message has been left for the client itself, to be sent behind the reply.
    pub pushes_due: bool,
    /// Commands that CLIENT PAUSE holds back, as of a moment ago.
    pub paused: Option<PauseScope>,
    /// The next command must wait for the end of the pause. The session takes note and clears it.
    pub postponed: bool,
    /// It must wait so long rather than for the end of the pause. The session clears it.
    pub postponed_for_ms: u64,
    /// The last command's reply is still to come; the session waits for it and clears this.
    pub deferred: Option<Deferred>,
    /// EXEC is running its commands: none of them may have its reply deferred.
    pub in_exec: bool,
    /// READONLY: reads of slots that this node only replicates are served here.
    pub reads_replica: bool,
    /// What it asks of this node that is another node's.
    pub detours: Detours,
    /// Since when, in Unix milliseconds, a command of the client waits for its slots to be served.
    pub parked_since_ms: Option<u64>,
    /// The last command that was found in the table, for CLIENT LIST.
    pub last_command: Option<&'static Command>,
}

/// What CLIENT REPLY asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyMode {
    /// Every reply is sent.
    On,
    /// None is.
    Off,
    /// The next one is not.
    SkipNext,
    /// The one being written is not; the dispatcher's business.
    Skipping,
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

    /// The count of one kind.
    pub(crate) fn of_mut(&mut self, kind: ChannelKind) -> &mut usize {
        match kind {
            ChannelKind::Channel => &mut self.channels,
            ChannelKind::Pattern => &mut self.patterns,
            ChannelKind::Shard => &mut self.shard_channels,
        }
    }
}

impl Client {
    /// A fresh connection of the default user that a new server has.
    pub fn new(id: u64, is_authenticated: bool) -> Client {
        Client {
            id,
            database: 0,
            protocol: Protocol::Resp2,
            user: fresh_default(),
            is_authenticated,
            is_unrestricted: is_authenticated,
            users_version: 0,
            login_wait_ends_ms: None,
            name: Vec::new(),
            library_name: Vec::new(),
            library_version: Vec::new(),
            reply_mode: ReplyMode::On,
            no_evict: false,
            no_touch: false,
            monitors: false,
            transaction: None,
            watches: HashSet::new(),
            watch_broken: Arc::new(AtomicBool::new(false)),
            subscriptions: Subscriptions::default(),
            close_after_reply: false,
            pushes_due: false,
            paused: None,
            postponed: false,
            postponed_for_ms: 0,
            deferred: None,
            in_exec: false,
            reads_replica: false,
            detours: Detours::default(),
            parked_since_ms: None,
            last_command: None,
        }
    }
}
