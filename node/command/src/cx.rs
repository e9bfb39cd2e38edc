//! What a handler gets: the keys it may touch, where to put its reply, who asks, and the server.

use skep_resp::{Args, Reply};
use skep_store::{Database, Key, View};

use crate::client::Client;
use crate::error::CommandError;
use crate::server::Server;
use crate::statistics::Statistics;

/// The surroundings of one command.
///
/// A handler writes its reply to memory (`reply`), never to a connection, and changes keys only
/// through `view`. It returns an error before it has written or changed anything.
pub struct Cx<'a> {
    /// The stripes of the command's keys, locked.
    pub view: View<'a>,
    /// Where the reply goes.
    pub reply: &'a mut Reply,
    /// The connection's state.
    pub client: &'a mut Client,
    /// Everything beyond keys and this connection.
    pub server: &'a dyn Server,
    /// The worker's counters of calls by command.
    pub statistics: &'a mut Statistics,
    /// The key hashed ahead of time by the batch, if any.
    pub(crate) prepared: Option<Key<'a>>,
}

impl<'a> Cx<'a> {
    /// The client's database.
    #[inline]
    pub fn database(&self) -> Database {
        self.client.database
    }

    /// The time this command runs at, in Unix milliseconds. It is the same for the whole command
    /// and for all commands of a transaction.
    #[inline]
    pub fn now_ms(&self) -> u64 {
        self.view.now_ms()
    }

    /// Calls `visit` with each stripe in turn, for commands about all keys, until it answers
    /// false. Each stripe is locked only meanwhile, except within EXEC, which holds them all.
    pub fn each_stripe(&mut self, visit: &mut dyn FnMut(&mut View<'_>, u8) -> bool) {
        self.view.each_stripe(visit);
    }

    /// Calls `visit` with all stripes locked.
    pub fn with_all_stripes<R>(&mut self, visit: impl FnOnce(&mut View<'_>) -> R) -> R {
        self.view.with_all_stripes(visit)
    }

    /// Hashes a key, or takes the hash that the batch has prepared for it.
    #[inline]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        match &self.prepared {
            Some(key) if std::ptr::eq(key.bytes, bytes) => key.with_bytes(bytes),
            _ => self.view.key(bytes),
        }
    }
}

/// A handler: the meaning of one command.
pub type Handler = fn(&mut Cx<'_>, Args<'_>) -> Result<(), CommandError>;

/// The handler of a container such as CLIENT, which the dispatcher never calls by itself.
///
/// # Errors
/// Always: a container needs a subcommand.
pub fn container(_: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    Err(CommandError::SYNTAX)
}
