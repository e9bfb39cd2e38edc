//! The tools that come with Redis work against the node: redis-cli in all its modes, and
//! redis-benchmark.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use skep_tests::{Finished, PATIENCE, Server, TestResult, command, run, spawn};

/// redis-benchmark's tests, and the commands that each needs.
const BENCHMARKS: [(&str, &[&str]); 17] = [
    ("ping", &["PING"]),
    ("set", &["SET"]),
    ("get", &["GET"]),
    ("incr", &["INCR"]),
    ("mset", &["MSET"]),
    ("lpush", &["LPUSH"]),
    ("rpush", &["RPUSH"]),
    ("lpop", &["LPOP"]),
    ("rpop", &["RPOP"]),
    ("sadd", &["SADD"]),
    ("hset", &["HSET"]),
    ("spop", &["SPOP"]),
    ("zadd", &["ZADD"]),
    ("zpopmin", &["ZPOPMIN"]),
    ("lrange_100", &["LPUSH", "LRANGE"]),
    ("lrange_300", &["LPUSH", "LRANGE"]),
    ("xadd", &["XADD"]),
];
/// These must be there.
const BENCHMARKS_AT_LEAST: [&str; 5] = ["ping", "set", "get", "incr", "mset"];
const BENCHMARK_PATIENCE: Duration = Duration::from_secs(120);

fn cli(server: &Server, arguments: &[&str], input: &[u8]) -> TestResult<Finished> {
    let port = server.port().to_string();
    let line = ["-p", &port].into_iter().chain(arguments.iter().copied());
    let done = run("redis-cli", line, input, PATIENCE)?;
    if !done.status.success() || !done.errors.is_empty() {
        return Err(format!("redis-cli {arguments:?}: {done:?}").into());
    }
    Ok(done)
}

fn node_with_keys(count: usize) -> TestResult<Server> {
    let server = Server::skep(&[])?;
    let mut client = server.connect()?;
    for number in 0..count {
        let value = "v".repeat(number + 1);
        let reply = client.ask(&["SET", &format!("key:{number}"), &value])?;
        assert_eq!(reply, b"+OK\r\n");
    }
    Ok(server)
}

#[test]
fn redis_cli_runs_commands_in_both_protocols() -> TestResult {
    let server = Server::skep(&[])?;
    for protocol in ["-2", "-3"] {
        let input = b"SET greeting hello\nGET greeting\nGET missing\nDEL greeting\nINCR\n";
        let done = cli(&server, &[protocol, "--no-raw"], input)?;
        let expected = "OK\n\"hello\"\n(nil)\n(integer) 1\n\
                        (error) ERR wrong number of arguments for 'incr' command\n";
        assert_eq!(done.output.replace("\n\n", "\n"), expected);
    }
    Ok(())
}

#[test]
fn redis_cli_prints_info_and_maps() -> TestResult {
    let server = Server::skep(&[])?;
    let info = cli(&server, &["INFO", "server"], b"")?.output;
    assert!(info.contains(&format!("tcp_port:{}", server.port())), "{info}");
    let hello = cli(&server, &["-3", "--no-raw", "HELLO", "3"], b"")?.output;
    assert!(hello.contains("\"proto\" => (integer) 3"), "{hello}");
    Ok(())
}

#[test]
fn redis_cli_scans_all_keys_and_those_of_a_pattern() -> TestResult {
    let server = node_with_keys(300)?;
    let all = cli(&server, &["--scan"], b"")?.output;
    assert_eq!(all.lines().count(), 300, "{all}");
    let some = cli(&server, &["--scan", "--pattern", "key:1?"], b"")?.output;
    assert_eq!(some.lines().count(), 10, "{some}");
    Ok(())
}

#[test]
fn redis_cli_finds_the_biggest_keys() -> TestResult {
    let server = node_with_keys(100)?;
    let lengths = cli(&server, &["--bigkeys"], b"")?.output;
    assert!(lengths.contains("Sampled 100 keys in the keyspace"), "{lengths}");
    assert!(lengths.contains("Biggest string found '\"key:99\"' has 100 bytes"), "{lengths}");
    let memory = cli(&server, &["--memkeys"], b"")?.output;
    assert!(memory.contains("Sampled 100 keys in the keyspace"), "{memory}");
    assert!(memory.contains("Biggest string found"), "{memory}");
    Ok(())
}

