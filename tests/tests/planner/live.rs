//! `planner probe` and `planner validate` against servers: ours, and those of others that there are.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use skep_tests::{Finished, PATIENCE, Program, Scratch, Server, TestResult, run, skip, wait_until};

use crate::support::{code, plan};

const KEYS: usize = 300;

/// Reads a figure out of JSON, as text.
fn figure(json: &str, path: &str) -> TestResult<String> {
    const PICK: &str = "\
import json, sys
value = json.load(sys.stdin)
for part in sys.argv[1].split('.'):
    value = value[int(part)] if isinstance(value, list) else value[part]
print(json.dumps(value))
";
    let done = run("python3", ["-c", PICK, path], json.as_bytes(), PATIENCE)?;
    match done.status.success() {
        true => Ok(done.output.trim().to_owned()),
        false => Err(format!("no {path}: {done:?}").into()),
    }
}

/// The findings of `planner validate` in CSV, without its heading.
fn findings(line: &str) -> TestResult<Finished> {
    plan(&format!("validate {line} --format csv"))
}

fn fill(server: &Server) -> TestResult {
    let mut client = server.connect()?;
    for at in 0..KEYS {
        let ttl = if at % 3 == 0 { " EX 1000" } else { "" };
        client.say(&format!("SET app:key:{at:04} {}{ttl}", "x".repeat(at + 1)))?;
    }
    Ok(())
}

/// Six nodes of Redis 7.0, three of them primaries.
fn cluster() -> TestResult<Vec<Server>> {
    let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
    let start = |_| Server::start(Program::Redis70, &options);
    let nodes = (0..6).map(start).collect::<TestResult<Vec<Server>>>()?;
    let places = nodes.iter().map(|node| node.address().to_string());
    let line: Vec<String> = ["--cluster", "create"]
        .map(str::to_owned)
        .into_iter()
        .chain(places)
        .chain(["--cluster-replicas", "1", "--cluster-yes"].map(str::to_owned))
        .collect();
    let done = run("redis-cli", &line, b"", PATIENCE * 3)?;
    if !done.output.contains("All 16384 slots covered") {
        return Err(format!("no cluster: {done:?}").into());
    }
    wait_until(PATIENCE, "every replica to follow its primary", || {
        nodes.iter().all(|node| {
            let said = node.connect().and_then(|mut client| client.say("INFO replication"));
            said.is_ok_and(|text| {
                text.contains("master_link_status:up") || text.contains("state=online")
            })
        })
    });
    Ok(nodes)
}

#[test]
fn every_server_is_read_into_a_profile_that_reads_as_itself() -> TestResult {
    let kinds = [
        (Program::Skep, "\"skep\""),
        (Program::Redis70, "\"redis\""),
        (Program::Redis82, "\"redis\""),
        (Program::Valkey91, "\"valkey\""),
    ];
    for (program, kind) in kinds {
        if program != Program::Skep && program.path().is_err() {
            skip(&format!("planner probe of {}: it is not installed", program.name()))?;
            continue;
        }
        let server = Server::start(program, &[])?;
        fill(&server)?;
        let scratch = Scratch::new("profile")?;
        let path = scratch.path().join("profile.json");
        let path = path.display();
        let done = plan(&format!("probe --from redis://{} --out {path}", server.address()))?;
        assert_eq!(code(&done), 0, "{program:?}: {done:?}");
        let saved = fs::read_to_string(path.to_string())?;
        let expected = [
            ("result.keys", "300".to_owned()),
            ("result.expiring_share", "0.333333333333".to_owned()),
            ("result.profile.nodes.0.kind", kind.to_owned()),
            ("result.profile.sample.keys", "300".to_owned()),
            ("result.profile.sample.expiring", "100".to_owned()),
            ("result.profile.sample.types.string.key_bytes.mean", "12.0".to_owned()),
            ("result.profile.sample.types.string.value_bytes.mean", "150.5".to_owned()),
            ("result.profile.sample.types.string.memory_bytes.count", "300".to_owned()),
        ];
        for (path, value) in expected {
            let found = figure(&saved, path)?;
            assert_eq!(
                found.trim_end_matches(".0"),
                value.trim_end_matches(".0"),
                "{program:?} {path}"
            );
        }
        let again = plan(&format!("probe --from {path} --format json"))?;
        assert_eq!(
            figure(&again.output, "result.profile")?,
            figure(&saved, "result.profile")?,
            "{program:?}"
        );
    }
    Ok(())
}

