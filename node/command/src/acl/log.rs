//! ACL LOG: who was refused what, newest first. Like refusals are counted in one entry, and the
//! oldest entries go when there are too many.

use std::collections::VecDeque;

use super::check::Reason;

/// Refusals no further apart than this are counted together.
const MAX_APART_MS: u64 = 60_000;
/// Entries among which a like one is looked for.
const COMPARED_ENTRIES: usize = 10;
/// Bytes of an object that are kept. Redis keeps all of them.
const MAX_OBJECT_BYTES: usize = 1 << 10;
/// Longest text about a client that is kept.
const MAX_CLIENT_BYTES: usize = 1024;

/// Where a command came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// From the client.
    Toplevel,
    /// From a transaction, while it was queued or run.
    Multi,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub reason: Reason,
    /// Where the command came from.
    pub context: Context,
    /// The command, key or channel.
    pub object: Vec<u8>,
    /// The user.
    pub user: Vec<u8>,
}

/// Like refusals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was refused.
    pub denial: Denial,
    /// How often.
    pub count: u64,
    /// The client of the last time, as CLIENT LIST shows it.
    pub client: String,
    /// Unique and rising.
    pub id: u64,
    /// Unix milliseconds of the first time.
    pub created_ms: u64,
    /// Unix milliseconds of the last time.
    pub updated_ms: u64,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct DenialLog {
    entries: VecDeque<Entry>,
    next_id: u64,
}

impl DenialLog {
    /// Notes a refusal.
    pub fn note(
        &mut self,
        mut denial: Denial,
        mut client: String,
        now_ms: u64,
        max_entries: usize,
    ) {
        denial.object.truncate(MAX_OBJECT_BYTES);
        denial.user.truncate(MAX_OBJECT_BYTES);
        client.truncate(client.floor_char_boundary(MAX_CLIENT_BYTES));
        let is_like = |entry: &Entry| {
            entry.denial == denial && now_ms.saturating_sub(entry.updated_ms) <= MAX_APART_MS
        };
        let found = self.entries.iter().take(COMPARED_ENTRIES).position(is_like);
        let entry = match found.and_then(|at| self.entries.remove(at)) {
            Some(entry) => Entry { count: entry.count + 1, client, updated_ms: now_ms, ..entry },
            None => {
                let id = self.next_id;
                self.next_id += 1;
                Entry { denial, count: 1, client, id, created_ms: now_ms, updated_ms: now_ms }
            }
        };
        self.entries.push_front(entry);
        self.entries.truncate(max_entries);
    }

    /// The newest entries.
    pub fn newest(&self, count: usize) -> Vec<Entry> {
        self.entries.iter().take(count).cloned().collect()
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

impl Reason {
    /// The word of ACL LOG.
    pub(super) fn word(self) -> &'static str {
        match self {
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Auth => "auth",
            Reason::Channel => "channel",
        }
    }
}

impl Context {
    /// The word of ACL LOG.
    pub(super) fn word(self) -> &'static str {
        match self {
            Context::Toplevel => "toplevel",
            Context::Multi => "multi",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(object: &str) -> Denial {
        Denial {
            reason: Reason::Key,
            context: Context::Toplevel,
            object: object.into(),
            user: b"ada".to_vec(),
        }
    }

    fn shown(log: &DenialLog) -> Vec<String> {
        let entries = log.newest(usize::MAX);
        let shown = |one: &Entry| {
            let object = String::from_utf8_lossy(&one.denial.object).into_owned();
            format!("{}:{object}x{}", one.id, one.count)
        };
        entries.iter().map(shown).collect()
    }

    #[test]
    fn like_refusals_are_counted_together_and_come_first() {
        let mut log = DenialLog::default();
        for (object, at_ms) in [("a", 0), ("b", 1), ("a", 60_000), ("a", 120_001)] {
            log.note(denial(object), String::new(), at_ms, 128);
        }
        assert_eq!(shown(&log), ["2:ax1", "0:ax2", "1:bx1"]);
    }

    #[test]
    fn the_oldest_entries_go_when_there_are_too_many() {
        let mut log = DenialLog::default();
        ["a", "b", "c"].iter().for_each(|one| log.note(denial(one), String::new(), 0, 2));
        assert_eq!(shown(&log), ["2:cx1", "1:bx1"]);
        log.note(denial("d"), String::new(), 0, 0);
        assert!(shown(&log).is_empty());
    }
}
