//! How long a shard waits for what. All in nanoseconds.

use std::fmt;

const MS: u64 = 1_000_000;

/// The durations of a shard's protocol, the same on all its members. Shorter ones fail over sooner
/// and mistake a busy machine for a dead one more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Between beacons of a primary.
    pub beacon: u64,
    /// How long a primary may acknowledge after it sent the last beacon that all in-sync replicas
    /// answered.
    pub lease: u64,
    /// How long an in-sync replica hears nothing before it wants to be promoted.
    pub grace: u64,
    /// How long a replica does not answer before its primary wants it out of the in-sync set.
    pub silence: u64,
    /// By how much a replica holds back for each one that has more than it.
    pub stagger: u64,
    /// After how long a proposal that has had no effect is made again.
    pub retry: u64,
    /// How late a replica may wake before it doubts itself rather than its primary, and listens for a
    /// grace anew. What the grace has beyond the lease and its eighth bears that.
    pub late: u64,
    /// How long a hand-over may stop the shard before it is given up.
    pub hand_over: u64,
    /// Between beacons while a hand-over waits for the replica.
    pub poll: u64,
    /// How many effects a replica may lack when its primary begins to wait for it.
    pub join_lag: u64,
}

/// Timings with which two primaries could acknowledge at once, or no one ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadTimings {
    reason: &'static str,
}

impl fmt::Display for BadTimings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cluster timings: {}", self.reason)
    }
}

impl Timings {
    /// For one data centre: a failover takes some 0.4 s.
    pub const LAN: Timings = Timings {
        beacon: 50 * MS,
        lease: 300 * MS,
        grace: 400 * MS,
        silence: 200 * MS,
        stagger: 10 * MS,
        retry: 100 * MS,
        late: 60 * MS,
        hand_over: 1_000 * MS,
        poll: 2 * MS,
        join_lag: 4_096,
    };

    /// For far or crowded machines: a failover takes some 1.4 s.
    pub const WAN: Timings = Timings {
        beacon: 150 * MS,
        lease: 1_000 * MS,
        grace: 1_300 * MS,
        silence: 650 * MS,
        stagger: 50 * MS,
        retry: 400 * MS,
        late: 150 * MS,
        hand_over: 3_000 * MS,
        poll: 10 * MS,
        join_lag: 65_536,
    };

    /// Whether they keep the protocol's promises.
    ///
    /// # Errors
    /// A grace that does not outlast the lease by an eighth, which covers clocks of which one runs a
    /// twentieth too slow and the other a twentieth too fast; durations of 0; a silence that a lost
    /// beacon or two would fill, or that leaves no time to shrink before the lease ends.
    pub fn check(&self) -> Result<(), BadTimings> {
        let wrong = |reason| Err(BadTimings { reason });
        if [self.beacon, self.retry, self.poll].contains(&0) {
            return wrong("beacon, retry and poll must be longer than 0");
        }
        if self.grace <= self.lease.saturating_add(self.lease / 8) {
            return wrong("the grace must be longer than the lease by more than an eighth");
        }
        if self.silence < self.beacon.saturating_mul(3) {
            return wrong("the silence must be three beacons or more");
        }
        if self.lease < self.silence.saturating_add(self.beacon) {
            return wrong("the lease must be longer than the silence by a beacon");
        }
        Ok(())
    }
}
