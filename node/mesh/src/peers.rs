//! Which connections there are to whom, on one channel; who is being dialled; who must not be yet.
//!
//! At most one dial to a node is under way; whoever needs the node waits for it. After a dial that
//! failed the next may begin only after a pause that doubles from 50 ms to a second; till then who
//! asks gets the error at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use quinn::VarInt;
use skep_keyspace::NodeId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::connection::{Link, close};
use crate::error::MeshError;

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Connections to one node on one channel; one is usual, two when both dialled at once. The oldest
/// goes when there are more.
const LINKS_PER_NODE_MAX: usize = 4;

/// A connection, for INFO, CLUSTER LINKS and metrics.
#[derive(Clone, Debug)]
pub struct LinkInfo {
    /// To whom.
    pub node: NodeId,
    /// Where its packets come from.
    pub address: SocketAddr,
    /// Control or bulk.
    pub is_control: bool,
    /// Whether this node dialled.
    pub is_dialled: bool,
    /// The round trip.
    pub rtt: Duration,
    /// In UDP packets.
    pub sent_bytes: u64,
    /// In UDP packets.
    pub received_bytes: u64,
    /// Of packets that were sent.
    pub lost_packets: u64,
}

#[derive(Default)]
pub(crate) struct Peers {
    slots: Mutex<BTreeMap<NodeId, Arc<Slot>>>,
}

/// All about one node.
pub(crate) struct Slot {
    state: Mutex<State>,
    /// Told of every change.
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    /// The newest last.
    links: Vec<Link>,
    is_dialling: bool,
    /// In a row.
    failures: u32,
    failed: Option<(MeshError, Instant)>,
}

/// What to do for somebody who needs a connection.
pub(crate) enum Next {
    Use(Link),
    /// Until the slot changes.
    Wait,
    /// The caller dials, and says how it went with [`Dial`].
    Dial(Dial),
    Fail(MeshError),
}

/// A dial under way. One that is dropped without a word has failed.
pub(crate) struct Dial {
    slot: Arc<Slot>,
    outcome: Option<Result<(), MeshError>>,
}

impl Peers {
    pub(crate) fn slot(&self, node: NodeId) -> Arc<Slot> {
        let mut slots = self.slots.lock();
        let new = || Arc::new(Slot { state: Mutex::default(), changed: watch::Sender::new(()) });
        slots.entry(node).or_insert_with(new).clone()
    }

    /// Takes a connection whose identity was checked. Those to another run of the node are closed.
    pub(crate) fn add(&self, link: Link) {
        let slot = self.slot(link.node);
        let mut state = slot.state.lock();
        state.links.retain(|other| {
            let is_same = other.incarnation == link.incarnation;
            if !is_same {
                other.close(close::REPLACED, "another run of this node has connected");
            }
            is_same && other.is_open()
        });
        if state.links.len() == LINKS_PER_NODE_MAX {
            state.links.remove(0).close(close::REPLACED, "too many connections of this node");
        }
        state.links.push(link);
        (state.failures, state.failed) = (0, None);
        drop(state);
        slot.changed.send_replace(());
    }

    /// Forgets a connection that is gone, and the node if nothing else is known of it.
    pub(crate) fn remove(&self, link: &Link) {
        let mut slots = self.slots.lock();
        let Some(slot) = slots.get(&link.node).cloned() else { return };
        let mut state = slot.state.lock();
        let gone = link.connection.stable_id();
        state.links.retain(|other| other.connection.stable_id() != gone);
        if state.links.is_empty() && !state.is_dialling && state.failed.is_none() {
            slots.remove(&link.node);
        }
        drop(state);
        slot.changed.send_replace(());
    }

    /// Closes all connections to a node, and forgets it.
    pub(crate) fn close(&self, node: NodeId, code: VarInt, reason: &str) -> usize {
        let Some(slot) = self.slots.lock().remove(&node) else { return 0 };
        let links = std::mem::take(&mut slot.state.lock().links);
        links.iter().for_each(|link| link.close(code, reason));
        slot.changed.send_replace(());
        links.len()
    }

    /// The connections that stand.
    pub(crate) fn links(&self) -> Vec<Link> {
        let slots: Vec<_> = self.slots.lock().values().cloned().collect();
        let links = slots.iter().flat_map(|slot| slot.state.lock().links.clone());
        links.filter(Link::is_open).collect()
    }
}

impl Slot {
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// What to do for somebody who needs a connection now.
    pub(crate) fn next(self: &Arc<Slot>, now: Instant) -> Next {
        let mut state = self.state.lock();
        state.links.retain(Link::is_open);
        if let Some(link) = state.links.last() {
            return Next::Use(link.clone());
        }
        if state.is_dialling {
            return Next::Wait;
        }
        match &state.failed {
            Some((error, again)) if now < *again => Next::Fail(error.clone()),
            _ => {
                state.is_dialling = true;
                Next::Dial(Dial { slot: self.clone(), outcome: None })
            }
        }
    }
}

impl Dial {
    /// Says how it went. A connection has been added before.
    pub(crate) fn end(mut self, outcome: Result<(), MeshError>) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        let mut state = self.slot.state.lock();
        state.is_dialling = false;
        if let Err(error) = self.outcome.take().unwrap_or(Err(MeshError::Stopped)) {
            let doublings = state.failures.min(PAUSE_MAX.as_millis().ilog2());
            let pause = PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX);
            state.failures = state.failures.saturating_add(1);
            state.failed = Some((error, Instant::now() + pause));
        }
        drop(state);
        self.slot.changed.send_replace(());
    }
}
