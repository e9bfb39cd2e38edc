//! Where the other nodes are, and which may talk to this one.
//!
//! Names are resolved aside, so that beacons never wait for one.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use skep_cluster::Topology;
use skep_cluster::topology::NodeAddress;
use skep_keyspace::NodeId;
use skep_mesh::{Admission, Membership, Peer};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// How long a removed node is not even a guest, so that it cannot come back by itself.
const BAN: Duration = Duration::from_secs(10);
/// How long a name may take to be resolved.
const LOOKUP: Duration = Duration::from_secs(1);

/// A member, and where its address leads; nowhere while its name is not resolved.
#[derive(Clone)]
struct Known {
    address: NodeAddress,
    peer: Option<Peer>,
}

/// See the module.
pub(crate) struct Peers {
    me: NodeId,
    known: ArcSwap<HashMap<NodeId, Known>>,
    /// A name has come that is not resolved.
    named: Notify,
    removed: Mutex<HashMap<NodeId, Instant>>,
}

impl Peers {
    pub(crate) fn new(me: NodeId) -> Peers {
        Peers { me, known: ArcSwap::default(), named: Notify::new(), removed: Mutex::default() }
    }

    /// Where a member is; nothing while its name is not resolved.
    pub(crate) fn get(&self, node: NodeId) -> Option<Peer> {
        self.known.load().get(&node)?.peer
    }

    /// All other members whose addresses are known.
    pub(crate) fn others(&self) -> Vec<Peer> {
        let known = self.known.load();
        known.values().filter_map(|one| one.peer).filter(|peer| peer.id != self.me).collect()
    }

    /// Takes the members of a topology over. Answers those that are no members any more.
    pub(crate) fn update(&self, topology: &Topology) -> Vec<NodeId> {
        let before = self.known.rcu(|before| known_of(topology, before));
        let now = self.known.load();
        let is_new = |id: &NodeId, known: &Known| {
            before.get(id).is_none_or(|before| before.address != known.address)
        };
        if now.iter().any(|(id, known)| known.peer.is_none() && is_new(id, known)) {
            self.named.notify_one();
        }
        let gone: Vec<NodeId> = before.keys().filter(|id| !now.contains_key(id)).copied().collect();
        let mut removed = self.removed.lock();
        removed.retain(|id, at| at.elapsed() < BAN && !now.contains_key(id));
        // A node that has changed its cluster itself does not know whom it has left.
        if now.contains_key(&self.me) && now.len() > 1 {
            removed.extend(gone.iter().map(|&id| (id, Instant::now())));
        }
        gone
    }

    /// Resolves the names that have not been yet. Answers whether none is left.
    pub(crate) async fn resolve_names(&self) -> bool {
        let known = self.known.load_full();
        for (&id, Known { address, .. }) in known.iter().filter(|(_, known)| known.peer.is_none()) {
            let Some(found) = lookup(&address.host, address.mesh_port).await else { continue };
            self.known.rcu(|now| {
                let mut now = HashMap::clone(now);
                if let Some(known) = now.get_mut(&id).filter(|known| known.address == *address) {
                    known.peer = Some(peer(id, address, found.ip()));
                }
                now
            });
        }
        self.known.load().values().all(|known| known.peer.is_some())
    }

    /// Returns when a name has come that is not resolved.
    pub(crate) async fn named(&self) {
        self.named.notified().await;
    }
}

/// The members of a topology, with the peers of those that are where they were before.
fn known_of(topology: &Topology, before: &HashMap<NodeId, Known>) -> HashMap<NodeId, Known> {
    let known = topology.nodes.iter().map(|(&id, about)| {
        let address = about.address.clone();
        let same = before.get(&id).filter(|known| known.address == address);
        let by_number = || Some(peer(id, &address, address.host.parse().ok()?));
        let peer = same.map_or_else(by_number, |known| known.peer);
        (id, Known { address, peer })
    });
    known.collect()
}

impl Membership for Peers {
    fn admits(&self, node: NodeId) -> Admission {
        if self.known.load().contains_key(&node) {
            return Admission::Member;
        }
        let is_banned = self.removed.lock().get(&node).is_some_and(|at| at.elapsed() < BAN);
        if is_banned { Admission::Refused } else { Admission::Guest }
    }
}

fn peer(id: NodeId, address: &NodeAddress, ip: IpAddr) -> Peer {
    let NodeAddress { mesh_port, bulk_port, .. } = *address;
    let (control, bulk) = (SocketAddr::new(ip, mesh_port), SocketAddr::new(ip, bulk_port));
    Peer { id, control, bulk }
}

/// The address of a host, which is an IP address or a name.
pub(crate) async fn lookup(host: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(ip) = host.parse() {
        return Some(SocketAddr::new(ip, port));
    }
    let found = timeout(LOOKUP, tokio::net::lookup_host((host, port))).await;
    found.ok()?.ok()?.next()
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use skep_cluster::Node;

    use super::*;

    fn topology(hosts: &[&str]) -> Topology {
        let about = |host: &&str| Node {
            address: NodeAddress {
                host: (*host).to_owned(),
                client_port: 7000,
                mesh_port: 17000,
                bulk_port: 18000,
            },
            ..Node::default()
        };
        let nodes = (1..).map(NodeId::from).zip(hosts.iter().map(about)).collect();
        Topology { nodes, ..Topology::default() }
    }

    #[test]
    fn members_are_found_strangers_are_guests_and_who_was_removed_is_refused() {
        let peers = Peers::new(NodeId::from(1));
        assert!(peers.update(&topology(&["10.0.0.1", "10.0.0.2", "::3"])).is_empty());
        let third = peers.get(NodeId::from(3)).unwrap();
        assert_eq!(third.bulk.to_string(), "[::3]:18000");
        assert_eq!(peers.admits(NodeId::from(3)), Admission::Member);
        assert_eq!(peers.admits(NodeId::from(9)), Admission::Guest);
        let gone = peers.update(&topology(&["10.0.0.1", "10.0.0.2"]));
        assert_eq!(gone, [NodeId::from(3)]);
        assert_eq!(peers.admits(NodeId::from(3)), Admission::Refused);
        assert_eq!(peers.others().len(), 1);
        assert!(peers.update(&topology(&["10.0.0.1", "10.0.0.2", "::3"])).is_empty());
        assert_eq!(peers.admits(NodeId::from(3)), Admission::Member);
    }

    #[tokio::test]
    async fn names_are_resolved_aside_and_once() {
        let peers = Peers::new(NodeId::from(1));
        peers.update(&topology(&["localhost", "10.0.0.2"]));
        assert_eq!(peers.get(NodeId::from(1)), None);
        assert!(peers.resolve_names().await);
        let found = peers.get(NodeId::from(1)).unwrap();
        assert!(found.control.ip().is_loopback() && found.bulk.port() == 18000, "{found:?}");
        peers.update(&topology(&["localhost", "10.0.0.2", "::3"]));
        assert_eq!(peers.get(NodeId::from(1)), Some(found));
    }

    #[test]
    fn only_a_new_name_has_names_resolved() {
        let peers = Peers::new(NodeId::from(1));
        let is_called = |hosts: &[&str]| {
            peers.update(&topology(hosts));
            pin!(peers.named()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
        };
        assert!(!is_called(&["10.0.0.1", "10.0.0.2"]));
        assert!(is_called(&["10.0.0.1", "two"]));
        assert!(!is_called(&["10.0.0.1", "two", "10.0.0.3"]));
        assert!(is_called(&["one", "two"]));
        assert!(!is_called(&["one"]));
    }
}
