//! Every policy keeps memory under the limit and takes the keys that its name promises.

use std::ops::Range;

use skep_store::{Database, Expiry, Policy};

use crate::support::{Bench, NOW_MS, pattern};

const LIMIT_BYTES: u64 = 12 << 20;
const BLOCK_BYTES: u64 = 256 << 10;

/// Keys of a hundred slots, so that a sample of the index sees several of them.
fn key(number: usize) -> Vec<u8> {
    format!("{{{}}}:{number:06}", number % 100).into_bytes()
}

/// Keys all over the slots.
fn spread_key(number: usize) -> Vec<u8> {
    format!("key:{number:06}").into_bytes()
}

impl Bench {
    fn with_policy(policy: Policy) -> Bench {
        let bench = Bench::new(4, 256 << 20);
        bench.store.set_policy(policy, 10, 1);
        bench
    }

    /// Writes keys without a limit.
    fn fill(&mut self, numbers: Range<usize>, expiry: impl Fn(usize) -> Expiry) {
        for number in numbers {
            self.set(0, &key(number), &pattern(200, number as u64), expiry(number));
        }
    }

    /// Evicts until so many of the keys are left, by lowering the limit bit by bit.
    fn shrink_to(&mut self, database: Database, keys: u64) {
        self.writer.publish(&self.store);
        let mut limit_bytes = self.store.used_bytes();
        while self.count(database) > keys {
            limit_bytes -= limit_bytes / 200;
            self.store.set_limits(limit_bytes, 0);
            assert!(self.store.make_room(&mut self.writer, self.now_ms), "nothing to evict");
        }
    }

    fn survivors(&mut self, database: Database, numbers: Range<usize>) -> usize {
        let mut view = self.view_all();
        numbers
            .filter(|&number| {
                let bytes = key(number);
                let hashed = view.key(&bytes);
                view.peek(database, &hashed).is_some()
            })
            .count()
    }
}

#[test]
fn memory_stays_at_the_limit_under_every_policy() {
    for (policy, name) in Policy::NAMES {
        if policy == Policy::NoEviction {
            continue;
        }
        let mut bench = Bench::with_policy(policy);
        bench.store.set_limits(LIMIT_BYTES, 0);
        let mut most = 0;
        for number in 0..60_000usize {
            if number % 16 == 0 {
                assert!(bench.store.make_room(&mut bench.writer, bench.now_ms), "{name}");
            }
            let len = (bench.writer.random() % 1_500) as usize;
            let len = if number % 500 == 0 { 40 << 10 } else { len };
            let expiry = Expiry::At(NOW_MS + 1_000_000 + number as u64);
            bench.set(0, &key(number % 40_000), &pattern(len, 1), expiry);
            if number % 16 == 15 {
                bench.writer.publish(&bench.store);
                bench.store.work_off(&mut bench.writer);
                bench.upkeep();
                most = most.max(bench.store.used_bytes());
            }
        }
        // What a batch adds, the blocks kept for reuse and the one being written come on top.
        let slack = LIMIT_BYTES / 20 + 12 * BLOCK_BYTES;
        assert!(most <= LIMIT_BYTES + slack, "{name}: {most} bytes, limit {LIMIT_BYTES}");
        assert!(most >= LIMIT_BYTES / 2, "{name}: {most} bytes, limit {LIMIT_BYTES}");
        assert!(bench.writer.counters.evicted > 1_000, "{name}");
        bench.audit();
    }
}

#[test]
fn volatile_policies_never_take_a_key_that_does_not_expire() {
    for (policy, name) in Policy::NAMES {
        if !policy.is_volatile() {
            continue;
        }
        let mut bench = Bench::with_policy(policy);
        let is_kept = |number: usize| number.is_multiple_of(3);
        bench.fill(0..30_000, |number| {
            if is_kept(number) { Expiry::Never } else { Expiry::At(NOW_MS + 1_000_000) }
        });
        bench.shrink_to(0, 10_200);
        let kept = (0..30_000).filter(|&n| is_kept(n)).count();
        let counts = bench.view_all().count(0);
        assert_eq!(counts.keys - counts.expiring, kept as u64, "{name}");
        bench.audit();
        // The last ones may be hard to find, but what never expires is never the way out.
        bench.store.set_limits(1, 0);
        let gave_up = (0..100).any(|_| !bench.store.make_room(&mut bench.writer, bench.now_ms));
        assert!(gave_up, "{name}");
        let counts = bench.view_all().count(0);
        assert_eq!(counts.keys - counts.expiring, kept as u64, "{name}");
        bench.audit();
    }
}

