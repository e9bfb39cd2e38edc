//! What commands need beyond keys and their own connection: other clients, configuration,
//! publishing, figures. The binary implements it; tests use a small one of their own.

use std::sync::Arc;

use skep_keyspace::{NodeId, Slot};
use skep_resp::{Args, Reply};
use skep_store::Counters;

use crate::acl::{Change, Denial, Entry, Users};
use crate::client::Client;
use crate::cluster::{ClusterRequest, Deferred, DeferredReply, Routes};
use crate::error::CommandError;
use crate::statistics::Statistics;

/// The version of Redis this server behaves like.
pub const REDIS_VERSION: &str = "7.2.4";

/// The rest of the server, as commands see it. Every method is quick or says that it blocks.
pub trait Server: Sync {
    /// Nanoseconds of a monotonic clock, for measuring commands.
    fn clock_ns(&self) -> u64;
    /// Whether each command is to be measured by itself, because the slow log or the latency
    /// monitor asks for durations that ordinary commands may reach, or somebody watches them run.
    fn wants_exact_times(&self) -> bool;
    /// Most bytes of arguments a transaction may queue.
    fn max_transaction_bytes(&self) -> usize;
    /// Most bytes a value may have (`proto-max-bulk-len`), 512 MiB unless configured.
    fn max_value_bytes(&self) -> usize;
    /// Unix time in microseconds, for TIME.
    fn unix_time_us(&self) -> u64;
    /// When the server started, in Unix seconds.
    fn started_unix_seconds(&self) -> u64;
    /// Unguessable bytes.
    fn random_bytes(&self, out: &mut [u8]);

    /// The users, and a number that is another one whenever they have changed.
    fn users(&self) -> (Arc<Users>, u64);
    /// Changes the users of this node, whole or not at all, and ends connections of those that are gone or may
    /// not be any more what they are. Returns how many have been deleted.
    ///
    /// # Errors
    /// The reply to give; nothing has changed then.
    fn change_users(&self, client: &Client, change: Change) -> Result<usize, CommandError>;
    /// Reads the users from their file.
    ///
    /// # Errors
    /// The reply to give; nothing has changed then.
    fn load_users(&self, client: &Client) -> Result<(), CommandError>;
    /// Writes the users to their file.
    ///
    /// # Errors
    /// The reply to give.
    fn save_users(&self) -> Result<(), CommandError>;
    /// How long the client has to wait before it may try to be this user.
    fn login_wait_ms(&self, client: &Client, user: &[u8]) -> u64;
    /// Notes that the client has tried to be this user.
    fn note_login(&self, client: &Client, user: &[u8], succeeded: bool);
    /// Notes that a client was refused something.
    fn note_denial(&self, client: &Client, denial: Denial);
    /// The latest refusals.
    fn denials(&self, count: usize) -> Vec<Entry>;
    /// Forgets all refusals.
    fn forget_denials(&self);

    /// Options whose names match any of the patterns, with their values.
    fn config_get(&self, patterns: &[&[u8]]) -> Vec<(String, String)>;
    /// Sets options, all or none.
    ///
    /// # Errors
    /// The reply to give; nothing has changed then.
    fn config_set(&self, pairs: &[(&[u8], &[u8])]) -> Result<(), CommandError>;
    /// Writes the configuration file.
    ///
    /// # Errors
    /// The reply to give.
    fn config_rewrite(&self) -> Result<(), CommandError>;
    /// Publishes the counters of the worker that serves this client, which are otherwise as
    /// late as its last tick. Other workers' may still be.
    fn publish_figures(&self, client: &Client, counters: &Counters, statistics: &mut Statistics);
    /// Sets the counters of INFO back to zero.
    fn reset_statistics(&self);

    /// The text of INFO for the named sections (lower case; empty: the default ones).
    fn info(&self, sections: &[&str]) -> String;

