//! Health, metrics and the topology over HTTP: answered whatever the data path does, and bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use skep_tests::{
    Client, PATIENCE, Program, Scratch, Server, TestResult, command, planner, run, spawn,
    wait_until,
};

/// What the node promises in `node/src/admin/mod.rs`.
const CONNECTIONS_MAX: usize = 16;
const HEAD_BYTES_MAX: usize = 16 << 10;
const PORT_OFFSET: u16 = 1000;

const EXIT_CANNOT_LISTEN: i32 = 3;
/// A port that looked free may be taken before the node has it.
const PORTS_TRIED_MAX: usize = 5;

/// A node and where its admin API is.
struct Node {
    server: Server,
    admin: SocketAddr,
}

/// What was answered.
struct Answer {
    status: u16,
    kind: String,
    allow: String,
    body: String,
}

impl Answer {
    fn json(&self) -> TestResult<Value> {
        assert_eq!(self.kind, "application/json", "{}", self.body);
        Ok(serde_json::from_str(&self.body)?)
    }
}

impl Node {
    fn start(arguments: &[&str]) -> TestResult<Node> {
        let mut failure = None;
        for _ in 0..PORTS_TRIED_MAX {
            let port = free_port()?;
            let text = port.to_string();
            match Server::skep(&[arguments, &["--admin-port", &text]].concat()) {
                Ok(server) => {
                    let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                    return Ok(Node { server, admin });
                }
                Err(problem) => failure = Some(problem),
            }
        }
        Err(failure.ok_or("no port was tried")?)
    }

    fn ask(&self, method: &str, path: &str) -> TestResult<Answer> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let url = format!("http://{}{path}", self.admin);
        let request = ureq::http::Request::builder().method(method).uri(url).body(())?;
        let mut answer = agent.run(request)?;
        let header = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (status, kind, allow) =
            (answer.status().as_u16(), header("content-type"), header("allow"));
        Ok(Answer { status, kind, allow, body: answer.body_mut().read_to_string()? })
    }

    fn get(&self, path: &str) -> TestResult<Answer> {
        self.ask("GET", path)
    }

    fn metrics(&self) -> TestResult<BTreeMap<String, f64>> {
        let answer = self.get("/metrics")?;
        assert_eq!((answer.status, &*answer.kind), (200, METRICS_KIND));
        Ok(parsed(&answer.body))
    }
}

const METRICS_KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

fn free_port() -> TestResult<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Values by name with labels, of a page that is as the format wants it.
fn parsed(page: &str) -> BTreeMap<String, f64> {
    let (mut values, mut seen, mut name, mut kind) = (BTreeMap::new(), BTreeSet::new(), "", "");
    assert!(page.ends_with('\n'), "the last line has no end");
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (named, text) = help.split_once(' ').unwrap_or_default();
            assert!(!text.is_empty() && seen.insert(named), "{line}");
            (name, kind) = (named, "");
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (named, text) = typed.split_once(' ').unwrap_or_default();
            let known = ["counter", "gauge", "histogram", "summary"].contains(&text);
            assert!(named == name && kind.is_empty() && known, "{line}");
            kind = text;
        } else {
            let (labelled, value) = line.rsplit_once(' ').unwrap_or_default();
            let (named, labels) = labelled.split_once('{').unwrap_or((labelled, "}"));
            let part = named.strip_prefix(name).unwrap_or("another name");
            let parts: &[&str] = match kind {
                "histogram" => &["_bucket", "_sum", "_count"],
                "summary" => &["", "_sum", "_count"],
                _ => &[""],
            };
            assert!(parts.contains(&part) && labels.ends_with('}'), "{name} of {kind}: {line}");
            let value: f64 = value.parse().unwrap_or(f64::NAN);
            let is_right = value.is_finite() && (kind != "counter" || value >= 0.0);
            assert!(is_right, "{line}");
            let is_first = values.insert(labelled.to_owned(), value).is_none();
            assert!(is_first, "{line} is there twice");
        }
    }
    values
}

#[test]
fn a_running_node_is_alive_and_ready() -> TestResult {
    let node = Node::start(&[])?;
    assert!(node.server.log().contains(&format!("http://{}", node.admin)), "not in the banner");
    let live = node.get("/health/live")?;
    assert_eq!((live.status, live.json()?), (200, json!({ "live": true })));
    let ready = node.get("/health/ready")?;
    assert_eq!((ready.status, ready.json()?), (200, json!({ "ready": true, "reasons": [] })));
    let cluster = node.get("/api/v1/cluster")?;
    assert_eq!((cluster.status, cluster.json()?), (200, json!({ "enabled": false })));
    Ok(())
}

