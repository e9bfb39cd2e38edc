//! A key that is there from the first step of a scan to the last is returned, whatever else
//! happens meanwhile.

use std::collections::HashSet;

use proptest::prelude::*;
use skep_store::{DeadShare, Expiry, ScanCursor, StripeSet, View};

use crate::support::Bench;

fn tagged(number: usize) -> Vec<u8> {
    format!("{{tag}}{number}").into_bytes()
}

fn plain(number: usize) -> Vec<u8> {
    format!("plain:{number}").into_bytes()
}

#[test]
fn a_slot_that_grows_into_a_trie_and_shrinks_loses_no_key() {
    let mut bench = Bench::new(1, 1 << 30);
    let stable: HashSet<Vec<u8>> = (0..120_000).step_by(40).map(tagged).collect();
    stable.iter().for_each(|key| bench.set(0, key, b"", Expiry::Never));
    let others: Vec<Vec<u8>> = (0..120_000).map(tagged).filter(|k| !stable.contains(k)).collect();
    // Each step of the scan writes or removes this many others: all of them are written while
    // the scan is in the slot, and removed again.
    let (mut at, mut is_growing) = (0, true);
    let mut turns = 0;
    let seen = bench.scan(0, 10, |bench| {
        for _ in 0..1_500 {
            match (is_growing, at) {
                (true, at_end) if at_end == others.len() => {
                    (is_growing, turns) = (false, turns + 1)
                }
                (false, 0) => (is_growing, turns) = (true, turns + 1),
                (true, _) => {
                    bench.set(0, &others[at], b"value", Expiry::Never);
                    at += 1;
                }
                (false, _) => {
                    at -= 1;
                    bench.remove(0, &others[at]);
                }
            }
        }
        bench.store.compact(&mut bench.writer, DeadShare(0), 50_000);
    });
    assert!(turns >= 2, "the slot was full and empty {turns} times while scanned");
    let missed = stable.difference(&seen).count();
    assert_eq!(missed, 0, "keys that were there all the time");
    bench.audit();
}

#[test]
fn a_step_visits_little_more_than_it_was_asked_for() {
    let mut bench = Bench::new(1, 256 << 20);
    (0..50_000).for_each(|number| bench.set(0, &tagged(number), b"", Expiry::Never));
    let stripe = bench.store.key(b"{tag}").stripe();
    let mut cursor = ScanCursor(0);
    let mut visited_in_all = 0;
    while cursor.stripe() != Some(stripe) {
        let held = StripeSet::one(cursor.stripe().expect("a stripe"));
        let mut view = View::new(&bench.store, &mut bench.writer, held, bench.now_ms);
        cursor = view.scan(0, cursor, 10, |_, _| ());
    }
    while cursor.stripe() == Some(stripe) {
        let held = StripeSet::one(stripe);
        let mut view = View::new(&bench.store, &mut bench.writer, held, bench.now_ms);
        let mut visited = 0;
        cursor = view.scan(0, cursor, 10, |_, _| visited += 1);
        // The last bucket's run: entries of one home, which 64 are far beyond.
        assert!(visited < 10 + 64, "{visited} keys in a step of 10");
        visited_in_all += visited;
        if cursor == ScanCursor(0) {
            break;
        }
    }
    assert_eq!(visited_in_all, 50_000);
}

#[test]
fn any_cursor_is_survived() {
    let mut bench = Bench::new(2, 64 << 20);
    (0..5_000).for_each(|number| bench.set(0, &tagged(number), b"", Expiry::Never));
    (0..5_000).for_each(|number| bench.set(0, &plain(number), b"", Expiry::Never));
    for round in 0..200_000u64 {
        let random = bench.writer.random();
        let cursor = ScanCursor(if round % 2 == 0 { random } else { random >> (random % 64) });
        let held = StripeSet::one(cursor.stripe().unwrap_or(0));
        let mut view = View::new(&bench.store, &mut bench.writer, held, bench.now_ms);
        let next = view.scan((random % 2) as u16, cursor, 1, |_, _| ());
        assert!(next == ScanCursor(0) || next.0 > cursor.0, "{cursor:?} led back to {next:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn keys_that_stay_are_seen_while_others_come_and_go(
        sizes in (0..900usize, 0..900usize),
        count in 1..200usize,
        churn in 0..60usize,
        seed in any::<u64>(),
    ) {
        let mut bench = Bench::new(1, 64 << 20);
        let stable: HashSet<Vec<u8>> =
            (0..sizes.0).map(tagged).chain((0..sizes.1).map(plain)).collect();
        stable.iter().for_each(|key| bench.set(0, key, b"v", Expiry::Never));
        let mut random = seed | 1;
        let seen = bench.scan(0, count, |bench| {
            for _ in 0..churn {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let number = 10_000 + (random >> 33) as usize % 3_000;
                let key = if random >> 63 == 0 { tagged(number) } else { plain(number) };
                // Runs of writes and runs of removals, so that tables grow and shrink.
                if (random >> 20) % 1_000 < 500 + (number as u64 % 2) * 200 {
                    bench.set(0, &key, b"v", Expiry::Never);
                } else {
                    bench.remove(0, &key);
                }
            }
        });
        let missed: Vec<_> = stable.difference(&seen).take(3).collect();
        prop_assert!(missed.is_empty(), "missed {missed:?}");
        bench.audit();
    }
}
