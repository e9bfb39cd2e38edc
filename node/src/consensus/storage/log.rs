//! The log of a group, and this node's vote in it.
//!
//! A vote, an entry, a truncation or a purge is on disk before openraft hears that it is. How far
//! entries are committed is written too but not waited for: losing that costs only that a restarted
//! node shows an older topology until it hears of a leader.
//!
//! All entries are also held in memory; snapshots bound how many. Readers never wait for the disk.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::Arc;

use openraft::storage::{LogFlushed, LogState, RaftLogStorage};
use openraft::{AnyError, OptionalSend, RaftLogReader, StorageIOError};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::{StorageProblem, decode, encode, off_loop};
use crate::consensus::types::{LogEntry, LogId, StorageError, TypeConfig, Vote};

/// The file is written anew when it has this much, and three times what is still needed of it.
const REWRITE_BYTES: u64 = 256 << 10;
const REWRITE_FACTOR: u64 = 3;
/// Of what is read at once for another node, so that it fits into a frame.
const READ_ENTRIES_MAX: u64 = 64;

/// A step of the log's history.
#[derive(Serialize, Deserialize)]
pub(super) enum Record {
    Vote(Vote),
    Append(LogEntry),
    /// Entries from this index on are void.
    Truncate(u64),
    /// Entries up to this one stand in the snapshot.
    Purge(LogId),
    Committed(Option<LogId>),
}

/// What the records add up to.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) entries: BTreeMap<u64, LogEntry>,
}

impl Content {
    fn take(&mut self, record: Record) {
        match record {
            Record::Vote(vote) => self.vote = Some(vote),
            Record::Append(entry) => {
                self.entries.insert(entry.log_id.index, entry);
            }
            Record::Truncate(since) => {
                self.entries.split_off(&since);
            }
            Record::Purge(last) => {
                self.entries = self.entries.split_off(&(last.index + 1));
                self.purged = self.purged.max(Some(last));
            }
            Record::Committed(last) => self.committed = last,
        }
    }

    /// The id of the last entry that there is or was.
    pub(super) fn last(&self) -> Option<LogId> {
        self.entries.last_key_value().map(|(_, entry)| entry.log_id).or(self.purged)
    }

    /// The shortest history that adds up to this.
    fn records(&self) -> Vec<Record> {
        let before = self.vote.map(Record::Vote).into_iter().chain(self.purged.map(Record::Purge));
        let entries = self.entries.values().cloned().map(Record::Append);
        before.chain(entries).chain([Record::Committed(self.committed)]).collect()
    }
}

/// The log. Clones are the same one.
#[derive(Clone)]
pub(in crate::consensus) struct LogStore {
    content: Arc<Mutex<Content>>,
    file: Arc<Mutex<LogFile>>,
}

struct LogFile {
    journal: Journal,
    /// Its length when it was last written anew.
    bytes_needed: u64,
}

impl LogStore {
    /// Opens the log in a folder, or begins one.
    ///
    /// # Errors
    /// Those of the system, damage, another version.
    pub(in crate::consensus) fn open(folder: &Path) -> Result<LogStore, StorageProblem> {
        let path = folder.join("log");
        let (journal, payloads) = Journal::open(&path)?;
        let mut content = Content::default();
        for payload in payloads {
            let version = |text| StorageProblem::Version { path: path.clone(), text };
            content.take(decode(&payload).map_err(version)?);
        }
        let file = LogFile { journal, bytes_needed: 0 };
        let (content, file) = (Arc::new(Mutex::new(content)), Arc::new(Mutex::new(file)));
        Ok(LogStore { content, file })
    }

    /// All of it.
    pub(super) fn content(&self) -> Content {
        self.content.lock().clone()
    }

    /// Writes records and makes them count. Waits for the disk.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn write(&self, records: Vec<Record>, sync: bool) -> Result<(), StorageProblem> {
        let mut file = self.file.lock();
        file.journal.add(&payloads(&records)?, sync)?;
        let mut content = self.content.lock();
        records.into_iter().for_each(|record| content.take(record));
        if file.journal.bytes < REWRITE_BYTES.max(REWRITE_FACTOR * file.bytes_needed) {
            return Ok(());
        }
        let records = content.records();
        drop(content);
        file.journal.replace(&payloads(&records)?)?;
        file.bytes_needed = file.journal.bytes;
        Ok(())
    }

    async fn write_off_loop(&self, records: Vec<Record>, sync: bool) -> Result<(), StorageProblem> {
        let store = self.clone();
        off_loop(move || store.write(records, sync)).await
    }
}

fn payloads(records: &[Record]) -> Result<Vec<Vec<u8>>, StorageProblem> {
    let encoded: Result<Vec<Vec<u8>>, postcard::Error> = records.iter().map(encode).collect();
    encoded.map_err(|error| StorageProblem::io(Path::new("log"))(std::io::Error::other(error)))
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<LogEntry>, StorageError> {
        let bounds = (range.start_bound().cloned(), range.end_bound().cloned());
        Ok(self.content.lock().entries.range(bounds).map(|(_, entry)| entry.clone()).collect())
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<LogEntry>, StorageError> {
        self.try_get_log_entries(start..end.min(start + READ_ENTRIES_MAX)).await
    }
}

fn write_logs(problem: StorageProblem) -> StorageError {
    StorageIOError::write_logs(AnyError::new(&problem)).into()
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        let content = self.content.lock();
        Ok(LogState { last_purged_log_id: content.purged, last_log_id: content.last() })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let written = self.write_off_loop(vec![Record::Vote(*vote)], true).await;
        written.map_err(|problem| StorageIOError::write_vote(AnyError::new(&problem)).into())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        Ok(self.content.lock().vote)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        let written = self.write_off_loop(vec![Record::Committed(committed)], false).await;
        written.map_err(write_logs)
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        Ok(self.content.lock().committed)
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: LogFlushed<TypeConfig>,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let records = entries.into_iter().map(Record::Append).collect();
        match self.write_off_loop(records, true).await {
            Ok(()) => {
                callback.log_io_completed(Ok(()));
                Ok(())
            }
            Err(problem) => {
                callback.log_io_completed(Err(std::io::Error::other(problem.to_string())));
                Err(write_logs(problem))
            }
        }
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        let records = vec![Record::Truncate(log_id.index)];
        self.write_off_loop(records, true).await.map_err(write_logs)
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.write_off_loop(vec![Record::Purge(log_id)], true).await.map_err(write_logs)
    }
}