#[test]
fn a_node_that_ends_is_alive_but_not_ready() -> TestResult {
    let mut node = Node::start(&["--shutdown-timeout", "1000"])?;
    // A client that leaves 48 MB unread keeps the node from ending.
    let mut deaf = TcpStream::connect(node.server.address())?;
    let value = "x".repeat(4 << 20);
    deaf.write_all(&command(&["SET", "key", &value]))?;
    deaf.read_exact(&mut [0; 5])?;
    deaf.write_all(&command(&["GET", "key"]).repeat(12))?;
    deaf.read_exact(&mut [0; 1])?;
    node.server.signal("TERM")?;
    wait_until(PATIENCE, "the node to be unready", || {
        node.get("/health/ready").is_ok_and(|answer| answer.status == 503)
    });
    let reasons = json!({ "ready": false, "reasons": ["the node is stopping"] });
    assert_eq!(node.get("/health/ready")?.json()?, reasons);
    assert_eq!(node.get("/health/live")?.status, 200);
    assert_eq!(node.metrics()?["skep_ready"], 0.0);
    drop(deaf);
    assert!(node.server.wait_for_end()?.success());
    assert!(TcpStream::connect(node.admin).is_err(), "the port outlives the node");
    Ok(())
}

#[test]
fn metrics_follow_what_clients_do() -> TestResult {
    const WRITES: usize = 10;
    let node = Node::start(&["--workers", "2"])?;
    let mut client = node.server.connect()?;
    for number in 0..WRITES {
        client.ask(&["SET", &format!("key:{number}"), "value", "EX", "1000"])?;
    }
    client.ask(&["GET", "key:1"])?;
    client.ask(&["GET", "nokey"])?;
    client.ask(&["INCR", "key:1"])?;
    client.ask(&["CONFIG", "SET", "slowlog-log-slower-than", "0"])?;
    client.ask(&["PING"])?;
    let expected = [
        ("redis_commands_total{cmd=\"set\"}", 10.0),
        ("redis_commands_failed_calls_total{cmd=\"incr\"}", 1.0),
        ("redis_errors_total{err=\"ERR\"}", 1.0),
        ("redis_keyspace_hits_total", 1.0),
        ("redis_keyspace_misses_total", 1.0),
        ("redis_db_keys{db=\"db0\"}", 10.0),
        ("redis_db_keys_expiring{db=\"db0\"}", 10.0),
        ("redis_connected_clients", 1.0),
        ("redis_latency_percentiles_usec_count{cmd=\"set\"}", 10.0),
        ("skep_command_duration_seconds_count{cmd=\"set\"}", 10.0),
        ("skep_command_duration_seconds_bucket{cmd=\"set\",le=\"+Inf\"}", 10.0),
        ("redis_up", 1.0),
    ];
    let mut seen = Vec::new();
    wait_until(PATIENCE, "the workers to publish what they have counted", || {
        let values = node.metrics().unwrap_or_default();
        seen = expected.map(|(name, _)| (name, values.get(name).copied().unwrap_or(-1.0))).to_vec();
        values.contains_key("redis_slowlog_last_id") && seen[0].1 >= WRITES as f64
    });
    assert_eq!(seen, expected);
    Ok(())
}

#[test]
fn the_planner_reads_the_metrics() -> TestResult {
    let node = Node::start(&["--maxmemory", "100mb"])?;
    let url = format!("http://{}/metrics", node.admin);
    let done = run(&planner()?, ["validate", "--from", &url], b"", PATIENCE)?;
    assert!(done.errors.is_empty() && !done.output.is_empty(), "{done:?}");
    Ok(())
}

#[test]
fn other_paths_and_methods_are_refused_in_json() -> TestResult {
    let node = Node::start(&[])?;
    for path in ["/", "/metrics/", "/api/v1/nothing", "/health"] {
        let answer = node.get(path)?;
        let error = answer.json()?["error"].to_string();
        assert_eq!(answer.status, 404, "{path}");
        assert!(error.contains(path) && error.contains("/health/ready"), "{error}");
    }
    for path in ["/metrics", "/health/live", "/health/ready", "/api/v1/cluster"] {
        let head = node.ask("HEAD", path)?;
        assert_eq!((head.status, &*head.body), (200, ""), "{path}");
        for method in ["POST", "DELETE", "PUT"] {
            let answer = node.ask(method, path)?;
            assert_eq!((answer.status, &*answer.allow), (405, "GET,HEAD"), "{method} {path}");
            let error = answer.json()?["error"].to_string();
            assert!(error.contains(method), "{error}");
        }
    }
    Ok(())
}

