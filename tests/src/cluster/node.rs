//! One process of a cluster.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::ports::Ports;
use super::{Authority, View};
use crate::differential::frame::{self, Frame};
use crate::server::log_tail;
use crate::{Client, PATIENCE, Program, Scratch, TestResult, finish, spawn, wait_until};

/// A port that looked free may be taken by another test before the node has it.
const PORTS_TRIED_MAX: usize = 5;
/// How long a node is asked for what is only shown.
const GLANCE: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub struct ClusterNode {
    id: String,
    ports: Ports,
    arguments: Vec<String>,
    child: Child,
    directory: Scratch,
    has_ended: bool,
    is_stopped: bool,
    /// The connection of [`ClusterNode::ask`].
    connection: Mutex<Option<Client>>,
}

impl ClusterNode {
    /// Starts one in a directory of its own, with files of this authority.
    ///
    /// # Errors
    /// When it cannot be started; whether it answers shows later.
    pub fn start(authority: &Authority, arguments: &[String]) -> TestResult<ClusterNode> {
        let directory = Scratch::new("node")?;
        let id = authority.issue(directory.path())?;
        let ports = Ports::free()?;
        let child = launch(ports, directory.path(), arguments)?;
        Ok(ClusterNode {
            id,
            ports,
            arguments: arguments.to_vec(),
            child,
            directory,
            has_ended: false,
            is_stopped: false,
            connection: Mutex::default(),
        })
    }

    /// Waits until it answers; takes other ports if these are another's.
    ///
    /// # Errors
    /// When it does not answer, with its log.
    pub fn wait_until_ready(&mut self) -> TestResult {
        for _ in 0..PORTS_TRIED_MAX {
            let end = Instant::now() + PATIENCE;
            let (mut ended, mut is_ready) = (None, false);
            wait_until(PATIENCE * 2, "a node answers", || {
                // That it is this process which answers on the port shows in the id.
                is_ready = self.glance("CLUSTER MYID").is_ok_and(|id| id == self.id);
                ended = self.child.try_wait().ok().flatten();
                is_ready || ended.is_some() || Instant::now() > end
            });
            match ended {
                None if is_ready => return Ok(()),
                None => return Err(self.failure("does not answer")),
                Some(_) if self.log().contains("in use") => {}
                Some(status) => return Err(self.failure(&format!("ended with {status}"))),
            }
            self.ports = Ports::free()?;
            self.child = launch(self.ports, self.directory.path(), &self.arguments)?;
        }
        Err(self.failure("finds no port"))
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where clients find it.
    pub fn port(&self) -> u16 {
        self.ports.client
    }

    /// Where other nodes find it.
    pub fn mesh_port(&self) -> u16 {
        self.ports.mesh
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()))
    }

    /// A new connection.
    ///
    /// # Errors
    /// When it is refused.
    pub fn connect(&self) -> TestResult<Client> {
        Client::connect(self.address())
    }

    /// Whether it has not been ended or stopped by the test.
    pub fn is_running(&self) -> bool {
        !self.has_ended && !self.is_stopped
    }

    /// Says the words of a line over one connection that is kept, and answers what comes back: a
    /// text, or else the frame as it is shown.
    ///
    /// # Errors
    /// When the answer is an error, with its text, or none comes.
    pub fn ask(&self, line: &str) -> TestResult<String> {
        text_of(self.frame(line)?)
    }

    /// As [`ClusterNode::ask`], but the frame.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn frame(&self, line: &str) -> TestResult<Frame> {
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut client = match kept.take() {
            Some(client) => client,
            None => self.connect()?,
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        // Without an answer the connection is of no more use.
        let reply = client.ask(&words)?;
        *kept = Some(client);
        parse(&reply)
    }

    /// Asks on a connection of its own, and soon gives up.
    ///
    /// # Errors
    /// As [`ClusterNode::ask`].
    pub fn glance(&self, line: &str) -> TestResult<String> {
        let mut client = self.connect()?;
        let words: Vec<&str> = line.split_whitespace().collect();
        client.send(&crate::command(&words))?;
        let reply = client.reply_within(GLANCE)?.ok_or("it does not answer in time")?;
        text_of(parse(&reply)?)
    }

    /// Says a line until it is done: what it needs may have to spread among the nodes first.
    ///
    /// # Panics
    /// When it is never done, with the last error.
    #[track_caller]
    pub fn insist(&self, line: &str) -> String {
        let mut last = Err("".into());
        let end = Instant::now() + PATIENCE;
        wait_until(PATIENCE * 2, line, || {
            last = self.ask(line);
            last.is_ok() || Instant::now() > end
        });
        last.unwrap_or_else(|error| panic!("{line} on port {}: {error}", self.port()))
    }

    /// The value of a field of INFO or CLUSTER INFO.
    ///
    /// # Errors
    /// When the node does not answer or has no such field.
    pub fn field(&self, command: &str, name: &str) -> TestResult<String> {
        let text = self.ask(command)?;
        let found = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
        Ok(found.ok_or_else(|| format!("no {name} in the answer to {command}"))?.to_owned())
    }

    /// What it says of the cluster.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn view(&self) -> TestResult<View> {
        View::parse(&self.ask("CLUSTER NODES")?)
    }

    /// Who agrees on changes of the cluster, as this node knows: the leader and the voters.
    ///
    /// # Errors
    /// When it does not tell, or knows no leader.
    pub fn agreement(&self) -> TestResult<(String, Vec<String>)> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.admin));
        let mut client = Client::connect(address)?;
        let request =
            "GET /api/v1/cluster HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        client.send(request.as_bytes())?;
        let told = String::from_utf8(client.rest()?)?;
        let behind = |name: &str, end: char| {
            let (_, rest) = told.split_once(name).ok_or_else(|| format!("no {name} in {told}"))?;
            Ok::<&str, String>(rest.split(end).next().unwrap_or_default())
        };
        let leader = behind("\"leader\":\"", '"')?.to_owned();
        let voters = behind("\"voters\":[", ']')?;
        Ok((leader, voters.split(',').map(|id| id.trim_matches('"').to_owned()).collect()))
    }

    /// Kills it (SIGKILL).
    ///
    /// # Errors
    /// When the system does not.
    pub fn kill(&mut self) -> TestResult {
        self.child.kill()?;
        self.child.wait()?;
        self.note_end();
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits for that.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end(&mut self) -> TestResult<ExitStatus> {
        self.signal("TERM")?;
        self.wait_for_end()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it does not.
    pub fn wait_for_end(&mut self) -> TestResult<ExitStatus> {
        let status = finish(&mut self.child, PATIENCE)?;
        self.note_end();
        Ok(status)
    }

    fn note_end(&mut self) {
        self.has_ended = true;
        self.is_stopped = false;
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Stops it in its tracks (SIGSTOP), and waits until all its threads stand: on a busy machine they
    /// go on for a while after the signal.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn stop(&mut self) -> TestResult {
        self.signal("STOP")?;
        let threads = format!("/proc/{}/task", self.pid());
        wait_until(PATIENCE, "all threads have stopped", || {
            let threads = std::fs::read_dir(&threads).into_iter().flatten().flatten();
            threads.into_iter().all(|thread| {
                let state = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
                // The state comes after the name, which may have blanks.
                state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
            })
        });
        self.is_stopped = true;
        Ok(())
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// When the process is gone.
    pub fn go_on(&mut self) -> TestResult {
        self.signal("CONT")?;
        self.is_stopped = false;
        Ok(())
    }

    /// Sends it a signal, by its name without `SIG`.
    ///
    /// # Errors
    /// When there is no such signal or the process is gone.
    pub fn signal(&self, name: &str) -> TestResult {
        let line = format!("kill -{name} {}", self.pid());
        let status = std::process::Command::new("sh").args(["-c", &line]).status()?;
        status.success().then_some(()).ok_or_else(|| format!("`{line}`: {status}").into())
    }

    /// Starts it again, in the same directory on the same ports, and waits until it answers.
    ///
    /// # Errors
    /// When it does not, with its log.
    pub fn restart(&mut self) -> TestResult {
        self.launch_again()?;
        self.wait_until_ready()
    }

    /// Starts it again and waits for nothing.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn launch_again(&mut self) -> TestResult {
        self.child = launch(self.ports, self.directory.path(), &self.arguments)?;
        self.has_ended = false;
        Ok(())
    }

    /// All it has printed so far, over all its lives.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.directory.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn failure(&self, what: &str) -> Box<dyn std::error::Error> {
        format!("the node on port {} {what}; its log:\n{}", self.port(), self.log()).into()
    }
}

