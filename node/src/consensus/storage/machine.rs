//! The state machine: the topology after the entries that were applied, and its snapshot.
//!
//! Applying is in memory; a restarted node begins with the snapshot and applies the log again. A
//! snapshot is on disk before openraft hears of it, so the log behind it may go.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openraft::storage::{RaftStateMachine, Snapshot};
use openraft::{
    AnyError, EntryPayload, OptionalSend, RaftSnapshotBuilder, StorageIOError, StoredMembership,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use skep_cluster::Topology;

use super::{StorageProblem, decode, encode, file, off_loop};
use crate::consensus::publish::Publisher;
use crate::consensus::types::{
    LogEntry, LogId, Outcome, SnapshotMeta, StorageError, StoredMembership as Membership,
    TypeConfig,
};

/// A snapshot as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) meta: SnapshotMeta,
    /// The topology, encoded.
    pub(super) data: Vec<u8>,
}

/// What applying has made.
#[derive(Default)]
pub(super) struct State {
    pub(super) topology: Topology,
    pub(super) applied: Option<LogId>,
    pub(super) membership: Membership,
    snapshot: Option<Stored>,
}

impl State {
    /// What the snapshot in a folder says; the beginning of all things if there is none.
    ///
    /// # Errors
    /// Those of the system, damage, another version.
    pub(super) fn read(folder: &Path) -> Result<State, StorageProblem> {
        let path = snapshot_path(folder);
        let mut state = State::default();
        if let Some(stored) = file::read::<Stored>(&path)? {
            state.take(stored).map_err(|text| StorageProblem::Version { path, text })?;
        }
        Ok(state)
    }

    fn take(&mut self, stored: Stored) -> Result<(), String> {
        self.topology = decode(&stored.data)?;
        self.applied = stored.meta.last_log_id;
        self.membership = stored.meta.last_membership.clone();
        self.snapshot = Some(stored);
        Ok(())
    }

    pub(super) fn apply(&mut self, entry: LogEntry) -> Outcome {
        self.applied = Some(entry.log_id);
        match entry.payload {
            EntryPayload::Blank => {}
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
            }
            EntryPayload::Normal(entry) => self.topology.apply(&entry)?,
        }
        Ok(self.topology.version)
    }

    /// A snapshot of it all.
    ///
    /// # Errors
    /// A topology that postcard cannot hold; there is none.
    pub(super) fn snapshot(&self) -> Result<Stored, postcard::Error> {
        let index = self.applied.map_or(0, |applied| applied.index);
        let meta = SnapshotMeta {
            last_log_id: self.applied,
            last_membership: self.membership.clone(),
            snapshot_id: format!("{index}-{}", self.topology.version),
        };
        Ok(Stored { meta, data: encode(&self.topology)? })
    }
}

/// Where the snapshot of a folder is.
pub(super) fn snapshot_path(folder: &Path) -> PathBuf {
    folder.join("snapshot")
}

/// The state machine. Clones are the same one.
#[derive(Clone)]
pub(in crate::consensus) struct Machine {
    state: Arc<Mutex<State>>,
    folder: PathBuf,
    publisher: Publisher,
    /// Held while a snapshot is written: one may be made while another one comes in.
    writing: Arc<Mutex<()>>,
}

impl Machine {
    /// Begins with the snapshot in a folder, if there is one.
    ///
    /// # Errors
    /// Those of the system, damage, another version.
    pub(in crate::consensus) fn open(
        folder: &Path,
        publisher: Publisher,
    ) -> Result<Machine, StorageProblem> {
        let state = State::read(folder)?;
        publisher.publish(&state.topology);
        let state = Arc::new(Mutex::new(state));
        let folder = folder.to_path_buf();
        Ok(Machine { state, folder, publisher, writing: Arc::default() })
    }

    /// Writes a snapshot, then makes it the current one; with it comes what it was made of, if that
    /// is to replace the state. Does nothing if there is a newer snapshot, whose log may be gone.
    async fn keep(&self, stored: Stored, state: Option<State>) -> Result<(), StorageProblem> {
        let machine = self.clone();
        off_loop(move || {
            let _writing = machine.writing.lock();
            let last = |stored: &Stored| stored.meta.last_log_id;
            let newest = machine.state.lock().snapshot.as_ref().and_then(last);
            if last(&stored) < newest {
                return Ok(());
            }
            file::replace(&snapshot_path(&machine.folder), &stored)?;
            let mut current = machine.state.lock();
            if let Some(state) = state {
                *current = state;
            }
            current.snapshot = Some(stored);
            Ok(())
        })
        .await
    }
}

fn write_snapshot(error: &(impl std::error::Error + 'static)) -> StorageError {
    StorageIOError::write_snapshot(None, AnyError::new(error)).into()
}

fn as_snapshot(stored: Stored) -> Snapshot<TypeConfig> {
    Snapshot { meta: stored.meta, snapshot: Box::new(stored.data) }
}

impl RaftSnapshotBuilder<TypeConfig> for Machine {
    async fn build_snapshot(&mut self) -> Result<Snapshot<TypeConfig>, StorageError> {
        let stored = self.state.lock().snapshot();
        let stored = stored.map_err(|error| write_snapshot(&error))?;
        self.keep(stored.clone(), None).await.map_err(|problem| write_snapshot(&problem))?;
        Ok(as_snapshot(stored))
    }
}

impl RaftStateMachine<TypeConfig> for Machine {
    type SnapshotBuilder = Machine;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership), StorageError> {
        let state = self.state.lock();
        Ok((state.applied, state.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Outcome>, StorageError>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut state = self.state.lock();
        let outcomes = entries.into_iter().map(|entry| state.apply(entry)).collect();
        self.publisher.publish(&state.topology);
        Ok(outcomes)
    }

    async fn get_snapshot_builder(&mut self) -> Machine {
        self.clone()
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Vec<u8>>, StorageError> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Box<Vec<u8>>,
    ) -> Result<(), StorageError> {
        let stored = Stored { meta: meta.clone(), data: *snapshot };
        let mut state = State::default();
        let taken = state.take(stored.clone()).map_err(std::io::Error::other);
        taken.map_err(|error| write_snapshot(&error))?;
        let topology = state.topology.clone();
        let kept = self.keep(stored, Some(state)).await;
        kept.map_err(|problem| write_snapshot(&problem))?;
        self.publisher.publish(&topology);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<TypeConfig>>, StorageError> {
        Ok(self.state.lock().snapshot.clone().map(as_snapshot))
    }
}
