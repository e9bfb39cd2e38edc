//! CLUSTER NODES: who is there, in which state, with which slots.

use serde::{Deserialize, Serialize};
use skep_keyspace::SLOT_COUNT;

/// A line of CLUSTER NODES.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterNode {
    /// 40 hexadecimal digits.
    pub id: String,
    /// Host and port for clients; empty if nobody knows it.
    pub address: String,
    /// `master`, `slave`, `myself`, `fail?`, `fail`, `handshake`, `noaddr`, `nofailover`.
    pub flags: Vec<String>,
    /// The primary of a replica.
    pub primary_id: Option<String>,
    /// Whether the node that was asked is connected to it.
    pub is_connected: bool,
    /// Ranges of slots, both ends included.
    pub slots: Vec<(u16, u16)>,
    /// Slots on their way out of this node.
    pub migrating: Vec<u16>,
    /// Slots on their way into this node.
    pub importing: Vec<u16>,
}

impl ClusterNode {
    /// Whether it has a flag.
    pub fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|one| one == flag)
    }

    /// Whether it is a primary.
    pub fn is_primary(&self) -> bool {
        self.is("master")
    }

    /// Whether it is thought to be alive.
    pub fn is_healthy(&self) -> bool {
        !["fail", "fail?", "handshake", "noaddr"].iter().any(|flag| self.is(flag))
    }

    /// How many slots it owns.
    pub fn slot_count(&self) -> u32 {
        self.slots.iter().map(|(first, last)| u32::from(last - first) + 1).sum()
    }

    /// The host, without the port.
    pub fn host(&self) -> &str {
        self.address.rsplit_once(':').map_or("", |(host, _)| host)
    }
}

/// Reads the text of CLUSTER NODES; lines that are none are passed over.
pub fn parse_nodes(text: &str) -> Vec<ClusterNode> {
    text.lines().filter_map(node).collect()
}

/// `<id> <ip:port@cport[,hostname]> <flags> <master> <ping> <pong> <epoch> <link> <slot> ...`
fn node(line: &str) -> Option<ClusterNode> {
    let mut words = line.split_whitespace();
    let id = words.next()?.to_owned();
    let place = words.next()?.split([',', '@']).next()?;
    let flags = words.next()?.split(',').map(str::to_owned).collect();
    let primary_id = words.next().filter(|id| *id != "-").map(str::to_owned);
    let link = words.nth(3)?;
    let mut node = ClusterNode {
        id,
        address: place_address(place),
        flags,
        primary_id,
        is_connected: link == "connected",
        ..ClusterNode::default()
    };
    for word in words {
        if let Some(open) = word.strip_prefix('[') {
            let slot: Option<u16> = open.split('-').next().and_then(|slot| slot.parse().ok());
            let list = if open.contains("->-") { &mut node.migrating } else { &mut node.importing };
            list.extend(slot);
            continue;
        }
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        if let (Ok(first), Ok(last)) = (first.parse(), last.parse::<u16>())
            && first <= last
            && usize::from(last) < SLOT_COUNT
        {
            node.slots.push((first, last));
        }
    }
    Some(node)
}

/// Host and port, with brackets where the host has colons.
pub(crate) fn address(host: &str, port: impl std::fmt::Display) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// `::1:7000` has its port behind the last colon too.
fn place_address(place: &str) -> String {
    match place.rsplit_once(':') {
        Some(("", _)) | None => String::new(),
        Some((host, port)) => address(host, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004@31004,host4 slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected
67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922 [5461->-292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f]
292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 127.0.0.1:30003@31003 master,fail - 0 1426238318243 3 disconnected 10923-16382 16383 [77-<-67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1]
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca ::1:30001@31001 myself,master - 0 0 1 connected 0-5460
824fe116063bc5fcf9f4ffd895bc17aee7731ac3 :0@0 master,noaddr - 0 1426238317741 6 disconnected
broken
";

    #[test]
    fn nodes_are_read_with_states_slots_and_moves() {
        let nodes = parse_nodes(TEXT);
        assert_eq!(nodes.len(), 5);
        assert_eq!(nodes[0].address, "127.0.0.1:30004");
        assert_eq!(
            nodes[0].primary_id.as_deref(),
            Some("e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca")
        );
        assert!(!nodes[0].is_primary() && nodes[0].is_healthy());
        assert_eq!(
            (nodes[1].slots.as_slice(), nodes[1].migrating.as_slice()),
            (&[(5461, 10_922)][..], &[5461][..])
        );
        assert!(!nodes[2].is_healthy() && !nodes[2].is_connected);
        assert_eq!((nodes[2].slot_count(), nodes[2].importing.as_slice()), (5461, &[77][..]));
        assert_eq!((nodes[3].address.as_str(), nodes[3].host()), ("[::1]:30001", "[::1]"));
        assert_eq!(nodes[4].address, "");
        let covered: u32 = nodes.iter().map(ClusterNode::slot_count).sum();
        assert_eq!(covered as usize, SLOT_COUNT);
    }
}
