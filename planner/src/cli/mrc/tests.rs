use crate::cli::replay::testing::TraceFile;
use crate::cli::testing::outcome_of;
use crate::report::{Format, RenderOptions, Report};

fn report(trace: &TraceFile, arguments: &str) -> Report {
    outcome_of(trace.line("mrc", arguments)).unwrap()
}

fn error(trace: &TraceFile, arguments: &str) -> String {
    outcome_of(trace.line("mrc", arguments)).unwrap_err()
}

fn cells(report: &Report, table: &str, column: usize) -> Vec<f64> {
    let table = report.tables().find(|found| found.name == table).unwrap();
    table.rows.iter().map(|row| row[column].value().as_f64().unwrap()).collect()
}

#[test]
fn memory_and_hit_ratio_are_inverse_to_each_other() {
    let trace = TraceFile::skewed("inverse.csv", 20_000, 3000.0);
    let answer = report(&trace, "--mem 9M --target-hit 60% --exact");
    let ratio = cells(&answer, "memories", 1)[0];
    let memory = cells(&answer, "targets", 1)[0];
    let again = report(&trace, &format!("--mem {memory} --target-hit {ratio} --exact"));
    assert!((cells(&again, "memories", 1)[0] - 0.6).abs() < 0.01);
    assert!(cells(&again, "targets", 1)[0] <= f64::from(9 << 20));
    assert_eq!(answer.result["requests"], 20_000);
    assert_eq!(answer.exit_code(false), 0);
}

#[test]
fn a_curve_rises_to_what_is_possible() {
    let trace = TraceFile::skewed("rises.csv", 10_000, 2000.0);
    let answer = report(&trace, "--bare");
    let ratios = cells(&answer, "curve", 1);
    assert!(ratios.is_sorted() && ratios[0] < 0.3, "{ratios:?}");
    assert_eq!(ratios.last().copied(), answer.result["hit_ratio_max"].as_f64());
    let screen =
        answer.render(Format::Table, &RenderOptions { plot: true, ..RenderOptions::default() });
    assert!(screen.unwrap().contains("memory, MB"));
}

#[test]
fn a_hit_ratio_that_no_memory_gives_is_an_answer_with_exit_code_1() {
    let trace = TraceFile::skewed("unreachable.csv", 5000, 2000.0);
    let answer = report(&trace, "--target-hit 99.9%");
    assert_eq!(answer.exit_code(false), 1);
    assert_eq!(answer.warnings[0].id, "unreachable");
}

#[test]
fn a_node_is_simulated_beside_the_curve() {
    let trace = TraceFile::skewed("simulate.csv", 60_000, 20_000.0);
    let answer = report(&trace, "--mem 10M,14M --simulate --policy allkeys-lru");
    let (lru, node) = (cells(&answer, "memories", 1), cells(&answer, "memories", 3));
    for (lru, node) in lru.iter().zip(&node) {
        assert!((lru - node).abs() < 0.05, "the model says {lru}, the node {node}");
    }
    assert!(node[1] > node[0], "{node:?}");
    assert!(cells(&answer, "memories", 5)[0] > 1000.0, "nothing was evicted");
}

#[test]
fn a_live_object_expires_in_the_model_and_in_the_node() {
    let mut text = "time,key,size,ttl,op\n".to_owned();
    for second in 0..400 {
        text += &format!("{second},a,100,10,get\n");
    }
    let trace = TraceFile::new("ttl.csv", &text);
    let answer = report(&trace, "--mem 16M --simulate");
    // One request in ten comes when the object has just expired.
    assert!((cells(&answer, "memories", 1)[0] - 0.9).abs() < 0.01);
    assert!((cells(&answer, "memories", 3)[0] - 0.9).abs() < 0.01);
}

#[test]
fn contradictions_say_how_to_resolve_them() {
    let trace = TraceFile::new("some.csv", "key\na\na\nb");
    for (arguments, hint) in [
        ("--simulate", "--mem"),
        ("--mem 1M", "give more"),
        ("--exact --rate 5%", "cannot be used with"),
        ("--rate 0 --objects-min 0", "1% or more"),
        ("--policy lru", "allkeys-lru"),
        ("--mem 64M --simulate --bare", "cannot be used with"),
        ("--pace 0", "give a rate"),
        ("--requests 0", "no requests"),
        ("--trace-format u32be", "ends inside"),
    ] {
        let error = error(&trace, arguments);
        assert!(error.contains(hint), "{arguments}: {error}");
    }
    assert!(outcome_of(["planner", "mrc"]).unwrap_err().contains("name a trace"));
}
