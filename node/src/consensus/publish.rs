//! The one topology that the node sees, wherever it came from: the log, or another node's telling.
//! It never goes back, but when the node changes its group.

use std::sync::Arc;

use parking_lot::Mutex;
use skep_cluster::Topology;
use tokio::sync::watch;

use super::types::Group;

/// Where topologies of one group are handed in.
#[derive(Clone)]
pub(super) struct Publisher {
    board: Arc<Board>,
    group: Group,
}

/// Where the newest one is seen.
pub(super) struct Board {
    topology: watch::Sender<Arc<Topology>>,
    /// Whose topologies count. Locked while one is put up, so that an old group's cannot slip in.
    group: Mutex<Option<Group>>,
}

impl Board {
    pub(super) fn new() -> Arc<Board> {
        Arc::new(Board { topology: watch::Sender::default(), group: Mutex::default() })
    }

    /// Puts up another group's topology, or none.
    pub(super) fn change(&self, group: Option<Group>, topology: Topology) {
        let mut current = self.group.lock();
        *current = group;
        self.topology.send_replace(Arc::new(topology));
    }

    pub(super) fn publisher(self: &Arc<Board>, group: Group) -> Publisher {
        Publisher { board: Arc::clone(self), group }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Topology>> {
        self.topology.subscribe()
    }

    pub(super) fn topology(&self) -> Arc<Topology> {
        self.topology.borrow().clone()
    }
}

impl Publisher {
    /// Shows it to everybody if it is newer than what they see.
    pub(super) fn publish(&self, topology: &Topology) {
        let current = self.board.group.lock();
        let is_ours = *current == Some(self.group);
        if is_ours && topology.version > self.board.topology.borrow().version {
            self.board.topology.send_replace(Arc::new(topology.clone()));
        }
    }
}
