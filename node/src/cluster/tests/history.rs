//! What clients saw, and what must never be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use skep_cluster::ShardId;

/// The last acknowledgement of a shard.
#[derive(Clone, Copy, Debug)]
struct Reign {
    epoch: u64,
    host: usize,
}

/// A write or read that a host itself has answered.
pub(super) struct Answered {
    pub(super) at: Duration,
    pub(super) host: usize,
    pub(super) shard: ShardId,
    pub(super) epoch: u64,
}

/// See the module.
#[derive(Default)]
pub(super) struct History {
    /// Whether clients work.
    pub(super) is_open: bool,
    count: u64,
    reigns: BTreeMap<ShardId, Reign>,
    /// What anybody has ever tried to write.
    tried: BTreeMap<String, BTreeSet<u64>>,
    /// What the only writer of a key has seen acknowledged in an epoch.
    last: BTreeMap<String, (u64, u64)>,
    /// What all replicas of a key's shard have confirmed.
    durable: BTreeMap<String, u64>,
    /// How often that was, by host.
    confirmed: BTreeMap<usize, u64>,
    /// When a write of a shard was acknowledged.
    pub(super) writes: BTreeMap<ShardId, Vec<Duration>>,
    pub(super) writes_forwarded: u64,
    pub(super) reads: u64,
    pub(super) refusals: u64,
    /// Of all that was answered, to compare runs.
    pub(super) trace: u64,
    /// What must not be.
    pub(super) wrongs: Vec<String>,
}

impl History {
    /// A value that was never written before, about to be written.
    pub(super) fn try_write(&mut self, key: &str) -> u64 {
        self.count += 1;
        self.tried.entry(key.to_owned()).or_default().insert(self.count);
        self.count
    }

    /// A host has acknowledged a write by its own judgement.
    pub(super) fn wrote(&mut self, by: &Answered, key: &str, value: u64) {
        self.answered(by);
        self.note(by.at, key, Some(value));
        self.last.insert(key.to_owned(), (by.epoch, value));
        self.writes.entry(by.shard).or_default().push(by.at);
    }

    /// Nobody knows what became of a write.
    pub(super) fn lost_sight(&mut self, key: &str) {
        self.last.remove(key);
    }

    /// A host has answered a read by its own judgement; `None`: the key does not exist.
    pub(super) fn read(&mut self, by: &Answered, key: &str, value: Option<u64>) {
        self.answered(by);
        self.read_somewhere(by.at, key, value);
        if let Some((epoch, last)) = self.last.get(key).filter(|(epoch, _)| *epoch == by.epoch)
            && Some(*last) != value
        {
            self.wrongs.push(format!(
                "{:?}: host {} reads {value:?} of {key} after {last} in epoch {epoch}",
                by.at, by.host
            ));
        }
    }

    /// Somebody has answered a read.
    pub(super) fn read_somewhere(&mut self, at: Duration, key: &str, value: Option<u64>) {
        self.reads += 1;
        self.note(at, key, value);
        let is_known = |value| self.tried.get(key).is_some_and(|tried| tried.contains(value));
        if let Some(value) = value.as_ref().filter(|value| !is_known(value)) {
            self.wrongs.push(format!("{at:?}: {key} is {value}, which nobody has written"));
        }
    }

    fn note(&mut self, at: Duration, key: &str, value: Option<u64>) {
        let mut hasher = DefaultHasher::new();
        (self.trace, at, key, value).hash(&mut hasher);
        self.trace = hasher.finish();
    }

    /// Acknowledgements of a shard come from one host at a time, and epochs only grow.
    fn answered(&mut self, by: &Answered) {
        let reign = Reign { epoch: by.epoch, host: by.host };
        let before = self.reigns.insert(by.shard, reign);
        if let Some(before) = before.filter(|before| {
            before.epoch > reign.epoch || before.epoch == reign.epoch && before.host != reign.host
        }) {
            self.wrongs.push(format!("{:?}: {reign:?} acknowledges after {before:?}", by.at));
        }
    }

    /// A write has been confirmed by all replicas.
    pub(super) fn confirm(&mut self, host: usize, key: &str, value: u64) {
        *self.confirmed.entry(host).or_default() += 1;
        let durable = self.durable.entry(key.to_owned()).or_default();
        *durable = value.max(*durable);
    }

    /// How many writes have been confirmed to clients of a host.
    pub(super) fn confirmed_by(&self, host: usize) -> u64 {
        self.confirmed.get(&host).copied().unwrap_or(0)
    }

    /// Some keys may be lost, after all. Answers how many.
    pub(super) fn promise_nothing(&mut self, is_one: impl Fn(&str) -> bool) -> usize {
        self.durable.extract_if(.., |key, _| is_one(key)).count()
    }

    /// What must be there when all is calm: keys, and at least which of their values.
    pub(super) fn durable(&self) -> Vec<(String, u64)> {
        self.durable.iter().map(|(key, value)| (key.clone(), *value)).collect()
    }

    /// The longest time without an acknowledged write of a shard from a moment to another.
    pub(super) fn gap(&self, shard: ShardId, from: Duration, to: Duration) -> Duration {
        let writes = self.writes.get(&shard).into_iter().flatten().copied();
        let within = writes.filter(|at| (from..to).contains(at)).chain([to]);
        let mut last = from;
        let mut gap = Duration::ZERO;
        for at in within {
            gap = gap.max(at - last);
            last = at;
        }
        gap
    }
}
