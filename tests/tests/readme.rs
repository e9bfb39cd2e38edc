//! The commands of the README work as they are written there.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use skep_tests::{
    Client, PATIENCE, Scratch, Server, TestResult, blocks_of, finish, planner, repository, run,
    skip, spawn, wait_until,
};

/// A release with link-time optimisation is built on the way.
const BUILD_PATIENCE: Duration = Duration::from_secs(900);
const LINE_PATIENCE: Duration = Duration::from_secs(120);
/// What the first command listens on, if it is told nothing.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 6379);

/// Where that node's admin API is.
const ADMIN_PORT: &str = "7379";

/// The lines of the README's code blocks of this kind.
fn blocks(kind: &str) -> TestResult<Vec<Vec<String>>> {
    blocks_of("README.md", kind)
}

/// Killed when dropped. `cargo run` becomes the program that it runs, so there is only one process.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        // It has ended by itself when these fail.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_two_commands_are_these() -> TestResult {
    let blocks = blocks("sh")?;
    assert_eq!(blocks[..2], [["cargo run --release --bin skep -- dev --nodes 6"], ["tests/run"]]);
    let mode = fs::metadata(repository().join("tests/run"))?.permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "tests/run is not executable");
    Ok(())
}

#[test]
fn the_planner_answers_what_the_readmes_ask() -> TestResult {
    let program = planner()?;
    let mut lines = blocks("sh planner")?.concat();
    lines.extend(blocks_of("planner/README.md", "sh planner")?.concat());
    assert!(lines.len() > 2, "{lines:?}");
    for line in lines {
        let words = line.split_whitespace().skip(1);
        let done = run(&program, words, b"", LINE_PATIENCE)?;
        assert!(line.starts_with("planner ") && done.status.success(), "{line}: {done:?}");
        assert!(!done.output.is_empty() && done.errors.is_empty(), "{line}: {done:?}");
    }
    Ok(())
}

#[test]
fn the_admin_port_answers_what_there_is_to_ask() -> TestResult {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port().to_string();
    let _node = Server::skep(&["--admin-port", &port])?;
    let lines: Vec<String> = blocks("sh admin")?.concat();
    assert!(lines.len() > 3, "there is little to ask: {lines:?}");
    for line in &lines {
        let line = line.replace(ADMIN_PORT, &port).replace("curl ", "curl --fail ");
        let done = run("sh", ["-c", &line], b"", LINE_PATIENCE)?;
        assert!(done.status.success() && done.errors.is_empty(), "{line}: {done:?}");
        assert!(!done.output.is_empty(), "{line}: {done:?}");
    }
    Ok(())
}

/// Starts the command of the README's block of this number among those to be typed.
fn start(number: usize, output: Stdio) -> TestResult<Node> {
    let command = blocks("sh")?.swap_remove(number).swap_remove(0);
    Ok(Node(spawn("sh".as_ref(), ["-c", &format!("exec {command}")], |command| {
        command.current_dir(repository()).stdin(Stdio::null()).stdout(output);
    })?))
}

/// Runs the lines of a block, with other ports than they name.
fn try_all(kind: &str, port: (&str, &str)) -> TestResult {
    let lines: Vec<String> = blocks(kind)?.concat();
    assert!(lines.len() > 3, "there is little to try: {lines:?}");
    for line in &lines {
        let line = line.replace(port.0, port.1);
        let done = run("sh", ["-c", &line], b"", LINE_PATIENCE)?;
        assert!(done.status.success() && done.errors.is_empty(), "{line}: {done:?}");
        assert!(!done.output.is_empty() && !done.output.contains("ERR"), "{line}: {done:?}");
    }
    Ok(())
}

#[test]
#[ignore = "builds a release"]
fn the_first_command_runs_a_cluster_to_try() -> TestResult {
    let scratch = Scratch::new("readme")?;
    let path = scratch.path().join("out");
    let mut cluster = start(0, fs::File::create(&path)?.into())?;
    let said = || fs::read_to_string(&path).unwrap_or_default();
    wait_until(BUILD_PATIENCE, "four lines of a cluster", || {
        let has_ended = !matches!(cluster.0.try_wait(), Ok(None));
        assert!(!has_ended, "it ended: {}", said());
        said().lines().count() >= 4
    });
    let said = said();
    let port = said.split_once("127.0.0.1:").and_then(|(_, rest)| rest.split('-').next());
    try_all("sh try cluster", ("7000", port.ok_or_else(|| said.clone())?))?;
    let pid = cluster.0.id().to_string();
    run("kill", ["-INT", &pid], b"", PATIENCE)?;
    let status = finish(&mut cluster.0, PATIENCE)?;
    assert!(status.success(), "after an interrupt: {status}");
    Ok(())
}

#[test]
#[ignore = "builds a release"]
fn a_node_alone_serves_what_there_is_to_try() -> TestResult {
    if TcpListener::bind(ADDRESS).is_err() {
        return skip("the README's node: somebody else has port 6379");
    }
    let mut node = start(2, Stdio::inherit())?;
    wait_until(BUILD_PATIENCE, "the node to listen", || {
        let has_ended = !matches!(node.0.try_wait(), Ok(None));
        assert!(!has_ended, "it ended");
        Client::connect(ADDRESS).is_ok()
    });
    try_all("sh try node", ("6379", "6379"))?;
    let mut client = Client::connect(ADDRESS)?;
    assert_eq!(client.say("GET greeting")?, r"$5\r\nhello\r\n");
    run("redis-cli", ["shutdown"], b"", PATIENCE)?;
    let status = finish(&mut node.0, PATIENCE)?;
    assert!(status.success(), "after a shutdown: {status}");
    Ok(())
}
