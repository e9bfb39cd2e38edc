//! A running server.
//!
//! Promises that it listens when `start` returns, that it is this process and no other that
//! answers on its port, and that it is gone when the value is dropped.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::{Client, PATIENCE, Program, Scratch, TestResult, finish, spawn};

/// A port that looked free may be taken by another test before the server has it.
const PORTS_TRIED_MAX: usize = 5;
const STEP: Duration = Duration::from_millis(5);
/// A server that answers nothing to this is not ready.
const QUESTION_TIMEOUT: Duration = Duration::from_millis(500);
const LOG_BYTES_SHOWN: usize = 4000;

/// See the module.
#[derive(Debug)]
pub struct Server {
    program: Program,
    port: u16,
    child: Child,
    directory: Scratch,
    shows_log: bool,
}

impl Server {
    /// Starts a program with more arguments than those that place it, and waits until it answers.
    ///
    /// # Errors
    /// When it does not, with its log.
    pub fn start(program: Program, arguments: &[&str]) -> TestResult<Server> {
        let path = program.path()?;
        let mut failure = None;
        for _ in 0..PORTS_TRIED_MAX {
            let port = free_port()?;
            let directory = Scratch::new(program.name())?;
            let log = File::create(directory.path().join("log"))?;
            let errors = log.try_clone()?;
            let extra = arguments.iter().map(|&argument| argument.into());
            let line = program.arguments(port).into_iter().chain(extra);
            let child = spawn(path.as_os_str(), line, |command| {
                command.current_dir(directory.path()).stdin(Stdio::null());
                command.stdout(log).stderr(errors);
            })?;
            let mut server = Server { program, port, child, directory, shows_log: true };
            match server.wait_until_ready() {
                Ok(()) => return Ok(server),
                Err(problem) => failure = Some(problem),
            }
            // Only a race for the port is worth another try.
            if !server.log().to_lowercase().contains("in use") {
                break;
            }
        }
        Err(failure.ok_or("no port was tried")?)
    }

    /// The node with these arguments.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn skep(arguments: &[&str]) -> TestResult<Server> {
        Server::start(Program::Skep, arguments)
    }

    /// What runs.
    pub fn program(&self) -> Program {
        self.program
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The directory it runs in.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A new connection.
    ///
    /// # Errors
    /// When it is refused.
    pub fn connect(&self) -> TestResult<Client> {
        Client::connect(self.address())
    }

    /// All it has printed so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.directory.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Keeps the log from being printed in the end.
    pub fn hide_log(&mut self) {
        self.shows_log = false;
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Sends it a signal, by its name without `SIG`.
    ///
    /// # Errors
    /// When there is no such signal or the process is gone.
    pub fn signal(&self, name: &str) -> TestResult {
        // `kill` is built into every shell; the program is a Debian package of its own.
        let line = format!("kill -{name} {}", self.pid());
        let status = std::process::Command::new("sh").args(["-c", &line]).status()?;
        status.success().then_some(()).ok_or_else(|| format!("`{line}`: {status}").into())
    }

    /// Waits for it to end by itself, for example after a signal.
    ///
    /// # Errors
    /// When it does not.
    pub fn wait_for_end(&mut self) -> TestResult<ExitStatus> {
        Ok(finish(&mut self.child, PATIENCE)?)
    }

    fn wait_until_ready(&mut self) -> TestResult {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.failure(&format!("ended with {status}")));
            }
            if owns_listener(self.pid(), self.port) && self.answers() {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                return Err(self.failure("does not answer"));
            }
            std::thread::sleep(STEP);
        }
    }

    /// Whether it says anything at all: an error will do.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address()) else { return false };
        let mut byte = [0];
        stream.set_read_timeout(Some(QUESTION_TIMEOUT)).is_ok()
            && std::io::Write::write_all(&mut stream, b"PING\r\n").is_ok()
            && stream.read(&mut byte).is_ok_and(|len| len == 1)
    }

    fn failure(&self, what: &str) -> Box<dyn std::error::Error> {
        format!("{} {what}; its log:\n{}", self.program.name(), self.log().trim_end()).into()
    }
}

/// The end of a log, as much of it as a failed test shows.
pub(crate) fn log_tail(log: &str) -> &str {
    let mut from = log.len().saturating_sub(LOG_BYTES_SHOWN);
    while !log.is_char_boundary(from) {
        from += 1;
    }
    &log[from..]
}

impl Drop for Server {
    fn drop(&mut self) {
        // When these fail, the process has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        // The test runner shows this only if the test failed.
        if log.is_empty() || !self.shows_log {
            return;
        }
        println!("log of {} on port {}:\n{}", self.program.name(), self.port, log_tail(&log));
    }
}

fn free_port() -> TestResult<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether this process, and not another that was faster, listens on the port.
fn owns_listener(pid: u32, port: u16) -> bool {
    const STATE_LISTEN: &str = "0A";
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let local = format!("0100007F:{port:04X}");
    let sockets: Vec<String> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|row| row.len() > 9 && row[1] == local && row[3] == STATE_LISTEN)
        .map(|row| format!("socket:[{}]", row[9]))
        .collect();
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut links = files.filter_map(|file| fs::read_link(file.path()).ok());
    links.any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
}
