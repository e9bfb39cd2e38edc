//! Forming a cluster by the commands that anybody would use.

use super::{Cluster, SLOTS, View};
use crate::{PATIENCE, TestResult, wait_until};

impl Cluster {
    /// A cluster with this many primaries, which share the slots evenly, and for each of them this
    /// many replicas that follow it. Primaries come first: node `p + k * primaries` follows node `p`.
    ///
    /// # Errors
    /// When a node does not start, or refuses.
    ///
    /// # Panics
    /// When the cluster does not come together.
    pub fn formed(primaries: usize, replicas: usize, arguments: &[&str]) -> TestResult<Cluster> {
        let cluster = Cluster::start(primaries * (1 + replicas), arguments)?;
        cluster.meet()?;
        for at in 0..primaries {
            let (first, last) = share(at, primaries);
            cluster.node(at).ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"))?;
        }
        for at in primaries..cluster.nodes().len() {
            let primary = cluster.node(at % primaries).id();
            cluster.node(at).insist(&format!("CLUSTER REPLICATE {primary}"));
        }
        cluster.wait_until_well();
        Ok(cluster)
    }

    /// The first node meets all others.
    ///
    /// # Errors
    /// When it, or another, refuses.
    ///
    /// # Panics
    /// When some node does not come to know all.
    pub fn meet(&self) -> TestResult {
        for node in self.nodes().iter().skip(1) {
            self.node(0).insist(&meeting(node));
        }
        let count = self.nodes().len();
        self.wait_for("all nodes know each other", |view| view.lines.len() == count);
        Ok(())
    }

    /// Waits until all running nodes agree, every slot has a primary that runs, every running
    /// replica is in sync, each says that the cluster is well, and so many nodes vote as should.
    ///
    /// # Panics
    /// When that does not come about.
    #[track_caller]
    pub fn wait_until_well(&self) -> View {
        let is = |node: &super::ClusterNode, command: &str, name: &str, wanted: &str| {
            node.field(command, name).is_ok_and(|found| found == wanted)
        };
        self.wait_for("the cluster is well", |view| {
            let owners = view.lines.iter().filter(|line| !line.slots.is_empty());
            view.slot_count() == usize::from(SLOTS)
                && owners.into_iter().all(|line| self.runs(line))
                && self.has_all_voters(view)
                && self.running().all(|node| {
                    let is_up = || is(node, "INFO replication", "master_link_status", "up");
                    let line = view.line(node.id());
                    is(node, "CLUSTER INFO", "cluster_state", "ok")
                        && (line.is_some_and(|line| line.primary.is_none()) || is_up())
                        && node
                            .ask("CLUSTER SHARDS")
                            .is_ok_and(|shards| !shards.contains("$loading"))
                })
        })
    }
}

impl Cluster {
    /// Who leads the agreement, as all running nodes say.
    ///
    /// # Panics
    /// When they do not come to say the same.
    #[track_caller]
    pub fn leader(&self) -> usize {
        let mut leaders = Vec::new();
        wait_until(PATIENCE, "one leader", || {
            leaders = self.running().map(|node| node.agreement().ok().map(|it| it.0)).collect();
            leaders.dedup();
            matches!(&leaders[..], [Some(_)])
        });
        let leader = leaders.pop().flatten().unwrap_or_default();
        self.number_of(&leader).expect("a node of the test")
    }

    /// Whether all running nodes know that as many nodes vote as are wanted in a cluster of this size.
    fn has_all_voters(&self, view: &View) -> bool {
        let wanted = match view.lines.len() {
            ..=2 => 1,
            3 | 4 => 3,
            _ => 5,
        };
        self.running().all(|node| node.agreement().is_ok_and(|(_, voters)| voters.len() == wanted))
    }
}

/// The line by which another node is met.
pub fn meeting(node: &super::ClusterNode) -> String {
    format!("CLUSTER MEET 127.0.0.1 {} {}", node.port(), node.mesh_port())
}

/// First and last slot of one of so many equal shares.
fn share(at: usize, of: usize) -> (usize, usize) {
    let slots = usize::from(SLOTS);
    (slots * at / of, slots * (at + 1) / of - 1)
}
