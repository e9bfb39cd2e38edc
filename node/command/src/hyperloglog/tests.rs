//! What clients may rely on: small errors, unions, and values that Redis understands.

use crate::cluster::fixture;
use crate::testing::Bench;

const NO_SKETCH: &str = "-WRONGTYPE Key is not a valid HyperLogLog string value.";
const CORRUPT: &str = "-INVALIDOBJ Corrupted HLL object detected";
/// Elements that one PFADD of a test adds.
const PIECE: u64 = 1000;
const DENSE_BYTES: &str = ":12304";

/// Adds elements `from` to `to` of a kind.
fn add(bench: &mut Bench, key: &str, kind: u64, (from, to): (u64, u64)) {
    for begin in (from..to).step_by(PIECE as usize) {
        let numbers = begin..to.min(begin + PIECE);
        let elements: Vec<String> = numbers.map(|number| format!("{kind}:{number}")).collect();
        let words = ["PFADD", key].into_iter().chain(elements.iter().map(String::as_str));
        let words: Vec<&[u8]> = words.map(str::as_bytes).collect();
        let reply = bench.ask_words(&words);
        assert!(reply == b":0\r\n" || reply == b":1\r\n", "{}", reply.escape_ascii());
    }
}

fn count(bench: &mut Bench, keys: &str) -> u64 {
    let reply = bench.ask(&format!("PFCOUNT {keys}"));
    reply
        .strip_prefix(':')
        .and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{reply}"))
}

#[test]
fn the_estimate_is_within_three_percent_from_ten_to_a_million() {
    for kind in 0..5 {
        let mut bench = Bench::new();
        let mut added = 0;
        for size in [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000] {
            if kind > 0 && size > 100_000 {
                break;
            }
            add(&mut bench, "k", kind, (added, size));
            added = size;
            let error = (count(&mut bench, "k") as f64 - size as f64).abs();
            // Two of a few may share a register, so that one more or less is allowed.
            assert!(error < (size as f64 * 0.03).max(1.5), "kind {kind}: {error} of {size}");
        }
        bench.recount();
    }
}

#[test]
fn merged_sketches_count_as_all_elements_in_one() {
    for (one, other) in [(50, 70), (50, 30_000), (30_000, 20), (20_000, 30_000)] {
        let mut bench = Bench::new();
        add(&mut bench, "a", 1, (0, one));
        add(&mut bench, "b", 1, (one / 2, one / 2 + other));
        add(&mut bench, "all", 1, (0, one));
        add(&mut bench, "all", 1, (one / 2, one / 2 + other));
        let expected = count(&mut bench, "all");
        assert_eq!(count(&mut bench, "a b missing"), expected, "{one} and {other}");
        bench.expect(&[("PFMERGE d a b missing", "+OK"), ("PFMERGE a b", "+OK")]);
        assert_eq!(count(&mut bench, "d"), expected, "{one} and {other}");
        assert_eq!(count(&mut bench, "a"), expected, "{one} and {other}");
        bench.recount();
    }
}

#[test]
fn few_elements_make_a_small_value_in_the_published_form() {
    Bench::new().expect(&[
        ("PFADD k", ":1"),
        ("GET k", "$18 HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xff"),
        ("PFADD k", ":0"),
        ("PFCOUNT k", ":0"),
        ("PFADD k a b c", ":1"),
        (
            "GET k",
            "$27 HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80`\\xf3\\x80P\\xb1\\x84K\\xfb\\x80BZ",
        ),
        ("PFADD k c b a", ":0"),
        ("PFCOUNT k", ":3"),
        (
            "GETRANGE k 0 15",
            "$16 HYLL\\x01\\x00\\x00\\x00\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
        ),
        ("PFMERGE k", "+OK"),
        (
            "GETRANGE k 0 15",
            "$16 HYLL\\x01\\x00\\x00\\x00\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x80",
        ),
        ("OBJECT ENCODING k", "$3 raw"),
    ]);
}

#[test]
fn a_sketch_becomes_dense_when_sparse_would_be_larger_than_agreed() {
    let mut bench = Bench::new();
    let mut added = 0;
    while bench.ask("STRLEN k") != DENSE_BYTES {
        add(&mut bench, "k", 3, (added, added + 10));
        added += 10;
        assert!(added < 5000, "{added} elements are still kept sparse");
    }
    assert!(added > 500, "{added} elements are kept dense");
    let error = (count(&mut bench, "k") as f64 / added as f64 - 1.0).abs();
    assert!(error < 0.03, "{error} of {added}");
    bench.recount();
}

#[test]
fn missing_keys_count_nothing_and_are_made_by_merging() {
    Bench::new().expect(&[
        ("PFCOUNT missing", ":0"),
        ("PFCOUNT missing none", ":0"),
        ("EXISTS missing", ":0"),
        ("PFMERGE d missing", "+OK"),
        ("STRLEN d", ":18"),
        ("PFADD k a EX", ":1"),
        ("EXPIRE k 100", ":1"),
        ("PFADD k b", ":1"),
        ("PFCOUNT k", ":3"),
        ("TTL k", ":100"),
    ]);
}

#[test]
fn other_strings_are_refused_and_so_are_broken_sketches() {
    let mut bench = Bench::new();
    bench.expect(&[("SET text HYLL", "+OK"), ("PFADD k a", ":1"), ("PFADD broken a", ":1")]);
    for request in
        ["PFADD text a", "PFCOUNT text", "PFCOUNT k text", "PFMERGE text", "PFMERGE k text"]
    {
        assert_eq!(bench.ask(request), NO_SKETCH, "{request}");
    }
    bench.expect(&[
        ("GET text", "$4 HYLL"),
        ("SETRANGE broken 16 xx", ":21"),
        ("PFCOUNT broken", CORRUPT),
        ("PFCOUNT k broken", CORRUPT),
        ("PFMERGE k broken", CORRUPT),
        ("PFCOUNT k", ":1"),
        // Said to be dense, of a kind that there is not.
        ("SETRANGE k 4 \"\\x00\"", ":21"),
        ("PFCOUNT k", NO_SKETCH),
        ("SETRANGE k 4 \"\\x02\"", ":21"),
        ("PFADD k a", NO_SKETCH),
    ]);
}

#[test]
fn counting_keeps_the_estimate_but_not_in_a_cluster_whose_replicas_have_the_value_too() {
    for (mut bench, changes) in [(Bench::new(), 1), (fixture::bench(1), 0)] {
        bench.expect(&[("PFADD {bar}k a b", ":1")]);
        let before = bench.counters().changes;
        bench.expect(&[("PFCOUNT {bar}k", ":2"), ("PFCOUNT {bar}k", ":2")]);
        assert_eq!(bench.counters().changes, before + changes);
    }
}
