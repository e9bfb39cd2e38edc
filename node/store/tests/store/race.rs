//! Many workers at once: values stay whole, accounts stay right, lock-free reads stay harmless.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use skep_store::{DeadShare, Expiry, NewValue, Policy, Store, StripeSet, Upkeep, View, Writer};

use crate::support::{NOW_MS, size_from_env, store};

const THREADS: u64 = 4;
const DATABASES: u16 = 2;

fn key(number: u64) -> Vec<u8> {
    match number % 4 {
        0 => format!("plain:{number}").into_bytes(),
        // So large that the key lies outside of the segments.
        1 if number % 40 == 1 => vec![b'a' + (number % 26) as u8; 17_000 + number as usize % 90],
        _ => format!("{{tag}}{number}").into_bytes(),
    }
}

/// A value that tells whether it is whole: every byte is the same.
fn value(random: u64) -> Vec<u8> {
    let len = match random % 16 {
        0 => 16_000 + (random >> 8) as usize % 2_000,
        1..4 => (random >> 8) as usize % 3_000,
        _ => 8 + (random >> 8) as usize % 100,
    };
    vec![(random >> 32) as u8; len]
}

fn assert_whole(value: &[u8]) {
    let Some(first) = value.first() else { return };
    assert!(value.iter().all(|byte| byte == first), "a torn value of {} bytes", value.len());
}

struct Shared {
    store: Store,
    now_ms: AtomicU64,
    keys: u64,
}

/// One random command of a worker.
fn command(shared: &Shared, writer: &mut Writer) {
    let random = writer.random();
    let (one, other) = (key(random % shared.keys), key((random >> 16) % shared.keys));
    let store = &shared.store;
    let (a, b) = (store.key(&one), store.key(&other));
    let mut held = StripeSet::one(a.stripe());
    held.insert(b.stripe());
    let database = (random >> 60) as u16 % DATABASES;
    let now_ms = shared.now_ms.load(Relaxed);
    let ttl = match (random >> 50) % 4 {
        0 => Expiry::At(now_ms + (random >> 40) % 50),
        1 => Expiry::Keep,
        _ => Expiry::Never,
    };
    let mut view = View::new(store, writer, held, now_ms);
    match (random >> 32) % 64 {
        0..24 => {
            _ = view.set(database, &a, NewValue::Bytes(&value(random)), ttl);
        }
        24..40 => {
            let read = view.read(database, &a);
            assert_whole(read.map_or(&[][..], |item| item.value().bytes().expect("a string")));
            let found = view.find(database, &b);
            assert_whole(found.map_or(&[][..], |item| item.value().bytes().expect("a string")));
        }
        40..48 => {
            let shared = view
                .find(database, &a)
                .map(|item| item.value().bytes().expect("a string").to_vec());
            if let Some(value) = shared {
                view.remove(database, &a);
                _ = view.set(database, &b, NewValue::Bytes(&value), Expiry::Keep);
            }
        }
        48..54 => {
            _ = view.edit(database, &a, |value| {
                let byte = value.first().copied().unwrap_or(b'e');
                value.resize((value.len() + 100) % 20_000, byte);
            });
        }
        54..58 => _ = view.set_expiry(database, &a, Some(now_ms + random % 40)),
        58..60 => _ = view.set_expiry(database, &a, None),
        _ => {
            view.remove(database, &a);
            view.remove(database, &b);
        }
    }
}

/// What a worker does between commands.
fn upkeep(shared: &Shared, writer: &mut Writer, round: u64) {
    let now_ms = shared.now_ms.load(Relaxed);
    if round.is_multiple_of(16) {
        writer.publish(&shared.store);
        shared.store.make_room(writer, now_ms);
        shared.store.work_off(writer);
    }
    if round.is_multiple_of(64) {
        shared.now_ms.fetch_add(1, Relaxed);
        shared.store.upkeep(writer, &Upkeep { now_ms, expire: true });
        shared.store.compact(writer, DeadShare(0), 300_000);
    }
    let random = writer.random();
    if random.is_multiple_of(3_000) {
        View::new(&shared.store, writer, StripeSet::ALL, now_ms).clear(round as u16 % DATABASES);
    }
    if random.is_multiple_of(2_000) {
        View::new(&shared.store, writer, StripeSet::ALL, now_ms).swap(0, 1);
    }
    if random.is_multiple_of(500) {
        View::new(&shared.store, writer, StripeSet::NONE, now_ms).each_stripe(&mut |view, _| {
            view.each_key(0, |_, item| assert_whole(item.value().bytes().expect("a string")));
            true
        });
    }
    if random.is_multiple_of(200) {
        writer.seal(&shared.store);
    }
}

