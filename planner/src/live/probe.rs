//! A profile of whatever `--from` names: a server with its replicas, a cluster with all its nodes,
//! a page of metrics, or a profile that was saved.

use std::path::Path;
use std::time::{Duration, SystemTime};

use redis::{ConnectionAddr, ConnectionInfo};

use super::sample::Sampler;
use super::source::{Source, shown};
use super::{Info, Live, TIMEOUT_DEFAULT, metrics, node, text};
use crate::error::{PlanError, Result};
use crate::files;
use crate::model::profile::cluster::{address, parse_nodes};
use crate::model::profile::{ClusterProfile, NodeProfile, Profile, SCHEMA};

/// Keys that are looked at if the caller does not say.
pub const SAMPLES_DEFAULT: u64 = 10_000;
/// Nodes of a cluster that are read.
const NODES_MAX: usize = 2000;
/// A saved profile longer than this is none.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// How a profile is read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// Keys that are sampled; none with 0.
    pub samples: u64,
    /// Whether their types, lengths and times to live are asked for, which servers count as hits,
    /// or only their names, which costs nothing.
    pub looks_at_keys: bool,
    /// How long connecting and each reply may take.
    pub timeout: Duration,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions { samples: SAMPLES_DEFAULT, looks_at_keys: true, timeout: TIMEOUT_DEFAULT }
    }
}

