//! The slow log: the last commands that took long, shortened, newest first.

use std::collections::VecDeque;

use parking_lot::Mutex;
use skep_command::server::SlowEntry;
use skep_resp::Args;

/// Arguments kept of a command.
const MAX_ARGS: usize = 32;
/// Bytes kept of an argument.
const MAX_ARG_BYTES: usize = 128;

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

/// Copies a command's arguments, shortened as Redis shortens them.
pub(crate) fn shorten(args: Args<'_>) -> Vec<Vec<u8>> {
    let keep = if args.len() > MAX_ARGS { MAX_ARGS - 1 } else { args.len() };
    let mut words: Vec<Vec<u8>> = args.iter().take(keep).map(shorten_word).collect();
    if args.len() > MAX_ARGS {
        words.push(format!("... ({} more arguments)", args.len() - keep).into_bytes());
    }
    words
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
