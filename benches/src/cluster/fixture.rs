//! A cluster of real nodes, run by `skep dev`, whose nodes can be killed, stopped, cut off and
//! started again.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::space;
use super::view::View;
use super::wire::{figure, page, tell};
use crate::error::{Context, Error, Result};

/// How long a cluster may take to be there, and to be whole again.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a healthy node may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(20);
/// How far the admin API's port is from that of the clients.
const ADMIN: u16 = 1000;
/// Of each node. Given, so that a node that is started again has the same.
pub(super) const MEMORY_BYTES: u64 = 512 << 20;
/// Started by this program so far.
static CLUSTERS: AtomicU32 = AtomicU32::new(0);
const LOG_BYTES_SHOWN: usize = 600;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) nodes: u16,
    pub(super) replicas: u16,
    /// Each node is a host of its own, which can be cut off; needs root.
    pub(super) has_network: bool,
}

/// Three primaries with a replica each.
pub(super) const SIX: Form = Form { nodes: 6, replicas: 1, has_network: false };

/// See the module. All ends when it is dropped.
pub(super) struct Cluster {
    skep: PathBuf,
    directory: PathBuf,
    is_kept: bool,
    supervisor: Child,
    /// Held open: what is typed there cuts and heals.
    _console: Option<ChildStdin>,
    has_network: bool,
    addresses: Vec<SocketAddr>,
    /// Nodes that were started here, not by the supervisor.
    restarted: Vec<Child>,
}

impl Cluster {
    /// Runs a cluster and waits until it is well. Its files stay if a directory is given.
    pub(super) fn start(skep: &Path, form: Form, keep: Option<&Path>) -> Result<Cluster> {
        let number = CLUSTERS.fetch_add(1, Relaxed);
        let name = format!("skep-bench-cluster-{}-{number}", std::process::id());
        let directory = keep.map_or_else(|| std::env::temp_dir().join(name), Path::to_owned);
        fs::create_dir_all(&directory).context(directory.display())?;
        let log = File::create(directory.join("dev.log")).context("log of skep dev")?;
        let errors = log.try_clone().context("log of skep dev")?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(skep).arg("dev");
        command.args(["--nodes", &form.nodes.to_string()]);
        command.args(["--replicas", &form.replicas.to_string()]);
        command.args(["--mem", &MEMORY_BYTES.to_string(), "--dir"]).arg(directory.join("nodes"));
        if form.has_network {
            command.arg("--netns");
        }
        command.stdin(Stdio::piped()).stdout(log).stderr(errors);
        let mut supervisor = command.spawn().context("setpriv (Debian package util-linux)")?;
        let mut cluster = Cluster {
            skep: skep.to_owned(),
            directory,
            is_kept: keep.is_some(),
            _console: supervisor.stdin.take(),
            supervisor,
            has_network: form.has_network,
            addresses: Vec::new(),
            restarted: Vec::new(),
        };
        let first = cluster.wait_until_formed()?;
        cluster.addresses = (0..form.nodes).map(|at| neighbour(first, at, form)).collect();
        cluster.settled()?;
        Ok(cluster)
    }

