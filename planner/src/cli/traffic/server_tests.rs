use crate::cli::testing::{FakeServer, bulk, figure, outcome};
use crate::report::{Cell, Report};

/// A list of the protocol; what is a whole number is one.
fn flat(parts: &[&str]) -> String {
    let part = |part: &&str| match (part.parse::<u64>(), part.starts_with(['*', '%'])) {
        (Ok(number), _) => format!(":{number}\r\n"),
        (_, true) => (*part).to_owned(),
        _ => bulk(part),
    };
    format!("*{}\r\n{}", parts.len(), parts.iter().map(part).collect::<String>())
}

fn redis() -> String {
    let (by_cpu, by_net) = (flat(&["hello", "400", "cart", "100"]), flat(&["big", "900"]));
    let session = flat(&[
        "tracking-active",
        "0",
        "sample-ratio",
        "1",
        "selected-slots",
        "*0\r\n",
        "all-commands-all-slots-us",
        "1000",
        "net-bytes-all-commands-all-slots",
        "1000",
        "by-cpu-time-us",
        &by_cpu,
        "by-net-bytes",
        &by_net,
    ]);
    format!("*1\r\n{session}")
}

fn info() -> (&'static str, String) {
    let text = "instantaneous_ops_per_sec:2000\r\ncluster_enabled:1\r\ndb0:keys=500,expires=0\r\n";
    ("INFO", bulk(text))
}

fn ask(hotkeys: String, more: &str) -> Result<Report, String> {
    let server = FakeServer::start(vec![info(), ("HOTKEYS", hotkeys)]);
    outcome(&format!("planner hotkeys --nodes 3 --trials 50 --from {} {more}", server.url()))
}

fn first_row(report: &Report) -> Vec<Cell> {
    report.tables().find(|table| table.name == "keys").unwrap().rows[0].clone()
}

#[test]
fn redis_tells_shares_of_its_time_or_of_its_network() {
    let report = ask(redis(), "").unwrap();
    // 400 of 1000 us, on 3 nodes.
    assert!((figure(&report, "key_index") - 1.2).abs() < 1e-9);
    assert_eq!((&report.inputs["by"], &report.inputs["keys"]), (&"cpu".into(), &500.into()));
    assert_eq!(first_row(&report)[0], Cell::text("hello"));
    let ids: Vec<_> = report.warnings.iter().map(|warning| warning.id).collect();
    assert_eq!(ids, ["one_node"], "a node of a cluster has only its part of the traffic");
    let report = ask(redis(), "--by net").unwrap();
    assert!((figure(&report, "key_index") - 2.7).abs() < 1e-9);
    let error = ask(redis(), "--by ops").unwrap_err();
    assert!(error.contains("--by cpu or net"), "{error}");
    let error = ask(redis(), "--total 100").unwrap_err();
    assert!(error.contains("less than the 500 us"), "{error}");
}

#[test]
fn a_key_that_is_told_is_on_the_node_that_owns_its_slot() {
    // The slot of "hello" is 866: the first of three even ranges, and 2 modulo 3.
    let node = |layout: &str| first_row(&ask(redis(), layout).unwrap()).pop();
    assert_eq!(node("--layout even"), Some(Cell::Count(1)));
    assert_eq!(node("--layout modulo"), Some(Cell::Count(3)));
}

#[test]
fn valkey_tells_operations_a_second_of_those_that_info_counts() {
    let entry = |key: &str, database: &str, qps: &str| {
        let fields = ["key", key, "db", database, "qps", qps];
        flat(&fields).replacen("*6", "%3", 1)
    };
    for answer in [
        flat(&[&entry("hello", "0", "1500"), &entry("cart", "2", "100")]),
        flat(&[&entry("hello", "0", "1500"), &entry("cart", "2", "100")]).replace("%3", "*6"),
    ] {
        let report = ask(answer.clone(), "").unwrap();
        assert!((figure(&report, "key_index") - 2.25).abs() < 1e-9, "1500 of 2000 on 3 nodes");
        let table = report.tables().next().unwrap();
        assert_eq!(table.rows[1][0], Cell::text("cart (database 2)"));
        assert!((figure(&ask(answer, "--total 3000").unwrap(), "key_index") - 1.5).abs() < 1e-9);
    }
}

#[test]
fn servers_with_nothing_to_tell_say_what_to_do() {
    for (answer, hint) in [
        ("*-1\r\n", "HOTKEYS START"),
        ("$-1\r\n", "HOTKEYS START"),
        ("*0\r\n", "hotkey-top-k"),
        ("+OK\r\n", "no known form"),
        ("*1\r\n:3\r\n", "no known form"),
        ("!what\r\n", "does not speak"),
    ] {
        let error = ask(answer.to_owned(), "").unwrap_err();
        assert!(error.contains(hint), "{answer:?}: {error}");
    }
}

#[test]
fn a_server_that_does_not_know_it_is_listened_to_and_the_answer_says_so() {
    let line = |time: u32, words: &str| format!("+{time}.5 [0 127.0.0.1:5] {words}\r\n");
    let monitor = "+OK\r\n".to_owned()
        + &line(1, r#""GET" "hello""#)
        + &line(1, r#""SET" "a b" "x""#)
        + &line(2, r#""MGET" "hello" "hello""#);
    let start = || FakeServer::start(vec![info(), ("MONITOR", monitor.clone())]);
    let server = start();
    let line =
        format!("planner hotkeys --nodes 2 --trials 50 --seconds 0.2 --from {}", server.url());
    let report = outcome(&line).unwrap();
    assert!((figure(&report, "key_index") - 1.5).abs() < 1e-9, "3 of 4 on 2 nodes");
    assert_eq!((&report.inputs["by"], &report.inputs["reads"]), (&"monitor".into(), &0.75.into()));
    let warning = report.warnings.iter().find(|warning| warning.id == "monitor").unwrap();
    assert!(warning.what.contains("unknown command"), "{}", warning.what);
    drop(server);
    for (more, hint) in [
        ("--by cpu", "Redis from 8.6 on"),
        ("--by ops", "--by monitor"),
        ("--total 7", "counts all"),
        ("--by monitor --total 7", "counts all"),
        ("--seconds 0", "--seconds"),
        ("--zipf 1", "cannot be used"),
        ("--top-file x", "cannot be used"),
    ] {
        let server = start();
        let line = format!("planner hotkeys --nodes 2 --from {} {more}", server.url());
        let error = outcome(&line).unwrap_err();
        assert!(error.contains(hint), "{more}: {error}");
    }
    let silent = FakeServer::start(vec![info(), ("MONITOR", "+OK\r\n".to_owned())]);
    let line = format!("planner hotkeys --nodes 2 --seconds 0.1 --from {}", silent.url());
    assert!(outcome(&line).unwrap_err().contains("listen longer"));
}
