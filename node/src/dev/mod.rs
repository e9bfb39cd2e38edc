//! `skep dev`: a whole cluster of real nodes on this machine, to try it.
//!
//! The supervisor runs each node as a process of this same program, with a folder and a certificate
//! of its own, makes them one cluster with the commands that anybody would use (`CLUSTER MEET`,
//! `ADDSLOTSRANGE`, `REPLICATE`), says in four lines what runs where, and ends them all when it is
//! ended. With `--netns` each node is a host of its own, and lines of standard input cut and heal the
//! network between them.
//!
//! What it leaves behind: nothing, or the directory of `--dir`. Nodes do not outlive it, however it
//! ends.
//!
//! Read in this order: `plan` (what runs where), `ports`, `folder`, `netns` (what it needs of the
//! machine), `children` (processes), `client`, `forming` (how nodes become a cluster), `console`
//! (what can be typed), `supervisor` (all together), `words` (what is said).

mod children;
mod client;
mod console;
mod folder;
mod forming;
mod netns;
mod plan;
mod ports;
mod supervisor;
mod words;

use std::io;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

use crate::Exit;
use crate::ca::CaError;
use crate::config::{DevRequest, Machine};

/// In the environment of a node: the supervisor that it must not outlive. No `SKEP_` before it, as
/// it is no option.
const SUPERVISOR: &str = "SKEPDEV_SUPERVISOR";

/// Why there is no cluster, or why it could not be kept. The nodes have ended by then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevError {
    #[error("dev: {0}")]
    Usage(String),
    #[error("dev: cannot listen: {0}")]
    Ports(String),
    #[error("dev: cannot make {path}: {source}", path = .0.display(), source = .1)]
    Folder(PathBuf, io::Error),
    #[error("dev: {0}")]
    Certificates(#[from] CaError),
    #[error("dev: cannot {0}: {1}")]
    System(&'static str, io::Error),
    #[error("dev: '{line}' failed: {told}")]
    Network { line: String, told: String },
    #[error("dev: {node} ended with {end} before the cluster was formed; its log ends with: {log}")]
    Ended { node: String, end: String, log: String },
    #[error("dev: the nodes became no cluster: {0}")]
    Forming(String),
}

impl DevError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            DevError::Usage(_) => Exit::Usage,
            DevError::Ports(_) => Exit::CannotListen,
            _ => Exit::Failed,
        }
    }
}

/// Runs a cluster until it is told to end.
pub(crate) fn run(request: &DevRequest, machine: &Machine) -> Result<Exit, DevError> {
    // One thread: a node that is started dies with the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| DevError::System("wait for events", error))?;
    runtime.block_on(supervisor::run(request, machine))
}

/// Sees to it that a node started by a supervisor dies with it, even if that one is killed. Without
/// a supervisor it does nothing.
pub(crate) fn end_with_supervisor() {
    let Ok(text) = std::env::var(SUPERVISOR) else { return };
    let supervisor = text.parse().ok().and_then(Pid::from_raw);
    // KILL also ends a node that has been stopped.
    let tied = set_parent_process_death_signal(Some(Signal::KILL));
    // It may have gone before we could ask.
    if tied.is_err() || supervisor.is_none() || getppid() != supervisor {
        eprintln!("skep: process {} was started by a supervisor that is gone", getpid());
        std::process::exit(Exit::Failed as i32);
    }
}