#[test]
fn a_victim_in_waiting_that_loses_its_expiry_stays() {
    for (policy, name) in Policy::NAMES {
        if !policy.is_volatile() {
            continue;
        }
        let mut bench = Bench::with_policy(policy);
        bench.fill(0..20_000, |_| Expiry::At(NOW_MS + 1_000_000));
        bench.shrink_to(0, 19_000);
        let before = bench.count(0);
        for number in 0..20_000 {
            let key = key(number);
            let mut view = bench.view(&key);
            let hashed = view.key(&key);
            view.set_expiry(0, &hashed, None).expect("room");
        }
        bench.store.set_limits(1, 0);
        assert!(!bench.store.make_room(&mut bench.writer, bench.now_ms), "{name}");
        assert_eq!(bench.count(0), before, "{name}");
    }
}

#[test]
fn volatile_ttl_takes_the_nearest_expiry_first() {
    let mut bench = Bench::with_policy(Policy::VolatileTtl);
    bench.fill(0..40_000, |number| Expiry::At(NOW_MS + 100_000 + number as u64));
    bench.shrink_to(0, 20_000);
    let (near, far) = (bench.survivors(0, 0..10_000), bench.survivors(0, 30_000..40_000));
    assert!(near < 500, "{near} of the 10,000 nearest are left");
    assert!(far > 9_800, "{far} of the 10,000 farthest are left");
}

#[test]
fn lru_takes_the_longest_unused_first() {
    for policy in [Policy::AllKeysLru, Policy::VolatileLru] {
        let mut bench = Bench::with_policy(policy);
        bench.fill(0..40_000, |_| Expiry::At(NOW_MS + 100_000_000));
        // Every second key is used a minute later.
        bench.now_ms += 60_000;
        (0..40_000).step_by(2).for_each(|number| _ = bench.get(0, &key(number)));
        bench.now_ms += 60_000;
        bench.shrink_to(0, 22_000);
        let (mut used, mut unused) = (0, 0);
        for number in 0..40_000 {
            let is_there = bench.survivors(0, number..number + 1);
            if number % 2 == 0 { used += is_there } else { unused += is_there }
        }
        assert!(used > 19_800, "{policy:?}: {used} of 20,000 used keys are left, {unused} others");
    }
}

#[test]
fn a_store_of_few_keys_chooses_as_well() {
    let mut bench = Bench::with_policy(Policy::AllKeysLru);
    for number in 0..4_000 {
        bench.set(0, &spread_key(number), &pattern(4_000, 1), Expiry::Never);
    }
    bench.now_ms += 60_000;
    (0..4_000).step_by(2).for_each(|number| _ = bench.get(0, &spread_key(number)));
    bench.now_ms += 60_000;
    bench.shrink_to(0, 2_200);
    let used = (0..4_000).step_by(2).filter(|&number| {
        let key = spread_key(number);
        bench.get(0, &key).is_some()
    });
    let used = used.count();
    assert!(used > 1_900, "{used} of 2,000 used keys are left");
}

#[test]
fn lfu_takes_the_least_used_first() {
    for policy in [Policy::AllKeysLfu, Policy::VolatileLfu] {
        let mut bench = Bench::with_policy(policy);
        bench.fill(0..20_000, |_| Expiry::At(NOW_MS + 100_000_000));
        for _ in 0..20 {
            (0..20_000).step_by(2).for_each(|number| _ = bench.get(0, &key(number)));
        }
        bench.shrink_to(0, 11_000);
        let even = (0..20_000).step_by(2);
        let used: usize = even.map(|number| bench.survivors(0, number..number + 1)).sum();
        assert!(used > 9_900, "{policy:?}: {used} of 10,000 used keys are left");
    }
}

