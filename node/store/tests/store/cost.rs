//! What a store is said to cost is what it costs.

use skep_store::cost::{Load, footprint, item};
use skep_store::{Expiry, Footprint};

use crate::support::{Bench, NOW_MS, pattern};

/// Loads keys with values of these lengths in turn, and says what was predicted and what came.
fn load(
    keys: usize,
    key: impl Fn(usize) -> String,
    lengths: &[usize],
    expiry: Expiry,
    slots: u32,
) -> (Footprint, Footprint) {
    let mut bench = Bench::new(1, 1 << 30);
    let (mut records, mut outside) = (0, 0);
    for number in 0..keys {
        let (key, len) = (key(number), lengths[number % lengths.len()]);
        bench.set(0, key.as_bytes(), &pattern(len, 1), expiry);
        let cost = item(key.len(), len, expiry != Expiry::Never);
        records += cost.record_bytes;
        outside += cost.outside_bytes;
    }
    bench.writer.publish(&bench.store);
    let mean = |sum: usize| sum as f64 / keys as f64;
    let load = Load {
        keys: keys as u64,
        slots,
        databases: 1,
        record_bytes: mean(records),
        outside_bytes: mean(outside),
    };
    (footprint(&load), bench.store.footprint())
}

fn assert_close(what: &str, (said, is): (u64, u64), slack_bytes: u64) {
    let distance = said.abs_diff(is);
    assert!(distance <= is / 50 + slack_bytes, "{what}: said {said}, is {is}");
}

/// Blocks come whole.
const BLOCK: u64 = 256 << 10;

#[test]
fn a_loaded_store_costs_what_was_said() {
    let key = |number| format!("session:{number:08}");
    for (keys, lengths) in [
        (3_000, &[100][..]),
        (60_000, &[8, 60]),
        (120_000, &[3]),
        (200_000, &[64, 200, 900]),
        (9_000, &[4_000]),
        (1_000, &[20_000, 17]),
    ] {
        for expiry in [Expiry::Never, Expiry::At(NOW_MS + 86_400_000)] {
            let (said, is) = load(keys, key, lengths, expiry, 16_384);
            let what = format!("{keys} keys, {lengths:?}, {expiry:?}: {said:?}, {is:?}");
            assert!(said.live_bytes.abs_diff(is.live_bytes) <= 1, "{what}");
            assert_close(&what, (said.region_bytes(), is.region_bytes()), 2 * BLOCK);
            // The store counts what it asked for; the plan what the allocator makes of it.
            assert!(said.outside_bytes >= is.outside_bytes, "{what}");
            assert!(said.outside_bytes <= is.outside_bytes * 5 / 4, "{what}");
        }
    }
}

#[test]
fn slots_of_many_keys_cost_what_was_said() {
    for (tags, keys) in [(1, 400), (1, 5_000), (1, 60_000), (7, 150_000)] {
        let key = |number: usize| format!("{{{}}}{number}", number % tags);
        let (said, is) = load(keys, key, &[10], Expiry::Never, tags as u32);
        let what = format!("{keys} keys under {tags} tags: {said:?}, {is:?}");
        let slack = is.index_bytes / 12;
        assert_close(&what, (said.index_bytes, is.index_bytes), slack + BLOCK);
    }
}
