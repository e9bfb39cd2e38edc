//! What several of these tests need.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use skep_tests::cluster::{Cluster, Roamer};
use skep_tests::{Client, PATIENCE, wait_until};

/// A client of all nodes that run.
pub(crate) fn roamer(cluster: &Cluster) -> Roamer {
    Roamer::new(cluster.running().map(|node| node.address()).collect())
}

/// A hash tag whose slot is of a share: tags that are numbers are all over the slots.
pub(crate) fn tag_in(client: &mut Client, slots: std::ops::RangeInclusive<u16>) -> String {
    let is_in = |tag: &String| {
        let slot = client.say(&format!("CLUSTER KEYSLOT {tag}")).unwrap_or_default();
        let slot = slot.trim_start_matches(':').trim_end_matches("\\r\\n").parse();
        slot.is_ok_and(|slot: u16| slots.contains(&slot))
    };
    (0..10_000).map(|number| number.to_string()).find(is_in).expect("some number is of that share")
}

/// Waits until two nodes have equal digests of all slots.
#[track_caller]
pub(crate) fn wait_for_equal_digests(cluster: &Cluster, one: usize, other: usize) {
    let digests = |at: usize| cluster.node(at).ask("DEBUG SLOT-DIGESTS").ok();
    wait_until(PATIENCE, &format!("nodes {one} and {other} have equal digests"), || {
        digests(one).is_some_and(|found| Some(found) == digests(other))
    });
}

/// Clients that write all the time, each its own keys, and never anything but higher numbers.
pub(crate) struct Load {
    ends: Arc<AtomicBool>,
    /// Writes that were answered.
    done: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Written>>,
}

/// What the clients of a [`Load`] were told.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The highest number of each key of which WAIT said that a replica has it.
    confirmed: BTreeMap<String, u64>,
    /// Errors other than MOVED.
    pub(crate) errors: Vec<String>,
    /// Connections that ended, or could not be had.
    pub(crate) losses: usize,
}

impl Load {
    /// Begins with so many clients.
    pub(crate) fn begin(cluster: &Cluster, clients: usize) -> Load {
        let (ends, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..clients).map(|client| {
            let (ends, done) = (Arc::clone(&ends), Arc::clone(&done));
            let roamer = roamer(cluster);
            std::thread::spawn(move || write(client, roamer, &ends, &done))
        });
        let threads = threads.collect();
        Load { ends, done, threads }
    }

    /// Waits until so many more writes have been answered.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        let before = self.done.load(Ordering::Relaxed);
        let what = format!("{count} writes are answered");
        wait_until(PATIENCE, &what, || self.done.load(Ordering::Relaxed) >= before + count);
    }

    /// Ends, and answers what the clients were told.
    pub(crate) fn end(self) -> Written {
        self.ends.store(true, Ordering::Relaxed);
        let mut all = Written::default();
        for thread in self.threads {
            let written = thread.join().expect("a client of the load");
            all.confirmed.extend(written.confirmed);
            all.errors.extend(written.errors);
            all.losses += written.losses;
        }
        all
    }
}

/// Keys of each client: enough to be of all shards.
const KEYS: u64 = 12;
/// Every so manieth write is confirmed.
const CONFIRMED: u64 = 5;

fn write(client: usize, mut roamer: Roamer, ends: &AtomicBool, done: &AtomicUsize) -> Written {
    let mut written = Written::default();
    for number in 1.. {
        if ends.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("load:{client}:{}", number % KEYS);
        let answer = roamer.say(&key, &format!("SET {key} {number}"));
        done.fetch_add(1, Ordering::Relaxed);
        if answer != "+OK" {
            written.errors.push(format!("SET {key} {number}: {answer}"));
        } else if number % CONFIRMED == 0 {
            // Once on the same connection: another node would speak for its own writes only.
            let confirmed = roamer.say_there("WAIT 1 1000").ok().and_then(|said| said.integer());
            if confirmed.is_some_and(|replicas| replicas >= 1) {
                written.confirmed.insert(key, number);
            }
        }
    }
    written.losses = roamer.losses;
    written
}

impl Written {
    /// Fails if something that was confirmed is not there, or was too little to tell.
    #[track_caller]
    pub(crate) fn check(&self, cluster: &Cluster) {
        assert!(!self.confirmed.is_empty(), "nothing was confirmed");
        let mut roamer = roamer(cluster);
        for (key, number) in &self.confirmed {
            let answer = roamer.ask(key, &format!("GET {key}"));
            let found = answer.bytes().and_then(|bytes| std::str::from_utf8(bytes).ok());
            let found: u64 = found.and_then(|text| text.parse().ok()).unwrap_or_default();
            assert!(found >= *number, "{key}: {number} was confirmed, and {answer} is there");
        }
    }
}
