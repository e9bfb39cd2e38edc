//! One step of a script: a command and the connection it is sent on.

use std::fmt;

/// Connections a script uses.
pub(super) const CONNECTIONS: usize = 3;

/// The connection that subscribes, and begins no transactions: it must always be possible to
/// wait for its messages with a PING.
pub(super) const SUBSCRIBER: usize = 2;

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Sends a command and compares what comes back.
    Command(Vec<Vec<u8>>),
    /// Sends several commands at once, of which some have no reply, and then an ECHO to know where
    /// the replies end.
    Pipeline(Vec<Vec<Vec<u8>>>),
    /// Walks over all keys with SCAN and these options, and compares the set of keys.
    ScanAll(Vec<Vec<u8>>),
    /// Waits until a key that expires in an instant is gone.
    AwaitGone(Vec<u8>),
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Which connection.
    pub(super) connection: usize,
    /// What is done.
    pub(super) action: Action,
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}> ", self.connection)?;
        match &self.action {
            Action::Command(words) => write!(out, "{}", quoted(words)),
            Action::Pipeline(commands) => {
                let all: Vec<String> = commands.iter().map(|words| quoted(words)).collect();
                write!(out, "(at once) {}", all.join(" ; "))
            }
            Action::ScanAll(options) => write!(out, "(all of) SCAN 0 {}", quoted(options)),
            Action::AwaitGone(key) => write!(out, "(until gone) {}", quote(key)),
        }
    }
}

/// Words as redis-cli takes them.
pub(super) fn quoted(words: &[Vec<u8>]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// A word as redis-cli takes it; long ones are shortened.
pub(super) fn quote(word: &[u8]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'\\".contains(&byte);
    if !word.is_empty() && word.len() <= 200 && word.iter().all(|&byte| is_plain(byte)) {
        return String::from_utf8_lossy(word).into_owned();
    }
    let mut text = String::from("\"");
    for &byte in word.iter().take(200) {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' ' => text.push(' '),
            byte if is_plain(byte) || byte == b'\'' => text.push(char::from(byte)),
            byte => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    if word.len() > 200 {
        text.push_str(&format!("...({} bytes)", word.len()));
    }
    text
}
