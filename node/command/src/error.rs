//! Error replies: the texts Redis's clients know, each made in one place.

use std::borrow::Cow;

/// Most bytes of a client's word that a text repeats.
const MAX_QUOTED_BYTES: usize = 128;

/// An error reply. Who causes it is the client; nothing has changed when it is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommandError(Cow<'static, str>, Option<Box<[u8]>>);

impl CommandError {
    /// Options that do not fit together, or an unknown one.
    pub const SYNTAX: CommandError = CommandError::text("ERR syntax error");
    /// An argument that should be a 64-bit integer.
    pub const NOT_INTEGER: CommandError =
        CommandError::text("ERR value is not an integer or out of range");
    /// An argument that should be a number.
    pub const NOT_FLOAT: CommandError = CommandError::text("ERR value is not a valid float");
    /// The key holds a value of another type.
    pub const WRONG_TYPE: CommandError =
        CommandError::text("WRONGTYPE Operation against a key holding the wrong kind of value");
    /// The key does not exist, for commands that need one.
    pub const NO_SUCH_KEY: CommandError = CommandError::text("ERR no such key");
    /// Database number outside of `databases`.
    pub const DATABASE_RANGE: CommandError = CommandError::text("ERR DB index is out of range");
    /// No memory left under a policy that evicts nothing (more).
    pub const OUT_OF_MEMORY: CommandError =
        CommandError::text("OOM command not allowed when used memory > 'maxmemory'.");

    /// A cluster's command, sent to a node that runs alone.
    pub const NO_CLUSTER: CommandError =
        CommandError::text("ERR This instance has cluster support disabled");

    /// A fixed text that begins with its code.
    pub const fn text(text: &'static str) -> CommandError {
        CommandError(Cow::Borrowed(text), None)
    }

    /// A text made for the occasion that begins with its code.
    pub fn new(text: String) -> CommandError {
        CommandError(Cow::Owned(text), None)
    }

    /// Whether it sends the client elsewhere, or says that nobody serves what it asks for.
    pub(crate) fn is_redirection(&self) -> bool {
        ["MOVED ", "CROSSSLOT ", "CLUSTERDOWN "].iter().any(|code| self.0.starts_with(code))
    }

    /// Too few or too many arguments for a command (`get`) or subcommand (`client|kill`).
    pub fn wrong_arity(full_name: &str) -> CommandError {
        CommandError::new(format!("ERR wrong number of arguments for '{full_name}' command"))
    }

    /// A text that repeats something the client has sent, byte for byte up to a NUL.
    pub fn quoting(before: &str, quoted: &[u8], behind: &str) -> CommandError {
        let quoted = quoted.split(|&byte| byte == 0).next().unwrap_or_default();
        CommandError::of_bytes([before.as_bytes(), quoted, behind.as_bytes()].concat())
    }

    /// A text of any bytes that begins with its code.
    pub fn of_bytes(bytes: Vec<u8>) -> CommandError {
        match String::from_utf8(bytes) {
            Ok(text) => CommandError::new(text),
            Err(error) => {
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                CommandError(Cow::Owned(text), Some(error.into_bytes().into()))
            }
        }
    }

    /// Too many arguments for a subcommand that takes a variable number.
    pub fn subcommand_syntax(container: &str, word: &[u8]) -> CommandError {
        let before = "ERR unknown subcommand or wrong number of arguments for '";
        let word = &word[..word.len().min(MAX_QUOTED_BYTES)];
        CommandError::quoting(before, word, &format!("'. Try {container} HELP."))
    }

    /// An expiry that is not positive or lies beyond what milliseconds can count.
    pub fn invalid_expire(command: &str) -> CommandError {
        CommandError::new(format!("ERR invalid expire time in '{command}' command"))
    }

    /// The reply's text, code first.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The reply's bytes: the text, but where it repeats what is no UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        self.1.as_deref().unwrap_or(self.0.as_bytes())
    }

    /// The code: the text up to the first space, as `INFO errorstats` counts it.
    pub fn code(&self) -> &str {
        self.0.split(' ').next().unwrap_or("ERR")
    }
}

impl From<skep_store::WrongType> for CommandError {
    fn from(_: skep_store::WrongType) -> CommandError {
        CommandError::WRONG_TYPE
    }
}

impl From<skep_store::EditError> for CommandError {
    fn from(error: skep_store::EditError) -> CommandError {
        match error {
            skep_store::EditError::WrongType => CommandError::WRONG_TYPE,
            skep_store::EditError::OutOfMemory => CommandError::OUT_OF_MEMORY,
        }
    }
}

impl From<skep_store::OutOfMemory> for CommandError {
    fn from(_: skep_store::OutOfMemory) -> CommandError {
        CommandError::OUT_OF_MEMORY
    }
}