    /// Describes the connected clients that `filter` takes, oldest first.
    fn clients(&self, filter: &ClientFilter) -> Vec<ClientInfo>;
    /// Asks clients to close. Returns how many; the asker itself is told by `self_killed`.
    fn kill_clients(&self, asker: u64, filter: &ClientFilter) -> Killed;
    /// Tells the server what changed about this client that others can see (name, database ...).
    fn client_changed(&self, client: &Client);
    /// Suspends all clients' commands (or just writes) for some milliseconds.
    fn pause_clients(&self, milliseconds: u64, scope: PauseScope);
    /// Ends a suspension.
    fn unpause_clients(&self);
    /// Which commands are suspended now.
    fn paused(&self) -> Option<PauseScope> {
        None
    }
    /// Ends a blocking command of another client. Answers whether it was blocked.
    fn unblock_client(&self, id: u64, with_error: bool) -> bool;

    /// Subscribes the client. Answers whether it was not subscribed before.
    fn subscribe(&self, client: &Client, kind: ChannelKind, name: &[u8]) -> bool;
    /// Ends a subscription. Answers whether there was one.
    fn unsubscribe(&self, client: &Client, kind: ChannelKind, name: &[u8]) -> bool;
    /// What the client is subscribed to, of one kind.
    fn subscriptions(&self, client: &Client, kind: ChannelKind) -> Vec<Vec<u8>>;
    /// Sends a message to subscribers. Returns how many got it.
    fn publish(&self, kind: ChannelKind, channel: &[u8], message: &[u8]) -> usize;
    /// Moves messages that others have left for the client, and its own, behind its replies.
    fn take_pushes(&self, client: &Client, reply: &mut Reply) {
        let _ = (client, reply);
    }
    /// Tells the client of every command that runs, until it leaves or is told to stop.
    fn watch_commands(&self, client: &Client, on: bool);
    /// Tells those who watch (MONITOR) that the client's command has run.
    fn tell_watchers(&self, client: &Client, args: Args<'_>);
    /// Channels with subscribers (not patterns), all or those that match a pattern.
    fn channels(&self, kind: ChannelKind, pattern: Option<&[u8]>) -> Vec<Vec<u8>>;
    /// Subscribers of a channel, by exact name.
    fn subscriber_count(&self, kind: ChannelKind, channel: &[u8]) -> usize;
    /// Distinct patterns subscribed to.
    fn pattern_count(&self) -> usize;

    /// The slow log, newest first.
    fn slow_log(&self, count: usize) -> Vec<SlowEntry>;
    /// Entries in the slow log.
    fn slow_log_len(&self) -> usize;
    /// Empties the slow log.
    fn slow_log_reset(&self);
    /// Whether a command of this duration belongs into the slow log, and putting it there.
    fn note_slow(&self, client: &Client, duration_us: u64, args: Args<'_>);

    /// Writes the reply of a LATENCY subcommand other than HELP (lower-case words after LATENCY).
    ///
    /// # Errors
    /// The reply to give.
    fn latency(&self, words: Args<'_>, reply: &mut Reply) -> Result<(), CommandError>;
    /// Facts for MEMORY STATS and MEMORY DOCTOR.
    fn memory(&self) -> MemoryFacts;
    /// What the allocator itself reports, for MEMORY MALLOC-STATS.
    fn allocator_report(&self) -> String;
    /// Gives memory back to the system.
    fn purge_memory(&self);

    /// Blocks this worker (DEBUG SLEEP).
    fn sleep(&self, microseconds: u64);
    /// Switches the active expiry cycle (DEBUG SET-ACTIVE-EXPIRE).
    fn set_active_expiry(&self, on: bool);
    /// Writes a line to the server's log (DEBUG LOG).
    fn log(&self, message: &str);
    /// Whether DEBUG is allowed for this client.
    fn debug_allowed(&self, client: &Client) -> bool;
    /// Begins to stop the server.
    fn shut_down(&self);

    /// The cluster as this node sees it; nothing when it runs alone.
    fn routes(&self) -> Option<Arc<Routes>> {
        None
    }
    /// Asks for something of the cluster, which takes a while. `asked_by` is for the records.
    fn ask_cluster(&self, asked_by: String, request: ClusterRequest) -> Deferred {
        let _ = (asked_by, request);
        DeferredReply::Error(CommandError::NO_CLUSTER).ready()
    }
    /// Has a command for another node answered there, if the node does that for this client. Counts
    /// the client's commands that were for others.
    fn forward(
        &self,
        client: &mut Client,
        slot: Slot,
        args: Args<'_>,
        is_read: bool,
    ) -> Option<Deferred> {
        let _ = (client, slot, args, is_read);
        None
    }
    /// A client is told `MOVED`.
    fn note_moved(&self, client: &Client) {
        let _ = client;
    }
    /// How far the replicas that follow this node have acknowledged its log, in bytes; those that
    /// nothing is known of are left out.
    fn replica_offsets(&self) -> Vec<(NodeId, u64)> {
        Vec::new()
    }
    /// The connections between this node and the others.
    fn links(&self) -> Vec<LinkFacts> {
        Vec::new()
    }
}

/// A connection to another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    /// The other node.
    pub peer: NodeId,
    /// This node opened it.
    pub is_outgoing: bool,
    /// When, in Unix milliseconds.
    pub since_unix_ms: u64,
    /// Memory of what waits to be sent.
    pub allocated_bytes: u64,
    /// How much of that is used.
    pub unsent_bytes: u64,
}

/// Kinds of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// SUBSCRIBE and PUBLISH.
    Channel,
    /// PSUBSCRIBE.
    Pattern,
    /// SSUBSCRIBE and SPUBLISH.
    Shard,
}

/// Which clients are meant. Empty: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// These ids.
    pub ids: Vec<u64>,
    /// Connected from this `ip:port`.
    pub address: Option<String>,
    /// Connected to this `ip:port`.
    pub local_address: Option<String>,
    /// Of this type.
    pub kind: Option<ClientKind>,
    /// Authenticated as this user.
    pub user: Option<Vec<u8>>,
    /// Connected for at least these seconds.
    pub max_age_seconds: Option<u64>,
    /// Not this one.
    pub skip: Option<u64>,
}

