//! Who listens to which channel, and the delivery of messages.
//!
//! Delivery only queues at the receivers' connections; each receiver's own worker sends. A message
//! is encoded once per protocol, not once per receiver.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use skep_command::server::ChannelKind;
use skep_keyspace::glob;
use skep_resp::{Protocol, Reply};

use crate::clients::Connection;

type Receivers = HashMap<u64, Arc<Connection>>;

/// Subscriptions of all connections.
#[derive(Default)]
pub(crate) struct PubSub {
    topics: RwLock<HashMap<ChannelKind, HashMap<Box<[u8]>, Receivers>>>,
}

/// A message in both protocols, encoded when first needed.
struct Message<'m> {
    kind: &'static str,
    pattern: Option<&'m [u8]>,
    channel: &'m [u8],
    payload: &'m [u8],
    encoded: [Option<Bytes>; 2],
}

impl PubSub {
    /// Adds a subscription. Answers whether it is new.
    pub(crate) fn subscribe(
        &self,
        connection: &Arc<Connection>,
        kind: ChannelKind,
        name: &[u8],
    ) -> bool {
        if !connection.subscriptions.lock().insert((kind, name.into())) {
            return false;
        }
        let mut topics = self.topics.write();
        let receivers = topics.entry(kind).or_default().entry(name.into()).or_default();
        receivers.insert(connection.id, Arc::clone(connection));
        true
    }

    /// Removes a subscription. Answers whether there was one.
    pub(crate) fn unsubscribe(
        &self,
        connection: &Connection,
        kind: ChannelKind,
        name: &[u8],
    ) -> bool {
        if !connection.subscriptions.lock().remove(&(kind, Box::from(name))) {
            return false;
        }
        let mut topics = self.topics.write();
        if let Some(names) = topics.get_mut(&kind)
            && let Some(receivers) = names.get_mut(name)
        {
            receivers.remove(&connection.id);
            if receivers.is_empty() {
                names.remove(name);
            }
        }
        true
    }

    /// Removes all subscriptions of a connection that is gone.
    pub(crate) fn forget(&self, connection: &Connection) {
        let names: Vec<_> = connection.subscriptions.lock().iter().cloned().collect();
        for (kind, name) in names {
            self.unsubscribe(connection, kind, &name);
        }
    }

    /// Queues a message at every subscriber and returns how many there are.
    pub(crate) fn publish(
        &self,
        kind: ChannelKind,
        channel: &[u8],
        payload: &[u8],
        limit_bytes: usize,
    ) -> usize {
        let topics = self.topics.read();
        let word = if kind == ChannelKind::Shard { "smessage" } else { "message" };
        let mut count = 0;
        if let Some(receivers) = topics.get(&kind).and_then(|names| names.get(channel)) {
            let mut message =
                Message { kind: word, pattern: None, channel, payload, encoded: [None, None] };
            count += message.deliver(receivers, limit_bytes);
        }
        let patterns = topics.get(&ChannelKind::Pattern).filter(|_| kind == ChannelKind::Channel);
        for (pattern, receivers) in patterns.into_iter().flatten() {
            if glob::matches(pattern, channel) {
                let pattern = Some(&**pattern);
                let mut message =
                    Message { kind: "pmessage", pattern, channel, payload, encoded: [None, None] };
                count += message.deliver(receivers, limit_bytes);
            }
        }
        count
    }

    /// Names with subscribers, all or those that match a pattern.
    pub(crate) fn names(&self, kind: ChannelKind, pattern: Option<&[u8]>) -> Vec<Vec<u8>> {
        let topics = self.topics.read();
        let names = topics.get(&kind).into_iter().flat_map(|names| names.keys());
        names
            .filter(|name| pattern.is_none_or(|pattern| glob::matches(pattern, name)))
            .map(|name| name.to_vec())
            .collect()
    }

    /// Subscribers of one name.
    pub(crate) fn subscriber_count(&self, kind: ChannelKind, name: &[u8]) -> usize {
        let topics = self.topics.read();
        topics.get(&kind).and_then(|names| names.get(name)).map_or(0, HashMap::len)
    }

    /// Names there are.
    pub(crate) fn name_count(&self, kind: ChannelKind) -> usize {
        self.topics.read().get(&kind).map_or(0, HashMap::len)
    }
}

impl Message<'_> {
    fn deliver(&mut self, receivers: &Receivers, limit_bytes: usize) -> usize {
        for connection in receivers.values() {
            let protocol = connection.visible.lock().protocol;
            connection.push(self.encode(protocol), limit_bytes);
        }
        receivers.len()
    }

    fn encode(&mut self, protocol: Protocol) -> Bytes {
        let place = usize::from(protocol == Protocol::Resp3);
        if let Some(encoded) = &self.encoded[place] {
            return encoded.clone();
        }
        let mut reply = Reply::new(protocol);
        reply.push(3 + usize::from(self.pattern.is_some()));
        reply.bulk(self.kind.as_bytes());
        self.pattern.iter().for_each(|pattern| reply.bulk(pattern));
        reply.bulk(self.channel);
        reply.bulk(self.payload);
        let encoded = Bytes::from(reply.into_bytes());
        self.encoded[place] = Some(encoded.clone());
        encoded
    }
}
