use proptest::prelude::*;

use super::*;
use crate::trace::{Access, Operation};

/// A cache that does what LRU says, one object after the other.
struct Naive {
    capacity_bytes: u64,
    /// Id, bytes and expiry, the last used last.
    objects: Vec<(u64, u64, u64)>,
    hits: u64,
}

impl Naive {
    fn new(capacity_bytes: u64) -> Naive {
        Naive { capacity_bytes, objects: Vec::new(), hits: 0 }
    }

    fn play(&mut self, access: &Access, weight_bytes: u64) {
        self.objects.retain(|object| object.2 > access.time_ms);
        let at = self.objects.iter().position(|object| object.0 == access.id);
        let old = at.map(|at| self.objects.remove(at));
        let ttl_ms = if access.ttl_ms == 0 { u64::MAX } else { access.ttl_ms };
        let fresh = (access.id, weight_bytes, access.time_ms.saturating_add(ttl_ms));
        match (access.operation, old) {
            (Operation::Delete, _) => return,
            (Operation::Get, Some(old)) => {
                self.hits += 1;
                self.objects.push(old);
            }
            (Operation::Get, None) | (Operation::Set, _) => self.objects.push(fresh),
        }
        while self.objects.iter().map(|object| object.1).sum::<u64>() > self.capacity_bytes {
            self.objects.remove(0);
        }
    }
}

fn access(id: u64, operation: Operation, time_ms: u64, ttl_ms: u64) -> Access {
    let mut access = Access::of_number(id);
    (access.operation, access.time_ms, access.ttl_ms) = (operation, time_ms, ttl_ms);
    access
}

fn play(stack: &mut Stack, access: &Access, weight_bytes: u32) -> Option<u64> {
    match access.operation {
        Operation::Get => stack.get(access.id, weight_bytes, access.time_ms, access.ttl_ms),
        Operation::Set => {
            stack.set(access.id, weight_bytes, access.time_ms, access.ttl_ms);
            None
        }
        Operation::Delete => {
            stack.delete(access.id, access.time_ms);
            None
        }
    }
}

fn whole() -> Sampling {
    Sampling { rate: 1.0, objects_min: 0 }
}

fn curve(accesses: &[(u64, u32)], sampling: Sampling) -> Curve {
    let mut shards = Shards::new(sampling);
    for &(id, weight_bytes) in accesses {
        shards.observe(&access(id, Operation::Get, 0, 0), || weight_bytes);
    }
    shards.curve()
}

/// Requests whose popularity falls with the number of the object.
fn skewed(requests: usize, objects: u64, seed: u64) -> Vec<(u64, u32)> {
    let mut random = crate::random::SplitMix::new(seed);
    let draw = |_| {
        let id = (objects as f64 * random.unit().powi(3)) as u64;
        (id, 50 + crate::random::mix(id) as u32 % 500)
    };
    (0..requests).map(draw).collect()
}

#[test]
fn the_textbooks_distances() {
    let mut stack = Stack::default();
    let mut get = |id| stack.get(id, 1, 0, 0);
    // a b c b a a: b was used one object ago, a two.
    assert_eq!([1, 2, 3].map(&mut get), [None, None, None]);
    assert_eq!([2, 1, 1].map(&mut get), [Some(2), Some(3), Some(1)]);
}

#[test]
fn positions_are_renumbered_without_a_trace() {
    let mut stack = Stack::default();
    for round in 0..20_000u64 {
        for id in 0..7 {
            let expected = if round == 0 { None } else { Some(70) };
            assert_eq!(stack.get(id, 10, 0, 0), expected, "round {round}");
        }
    }
    assert_eq!(stack.len(), 7);
}

#[test]
fn a_request_after_expiry_is_a_miss_and_the_object_re_enters() {
    let mut stack = Stack::default();
    stack.set(1, 10, 0, 1000);
    assert_eq!(stack.get(1, 10, 999, 1000), Some(10));
    assert_eq!(stack.get(1, 10, 1000, 1000), None);
    assert_eq!(stack.get(1, 10, 1999, 1000), Some(10));
    assert_eq!(stack.get(1, 10, 2000, 0), None);
    assert_eq!(stack.get(1, 10, 1 << 40, 0), Some(10));
}

