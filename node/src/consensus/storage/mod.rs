//! What consensus keeps in `<dir>/topology/`, and when it counts:
//!
//! * `group` says which cluster this node belongs to and what it last saw of it (`place.rs`);
//! * `<group>-<generation>/log` holds votes and entries, each on disk before it counts (`log.rs`);
//! * `<group>-<generation>/snapshot` holds the state that the log continues (`machine.rs`);
//! * `audit` has a line for each `unsafe_recover` (`recover.rs`);
//! * `lock` is held while somebody uses the directory.
//!
//! Whole files are replaced by renaming, so that a reader sees the old or the new one. Changing the
//! cluster is the replacement of `group`, so a crash leaves a node in exactly one of them.

mod file;
mod journal;
mod log;
mod machine;
mod place;
mod recover;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(super) use file::{decode, encode};
pub(super) use log::LogStore;
pub(super) use machine::Machine;
pub(super) use place::Place;
pub(crate) use recover::unsafe_recover;

/// What is wrong with what is stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageProblem {
    /// The system refused.
    #[error("{path}: {error}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Something that was safely on disk is not as it was written.
    #[error(
        "{path}: damaged at byte {offset}, where it was whole once; restore the directory, or \
         remove it and let the node join again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
    /// It was written by another version of the program.
    #[error("{path}: of another version ({text}); start the version that wrote it")]
    Version {
        /// The file.
        path: PathBuf,
        /// What could not be read.
        text: String,
    },
    /// Another process has it.
    #[error("{0}: in use by another process; stop that node first")]
    InUse(PathBuf),
    /// There is no cluster to recover.
    #[error("{0}: holds no cluster")]
    Empty(PathBuf),
    /// What openraft says about it.
    #[error("the log of the topology cannot be used: {0}")]
    Raft(String),
    /// It needs entries that are not there.
    #[error("{path}: entry {index} is missing; restore the directory, or remove it")]
    Gap {
        /// The directory.
        path: PathBuf,
        /// Of the entry.
        index: u64,
    },
}

impl StorageProblem {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StorageProblem {
        let path = path.to_path_buf();
        move |error| StorageProblem::Io { path, error }
    }
}

/// Runs what waits for a disk where it holds nobody up.
pub(super) async fn off_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageProblem> + Send + 'static,
) -> Result<T, StorageProblem> {
    // Threads would run at their own pace.
    #[cfg(test)]
    if crate::simulated::is_on() {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => Err(StorageProblem::Raft(stopped.to_string())),
    }
}
