//! Whether the node lives, and whether it can serve.

use serde::Serialize;
use skep_cluster::topology::Role;
use skep_command::cluster::Lease;

use crate::admin::facts::{ClusterFacts, cluster_facts};
use crate::node::Node;

/// The answer to `/health/live`.
#[derive(Serialize)]
pub(super) struct Liveness {
    live: bool,
}

impl Liveness {
    /// A process that answers is alive.
    pub(super) const LIVE: Liveness = Liveness { live: true };
}

/// The answer to `/health/ready`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Readiness {
    pub(super) ready: bool,
    /// Why it is not.
    reasons: Vec<String>,
}

/// Whether the node can serve now.
pub(super) fn readiness(node: &Node) -> Readiness {
    let is_clustered = node.settings.load().cluster.is_enabled;
    let mut reasons = Vec::new();
    if node.is_stopping() {
        reasons.push("the node is stopping".to_owned());
    }
    match cluster_facts(node) {
        Some(facts) => reasons.extend(reasons_of(&facts)),
        None if is_clustered => reasons.push(NO_CLUSTER.to_owned()),
        None => {}
    }
    Readiness { ready: reasons.is_empty(), reasons }
}

const NO_CLUSTER: &str = "the node belongs to no cluster yet";

/// What keeps a node of a cluster from serving.
fn reasons_of(facts: &ClusterFacts) -> Vec<String> {
    let unowned = facts.routes.topology.unowned_count();
    let is_following = facts.following.as_ref().is_none_or(|following| following.is_up);
    let mut reasons = Vec::new();
    match facts.routes.role {
        None => reasons.push(NO_CLUSTER.to_owned()),
        Some(Role::Primary) if facts.lease == Some(Lease::Lapsed) => {
            reasons.push("the node is a primary without a lease".to_owned());
        }
        Some(Role::Replica { .. }) if !is_following => {
            reasons.push("the node does not hear its primary".to_owned());
        }
        Some(_) => {}
    }
    if facts.routes.role.is_some() && unowned > 0 {
        reasons.push(format!("{unowned} slots have no owner"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::facts::Following;
    use crate::admin::fixture::{self, facts};

    #[test]
    fn a_node_on_its_own_is_ready_until_it_stops() {
        let node = fixture::node(|_| {});
        assert_eq!(readiness(&node), Readiness { ready: true, reasons: vec![] });
        node.begin_stop();
        let reasons = vec!["the node is stopping".to_owned()];
        assert_eq!(readiness(&node), Readiness { ready: false, reasons });
    }

    #[test]
    fn a_node_that_waits_for_a_cluster_is_not_ready() {
        let node = fixture::node(|settings| settings.cluster.is_enabled = true);
        let reasons = vec![NO_CLUSTER.to_owned()];
        assert_eq!(readiness(&node), Readiness { ready: false, reasons: reasons.clone() });
        assert_eq!(reasons_of(&facts(9)), reasons);
    }

    #[test]
    fn a_primary_needs_its_lease() {
        let mut facts = facts(1);
        assert_eq!(reasons_of(&facts), [""; 0]);
        facts.lease = Some(Lease::Held);
        assert_eq!(reasons_of(&facts), [""; 0]);
        facts.lease = Some(Lease::Lapsed);
        assert_eq!(reasons_of(&facts), ["the node is a primary without a lease"]);
    }

    #[test]
    fn a_replica_needs_its_primary_and_no_lease() {
        let mut facts = facts(3);
        facts.lease = Some(Lease::Lapsed);
        facts.following =
            Some(Following { is_up: true, silence: None, staleness: None, lag_bytes: None });
        assert_eq!(reasons_of(&facts), [""; 0]);
        facts.following =
            Some(Following { is_up: false, silence: None, staleness: None, lag_bytes: None });
        assert_eq!(reasons_of(&facts), ["the node does not hear its primary"]);
    }

    #[test]
    fn every_slot_needs_an_owner() {
        let mut topology = fixture::topology();
        let (_, shard) = topology.shards.pop_last().unwrap();
        topology.nodes.remove(&shard.primary);
        let facts = fixture::facts_of(topology, 1);
        assert_eq!(reasons_of(&facts), ["8192 slots have no owner"]);
    }
}
