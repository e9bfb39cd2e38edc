//! One of a node's two UDP ports: it is dialled there, and dials from there.
//!
//! A handshake is TLS, then one HELLO each way; it has one second, and only so many may be under way.
//! A connection is used by nobody before the check of identities has passed on both sides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{
    ConnectError, Connection, ConnectionError, Endpoint, EndpointConfig, Incoming, RecvStream,
};
use quinn::{TokioRuntime, TransportConfig};
use quinn_proto::RandomConnectionIdGenerator;
use rustls_pki_types::CertificateDer;
use skep_keyspace::NodeId;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::Admission;
use crate::connection::{Link, close, close_for_frame, serve};
use crate::error::{MeshError, Whom};
use crate::frame::{Class, FrameError, Kind};
use crate::hello::Hello;
use crate::identity::{Identity, IdentityError, check};
use crate::mesh::{Context, Place, StartError};
use crate::peers::{Next, Peers};
use crate::socket::bind;
use crate::stream::{FrameReceiver, FrameSender};
use crate::tuning::{Channel, transport};

/// For a whole handshake. Its first packet is sent again meanwhile, so a node that comes up within
/// this time is found by the same dial.
const HANDSHAKE: Duration = Duration::from_secs(1);
/// Handshakes of others under way; more are refused and come again.
const HANDSHAKES_MAX: usize = 256;
/// Names are in certificates; TLS wants one of a host all the same.
const SERVER_NAME: &str = "skep";
const CONNECTION_ID_BYTES: usize = 8;
/// Of what the transport leaves to chance, where runs must be alike.
const SIMULATED_SEED: [u8; 32] = [7; 32];
/// TLS's alerts as QUIC's error codes.
const TLS_ALERTS: std::ops::Range<u64> = 0x100..0x200;

pub(crate) struct Port {
    channel: Channel,
    endpoint: Endpoint,
    runtime: Handle,
    transport: Arc<TransportConfig>,
    handshakes: Semaphore,
    pub(crate) peers: Peers,
    context: Arc<Context>,
}

impl Port {
    /// Binds, and begins to accept.
    pub(crate) fn open(
        channel: Channel,
        place: &Place,
        context: &Arc<Context>,
    ) -> Result<Arc<Port>, StartError> {
        let failed = |error| StartError::Bind { address: place.address, error };
        let packet_bytes_max = channel.packet_bytes_max();
        let mut config = EndpointConfig::new(Arc::new(context.credentials.reset_key()));
        config.cid_generator(|| Box::new(RandomConnectionIdGenerator::new(CONNECTION_ID_BYTES)));
        config.max_udp_payload_size(packet_bytes_max).map_err(|_| StartError::Tuning)?;
        if place.socket.is_some() {
            config.rng_seed(Some(SIMULATED_SEED));
        }
        let transport = transport(channel, place.socket.is_some());
        let server = server_config(context, &transport);
        // The endpoint's tasks and timers belong to this event loop, whoever starts it.
        let _guard = place.runtime.enter();
        let socket = match &place.socket {
            Some(socket) => Arc::clone(socket),
            None => bind(place.address, packet_bytes_max).map_err(failed)?,
        };
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new_with_abstract_socket(config, Some(server), socket, runtime)
            .map_err(failed)?;
        let port = Arc::new(Port {
            channel,
            endpoint,
            runtime: place.runtime.clone(),
            transport,
            handshakes: Semaphore::new(HANDSHAKES_MAX),
            peers: Peers::default(),
            context: context.clone(),
        });
        place.runtime.spawn(port.clone().accept());
        Ok(port)
    }

    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Closes everything, and lets nobody in any more.
    pub(crate) fn stop(&self) {
        self.endpoint.close(close::STOPPED, b"this node is stopping");
    }

    /// Waits until the other sides have been told.
    pub(crate) async fn stopped(&self) {
        self.endpoint.wait_idle().await;
    }

    /// A connection to a node: one that stands, or a new one.
    pub(crate) async fn link(
        self: &Arc<Port>,
        node: NodeId,
        address: SocketAddr,
    ) -> Result<Link, MeshError> {
        loop {
            let slot = self.peers.slot(node);
            let mut changes = slot.changes();
            match slot.next(Instant::now()) {
                Next::Use(link) => return Ok(link),
                Next::Fail(error) => return Err(error),
                Next::Dial(dial) => self.dial(dial, node, address),
                Next::Wait => {}
            }
            // The slot is held, so its sender is there.
            let _ = changes.changed().await;
        }
    }

