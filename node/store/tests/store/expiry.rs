//! Expired keys are gone for whoever looks, and go in bounded steps when nobody does.

use skep_store::{DeadShare, Expiry, NewValue, Policy, Upkeep};

use crate::support::{Bench, NOW_MS, pattern, size_from_env};

const SEGMENT_BYTES: u64 = 256 << 10;

#[test]
fn a_million_keys_of_one_millisecond_go_in_bounded_steps() {
    let keys = size_from_env("SKEP_TEST_EXPIRING_KEYS", 1_000_000) as u64;
    let mut bench = Bench::new(1, 1 << 30);
    for number in 0..keys {
        let key = format!("key:{number:08}");
        bench.set(0, key.as_bytes(), b"valu", Expiry::At(NOW_MS + 1));
    }
    assert_eq!(bench.count(0), keys);
    bench.now_ms = NOW_MS + 1;
    // A step walks the open segment and a sealed one. A record here is 4 + 2 + 5 + 12 + 4 bytes.
    let bound = 2 * (SEGMENT_BYTES / 27 + 1);
    let (mut steps, mut most) = (0, 0);
    while bench.count(0) > 0 {
        let before = bench.writer.counters.expired;
        bench.upkeep();
        most = most.max(bench.writer.counters.expired - before);
        steps += 1;
        assert!(steps <= keys, "{} keys left after {steps} steps", bench.count(0));
    }
    assert!(most <= bound, "{most} keys went in one step, not {bound} at most");
    assert!(steps >= keys / bound, "only {steps} steps");
    assert_eq!(bench.writer.counters.expired, keys);
    bench.settle();
    bench.audit();
    assert_eq!(bench.store.footprint().live_bytes, 0);
}

#[test]
fn an_expired_key_is_gone_for_every_way_of_looking() {
    type Look = fn(&mut Bench, &[u8]) -> bool;
    let looks: [(&str, Look); 9] = [
        ("read", |bench, key| bench.get(0, key).is_some()),
        ("remove", |bench, key| bench.remove(0, key)),
        ("find", |bench, key| {
            let mut view = bench.view(key);
            let key = view.key(key);
            view.find(0, &key).is_some()
        }),
        ("peek", |bench, key| {
            let mut view = bench.view(key);
            let key = view.key(key);
            view.peek(0, &key).is_some()
        }),
        ("touch", |bench, key| {
            let mut view = bench.view(key);
            let key = view.key(key);
            view.touch_key(0, &key)
        }),
        ("set_expiry", |bench, key| {
            let mut view = bench.view(key);
            let key = view.key(key);
            view.set_expiry(0, &key, None).expect("room")
        }),
        ("each_key", |bench, key| {
            let mut found = false;
            bench.view_all().each_key(0, |other, _| found |= other == key);
            found
        }),
        ("scan", |bench, key| bench.scan(0, 10, |_| ()).contains(key)),
        ("random_key", |bench, _| bench.view_all().random_key(0).is_some()),
    ];
    for (name, look) in looks {
        for value in [0, 10, 20 << 10] {
            let mut bench = Bench::new(2, 64 << 20);
            bench.set(0, b"key", &pattern(value, 1), Expiry::At(NOW_MS + 10));
            bench.set(1, b"key", b"other", Expiry::Never);
            bench.now_ms = NOW_MS + 9;
            assert!(bench.get(0, b"key").is_some(), "{name}: too early");
            bench.now_ms = NOW_MS + 10;
            assert!(!look(&mut bench, b"key"), "{name} saw an expired key");
            bench.settle();
            assert_eq!(bench.count(0), 0, "{name}");
            assert_eq!(bench.writer.counters.expired, 1, "{name}");
            assert_eq!(bench.get(1, b"key").as_deref(), Some(&b"other"[..]), "{name}");
            bench.audit();
        }
    }
}

#[test]
fn a_write_to_an_expired_key_starts_afresh() {
    let mut bench = Bench::new(1, 64 << 20);
    bench.set(0, b"key", b"old", Expiry::At(NOW_MS + 1));
    bench.now_ms += 1;
    bench.set(0, b"key", b"new", Expiry::Keep);
    bench.now_ms += 1_000_000;
    bench.settle();
    assert_eq!(bench.get(0, b"key").as_deref(), Some(&b"new"[..]));
    assert_eq!(bench.view_all().count(0).expiring, 0);
    bench.audit();
}

#[test]
fn an_expired_large_key_goes_only_from_its_database() {
    let key = pattern(20 << 10, 5);
    let mut bench = Bench::new(4, 64 << 20);
    for database in 0..4 {
        let expiry = Expiry::At(NOW_MS + 1 + u64::from(database));
        bench.set(database, &key, &pattern(30, u64::from(database)), expiry);
    }
    for database in 0..4 {
        bench.now_ms += 1;
        bench.settle();
        for other in 0..4 {
            assert_eq!(bench.count(other), u64::from(other > database), "{other} at {database}");
        }
        bench.audit();
    }
}

