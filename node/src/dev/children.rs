//! The nodes as processes: how they are started, told and ended.

use std::io;
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep_until};

use super::folder::Folder;
use super::plan::Plan;
use super::{DevError, SUPERVISOR};

/// How long nodes may take to answer what was asked of them before they are killed.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// How a node is started.
#[derive(Clone, Debug)]
struct Recipe {
    name: String,
    /// What goes before the program, to run it in a namespace.
    prefix: Vec<String>,
    program: PathBuf,
    arguments: Vec<String>,
}

/// A node that runs, or did.
struct Node {
    recipe: Recipe,
    process: Option<Child>,
}

/// A node that has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) node: usize,
    pub(super) status: ExitStatus,
}

/// All nodes, in the order of the plan. Those that run are killed when this is dropped.
pub(super) struct Children {
    nodes: Vec<Node>,
}

impl Children {
    /// Nodes that are not started yet; `prefix` of a node's index is what goes before its program.
    pub(super) fn new(
        plan: &Plan,
        folder: &Folder,
        prefix: impl Fn(usize) -> Vec<String>,
    ) -> Result<Children, DevError> {
        let program = std::env::current_exe();
        let program = program.map_err(|error| DevError::System("find this program", error))?;
        let recipe = |(at, node): (usize, &super::plan::Node)| Recipe {
            name: node.name.clone(),
            prefix: prefix(at),
            program: program.clone(),
            arguments: arguments(node.address, folder.of(&node.name), plan.size.memory_bytes),
        };
        let recipes = plan.nodes.iter().enumerate().map(recipe);
        Ok(Children { nodes: recipes.map(|recipe| Node { recipe, process: None }).collect() })
    }

    /// Starts a node that does not run.
    pub(super) fn start(&mut self, node: usize, folder: &Folder) -> io::Result<()> {
        let node = &mut self.nodes[node];
        if node.process.is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it runs"));
        }
        let log = folder.log(&node.recipe.name)?;
        node.process = Some(node.recipe.command(log)?.spawn()?);
        Ok(())
    }

    /// The process of a node that runs.
    pub(super) fn pid(&self, node: usize) -> Option<u32> {
        self.nodes[node].process.as_ref().map(Child::id)
    }

    /// Tells a node something.
    pub(super) fn signal(&self, node: usize, signal: Signal) -> io::Result<()> {
        let pid = self.pid(node).and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        // It is not waited for elsewhere, so the number is still its own.
        let pid = pid.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it does not run"))?;
        Ok(kill_process(pid, signal)?)
    }

    /// The nodes that have ended since the last time.
    pub(super) fn reap(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        for (at, node) in self.nodes.iter_mut().enumerate() {
            let status =
                node.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
            if let Some(status) = status {
                node.process = None;
                ended.push(Ended { node: at, status });
            }
        }
        ended
    }

    /// The line that starts a node.
    pub(super) fn line(&self, node: usize) -> String {
        self.nodes[node].recipe.line()
    }

    /// Asks all nodes to end, and kills those that do not in time, or all when `hurry` is done.
    /// `changed` is done whenever a process may have ended.
    pub(super) async fn end(&mut self, mut changed: impl AsyncFnMut(), hurry: impl Future) {
        for node in 0..self.nodes.len() {
            // One that has ended needs no telling; one that is stopped must go on to end.
            let _ = self.signal(node, Signal::TERM);
            let _ = self.signal(node, Signal::CONT);
        }
        let deadline = Instant::now() + END_PATIENCE;
        tokio::pin!(hurry);
        while self.nodes.iter().any(|node| node.process.is_some()) {
            tokio::select! {
                () = changed() => { self.reap(); }
                () = sleep_until(deadline) => break,
                _ = &mut hurry => break,
            }
        }
        self.kill();
    }

    fn kill(&mut self) {
        for mut process in self.nodes.iter_mut().filter_map(|node| node.process.take()) {
            // These fail if it has ended.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Recipe {
    fn command(&self, log: std::fs::File) -> io::Result<Command> {
        let words = || self.prefix.iter().map(String::as_str);
        let mut command = match words().next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words().skip(1)).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(&self.arguments).env(SUPERVISOR, std::process::id().to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C is for us alone; we tell them.
        command.process_group(0);
        Ok(command)
    }

    fn line(&self) -> String {
        let program = self.program.display().to_string();
        let words = self.prefix.iter().chain([&program]).chain(&self.arguments);
        words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

fn arguments(address: SocketAddr, folder: PathBuf, memory_bytes: u64) -> Vec<String> {
    let ip = address.ip();
    let mut arguments = [
        ("--cluster-enabled", "yes".to_owned()),
        ("--dir", folder.display().to_string()),
        ("--bind", ip.to_string()),
        ("--port", address.port().to_string()),
        ("--workers", "1".to_owned()),
        ("--maxmemory", memory_bytes.to_string()),
    ]
    .map(|(name, value)| [name.to_owned(), value])
    .concat();
    if !ip.is_loopback() {
        // Only this machine can reach it, but not by loopback.
        arguments.extend(["--protected-mode".to_owned(), "no".to_owned()]);
    }
    arguments
}

/// How a process ended, for people.
pub(super) fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_starts_a_node_can_be_given_to_a_shell() {
        let address = "127.0.0.1:7002".parse().unwrap();
        let recipe = Recipe {
            name: "7002".to_owned(),
            prefix: Vec::new(),
            program: "/bin/skep".into(),
            arguments: arguments(address, "/tmp/it's here/7002".into(), 100 << 20),
        };
        assert_eq!(
            recipe.line(),
            "/bin/skep --cluster-enabled yes --dir '/tmp/it'\\''s here/7002' --bind 127.0.0.1 \
             --port 7002 --workers 1 --maxmemory 104857600"
        );
    }

    #[test]
    fn a_node_that_is_a_host_of_its_own_is_open_to_this_machine() {
        let address = "10.99.7.1:7000".parse().unwrap();
        let line = arguments(address, "/d/1".into(), 1).join(" ");
        assert!(
            line.contains("--bind 10.99.7.1") && line.ends_with("--protected-mode no"),
            "{line}"
        );
    }

    #[test]
    fn how_a_process_ended_is_told_in_words() {
        assert_eq!(told(ExitStatus::from_raw(9)), "signal 9");
        assert_eq!(told(ExitStatus::from_raw(3 << 8)), "exit code 3");
    }
}
