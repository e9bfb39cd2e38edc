//! What others see of a connection: the line of CLIENT LIST and CLIENT INFO, with the fields of
//! Redis in their order.
//!
//! A session keeps its client to itself and tells about it when something changes; after each
//! batch it compares the [`Shape`], a few words, and mostly there is nothing to tell.

use std::sync::Arc;

use skep_command::Client;
use skep_command::acl::{DEFAULT, User};
use skep_command::client::Subscriptions;
use skep_resp::Protocol;

use crate::clients::Connection;

/// The part of a client's state that others may see.
#[derive(Clone, Default)]
pub(crate) struct Visible {
    /// Nobody yet: the default user.
    user: Option<Arc<User>>,
    is_authenticated: bool,
    name: Vec<u8>,
    library_name: Vec<u8>,
    library_version: Vec<u8>,
    database: u16,
    protocol: Protocol,
    channels: usize,
    patterns: usize,
    shard_channels: usize,
    queued: Option<usize>,
    queued_bytes: usize,
    pub(crate) watches: usize,
    no_evict: bool,
    no_touch: bool,
    monitors: bool,
}

impl Connection {
    /// The line of CLIENT LIST, without its end.
    pub(crate) fn describe(&self, now_ms: u64) -> String {
        let visible = self.visible.lock().clone();
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (output, input) = (self.output_bytes(), self.input_bytes());
        let (queued, queued_bytes) = self.queued();
        let memory = size_of::<Connection>() + input + output + visible.queued_bytes;
        format!(
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} \
             ssub={} multi={} qbuf={} qbuf-free=0 argv-mem=0 multi-mem={} rbs=0 rbp=0 obl={} \
             oll={} omem={} tot-mem={} events={} cmd={} user={} redir=-1 resp={} lib-name={} \
             lib-ver={}",
            self.id,
            self.peer,
            self.local,
            self.descriptor(),
            lossy(&visible.name),
            now_ms.saturating_sub(self.connected_ms) / 1000,
            self.idle_ms(now_ms) / 1000,
            visible.flags(),
            visible.database,
            visible.channels,
            visible.patterns,
            visible.shard_channels,
            visible.queued.map_or(-1, |queued| queued as i64),
            input,
            visible.queued_bytes,
            output - queued_bytes,
            queued,
            output,
            memory,
            if output > 0 { "rw" } else { "r" },
            self.last_command(),
            lossy(visible.user_name()),
            if visible.protocol == Protocol::Resp3 { 3 } else { 2 },
            lossy(&visible.library_name),
            lossy(&visible.library_version),
        )
    }
}

impl Visible {
    /// What can be seen of a client now.
    pub(crate) fn of(client: &Client) -> Visible {
        let transaction = client.transaction.as_ref();
        Visible {
            user: Some(Arc::clone(client.user())),
            is_authenticated: client.is_authenticated(),
            name: client.name.clone(),
            library_name: client.library_name.clone(),
            library_version: client.library_version.clone(),
            database: client.database,
            protocol: client.protocol,
            channels: client.subscriptions.channels,
            patterns: client.subscriptions.patterns,
            shard_channels: client.subscriptions.shard_channels,
            queued: transaction.map(|transaction| transaction.commands.len()),
            queued_bytes: transaction.map_or(0, |transaction| transaction.queued_bytes),
            watches: client.watches.len(),
            no_evict: client.no_evict,
            no_touch: client.no_touch,
            monitors: client.monitors,
        }
    }

    fn user_name(&self) -> &[u8] {
        self.user.as_ref().map_or(DEFAULT, |user| user.name())
    }

    /// The user's name, and whether the client has proved that it is this user.
    pub(crate) fn identity(&self) -> (Vec<u8>, bool) {
        (self.user_name().to_vec(), self.is_authenticated)
    }

    pub(crate) fn is_subscribed(&self) -> bool {
        self.channels + self.patterns + self.shard_channels > 0
    }

    /// The letters of CLIENT LIST.
    fn flags(&self) -> String {
        let letters = [
            (self.monitors, 'O'),
            (self.is_subscribed(), 'P'),
            (self.queued.is_some(), 'x'),
            (self.no_evict, 'e'),
            (self.no_touch, 'T'),
        ];
        let set: String = letters.iter().filter(|(on, _)| *on).map(|(_, letter)| letter).collect();
        if set.is_empty() { "N".to_owned() } else { set }
    }
}

/// What changes without a word to the server, so that sessions compare it after each batch.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    database: u16,
    queued: Option<usize>,
    watches: usize,
    subscriptions: Subscriptions,
    no_evict: bool,
    no_touch: bool,
}

impl Shape {
    #[inline]
    pub(crate) fn of(client: &Client) -> Shape {
        Shape {
            database: client.database,
            queued: client.transaction.as_ref().map(|transaction| transaction.commands.len()),
            watches: client.watches.len(),
            subscriptions: client.subscriptions,
            no_evict: client.no_evict,
            no_touch: client.no_touch,
        }
    }
}
