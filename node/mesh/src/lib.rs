//! Frames between nodes, over QUIC with TLS 1.3 and mutual authentication. It knows nodes, not slots.
//!
//! What it promises: a frame that arrives was sent by the node that it is said to be from, which has a
//! certificate of this cluster and is in the topology. There is no plaintext, and no way around the
//! check (`identity`). A request is answered, or fails within its deadline with an error that says
//! whether the other node may have acted on it.
//!
//! Two endpoints, each on an event loop of its own that the caller provides: *control* (requests and
//! datagrams that must not wait) and *bulk* (lanes, snapshots, forwarded commands). Between two nodes
//! there is one connection of each kind, made when it is first needed and again when it was lost; two
//! when both sides dialled at once.
//!
//! Bounds: frames per class ([`Class::frame_bytes_max`]), streams per connection, connections per
//! node, handshakes under way, bytes in flight (`tuning`). What is beyond a bound waits for at most the
//! caller's deadline (requests, streams) or is dropped (datagrams).
//!
//! Read in this order: `frame`, `hello`, `identity` (what is said, and who may say it), `authority`,
//! `credentials` (where identities come from), `stream`, `connection`, `peers`, `endpoint` (how it
//! travels), `mesh` (what it offers). `tuning` and `socket` are about speed and size.

pub mod authority;
mod connection;
mod credentials;
mod endpoint;
mod error;
mod frame;
mod hello;
mod identity;
mod mesh;
mod peers;
mod shown;
#[cfg(feature = "simulation")]
pub mod simulation;
mod socket;
mod stream;
mod tuning;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use skep_keyspace::NodeId;

pub use credentials::{CredentialError, CredentialFiles, Credentials};
pub use error::{MeshError, Whom};
pub use frame::{Class, FrameError};
pub use identity::{ClusterName, Identity, IdentityError};
pub use mesh::{Mesh, MeshConfig, Place, StartError};
pub use peers::LinkInfo;
pub use shown::Shown;
pub use socket::Socket;
pub use stream::{FrameReceiver, FrameSender};

/// A future of a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Who must answer there.
    pub id: NodeId,
    /// Its control endpoint.
    pub control: std::net::SocketAddr,
    /// Its bulk endpoint.
    pub bulk: std::net::SocketAddr,
}

/// What a node with a valid certificate of this cluster may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Nothing: it was removed. Its connections are closed.
    Refused,
    /// It is not known yet. It may send requests of class Control of up to [`GUEST_BYTES_MAX`], such as
    /// one to join, and the handler decides which.
    Guest,
    /// Everything.
    Member,
}

/// The longest request of a guest.
pub const GUEST_BYTES_MAX: usize = 64 << 10;

/// What the topology says of nodes. Asked for each request, stream and datagram that arrives, so it
/// must be quick, never block, and change before [`Mesh::close`] is called.
pub trait Membership: Send + Sync + 'static {
    /// What `node` may do.
    fn admits(&self, node: NodeId) -> Admission;
}

/// Who sent something. The certificate says so, not the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Which node.
    pub id: NodeId,
    /// Whether it is only a guest.
    pub is_member: bool,
}

/// A request that the handler does not carry out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected(pub String);

/// Takes what arrives. Called on the event loop of the class, which must not be blocked.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request. It runs to its end even if nobody waits for the reply any more.
    fn request(
        &self,
        caller: Caller,
        class: Class,
        frame: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Rejected>>;

    /// Takes a datagram of a member.
    fn datagram(&self, from: NodeId, frame: Bytes);

    /// Serves a stream that a member opened; the stream is over when the future is.
    fn stream(
        &self,
        from: NodeId,
        class: Class,
        sender: FrameSender,
        receiver: FrameReceiver,
    ) -> BoxFuture<'_, ()>;
}
