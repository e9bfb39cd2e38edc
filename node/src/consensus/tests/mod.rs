//! Whole groups of nodes in one process and in paused time: messages and disks are real but take no
//! time of the clock other than what the transport here adds.

mod elections;
mod following;
mod joining;
mod recovering;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_cluster::{Change, Entry, Node, ShardId, Topology};
use skep_keyspace::{NodeId, SlotSet};
use skep_tests::Scratch;
use tokio::time::{Instant, sleep, timeout};

use super::{BoxFuture, Config, Consensus, Timings, Transport, TransportError};

/// One way.
const DELAY: Duration = Duration::from_micros(300);
const STEP: Duration = Duration::from_millis(5);
const DEADLINE: Duration = Duration::from_secs(20);

pub(super) fn id(number: u8) -> NodeId {
    NodeId([number; 20])
}

fn shard(number: u8) -> ShardId {
    ShardId(NodeId([number; 20]))
}

/// The nodes that run, and between whom nothing gets through.
#[derive(Default)]
struct Wires {
    nodes: BTreeMap<NodeId, Consensus>,
    cut: BTreeSet<(NodeId, NodeId)>,
}

struct Wire {
    me: NodeId,
    wires: Arc<Mutex<Wires>>,
}

impl Wire {
    async fn carry(&self, to: NodeId, frame: Bytes) -> Result<Bytes, TransportError> {
        sleep(DELAY).await;
        let (there, is_cut) = {
            let wires = self.wires.lock();
            (wires.nodes.get(&to).cloned(), wires.cut.contains(&(self.me, to)))
        };
        if is_cut {
            return std::future::pending().await;
        }
        let there = there.ok_or_else(|| TransportError(format!("{to} does not run")))?;
        let answer = there.handle(self.me, frame).await;
        sleep(DELAY).await;
        match self.wires.lock().cut.contains(&(to, self.me)) {
            true => Err(TransportError(format!("the answer of {to} was lost"))),
            false => Ok(answer),
        }
    }
}

impl Transport for Wire {
    fn call(&self, to: NodeId, frame: Bytes) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(self.carry(to, frame))
    }
}

/// Some nodes with directories that outlive them.
struct Cluster {
    scratch: Scratch,
    wires: Arc<Mutex<Wires>>,
    timings: Timings,
}

impl Cluster {
    fn new(name: &str) -> Cluster {
        let timings = Timings { failed: Duration::from_secs(3), ..Timings::default() };
        Cluster { scratch: Scratch::new(name).unwrap(), wires: Arc::default(), timings }
    }

    /// A cluster of nodes 1 to `count`, all of which see the last one.
    async fn of(name: &str, count: u8) -> Cluster {
        let cluster = Cluster::new(name);
        cluster.found(1).await;
        for number in 2..=count {
            cluster.found(number).await;
            cluster.admit(1, number).await;
        }
        let nodes: Vec<u8> = (1..=count).collect();
        cluster.all_see(&nodes, "all nodes", |seen| seen.nodes.len() == usize::from(count)).await;
        cluster
    }

    fn directory(&self, number: u8) -> PathBuf {
        self.scratch.path().join(number.to_string())
    }

    async fn start(&self, number: u8) -> Consensus {
        let wire = Wire { me: id(number), wires: Arc::clone(&self.wires) };
        let config = Config {
            me: id(number),
            directory: self.directory(number),
            transport: Arc::new(wire),
            timings: self.timings,
        };
        let node = Consensus::start(config).await.unwrap();
        self.wires.lock().nodes.insert(id(number), node.clone());
        node
    }

    async fn found(&self, number: u8) {
        let about = about(number);
        let change = Change::Found {
            cluster: format!("of {number}"),
            node: id(number),
            about,
            shard: shard(number),
        };
        let founded = self.start(number).await.found(entry(number, change)).await;
        assert_eq!(founded.unwrap(), Ok(1));
    }

