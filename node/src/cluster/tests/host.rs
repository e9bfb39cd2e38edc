//! One simulated host: a whole node but for its workers, and clients on it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_store::Store;
use tokio::runtime::Handle;

use super::clients;
use super::history::History;
use crate::cluster::Cluster;
use crate::cluster::setup::{Ground, Identified, assemble};
use crate::config::{Machine, Request, Sources, load, request};
use crate::node::Node;
use crate::{consensus, random, simulated};

/// As usual: the client port and 10,000 or 11,000.
const PORT: u16 = 7_000;
const MESH_PORT: u16 = 17_000;
const BULK_PORT: u16 = 18_000;
/// Address space of a host's data, which is little.
const RESERVE_BYTES: usize = 64 << 20;

/// A host and whatever runs on it now.
pub(super) struct Host {
    pub(super) number: usize,
    pub(super) ip: IpAddr,
    /// With its certificate.
    pub(super) directory: PathBuf,
    /// Its life, if it has one.
    pub(super) life: Mutex<Option<Arc<Cluster>>>,
    pub(super) history: Arc<Mutex<History>>,
}

impl Host {
    pub(super) fn mesh_port(&self) -> u16 {
        MESH_PORT
    }

    /// A life, from its start to a crash.
    pub(super) async fn live(self: Arc<Host>) -> turmoil::Result {
        simulated::enter(self.number);
        let node = node(&self.directory, self.ip)?;
        let everywhere = |port| SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
        let sockets = [
            Some(skep_mesh::simulation::bind(everywhere(MESH_PORT)).await?),
            Some(skep_mesh::simulation::bind(everywhere(BULK_PORT)).await?),
        ];
        let loops = Handle::current();
        let ground = Ground { control: loops.clone(), bulk: loops, sockets, timings: timings() };
        let identified = Identified::read(&node)?;
        let cluster = assemble(Arc::clone(&node), identified, ground).await?;
        // Nobody else sets it.
        let _ = node.cluster.set(Arc::clone(&cluster));
        clients::start(&self, &cluster);
        *self.life.lock() = Some(cluster);
        std::future::pending().await
    }

    /// What is left to do when the host has crashed: what a system does when a process dies.
    pub(super) fn bury(&self) {
        if let Some(cluster) = self.life.lock().take() {
            cluster.consensus().abandon();
        }
    }
}

/// Raft draws its patience by chance of its own, so it gets no room for that.
fn timings() -> consensus::Timings {
    let usual = consensus::Timings::default();
    let room_ms = (usual.election_max - usual.election_min).as_millis() as u64;
    let election_min = usual.election_min + Duration::from_millis(simulated::number() % room_ms);
    let election_max = election_min + Duration::from_millis(1);
    consensus::Timings { election_min, election_max, ..usual }
}

fn node(directory: &Path, ip: IpAddr) -> Result<Arc<Node>, String> {
    let level = if super::is_told() { "notice" } else { "nothing" };
    let line = format!(
        "--port {PORT} --workers 1 --loglevel {level} --cluster-enabled yes --cluster-log-size 1mb \
         --cluster-redirect moved --cluster-announce-host {ip} --dir {}",
        directory.display()
    );
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let given = match request(&words) {
        Ok(Request::Run(given)) => given,
        Ok(_) => return Err("another request".to_owned()),
        Err(problem) => return Err(problem.to_string()),
    };
    let sources = Sources { given, environment: Vec::new(), machine: Machine::detect() };
    let configuration = load(&sources).map_err(|problems| format!("{problems:?}"))?;
    let options =
        skep_store::Options { databases: 1, reserve_bytes: RESERVE_BYTES, seed: random::number() };
    let store = Store::new(&options).map_err(|error| error.to_string())?;
    Ok(Arc::new(Node::new(store, configuration, String::new())))
}
