//! Memory comes back, and a store without room refuses without harm.

use skep_store::{EditError, Expiry, MAX_DATABASES, NewValue, OutOfMemory};

use crate::support::{Bench, pattern};

fn key(number: usize) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

#[test]
fn after_deleting_everything_nothing_is_left() {
    for by_clear in [false, true] {
        let mut bench = Bench::new(2, 256 << 20);
        let idle = bench.idle_footprint(2);
        for number in 0..20_000 {
            let len = if number % 100 == 0 { 20 << 10 } else { number % 900 };
            bench.set((number % 2) as u16, &key(number), &pattern(len, 1), Expiry::Never);
        }
        bench.audit();
        if by_clear {
            (0..2).for_each(|database| assert_eq!(bench.view_all().clear(database), 10_000));
        } else {
            (0..20_000).for_each(|n| assert!(bench.remove((n % 2) as u16, &key(n))));
        }
        bench.audit();
        assert_eq!(bench.shrunk_footprint(), idle, "cleared at once: {by_clear}");
        assert_eq!(idle.live_bytes + idle.dead_bytes + idle.outside_bytes, 0);
        bench.audit();
    }
}

#[test]
fn deleting_a_random_half_gives_half_of_the_memory_back() {
    let mut bench = Bench::new(1, 256 << 20);
    (0..60_000).for_each(|n| bench.set(0, &key(n), &pattern(300, n as u64), Expiry::Never));
    let is_left = |number: usize| number.wrapping_mul(2_654_435_761) & 8 == 0;
    (0..60_000).filter(|&n| !is_left(n)).for_each(|n| _ = bench.remove(0, &key(n)));
    bench.settle();
    let footprint = bench.store.footprint();
    assert!(footprint.dead_bytes * 10 < footprint.live_bytes, "{footprint:?}");
    for number in (0..60_000).filter(|&number| is_left(number)) {
        assert!(bench.get(0, &key(number)) == Some(pattern(300, number as u64)), "{number}");
    }
    bench.audit();
}

#[test]
fn emptying_many_segments_takes_many_steps() {
    let mut bench = Bench::new(1, 512 << 20);
    (0..20_000).for_each(|n| bench.set(0, &key(n), &pattern(8_000, 1), Expiry::Never));
    bench.writer.publish(&bench.store);
    let full = bench.store.footprint();
    bench.view_all().clear(0);
    bench.upkeep();
    let after_one = bench.store.footprint();
    assert!(after_one.dead_bytes * 2 > full.live_bytes, "one step freed {after_one:?}");
    bench.settle();
    let settled = bench.store.footprint();
    assert!(settled.dead_bytes < full.live_bytes / 100, "{settled:?}");
}

#[test]
fn a_full_store_refuses_and_loses_nothing() {
    let mut bench = Bench::new(2, 64 << 20);
    let idle = bench.idle_footprint(2);
    let mut written = 0;
    let refused = loop {
        let bytes = key(written);
        let mut view = bench.view(&bytes);
        let hashed = view.key(&bytes);
        let value = pattern(2_000, written as u64);
        match view.set(0, &hashed, NewValue::Bytes(&value), Expiry::Never) {
            Ok(()) => written += 1,
            Err(OutOfMemory) => break bytes,
        }
    };
    assert!(written > 20_000, "full after {written} keys");
    assert_eq!(bench.get(0, &refused), None);
    // Small values may still fit, until nothing does: in the index, the segments or the headers.
    for number in 0..20_000 {
        let bytes = format!("{{tag}}{number}").into_bytes();
        let mut view = bench.view(&bytes);
        let hashed = view.key(&bytes);
        let _ = view.set((number % 2) as u16, &hashed, NewValue::Bytes(b"small"), Expiry::Never);
    }
    bench.audit();
    let at_first = key(0);
    let mut view = bench.view(&at_first);
    let hashed = view.key(&at_first);
    let longer = [b'x'; 3_000];
    assert_eq!(view.set(0, &hashed, NewValue::Bytes(&longer), Expiry::Keep), Err(OutOfMemory));
    assert_eq!(view.set_expiry(0, &hashed, Some(u64::MAX)), Err(OutOfMemory));
    assert_eq!(view.edit(0, &hashed, |value| value.push(1)), Err(EditError::OutOfMemory));
    drop(view);
    for number in 0..written {
        assert!(bench.get(0, &key(number)) == Some(pattern(2_000, number as u64)), "{number}");
    }
    // Compaction has nowhere to move records to, and gives up cleanly.
    (0..200).for_each(|_| _ = bench.upkeep());
    bench.audit();
    (0..written).step_by(2).for_each(|number| assert!(bench.remove(0, &key(number))));
    bench.audit();
    bench.view_all().clear(0);
    bench.view_all().clear(1);
    assert_eq!(bench.shrunk_footprint(), idle);
    bench.set(0, &refused, &longer, Expiry::Never);
    bench.audit();
}

#[test]
fn as_many_databases_as_allowed_are_independent() {
    let mut bench = Bench::new(MAX_DATABASES + 5, 1 << 30);
    assert_eq!(bench.store.databases(), MAX_DATABASES);
    let last = MAX_DATABASES as u16 - 1;
    for database in [0, 1, 8_000, last] {
        bench.set(database, b"key", &database.to_le_bytes(), Expiry::Never);
    }
    bench.view_all().swap(1, last);
    for (database, value) in [(0, 0), (1, last), (8_000, 8_000), (last, 1)] {
        assert_eq!(bench.get(database, b"key"), Some(u16::to_le_bytes(value).to_vec()));
        assert_eq!(bench.count(database), 1);
    }
    let counts: Vec<u16> = bench.store.key_counts().into_iter().map(|(n, _)| n).collect();
    assert_eq!(counts, [0, 1, 8_000, last]);
}
