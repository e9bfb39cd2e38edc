//! From the sources of the configuration to running workers, or to the reason why not.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use skep_command::server::REDIS_VERSION;
use skep_keyspace::bytesize;
use skep_store::Store;
use tokio::sync::mpsc;

use crate::cluster::{self, CannotJoin};
use crate::config::{Configuration, Problem, Sources, load, make_room_for_clients};
use crate::listen::{self, CannotBind, Listeners};
use crate::node::Node;
use crate::settings::Settings;
use crate::{Exit, VERSION, admin, allocator, log, random, worker};

/// A node at work.
pub(crate) struct Running {
    pub(crate) node: Arc<Node>,
    /// How each worker ended.
    pub(crate) ends: mpsc::UnboundedReceiver<io::Result<()>>,
    pub(crate) workers: usize,
    /// What a person who has just started a node wants to know.
    pub(crate) banner: String,
}

/// Why there is no node.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotStart {
    #[error("the configuration is wrong")]
    Configuration(Vec<Problem>),
    #[error(transparent)]
    Bind(#[from] CannotBind),
    #[error("cannot write the log file {file}: {source}; see 'logfile'")]
    LogFile { file: String, source: io::Error },
    #[error("cannot reserve address space: {0}; raise 'ulimit -v' or vm.overcommit_memory")]
    Reserve(io::Error),
    #[error("cannot handle signals: {0}")]
    Signals(io::Error),
    #[error("cannot be a node of a cluster: {0}")]
    Cluster(#[from] CannotJoin),
    #[error("cannot start worker threads: {0}; try fewer with --workers")]
    Thread(io::Error),
}

impl CannotStart {
    /// What to tell, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            CannotStart::Configuration(problems) => {
                problems.iter().map(ToString::to_string).collect()
            }
            other => vec![other.to_string()],
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            CannotStart::Configuration(_) | CannotStart::LogFile { .. } => Exit::Usage,
            CannotStart::Bind(_) => Exit::CannotListen,
            CannotStart::Cluster(problem) => problem.exit(),
            CannotStart::Reserve(_) | CannotStart::Signals(_) | CannotStart::Thread(_) => {
                Exit::Failed
            }
        }
    }
}

/// Starts a node.
pub(crate) fn start(sources: &Sources) -> Result<Running, CannotStart> {
    let mut configuration = load(sources).map_err(CannotStart::Configuration)?;
    let settings = configuration.settings();
    if !settings.log_file.is_empty() {
        let failed = |source| CannotStart::LogFile { file: settings.log_file.clone(), source };
        log::open(Path::new(&settings.log_file)).map_err(failed)?;
    }
    let mut warnings = configuration.warnings();
    warnings.extend(fit_descriptors(&mut configuration, &settings));
    let listeners =
        listen::bind(&settings.bind, settings.port, settings.backlog, settings.workers)?;
    let admin = admin::bind(&settings)?;
    warnings.extend(admin.warning);
    allocator::start_returning_memory();
    let store = Store::new(&skep_store::Options {
        databases: settings.databases,
        reserve_bytes: settings.machine.reserve_bytes(settings.memory_limit_bytes),
        seed: random::number(),
    })
    .map_err(CannotStart::Reserve)?;
    warnings.extend(compare_with_reservation(&settings, store.reserved_bytes()));
    let node = Arc::new(Node::new(store, configuration, random::run_id()));
    warnings.iter().for_each(|warning| node.warn(warning));
    if settings.cluster.is_enabled {
        // Nobody else sets it.
        let _ = node.cluster.set(cluster::start(&node)?);
    }
    let banner = banner(&settings, &listeners, admin.listener.as_ref());
    if let Some(listener) = admin.listener {
        admin::spawn(Arc::clone(&node), listener).map_err(CannotStart::Thread)?;
    }
    spawn(node, listeners, banner).map_err(CannotStart::Thread)
}

/// Sees to it that the system allows as many open files as clients may come, or lowers
/// `maxclients` and says so.
fn fit_descriptors(configuration: &mut Configuration, settings: &Settings) -> Option<String> {
    let (clients, workers) = (settings.max_clients, settings.workers);
    let possible = make_room_for_clients(clients, workers, settings.bind.len()).err()?;
    configuration.limit_clients(possible);
    Some(format!(
        "maxclients is {possible} instead of {clients}: the limit on open files (ulimit -n) \
         allows no more"
    ))
}

/// Says so if the system granted less address space than the data may take.
fn compare_with_reservation(settings: &Settings, reserved_bytes: usize) -> Option<String> {
    let limit_bytes = settings.memory_limit_bytes;
    (reserved_bytes as u64).lt(&limit_bytes).then(|| {
        format!(
            "the system grants {} of address space only, less than maxmemory: raise 'ulimit -v' \
             or vm.overcommit_memory",
            bytesize::human(reserved_bytes as u64)
        )
    })
}

fn spawn(node: Arc<Node>, listeners: Listeners, banner: String) -> io::Result<Running> {
    let (sender, ends) = mpsc::unbounded_channel();
    let workers = listeners.of_workers.len();
    for (number, listeners) in listeners.of_workers.into_iter().enumerate() {
        let (node, sender) = (Arc::clone(&node), sender.clone());
        let thread = std::thread::Builder::new().name(format!("worker-{number}"));
        // A thread that panics ends the process, so nobody waits for threads themselves.
        thread.spawn(move || {
            let end = worker::run(node, number, listeners, random::number());
            // Nobody listens any more only when the process is about to end.
            let _ = sender.send(end);
        })?;
    }
    Ok(Running { node, ends, workers, banner })
}

fn banner(settings: &Settings, listeners: &Listeners, admin: Option<&TcpListener>) -> String {
    let addresses: Vec<_> = listeners.addresses.iter().map(ToString::to_string).collect();
    let (port, workers) = (settings.port, settings.workers);
    let threads = if workers == 1 { "worker" } else { "workers" };
    let limit = match settings.memory_limit_bytes {
        0 => "none".to_owned(),
        bytes => format!("{} ({})", bytesize::human(bytes), settings.memory_limit_source),
    };
    let is_near = |ip: std::net::IpAddr| ip.is_loopback() || ip.is_unspecified();
    let host = match listeners.addresses.iter().find(|address| is_near(address.ip())) {
        Some(_) => String::new(),
        None => listeners
            .addresses
            .first()
            .map_or_else(String::new, |address| format!(" -h {}", address.ip())),
    };
    let admin = admin.and_then(|listener| listener.local_addr().ok());
    let admin = admin.map(|address| format!("health and metrics at http://{address}\n"));
    format!(
        "Skep {VERSION}, as Redis {}, process {}\n\
         listens on {} with {workers} {threads}\n\
         {}memory limit {limit}, policy {}\n\
         try: redis-cli{host} -p {port} set hello world\n",
        REDIS_VERSION,
        std::process::id(),
        addresses.join(" and "),
        admin.unwrap_or_default(),
        settings.policy.name(),
    )
}
