//! Spike: memory and speed of the store alone.
use skep_store::*;
use std::time::Instant;
fn rss() -> usize {
    std::fs::read_to_string("/proc/self/smaps_rollup")
        .unwrap()
        .lines()
        .find(|l| l.starts_with("Rss"))
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}
fn main() {
    let n: usize = std::env::args().nth(1).map_or(5_000_000, |a| a.parse().unwrap());
    let vlen: usize = std::env::args().nth(2).map_or(64, |a| a.parse().unwrap());
    let ttl = std::env::args().nth(3).is_some();
    let store = Store::new(&Options { databases: 16, reserve_bytes: 96 << 30, seed: 42 }).unwrap();
    let mut w = Writer::new(7);
    let before = rss();
    println!("baseline rss {} KB", before >> 10);
    let value = vec![b'x'; vlen];
    let t = Instant::now();
    for i in 0..n {
        let k = format!("key:{:012}", i);
        let key = store.key(k.as_bytes());
        let mut v = View::new(&store, &mut w, StripeSet::one(key.stripe()), 1_790_000_000_000);
        v.set(
            0,
            &key,
            NewValue::Bytes(&value),
            if ttl { Expiry::At(1_890_000_000_000) } else { Expiry::Never },
        )
        .unwrap();
    }
    w.publish(&store);
    println!("insert {:.0} ns/op", t.elapsed().as_nanos() as f64 / n as f64);
    println!("overhead {:.1} B/item", (rss() - before) as f64 / n as f64 - 16.0 - vlen as f64);
    // batched gets
    for pass in 0..2 {
        let t = Instant::now();
        let mut x = 88172645463325252u64;
        let mut sum = 0usize;
        let mut ks: Vec<[u8; 16]> = vec![[0; 16]; 64];
        let m = 4_000_000;
        for _ in 0..m / 64 {
            for k in ks.iter_mut() {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                use std::io::Write;
                let _ = write!(&mut k[..], "key:{:012}", x as usize % n);
            }
            let keys: Vec<_> = ks.iter().map(|k| store.key(k)).collect();
            if pass == 1 {
                for k in &keys {
                    store.prefetch_header(0, k);
                }
                for k in &keys {
                    store.prefetch_bucket(0, k);
                }
                for k in &keys {
                    store.prefetch_item(0, k);
                }
            }
            for k in &keys {
                let mut v =
                    View::new(&store, &mut w, StripeSet::one(k.stripe()), 1_790_000_000_000);
                sum += v.read(0, k).map_or(0, |i| i.value().bytes()[vlen - 1] as usize);
            }
        }
        println!(
            "pass {pass} get {:.0} ns/op (incl. key formatting) {sum} hits {}",
            t.elapsed().as_nanos() as f64 / m as f64,
            w.counters.hits
        );
    }
    let t = Instant::now();
    for _ in 0..4_000_000 / 64 {
        let mut ks = [[0u8; 16]; 64];
        let mut x = 5u64;
        for k in ks.iter_mut() {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            use std::io::Write;
            let _ = write!(&mut k[..], "key:{:012}", x as usize % n);
        }
        std::hint::black_box(&ks);
    }
    println!("formatting {:.0} ns/op", t.elapsed().as_nanos() as f64 / 4e6);
    // churn
    let mut x = 1234567u64;
    let mut live = n;
    let t = Instant::now();
    for i in 0..n {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if x & 1 == 0 {
            let k = format!("key:{:012}", i);
            let key = store.key(k.as_bytes());
            {
                let mut v = View::new(&store, &mut w, StripeSet::one(key.stripe()), 0);
                assert!(v.remove(0, &key));
            }
            live -= 1;
            if i % 64 == 0 {
                store.compact(&mut w, DeadShare(150), 64 * 200);
            }
        }
    }
    println!(
        "delete {:.0} ns/op, live {live} rss {} MB",
        t.elapsed().as_nanos() as f64 / (n - live) as f64,
        rss() >> 20
    );
    let v2 = vec![b'y'; vlen * 13 / 10];
    let t = Instant::now();
    let add = n - live;
    for i in 0..add {
        let k = format!("new:{:012}", i);
        let key = store.key(k.as_bytes());
        {
            let mut v = View::new(&store, &mut w, StripeSet::one(key.stripe()), 0);
            v.set(0, &key, NewValue::Bytes(&v2), Expiry::Never).unwrap();
        }
        if i % 64 == 0 {
            w.publish(&store);
            store.compact(&mut w, DeadShare(100), 64 * 400);
        }
    }
    println!("refill {:.0} ns/op", t.elapsed().as_nanos() as f64 / add as f64);
    let t = Instant::now();
    while store.compact(&mut w, DeadShare(50), 1 << 20) {}
    let payload = live * (16 + vlen) + add * (16 + v2.len());
    println!(
        "settle {:?}; rss/payload {:.3} compacted {} MB",
        t.elapsed(),
        (rss() - before) as f64 / payload as f64,
        w.counters.compacted_bytes >> 20
    );
    let mut v = View::new(&store, &mut w, StripeSet::ALL, 0);
    let c = v.count(0);
    let mut seen = 0;
    v.each_key(0, |_, _| seen += 1);
    assert_eq!(seen, c.keys);
    assert_eq!(seen as usize, live + add);
    let t = Instant::now();
    v.clear(0);
    println!("clear {:?} rss {} MB", t.elapsed(), rss() >> 20);
}