    /// A connection that stands; else one is dialled for the next who asks.
    pub(crate) fn link_now(self: &Arc<Port>, node: NodeId, address: SocketAddr) -> Option<Link> {
        match self.peers.slot(node).next(Instant::now()) {
            Next::Use(link) => return Some(link),
            Next::Dial(dial) => self.dial(dial, node, address),
            Next::Wait | Next::Fail(_) => {}
        }
        None
    }

    /// A new connection to whoever answers there.
    pub(crate) async fn meet(self: &Arc<Port>, address: SocketAddr) -> Result<Link, MeshError> {
        let port = self.clone();
        let call = async move { port.call(Whom::Anybody, address).await };
        self.runtime.spawn(call).await.unwrap_or(Err(MeshError::Stopped))
    }

    fn dial(self: &Arc<Port>, dial: crate::peers::Dial, node: NodeId, address: SocketAddr) {
        let port = self.clone();
        self.runtime.spawn(async move {
            let called = port.call(Whom::Node(node), address).await;
            dial.end(called.map(|_| ()));
        });
    }

    /// Dials, checks, and begins to serve.
    async fn call(self: &Arc<Port>, whom: Whom, address: SocketAddr) -> Result<Link, MeshError> {
        let unreachable = |reason: String| MeshError::Unreachable { node: whom, address, reason };
        let mut config = quinn::ClientConfig::new(self.context.credentials.client());
        config.transport_config(self.transport.clone());
        let shake = async {
            let connecting =
                self.endpoint.connect_with(config, address, SERVER_NAME).map_err(|error| {
                    match error {
                        ConnectError::EndpointStopping => MeshError::Stopped,
                        error => unreachable(error.to_string()),
                    }
                })?;
            let connection = connecting.await.map_err(|error| call_error(whom, address, error))?;
            let hello = greet(&connection, &self.context).await;
            let hello = hello.map_err(|error| match error {
                NoHello::Lost(error) => call_error(whom, address, error),
                NoHello::Frame(error) => {
                    MeshError::Untrusted { address, reason: error.to_string() }
                }
            })?;
            match self.judge(&connection, whom, &hello) {
                Ok(node) => Ok((connection, node, hello.incarnation)),
                Err(error) => {
                    let reason = error.to_string();
                    connection.close(close::IDENTITY, reason.as_bytes());
                    Err(MeshError::Untrusted { address, reason })
                }
            }
        };
        let shaken = timeout(HANDSHAKE, shake).await;
        let waited = || unreachable(format!("no answer within {HANDSHAKE:?}"));
        let (connection, node, incarnation) = shaken.map_err(|_| waited())??;
        let link = Link { connection, node, incarnation, is_dialled: true };
        self.admit(&link)?;
        let (port, served) = (self.clone(), link.clone());
        tokio::spawn(async move { port.serve(served).await });
        Ok(link)
    }

    /// Lets others in, until the endpoint is closed.
    async fn accept(self: Arc<Port>) {
        while let Some(incoming) = self.endpoint.accept().await {
            let port = self.clone();
            tokio::spawn(async move {
                let Ok(permit) = port.handshakes.try_acquire() else { return incoming.refuse() };
                let answered = timeout(HANDSHAKE, port.answer(incoming)).await;
                drop(permit);
                if let Ok(Some(link)) = answered {
                    port.serve(link).await;
                }
            });
        }
    }

    /// The other half of `call`. Who is turned away is told why, as far as TLS lets us.
    async fn answer(&self, incoming: Incoming) -> Option<Link> {
        let config = Arc::new(server_config(&self.context, &self.transport));
        let connection = incoming.accept_with(config).ok()?.await.ok()?;
        let (send, receive) = connection.accept_bi().await.ok()?;
        let hello = read_hello(receive, &connection).await.ok()?;
        let node = match self.judge(&connection, Whom::Anybody, &hello) {
            Ok(node) => node,
            Err(error) => {
                connection.close(close::IDENTITY, error.to_string().as_bytes());
                return None;
            }
        };
        let incarnation = hello.incarnation;
        let link = Link { connection, node, incarnation, is_dialled: false };
        // Before the other side is told, so that what it asks at once finds us ready.
        self.admit(&link).ok()?;
        let mut sender = FrameSender::new(send, node, Class::Control);
        sender.write(Kind::Hello, self.context.hello().encode()).await.ok()?;
        sender.finish().await.ok()?;
        Some(link)
    }

