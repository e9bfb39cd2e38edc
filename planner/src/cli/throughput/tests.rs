use clap::CommandFactory;

use crate::cli::Planner;
use crate::cli::testing::{figure, outcome, report};

#[test]
fn the_articles_example_is_shown_in_the_help_and_holds() {
    let mut planner = Planner::command();
    let help = planner.find_subcommand_mut("throughput").unwrap().render_long_help().to_string();
    assert!(help.contains("--nodes 10 --node-ops 200k"), "{help}");
    let report = outcome("planner throughput --nodes 10 --node-ops 200k").unwrap();
    assert_eq!(figure(&report, "ops_per_second"), 2e6);
    assert_eq!(figure(&report, "key_ops_per_second"), 2e5);
    assert_eq!(report.warnings[0].id, "even_traffic");
    let report =
        outcome("planner throughput --nodes 10 --node-ops 200k --imbalance 1.124").unwrap();
    assert!((figure(&report, "ops_per_second") - 1_779_359.0).abs() < 1.0);
    assert!(help.contains("1,779,359/s"), "{help}");
}

#[test]
fn the_busiest_node_of_a_ring_bounds_even_traffic() {
    let line = "planner throughput --nodes 10 --node-ops 200k --layout";
    let owned = figure(&report("planner slots --masters 10 --layout ring"), "imbalance");
    let ring = report(&format!("{line} ring"));
    assert!((figure(&ring, "ops_per_second") - 2e6 / owned).abs() < 1.0, "{:?}", ring.result);
    let even = figure(&report(&format!("{line} even")), "ops_per_second");
    assert!(even > 1.998e6 && even < 2e6, "1,639 slots of a fair 1,638.4: {even}");
    let zipf = figure(&report(&format!("{line} ring --zipf 0.99")), "ops_per_second");
    assert!(zipf < 1.3e6, "Zipf's law alone leaves that: {zipf}");
    let needed = report(&format!("{line} ring --ops 2M"));
    let nodes = figure(&needed, "nodes_needed");
    let line = format!("planner throughput --nodes {nodes} --node-ops 200k --layout ring --ops 2M");
    assert_eq!(report(&line).exit_code(false), 0, "{nodes} nodes are enough");
}

#[test]
fn zipf_traffic_takes_a_third_of_ten_nodes() {
    let report = outcome("planner throughput --nodes 10 --node-ops 200k --zipf 0.99").unwrap();
    let served = figure(&report, "ops_per_second");
    assert!((served - 1.29e6).abs() < 3e4, "2.00 M / 1.55: {served}");
    assert!(figure(&report, "ops_per_second_p5") < served);
}

#[test]
fn a_demand_that_is_not_met_says_how_many_nodes_would() {
    let line = "planner throughput --nodes 10 --node-ops 200k --imbalance 1.25 --ops";
    assert_eq!(outcome(&format!("{line} 1.5M")).unwrap().exit_code(false), 0);
    let report = outcome(&format!("{line} 2M")).unwrap();
    assert_eq!(report.exit_code(false), 1);
    // 2 M x 1.25 / 200 k = 12.5.
    assert_eq!(report.result["nodes_needed"], 13);
    let report = outcome(&format!("{line} 1.5M --survive-loss")).unwrap();
    assert_eq!((report.exit_code(false), &report.result["nodes_needed"]), (1, &11.into()));
    let report =
        outcome("planner throughput --nodes 3 --node-ops 100k --key-share 50% --ops 1M").unwrap();
    assert_eq!(report.exit_code(false), 1);
    assert!(!report.result.contains_key("nodes_needed"), "no number of nodes helps a hot key");
}

#[test]
fn the_limit_that_binds_is_named() {
    let base = "planner throughput --nodes 10 --node-ops 200k --imbalance 1.1";
    for (more, binding) in [
        ("", "node throughput"),
        (" --nic 1G --value-size 16K", "network"),
        (" --key-share 50%", "hottest key"),
        (" --cores 1 --service-time 20us", "cores"),
    ] {
        let report = outcome(&format!("{base}{more}")).unwrap();
        assert_eq!(report.binding.as_deref(), Some(binding), "{more}");
    }
}

#[test]
fn reading_from_replicas_says_that_they_may_be_old() {
    let line = "planner throughput --nodes 3 --node-ops 100k --imbalance 1 --replicas 1";
    let report = outcome(&format!("{line} --read-replicas --reads 100%")).unwrap();
    assert_eq!(figure(&report, "ops_per_second"), 6e5);
    assert_eq!(report.warnings[0].id, "stale_reads");
    assert_eq!(figure(&outcome(line).unwrap(), "ops_per_second"), 3e5);
}

#[test]
fn contradictions_say_how_to_resolve_them() {
    for (line, hint) in [
        ("planner throughput", "--nodes"),
        ("planner throughput --nodes 0 --node-ops 1", "at least 1"),
        ("planner throughput --nodes 3", "--node-ops"),
        ("planner throughput --nodes 3 --node-ops 0", "serves nothing"),
        ("planner throughput --nodes 3 --cores 4", "--service-time"),
        ("planner throughput --nodes 3 --cores 0 --service-time 5us", "--cores 0"),
        ("planner throughput --nodes 3 --cores 4 --service-time 0", "nanosecond"),
        ("planner throughput --nodes 3 --node-ops 1k --imbalance 0.5", "1 or more"),
        ("planner throughput --nodes 3 --node-ops 1k --imbalance NaN", "1 or more"),
        ("planner throughput --nodes 3 --node-ops 1k --imbalance 2 --layout ring", "one of them"),
        ("planner throughput --nodes 20000 --node-ops 1k --layout even", "at most"),
        ("planner throughput --nodes 3 --node-ops 1k --read-replicas", "--replicas"),
        ("planner throughput --nodes 3 --node-ops 1k --replicas 0 --read-replicas", "--replicas"),
        ("planner throughput --nodes 3 --node-ops 1k --nic 1G", "--value-size"),
        ("planner throughput --nodes 3 --node-ops 1k --nic 0 --value-size 1K", "carries nothing"),
        ("planner throughput --nodes 99999 --replicas 9 --node-ops 1k", "planned for"),
        ("planner throughput --nodes 20000 --node-ops 1k --zipf 1", "at most"),
    ] {
        let error = outcome(line).unwrap_err();
        assert!(error.contains(hint), "{line}: {error}");
    }
}
