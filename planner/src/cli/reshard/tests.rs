use std::fs;
use std::path::PathBuf;

use clap::Parser;
use skep_tests::Scratch;

use crate::cli::Planner;
use crate::error::{EXIT_CHANGED, EXIT_SOURCE, EXIT_USAGE, PlanError};
use crate::report::{Format, RenderOptions, Report};

fn outcome(line: &str) -> Result<Report, PlanError> {
    Planner::try_parse_from(line.split_whitespace())
        .map_err(|error| PlanError::usage(error.to_string()))?
        .run()
}

fn report(line: &str) -> Report {
    outcome(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn written(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let path = scratch.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

const NODES: &str = "\
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-5460
67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:7002@17002 master - 0 1 2 connected 5461-10922
292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 127.0.0.1:7003@17003 master - 0 1 3 connected 10923-16383
07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:7004@17004 master - 0 1 0 connected
824fe116063bc5fcf9f4ffd895bc17aee7731ac3 127.0.0.1:7005@17005 slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1 1 connected
";

#[test]
fn a_fourth_node_gets_a_quarter_and_nothing_else_moves() {
    let report = report("planner reshard --masters 3 --add node-4");
    assert_eq!(report.result["moved_slots"], 4096);
    assert_eq!(report.result["fewest_slots"], 4096);
    assert_eq!(report.result["naive_slots"], 8192);
    let moves = report.result["moves"].as_array().unwrap();
    assert_eq!(moves.len(), 3);
    assert!(moves.iter().all(|part| part["to"] == "node-4"), "{moves:?}");
    assert_eq!(report.exit_code(false), 0);
    let text = report.render(Format::Table, &RenderOptions::default()).unwrap();
    assert!(text.contains("moves    4,096 of 16,384 slots (25.0 %)"), "{text}");
}

#[test]
fn a_layout_comes_from_json_a_whole_answer_or_cluster_nodes() {
    let scratch = Scratch::new("reshard").unwrap();
    let nodes = written(&scratch, "nodes.txt", NODES);
    let line = format!("planner reshard --from-layout {} --balance slots", nodes.display());
    let answer = report(&line);
    assert_eq!(answer.result["moved_slots"], 4096, "the empty master gets its share");
    let whole = answer.render(Format::Json, &RenderOptions::default()).unwrap();
    let whole = written(&scratch, "whole.json", &whole);
    let alone = written(&scratch, "alone.json", &answer.result["layout"].to_string());
    for file in [&whole, &alone] {
        let (nodes, file) = (nodes.display(), file.display());
        let there = report(&format!("planner reshard --from-layout {nodes} --to {file}"));
        assert_eq!(there.result["target_digest"], answer.result["target_digest"]);
        let back = report(&format!("planner reshard --from-layout {file} --to {nodes}"));
        assert_eq!(back.result["moved_slots"], 4096);
        assert_eq!(back.result["target_digest"], answer.result["start_digest"]);
    }
}

#[test]
fn a_node_that_leaves_or_weighs_more_gives_or_gets_its_share() {
    let gone = report("planner reshard --masters 4 --remove node-2");
    assert_eq!(gone.result["moved_slots"], 4096);
    let moves = gone.result["moves"].as_array().unwrap();
    assert!(moves.iter().all(|part| part["from"] == "node-2"), "{moves:?}");
    let heavy = report("planner reshard --masters 2 --weights node-1=3");
    assert_eq!(heavy.result["moved_slots"], 4096, "from 8,192 to 12,288");
    let swap = report("planner reshard --masters 3 --add new --remove node-1");
    assert_eq!(swap.result["moved_slots"], swap.result["fewest_slots"]);
}

#[test]
fn bytes_are_balanced_where_slots_are_even() {
    let scratch = Scratch::new("reshard").unwrap();
    let mut text = "slot,keys,bytes,ops\n".to_owned();
    for slot in 0..16_384 {
        let bytes = if slot < 8192 { 3000 } else { 1000 };
        text += &format!("{slot},10,{bytes},1.5\n");
    }
    let stats = written(&scratch, "stats.csv", &text);
    let stats = stats.display();
    let line = format!("planner reshard --masters 2 --slot-stats {stats}");
    let by_bytes = report(&format!("{line} --balance bytes --tolerance 0.1%"));
    let moves = by_bytes.result["moves"].as_array().unwrap();
    assert_eq!(moves.len(), 1);
    let moved = moves[0]["bytes"].as_f64().unwrap();
    assert!((moved / 8_192_000.0 - 1.0).abs() < 0.01, "a quarter of 32 MB: {moved}");
    assert_eq!(report(&format!("{line} --balance ops")).result["moved_slots"], 0);
}

#[test]
fn a_limit_that_leaves_no_order_is_a_violation_that_names_the_node() {
    let line = "planner reshard --masters 2 --weights 1,3 --data 16G";
    let free = report(&format!("{line} --node-limit 13G"));
    assert_eq!(free.exit_code(false), 0);
    let stuck = report(&format!("{line} --node-limit 10G"));
    assert_eq!(stuck.exit_code(false), 1);
    assert_eq!(stuck.result["stuck"]["shard"], "node-2");
    assert!(stuck.result["stuck"]["short_bytes"].as_u64().unwrap() > 0);
    let text = stuck.render(Format::Table, &RenderOptions::default()).unwrap();
    assert!(text.contains("stuck    node-2 lacks"), "{text}");
}

#[test]
fn a_plan_is_resumed_from_its_own_states_only() {
    let scratch = Scratch::new("reshard").unwrap();
    let nodes = written(&scratch, "nodes.txt", NODES);
    let plan = scratch.path().join("plan.json");
    let (from, file) = (nodes.display(), plan.display());
    let made = report(&format!(
        "planner reshard -q --from-layout {from} --balance slots --batch 100 --plan {file}"
    ));
    let at = |state: &str| {
        let state = written(&scratch, "now.txt", state);
        outcome(&format!("planner reshard --resume {file} --from-layout {}", state.display()))
    };
    let begun = at(NODES).unwrap();
    assert_eq!(
        (&begun.result["done_moves"], &begun.result["left_moves"]),
        (&0.into(), &4096.into())
    );
    assert_eq!(begun.result["batches"], made.result["batches"]);
    // The second node gave two slots of those that it is to give.
    let part = NODES.replace("connected 5461-10922", "connected 5461-10920");
    let part = part.replace("1 0 connected", "1 0 connected 10921-10922");
    let going = at(&part).unwrap();
    assert_eq!(
        (&going.result["done_moves"], &going.result["left_moves"]),
        (&2.into(), &4094.into())
    );
    // The first node lost a slot that stays with it.
    let other = NODES.replace("connected 0-5460", "connected 1-5460");
    let other = other.replace("1 0 connected", "1 0 connected 0");
    let error = at(&other).unwrap_err();
    assert_eq!(error.exit_code(), EXIT_CHANGED, "{error}");
    let named = "0 at 127.0.0.1:7004 instead of 127.0.0.1:7001";
    assert!(error.to_string().contains(named), "{error}");
    let damaged =
        fs::read_to_string(&plan).unwrap().replacen("\"slots\": \"", "\"slots\": \"7,", 1);
    fs::write(&plan, damaged).unwrap();
    assert_eq!(at(NODES).unwrap_err().exit_code(), EXIT_SOURCE);
}

#[test]
fn a_forecast_has_its_formula_and_the_keys_that_pause() {
    let scratch = Scratch::new("reshard").unwrap();
    let keys = written(&scratch, "keys.csv", "key,bytes\nfoo,400000000\n{user1}:x,5\nbar,7\n");
    let line = "planner reshard --masters 2 --remove node-2 --keys 10M --data 4G --slot-rtt 1ms";
    let line = format!("{line} --bandwidth 100M --keys-rate 10k --big-keys {}", keys.display());
    let report = report(&line);
    // Half of the keys at 10k/s (bytes are faster), and 8,192 hand-overs.
    let seconds = report.result["forecast"]["p50_seconds"].as_f64().unwrap();
    // Keys are whole in every slot, so a few of ten million are missing.
    assert!((seconds / (500.0 + 8.192) - 1.0).abs() < 1e-3, "{seconds}");
    let pausing = report.result["big_keys"].as_array().unwrap();
    assert_eq!(pausing[0]["key"], "foo");
    assert_eq!(pausing[0]["slot"], 12_182);
    let pause = pausing[0]["pause_seconds"].as_f64().unwrap();
    assert!((pause - 400e6 / (100.0 * 1_048_576.0)).abs() < 1e-6, "{pause}");
    assert!(pausing.iter().all(|key| key["slot"].as_u64().unwrap() >= 8192), "only what moves");
    assert!(report.warnings.iter().any(|warning| warning.id == "pause"));
    let options = RenderOptions { explain: true, ..RenderOptions::default() };
    let text = report.render(Format::Table, &options).unwrap();
    assert!(text.contains("time, p90") && text.contains("longest pause"), "{text}");
}

#[test]
fn commands_name_every_slot_that_moves() {
    let shell = report("planner reshard --masters 3 --add 10.0.0.4:7000 --emit redis-cli");
    let lines = shell.result["commands"].as_array().unwrap();
    let moved: u32 = lines
        .iter()
        .filter_map(|line| line.as_str()?.strip_prefix("migrate "))
        .filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(words[2..4], ["10.0.0.4", "7000"]);
            Some(words[5].parse::<u32>().ok()? - words[4].parse::<u32>().ok()? + 1)
        })
        .sum();
    assert_eq!(moved, 4096);
    let scratch = Scratch::new("reshard").unwrap();
    let nodes = written(&scratch, "nodes.txt", NODES);
    let node = report(&format!(
        "planner reshard --from-layout {} --balance slots --emit node",
        nodes.display()
    ));
    let text = node.render(Format::Table, &RenderOptions::default()).unwrap();
    let id = "NODE 07c37dfeb235213a872192d90877d0cd55635b91";
    assert!(text.contains("CLUSTER MIGRATESLOTS SLOTSRANGE ") && text.contains(id), "{text}");
}

#[test]
fn contradictions_and_damage_say_how_to_resolve_them() {
    let scratch = Scratch::new("reshard").unwrap();
    let damaged = written(&scratch, "half.txt", &NODES.replace("0-5460", "0-5459"));
    let stats = written(&scratch, "stats.csv", "slot,keys\n1,2\n1,3\n");
    let base = "planner reshard --masters 3";
    let cases = [
        ("planner reshard --add x".to_owned(), EXIT_USAGE, "--from-layout FILE or --masters N"),
        (base.to_owned(), EXIT_USAGE, "where to go is missing"),
        (format!("{base} --add node-1"), EXIT_USAGE, "a name of its own"),
        (format!("{base} --add x,x"), EXIT_USAGE, "a name of its own"),
        (format!("{base} --remove x"), EXIT_USAGE, "there is no such shard"),
        (format!("{base} --remove node-1,node-2,node-3"), EXIT_USAGE, "all weights are 0"),
        (format!("{base} --add x --node-limit 1G"), EXIT_USAGE, "--slot-stats FILE"),
        (format!("{base} --balance bytes"), EXIT_USAGE, "--slot-stats FILE"),
        (format!("{base} --add x --keys-rate 9..3"), EXIT_USAGE, "--keys-rate"),
        (format!("{base} --add x --bandwidth 0"), EXIT_USAGE, "--bandwidth"),
        (format!("{base} --add x --parallel 0"), EXIT_USAGE, "--parallel"),
        (format!("{base} --add x --batch 0"), EXIT_USAGE, "--batch"),
        (format!("{base} --from-layout x --add x"), EXIT_USAGE, "cannot be used with"),
        (format!("{base} --add x --slot-stats {}", stats.display()), EXIT_SOURCE, "slot 1 twice"),
        (
            format!("planner reshard --add x --from-layout {}", damaged.display()),
            EXIT_SOURCE,
            "nobody owns the slots 5460",
        ),
    ];
    for (line, code, hint) in cases {
        let error = outcome(&line).expect_err(&line);
        assert_eq!(error.exit_code(), code, "{line}: {error}");
        assert!(error.to_string().contains(hint), "{line}: {error}");
    }
}
