//! What a node has of the mesh: requests, streams and datagrams to other nodes, and a handler for
//! theirs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_keyspace::NodeId;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, timeout, timeout_at};

use crate::connection::{Link, ask, close};
use crate::credentials::{CredentialError, Credentials};
use crate::endpoint::Port;
use crate::error::{MeshError, Whom};
use crate::frame::{Class, Kind};
use crate::hello::Hello;
use crate::identity::Identity;
use crate::peers::LinkInfo;
use crate::socket::Socket;
use crate::stream::{FrameReceiver, FrameSender};
use crate::tuning::Channel;
use crate::{Admission, Handler, Membership, Peer};

/// How long a stopping node takes to tell its peers.
const FAREWELL: Duration = Duration::from_millis(300);

/// Where an endpoint is, and what drives it.
pub struct Place {
    /// Its UDP address. Port 0 takes a free one.
    pub address: SocketAddr,
    /// An event loop with IO and time, on a thread that does nothing else: the two must not share one.
    pub runtime: Handle,
    /// What carries the packets in place of a UDP socket of the system, in simulations. Packets are
    /// then small, and the transport's own chance is the same in every run.
    pub socket: Option<Socket>,
}

/// What a mesh is started with.
pub struct MeshConfig {
    /// Key, certificate, roots; they say who this node is.
    pub credentials: Credentials,
    /// Differs between any two runs of this node, such as the time of the start.
    pub incarnation: u64,
    /// For requests of class Control and datagrams.
    pub control: Place,
    /// For everything else.
    pub bulk: Place,
    /// How often the credential files are looked at; never, if none. `Mesh::reload` does it too.
    pub reload_interval: Option<Duration>,
}

/// What everything here shares.
pub(crate) struct Context {
    pub(crate) me: Identity,
    pub(crate) incarnation: u64,
    pub(crate) credentials: Credentials,
    pub(crate) membership: Arc<dyn Membership>,
    pub(crate) handler: Arc<dyn Handler>,
    reload_error: Mutex<Option<String>>,
}

impl Context {
    pub(crate) fn hello(&self) -> Hello {
        let Identity { cluster, node } = self.me.clone();
        Hello { node, cluster, incarnation: self.incarnation }
    }

    fn reload(&self) -> Result<bool, CredentialError> {
        let outcome = self.credentials.reload();
        *self.reload_error.lock() = outcome.as_ref().err().map(ToString::to_string);
        outcome
    }
}

/// A node's connections to all others. Stops when dropped.
pub struct Mesh {
    context: Arc<Context>,
    control: Arc<Port>,
    bulk: Arc<Port>,
    watcher: Option<AbortHandle>,
}

