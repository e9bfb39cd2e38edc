//! Hit ratios: what the planner says against what nodes do.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use skep_tests::{PATIENCE, Program, Server, TestResult, planner, repository, run, skip};

use crate::support::{code, plan};

const FILE: &str = "adaptsize.txt.xz";
/// A part of the trace is enough to fill the memories; benches replay all of all.
const REQUESTS: usize = 30_000;
const MEMORIES_MIB: [usize; 3] = [20, 28, 40];
/// One point of a hundred.
const TOLERANCE: f64 = 0.01;
/// Bounds what is sent, if the file should be another.
const VALUE_BYTES_MAX: usize = 8 << 20;

/// `SKEP_TEST_DATA`, or the directory of shared data beside the repository.
fn trace_file() -> PathBuf {
    let given = std::env::var_os("SKEP_TEST_DATA").map(PathBuf::from);
    given.unwrap_or_else(|| repository().join("../shared/data")).join(FILE)
}

/// Key and size of each request.
fn requests(file: &std::path::Path) -> TestResult<Vec<(String, usize)>> {
    let done = run("xz", ["-dc".as_ref(), file.as_os_str()], b"", PATIENCE)?;
    assert!(done.status.success(), "{}", done.errors);
    let mut requests = Vec::new();
    for line in done.output.lines().take(REQUESTS) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, id, bytes] = fields[..] else { return Err(format!("bad line: {line}").into()) };
        requests.push((format!("{id:0>16}"), bytes.parse()?));
    }
    Ok(requests)
}

/// The share of hits of a node that is asked and filled by the trace.
fn replayed(requests: &[(String, usize)], memory_mib: usize) -> TestResult<f64> {
    let limit = format!("{memory_mib}mb");
    let server = Server::skep(&["--maxmemory", &limit, "--workers", "1"])?;
    let mut client = server.connect()?;
    let filler = "x".repeat(VALUE_BYTES_MAX);
    let mut hits = 0;
    for (key, value_bytes) in requests {
        let value = filler.get(..*value_bytes).ok_or("a value above the bound")?;
        if client.ask(&["GET", key])? == b"$-1\r\n" {
            assert_eq!(client.ask(&["SET", key, value])?, b"+OK\r\n");
        } else {
            hits += 1;
        }
    }
    Ok(f64::from(hits) / requests.len() as f64)
}

#[test]
fn a_simulated_node_serves_what_a_real_one_does_within_a_point() -> TestResult {
    let file = trace_file();
    if !file.is_file() {
        return skip(&format!("predicted hit ratios: there is no {FILE} in ../shared/data"));
    }
    let memories = MEMORIES_MIB.map(|mib| format!("{mib}M")).join(",");
    let done = plan(&format!(
        "mrc {} --requests {REQUESTS} --mem {memories} --simulate --workers 1 \
         --format csv --table memories",
        file.display()
    ))?;
    assert_eq!(code(&done), 0, "{}", done.errors);
    let requests = requests(&file)?;
    let mut lines = done.output.lines();
    let names: Vec<&str> = lines.next().ok_or("no header")?.split(',').collect();
    let column = names.iter().position(|name| *name == "node").ok_or("no column")?;
    let mut checked = 0;
    for (line, memory_mib) in lines.zip(MEMORIES_MIB) {
        let predicted: f64 = line.split(',').nth(column).ok_or("a short line")?.parse()?;
        let real = replayed(&requests, memory_mib)?;
        println!("{memory_mib} MiB: {real:.4}, predicted {predicted:.4}");
        assert!((predicted - real).abs() <= TOLERANCE, "{memory_mib}: {predicted} {real}");
        checked += 1;
    }
    assert_eq!(checked, MEMORIES_MIB.len());
    Ok(())
}

/// What the planner says while a client asks for and stores ten keys.
fn listened(program: Program) -> TestResult {
    let server = Server::start(program, &[])?;
    let is_over = AtomicBool::new(false);
    let line = format!(
        "mrc --from redis://{} --seconds 60 --requests 2000 --bare --format csv --table curve",
        server.address()
    );
    let done = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| -> Result<(), String> {
            let mut client = server.connect().map_err(|error| error.to_string())?;
            for number in (0..10).cycle() {
                let key = format!("key:{number}");
                for command in [&["GET", &key][..], &["SET", &key, "a value of 20 bytes."]] {
                    client.ask(command).map_err(|error| error.to_string())?;
                }
                if is_over.load(Relaxed) {
                    break;
                }
            }
            Ok(())
        });
        let done = plan(&line);
        is_over.store(true, Relaxed);
        traffic.join().map_err(|_| "the traffic panicked")??;
        done
    })?;
    assert_eq!(code(&done), 0, "{}", done.errors);
    let last = done.output.lines().last().ok_or("no curve")?;
    let hit_ratio: f64 = last.split(',').nth(1).ok_or("no ratio")?.parse()?;
    // All but the first request for each of the ten, of a thousand; the planner may begin to listen
    // between a request and its store.
    assert!((0.988..=0.993).contains(&hit_ratio), "{}", done.output);
    Ok(())
}

#[test]
fn a_node_can_be_listened_to_instead_of_reading_a_trace() -> TestResult {
    listened(Program::Skep)
}

#[test]
fn a_redis_server_can_be_listened_to_as_well() -> TestResult {
    if Program::Redis70.path().is_err() {
        return skip("listening to redis-server, which is not installed");
    }
    listened(Program::Redis70)
}

#[test]
fn a_trace_may_come_from_standard_input() -> TestResult {
    let text = "key,size\na,100\nb,100\na,100\nc,100\n";
    let line = "simulate - --nodes 3 --layout ring,modulo --lose 1 --lose-after 2 --format json";
    let done = run(planner()?, line.split_whitespace(), text.as_bytes(), PATIENCE)?;
    assert_eq!(code(&done), 0, "{}", done.errors);
    assert!(done.output.contains("\"schema\": \"planner/simulate/1\""), "{}", done.output);
    let done =
        run(planner()?, ["simulate", "-", "--nodes", "3", "--lose", "1"], b"key\n", PATIENCE)?;
    assert_eq!(code(&done), 2, "{}", done.errors);
    assert!(done.errors.contains("--lose-after"), "{}", done.errors);
    Ok(())
}