    /// Lets the cluster of `host` admit a node, which gives its own up.
    async fn admit(&self, host: u8, number: u8) {
        let welcome = self.node(host).admit(admission(host, number)).await.unwrap().unwrap();
        self.node(number).join(&welcome).await.unwrap();
    }

    fn node(&self, number: u8) -> Consensus {
        self.wires.lock().nodes[&id(number)].clone()
    }

    fn topology(&self, number: u8) -> Arc<Topology> {
        self.node(number).topology().borrow().clone()
    }

    /// Ends a node; its directory stays.
    async fn stop(&self, number: u8) {
        let node = self.wires.lock().nodes.remove(&id(number)).unwrap();
        node.shutdown().await;
    }

    /// Lets nothing through between the nodes of two sides, or all again.
    fn cut(&self, one: &[u8], other: &[u8]) {
        let pairs = one.iter().flat_map(|one| other.iter().map(|other| (id(*one), id(*other))));
        self.wires.lock().cut =
            pairs.flat_map(|(one, other)| [(one, other), (other, one)]).collect();
    }

    /// Marks a node as failed, or not, by a proposal of another. A change that every test can make
    /// and see.
    async fn mark(&self, by: u8, node: u8, is_failed: bool) -> u64 {
        let entry = entry(by, Change::Mark { node: id(node), is_failed });
        self.node(by).propose(entry).await.unwrap().unwrap()
    }

    /// Waits until all of these voters have the same log, with an entry that is new.
    async fn settle(&self, nodes: &[u8]) {
        self.mark(nodes[0], nodes[0], false).await;
        let last = |number: &u8| {
            let running = self.node(*number).shared.running.load_full().unwrap();
            running.raft.metrics().borrow().last_log_index
        };
        let logs = || nodes.iter().map(last).collect::<BTreeSet<_>>();
        until("equal logs", || logs().len() == 1).await;
    }

    async fn all_see(&self, nodes: &[u8], what: &str, condition: impl Fn(&Topology) -> bool) {
        let all = || nodes.iter().all(|number| condition(&self.topology(*number)));
        until(what, all).await;
    }

    /// Waits until every one of the nodes says that these vote.
    async fn votes(&self, nodes: &[u8], voters: &[u8]) {
        let voters: BTreeSet<NodeId> = voters.iter().copied().map(id).collect();
        let all = || nodes.iter().all(|number| self.node(*number).voters() == voters);
        until(&format!("{voters:?} vote"), all).await;
    }

    /// Waits until the nodes agree on a leader among them.
    async fn leader(&self, nodes: &[u8]) -> u8 {
        let agreed = || {
            let leaders: BTreeSet<_> =
                nodes.iter().map(|number| self.node(*number).leader()).collect();
            match leaders.first() {
                Some(Some(leader)) if leaders.len() == 1 => {
                    nodes.iter().copied().find(|n| id(*n) == *leader)
                }
                _ => None,
            }
        };
        until("a leader", || agreed().is_some()).await;
        agreed().unwrap()
    }
}

fn about(number: u8) -> Node {
    Node { incarnation: u64::from(number), ..Node::default() }
}

fn admission(proposer: u8, number: u8) -> Entry {
    let change = Change::Admit {
        node: id(number),
        about: about(number),
        shard: shard(number),
        epoch: 0,
        claims: SlotSet::new(),
    };
    entry(proposer, change)
}

fn entry(proposer: u8, change: Change) -> Entry {
    Entry { proposer: id(proposer), asked_by: "a test".to_owned(), change }
}

/// Returns as soon as a condition holds; how long that took.
#[track_caller]
fn until(what: &str, condition: impl Fn() -> bool) -> impl Future<Output = Duration> {
    let what = format!("{what}, for {}", std::panic::Location::caller());
    async move {
        let begin = Instant::now();
        let waiting = async {
            while !condition() {
                sleep(STEP).await;
            }
        };
        timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
        begin.elapsed()
    }
}

impl Consensus {
    /// Whether the node is a voter, as far as it knows.
    fn is_voter(&self) -> bool {
        self.voters().contains(&self.shared.me)
    }
}
