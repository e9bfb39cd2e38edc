//! Guessing passwords is made slow: after some wrong ones for a user from an address, the next
//! attempt has to wait, longer each time.
//!
//! A right password waits as well, or many connections at once would get round it; but each
//! attempt waits only once, so that somebody who guesses cannot keep others of the same address
//! out. Users that do not exist are one user here.

use std::collections::BTreeMap;

/// Wrong passwords before the first wait.
const FREE_FAILURES: u32 = 3;
/// The first wait; it doubles with each wrong password.
const FIRST_WAIT_MS: u64 = 100;
/// Below what clients wait for a connection, since whoever knows the password waits as well.
pub(super) const MAX_WAIT_MS: u64 = 1_000;
/// After so long without a wrong password all is forgotten.
const FORGOTTEN_AFTER_MS: u64 = 600_000;
/// Pairs of address and user that are remembered.
const MAX_PAIRS: usize = 4096;

#[derive(Clone, Copy, Debug)]
struct Record {
    failures: u32,
    last_ms: u64,
}

impl Record {
    fn wait_ends_ms(self) -> u64 {
        let Some(doublings) = self.failures.checked_sub(FREE_FAILURES) else { return 0 };
        self.last_ms + (FIRST_WAIT_MS << doublings.min(16)).min(MAX_WAIT_MS)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Penalties {
    records: BTreeMap<(Vec<u8>, Vec<u8>), Record>,
}

impl Penalties {
    /// How long an attempt has to wait.
    pub fn wait_ms(&self, address: &[u8], user: &[u8], now_ms: u64) -> u64 {
        if self.records.is_empty() {
            return 0;
        }
        let record = self.records.get(&(address.to_vec(), user.to_vec()));
        // The clock may have gone back.
        record.map_or(0, |one| one.wait_ends_ms().saturating_sub(now_ms).min(MAX_WAIT_MS))
    }

    /// Notes a wrong password.
    pub fn failed(&mut self, address: &[u8], user: &[u8], now_ms: u64) {
        let is_remembered =
            |record: &Record| now_ms.saturating_sub(record.last_ms) < FORGOTTEN_AFTER_MS;
        let pair = (address.to_vec(), user.to_vec());
        if self.records.len() >= MAX_PAIRS && !self.records.contains_key(&pair) {
            self.records.retain(|_, record| is_remembered(record));
            self.forget_one();
        }
        let record = self.records.entry(pair).or_insert(Record { failures: 0, last_ms: now_ms });
        if !is_remembered(record) {
            record.failures = 0;
        }
        *record = Record { failures: record.failures.saturating_add(1), last_ms: now_ms };
    }

    /// Notes a right password.
    pub fn succeeded(&mut self, address: &[u8], user: &[u8]) {
        if !self.records.is_empty() {
            self.records.remove(&(address.to_vec(), user.to_vec()));
        }
    }

    /// Makes room for one more, if there is none, at the cost of the one with the fewest failures.
    fn forget_one(&mut self) {
        if self.records.len() < MAX_PAIRS {
            return;
        }
        let least = self.records.iter().min_by_key(|(_, one)| (one.failures, one.last_ms));
        if let Some(pair) = least.map(|(pair, _)| pair.clone()) {
            self.records.remove(&pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_the_third_failure_on_up_to_a_bound() {
        let mut penalties = Penalties::default();
        let mut waits = Vec::new();
        for _ in 0..10 {
            penalties.failed(b"here", b"ada", 1_000);
            waits.push(penalties.wait_ms(b"here", b"ada", 1_000));
        }
        assert_eq!(waits, [0, 0, 100, 200, 400, 800, 1000, 1000, 1000, 1000]);
        assert_eq!(penalties.wait_ms(b"here", b"ada", 1_999), 1);
        assert_eq!(penalties.wait_ms(b"there", b"ada", 1_000), 0);
        assert_eq!(penalties.wait_ms(b"here", b"bob", 1_000), 0);
    }

    #[test]
    fn a_right_password_or_time_makes_up_for_wrong_ones() {
        let mut penalties = Penalties::default();
        (0..5).for_each(|_| penalties.failed(b"here", b"ada", 0));
        penalties.failed(b"here", b"ada", FORGOTTEN_AFTER_MS);
        assert_eq!(penalties.wait_ms(b"here", b"ada", FORGOTTEN_AFTER_MS), 0);
        (0..5).for_each(|_| penalties.failed(b"here", b"ada", FORGOTTEN_AFTER_MS));
        penalties.succeeded(b"here", b"ada");
        assert_eq!(penalties.wait_ms(b"here", b"ada", FORGOTTEN_AFTER_MS), 0);
    }

    #[test]
    fn pairs_are_bounded_and_the_worst_are_kept() {
        let mut penalties = Penalties::default();
        (0..5).for_each(|_| penalties.failed(b"here", b"ada", 0));
        for number in 0..2 * MAX_PAIRS {
            penalties.failed(number.to_string().as_bytes(), b"ada", 1);
        }
        assert_eq!(penalties.records.len(), MAX_PAIRS);
        assert!(penalties.wait_ms(b"here", b"ada", 1) > 0);
    }
}
