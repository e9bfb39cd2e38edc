use crate::cli::replay::testing::TraceFile;
use crate::cli::testing::outcome_of;
use crate::report::{Cell, Format, RenderOptions, Report};

fn report(trace: &TraceFile, arguments: &str) -> Report {
    outcome_of(trace.line("simulate", arguments)).unwrap()
}

fn error(trace: &TraceFile, arguments: &str) -> String {
    outcome_of(trace.line("simulate", arguments)).unwrap_err()
}

fn layout<'r>(report: &'r Report, name: &str) -> &'r serde_json::Value {
    let layouts = report.result["layouts"].as_array().unwrap();
    layouts.iter().find(|found| found["layout"] == name).unwrap()
}

#[test]
fn losing_a_node_costs_a_ring_its_share_and_a_modulo_nearly_all() {
    let trace = TraceFile::skewed("simulate-loss.csv", 40_000, 3000.0);
    let arguments = "--nodes 5 --mem 9M --layout ring,rendezvous,even,modulo --lose 2";
    let report = report(&trace, arguments);
    let moved = |name| layout(&report, name)["slots_moved"].as_f64().unwrap() / 16_384.0;
    for name in ["ring", "rendezvous", "even"] {
        assert!((0.12..0.30).contains(&moved(name)), "{name} moves {}", moved(name));
    }
    assert!(moved("modulo") > 0.7, "modulo moves {}", moved("modulo"));
    let lost = |name| layout(&report, name)["hits_lost"].as_f64().unwrap();
    assert!(lost("modulo") > 2.0 * lost("rendezvous"), "{} {}", lost("modulo"), lost("ring"));
    let dip = |name| layout(&report, name)["dip"].as_f64().unwrap();
    assert!(dip("modulo") > dip("even"), "{report:?}");
}

#[test]
fn every_access_is_served_by_one_node() {
    let trace = TraceFile::skewed("simulate-all.csv", 10_000, 500.0);
    let report = report(&trace, "--nodes 3 --lose 3 --lose-after 4000");
    let nodes = report.tables().find(|table| table.name == "nodes").unwrap();
    let sum = |column: usize| -> u64 {
        let cells = nodes.rows.iter().map(|row| match row[column] {
            Cell::Count(count) => count,
            _ => panic!("{:?}", row[column]),
        });
        cells.sum()
    };
    assert_eq!((sum(1), sum(2), sum(4)), (16_384, 10_000, 6000));
    let screen = report.render(Format::Table, &RenderOptions { plot: true, ..Default::default() });
    assert!(screen.unwrap().contains("node 3 after 4,000 accesses"));
}

#[test]
fn the_nodes_own_store_can_be_run() {
    let trace = TraceFile::skewed("simulate-node.csv", 20_000, 4000.0);
    let report = report(&trace, "--nodes 2 --mem 10M --engine node");
    let lru = self::report(&trace, "--nodes 2 --mem 10M");
    let ratio = |report: &Report| layout(report, "even")["hit_ratio"].as_f64().unwrap();
    assert!((ratio(&report) - ratio(&lru)).abs() < 0.05, "{} {}", ratio(&report), ratio(&lru));
}

#[test]
fn contradictions_say_how_to_resolve_them() {
    let trace = TraceFile::skewed("simulate-some.csv", 10, 5.0);
    for (arguments, hint) in [
        ("", "--nodes"),
        ("--nodes 0", "1 to"),
        ("--nodes 2000", "1 to"),
        ("--nodes 1 --lose 1", "more --nodes"),
        ("--nodes 3 --lose 4", "1 to 3"),
        ("--nodes 3 --lose-after 5", "--lose"),
        ("--nodes 3 --mem 1M", "give more"),
        ("--nodes 3 --engine node", "--mem"),
        ("--nodes 900 --mem 1G --engine node", "--engine lru"),
        ("--nodes 3 --layout ring --virtual-nodes 0", "150 or more"),
        ("--nodes 3 --requests 0", "no accesses"),
    ] {
        let error = error(&trace, arguments);
        assert!(error.contains(hint), "{arguments}: {error}");
    }
}
