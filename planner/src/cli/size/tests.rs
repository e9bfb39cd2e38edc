use crate::cli::testing::{error, figure, report, screen};

#[test]
fn the_articles_screen_byte_for_byte() {
    let screen = screen("planner size --masters 3 --mem 16G");
    assert_eq!(screen, include_str!("screen.txt"));
}

#[test]
fn total_memory_is_divided_among_all_nodes() {
    let whole = report("planner size --masters 3 --total-mem 96G");
    let each = report("planner size --masters 3 --mem 16G");
    assert_eq!(whole.result, each.result);
}

#[test]
fn the_smallest_cluster_names_what_drove_it() {
    let small = report("planner size --data 1G --mem 16G");
    assert_eq!(small.binding.as_deref(), Some("majority"));
    assert_eq!(small.result["primaries"], 3);
    let large = report("planner size --data 200G --mem 16G");
    assert_eq!(large.binding.as_deref(), Some("memory"));
    // 16 / 1.2 x 0.7 = 9.33 GB a primary.
    assert_eq!(large.result["primaries"], 22);
    let busy = report("planner size --data 1G --mem 16G --ops 2M --node-ops 200k");
    assert_eq!(busy.binding.as_deref(), Some("throughput"));
    assert_eq!(busy.result["primaries"], 10);
}

#[test]
fn data_that_does_not_fit_is_an_answer_with_exit_code_1() {
    let report = report("planner size --masters 3 --mem 16G --data 20G");
    assert_eq!(report.exit_code(false), 1);
    assert!(screen("planner size --masters 3 --mem 16G --data 20G").contains("does NOT fit"));
}

#[test]
fn items_become_data_by_the_layout_of_their_server() {
    let line = "planner size --arrivals 500/s --ttl 24h --shape sessions --mem 16G";
    let skep = report(line);
    assert_eq!(skep.inputs["keys"], 43_200_000);
    let bytes = |report| figure(report, "bytes_per_item");
    let redis = report(&format!("{line} --item-model redis7"));
    assert!(bytes(&skep) < 200.0 && bytes(&redis) > 290.0, "{} {}", bytes(&skep), bytes(&redis));
    let ratio = 43_200_000.0 * bytes(&redis) / figure(&redis, "items_bytes");
    assert!((ratio - 1.0).abs() < 1e-6, "{ratio}");
}

#[test]
fn what_is_not_data_is_taken_off_a_node_first() {
    let line = "planner size --masters 3 --mem 16G";
    let whole = figure(&report(line), "usable_bytes");
    let less = report(&format!("{line} --os-reserve 1G --backlog 512M --plugin-memory 512M"));
    assert_eq!(less.result["maxmemory_bytes"], 14u64 << 30);
    let ratio = figure(&less, "usable_bytes") / whole;
    assert!((ratio - 14.0 / 16.0).abs() < 1e-9, "{ratio}");
}

#[test]
fn contradictions_say_how_to_resolve_them() {
    let cases = [
        ("planner size", "--masters"),
        ("planner size --masters 3", "--mem"),
        ("planner size --masters 0 --mem 16G", "at least 1"),
        ("planner size --masters 3 --mem 0", "memory of one node"),
        ("planner size --masters 3 --mem 16G --total-mem 96G", "cannot be used with"),
        ("planner size --masters 3 --mem 16G --waste 0.1 --fragmentation 1.2", "cannot be used"),
        ("planner size --masters 3 --mem 16G --waste 1.2", "--fragmentation 1.2"),
        ("planner size --masters 3 --mem 16G --fragmentation 0.17", "--waste 0.17"),
        ("planner size --masters 3 --mem 16G --replicas 2", "--model physical"),
        ("planner size --masters 3 --mem 16G --reserve 100%", "less than 100%"),
        ("planner size --masters 3 --mem 16G --reserve 30", "did you mean 30%"),
        ("planner size --masters 3 --mem 16G --model survive --survive 3", "nothing is left"),
        ("planner size --masters 3 --mem 16G --model physical --survive 1", "--model survive"),
        ("planner size --masters 4000000000 --mem 16G --replicas 4000000000", "planned for"),
        ("planner size --data 200G --total-mem 96G", "--mem"),
        ("planner size --data 900P --mem 1", "more --mem"),
        ("planner size --keys 50M --mem 16G", "--shape"),
        ("planner size --keys 50M --data 1G --mem 16G", "cannot be used with"),
        ("planner size --arrivals 5/s --mem 16G --shape json", "--ttl"),
        ("planner size --keys 0 --shape json --mem 16G", "no keys"),
        ("planner size --masters 3 --mem 16G --os-reserve 16G", "system alone takes 16 GB"),
        ("planner size --masters -3 --mem 16G", "unexpected argument"),
        ("planner size --masters 3 --mem 16X", "unit of size"),
    ];
    for (line, hint) in cases {
        let error = error(line);
        assert!(error.contains(hint), "{line}: {error}");
    }
}
