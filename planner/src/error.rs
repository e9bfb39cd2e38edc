//! Why there is no answer, and the exit code that says so.

use std::fmt::Display;
use std::io;

/// The result of anything here.
pub type Result<T, E = PlanError> = std::result::Result<T, E>;

/// An answer that violates a constraint, or a warning that `--fail-on warn` turns into a failure.
pub const EXIT_VIOLATED: u8 = 1;
/// Arguments that contradict each other or make no sense.
pub const EXIT_USAGE: u8 = 2;
/// A node, file or trace that could not be read, or a file that could not be written.
pub const EXIT_SOURCE: u8 = 3;
/// The cluster is no longer what the plan was made for.
pub const EXIT_CHANGED: u8 = 4;
/// A defect of this program.
pub const EXIT_BUG: u8 = 70;

/// Why a command has no answer. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The caller's arguments; the text says which, and how to resolve it.
    #[error("{0}")]
    Usage(String),
    /// A node, a file or a trace that could not be read or written.
    #[error("{what}: {reason}")]
    Source {
        /// What was being read or written.
        what: String,
        /// Why that failed, and what to do.
        reason: String,
    },
    /// The state is not the one that the plan was made for.
    #[error("{0}")]
    Changed(String),
}

impl PlanError {
    /// A contradiction or an impossibility in the arguments.
    pub fn usage(text: impl Into<String>) -> PlanError {
        PlanError::Usage(text.into())
    }

    /// Something that could not be read or written.
    pub fn source(what: impl Display, reason: impl Display) -> PlanError {
        PlanError::Source { what: what.to_string(), reason: reason.to_string() }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            PlanError::Usage(_) => EXIT_USAGE,
            PlanError::Source { .. } => EXIT_SOURCE,
            PlanError::Changed(_) => EXIT_CHANGED,
        }
    }
}

/// Says what was being read or written when the system refused.
pub trait Context<T> {
    /// Names the attempt.
    ///
    /// # Errors
    /// The system's refusal, as [`PlanError::Source`].
    fn context(self, what: impl Display) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|reason| PlanError::source(what, reason))
    }
}
