//! Clusters of real processes on 127.0.0.1.
//!
//! * [`Authority`]: makes the certificates of one cluster, with the program under test.
//! * [`ClusterNode`]: one process in a directory of its own; it can be killed, stopped, told to end
//!   and started again where it was.
//! * [`Cluster`]: several of them, formed as asked.
//! * [`View`]: what a node says of its cluster.
//! * [`Roamer`]: a client that finds the node of a key as cluster clients do.
//!
//! What each node sees of the cluster, and its log, is printed when a cluster is dropped, which the
//! test runner shows for a test that failed.

mod authority;
mod form;
mod node;
mod ports;
mod roamer;
mod view;

pub use authority::Authority;
pub use form::meeting;
pub use node::ClusterNode;
pub use roamer::Roamer;
pub use view::{Line, View};

use crate::{PATIENCE, TestResult, wait_until};

/// All slots.
pub const SLOTS: u16 = 16_384;

/// See the module.
#[derive(Debug)]
pub struct Cluster {
    authority: Authority,
    arguments: Vec<String>,
    nodes: Vec<ClusterNode>,
}

impl Cluster {
    /// Starts nodes that do not know each other, with these arguments more than those that place
    /// them.
    ///
    /// # Errors
    /// When one does not start, with its log.
    pub fn start(count: usize, arguments: &[&str]) -> TestResult<Cluster> {
        let authority = Authority::new("bees")?;
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut cluster = Cluster { authority, arguments, nodes: Vec::new() };
        for _ in 0..count {
            cluster.launch()?;
        }
        cluster.nodes.iter_mut().try_for_each(ClusterNode::wait_until_ready)?;
        Ok(cluster)
    }

    /// Starts one more node, which knows nobody, and answers its number.
    ///
    /// # Errors
    /// When it does not start, with its log.
    pub fn add(&mut self) -> TestResult<usize> {
        self.launch()?;
        let at = self.nodes.len() - 1;
        self.nodes[at].wait_until_ready()?;
        Ok(at)
    }

    fn launch(&mut self) -> TestResult {
        let node = ClusterNode::start(&self.authority, &self.arguments)?;
        self.nodes.push(node);
        Ok(())
    }

    /// Who makes the certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A node by its number: they are numbered from 0 as they were started.
    ///
    /// # Panics
    /// There is no such node.
    pub fn node(&self, at: usize) -> &ClusterNode {
        &self.nodes[at]
    }

    /// A node, to end it or start it again.
    ///
    /// # Panics
    /// There is no such node.
    pub fn node_mut(&mut self, at: usize) -> &mut ClusterNode {
        &mut self.nodes[at]
    }

    /// All nodes.
    pub fn nodes(&self) -> &[ClusterNode] {
        &self.nodes
    }

    /// The nodes that run: not ended, not stopped.
    pub fn running(&self) -> impl Iterator<Item = &ClusterNode> {
        self.nodes.iter().filter(|node| node.is_running())
    }

    /// The number of the node with this id.
    ///
    /// # Errors
    /// When it is not one of these.
    pub fn number_of(&self, id: &str) -> TestResult<usize> {
        let found = self.nodes.iter().position(|node| node.id() == id);
        found.ok_or_else(|| format!("no node of the test has the id {id}").into())
    }

    /// What every running node says of the cluster, if all say the same.
    pub fn agreed(&self) -> Option<View> {
        let mut views = self.running().map(|node| node.view().ok());
        let first = views.next()??;
        views.all(|view| view.as_ref() == Some(&first)).then_some(first)
    }

    /// Waits until all running nodes see the same cluster, in which `condition` holds.
    ///
    /// # Panics
    /// When that does not come about.
    #[track_caller]
    pub fn wait_for(&self, what: &str, condition: impl Fn(&View) -> bool) -> View {
        let mut found = None;
        wait_until(PATIENCE, what, || {
            found = self.agreed().filter(&condition);
            found.is_some()
        });
        found.expect("it was waited for")
    }

    /// The number of the primary of a slot, as the running nodes agree, once there is one that runs.
    ///
    /// # Panics
    /// When there is none, or they do not agree.
    #[track_caller]
    pub fn primary_of(&self, slot: u16) -> usize {
        let has_primary = |view: &View| view.primary_of(slot).is_some_and(|line| self.runs(line));
        let view = self.wait_for(&format!("a primary of slot {slot}"), has_primary);
        let id = view.primary_of(slot).map(|line| line.id.clone()).unwrap_or_default();
        self.number_of(&id).expect("a node of the test")
    }

    /// The number of a replica of that node, as the running nodes agree.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn replica_of(&self, primary: usize) -> usize {
        let id = self.nodes[primary].id();
        let view = self.wait_for("a replica", |view| view.replicas_of(id).next().is_some());
        let replica = view.replicas_of(id).next().map(|line| line.id.clone()).unwrap_or_default();
        self.number_of(&replica).expect("a node of the test")
    }

    fn runs(&self, line: &Line) -> bool {
        self.running().any(|node| node.id() == line.id)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (at, node) in self.nodes.iter().enumerate() {
            // A node that hangs would make the end of the test hang.
            let seen = match node.is_running() {
                true => node.glance("CLUSTER NODES").unwrap_or_else(|error| error.to_string()),
                false => "it does not run".to_owned(),
            };
            println!("node {at}, port {}, sees:\n{seen}", node.port());
        }
    }
}