impl Drop for ClusterNode {
    fn drop(&mut self) {
        // When these fail, the process has ended by itself. SIGKILL ends stopped ones, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        println!("log of node {} on port {}:\n{}", self.id, self.port(), log_tail(&log));
    }
}

fn launch(ports: Ports, directory: &Path, arguments: &[String]) -> TestResult<Child> {
    let log = File::options().create(true).append(true).open(directory.join("log"))?;
    let errors = log.try_clone()?;
    let Ports { client, mesh, bulk, admin } = ports;
    let placed = format!(
        "--cluster-enabled yes --port {client} --cluster-mesh-port {mesh} --cluster-bulk-port {bulk} \
         --bind 127.0.0.1 --admin-port {admin} --workers 1"
    );
    let line = placed.split(' ').chain(arguments.iter().map(String::as_str));
    let program = Program::Skep.path()?;
    Ok(spawn(program.as_os_str(), line, |command| {
        command.current_dir(directory).stdin(Stdio::null()).stdout(log).stderr(errors);
        // A panic is told in one line, so that the log shows what came before.
        command.env("RUST_BACKTRACE", "0");
    })?)
}

fn parse(reply: &[u8]) -> TestResult<Frame> {
    let (frame, _) = frame::read(reply)?.ok_or("a reply is not whole")?;
    Ok(frame)
}

fn text_of(frame: Frame) -> TestResult<String> {
    match frame {
        Frame::Line(b'-', text) => Err(String::from_utf8_lossy(&text).into_owned().into()),
        Frame::Line(b'+' | b':', text) | Frame::Bulk(_, Some(text)) => {
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        other => Ok(other.to_string()),
    }
}
