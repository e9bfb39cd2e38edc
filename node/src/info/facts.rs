//! The figures that INFO and the metrics show. Each is looked up once, when it is first asked for, so
//! that both say the same and a section costs only what is in it.

use std::cell::OnceCell;

use skep_command::server::MemoryFacts;
use skep_store::{Database, KeyCounts};

use crate::admin::facts::{ClusterFacts, cluster_facts};
use crate::cluster::ResyncFigures;
use crate::figures::{self, Published};
use crate::info::replication::ReplicationFacts;
use crate::memory::{CpuTimes, cpu_times, total_system_bytes};
use crate::node::Node;

/// See the module.
pub(crate) struct Facts<'n> {
    pub(crate) node: &'n Node,
    /// What the workers have counted since the last CONFIG RESETSTAT.
    pub(crate) figures: Published,
    clients: OnceCell<ClientFigures>,
    cluster: OnceCell<Option<ClusterFacts>>,
    cpu: OnceCell<CpuTimes>,
    keys: OnceCell<Vec<(Database, KeyCounts)>>,
    memory: OnceCell<MemoryFacts>,
    replication: OnceCell<ReplicationFacts>,
    system_bytes: OnceCell<u64>,
}

/// The connected clients in figures.
#[derive(Default)]
pub(crate) struct ClientFigures {
    pub(crate) connected: usize,
    /// Subscribed to something.
    pub(crate) subscribed: usize,
    /// With keys under WATCH, and how many keys.
    pub(crate) watching: usize,
    pub(crate) watched_keys: usize,
    /// The largest buffers.
    pub(crate) input_bytes_max: usize,
    pub(crate) output_bytes_max: usize,
}

impl<'n> Facts<'n> {
    pub(crate) fn new(node: &'n Node) -> Facts<'n> {
        Facts {
            node,
            figures: figures::since(&node.figures, &node.reset.lock()),
            clients: OnceCell::new(),
            cluster: OnceCell::new(),
            cpu: OnceCell::new(),
            keys: OnceCell::new(),
            memory: OnceCell::new(),
            replication: OnceCell::new(),
            system_bytes: OnceCell::new(),
        }
    }

    /// As if the node were one of this cluster.
    #[cfg(test)]
    pub(crate) fn with_cluster(node: &'n Node, cluster: ClusterFacts) -> Facts<'n> {
        Facts { cluster: OnceCell::from(Some(cluster)), ..Facts::new(node) }
    }

    pub(crate) fn clients(&self) -> &ClientFigures {
        self.clients.get_or_init(|| ClientFigures::of(self.node))
    }

    /// The cluster; nothing when the node runs alone, or knows of none yet.
    pub(crate) fn cluster(&self) -> Option<&ClusterFacts> {
        self.cluster.get_or_init(|| cluster_facts(self.node)).as_ref()
    }

    /// Whether the node is one of a cluster, or waits to be.
    pub(crate) fn is_clustered(&self) -> bool {
        self.node.settings.load().cluster.is_enabled
    }

    pub(crate) fn cpu(&self) -> &CpuTimes {
        self.cpu.get_or_init(cpu_times)
    }

    /// Keys by database; empty ones are left out.
    pub(crate) fn keys(&self) -> &[(Database, KeyCounts)] {
        self.keys.get_or_init(|| self.node.store.key_counts())
    }

    pub(crate) fn memory(&self) -> &MemoryFacts {
        self.memory.get_or_init(|| self.node.memory_facts())
    }

    pub(crate) fn replication(&self) -> &ReplicationFacts {
        self.replication.get_or_init(|| match self.cluster() {
            Some(cluster) => ReplicationFacts::of_cluster(self.node, cluster),
            None => ReplicationFacts::standalone(self.node),
        })
    }

    /// How replicas got to common ground with this node.
    pub(crate) fn resyncs(&self) -> ResyncFigures {
        let cluster = self.node.cluster();
        cluster.map(|cluster| cluster.replication.resyncs()).unwrap_or_default()
    }

    /// Memory of the machine.
    pub(crate) fn system_bytes(&self) -> u64 {
        *self.system_bytes.get_or_init(total_system_bytes)
    }

    pub(crate) fn uptime_seconds(&self) -> u64 {
        self.node.started.elapsed().as_secs()
    }

    /// Error replies of all kinds.
    pub(crate) fn error_replies(&self) -> u64 {
        self.figures.statistics.errors().map(|(_, count)| count).sum()
    }

    /// For how long the memory limit was exceeded altogether, and how long it has been by now.
    pub(crate) fn exceeded_ms(&self) -> (u64, u64) {
        self.node.memory.exceeded_ms(self.node.now_ms())
    }

    /// `standalone` or `cluster`.
    pub(crate) fn mode(&self) -> &'static str {
        if self.is_clustered() { "cluster" } else { "standalone" }
    }
}

impl ClientFigures {
    fn of(node: &Node) -> ClientFigures {
        let mut figures = ClientFigures::default();
        node.clients.each(|one| {
            let visible = one.visible.lock();
            figures.connected += 1;
            figures.subscribed += usize::from(visible.is_subscribed());
            figures.watching += usize::from(visible.watches > 0);
            figures.watched_keys += visible.watches;
            figures.input_bytes_max = figures.input_bytes_max.max(one.input_bytes());
            figures.output_bytes_max = figures.output_bytes_max.max(one.output_bytes());
        });
        figures
    }
}