#[test]
fn an_expiry_moved_in_place_is_noticed_without_an_access() {
    let mut bench = Bench::new(1, 64 << 20);
    let keys: Vec<String> = (0..5_000).map(|n| format!("key:{n}")).collect();
    for key in &keys {
        bench.set(0, key.as_bytes(), &[b'v'; 90], Expiry::At(NOW_MS + 1_000_000));
    }
    // The cycle has seen the segments when the expiry moves.
    bench.settle();
    for (number, key) in keys.iter().enumerate() {
        let mut view = bench.view(key.as_bytes());
        let hashed = view.key(key.as_bytes());
        let expiry_ms = (number % 2 == 0).then_some(NOW_MS + 5);
        assert_eq!(view.set_expiry(0, &hashed, expiry_ms), Ok(true));
    }
    bench.audit();
    bench.now_ms += 5;
    bench.settle();
    assert_eq!(bench.count(0), 2_500);
    bench.now_ms += 2_000_000;
    bench.settle();
    assert_eq!(bench.count(0), 2_500, "keys without an expiry stay");
    assert_eq!(bench.view_all().count(0).expiring, 0);
    bench.audit();
}

#[test]
fn upkeep_rests_though_the_store_has_thousands_of_segments() {
    let mut bench = Bench::new(1, 2 << 30);
    for number in 0..3_000 {
        bench.set(0, format!("{number}").as_bytes(), b"value", Expiry::Never);
        bench.writer.seal(&bench.store);
    }
    bench.settle();
    let rests = (0..100).filter(|_| !bench.upkeep()).count();
    assert!(rests >= 20, "{rests} rests in 100 steps");
    // And still nothing that is due is forgotten.
    for number in 0..3_000 {
        let key = format!("{number}");
        bench.set(0, key.as_bytes(), b"value", Expiry::At(NOW_MS + 1));
        bench.writer.seal(&bench.store);
    }
    bench.now_ms += 1;
    (0..20_000).for_each(|_| _ = bench.upkeep());
    assert_eq!(bench.count(0), 0);
    bench.audit();
}

#[test]
fn without_the_active_cycle_only_access_removes() {
    let mut bench = Bench::new(1, 64 << 20);
    bench.set(0, b"key", b"value", Expiry::At(NOW_MS + 1));
    bench.now_ms += 1;
    let passive = Upkeep { now_ms: bench.now_ms, expire: false };
    (0..10).for_each(|_| _ = bench.store.upkeep(&mut bench.writer, &passive));
    assert_eq!(bench.count(0), 1);
    assert_eq!(bench.get(0, b"key"), None);
    assert_eq!(bench.count(0), 0);
}

#[test]
fn expiry_compaction_and_eviction_together_keep_the_accounts() {
    for policy in [Policy::AllKeysLru, Policy::VolatileTtl, Policy::AllKeysRandom] {
        let mut bench = Bench::new(2, 256 << 20);
        bench.store.set_policy(policy, 10, 1);
        bench.store.set_limits(6 << 20, 0);
        for round in 0..60_000u64 {
            let random = bench.writer.random();
            let key = format!("{{{}}}{}", random % 7, random % 9_001);
            let value = pattern((random >> 20) as usize % 1_200, round);
            let database = (random >> 40) as u16 % 2;
            let room = bench.store.make_room(&mut bench.writer, bench.now_ms);
            if room {
                let ttl_ms = 1 + (random >> 44) % 400;
                let mut view = bench.view(key.as_bytes());
                let hashed = view.key(key.as_bytes());
                let expiry = Expiry::At(view.now_ms() + ttl_ms);
                view.set(database, &hashed, NewValue::Bytes(&value), expiry).expect("room");
            }
            bench.store.work_off(&mut bench.writer);
            if random.is_multiple_of(64) {
                bench.now_ms += 1;
                bench.upkeep();
            }
            if random.is_multiple_of(509) {
                bench.store.compact(&mut bench.writer, DeadShare(0), 100_000);
            }
            if round % 10_000 == 0 {
                bench.audit();
            }
        }
        let counters = bench.writer.counters;
        assert!(counters.expired > 0 && counters.evicted > 0, "{policy:?}: {counters:?}");
        assert!(counters.compacted_bytes > 0, "{policy:?}: {counters:?}");
        bench.audit();
        bench.now_ms += 1_000;
        bench.settle();
        assert_eq!(bench.count(0) + bench.count(1), 0, "{policy:?}");
        bench.audit();
    }
}