    /// Waits for the line that tells where the first node is.
    fn wait_until_formed(&mut self) -> Result<SocketAddr> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(self.directory.join("dev.log")).unwrap_or_default();
            if let Some(first) = first_node(&said) {
                return Ok(first);
            }
            let ended = self.supervisor.try_wait().context("skep dev")?;
            if ended.is_some() || Instant::now() > deadline {
                let shown = said.get(said.len().saturating_sub(LOG_BYTES_SHOWN)..);
                return Err(Error::new(format!(
                    "skep dev runs no cluster: {}",
                    shown.unwrap_or(&said)
                )));
            }
            std::thread::sleep(STEP);
        }
    }

    /// Where the nodes are.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The network namespace of a node, if it has its own.
    pub(super) fn space(&self, node: SocketAddr) -> Option<String> {
        let host = self.number(node)? + 1;
        self.has_network.then(|| format!("skep{}-{host}", self.supervisor.id()))
    }

    fn number(&self, node: SocketAddr) -> Option<usize> {
        self.addresses.iter().position(|address| *address == node)
    }

    /// The cluster as a node sees it.
    pub(super) fn view(&self, node: SocketAddr) -> Result<View> {
        let admin = SocketAddr::from(([127, 0, 0, 1], node.port() + ADMIN));
        let text = space::within(self.space(node), || page(admin, "/api/v1/cluster", ANSWER))??;
        View::parse(&text)
    }

    /// Waits until all nodes see the same cluster, in which every replica is in sync.
    pub(super) fn settled(&self) -> Result<View> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.common_view() {
                Ok(view) => return Ok(view),
                Err(error) if Instant::now() > deadline => {
                    return Err(Error::new(format!("the cluster does not become whole: {error}")));
                }
                Err(_) => std::thread::sleep(STEP),
            }
        }
    }

    fn common_view(&self) -> Result<View> {
        let views: Result<Vec<View>> = self.addresses.iter().map(|node| self.view(*node)).collect();
        let views = views?;
        let unsettled = views.iter().position(|view| !view.is_settled());
        if let Some(number) = unsettled {
            return Err(Error::new(format!("as {} sees it", self.addresses[number])));
        }
        let first = views.first().ok_or_else(|| Error::new("it has no nodes"))?;
        match views.iter().all(|view| view.version == first.version) {
            true => Ok(first.clone()),
            false => Err(Error::new("the nodes do not agree")),
        }
    }

    /// The process of a node.
    pub(super) fn pid(&self, node: SocketAddr) -> Result<Pid> {
        let text = tell(node, &["INFO", "server"], ANSWER)?;
        let pid =
            figure(&text, "process_id").and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        pid.ok_or_else(|| Error::new(format!("{node} does not tell its process")))
    }

    /// A number that a node tells in INFO.
    pub(super) fn figure(&self, node: SocketAddr, name: &str) -> Result<u64> {
        let text = tell(node, &["INFO"], ANSWER)?;
        figure(&text, name).ok_or_else(|| Error::new(format!("{node} does not tell {name}")))
    }

    /// Starts a node that has ended, as it was.
    pub(super) fn restart(&mut self, node: SocketAddr) -> Result<()> {
        let number = self.number(node).ok_or_else(|| Error::new(format!("{node} is no node")))?;
        let name = match self.has_network {
            true => (number + 1).to_string(),
            false => node.port().to_string(),
        };
        let directory = self.directory.join("nodes").join(name);
        let log = File::options().append(true).open(directory.join("log")).context("node's log")?;
        let errors = log.try_clone().context("node's log")?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.skep);
        command.args(["--cluster-enabled", "yes", "--workers", "1"]);
        command.args(["--maxmemory", &MEMORY_BYTES.to_string()]);
        command.args(["--bind", &node.ip().to_string(), "--port", &node.port().to_string()]);
        command.arg("--dir").arg(&directory).stdin(Stdio::null()).stdout(log).stderr(errors);
        self.restarted.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        self.restarted.push(command.spawn().context("starting a node again")?);
        Ok(())
    }

    /// Loses, or no longer loses, all packets from and to a node. Its host cannot be reached from this
    /// machine either.
    pub(super) fn cut_off(&self, node: SocketAddr, is_cut: bool) -> Result<()> {
        let host = self.number(node).ok_or_else(|| Error::new(format!("{node} is no node")))? + 1;
        let cable = format!("skep{}n{host}", self.supervisor.id());
        // The port of the bridge: 0 is disabled, 3 forwards. Neither end notices.
        let state = if is_cut { "0" } else { "3" };
        let status = Command::new("bridge")
            .args(["link", "set", "dev", &cable, "state", state])
            .status()
            .context("bridge (Debian package iproute2)")?;
        match status.success() {
            true => Ok(()),
            false => Err(Error::new(format!("cannot set the state of {cable}"))),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Nothing is left to report to when these fail: the processes are gone already.
        for child in &mut self.restarted {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(pid) = i32::try_from(self.supervisor.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.supervisor.wait();
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// Reads the line `try: redis-cli -c [-h HOST] -p PORT set hello world`.
fn first_node(said: &str) -> Option<SocketAddr> {
    let line = said.lines().find(|line| line.contains("redis-cli -c "))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1).copied()
    };
    format!("{}:{}", after("-h").unwrap_or("127.0.0.1"), after("-p")?).parse().ok()
}

/// Nodes are on neighbouring ports, or, as hosts, on neighbouring addresses.
fn neighbour(first: SocketAddr, at: u16, form: Form) -> SocketAddr {
    let mut address = first;
    match (form.has_network, first) {
        (true, SocketAddr::V4(v4)) => {
            let [a, b, c, d] = v4.ip().octets();
            address.set_ip([a, b, c, d.saturating_add(at as u8)].into());
        }
        _ => address.set_port(first.port() + at),
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_found_from_what_the_supervisor_says() {
        let here =
            first_node("skep dev: 6 nodes\ntry:      redis-cli -c -p 7000 set hello world\n");
        let here = here.unwrap();
        assert_eq!(neighbour(here, 5, SIX), "127.0.0.1:7005".parse().unwrap());
        let form = Form { has_network: true, ..SIX };
        let there = first_node("try: redis-cli -c -h 10.99.7.1 -p 7000 set hello world").unwrap();
        assert_eq!(neighbour(there, 5, form), "10.99.7.6:7000".parse().unwrap());
        assert_eq!(first_node("skep dev: cannot listen"), None);
    }
}
