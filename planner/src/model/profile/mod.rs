//! What was read of a server or a cluster, to be saved and computed with: no passwords, no values,
//! no keys.
//!
//! A figure that the server did not tell is absent; what could not be read is in
//! [`Profile::unread`], so that nobody takes silence for health.

pub mod cluster;
pub mod distribution;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use distribution::{Distribution, Shape};

use crate::shell;

/// The version of what is saved.
pub const SCHEMA: &str = "planner/profile/1";

/// A server, or a cluster's nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// [`SCHEMA`].
    pub schema: String,
    /// Where it was read, without user and password.
    pub source: String,
    /// When, in seconds since 1970.
    pub taken_unix_seconds: u64,
    /// The nodes that could be read; the one that was named first of its role.
    pub nodes: Vec<NodeProfile>,
    /// How the cluster sees itself, if it is one.
    pub cluster: Option<ClusterProfile>,
    /// What a sample of the primaries' keys looks like.
    pub sample: Option<Sample>,
    /// What could not be read, and why.
    pub unread: Vec<Unread>,
}

/// Something that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unread {
    /// Of which node.
    pub node: String,
    /// What: `INFO`, `CONFIG`, `ACL`, `sample`, `cluster`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Which program it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// Ours.
    Skep,
    /// Redis, or what does not say that it is another.
    #[default]
    Redis,
    /// Valkey.
    Valkey,
}

impl ServerKind {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            ServerKind::Skep => "Skep",
            ServerKind::Redis => "Redis",
            ServerKind::Valkey => "Valkey",
        }
    }

    /// The program that talks to it.
    fn command_line(self) -> &'static str {
        match self {
            ServerKind::Skep | ServerKind::Redis => "redis-cli",
            ServerKind::Valkey => "valkey-cli",
        }
    }
}

/// What a node is in its shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It takes writes.
    #[default]
    Primary,
    /// It follows a primary.
    Replica,
    /// It watches others and holds nothing.
    Sentinel,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeProfile {
    /// Host and port as it was reached.
    pub address: String,
    /// Which program.
    pub kind: ServerKind,
    /// Its own version.
    pub version: String,
    /// `standalone`, `cluster` or `sentinel`.
    pub mode: String,
    /// Since its start.
    pub uptime_seconds: Option<u64>,
    /// What it is in its shard.
    pub role: Role,
    /// Memory.
    pub memory: Memory,
    /// What it did since its start, and does.
    pub traffic: Traffic,
    /// Who is connected.
    pub clients: Clients,
    /// Databases that have keys.
    pub databases: Vec<Database>,
    /// Replication.
    pub replication: Replication,
    /// Whether it still loads its data.
    pub is_loading: Option<bool>,
    /// Whether the last save to disk failed.
    pub save_failed: Option<bool>,
    /// Options that say how it is reached and guarded, as CONFIG GET has them. Passwords are `set`
    /// or empty. None if CONFIG could not be read.
    pub config: Option<BTreeMap<String, String>>,
    /// Users as ACL LIST has them, without hashes of passwords. None if it could not be read.
    pub users: Option<Vec<String>>,
}

/// Memory of a node, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Accounted for.
    pub used_bytes: Option<u64>,
    /// Resident.
    pub resident_bytes: Option<u64>,
    /// Accounted for right after its start.
    pub startup_bytes: Option<u64>,
    /// Accounted for data.
    pub dataset_bytes: Option<u64>,
    /// The most that was accounted for.
    pub peak_bytes: Option<u64>,
    /// `maxmemory`; 0 is no limit.
    pub limit_bytes: Option<u64>,
    /// Of the machine or its container.
    pub system_bytes: Option<u64>,
    /// What replication holds ready.
    pub replication_bytes: Option<u64>,
    /// What clients' buffers hold.
    pub clients_bytes: Option<u64>,
    /// What the allocator gave out, has active, and has resident.
    pub allocated_bytes: Option<u64>,
    /// See `allocated_bytes`.
    pub allocator_active_bytes: Option<u64>,
    /// See `allocated_bytes`.
    pub allocator_resident_bytes: Option<u64>,
    /// What is done when the limit is reached.
    pub policy: Option<String>,
}

impl Memory {
    /// Resident over used: what [`crate::model::capacity::Fragmentation`] reckons with.
    pub fn fragmentation(&self) -> Option<f64> {
        let used = self.used_bytes.filter(|&used| used > 0)?;
        Some(self.resident_bytes? as f64 / used as f64)
    }

    /// The share of the limit that is used; nothing without a limit.
    pub fn filled(&self) -> Option<f64> {
        let limit = self.limit_bytes.filter(|&limit| limit > 0)?;
        Some(self.used_bytes? as f64 / limit as f64)
    }
}

/// What a node did since its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Now.
    pub operations_per_second: Option<f64>,
    /// Commands.
    pub commands: Option<u64>,
    /// Lookups that found their key.
    pub hits: Option<u64>,
    /// Lookups that did not.
    pub misses: Option<u64>,
    /// Keys removed because memory was full.
    pub evicted_keys: Option<u64>,
    /// Keys whose time ran out.
    pub expired_keys: Option<u64>,
    /// Received.
    pub input_bytes: Option<u64>,
    /// Sent.
    pub output_bytes: Option<u64>,
}

/// Connections of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clients {
    /// Now.
    pub connected: Option<u64>,
    /// At most.
    pub limit: Option<u64>,
    /// Turned away since its start.
    pub rejected: Option<u64>,
}

