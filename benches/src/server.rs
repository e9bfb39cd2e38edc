//! Starts servers and is sure to stop them.
//!
//! Every server listens on a free port of 127.0.0.1, keeps nothing on disk, is bound to its cores
//! by `taskset`, and dies with this program however it ends: by the drop guard, or, when this
//! program is killed, by the kernel (`setpriv --pdeathsig`).

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::error::{Context, Error, Result};
use crate::peers::{Kind, Program};
use crate::protocol::Dialect;

const START_SECONDS_MAX: u64 = 15;
const START_STEP_MS: u64 = 20;
const LOG_BYTES_SHOWN: usize = 600;

/// How a server is to run.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The cores it may use, as `taskset` names them.
    pub(crate) cores: String,
    /// Worker threads.
    pub(crate) workers: usize,
    /// The memory limit, in the server's own terms.
    pub(crate) maxmemory: Option<u64>,
    /// The eviction policy, where there is a choice.
    pub(crate) policy: Option<&'static str>,
    /// The value a parse-only server answers with.
    pub(crate) limit_value_bytes: usize,
}

impl Setup {
    /// One worker on these cores, no limit.
    pub(crate) fn on_cores(cores: &str) -> Setup {
        let cores = cores.to_owned();
        Setup { cores, workers: 1, maxmemory: None, policy: None, limit_value_bytes: 64 }
    }
}

/// A running server. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// What runs.
    pub(crate) program: Program,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    directory: PathBuf,
}

impl Server {
    /// Starts a server and waits until it answers.
    pub(crate) fn start(program: &Program, setup: &Setup) -> Result<Server> {
        let port = free_port()?;
        let name = format!("skep-bench-{}-{port}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).context(directory.display())?;
        let log = File::create(directory.join("log")).context("server log")?;
        let errors = log.try_clone().context("server log")?;
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "taskset", "--cpu-list", &setup.cores])
            .arg(&program.path)
            .args(arguments(program.kind, port, setup))
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        if let Some(preload) = &program.preload {
            command.env("LD_PRELOAD", preload);
        }
        let child = command.spawn().context("setpriv (Debian package util-linux)")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Server { program: program.clone(), address, child, directory };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(self.address, self.dialect())
    }

    /// What it speaks.
    pub(crate) fn dialect(&self) -> Dialect {
        self.program.kind.dialect()
    }

    /// What it says it uses, without what its allocator wastes.
    pub(crate) fn used_memory_bytes(&self) -> Result<Option<u64>> {
        match self.dialect() {
            Dialect::Resp => self.connect()?.figure("used_memory"),
            Dialect::Memcached => self.connect()?.figure("bytes"),
        }
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        loop {
            let ended = self.child.try_wait().context("waiting for the server")?;
            if let Some(status) = ended {
                return Err(self.failure(&format!("ended with {status}")));
            }
            match self.ping() {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    return Err(self.failure(&format!("does not answer: {error}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(START_STEP_MS)),
            }
        }
    }

    fn ping(&self) -> Result<()> {
        let mut connection = self.connect()?;
        let question = match self.dialect() {
            Dialect::Resp => &b"*1\r\n$4\r\nPING\r\n"[..],
            Dialect::Memcached => b"version\r\n",
        };
        connection.send(question)?;
        connection.receive_done(1, |_| false)
    }

    fn failure(&self, what: &str) -> Error {
        let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        let mut from = log.len().saturating_sub(LOG_BYTES_SHOWN);
        while !log.is_char_boundary(from) {
            from += 1;
        }
        let path = self.program.path.display();
        let name = self.program.name;
        Error::new(format!("{name} ({path}) {what}\n{}", log[from..].trim()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to report to when these fail: the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn arguments(kind: Kind, port: u16, setup: &Setup) -> Vec<String> {
    let mut line = match kind {
        Kind::Skep => {
            format!("--port {port} --bind 127.0.0.1 --workers {}", setup.workers)
        }
        Kind::Redis => format!(
            "--port {port} --bind 127.0.0.1 --save  --appendonly no --daemonize no \
             --loglevel warning"
        ),
        // The user matters only to root, as whom memcached refuses to run without being told.
        Kind::Memcached | Kind::MemcachedSingle => {
            format!("-l 127.0.0.1 -p {port} -U 0 -t {} -c 1024 -u root", setup.workers)
        }
        Kind::Limit => {
            format!("limit-server --port {port} --value-bytes {}", setup.limit_value_bytes)
        }
    };
    match (kind, setup.maxmemory) {
        (Kind::Skep | Kind::Redis, Some(bytes)) => line.push_str(&format!(" --maxmemory {bytes}")),
        (Kind::Memcached | Kind::MemcachedSingle, limit) => {
            let megabytes = limit.map_or(MEMCACHED_UNLIMITED_MB, |bytes| bytes >> 20);
            line.push_str(&format!(" -m {megabytes}"));
        }
        (Kind::Limit, _) | (Kind::Skep | Kind::Redis, None) => {}
    }
    if let (Kind::Skep | Kind::Redis, Some(policy)) = (kind, setup.policy) {
        line.push_str(&format!(" --maxmemory-policy {policy}"));
    }
    // Two spaces stand for an empty argument.
    line.split(' ').map(str::to_owned).collect()
}

/// Memcached has no "unlimited", only a limit that is out of reach.
const MEMCACHED_UNLIMITED_MB: u64 = 16 << 10;

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a port")?;
    Ok(listener.local_addr().context("looking for a port")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_gets_an_empty_save_and_its_limit() {
        let setup =
            Setup { maxmemory: Some(5 << 20), policy: Some("allkeys-lru"), ..Setup::on_cores("0") };
        let line = arguments(Kind::Redis, 7, &setup);
        let save = line.iter().position(|word| word == "--save").unwrap();
        assert_eq!(line[save + 1], "");
        assert_eq!(line[save + 2], "--appendonly");
        assert!(line.join(" ").ends_with("--maxmemory 5242880 --maxmemory-policy allkeys-lru"));
    }

    #[test]
    fn memcached_counts_in_megabytes() {
        let setup = Setup { maxmemory: Some(5 << 20), ..Setup::on_cores("0") };
        let line = arguments(Kind::Memcached, 7, &setup);
        assert_eq!(line[line.len() - 2..], ["-m", "5"]);
    }
}