#[test]
fn redis_cli_finds_hot_keys_under_a_frequency_policy() -> TestResult {
    let server = node_with_keys(20)?;
    let set = ["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"];
    assert_eq!(cli(&server, &set, b"")?.output, "OK\n");
    let found = cli(&server, &["--hotkeys"], b"")?.output;
    assert!(found.contains("Sampled 20 keys in the keyspace"), "{found}");
    Ok(())
}

#[test]
fn redis_cli_inserts_in_bulk() -> TestResult {
    const COUNT: usize = 20_000;
    let server = Server::skep(&[])?;
    let commands = (0..COUNT).flat_map(|number| command(&["SET", &format!("k{number}"), "value"]));
    let done = cli(&server, &["--pipe"], &commands.collect::<Vec<u8>>())?.output;
    assert!(done.contains(&format!("errors: 0, replies: {COUNT}")), "{done}");
    assert_eq!(server.connect()?.say("DBSIZE")?, format!(r":{COUNT}\r\n"));
    Ok(())
}

#[test]
fn redis_cli_measures_latency() -> TestResult {
    let server = Server::skep(&[])?;
    let measured = cli(&server, &["--raw", "--latency", "-i", "0.1"], b"")?.output;
    let figures: Vec<f64> = measured.split_whitespace().flat_map(str::parse).collect();
    // Least, most, mean, and how many.
    assert_eq!(figures.len(), 4, "{measured}");
    assert!(figures[3] > 0.0, "{measured}");
    Ok(())
}

#[test]
fn redis_cli_shows_statistics_as_they_change() -> TestResult {
    let server = node_with_keys(7)?;
    let port = server.port().to_string();
    let mut child =
        spawn("redis-cli".as_ref(), ["-p", &port, "--stat", "-i", "0.05"], |command| {
            command.stdin(Stdio::null()).stdout(Stdio::piped());
        })?;
    let output = child.stdout.take().ok_or("no output")?;
    // It goes on for ever; the third line is the first of figures.
    let lines: Vec<String> = BufReader::new(output).lines().take(3).collect::<Result<_, _>>()?;
    child.kill()?;
    child.wait()?;
    let row = lines.last().ok_or("nothing was printed")?;
    assert_eq!(row.split_whitespace().next(), Some("7"), "{lines:?}");
    Ok(())
}

#[test]
fn redis_benchmark_runs_all_tests_whose_commands_exist() -> TestResult {
    for workers in ["1", "2"] {
        let server = Server::skep(&["--workers", workers])?;
        let mut client = server.connect()?;
        let mut names = Vec::new();
        for (name, commands) in BENCHMARKS {
            let mut exist = true;
            for command in commands {
                exist &= client.say(&format!("COMMAND INFO {command}"))?.starts_with(r"*1\r\n*10");
            }
            names.extend(exist.then_some(name));
        }
        for name in BENCHMARKS_AT_LEAST {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        for pipeline in ["1", "16"] {
            benchmark(&server, &names, pipeline)?;
        }
    }
    Ok(())
}

fn benchmark(server: &Server, names: &[&str], pipeline: &str) -> TestResult {
    let (port, tests) = (server.port().to_string(), names.join(","));
    let line = ["-p", &port, "-q", "-n", "5000", "-c", "20", "-r", "1000", "-P", pipeline];
    let line = line.into_iter().chain(["-t", &tests]);
    let done = run("redis-benchmark", line, b"", BENCHMARK_PATIENCE)?;
    assert!(done.status.success(), "{done:?}");
    assert!(!done.errors.contains("WARNING"), "{done:?}");
    let results = done.output.matches("requests per second").count();
    // `ping` is two tests: inline and as an array.
    assert!(results > names.len(), "{results} results for {names:?}:\n{}", done.output);
    Ok(())
}
