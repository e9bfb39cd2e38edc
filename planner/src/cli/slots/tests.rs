use crate::cli::testing::{error, report, screen};
use crate::report::{Format, RenderOptions};

#[test]
fn three_masters_get_the_articles_ranges() {
    assert_eq!(
        screen("planner slots --masters 3"),
        "\
even        3 shards, 16,384 slots, busiest over fair share 1.000

shard   slots    share  ranges
node-1  5,461  33.33 %  0-5460
node-2  5,462  33.34 %  5461-10922
node-3  5,461  33.33 %  10923-16383

growth  one more shard, laid out anew, moves 8,192 slots (50.0 %); the least for an exact balance is 4,096  planner reshard --add NAME
"
    );
}

#[test]
fn zones_prove_that_any_may_be_lost() {
    let report = report("planner slots --zones a=2,b=2,c=2");
    assert_eq!(report.result["uncovered_slots_max"], 0);
    assert_eq!(report.exit_code(true), 0);
    let text = screen("planner slots --zones a=2,b=2,c=2");
    assert!(text.contains("losing any one zone leaves 0 slots uncovered"), "{text}");
    let bare = screen("planner slots --zones a=2,b=2,c=2 --replicas 0");
    assert!(bare.contains("losing a zone loses up to"), "{bare}");
}

#[test]
fn modulo_shows_what_it_costs() {
    let report = report("planner slots --masters 3 --layout modulo");
    assert_eq!(report.result["growth_moved_slots"], 12_286);
    assert_eq!(report.warnings[0].id, "moves_nearly_everything");
}

#[test]
fn weights_are_followed_and_zero_means_nothing() {
    let report = report("planner slots --nodes a,b,c --weights 2,1,0");
    assert_eq!(
        report.result["layout"],
        serde_json::json!({"version": 1, "shards": [
            {"name": "a", "ranges": [[0, 10_922]]},
            {"name": "b", "ranges": [[10_923, 16_383]]},
            {"name": "c", "ranges": []},
        ]})
    );
}

#[test]
fn commands_can_be_copied() {
    let text = screen("planner slots --nodes 10.0.0.1:7000,cache-2 --emit redis-cli");
    assert!(
        text.contains("redis-cli -h 10.0.0.1 -p 7000 CLUSTER ADDSLOTSRANGE 0 8191\n"),
        "{text}"
    );
    assert!(text.contains("redis-cli -h cache-2 -p 6379 CLUSTER ADDSLOTSRANGE 8192 16383\n"));
    let zones = report("planner slots --zones a=1,b=1,c=1 --replicas 2 --emit redis-cli");
    let commands = zones.result["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 3);
    let node = screen("planner slots --masters 2 --emit node");
    assert!(node.contains("# at node-1\nCLUSTER ADDSLOTSRANGE 0 8191\n"), "{node}");
    assert!(node.contains("Skep will with its cluster release"), "{node}");
    let node = screen("planner slots --zones a=1,b=1,c=1 --replicas 2 --masters 1 --emit node");
    assert!(node.contains("ID is what CLUSTER MYID says at"), "{node}");
}

#[test]
fn the_ring_is_exported_so_that_clients_can_compute_it() {
    let report = report("planner slots --nodes a,b --layout ring --vnodes 20");
    assert_eq!(report.result["ring"]["version"], 1);
    assert_eq!(report.result["ring"]["virtual_nodes"], 20);
    assert_eq!(report.result["ring"]["names"][1], "b");
    let svg = report.render(Format::Svg, &RenderOptions::default()).unwrap();
    assert!(svg.starts_with("<svg"));
}

#[test]
fn contradictions_say_how_to_resolve_them() {
    let cases = [
        ("planner slots", "--masters N"),
        ("planner slots --masters 0", "at least 1"),
        ("planner slots --masters 16385", "at most 16384"),
        ("planner slots --masters 3 --nodes a,b", "cannot be used with"),
        ("planner slots --nodes a,,b", "empty name"),
        ("planner slots --nodes a,a --layout ring", "occurs twice"),
        ("planner slots --masters 3 --layout even --weights 1,2,3", "weighted, ring"),
        ("planner slots --masters 3 --weights 0,0,0", "all weights are 0"),
        ("planner slots --masters 3 --vnodes 5", "--layout ring"),
        ("planner slots --masters 3 --layout ring --vnodes 0", "a ring needs some"),
        ("planner slots --masters 3 --layout zones", "--zones a=2,b=2,c=2"),
        ("planner slots --zones a=2,b=2 --layout ring", "--layout zones"),
        ("planner slots --zones a=2,b --replicas 1", "zone=nodes"),
        ("planner slots --zones a=2,a=2", "twice"),
        ("planner slots --zones a=2,b=2 --replicas 2", "need 3 zones"),
        ("planner slots --zones a=4,b=1,c=1 --masters 3", "zone a has more nodes"),
        ("planner slots --masters 3 --replicas 1", "--zones"),
    ];
    for (line, hint) in cases {
        let error = error(line);
        assert!(error.contains(hint), "{line}: {error}");
    }
}
