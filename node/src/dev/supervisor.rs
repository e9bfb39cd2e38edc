//! The cluster from its first process to its last.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use rustix::process::Signal;
use skep_mesh::ClusterName;
use tokio::signal::unix::{Signal as Arriving, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::children::{Children, told};
use super::console::{self, Order};
use super::folder::Folder;
use super::forming::form;
use super::netns::Network;
use super::plan::{Plan, Size};
use super::{DevError, ports, words};
use crate::Exit;
use crate::config::{DevRequest, Machine};

/// What the cluster is called in its certificates.
const CLUSTER: &str = "dev";
/// The port of clients where each node is a host of its own.
const HOST_PORT: u16 = 7000;

/// Everything that runs. Dropped in this order: nodes, then what they stand on.
struct Cluster {
    children: Children,
    network: Option<Network>,
    folder: Folder,
    plan: Plan,
}

/// The signals that the supervisor answers to.
struct Signals {
    to_end: ToEnd,
    child: Arriving,
}

/// Those that ask it to end.
struct ToEnd {
    terminate: Arriving,
    interrupt: Arriving,
    hang_up: Arriving,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        let to_end = ToEnd {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        };
        Ok(Signals { to_end, child: signal(SignalKind::child())? })
    }
}

impl ToEnd {
    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// Runs a cluster until it is told to end.
pub(super) async fn run(request: &DevRequest, machine: &Machine) -> Result<Exit, DevError> {
    let mut signals = Signals::new().map_err(|error| DevError::System("handle signals", error))?;
    let begin = Instant::now();
    let mut cluster = Cluster::start(request, machine)?;
    if cluster.form(&mut signals).await? {
        let lines = match cluster.network {
            Some(_) => Some(console::lines().map_err(|e| DevError::System("read lines", e))?),
            None => None,
        };
        let pid = cluster.children.pid(0).unwrap_or_default();
        let (plan, folder) = (&cluster.plan, cluster.folder.path());
        crate::print(&words::ready(plan, pid, begin.elapsed(), folder, lines.is_some()));
        cluster.watch(&mut signals, lines).await;
    }
    let Signals { to_end, child } = &mut signals;
    let changed = async || {
        child.recv().await;
    };
    cluster.children.end(changed, to_end.asked()).await;
    Ok(Exit::Stopped)
}

impl Cluster {
    /// Makes what nodes need, and starts them.
    fn start(request: &DevRequest, machine: &Machine) -> Result<Cluster, DevError> {
        let size = Size::of(request, machine.memory_bytes).map_err(DevError::Usage)?;
        let (plan, network) = if request.has_namespaces {
            let network = Network::set_up(size.nodes)?;
            let port = request.port.unwrap_or(HOST_PORT);
            (Plan::on_hosts(size, network.addresses(), port), Some(network))
        } else {
            let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
            let port = ports::choose(ip, size.nodes, request.port)?;
            (Plan::on_ports(size, ip, port), None)
        };
        let folder = Folder::make(request.directory.as_deref())?;
        let name: ClusterName = CLUSTER
            .parse()
            .map_err(|_| DevError::Usage(format!("'{CLUSTER}' is no name of a cluster")))?;
        folder.fill(&plan, &name)?;
        let prefix = |at| network.as_ref().map_or_else(Vec::new, |network| network.prefix(at + 1));
        let mut children = Children::new(&plan, &folder, prefix)?;
        for node in 0..plan.nodes.len() {
            let started = children.start(node, &folder);
            started.map_err(|error| DevError::System("start a node", error))?;
        }
        Ok(Cluster { children, network, folder, plan })
    }

    /// Makes the nodes one cluster. Answers whether that was done before somebody wanted it to end.
    async fn form(&mut self, signals: &mut Signals) -> Result<bool, DevError> {
        let forming = form(&self.plan);
        tokio::pin!(forming);
        loop {
            tokio::select! {
                formed = &mut forming => {
                    let hint = match self.folder.is_temporary() {
                        true => "; --dir DIR keeps the nodes' logs",
                        false => "",
                    };
                    let told = |text| DevError::Forming(format!("{text}{hint}"));
                    return formed.map(|()| true).map_err(told);
                }
                () = signals.to_end.asked() => return Ok(false),
                _ = signals.child.recv() => {
                    if let Some(ended) = self.children.reap().first() {
                        let name = &self.plan.nodes[ended.node].name;
                        return Err(DevError::Ended {
                            node: format!("node {name}"),
                            end: told(ended.status),
                            log: self.folder.log_tail(name),
                        });
                    }
                }
            }
        }
    }

    /// Tells of nodes that end and carries out lines, until it shall all end.
    async fn watch(&mut self, signals: &mut Signals, mut lines: Option<mpsc::Receiver<String>>) {
        loop {
            tokio::select! {
                () = signals.to_end.asked() => return,
                _ = signals.child.recv() => self.tell_ended(),
                line = next(&mut lines) => match line {
                    Some(line) => {
                        let answer = self.obey(&line).unwrap_or_else(|problem| problem);
                        if !answer.is_empty() {
                            crate::print(&format!("{answer}\n"));
                        }
                    }
                    None => lines = None,
                },
            }
        }
    }

    fn tell_ended(&mut self) {
        for ended in self.children.reap() {
            let again = match self.network {
                Some(_) => format!("start {}", ended.node + 1),
                None => self.children.line(ended.node),
            };
            crate::print(&words::ended(&self.plan.nodes[ended.node].name, ended.status, &again));
        }
    }

    /// Carries out a line, and says what was done or why not.
    fn obey(&mut self, line: &str) -> Result<String, String> {
        let Some(order) = console::order(line, self.plan.nodes.len())? else {
            return Ok(String::new());
        };
        let Some(network) = &mut self.network else { return Ok(String::new()) };
        let cut = |network: &mut Network, cuts| match network.cut(cuts) {
            Ok(()) => Ok(words::cuts(network.cuts())),
            Err(error) => Err(error.to_string()),
        };
        match order {
            Order::Partition(cuts) => cut(network, cuts),
            Order::Cut(more) => {
                let cuts = network.cuts().union(&more).copied().collect();
                cut(network, cuts)
            }
            Order::Heal => cut(network, Default::default()),
            Order::Stop(node) => self.signal(node, Signal::STOP, "stands still"),
            Order::Continue(node) => self.signal(node, Signal::CONT, "goes on"),
            Order::Kill(node) => self.signal(node, Signal::KILL, "is killed"),
            Order::Start(node) => match self.children.start(node - 1, &self.folder) {
                Ok(()) => Ok(format!("node {node} is started")),
                Err(error) => Err(format!("node {node} is not started: {error}")),
            },
            Order::Help => Ok(console::HELP.to_owned()),
        }
    }

    fn signal(&self, node: usize, signal: Signal, told: &str) -> Result<String, String> {
        match self.children.signal(node - 1, signal) {
            Ok(()) => Ok(format!("node {node} {told}")),
            Err(error) => Err(format!("node {node}: {error}")),
        }
    }
}

/// The next line; without lines it never comes.
async fn next(lines: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}
