//! What runs where: which nodes are primaries, which slots they own, who replicates whom. Pure.

use std::net::{IpAddr, SocketAddr};

use skep_keyspace::{Layout, SlotRange};

use crate::config::DevRequest;

/// What is run if nothing is said.
const NODES: usize = 6;
/// From how many nodes on each primary has a replica if nothing is said.
const NODES_WITH_REPLICAS: usize = 6;
/// More processes would only take each other's time; and hosts of a network have numbers up to 253.
const NODES_MAX: usize = 100;
/// Of the machine's memory, all nodes together may take this.
const SHARE_PERCENT: u64 = 75;
const MIB: u64 = 1 << 20;

/// How many nodes of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) nodes: usize,
    pub(super) primaries: usize,
    /// Of each node.
    pub(super) memory_bytes: u64,
}

impl Size {
    /// From what was asked for and what there is.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn of(request: &DevRequest, machine_bytes: u64) -> Result<Size, String> {
        let nodes = request.nodes.unwrap_or(NODES);
        if nodes == 0 || nodes > NODES_MAX {
            return Err(format!("--nodes {nodes}: 1 to {NODES_MAX} nodes can be run"));
        }
        let replicas = request.replicas.unwrap_or(usize::from(nodes >= NODES_WITH_REPLICAS));
        if replicas >= nodes {
            let least = replicas.saturating_add(1);
            return Err(format!(
                "--replicas {replicas}: a primary with {replicas} replicas needs {least} nodes, \
                 and there are {nodes}"
            ));
        }
        let share = machine_bytes.saturating_mul(SHARE_PERCENT) / 100 / nodes as u64;
        // Whole MiB read better.
        let share = (share / MIB * MIB).max(MIB);
        let memory_bytes = request.memory_bytes.unwrap_or(share);
        Ok(Size { nodes, primaries: nodes / (replicas + 1), memory_bytes })
    }
}

/// All nodes; the primaries come first.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) size: Size,
    pub(super) nodes: Vec<Node>,
}

/// A node that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// What it is called: by its port, or by its number where each is a host of its own.
    pub(super) name: String,
    pub(super) address: SocketAddr,
    pub(super) role: Role,
}

/// What a node is to do in the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Primary {
        slots: Vec<SlotRange>,
    },
    /// Of the node with this index.
    Replica {
        of: usize,
    },
}

impl Plan {
    /// Nodes that share an address, with ports from `port` on.
    pub(super) fn on_ports(size: Size, ip: IpAddr, port: u16) -> Plan {
        let name = |address: SocketAddr, _| address.port().to_string();
        let ports = (0..size.nodes).map(|at| SocketAddr::new(ip, port.saturating_add(at as u16)));
        Plan::new(size, ports, name)
    }

    /// Nodes with an address each.
    pub(super) fn on_hosts(size: Size, ips: impl Iterator<Item = IpAddr>, port: u16) -> Plan {
        let name = |_, number: usize| number.to_string();
        Plan::new(size, ips.map(|ip| SocketAddr::new(ip, port)), name)
    }

    fn new(
        size: Size,
        addresses: impl Iterator<Item = SocketAddr>,
        name: impl Fn(SocketAddr, usize) -> String,
    ) -> Plan {
        // There are fewer primaries than slots.
        let ranges = Layout::even(size.primaries).map(|layout| layout.ranges());
        let mut ranges = ranges.unwrap_or_default().into_iter();
        let mut nodes = Vec::with_capacity(size.nodes);
        for (at, address) in addresses.take(size.nodes).enumerate() {
            let role = match at < size.primaries {
                true => Role::Primary { slots: ranges.next().unwrap_or_default() },
                false => Role::Replica { of: (at - size.primaries) % size.primaries },
            };
            nodes.push(Node { name: name(address, at + 1), address, role });
        }
        Plan { size, nodes }
    }

    /// How many replicas the primaries have: the fewest and the most.
    pub(super) fn replicas(&self) -> (usize, usize) {
        let replicas = self.size.nodes - self.size.primaries;
        (replicas / self.size.primaries, replicas.div_ceil(self.size.primaries))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const MACHINE_BYTES: u64 = 24 << 30;

    fn size(nodes: Option<usize>, replicas: Option<usize>) -> Result<Size, String> {
        Size::of(&DevRequest { nodes, replicas, ..DevRequest::default() }, MACHINE_BYTES)
    }

    fn primaries(nodes: Option<usize>, replicas: Option<usize>) -> usize {
        size(nodes, replicas).unwrap().primaries
    }

    #[test]
    fn six_nodes_have_three_primaries_and_three_nodes_are_all_primaries() {
        assert_eq!(primaries(None, None), 3);
        assert_eq!(primaries(Some(3), None), 3);
        assert_eq!(primaries(Some(3), Some(2)), 1);
        assert_eq!(primaries(Some(7), Some(1)), 3);
        assert_eq!(primaries(Some(1), None), 1);
    }

    #[test]
    fn sizes_that_cannot_be_are_refused_with_the_reason() {
        for (nodes, replicas, told) in [
            (0, None, "--nodes 0: 1 to 100"),
            (101, None, "--nodes 101: 1 to 100"),
            (2, Some(2), "--replicas 2: a primary with 2 replicas needs 3 nodes, and there are 2"),
            (2, Some(usize::MAX), "--replicas 1844"),
        ] {
            let error = size(Some(nodes), replicas).unwrap_err();
            assert!(error.starts_with(told), "{error}");
        }
    }

    #[test]
    fn nodes_share_three_quarters_of_the_memory_unless_it_is_said() {
        assert_eq!(size(None, None).unwrap().memory_bytes, 3 << 30);
        let given = DevRequest { memory_bytes: Some(5), ..DevRequest::default() };
        assert_eq!(Size::of(&given, MACHINE_BYTES).unwrap().memory_bytes, 5);
    }

    #[test]
    fn slots_are_contiguous_and_replicas_are_dealt_round() {
        let plan =
            Plan::on_ports(size(Some(7), Some(1)).unwrap(), Ipv4Addr::LOCALHOST.into(), 7000);
        let told = plan.nodes.iter().map(|node| match &node.role {
            Role::Primary { slots } => {
                let ranges: Vec<_> = slots.iter().map(ToString::to_string).collect();
                format!("{} {}", node.name, ranges.join(","))
            }
            Role::Replica { of } => format!("{} of {}", node.name, plan.nodes[*of].name),
        });
        let told: Vec<_> = told.collect();
        let expected = [
            "7000 0-5460",
            "7001 5461-10922",
            "7002 10923-16383",
            "7003 of 7000",
            "7004 of 7001",
            "7005 of 7002",
            "7006 of 7000",
        ];
        assert_eq!(told, expected);
        assert_eq!(plan.replicas(), (1, 2));
    }

    #[test]
    fn hosts_are_called_by_their_numbers_and_share_a_port() {
        let ips = (1..).map(|host| IpAddr::from([10, 99, 7, host]));
        let plan = Plan::on_hosts(size(Some(3), None).unwrap(), ips, 7000);
        let told: Vec<_> =
            plan.nodes.iter().map(|node| format!("{} {}", node.name, node.address)).collect();
        assert_eq!(told, ["1 10.99.7.1:7000", "2 10.99.7.2:7000", "3 10.99.7.3:7000"]);
    }
}
