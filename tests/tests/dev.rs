//! `skep dev`: real nodes as one cluster, and nothing left of them in the end.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use skep_tests::{
    Client, Program, Scratch, TestResult, blocks_of, finish, run, skip, spawn, wait_until,
};

/// A whole cluster of a debug build on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
const EXIT_USAGE: i32 = 2;
const EXIT_CANNOT_LISTEN: i32 = 3;
const LINES: usize = 4;

/// Supervisors look for free ports, and must not both find the same.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A supervisor and what it prints. Its nodes end with it.
struct Dev {
    child: Child,
    input: Option<ChildStdin>,
    scratch: Scratch,
    _turn: MutexGuard<'static, ()>,
}

impl Dev {
    /// Starts one with the words of a line, and waits until its cluster is ready.
    fn start(line: &str) -> TestResult<Dev> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = Scratch::new("dev")?;
        let path = |name: &str| scratch.path().join(name);
        let (output, errors) = (File::create(path("out"))?, File::create(path("err"))?);
        fs::create_dir(path("temporary"))?;
        let words = ["dev"].into_iter().chain(line.split_whitespace());
        let mut child = spawn(Program::Skep.path()?.as_os_str(), words, |command| {
            command.env("TMPDIR", path("temporary")).current_dir(scratch.path());
            command.stdin(Stdio::piped()).stdout(output).stderr(errors);
        })?;
        let input = child.stdin.take();
        let mut dev = Dev { child, input, scratch, _turn: turn };
        wait_until(PATIENCE, "a cluster", || {
            dev.said().lines().count() >= LINES || !matches!(dev.child.try_wait(), Ok(None))
        });
        match dev.said().is_empty() {
            true => Err(dev.printed("err").into()),
            false => Ok(dev),
        }
    }

    fn printed(&self, name: &str) -> String {
        fs::read_to_string(self.scratch.path().join(name)).unwrap_or_default()
    }

    fn said(&self) -> String {
        self.printed("out")
    }

    /// What follows `before` in what it said, up to a blank.
    fn told(&self, before: &str) -> TestResult<String> {
        let said = self.said();
        let found = said.split_once(before).and_then(|(_, rest)| rest.split_whitespace().next());
        found.map(str::to_owned).ok_or_else(|| format!("no '{before}' in:\n{said}").into())
    }

    fn wait_for(&self, text: &str) {
        wait_until(PATIENCE, &format!("'{text}' to be said"), || self.said().contains(text));
    }

    /// Types a line and waits for its answer.
    fn say(&mut self, line: &str, answer: &str) -> TestResult {
        let input = self.input.as_mut().ok_or("no standard input")?;
        writeln!(input, "{line}")?;
        self.wait_for(answer);
        Ok(())
    }

    /// The only thing in the directory for temporary ones.
    fn temporary(&self) -> TestResult<Option<PathBuf>> {
        let mut entries = fs::read_dir(self.scratch.path().join("temporary"))?;
        Ok(entries.next().transpose()?.map(|entry| entry.path()))
    }

    /// The exit code.
    fn end(&mut self, signal_name: &str) -> TestResult<Option<i32>> {
        signal(self.child.id(), signal_name)?;
        Ok(finish(&mut self.child, PATIENCE)?.code())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        println!("out:\n{}err:\n{}", self.said(), self.printed("err"));
    }
}

fn signal(pid: impl std::fmt::Display, name: &str) -> TestResult {
    let line = format!("kill -{name} {pid}");
    let status = Command::new("sh").args(["-c", &line]).status()?;
    status.success().then_some(()).ok_or_else(|| format!("{line}: {status}").into())
}

fn is_running(pid: &str) -> bool {
    // A process that nobody has waited for is still there, but has no program.
    fs::read_link(Path::new("/proc").join(pid).join("exe")).is_ok()
}

fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The first port that it uses, from `127.0.0.1:7000-7002,`.
fn first_port(dev: &Dev) -> TestResult<u16> {
    let ports = dev.told("127.0.0.1:")?;
    Ok(ports.split('-').next().unwrap_or_default().trim_end_matches(',').parse()?)
}

#[test]
fn a_cluster_is_ready_tells_of_a_node_that_dies_and_leaves_nothing_behind() -> TestResult {
    let mut dev = Dev::start("--nodes 3 --mem 20mb")?;
    let said = dev.said();
    assert_eq!(said.lines().count(), LINES, "{said}");
    assert!(said.starts_with("skep dev: 3 nodes, 3 primaries without replicas, 127."), "{said}");
    let port = first_port(&dev)?;
    for node in port..port + 3 {
        let info = Client::connect(here(node))?.say("CLUSTER INFO")?;
        assert!(info.contains("cluster_state:ok"), "{node}: {info}");
        assert!(info.contains("cluster_known_nodes:3"), "{node}: {info}");
    }
    // The slot of `foo`, 12182, is the third node's.
    assert_eq!(Client::connect(here(port + 2))?.say("SET foo bar")?, r"+OK\r\n");
    let temporary = dev.temporary()?.ok_or("no temporary directory")?;
    assert!(temporary.join(port.to_string()).join("log").exists());

    let pid = dev.told("kill -9 ")?;
    signal(&pid, "KILL")?;
    dev.wait_for(&format!("node {port} ended by signal 9; start it again with: "));
    assert_eq!(Client::connect(here(port + 2))?.say("GET foo")?, r"$3\r\nbar\r\n");

    assert_eq!(dev.end("TERM")?, Some(0));
    for node in port..port + 3 {
        assert!(TcpStream::connect(here(node)).is_err(), "node {node} goes on");
    }
    assert_eq!(dev.temporary()?, None);
    assert_eq!(dev.printed("err"), "");
    Ok(())
}

