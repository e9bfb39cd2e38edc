//! Five million keys in one slot behave like one key, and give everything back. (The default is
//! shorter; `SKEP_TEST_GROWTH_KEYS=5000000` runs the full size.)

use skep_store::{Expiry, ScanCursor};

use crate::support::{Bench, size_from_env};

fn number_of(key: &[u8]) -> usize {
    let digits = key.rsplit(|&byte| byte == b':').next().expect("a last part");
    std::str::from_utf8(digits).expect("digits").parse().expect("a number")
}

fn grow_and_shrink(database: u16, key: impl Fn(usize) -> Vec<u8>) {
    let keys = size_from_env("SKEP_TEST_GROWTH_KEYS", 300_000);
    let mut bench = Bench::new(16, 4 << 30);
    let idle = bench.idle_footprint(16);
    // A neighbour that must not notice.
    bench.set(0, b"neighbour", b"value", Expiry::Never);
    for number in 0..keys {
        bench.set(database, &key(number), &number.to_le_bytes(), Expiry::Never);
    }
    assert_eq!(bench.count(database), keys as u64);
    check_scan(&mut bench, database, keys, |_| true);
    for number in (0..keys).step_by(97) {
        let value = bench.get(database, &key(number));
        assert_eq!(value.as_deref(), Some(&number.to_le_bytes()[..]), "key {number}");
    }
    bench.audit();
    let full = bench.store.footprint();

    (0..keys).filter(|n| n % 4 != 0).for_each(|n| assert!(bench.remove(database, &key(n))));
    assert_eq!(bench.count(database), keys.div_ceil(4) as u64);
    check_scan(&mut bench, database, keys, |number| number % 4 == 0);
    bench.compact_all();
    bench.audit();
    let sparse = bench.store.footprint();
    assert!(sparse.live_bytes + sparse.dead_bytes < full.live_bytes / 2, "{sparse:?} of {full:?}");

    assert_eq!(bench.view_all().clear(database), keys.div_ceil(4) as u64);
    let empty = bench.shrunk_footprint();
    bench.audit();
    // The neighbour's segment and its chunk; the segment that was being written to.
    assert!(empty.region_bytes() <= idle.region_bytes() + 4 * (256 << 10), "{empty:?}, {idle:?}");
    assert_eq!(bench.get(0, b"neighbour").as_deref(), Some(&b"value"[..]));
    assert_eq!(bench.scan(database, 100, |_| ()).len(), 0);
}

/// Checks that a scan returns exactly the keys that are expected, with few repeats.
fn check_scan(bench: &mut Bench, database: u16, keys: usize, expected: impl Fn(usize) -> bool) {
    let mut seen = vec![0u8; keys];
    let mut cursor = ScanCursor(0);
    loop {
        let held = skep_store::StripeSet::one(cursor.stripe().expect("a stripe"));
        let now_ms = bench.now_ms;
        let mut view = skep_store::View::new(&bench.store, &mut bench.writer, held, now_ms);
        cursor = view.scan(database, cursor, 1_000, |key, _| seen[number_of(key)] += 1);
        if cursor == ScanCursor(0) {
            break;
        }
    }
    let wrong = (0..keys).filter(|&number| seen[number] != u8::from(expected(number))).count();
    assert_eq!(wrong, 0, "keys returned never, twice or wrongly while nothing changed");
}

#[test]
fn millions_of_keys_under_one_hash_tag_behave() {
    grow_and_shrink(3, |number| format!("{{tag}}:{number}").into_bytes());
}

#[test]
fn millions_of_keys_in_one_database_of_sixteen_behave() {
    grow_and_shrink(9, |number| format!("key:{number}").into_bytes());
}
