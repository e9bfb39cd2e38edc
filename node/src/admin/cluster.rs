//! The topology as JSON, as this node sees it.

use serde::Serialize;
use skep_cluster::topology::{Node as Member, Role};
use skep_cluster::{Shard, ShardId, Topology};
use skep_keyspace::NodeId;

use crate::admin::facts::{ClusterFacts, cluster_facts};
use crate::node::Node;

/// The answer to `/api/v1/cluster`.
#[derive(Serialize)]
pub(super) struct ClusterView {
    /// The node was started to be one of a cluster.
    enabled: bool,
    /// What it knows of the cluster; nothing before it knows any.
    #[serde(flatten)]
    topology: Option<TopologyView>,
}

#[derive(Serialize)]
struct TopologyView {
    version: u64,
    name: String,
    current_epoch: u64,
    agreement: Option<AgreementView>,
    me: String,
    /// What this node is; nothing before it belongs to the cluster.
    role: Option<&'static str>,
    nodes: Vec<NodeView>,
    shards: Vec<ShardView>,
}

/// Who orders the changes of the topology, as far as this node knows.
#[derive(Serialize)]
struct AgreementView {
    leader: Option<String>,
    voters: Vec<String>,
    /// This node hears of a leader; else what it knows may be old.
    attached: bool,
}

#[derive(Serialize)]
struct NodeView {
    id: String,
    host: String,
    port: u16,
    mesh_port: u16,
    bulk_port: u16,
    zone: String,
    role: Option<&'static str>,
    failed: bool,
}

#[derive(Serialize)]
struct ShardView {
    id: String,
    epoch: u64,
    primary: String,
    /// Replicas that have all that was acknowledged.
    in_sync: Vec<String>,
    replicas: Vec<String>,
    /// First and last slot of each range.
    slots: Vec<[u16; 2]>,
}

/// The cluster of a node.
pub(super) fn view(node: &Node) -> ClusterView {
    let topology = cluster_facts(node).map(|facts| TopologyView::new(&facts));
    let enabled = topology.is_some() || node.settings.load().cluster.is_enabled;
    ClusterView { enabled, topology }
}

impl TopologyView {
    fn new(facts: &ClusterFacts) -> TopologyView {
        let routes = &facts.routes;
        let topology = &routes.topology;
        let nodes = topology.nodes.iter();
        let shards = topology.shards.iter();
        TopologyView {
            version: topology.version,
            name: topology.cluster.clone(),
            current_epoch: topology.current_epoch,
            agreement: facts.agreement.as_ref().map(|agreement| AgreementView {
                leader: agreement.leader.map(|leader| leader.to_string()),
                voters: agreement.voters.iter().map(ToString::to_string).collect(),
                attached: agreement.is_attached,
            }),
            me: routes.me.to_string(),
            role: routes.role.map(role_name),
            nodes: nodes.map(|(&id, about)| NodeView::new(topology, id, about)).collect(),
            shards: shards.map(|(&id, shard)| ShardView::new(id, shard)).collect(),
        }
    }
}

impl NodeView {
    fn new(topology: &Topology, id: NodeId, about: &Member) -> NodeView {
        let address = about.address.clone();
        NodeView {
            id: id.to_string(),
            host: address.host,
            port: address.client_port,
            mesh_port: address.mesh_port,
            bulk_port: address.bulk_port,
            zone: about.zone.clone(),
            role: topology.role(id).map(role_name),
            failed: about.is_failed,
        }
    }
}

impl ShardView {
    fn new(id: ShardId, shard: &Shard) -> ShardView {
        ShardView {
            id: id.to_string(),
            epoch: shard.epoch,
            primary: shard.primary.to_string(),
            in_sync: shard.in_sync.iter().map(ToString::to_string).collect(),
            replicas: shard.replicas.iter().map(ToString::to_string).collect(),
            slots: shard.slots.ranges().map(|range| [range.first, range.last]).collect(),
        }
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Primary => "primary",
        Role::Replica { .. } => "replica",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json, to_value};

    use super::*;
    use crate::admin::fixture;

    #[test]
    fn a_node_on_its_own_says_only_that() {
        assert_eq!(to_value(view(&fixture::node(|_| {}))).unwrap(), json!({ "enabled": false }));
        let waiting = fixture::node(|settings| settings.cluster.is_enabled = true);
        assert_eq!(to_value(view(&waiting)).unwrap(), json!({ "enabled": true }));
    }

    #[test]
    fn the_view_has_every_node_and_every_shard() {
        let topology = Some(TopologyView::new(&fixture::facts(3)));
        let view = to_value(ClusterView { enabled: true, topology }).unwrap();
        let id = |number: u64| fixture::id(number).to_string();
        assert_eq!((&view["enabled"], &view["version"]), (&json!(true), &json!(42)));
        assert_eq!((&view["name"], &view["current_epoch"]), (&json!("bees"), &json!(7)));
        assert_eq!((&view["me"], &view["role"]), (&json!(id(3)), &json!("replica")));
        assert_eq!(view["nodes"].as_array().map(Vec::len), Some(3));
        let second = json!({
            "id": id(2), "host": "10.0.0.2", "port": 7000, "mesh_port": 17000, "bulk_port": 18000,
            "zone": "zone-2", "role": "primary", "failed": true,
        });
        assert_eq!(view["nodes"][1], second);
        let first = json!({
            "id": id(0xa1), "epoch": 3, "primary": id(1), "in_sync": [id(3)], "replicas": [id(3)],
            "slots": [[0, 8191]],
        });
        assert_eq!(view["shards"][0], first);
        assert_eq!(view["shards"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_node_that_no_cluster_has_taken_in_has_no_role() {
        let topology = TopologyView::new(&fixture::facts(9));
        assert_eq!(to_value(topology).unwrap()["role"], Value::Null);
    }
}