#[test]
fn nodes_end_with_a_supervisor_that_is_killed_and_an_asked_for_directory_stays() -> TestResult {
    let kept = Scratch::new("kept")?;
    let line = format!("--nodes 2 --replicas 1 --mem 20mb --dir {}", kept.path().display());
    let mut dev = Dev::start(&line)?;
    let (pid, port) = (dev.told("kill -9 ")?, first_port(&dev)?);
    assert!(is_running(&pid));
    let role = Client::connect(here(port + 1))?.say("INFO replication")?;
    assert!(role.contains("role:slave") && role.contains("master_link_status:up"), "{role}");
    assert_eq!(dev.end("KILL")?, None);
    wait_until(PATIENCE, "the nodes to end", || {
        !is_running(&pid) && TcpStream::connect(here(port + 1)).is_err()
    });
    assert!(kept.path().join(port.to_string()).join("node.pem").exists());
    Ok(())
}

#[test]
fn the_clusters_of_the_readme_run_as_they_are_written() -> TestResult {
    let lines = blocks_of("README.md", "sh dev")?.concat();
    assert!(lines.len() > 2, "{lines:?}");
    for line in lines {
        let words = line.trim_start_matches("sudo ").strip_prefix("skep dev");
        let words = words.ok_or("a line of something else")?;
        if words.contains("--netns") && !can_make_networks()? {
            skip("the README's skep dev --netns: network namespaces need root and 'ip'")?;
            continue;
        }
        assert_eq!(Dev::start(words)?.end("TERM")?, Some(0), "{line}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_run_is_told_in_one_line() -> TestResult {
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port();
    let cases = [
        ("--nodes 0".to_owned(), "1 to 100 nodes can be run", EXIT_USAGE),
        ("--nodes 2 --replicas 2".to_owned(), "needs 3 nodes, and there are 2", EXIT_USAGE),
        ("--node 3".to_owned(), "did you mean '--nodes'?", EXIT_USAGE),
        (format!("--port {port}"), "choose others with --port", EXIT_CANNOT_LISTEN),
    ];
    for (line, told, exit) in cases {
        let words = ["dev"].into_iter().chain(line.split_whitespace());
        let done = run(Program::Skep.path()?, words, b"", PATIENCE)?;
        assert_eq!(done.status.code(), Some(exit), "{line}: {done:?}");
        assert!(done.errors.starts_with("skep: ") && done.errors.contains(told), "{done:?}");
        assert_eq!(done.errors.lines().count(), 1, "{done:?}");
    }
    Ok(())
}

/// Whether this machine lets us make networks.
fn can_make_networks() -> TestResult<bool> {
    let made =
        run("sh", ["-c", "ip netns add skep-probe && ip netns del skep-probe"], b"", PATIENCE)?;
    Ok(made.status.success())
}

/// Who is the primary, as the host's own answer says.
fn is_primary(host: SocketAddr) -> bool {
    let answer = Client::connect(host).and_then(|mut client| client.say("ROLE"));
    answer.is_ok_and(|answer| answer.contains("master"))
}

#[test]
fn hosts_are_cut_off_and_heard_again_and_their_network_is_taken_down() -> TestResult {
    if !can_make_networks()? {
        return skip("skep dev --netns: network namespaces need root and 'ip'");
    }
    let mut dev = Dev::start("--nodes 3 --replicas 2 --mem 20mb --netns")?;
    let first: SocketAddr = format!("{}:7000", dev.told("-c -h ")?).parse()?;
    let host = |number: u8| match first {
        SocketAddr::V4(v4) => {
            let [a, b, c, _] = v4.ip().octets();
            SocketAddr::from(([a, b, c, number], v4.port()))
        }
        SocketAddr::V6(_) => first,
    };
    assert!(is_primary(host(1)));
    dev.say("isolate 1", "1 is deaf to 2,3; 2 is deaf to 1; 3 is deaf to 1")?;
    wait_until(PATIENCE, "another primary", || is_primary(host(2)) || is_primary(host(3)));
    dev.say("heal", "all nodes hear each other")?;
    wait_until(PATIENCE, "the first to follow", || !is_primary(host(1)));
    dev.say("cut 2>3", "\n3 is deaf to 2\n")?;
    dev.say("stop 2", "node 2 stands still")?;
    dev.say("cont 2", "node 2 goes on")?;
    dev.say("kill 3", "node 3 ended by signal 9; start it again with: start 3")?;
    dev.say("start 3", "node 3 is started")?;
    wait_until(PATIENCE, "node 3 to answer", || Client::connect(host(3)).is_ok());
    assert_eq!(dev.end("INT")?, Some(0));
    let spaces = run("ip", ["netns", "list"], b"", PATIENCE)?;
    let name = format!("skep{}-", dev.child.id());
    assert!(!spaces.output.contains(&name), "{}", spaces.output);
    Ok(())
}