#[test]
fn a_port_that_is_given_must_be_free() -> TestResult {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (port, admin) = (free_port()?.to_string(), taken.local_addr()?.port().to_string());
    let path = Program::Skep.path()?;
    let arguments = ["--port", &port, "--bind", "127.0.0.1", "--admin-port", &admin];
    let done = run(&path, arguments, b"", PATIENCE)?;
    assert_eq!(done.status.code(), Some(EXIT_CANNOT_LISTEN), "{done:?}");
    assert!(done.errors.contains(&admin) && done.errors.contains("--admin-port"), "{done:?}");
    assert_eq!((done.errors.lines().count(), &*done.output), (1, ""), "{done:?}");
    Ok(())
}

#[test]
fn the_automatic_port_is_a_thousand_above_or_done_without() -> TestResult {
    let taken = |server: &Server| server.log().contains("no health and metrics");
    let mut server = Server::skep(&[])?;
    for _ in 1..PORTS_TRIED_MAX {
        if !taken(&server) {
            break;
        }
        server = Server::skep(&[])?;
    }
    let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port() + PORT_OFFSET));
    let node = Node { server, admin };
    assert_eq!(node.get("/health/live")?.status, 200);
    Ok(())
}

#[test]
fn without_its_automatic_port_a_node_runs_and_says_so() -> TestResult {
    let mut occupied = None;
    for _ in 0..PORTS_TRIED_MAX {
        let port = free_port()?;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port + PORT_OFFSET)) {
            occupied = Some((port, listener));
            break;
        }
    }
    let (port, _listener) = occupied.ok_or("no port was free")?;
    let line = format!("exec {} --port {port} --bind 127.0.0.1", Program::Skep.path()?.display());
    let directory = Scratch::new("admin")?;
    let log = std::fs::File::create(directory.path().join("log"))?;
    let mut child = spawn("sh".as_ref(), ["-c", &line], |command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    })?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    wait_until(PATIENCE, "the node to listen", || Client::connect(address).is_ok());
    assert_eq!(Client::connect(address)?.say("PING")?, r"+PONG\r\n");
    let errors = std::fs::read_to_string(directory.path().join("log"))?;
    child.kill()?;
    child.wait()?;
    let place = format!(
        "no health and metrics over HTTP: cannot listen on 127.0.0.1:{}",
        port + PORT_OFFSET
    );
    assert!(errors.contains(&place) && errors.contains("--admin-port"), "{errors}");
    Ok(())
}

#[test]
fn a_port_of_zero_is_none() -> TestResult {
    let server = Server::skep(&["--admin-port", "0"])?;
    assert!(!server.log().contains("health and metrics"), "{}", server.log());
    assert_eq!(server.connect()?.say("PING")?, r"+PONG\r\n");
    Ok(())
}

#[test]
fn a_busy_data_path_delays_nothing() -> TestResult {
    let node = Node::start(&["--workers", "1"])?;
    let mut client = node.server.connect()?;
    client.send(&command(&["DEBUG", "SLEEP", "1000"]))?;
    for path in ["/health/live", "/health/ready", "/metrics", "/api/v1/cluster"] {
        assert_eq!(node.get(path)?.status, 200, "{path}");
    }
    assert_eq!(client.reply_within(Duration::from_millis(1))?, None, "it was not busy");
    Ok(())
}

#[test]
fn a_head_that_is_too_long_is_refused() -> TestResult {
    let node = Node::start(&[])?;
    let cases = [
        format!("GET /metrics HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "x".repeat(HEAD_BYTES_MAX)),
        format!("GET /metrics HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(65)),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(2 * HEAD_BYTES_MAX)),
        "what is this?\r\n\r\n".to_owned(),
    ];
    for head in cases {
        let mut stream = TcpStream::connect(node.admin)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // The node may close before it has all.
        let _ = stream.write_all(head.as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let answer = String::from_utf8_lossy(&bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(node.get("/health/live")?.status, 200);
    Ok(())
}

#[test]
fn silent_connections_do_not_keep_others_out_for_long() -> TestResult {
    let node = Node::start(&[])?;
    let connect = |_| TcpStream::connect(node.admin);
    let silent: Result<Vec<_>, _> = (0..2 * CONNECTIONS_MAX).map(connect).collect();
    let mut silent = silent?;
    assert_eq!(node.get("/health/live")?.status, 200);
    for stream in &mut silent {
        stream.set_read_timeout(Some(PATIENCE))?;
        assert_eq!(stream.read(&mut [0])?, 0, "it is open still");
    }
    Ok(())
}
