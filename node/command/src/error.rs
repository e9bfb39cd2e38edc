//! Error replies: the texts Redis's clients know, each made in one place.

use std::borrow::Cow;

/// An error reply. Who causes it is the client; nothing has changed when it is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommandError(Cow<'static, str>);

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

    /// A fixed text that begins with its code.
    pub const fn text(text: &'static str) -> CommandError {
        CommandError(Cow::Borrowed(text))
    }

    /// A text made for the occasion that begins with its code.
    pub fn new(text: String) -> CommandError {
        CommandError(Cow::Owned(text))
    }

    /// Too few or too many arguments for a command (`get`) or subcommand (`client|kill`).
    pub fn wrong_arity(full_name: &str) -> CommandError {
        CommandError::new(format!("ERR wrong number of arguments for '{full_name}' command"))
    }

    /// Too many arguments for a subcommand that takes a variable number.
    pub(crate) fn subcommand_syntax(container: &str, word: &[u8]) -> CommandError {
        let word = String::from_utf8_lossy(word);
        CommandError::new(format!(
            "ERR unknown subcommand or wrong number of arguments for '{word}'. Try {container} HELP."
        ))
    }

    /// An expiry that is not positive or lies beyond what milliseconds can count.
    pub fn invalid_expire(command: &str) -> CommandError {
        CommandError::new(format!("ERR invalid expire time in '{command}' command"))
    }

    /// The reply's text, code first.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code: the text up to the first space, as `INFO errorstats` counts it.
    pub fn code(&self) -> &str {
        self.0.split(' ').next().unwrap_or("ERR")
    }
}

impl From<skep_store::OutOfMemory> for CommandError {
    fn from(_: skep_store::OutOfMemory) -> CommandError {
        CommandError::OUT_OF_MEMORY
    }
}
