use std::path::PathBuf;

use clap::Parser;

use crate::cli::Planner;
use crate::random::SplitMix;
use crate::report::{Format, RenderOptions, Report};

/// A trace in a file, gone when dropped.
struct TraceFile(PathBuf);

impl TraceFile {
    fn new(name: &str, text: &str) -> TraceFile {
        let name = format!("planner-mrc-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        TraceFile(path)
    }

    /// Requests for skewed objects of 500 bytes.
    fn skewed(name: &str, requests: usize, objects: f64) -> TraceFile {
        let mut random = SplitMix::new(3);
        let mut text = "time,key,size\n".to_owned();
        for number in 0..requests {
            let object = (objects * random.unit().powi(2)) as u64;
            text += &format!("{},object:{object},500\n", number / 1000);
        }
        TraceFile::new(name, &text)
    }

    fn line(&self, arguments: &str) -> Vec<String> {
        let path = self.0.display().to_string();
        let words = ["planner", "mrc", &path].map(str::to_owned).into_iter();
        words.chain(arguments.split_whitespace().map(str::to_owned)).collect()
    }

    fn report(&self, arguments: &str) -> Report {
        Planner::try_parse_from(self.line(arguments)).unwrap().run().unwrap()
    }

    fn error(&self, arguments: &str) -> String {
        match Planner::try_parse_from(self.line(arguments)).map(|planner| planner.run()) {
            Ok(outcome) => outcome.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for TraceFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn cells(report: &Report, table: &str, column: usize) -> Vec<f64> {
    let table = report.tables().find(|found| found.name == table).unwrap();
    table.rows.iter().map(|row| row[column].value().as_f64().unwrap()).collect()
}

#[test]
fn memory_and_hit_ratio_are_inverse_to_each_other() {
    let trace = TraceFile::skewed("inverse.csv", 20_000, 3000.0);
    let report = trace.report("--mem 8M --target-hit 60% --exact");
    let ratio = cells(&report, "memories", 1)[0];
    let memory = cells(&report, "targets", 1)[0];
    let again = trace.report(&format!("--mem {memory} --target-hit {ratio} --exact"));
    assert!((cells(&again, "memories", 1)[0] - 0.6).abs() < 0.01);
    assert!(cells(&again, "targets", 1)[0] <= f64::from(8 << 20));
    assert_eq!(report.result["requests"], 20_000);
    assert_eq!(report.exit_code(false), 0);
}

#[test]
fn a_curve_rises_to_what_is_possible() {
    let trace = TraceFile::skewed("rises.csv", 10_000, 2000.0);
    let report = trace.report("--bare");
    let ratios = cells(&report, "curve", 1);
    assert!(ratios.is_sorted() && ratios[0] < 0.3, "{ratios:?}");
    assert_eq!(ratios.last().copied(), report.result["hit_ratio_max"].as_f64());
    let screen =
        report.render(Format::Table, &RenderOptions { plot: true, ..RenderOptions::default() });
    assert!(screen.unwrap().contains("memory, MB"));
}

#[test]
fn a_hit_ratio_that_no_memory_gives_is_an_answer_with_exit_code_1() {
    let trace = TraceFile::skewed("unreachable.csv", 5000, 2000.0);
    let report = trace.report("--target-hit 99.9%");
    assert_eq!(report.exit_code(false), 1);
    assert_eq!(report.warnings[0].id, "unreachable");
}

#[test]
fn a_node_is_simulated_beside_the_curve() {
    let trace = TraceFile::skewed("simulate.csv", 60_000, 20_000.0);
    let report = trace.report("--mem 10M,14M --simulate --policy allkeys-lru");
    let (lru, node) = (cells(&report, "memories", 1), cells(&report, "memories", 3));
    for (lru, node) in lru.iter().zip(&node) {
        assert!((lru - node).abs() < 0.05, "the model says {lru}, the node {node}");
    }
    assert!(node[1] > node[0], "{node:?}");
    assert!(cells(&report, "memories", 5)[0] > 1000.0, "nothing was evicted");
}

#[test]
fn a_live_object_expires_in_the_model_and_in_the_node() {
    let mut text = "time,key,size,ttl,op\n".to_owned();
    for second in 0..400 {
        text += &format!("{second},a,100,10,get\n");
    }
    let trace = TraceFile::new("ttl.csv", &text);
    let report = trace.report("--mem 16M --simulate");
    // One request in ten comes when the object has just expired.
    assert!((cells(&report, "memories", 1)[0] - 0.9).abs() < 0.01);
    assert!((cells(&report, "memories", 3)[0] - 0.9).abs() < 0.01);
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
        let error = trace.error(arguments);
        assert!(error.contains(hint), "{arguments}: {error}");
    }
    let planner = Planner::try_parse_from(["planner", "mrc"]).unwrap();
    assert!(planner.run().unwrap_err().to_string().contains("name a trace"));
}
