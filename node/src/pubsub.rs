//! Who listens to which channel, and the delivery of messages.
//!
//! Delivery only queues at the receivers' connections; each receiver's own worker sends. A message
//! is encoded once per protocol, not once per receiver.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use skep_command::server::ChannelKind;
use skep_keyspace::glob;
use skep_resp::{Protocol, Reply};

use crate::clients::Connection;
use crate::settings::OutputLimit;

/// Those who listen to one name.
#[derive(Default)]
struct Topic {
    receivers: HashMap<u64, Arc<Connection>>,
    /// Held during a delivery, so that all receivers get the messages of a topic in one order.
    delivery: Mutex<()>,
}

/// Topics by name.
type Topics = HashMap<Box<[u8]>, Topic>;

/// Subscriptions of all connections.
#[derive(Default)]
pub(crate) struct PubSub {
    topics: RwLock<HashMap<ChannelKind, Topics>>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Published {
    /// Subscriptions that it was for.
    pub(crate) receivers: usize,
    /// Connections that are closed for not having kept up.
    pub(crate) overrun: usize,
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
        let topic = topics.entry(kind).or_default().entry(name.into()).or_default();
        topic.receivers.insert(connection.id, Arc::clone(connection));
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
            && let Some(topic) = names.get_mut(name)
        {
            topic.receivers.remove(&connection.id);
            if topic.receivers.is_empty() {
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

    /// Queues a message at every subscriber.
    pub(crate) fn publish(
        &self,
        kind: ChannelKind,
        channel: &[u8],
        payload: &[u8],
        limit: &OutputLimit,
    ) -> Published {
        let topics = self.topics.read();
        let word = if kind == ChannelKind::Shard { "smessage" } else { "message" };
        let mut published = Published::default();
        if let Some(topic) = topics.get(&kind).and_then(|names| names.get(channel)) {
            let mut message =
                Message { kind: word, pattern: None, channel, payload, encoded: [None, None] };
            message.deliver(topic, limit, &mut published);
        }
        let patterns = topics.get(&ChannelKind::Pattern).filter(|_| kind == ChannelKind::Channel);
        for (pattern, topic) in patterns.into_iter().flatten() {
            if glob::matches(pattern, channel) {
                let pattern = Some(&**pattern);
                let mut message =
                    Message { kind: "pmessage", pattern, channel, payload, encoded: [None, None] };
                message.deliver(topic, limit, &mut published);
            }
        }
        published
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
        topics.get(&kind).and_then(|names| names.get(name)).map_or(0, |topic| topic.receivers.len())
    }

    /// Names there are.
    pub(crate) fn name_count(&self, kind: ChannelKind) -> usize {
        self.topics.read().get(&kind).map_or(0, HashMap::len)
    }
}

impl Message<'_> {
    fn deliver(&mut self, topic: &Topic, limit: &OutputLimit, published: &mut Published) {
        let _in_order = topic.delivery.lock();
        for connection in topic.receivers.values() {
            let killed = connection.push(self.encode(connection.protocol()), limit);
            published.overrun += usize::from(killed);
        }
        published.receivers += topic.receivers.len();
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