/// Types of clients, as CLIENT LIST TYPE names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Not any of the others.
    Normal,
    /// Subscribed to something.
    Pubsub,
    /// A primary we replicate from.
    Primary,
    /// A replica of ours.
    Replica,
}

/// A client as CLIENT LIST shows it: names and values in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's id.
    pub id: u64,
    /// `id=3 addr=...`, without the line end.
    pub line: String,
}

/// What CLIENT KILL did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Killed {
    /// Clients asked to close.
    pub count: usize,
    /// The asker is one of them: it closes after its reply.
    pub asker: bool,
}

/// What CLIENT PAUSE suspends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseScope {
    /// All commands.
    All,
    /// Commands that write.
    Writes,
}

/// One entry of the slow log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowEntry {
    /// Unique and rising.
    pub id: u64,
    /// When it ran, in Unix seconds.
    pub unix_seconds: u64,
    /// How long it took.
    pub duration_us: u64,
    /// The command, shortened.
    pub args: Vec<Vec<u8>>,
    /// The client's address.
    pub address: String,
    /// The client's name.
    pub name: Vec<u8>,
}

/// Where the memory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryFacts {
    /// What `maxmemory` is compared with.
    pub used_bytes: u64,
    /// The highest it has been.
    pub peak_bytes: u64,
    /// Used before any key was there.
    pub startup_bytes: u64,
    /// Buffers of clients.
    pub client_bytes: u64,
    /// Keys, values and their index.
    pub dataset_bytes: u64,
    /// Keys.
    pub keys: u64,
    /// Resident set of the process.
    pub resident_bytes: u64,
    /// Handed out by the allocator.
    pub allocated_bytes: u64,
    /// In pages the allocator uses.
    pub active_bytes: u64,
    /// Resident pages of the allocator.
    pub allocator_resident_bytes: u64,
    /// Dead records that compaction has not reclaimed yet.
    pub dead_bytes: u64,
    /// The limit; 0: none.
    pub limit_bytes: u64,
}