#[test]
fn a_worker_whose_time_lags_sees_no_age_in_what_was_just_used() {
    let access_of = |bench: &mut Bench| {
        let mut view = bench.view(b"key");
        let hashed = view.key(b"key");
        view.peek(0, &hashed).expect("the key just written").access()
    };
    for lag_ms in [1, 250, 1_000, 60_000, 3_600_000] {
        let mut bench = Bench::with_policy(Policy::AllKeysLru);
        bench.set(0, b"key", b"value", Expiry::Never);
        let access = access_of(&mut bench);
        assert_eq!(bench.store.idle_ms(access, NOW_MS - lag_ms), Some(0), "{lag_ms} ms behind");
        assert_eq!(bench.store.idle_ms(access, NOW_MS + 1_000_000), Some(1_000_000));

        let mut bench = Bench::with_policy(Policy::AllKeysLfu);
        bench.set(0, b"key", b"value", Expiry::Never);
        let access = access_of(&mut bench);
        assert_eq!(bench.store.frequency(access, NOW_MS - lag_ms), Some(5), "{lag_ms} ms behind");
        assert_eq!(bench.store.frequency(access, NOW_MS + 180_000), Some(2));
    }
}

#[test]
fn random_takes_keys_alike() {
    for policy in [Policy::AllKeysRandom, Policy::VolatileRandom] {
        let mut bench = Bench::with_policy(policy);
        bench.fill(0..40_000, |_| Expiry::At(NOW_MS + 100_000_000));
        bench.shrink_to(0, 20_000);
        for group in 0..10 {
            let left = bench.survivors(0, group * 4_000..(group + 1) * 4_000);
            // 2,000 expected; the deviation of a fair draw is about 32.
            assert!((1_800..2_200).contains(&left), "{policy:?}: {left} of 4,000 in {group}");
        }
    }
}

#[test]
fn victims_come_from_every_stripe_and_database() {
    let mut bench = Bench::with_policy(Policy::AllKeysRandom);
    for number in 0..30_000 {
        bench.set((number % 3) as Database, &spread_key(number), &[b'v'; 100], Expiry::Never);
    }
    let of_stripe = |bench: &mut Bench, stripe: u8| -> u64 {
        let held = skep_store::StripeSet::one(stripe);
        let now_ms = bench.now_ms;
        let mut view = skep_store::View::new(&bench.store, &mut bench.writer, held, now_ms);
        (0..3).map(|database| view.count(database).keys).sum()
    };
    let before: Vec<u64> = (0..=255).map(|stripe| of_stripe(&mut bench, stripe)).collect();
    bench.shrink_to(0, 5_000);
    for database in 0..3 {
        let left = bench.count(database);
        assert!((4_500..5_500).contains(&left), "{left} of 10,000 in database {database}");
    }
    let spared =
        (0..=255u8).filter(|&stripe| of_stripe(&mut bench, stripe) == before[usize::from(stripe)]);
    assert_eq!(spared.count(), 0, "stripes that lost nothing");
    bench.audit();
}

#[test]
fn noeviction_reports_and_takes_nothing() {
    let mut bench = Bench::with_policy(Policy::NoEviction);
    bench.fill(0..10_000, |_| Expiry::At(NOW_MS + 1_000_000));
    bench.writer.publish(&bench.store);
    bench.store.set_limits(bench.store.used_bytes() * 2, 0);
    assert!(bench.store.make_room(&mut bench.writer, bench.now_ms), "there is room");
    bench.store.set_limits(bench.store.used_bytes() / 2, 0);
    assert!(!bench.store.make_room(&mut bench.writer, bench.now_ms), "there is none");
    bench.store.set_limits(0, 0);
    assert!(bench.store.make_room(&mut bench.writer, bench.now_ms), "there is no limit");
    assert_eq!((bench.count(0), bench.writer.counters.evicted), (10_000, 0));
}

#[test]
fn an_empty_store_has_nothing_to_evict() {
    for (policy, name) in Policy::NAMES {
        let mut bench = Bench::with_policy(policy);
        bench.store.set_limits(1, 2);
        assert!(!bench.store.make_room(&mut bench.writer, bench.now_ms), "{name}");
    }
}