impl Profile {
    /// Reads what `--from` names.
    ///
    /// # Errors
    /// What is no source ([`PlanError::Usage`]), or cannot be read at all ([`PlanError::Source`]).
    /// Of a cluster the named node must be readable; what else is not is in [`Profile::unread`].
    pub fn read(source: &str, options: &ReadOptions) -> Result<Profile> {
        let shown = shown(source);
        let mut profile = Profile {
            schema: SCHEMA.to_owned(),
            taken_unix_seconds: unix_seconds(),
            source: shown.clone(),
            ..Profile::default()
        };
        match Source::parse(source)? {
            Source::File(path) => return saved(&path),
            Source::Metrics(url) => {
                let info = metrics::read(&url, &shown, options.timeout)?;
                let place = shown.trim_start_matches("http://").split('/').next();
                profile.nodes.push(node::of_info(place.unwrap_or_default(), &info));
                let what = "metrics do not tell it; give redis://host:port as well";
                for part in ["CONFIG", "ACL", "sample"] {
                    profile.note_unread(&shown, part, what);
                }
            }
            Source::Resp(info) => Reader { info: &info, options, profile: &mut profile }.read()?,
        }
        Ok(profile)
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A profile that was saved, or the answer of `planner probe` with one in it.
fn saved(path: &Path) -> Result<Profile> {
    let name = path.display();
    let refused = |why: &dyn std::fmt::Display| {
        let what = format!("{why}; give a file that planner probe --out FILE.json wrote");
        PlanError::source(name.to_string(), what)
    };
    let bytes =
        files::read(path, FILE_BYTES_MAX)?.ok_or_else(|| refused(&"is too long for a profile"))?;
    let mut value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| refused(&format!("is no JSON: {error}")))?;
    if let Some(inner) = value.pointer_mut("/result/profile") {
        value = inner.take();
    }
    let schema = value.get("schema").and_then(|schema| schema.as_str()).unwrap_or_default();
    if schema != SCHEMA {
        return Err(refused(&format!("is no {SCHEMA}, but \"{schema}\"")));
    }
    serde_json::from_value(value).map_err(|error| refused(&error))
}

/// Reads a server and all that belong to it.
struct Reader<'a> {
    info: &'a ConnectionInfo,
    options: &'a ReadOptions,
    profile: &'a mut Profile,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<()> {
        let own = match self.info.addr() {
            ConnectionAddr::Tcp(host, port) => address(host, port),
            other => other.to_string(),
        };
        let mut live = self.open(&own)?;
        let info = live.info()?;
        if info.flag("cluster_enabled") == Some(true) {
            self.read_cluster(&mut live, &own)?;
        } else {
            self.read_replicated(live, &own, &info)?;
        }
        self.sample()
    }

    /// A connection to another node, as the same user.
    fn open(&self, place: &str) -> Result<Live> {
        let (host, port) = place.rsplit_once(':').unwrap_or((place, ""));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let info = match (self.info.addr(), port.parse()) {
            (ConnectionAddr::Tcp(..), Ok(port)) => {
                self.info.clone().set_addr(ConnectionAddr::Tcp(host.to_owned(), port))
            }
            _ => self.info.clone(),
        };
        Live::open(&info, format!("redis://{place}"), self.options.timeout)
    }

    /// Every node of a cluster, primaries before their replicas, so that a lag is none of ours.
    fn read_cluster(&mut self, live: &mut Live, own: &str) -> Result<()> {
        let mut cluster = ClusterProfile::default();
        match live.ask(&["CLUSTER", "INFO"])? {
            Ok(value) => {
                let info = Info::parse(&text(&value).unwrap_or_default());
                cluster.state = info.text("cluster_state").unwrap_or_default().to_owned();
                cluster.slots_suspected = info.count("cluster_slots_pfail").unwrap_or(0);
                cluster.slots_failed = info.count("cluster_slots_fail").unwrap_or(0);
            }
            Err(why) => self.profile.note_unread(own, "CLUSTER INFO", why),
        }
        match live.ask(&["CLUSTER", "NODES"])? {
            Ok(value) => cluster.nodes = parse_nodes(&text(&value).unwrap_or_default()),
            Err(why) => self.profile.note_unread(own, "CLUSTER NODES", why),
        }
        // A node may not know its own address before it has met others.
        for node in cluster.nodes.iter_mut().filter(|node| node.is("myself")) {
            node.address = own.to_owned();
        }
        let mut places: Vec<(bool, String)> = cluster
            .nodes
            .iter()
            .filter(|node| !node.address.is_empty() && !node.is("handshake"))
            .map(|node| (!node.is_primary(), node.address.clone()))
            .collect();
        if places.is_empty() {
            places.push((false, own.to_owned()));
        }
        places.sort();
        if places.len() > NODES_MAX {
            let why = format!("{} nodes are more than the {NODES_MAX} that are read", places.len());
            self.profile.note_unread(own, "cluster", why);
        }
        self.profile.cluster = Some(cluster);
        for (_, place) in places.into_iter().take(NODES_MAX) {
            self.read_other(&place);
        }
        Ok(())
    }

    /// A server without a cluster, with the primary it follows and the replicas that follow it.
    fn read_replicated(&mut self, live: Live, own: &str, info: &Info) -> Result<()> {
        let named = node::of_info(own, info);
        let replicas = named.replication.replicas.iter().map(|replica| replica.address.clone());
        let replicas: Vec<String> = replicas.take(NODES_MAX).collect();
        if let Some(primary) = named.replication.primary.clone() {
            self.read_other(&primary);
        }
        self.read_node(live, own)?;
        for replica in replicas {
            self.read_other(&replica);
        }
        Ok(())
    }

    /// Reads a node that need not be readable.
    fn read_other(&mut self, place: &str) {
        let read = self.open(place).and_then(|live| self.read_node(live, place));
        if let Err(error) = read {
            self.profile.note_unread(place, "node", reason(error));
        }
    }

    fn read_node(&mut self, mut live: Live, place: &str) -> Result<()> {
        let info = live.info()?;
        let mut node = node::of_info(place, &info);
        let guards = node::read_guards(&mut live, &mut node, self.profile);
        if let Err(error) = guards {
            self.profile.note_unread(place, "CONFIG", reason(error));
        }
        self.profile.nodes.push(node);
        Ok(())
    }

    /// Looks at keys of every primary, as many of each database as is its share.
    fn sample(&mut self) -> Result<()> {
        let keys = self.profile.keys();
        if self.options.samples == 0 || keys == 0 {
            return Ok(());
        }
        let share = (self.options.samples as f64 / keys as f64).min(1.0);
        let mut sampler = Sampler::new(self.options.looks_at_keys);
        let primaries: Vec<NodeProfile> = self.profile.primaries().cloned().collect();
        for node in primaries {
            let read = self.open(&node.address).and_then(|mut live| {
                for database in &node.databases {
                    let wanted = (database.keys as f64 * share).ceil() as u64;
                    sampler.read(&mut live, database.number, wanted)?;
                }
                Ok(())
            });
            if let Err(error) = read {
                self.profile.note_unread(&node.address, "sample", reason(error));
            }
            if let Some(why) = sampler.refusal.take() {
                self.profile.note_unread(&node.address, "sample", why);
            }
        }
        self.profile.sample = sampler.sample();
        Ok(())
    }
}

/// The reason alone: where it happened is said beside it.
fn reason(error: PlanError) -> String {
    match error {
        PlanError::Source { reason, .. } => reason,
        other => other.to_string(),
    }
}