    /// The one check: whose certificate, whose HELLO, what the topology says, who was called.
    fn judge(
        &self,
        connection: &Connection,
        whom: Whom,
        hello: &Hello,
    ) -> Result<NodeId, IdentityError> {
        let certified = certified(connection)?;
        let admission = self.context.membership.admits(certified.node);
        check(&self.context.me, &certified, hello, admission)?;
        match whom {
            Whom::Node(expected) if expected != certified.node => {
                Err(IdentityError::OtherNode { expected, found: certified.node })
            }
            _ => Ok(certified.node),
        }
    }

    /// Makes a connection known, and asks the topology again: a node that was removed between the check
    /// and now is not among those that `close` has found.
    fn admit(&self, link: &Link) -> Result<(), MeshError> {
        self.peers.add(link.clone());
        if self.context.membership.admits(link.node) == Admission::Refused {
            self.peers.close(link.node, close::IDENTITY, "this node is not admitted any more");
            return Err(MeshError::NotAdmitted(link.node));
        }
        Ok(())
    }

    async fn serve(&self, link: Link) {
        serve(&link, self.channel, &self.context).await;
        self.peers.remove(&link);
    }
}

fn server_config(context: &Context, transport: &Arc<TransportConfig>) -> quinn::ServerConfig {
    let mut config = quinn::ServerConfig::with_crypto(context.credentials.server());
    config.transport_config(transport.clone());
    config
}

/// A handshake that came to nothing after TLS.
enum NoHello {
    Lost(ConnectionError),
    Frame(FrameError),
}

/// Says who we are and hears who they are.
async fn greet(connection: &Connection, context: &Context) -> Result<Hello, NoHello> {
    let (send, receive) = connection.open_bi().await.map_err(NoHello::Lost)?;
    let mut sender = FrameSender::new(send, NodeId::default(), Class::Control);
    // If it does not get through, reading tells why.
    let _ = sender.write(Kind::Hello, context.hello().encode()).await;
    let _ = sender.finish().await;
    read_hello(receive, connection).await
}

/// Closes the connection when something else comes.
async fn read_hello(stream: RecvStream, connection: &Connection) -> Result<Hello, NoHello> {
    let (nobody, cap_bytes) = (NodeId::default(), Kind::Hello.payload_bytes_max());
    let mut receiver =
        FrameReceiver::new(stream, connection.clone(), nobody, Class::Control, cap_bytes);
    let error = match receiver.frame().await {
        Ok(Some((Kind::Hello, payload))) => match Hello::decode(&payload) {
            Ok(hello) => return Ok(hello),
            Err(error) => error,
        },
        Ok(Some((kind, _))) => FrameError::unexpected(kind),
        Err(MeshError::Frame { error, .. }) => error,
        Ok(None) | Err(_) => match connection.close_reason() {
            Some(error) => return Err(NoHello::Lost(error)),
            None => FrameError::Hello(0),
        },
    };
    close_for_frame(connection, error);
    Err(NoHello::Frame(error))
}

/// Who the other side is, by its certificate.
fn certified(connection: &Connection) -> Result<Identity, IdentityError> {
    let shown = connection.peer_identity().ok_or(IdentityError::NoCertificate)?;
    let chain = shown
        .downcast::<Vec<CertificateDer<'static>>>()
        .map_err(|_| IdentityError::NoCertificate)?;
    Identity::of_certificate(chain.first().ok_or(IdentityError::NoCertificate)?)
}

fn call_error(node: Whom, address: SocketAddr, error: ConnectionError) -> MeshError {
    let is_alert = |code: quinn::TransportErrorCode| TLS_ALERTS.contains(&u64::from(code));
    match &error {
        ConnectionError::ApplicationClosed(closed) => {
            let reason = String::from_utf8_lossy(&closed.reason).into_owned();
            MeshError::Refused { node, address, reason }
        }
        ConnectionError::ConnectionClosed(closed) if is_alert(closed.error_code) => {
            MeshError::Refused { node, address, reason: error.to_string() }
        }
        ConnectionError::TransportError(failed) if is_alert(failed.code) => {
            MeshError::Untrusted { address, reason: error.to_string() }
        }
        _ => MeshError::Unreachable { node, address, reason: error.to_string() },
    }
}