impl Mesh {
    /// Binds both endpoints and begins to accept.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub fn start(
        config: MeshConfig,
        membership: Arc<dyn Membership>,
        handler: Arc<dyn Handler>,
    ) -> Result<Mesh, StartError> {
        let context = Arc::new(Context {
            me: config.credentials.identity(),
            incarnation: config.incarnation,
            credentials: config.credentials,
            membership,
            handler,
            reload_error: Mutex::new(None),
        });
        let control = Port::open(Channel::Control, &config.control, &context)?;
        let bulk = Port::open(Channel::Bulk, &config.bulk, &context)?;
        // Reading files may take its time, which the control thread has not.
        let watcher = config.reload_interval.map(|interval| {
            config.bulk.runtime.spawn(watch(context.clone(), interval)).abort_handle()
        });
        Ok(Mesh { context, control, bulk, watcher })
    }

    /// Who this node is.
    pub fn identity(&self) -> &Identity {
        &self.context.me
    }

    /// Where this node is reached, with the ports that were taken.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> std::io::Result<Peer> {
        let (control, bulk) = (self.control.address()?, self.bulk.address()?);
        Ok(Peer { id: self.context.me.node, control, bulk })
    }

    /// Asks a node and waits for its answer, at most as long as `deadline`, dialling included.
    ///
    /// # Errors
    /// When there was no answer, with whether it may have been acted on all the same
    /// ([`MeshError::may_have_run`]).
    pub async fn request(
        &self,
        peer: &Peer,
        class: Class,
        frame: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, MeshError> {
        let until = Instant::now() + deadline;
        let late =
            |was_sent| MeshError::Deadline { node: Whom::Node(peer.id), after: deadline, was_sent };
        let streams = timeout_at(until, self.streams(peer, class)).await;
        let streams = streams.map_err(|_| late(false))??;
        timeout_at(until, ask(streams, frame)).await.map_err(|_| late(true))?
    }

    /// Asks whoever answers at a control address, of which only this is known: how a cluster is met. The
    /// answer comes with who gave it.
    ///
    /// # Errors
    /// As `request`.
    pub async fn meet(
        &self,
        address: SocketAddr,
        frame: Bytes,
        deadline: Duration,
    ) -> Result<(NodeId, Bytes), MeshError> {
        let until = Instant::now() + deadline;
        let late = |node, was_sent| MeshError::Deadline { node, after: deadline, was_sent };
        let met = timeout_at(until, self.control.meet(address)).await;
        let node = met.map_err(|_| late(Whom::Anybody, false))??.node;
        let peer = Peer { id: node, control: address, bulk: address };
        let late = |was_sent| late(Whom::Node(node), was_sent);
        let streams = timeout_at(until, self.streams(&peer, Class::Control)).await;
        let streams = streams.map_err(|_| late(false))??;
        let reply = timeout_at(until, ask(streams, frame)).await.map_err(|_| late(true))??;
        Ok((node, reply))
    }

    /// Opens a stream of frames to a node.
    ///
    /// # Errors
    /// When there is no connection to it within `deadline`.
    pub async fn open(
        &self,
        peer: &Peer,
        class: Class,
        deadline: Duration,
    ) -> Result<(FrameSender, FrameReceiver), MeshError> {
        let open = async {
            let (mut sender, receiver) = self.streams(peer, class).await?;
            sender.write(Kind::Open(class), Bytes::new()).await?;
            Ok((sender, receiver))
        };
        let node = Whom::Node(peer.id);
        let late = |_| MeshError::Deadline { node, after: deadline, was_sent: false };
        timeout(deadline, open).await.map_err(late)?
    }

    /// Sends a datagram on the control connection, which may be lost. Never waits; says whether there
    /// was a connection to send it on. If there was none it is dropped, and one is dialled.
    pub fn datagram(&self, peer: &Peer, frame: &[u8]) -> bool {
        if self.context.membership.admits(peer.id) == Admission::Refused {
            return false;
        }
        let link = self.control.link_now(peer.id, peer.control);
        link.is_some_and(|link| link.datagram(frame).is_ok())
    }

    /// Closes all connections to a node that the topology has removed. It is not let in again while
    /// `Membership` refuses it. Says how many there were.
    pub fn close(&self, node: NodeId) -> usize {
        let reason = "this node was removed from the cluster";
        [&self.control, &self.bulk]
            .map(|port| port.peers.close(node, close::IDENTITY, reason))
            .into_iter()
            .sum()
    }

    /// Reads the credential files again; says whether they had changed.
    ///
    /// # Errors
    /// When they are of no use; what was in use before stays in use.
    pub fn reload(&self) -> Result<bool, CredentialError> {
        self.context.reload()
    }

    /// Why the credential files as they are now are not in use.
    pub fn reload_error(&self) -> Option<String> {
        self.context.reload_error.lock().clone()
    }

    /// The credentials in use.
    pub fn credentials(&self) -> &Credentials {
        &self.context.credentials
    }

    /// All connections that stand.
    pub fn links(&self) -> Vec<LinkInfo> {
        let ports = [(&self.control, true), (&self.bulk, false)];
        let links = ports.into_iter().flat_map(|(port, is_control)| {
            port.peers.links().into_iter().map(move |link| describe(&link, is_control))
        });
        links.collect()
    }

    /// Closes everything and tells the peers, which takes some milliseconds.
    pub async fn stop(&self) {
        self.control.stop();
        self.bulk.stop();
        let told = async { tokio::join!(self.control.stopped(), self.bulk.stopped()) };
        // Those that do not answer find out by themselves.
        let _ = timeout(FAREWELL, told).await;
    }

    /// A stream on a connection that stands, or on a new one. A connection that turns out to be gone
    /// costs no request: nothing has been sent yet.
    async fn streams(
        &self,
        peer: &Peer,
        class: Class,
    ) -> Result<(FrameSender, FrameReceiver), MeshError> {
        loop {
            if self.context.membership.admits(peer.id) == Admission::Refused {
                return Err(MeshError::NotAdmitted(peer.id));
            }
            let link = match class.channel() {
                Channel::Control => self.control.link(peer.id, peer.control).await,
                Channel::Bulk => self.bulk.link(peer.id, peer.bulk).await,
            }?;
            if let Ok(streams) = link.streams(class).await {
                return Ok(streams);
            }
        }
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        self.control.stop();
        self.bulk.stop();
        if let Some(watcher) = &self.watcher {
            watcher.abort();
        }
    }
}

fn describe(link: &Link, is_control: bool) -> LinkInfo {
    let stats = link.connection.stats();
    LinkInfo {
        node: link.node,
        address: link.connection.remote_address(),
        is_control,
        is_dialled: link.is_dialled,
        rtt: stats.path.rtt,
        sent_bytes: stats.udp_tx.bytes,
        received_bytes: stats.udp_rx.bytes,
        lost_packets: stats.path.lost_packets,
    }
}

/// Polls, because no notification sees every way in which files are replaced.
async fn watch(context: Arc<Context>, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        // Kept for `reload_error`; the next tick tries again.
        let _ = context.reload();
    }
}

/// Why a mesh does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else has the address, or it is not of this host.
    #[error("the mesh cannot listen on UDP {address}: {error}; choose another port or address")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// A constant of this crate that its transport does not take.
    #[error("the mesh is tuned to a packet size that its transport does not take")]
    Tuning,
}
