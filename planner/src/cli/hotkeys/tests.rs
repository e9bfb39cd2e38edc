use skep_tests::Scratch;

use crate::cli::testing::{figure, outcome, report};
use crate::report::{Format, RenderOptions};

#[test]
fn the_articles_example_has_its_five_and_what_it_does_not_say() {
    let report = outcome("planner hotkeys --hot 1%=50% --nodes 10").unwrap();
    assert_eq!(figure(&report, "group_index"), 5.0);
    assert!((figure(&report, "times_mean_key") - 50.0).abs() < 1e-9);
    assert!((figure(&report, "times_cold_key") - 99.0).abs() < 1e-9);
    let sizes = report.tables().find(|table| table.name == "sizes").unwrap();
    assert_eq!(sizes.rows.len(), 5, "how many keys there are is open");
    let text = report.render(Format::Table, &RenderOptions::default()).unwrap();
    assert!(!text.contains("probability of being hot"), "an index is no probability: {text}");
}

#[test]
fn a_limit_that_is_exceeded_too_often_is_exit_code_1() {
    let line = "planner hotkeys --zipf 0.99 --nodes 10 --limit";
    assert_eq!(outcome(&format!("{line} 2.5")).unwrap().exit_code(false), 0);
    assert_eq!(outcome(&format!("{line} 1.2")).unwrap().exit_code(false), 1);
    assert_eq!(outcome(&format!("{line} 1.2 --risk 100%")).unwrap().exit_code(false), 0);
}

#[test]
fn replicating_a_key_to_all_nodes_evens_them_out() {
    let report = outcome("planner hotkeys --key-share 50% --nodes 10").unwrap();
    let of = |name: &str| {
        report.alternatives.iter().find(|value| value["mitigation"] == name).unwrap().clone()
    };
    let number = |name: &str, field: &str| of(name)[field].as_f64().unwrap();
    assert!((number("none", "busiest_node") - 5.5).abs() < 1e-9);
    assert!((number("replicate", "busiest_node") - 1.225).abs() < 1e-9);
    assert!((number("replicate", "total_work") - 1.225).abs() < 1e-9);
    assert!(number("replicate", "imbalance_p95") < 1.3, "{}", of("replicate"));
    assert!(number("none", "imbalance_p95") > 5.0, "{}", of("none"));
    assert!(number("spread_and_merge", "total_work") > 5.0, "a merging reader asks every part");
    assert_eq!(number("dedicated", "extra_nodes"), 3.0);
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_gives_another() {
    let of = |seed: u32| {
        let line = format!("planner hotkeys --zipf 1.1 --keys 10k --nodes 5 --seed {seed}");
        outcome(&line).unwrap().render(Format::Json, &RenderOptions::default()).unwrap()
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    assert!(of(7).contains("\"seed\": 7"));
}

#[test]
fn an_uneven_layout_goes_into_the_figures() {
    let of = |layout: &str| {
        // So many keys, alike: what is left is the layout.
        report(&format!("planner hotkeys --zipf 0 --keys 1G --nodes 10 --layout {layout}"))
    };
    let slots = report("planner slots --masters 10 --layout ring");
    let owned = figure(&slots, "imbalance");
    assert!(owned > 1.05, "{owned}");
    let ring = of("ring");
    assert!((figure(&ring, "imbalance_slots") - owned).abs() < 1e-9);
    assert!((figure(&ring, "imbalance_p50") - owned).abs() < 0.01, "{:?}", ring.result);
    assert!(figure(&of("even"), "imbalance_p50") < 1.01);
    assert!(figure(&of("ring --vnodes 2"), "imbalance_p50") > owned);
}

#[test]
fn hot_keys_of_a_trace_have_their_names() {
    let scratch = Scratch::new("hotkeys-trace").unwrap();
    let path = scratch.path().join("trace.csv");
    let others: String = (0..3000).map(|at| format!("rare:{at}\nhot:1\n")).collect();
    std::fs::write(&path, format!("key\n{others}")).unwrap();
    let report = report(&format!("planner hotkeys --nodes 4 --trace {}", path.display()));
    let table = report.tables().next().unwrap();
    assert_eq!(table.rows[0][0], crate::report::Cell::text("hot:1"));
    assert!((figure(&report, "key_index") - 2.0).abs() < 1e-9);
}

#[test]
fn a_list_of_keys_is_read_with_its_names() {
    let scratch = Scratch::new("hotkeys").unwrap();
    let path = scratch.path().join("top.csv");
    std::fs::write(&path, "key,count\ncart:7,100\n\"a,b\",300\n").unwrap();
    let line = format!("planner hotkeys --nodes 4 --top-file {}", path.display());
    let report = outcome(&format!("{line} --total 1000 --keys 1000")).unwrap();
    let table = report.tables().next().unwrap();
    assert_eq!(table.rows[0][0], crate::report::Cell::text("a,b"));
    assert!((figure(&report, "key_index") - 1.2).abs() < 1e-9);
    std::fs::write(&path, "key,count\nx,1\ny,many\n").unwrap();
    let error = outcome(&line).unwrap_err();
    assert!(error.contains("row 3"), "{error}");
    std::fs::write(&path, "").unwrap();
    assert!(outcome(&line).unwrap_err().contains("no row"));
}

#[test]
fn contradictions_say_how_to_resolve_them() {
    for (line, hint) in [
        ("planner hotkeys --zipf 1", "--nodes"),
        ("planner hotkeys --nodes 10", "--zipf"),
        ("planner hotkeys --nodes 0 --zipf 1", "at least 1"),
        ("planner hotkeys --nodes 99999 --zipf 1", "at most"),
        ("planner hotkeys --nodes 3 --zipf 1 --vnodes 9", "--layout ring"),
        ("planner hotkeys --nodes 3 --zipf 1 --layout ring --vnodes 0", "virtual"),
        ("planner hotkeys --nodes 3 --zipf 1 --total 9", "--top-file or --from"),
        ("planner hotkeys --nodes 3 --by cpu", "--from"),
        ("planner hotkeys --nodes 3 --from nothing.csv", "is a file"),
        ("planner hotkeys --nodes 3 --zipf nan", "exponent"),
        ("planner hotkeys --nodes 3 --zipf 9", "exponent"),
        ("planner hotkeys --nodes 3 --zipf 1 --hot 1%=50%", "cannot be used with"),
        ("planner hotkeys --nodes 3 --hot 1%", "KEYS=SHARE"),
        ("planner hotkeys --nodes 3 --hot 50%=60% --hot 50%=60%", "100%"),
        ("planner hotkeys --nodes 3 --zipf 1 --keys 0", "at least 1"),
        ("planner hotkeys --nodes 3 --zipf 1 --trials 0", "at least 1"),
        ("planner hotkeys --nodes 3 --zipf 1 --trials 4000000000", "lower --trials"),
        ("planner hotkeys --nodes 3 --zipf 1 --replicate 4", "only 3 nodes"),
        ("planner hotkeys --nodes 3 --zipf 1 --spread 0", "--spread 0"),
        ("planner hotkeys --nodes 3 --zipf 1 --limit 0.5", "at least 1"),
        ("planner hotkeys --nodes 3 --zipf 1 --reads 95", "did you mean 95%"),
        ("planner hotkeys --nodes 3 --top-file /nonexistent/top.csv", "/nonexistent/top.csv"),
    ] {
        let error = outcome(line).unwrap_err();
        assert!(error.contains(hint), "{line}: {error}");
    }
}