/// A database of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    /// Its number.
    pub number: u32,
    /// Keys.
    pub keys: u64,
    /// Keys that expire.
    pub expiring: u64,
    /// Mean of their time to live, where the server estimates it.
    pub ttl_seconds: Option<f64>,
}

/// Replication of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replication {
    /// How far it is: of a primary what it wrote, of a replica what it applied.
    pub offset_bytes: Option<u64>,
    /// The replicas that are connected to it.
    pub replicas: Vec<ReplicaProfile>,
    /// The primary of a replica, host and port.
    pub primary: Option<String>,
    /// Whether a replica has its primary.
    pub is_linked: Option<bool>,
    /// Sent to replicas now.
    pub output_bytes_per_second: Option<f64>,
    /// Received from the primary now.
    pub input_bytes_per_second: Option<f64>,
}

/// A replica as its primary sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaProfile {
    /// Host and port.
    pub address: String,
    /// `online`, or what it waits for.
    pub state: String,
    /// How far it had confirmed.
    pub offset_bytes: u64,
    /// Since then.
    pub acknowledged_seconds_ago: Option<f64>,
}

/// How a cluster sees itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterProfile {
    /// `ok` or `fail`.
    pub state: String,
    /// Slots whose owner is suspected.
    pub slots_suspected: u64,
    /// Slots whose owner failed.
    pub slots_failed: u64,
    /// Every node that the asked one knows.
    pub nodes: Vec<cluster::ClusterNode>,
}

/// A sample of keys, in the order of SCAN, which is that of hashes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// Keys that were looked at.
    pub keys: u64,
    /// Those of them that expire.
    pub expiring: u64,
    /// Those of them that have a prefix that ends in `:`.
    pub prefixed: u64,
    /// Times to live in seconds, of those that expire.
    pub ttl_seconds: Distribution,
    /// By type.
    pub types: BTreeMap<String, TypeSample>,
    /// Strings by size of key and value: what the cost of items is computed from.
    pub shapes: Vec<Shape>,
}

/// Keys of one type in a sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeSample {
    /// How many.
    pub keys: u64,
    /// Bytes of keys.
    pub key_bytes: Distribution,
    /// Bytes of values of strings.
    pub value_bytes: Distribution,
    /// Elements of values of other types.
    pub elements: Distribution,
    /// What MEMORY USAGE says of a key and its value.
    pub memory_bytes: Distribution,
}

impl NodeProfile {
    /// Keys in all its databases.
    pub fn keys(&self) -> u64 {
        self.databases.iter().map(|database| database.keys).sum()
    }

    /// Keys that expire.
    pub fn expiring(&self) -> u64 {
        self.databases.iter().map(|database| database.expiring).sum()
    }

    /// A command for it, to copy into a shell.
    pub fn command(&self, words: &str) -> String {
        match self.address.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                let words: Vec<String> = words.split(' ').map(shell::word).collect();
                let program = self.kind.command_line();
                format!("{program} -h {host} -p {port} {}", words.join(" "))
            }
            _ => words.to_owned(),
        }
    }

    /// An option that CONFIG GET told.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.config.as_ref()?.get(name).map(String::as_str)
    }
}

impl Profile {
    /// The nodes that hold data of their own.
    pub fn primaries(&self) -> impl Iterator<Item = &NodeProfile> {
        self.nodes.iter().filter(|node| node.role == Role::Primary)
    }

    /// The nodes that follow another.
    pub fn replicas(&self) -> impl Iterator<Item = &NodeProfile> {
        self.nodes.iter().filter(|node| node.role == Role::Replica)
    }

    /// A node by its address.
    pub fn node(&self, address: &str) -> Option<&NodeProfile> {
        self.nodes.iter().find(|node| node.address == address)
    }

    /// Keys of all primaries that were read.
    pub fn keys(&self) -> u64 {
        self.primaries().map(NodeProfile::keys).sum()
    }

    /// Memory that the primaries account for.
    pub fn used_bytes(&self) -> u64 {
        self.primaries().filter_map(|node| node.memory.used_bytes).sum()
    }

    /// Resident over used of all primaries together.
    pub fn fragmentation(&self) -> Option<f64> {
        let resident: u64 = self.primaries().filter_map(|node| node.memory.resident_bytes).sum();
        let used = self.used_bytes();
        (used > 0 && resident > 0).then(|| resident as f64 / used as f64)
    }

    /// Share of the keys that expire; from the servers' own counts.
    pub fn expiring_share(&self) -> Option<f64> {
        let keys = self.keys();
        let expiring: u64 = self.primaries().map(NodeProfile::expiring).sum();
        (keys > 0).then(|| expiring as f64 / keys as f64)
    }

    /// Share of the lookups that found their key, since the servers started.
    pub fn hit_rate(&self) -> Option<f64> {
        let sum = |figure: fn(&Traffic) -> Option<u64>| -> u64 {
            self.nodes.iter().filter_map(|node| figure(&node.traffic)).sum()
        };
        let (hits, misses) = (sum(|traffic| traffic.hits), sum(|traffic| traffic.misses));
        (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
    }

    /// Notes what could not be read.
    pub fn note_unread(&mut self, node: &str, what: &str, why: impl Into<String>) {
        let (node, what, why) = (node.to_owned(), what.to_owned(), why.into());
        self.unread.push(Unread { node, what, why });
    }
}
