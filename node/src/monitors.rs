//! Those who watch commands run (MONITOR), and the lines they are told.
//!
//! A line is only made while somebody watches, and only queued at the watchers' connections, whose
//! own workers send it: a watcher that does not keep up is closed, like any client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use parking_lot::Mutex;
use skep_resp::Args;

use crate::clients::Connection;
use crate::settings::OutputLimit;
use crate::slowlog::{REDACTED, is_secret};

/// Connections that watch.
#[derive(Default)]
pub(crate) struct Monitors {
    /// How many there are, to be looked at without the lock.
    count: AtomicUsize,
    connections: Mutex<BTreeMap<u64, Arc<Connection>>>,
}

impl Monitors {
    /// Whether anybody watches.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Relaxed) > 0
    }

    pub(crate) fn add(&self, connection: &Arc<Connection>) {
        let mut connections = self.connections.lock();
        connections.insert(connection.id, Arc::clone(connection));
        self.count.store(connections.len(), Relaxed);
    }

    pub(crate) fn remove(&self, id: u64) {
        let mut connections = self.connections.lock();
        connections.remove(&id);
        self.count.store(connections.len(), Relaxed);
    }

    /// Queues a line at every watcher. Returns how many did not keep up.
    pub(crate) fn tell(&self, line: Vec<u8>, limit: &OutputLimit) -> usize {
        let line = Bytes::from(line);
        let connections = self.connections.lock();
        connections.values().filter(|one| one.push(line.clone(), limit)).count()
    }
}

/// What watchers are told of a command: `+1700000000.000001 [0 127.0.0.1:5000] "GET" "key"`.
pub(crate) fn line(unix_us: u64, database: u16, address: &str, args: Args<'_>) -> Vec<u8> {
    let (seconds, microseconds) = (unix_us / 1_000_000, unix_us % 1_000_000);
    let mut line = format!("+{seconds}.{microseconds:06} [{database} {address}]").into_bytes();
    let hides_all = args[0].eq_ignore_ascii_case(b"auth");
    for (at, arg) in args.iter().enumerate() {
        let is_user_of_hello = at > 2
            && args[0].eq_ignore_ascii_case(b"hello")
            && args[at - 1].eq_ignore_ascii_case(b"auth");
        let hides = at > 0 && (hides_all || is_user_of_hello || is_secret(args, at));
        line.extend_from_slice(b" \"");
        quote(if hides { REDACTED } else { arg }, &mut line);
        line.push(b'"');
    }
    line.extend_from_slice(b"\r\n");
    line
}

/// Writes what cannot be printed, or would end the quotation, as redis-cli does.
fn quote(bytes: &[u8], line: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => line.extend_from_slice(&[b'\\', byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            7 => line.extend_from_slice(b"\\a"),
            8 => line.extend_from_slice(b"\\b"),
            b' '..=b'~' => line.push(byte),
            _ => line.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use skep_resp::OwnedArgs;

    use super::*;

    fn shown(words: &[&[u8]]) -> String {
        let args: OwnedArgs = words.iter().copied().collect();
        let line = line(1_700_000_000_000_042, 3, "[::1]:5", args.as_args());
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_line_has_time_database_address_and_quoted_words() {
        let line = shown(&[b"set", b"k", b"a\0b\n\"q\\ \x07\x08\t\xff"]);
        let words = r#""set" "k" "a\x00b\n\"q\\ \a\b\t\xff""#;
        assert_eq!(line, format!("+1700000000.000042 [3 [::1]:5] {words}\r\n"));
    }

    #[test]
    fn passwords_are_not_shown() {
        let ending = |words: &[&[u8]], ending: &str| {
            let line = shown(words);
            assert!(line.trim_end().ends_with(ending), "{line}");
        };
        ending(&[b"AUTH", b"s3cret"], r#""AUTH" "(redacted)""#);
        ending(&[b"auth", b"me", b"s3cret"], r#""auth" "(redacted)" "(redacted)""#);
        let redacted = r#""HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me""#;
        ending(&[b"HELLO", b"3", b"AUTH", b"me", b"s3cret", b"SETNAME", b"me"], redacted);
    }
}
