//! From settings to a node that takes part in a cluster.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use skep_cluster::Node as About;
use skep_cluster::topology::NodeAddress;
use skep_command::cluster::Routes;
use skep_mesh::{
    CredentialError, CredentialFiles, Credentials, Membership, Mesh, MeshConfig, Place, Socket,
    StartError,
};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Mutex, mpsc};

use super::breakers::Breakers;
use super::control::{Control, INPUTS_MAX, Input};
use super::door::Door;
use super::duty::Duty;
use super::peers::Peers;
use super::requests::MESH_PORT_DISTANCE;
use super::spread::Spread;
use super::wait::Waits;
use super::{Cluster, Replication, members, pace};
use crate::Exit;
use crate::consensus::{self, Consensus, StorageProblem, Transport};
use crate::node::{Node, unix_time_us};
use crate::random;
use crate::runner::Runner;
use crate::settings::{ClusterSettings, Settings};

/// The usual distance of a node's bulk port from its client port.
const BULK_PORT_DISTANCE: u16 = 11_000;
/// Beacons must not wait for whatever else keeps the machine busy.
const CONTROL_NICENESS: i32 = -10;
/// How often changed certificates are looked for.
const RELOAD: Duration = Duration::from_secs(1);

/// Why a node cannot be one of a cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotJoin {
    #[error("{option}: {port} + {distance} is no port; set {option} itself")]
    Port { option: &'static str, port: u16, distance: u16 },
    #[error("{0}; 'skep ca init' and 'skep ca issue' make what a node needs")]
    Credentials(#[from] CredentialError),
    #[error(transparent)]
    Storage(#[from] StorageProblem),
    #[error(transparent)]
    Mesh(#[from] StartError),
    #[error("cannot start the cluster's threads: {0}")]
    Thread(#[from] io::Error),
    #[error("cannot found a cluster of this node alone: {0}")]
    Found(String),
}

impl CannotJoin {
    /// How the program ends for it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            CannotJoin::Port { .. } | CannotJoin::Credentials(_) => Exit::Usage,
            CannotJoin::Mesh(_) => Exit::CannotListen,
            CannotJoin::Storage(_) | CannotJoin::Thread(_) | CannotJoin::Found(_) => Exit::Failed,
        }
    }
}

/// Where the node's mesh is, by its settings.
struct Addresses {
    about: NodeAddress,
    ip: IpAddr,
}

/// What a node's part in a cluster runs on.
pub(super) struct Ground {
    pub(super) control: Handle,
    pub(super) bulk: Handle,
    /// For both meshes, in simulations.
    pub(super) sockets: [Option<Socket>; 2],
    pub(super) timings: consensus::Timings,
}

/// Starts the node's part in a cluster; the node's workers have not started yet.
pub(crate) fn start(node: &Arc<Node>) -> Result<Arc<Cluster>, CannotJoin> {
    let identity = Identified::read(node)?;
    let (control, bulk) = (event_loop("control", CONTROL_NICENESS)?, event_loop("bulk", 0)?);
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let node = Arc::clone(node);
    control.clone().spawn(async move {
        let timings = consensus::Timings::default();
        let ground = Ground { control, bulk, sockets: [None, None], timings };
        let started = assemble(node, identity, ground).await;
        // Whoever waits for it has not gone.
        let _ = sender.send(started);
    });
    receiver.recv().unwrap_or_else(|_| Err(io::Error::other("a thread has ended").into()))
}

/// Who a node is and where, by its settings and files.
pub(super) struct Identified {
    addresses: Addresses,
    credentials: Credentials,
}

impl Identified {
    pub(super) fn read(node: &Node) -> Result<Identified, CannotJoin> {
        let settings = node.settings.load();
        let addresses = addresses(&settings)?;
        let credentials = Credentials::load(credential_files(&settings))?;
        Ok(Identified { addresses, credentials })
    }
}

/// Starts all of it within the control loop.
pub(super) async fn assemble(
    node: Arc<Node>,
    identified: Identified,
    ground: Ground,
) -> Result<Arc<Cluster>, CannotJoin> {
    let settings = node.settings.load_full();
    node.store.start_lanes(settings.cluster.log_bytes);
    let (inputs, input) = mpsc::channel(INPUTS_MAX);
    let cluster = unite(node, &settings, &identified, &ground, inputs);
    let transport: Arc<dyn Transport> = Arc::clone(&cluster) as Arc<dyn Transport>;
    let directory = settings.directory.clone();
    let config =
        consensus::Config { me: cluster.me, directory, transport, timings: ground.timings };
    let consensus = Consensus::start(config).await?;
    let topology = consensus.topology();
    // Nobody else sets them.
    let _ = cluster.consensus.set(consensus);
    let now = topology.borrow().clone();
    cluster.peers.update(&now);
    let Identified { addresses, credentials } = identified;
    let place = |port, runtime, socket| {
        let address = SocketAddr::new(addresses.ip, port);
        Place { address, runtime, socket }
    };
    let [control_socket, bulk_socket] = ground.sockets;
    let config = MeshConfig {
        credentials,
        incarnation: cluster.about.incarnation,
        control: place(addresses.about.mesh_port, ground.control, control_socket),
        bulk: place(addresses.about.bulk_port, ground.bulk, bulk_socket),
        reload_interval: Some(RELOAD),
    };
    let peers = Arc::clone(&cluster.peers) as Arc<dyn Membership>;
    let mesh = Mesh::start(config, peers, Arc::new(Door(Arc::clone(&cluster))))?;
    let _ = cluster.mesh.set(Arc::new(mesh));
    if now.nodes.is_empty() {
        cluster.found().await.map_err(CannotJoin::Found)?;
    }
    tokio::spawn(Control::new(Arc::clone(&cluster), topology, input).run());
    tokio::spawn(members::keep_own_entry(Arc::clone(&cluster)));
    tokio::spawn(members::keep_addresses(Arc::clone(&cluster)));
    tokio::spawn(pace::run(Arc::clone(&cluster)));
    tokio::spawn(members::watch(Arc::clone(&cluster)));
    Ok(cluster)
}

/// What the tasks share, before any of them runs.
fn unite(
    node: Arc<Node>,
    settings: &Settings,
    identified: &Identified,
    ground: &Ground,
    inputs: mpsc::Sender<Input>,
) -> Arc<Cluster> {
    let identity = identified.credentials.identity();
    let me = identity.node;
    let peers = Arc::new(Peers::new(me));
    let about = About {
        address: identified.addresses.about.clone(),
        zone: settings.cluster.zone.clone(),
        incarnation: unix_time_us(),
        is_failed: false,
        is_proxy: settings.cluster.is_proxy,
    };
    Arc::new(Cluster {
        me,
        name: identity.cluster.to_string(),
        // The workers, and the runner of forwarded commands.
        duty: Duty::new(Routes::new(me, Arc::default()), settings.workers + 1),
        runner: parking_lot::Mutex::new(Runner::new(settings.workers, random::number())),
        breakers: Breakers::default(),
        waits: Waits::default(),
        spread: Spread::default(),
        replication: Arc::new(Replication::new(
            Arc::clone(&node),
            Arc::clone(&peers),
            ground.bulk.clone(),
        )),
        bulk: ground.bulk.clone(),
        timings: settings.cluster.timings,
        peers,
        consensus: Default::default(),
        mesh: Default::default(),
        inputs,
        control: ground.control.clone(),
        joining: Mutex::default(),
        is_leaving: AtomicBool::new(false),
        about,
        node,
    })
}

/// A thread with an event loop, for as long as the process lives. `niceness` is what it asks the
/// system for; only a privileged process gets a negative one, and it works without.
fn event_loop(name: &str, niceness: i32) -> io::Result<Handle> {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(move || {
        // Linux takes it for the calling thread alone.
        let _ = rustix::process::setpriority_process(None, niceness);
        runtime.block_on(std::future::pending::<()>());
    })?;
    Ok(handle)
}

fn addresses(settings: &Settings) -> Result<Addresses, CannotJoin> {
    let cluster = &settings.cluster;
    let derive = |given: Option<u16>, option, distance| {
        let port = settings.port;
        let derived = given.or_else(|| port.checked_add(distance));
        derived.ok_or(CannotJoin::Port { option, port, distance })
    };
    let bound = settings.bind.iter().filter_map(|text| text.trim_start_matches('-').parse().ok());
    let bound: Option<IpAddr> = bound.into_iter().find(|ip: &IpAddr| !ip.is_unspecified());
    let host = match (cluster.announce_host.as_str(), bound) {
        ("", Some(ip)) => ip.to_string(),
        ("", None) => "127.0.0.1".to_owned(),
        (host, _) => host.to_owned(),
    };
    // Where clients may come from everywhere, nodes may too.
    let is_everywhere = settings.bind.iter().any(|text| text == "*" || text == "0.0.0.0");
    let ip = match host.parse() {
        Ok(ip) if !is_everywhere => ip,
        _ => IpAddr::from([0, 0, 0, 0]),
    };
    let about = NodeAddress {
        host,
        client_port: settings.port,
        mesh_port: derive(cluster.mesh_port, "cluster-mesh-port", MESH_PORT_DISTANCE)?,
        bulk_port: derive(cluster.bulk_port, "cluster-bulk-port", BULK_PORT_DISTANCE)?,
    };
    Ok(Addresses { about, ip })
}

fn credential_files(settings: &Settings) -> CredentialFiles {
    let ClusterSettings { certificate_file, key_file, roots_file, .. } = &settings.cluster;
    let usual = CredentialFiles::in_folder(&settings.directory);
    let or = |given: &PathBuf, usual: PathBuf| match given.as_os_str().is_empty() {
        true => usual,
        false => given.clone(),
    };
    let certificate = or(certificate_file, usual.certificate);
    let key = or(key_file, certificate.clone());
    CredentialFiles { certificate, key, roots: or(roots_file, usual.roots) }
}
