//! What INFO, the metrics, the readiness and the API say about a cluster, gathered in one place.

use std::sync::Arc;
use std::time::Duration;

use skep_command::cluster::{ClusterFigures, Lease, Routes};
use skep_keyspace::NodeId;

use crate::cluster::{Agreement, Progress, clock};
use crate::node::Node;

/// A cluster as this node sees it. What nobody knows yet is left out of all answers.
pub(crate) struct ClusterFacts {
    /// The topology, and what this node is in it.
    pub(crate) routes: Arc<Routes>,
    pub(crate) figures: ClusterFigures,
    /// Members that this node hears, and itself.
    pub(crate) connected_nodes: usize,
    /// Whether a primary may serve its slots.
    pub(crate) lease: Option<Lease>,
    /// How far this node's log goes, or what it has applied of its primary's.
    pub(crate) offset_bytes: Option<u64>,
    pub(crate) agreement: Option<Agreement>,
    /// What a primary knows of its replicas.
    pub(crate) replicas: Vec<ReplicaProgress>,
    /// What a replica knows of its primary.
    pub(crate) following: Option<Following>,
}

/// A replica as its primary sees it.
pub(crate) struct ReplicaProgress {
    pub(crate) node: NodeId,
    /// What it has acknowledged of the primary's log.
    pub(crate) offset_bytes: u64,
    /// What it has not acknowledged yet.
    pub(crate) lag_bytes: Option<u64>,
    /// Since when nothing has been heard of it.
    pub(crate) silence: Option<Duration>,
}

/// A primary as its replica sees it.
pub(crate) struct Following {
    /// The replica receives what the primary writes.
    pub(crate) is_up: bool,
    /// Since when nothing has been heard of it.
    pub(crate) silence: Option<Duration>,
    /// How old the data may be.
    pub(crate) staleness: Option<Duration>,
    /// What the primary has written and the replica has not applied yet.
    pub(crate) lag_bytes: Option<u64>,
}

impl ClusterFacts {
    /// What a topology alone tells.
    pub(crate) fn of(routes: Arc<Routes>) -> ClusterFacts {
        let figures = ClusterFigures::new(&routes.topology, routes.me);
        ClusterFacts {
            connected_nodes: figures.nodes - figures.failed_nodes,
            routes,
            figures,
            lease: None,
            agreement: None,
            offset_bytes: None,
            replicas: Vec::new(),
            following: None,
        }
    }
}

/// The cluster of a node; nothing when it runs alone, or knows of none yet.
pub(crate) fn cluster_facts(node: &Node) -> Option<ClusterFacts> {
    let cluster = node.cluster()?;
    let mut facts = ClusterFacts::of(cluster.routes());
    facts.agreement = Some(cluster.agreement());
    let replication = &cluster.replication;
    if facts.routes.is_replica() {
        let lag_bytes = replication.is_common().then(|| replication.behind_bytes());
        let (is_up, silence) = (replication.is_linked(), replication.silence());
        facts.offset_bytes = Some(replication.followed_offset());
        let staleness = replication.fresh_at().map(clock::since);
        facts.following = Some(Following { is_up, silence, staleness, lag_bytes });
        return Some(facts);
    }
    let offset = node.store.offset_bytes();
    let progress = |replica: &Arc<Progress>| ReplicaProgress {
        node: replica.node,
        offset_bytes: replica.applied(),
        lag_bytes: Some(offset.saturating_sub(replica.applied())),
        silence: Some(replica.silence()),
    };
    facts.offset_bytes = Some(offset);
    facts.lease = Some(if cluster.duty.holds_lease() { Lease::Held } else { Lease::Lapsed });
    facts.replicas = replication.replicas().iter().map(progress).collect();
    Some(facts)
}