proptest! {
    /// Lives and removals, against caches of every size simulated one by one. Every
    /// request is followed by a store, so that an object lives equally long in all of them.
    #[test]
    fn distances_are_those_of_real_caches(
        steps in proptest::collection::vec((0u64..12, 0u8..8, 0u64..4, 0u64..3), 1..160),
    ) {
        let mut stack = Stack::default();
        let mut caches: Vec<Naive> = (1..80).map(Naive::new).collect();
        let mut hits = vec![0u64; caches.len()];
        let mut now_ms = 0;
        for (id, operation, ttl_ms, passed_ms) in steps {
            now_ms += passed_ms;
            let operations: &[Operation] = match operation {
                0 => &[Operation::Set],
                1 => &[Operation::Delete],
                _ => &[Operation::Get, Operation::Set],
            };
            for &operation in operations {
                let step = access(id, operation, now_ms, ttl_ms);
                let distance = play(&mut stack, &step, 5);
                for (cache, hits) in caches.iter_mut().zip(&mut hits) {
                    cache.play(&step, 5);
                    *hits += u64::from(distance.is_some_and(|bytes| bytes <= cache.capacity_bytes));
                }
            }
        }
        let simulated: Vec<u64> = caches.iter().map(|cache| cache.hits).collect();
        prop_assert_eq!(hits, simulated);
    }

    #[test]
    fn without_expiry_and_removal_sizes_may_differ_and_everything_is_exact(
        ids in proptest::collection::vec(0u64..30, 1..300),
    ) {
        let weight = |id: u64| 1 + (id * 7 % 11) as u32;
        let requests: Vec<(u64, u32)> = ids.iter().map(|&id| (id, weight(id))).collect();
        let curve = curve(&requests, whole());
        for capacity_bytes in 11..200 {
            let mut cache = Naive::new(capacity_bytes);
            for &(id, bytes) in &requests {
                cache.play(&access(id, Operation::Get, 0, 0), bytes.into());
            }
            let simulated = cache.hits as f64 / requests.len() as f64;
            prop_assert!((curve.hit_ratio(capacity_bytes) - simulated).abs() < 1e-12);
        }
    }

    #[test]
    fn a_curve_never_falls_stays_within_0_and_1_and_has_an_inverse(
        seed: u64,
        rate in 0.01f64..1.0,
        objects_min in 0usize..200,
    ) {
        let curve = curve(&skewed(3000, 800, seed), Sampling { rate, objects_min });
        let sizes: Vec<u64> = (0..60).map(|n| 1u64 << (n / 3) | (n % 3) << 5).collect();
        let mut last = 0.0;
        let mut ordered = sizes.clone();
        ordered.sort_unstable();
        for bytes in ordered {
            let ratio = curve.hit_ratio(bytes);
            prop_assert!((0.0..=1.0).contains(&ratio) && ratio >= last, "{ratio} after {last}");
            last = ratio;
            if let Some(smallest) = curve.bytes_for(ratio) {
                prop_assert!(smallest <= bytes.max(1), "{smallest} for what {bytes} do");
                prop_assert!(curve.hit_ratio(smallest) >= ratio - 1e-9);
            }
        }
        prop_assert_eq!(curve.bytes_for(1.0 + 1e-6), None);
    }

    #[test]
    fn a_sample_of_everything_is_exact(seed: u64) {
        let requests = skewed(2000, 500, seed);
        let exact = curve(&requests, whole());
        // More objects wanted than there are: the rate stays 1 although less is asked for.
        let sampled = curve(&requests, Sampling { rate: 0.001, objects_min: 1000 });
        for bytes in (0..40).map(|n| n * 5000) {
            prop_assert_eq!(exact.hit_ratio(bytes), sampled.hit_ratio(bytes));
        }
    }
}

#[test]
fn a_sample_is_near_the_exact_curve_and_says_how_near() {
    let requests = skewed(400_000, 60_000, 7);
    let exact = curve(&requests, whole());
    let mut shards = Shards::new(Sampling { rate: 0.01, objects_min: 8000 });
    for &(id, weight_bytes) in &requests {
        shards.observe(&access(id, Operation::Get, 0, 0), || weight_bytes);
    }
    let sampled = shards.curve();
    let groups = shards.group_curves();
    assert!(shards.rate() < 0.2 && shards.rate() > 0.1, "{}", shards.rate());
    assert!((7900..=8000).contains(&shards.sampled_objects()), "{}", shards.sampled_objects());
    let sizes: Vec<u64> = (1..=50).map(|n| exact.largest_bytes() * n / 50).collect();
    let error = |bytes: &u64| (exact.hit_ratio(*bytes) - sampled.hit_ratio(*bytes)).abs();
    let mean = sizes.iter().map(error).sum::<f64>() / sizes.len() as f64;
    assert!(mean < 0.01, "mean absolute error {mean}");
    let within = |bytes: &&u64| {
        let ratios: Vec<f64> = groups.iter().map(|group| group.hit_ratio(**bytes)).collect();
        error(bytes) <= Shards::margin(&ratios) + 0.002
    };
    let covered = sizes.iter().filter(within).count();
    assert!(covered >= 40, "{covered} of 50 within the margin");
}

#[test]
fn nothing_seen_is_no_curve() {
    let curve = Shards::new(whole()).curve();
    assert_eq!((curve.hit_ratio(1 << 30), curve.hit_ratio_max()), (0.0, 0.0));
    assert_eq!(curve.bytes_for(0.5), None);
    assert_eq!(Shards::margin(&[]), 0.0);
}