#[test]
fn validating_leaves_the_hit_rate_as_it_was() -> TestResult {
    for program in [Program::Skep, Program::Redis70] {
        let server = Server::start(program, &[])?;
        fill(&server)?;
        let mut client = server.connect()?;
        for word in ["GET app:key:0001", "GET nothing"] {
            client.say(word)?;
        }
        let done = findings(&format!("--from redis://{}", server.address()))?;
        assert_eq!(code(&done), 0, "{done:?}");
        let stats = client.say("INFO stats")?;
        assert!(stats.contains("keyspace_hits:1\\r"), "{program:?}: {stats}");
        assert!(stats.contains("keyspace_misses:1\\r"), "{program:?}: {stats}");
    }
    Ok(())
}

#[test]
fn a_server_alone_is_warned_of_and_what_it_refuses_is_unchecked() -> TestResult {
    let server = Server::skep(&[])?;
    let said = server.connect()?.say("ACL SETUSER looker on >secret ~* &* +@all -acl")?;
    assert_eq!(said, "+OK\\r\\n");
    let source = format!("--from redis://looker:secret@{}", server.address());
    let done = findings(&source)?;
    for row in ["warning,primaries,", "warning,primary_replicas,", "unchecked,acl_readable,"] {
        assert!(done.output.contains(row), "{row}: {done:?}");
    }
    assert_eq!(code(&done), 0);
    assert_eq!(code(&findings(&format!("{source} --fail-on warn"))?), 1);
    Ok(())
}

#[test]
fn a_user_who_may_not_read_gets_what_it_may_and_no_silence() -> TestResult {
    let server = Server::start(Program::Redis70, &[])?;
    let mut client = server.connect()?;
    client.say("ACL SETUSER watcher on >watching-it ~* +info +ping")?;
    client.say("ACL SETUSER app on nopass ~app:* ~* +get")?;
    // The server itself keeps only the wider pattern.
    let done = findings(&format!("--from redis://watcher:watching-it@{}", server.address()))?;
    for id in ["config_readable", "acl_readable", "authentication", "encryption", "network"] {
        assert!(done.output.contains(&format!("unchecked,{id},")), "{id}: {done:?}");
        assert!(!done.output.contains(&format!("fine,{id},")), "{id}: {done:?}");
    }
    let done = findings(&format!("--from redis://{}", server.address()))?;
    assert_eq!(code(&done), 1, "a user without a password is critical: {done:?}");
    for row in ["critical,acl_no_password,", "warning,acl_all_keys,"] {
        assert!(done.output.contains(row), "{row}: {done:?}");
    }
    Ok(())
}

#[test]
fn no_password_is_in_any_answer_or_error() -> TestResult {
    let server = Server::start(Program::Redis70, &["--requirepass", "open-sesame"])?;
    let place = server.address();
    let cases = [
        (format!("redis://{place}"), 3),
        (format!("redis://:open-sesame@{place}"), 0),
        (format!("redis://:open-sesame@{place}/99"), 3),
        (format!("redis://nobody:open-sesame@{place}"), 3),
        ("redis://:open-sesame@127.0.0.1:1".to_owned(), 3),
        ("rediss://:open-sesame@127.0.0.1:1".to_owned(), 2),
        ("redis://:open-sesame@127.0.0.1:port".to_owned(), 2),
    ];
    for command in ["probe", "validate"] {
        for (source, expected) in &cases {
            let done = plan(&format!("{command} --from {source} --format json"))?;
            assert_eq!(code(&done), *expected, "{source}: {done:?}");
            let text = done.output + &done.errors;
            assert!(!text.contains("open-sesame"), "{source}: {text}");
        }
    }
    let done = plan(&format!("probe --from redis://{place}"))?;
    assert!(done.errors.contains("asks for a password"), "{done:?}");
    Ok(())
}