fn stress(keys: u64, policy: Policy, limit_bytes: u64) {
    let rounds = size_from_env("SKEP_TEST_RACE_ROUNDS", 40_000) as u64;
    let shared = Arc::new(Shared {
        store: store(usize::from(DATABASES), 256 << 20),
        now_ms: AtomicU64::new(NOW_MS),
        keys,
    });
    shared.store.set_policy(policy, 10, 1);
    shared.store.set_limits(limit_bytes, 0);
    let workers: Vec<_> = (0..THREADS)
        .map(|number| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let mut writer = Writer::new(number * 2 + 1);
                for round in 0..rounds {
                    command(&shared, &mut writer);
                    upkeep(&shared, &mut writer, round);
                }
                writer.publish(&shared.store);
                writer.counters
            })
        })
        .collect();
    let mut counters = skep_store::Counters::default();
    for worker in workers {
        counters.add(&worker.join().expect("a worker that did not panic"));
    }
    shared.store.audit().expect("the accounts equal a recount");
    assert!(counters.compacted_bytes > 0 && counters.expired > 0, "{counters:?}");
    assert!(limit_bytes == 0 || counters.evicted > 0, "{counters:?}");
}

#[test]
fn workers_that_share_a_few_keys_keep_the_accounts() {
    stress(60, Policy::NoEviction, 0);
}

#[test]
fn workers_that_share_many_keys_under_a_limit_keep_the_accounts() {
    stress(20_000, Policy::AllKeysLru, 4 << 20);
}

#[test]
fn workers_under_a_volatile_policy_keep_the_accounts() {
    stress(5_000, Policy::VolatileTtl, 3 << 20);
}

#[test]
fn prefetching_is_harmless_while_everything_changes() {
    let shared = Arc::new(store(usize::from(DATABASES), 64 << 20));
    let is_over = Arc::new(AtomicBool::new(false));
    let prefetcher = {
        let (store, is_over) = (Arc::clone(&shared), Arc::clone(&is_over));
        thread::spawn(move || {
            let (mut number, mut rounds) = (0, 0u64);
            while !is_over.load(Relaxed) {
                let bytes = key(number % 6_000);
                let key = store.key(&bytes);
                for database in 0..DATABASES {
                    store.prefetch_header(database, &key);
                    if let Some(trail) = store.prefetch_bucket(database, &key) {
                        store.prefetch_item(&trail);
                    }
                }
                number += 2;
                rounds += 1;
            }
            rounds
        })
    };
    let mut writer = Writer::new(5);
    for round in 0..size_from_env("SKEP_TEST_RACE_ROUNDS", 40_000) as u64 * 4 {
        let random = writer.random();
        let bytes = key(random % 6_000);
        let key = shared.key(&bytes);
        let stripes = StripeSet::one(key.stripe());
        let database = (random >> 60) as u16 % DATABASES;
        let mut view = View::new(&shared, &mut writer, stripes, NOW_MS);
        let value = value(random);
        let is_full = view.set(database, &key, NewValue::Bytes(&value), Expiry::Never).is_err();
        drop(view);
        if is_full {
            View::new(&shared, &mut writer, StripeSet::ALL, NOW_MS).clear(database);
        }
        shared.work_off(&mut writer);
        if round % 10_000 == 9_999 {
            let mut view = View::new(&shared, &mut writer, StripeSet::ALL, NOW_MS);
            view.clear(database);
            view.swap(0, 1);
            drop(view);
            shared.trim();
        }
    }
    is_over.store(true, Relaxed);
    let rounds = prefetcher.join().expect("a prefetcher that did not panic");
    assert!(rounds > 1_000, "only {rounds} rounds of prefetching");
    writer.publish(&shared);
    shared.audit().expect("the accounts equal a recount");
}
