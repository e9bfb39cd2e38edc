//! The slow log: the last commands that took long, shortened, newest first.

use std::collections::VecDeque;

use parking_lot::Mutex;
use skep_command::server::SlowEntry;
use skep_resp::Args;

/// Arguments kept of a command.
const MAX_ARGS: usize = 32;
/// Bytes kept of an argument.
const MAX_ARG_BYTES: usize = 128;

/// What stands for a password.
pub(crate) const REDACTED: &[u8] = b"(redacted)";
/// Options whose values are passwords.
const SECRET_OPTIONS: &[&str] = &["requirepass", "masterauth", "tls-key-file-pass"];

/// A bounded list of slow commands.
#[derive(Default)]
pub(crate) struct SlowLog {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: VecDeque<SlowEntry>,
    next_id: u64,
}

impl SlowLog {
    /// Adds an entry (its id is given here) and drops those beyond `limit`.
    pub(crate) fn add(&self, mut entry: SlowEntry, limit: usize) {
        let mut state = self.state.lock();
        entry.id = state.next_id;
        state.next_id += 1;
        state.entries.push_front(entry);
        state.entries.truncate(limit);
    }

    pub(crate) fn newest(&self, count: usize) -> Vec<SlowEntry> {
        self.state.lock().entries.iter().take(count).cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().entries.len()
    }

    pub(crate) fn clear(&self) {
        self.state.lock().entries.clear();
    }
}

/// Copies a command's arguments, shortened as Redis shortens them, and without passwords.
pub(crate) fn shorten(args: Args<'_>) -> Vec<Vec<u8>> {
    let keep = if args.len() > MAX_ARGS { MAX_ARGS - 1 } else { args.len() };
    let shown = |at: usize| match args.get(at) {
        Some(_) if is_secret(args, at) => REDACTED.to_vec(),
        word => shorten_word(word.unwrap_or_default()),
    };
    let mut words: Vec<Vec<u8>> = (0..keep).map(shown).collect();
    if args.len() > MAX_ARGS {
        words.push(format!("... ({} more arguments)", args.len() - keep).into_bytes());
    }
    words
}

/// Whether an argument is a password: what follows `AUTH user` in HELLO, all rules of
/// a user, and the values of options
/// that are one. (AUTH itself is never in the log.)
pub(crate) fn is_secret(args: Args<'_>, at: usize) -> bool {
    let is = |at: Option<usize>, word: &str| {
        let found = at.and_then(|at| args.get(at));
        found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    };
    let behind = |words: &[&str]| words.iter().any(|word| is(at.checked_sub(1), word));
    (is(Some(0), "hello") && is(at.checked_sub(2), "auth"))
        || (at > 2 && is(Some(0), "acl") && is(Some(1), "setuser"))
        || (is(Some(0), "config") && is(Some(1), "set") && behind(SECRET_OPTIONS))
}

fn shorten_word(word: &[u8]) -> Vec<u8> {
    match word.len().checked_sub(MAX_ARG_BYTES) {
        None | Some(0) => word.to_vec(),
        Some(more) => {
            let mut short = word[..MAX_ARG_BYTES].to_vec();
            short.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
            short
        }
    }
}

#[cfg(test)]
mod tests {
    use skep_resp::OwnedArgs;

    use super::*;

    fn shortened(words: &str) -> String {
        let args: OwnedArgs = words.split(' ').map(str::as_bytes).collect();
        let words = shorten(args.as_args());
        words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn passwords_are_not_kept() {
        assert_eq!(shortened("HELLO 3 AUTH me secret"), "HELLO 3 AUTH me (redacted)");
        assert_eq!(
            shortened("config set port 1 RequirePass secret hz 2"),
            "config set port 1 RequirePass (redacted) hz 2"
        );
        assert_eq!(shortened("set requirepass x"), "set requirepass x");
        assert_eq!(
            shortened("ACL setuser ada on >secret"),
            "ACL setuser ada (redacted) (redacted)"
        );
    }

    #[test]
    fn long_commands_are_cut_as_redis_cuts_them() {
        let long = vec!["a"; 40].join(" ");
        let cut = format!("{} ... (9 more arguments)", vec!["a"; 31].join(" "));
        assert_eq!(shortened(&long), cut);
        let word = "b".repeat(130);
        assert_eq!(shortened(&word), format!("{}... (2 more bytes)", "b".repeat(128)));
    }

    #[test]
    fn only_so_many_entries_are_kept_newest_first() {
        let log = SlowLog::default();
        for duration_us in 0..5 {
            let entry = SlowEntry {
                id: 0,
                unix_seconds: 1,
                duration_us,
                args: Vec::new(),
                address: String::new(),
                name: Vec::new(),
            };
            log.add(entry, 3);
        }
        let kept: Vec<_> = log.newest(10).iter().map(|one| (one.id, one.duration_us)).collect();
        assert_eq!(kept, [(4, 4), (3, 3), (2, 2)]);
        assert_eq!(log.len(), 3);
        log.clear();
        assert_eq!(log.len(), 0);
    }
}