#[test]
fn a_cluster_is_read_whole_and_a_lost_node_is_named() -> TestResult {
    let mut nodes = cluster()?;
    let source = format!("redis://{}", nodes[0].address());
    let probe = plan(&format!("probe --from {source} --format json"))?;
    assert_eq!(code(&probe), 0, "{probe:?}");
    assert_eq!(figure(&probe.output, "result.nodes")?, "6");
    assert_eq!(figure(&probe.output, "result.profile.unread")?, "[]");
    let healthy = findings(&format!("--from {source}"))?;
    assert_eq!(code(&healthy), 0, "{healthy:?}");
    for row in ["fine,quorum,", "fine,slots_covered,", "fine,primary_replicas,", "fine,lag_bytes,"]
    {
        assert!(healthy.output.contains(row), "{row}: {healthy:?}");
    }
    let gone = nodes.pop().ok_or("no node")?;
    let place = gone.address().to_string();
    drop(gone);
    wait_until(PATIENCE, "the cluster to notice", || {
        let said = nodes[0].connect().and_then(|mut client| client.say("CLUSTER NODES"));
        said.is_ok_and(|text| text.contains(" slave,fail ") || text.contains("master,fail "))
    });
    let hurt = findings(&format!("--from {source}"))?;
    assert_eq!(code(&hurt), 1, "a failed node is critical: {hurt:?}");
    for row in
        [format!("critical,nodes_alive,{place},"), format!("unchecked,node_readable,{place},")]
    {
        assert!(hurt.output.contains(&row), "{row}: {hurt:?}");
    }
    assert!(hurt.output.contains("warning,primary_replicas,"), "{hurt:?}");
    Ok(())
}

#[test]
fn a_plan_is_compared_with_what_runs() -> TestResult {
    let server = Server::skep(&["--maxmemory", "100mb"])?;
    let scratch = Scratch::new("plan")?;
    let path = scratch.path().join("plan.json");
    let path = path.display();
    assert_eq!(code(&plan(&format!("size --masters 3 --mem 16G --out {path}"))?), 0);
    let done = findings(&format!("--from redis://{} --plan {path}", server.address()))?;
    for row in ["warning,plan_primaries,", "warning,plan_replicas,", "fine,plan_limits,"] {
        assert!(done.output.contains(row), "{row}: {done:?}");
    }
    Ok(())
}

/// Answers one request with a page.
fn page(listener: TcpListener, text: &'static str) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return String::new() };
        let mut request = Vec::new();
        let mut bytes = [0; 512];
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut bytes) {
                Ok(len) if len > 0 => request.extend_from_slice(&bytes[..len]),
                _ => break,
            }
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n";
        let answer = format!("{head}Content-Length: {}\r\n\r\n{text}", text.len());
        // Whoever does not listen shows in the test's own assertions.
        let _ = stream.write_all(answer.as_bytes());
        String::from_utf8_lossy(&request).into_owned()
    })
}

#[test]
fn metrics_of_an_exporter_are_a_source() -> TestResult {
    const METRICS: &str = "\
# TYPE redis_memory_used_bytes gauge
redis_memory_used_bytes 1.073741824e+09
redis_memory_used_rss_bytes 1.288490188e+09
redis_memory_max_bytes 1.1e+09
redis_instance_info{maxmemory_policy=\"allkeys-lru\",redis_version=\"7.2.4\",role=\"master\"} 1
redis_db_keys{db=\"db0\"} 1e+06
redis_db_keys_expiring{db=\"db0\"} 250000
redis_keyspace_hits_total 700
redis_keyspace_misses_total 300
redis_connected_clients 12
redis_evicted_keys_total 0
";
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let place = listener.local_addr()?;
    let server = page(listener, METRICS);
    let done = plan(&format!("probe --from http://{place} --format json"))?;
    assert_eq!(code(&done), 0, "{done:?}");
    let request = server.join().unwrap_or_default();
    assert!(request.starts_with("GET /metrics HTTP/1.1"), "{request}");
    assert_eq!(figure(&done.output, "result.keys")?, "1000000");
    assert_eq!(figure(&done.output, "result.hit_rate")?, "0.7");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let place = listener.local_addr()?;
    let server = page(listener, METRICS);
    let done = findings(&format!("--from http://{place}/metrics"))?;
    assert!(server.join().unwrap_or_default().contains("/metrics"), "it was asked");
    for row in ["warning,memory_filled,", "warning,hit_rate,", "unchecked,config_readable,"] {
        assert!(done.output.contains(row), "{row}: {done:?}");
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let place = listener.local_addr()?;
    let server = page(listener, "go_goroutines 5\n");
    let done = plan(&format!("probe --from http://{place}/metrics"))?;
    assert!(server.join().is_ok() && code(&done) == 3, "{done:?}");
    assert!(done.errors.contains("redis_exporter"), "{done:?}");
    Ok(())
}
