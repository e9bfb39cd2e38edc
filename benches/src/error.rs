//! What can go wrong in a benchmark: each error says what was being done, and to which server.

use std::fmt::Display;
use std::io;

/// The result of anything here.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a benchmark could not go on. Servers started so far are stopped when it is returned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A server answered what it should not have, or an option makes no sense.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// An error with its whole text.
    pub(crate) fn new(text: impl Into<String>) -> Error {
        Error::Other(text.into())
    }
}

/// Says what was being done when the system refused.
pub(crate) trait Context<T> {
    /// Names the attempt.
    fn context(self, what: impl Display) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|source| Error::Io { what: what.to_string(), source })
    }
}
