//! After every step, a log that is opened anew is the one that was closed.

use openraft::testing::{StoreBuilder, Suite};
use openraft::{EntryPayload, LeaderId};
use skep_cluster::{Change, Entry};
use skep_keyspace::NodeId;
use skep_tests::{Scratch, TestResult};

use super::super::log::{Content, LogStore, Record};
use super::super::{Machine, Place, StorageProblem};
use crate::consensus::publish::Board;
use crate::consensus::types::{Group, LogEntry, LogId, Seen, StorageError, TypeConfig, Vote};

pub(super) fn log_id(term: u64, index: u64) -> LogId {
    LogId { leader_id: LeaderId::new(term, NodeId([7; 20])), index }
}

pub(super) fn append(term: u64, index: u64) -> Record {
    let change =
        Change::Mark { node: NodeId([index as u8; 20]), is_failed: term.is_multiple_of(2) };
    let entry = Entry { proposer: NodeId::default(), asked_by: "x".repeat(index as usize), change };
    Record::Append(LogEntry { log_id: log_id(term, index), payload: EntryPayload::Normal(entry) })
}

/// One of every kind, and what comes after.
pub(super) fn history() -> Vec<Record> {
    let vote = |term| Record::Vote(Vote::new(term, NodeId([9; 20])));
    let mut history = vec![vote(1)];
    history.extend((1..=6).map(|index| append(1, index)));
    history.push(Record::Committed(Some(log_id(1, 3))));
    history.push(Record::Truncate(5));
    history.push(vote(2));
    history.push(append(2, 5));
    history.push(Record::Purge(log_id(1, 2)));
    history.push(append(2, 6));
    history.push(Record::Committed(None));
    history
}

pub(super) fn assert_same(one: &Content, other: &Content) {
    assert_eq!(one.vote, other.vote);
    assert_eq!(one.committed, other.committed);
    assert_eq!(one.purged, other.purged);
    assert_eq!(one.entries, other.entries);
}

#[test]
fn a_log_is_the_same_when_it_is_opened_again_after_every_step() -> TestResult {
    let scratch = Scratch::new("log-reopen")?;
    let history = history();
    let count = history.len();
    for (step, record) in history.into_iter().enumerate() {
        let log = LogStore::open(scratch.path())?;
        log.write(vec![record], step % 3 != 0)?;
        let content = log.content();
        drop(log);
        assert_same(&LogStore::open(scratch.path())?.content(), &content);
    }
    let content = LogStore::open(scratch.path())?.content();
    assert_eq!(content.entries.keys().copied().collect::<Vec<_>>(), [3, 4, 5, 6], "{count} steps");
    assert_eq!(content.purged, Some(log_id(1, 2)));
    assert_eq!(content.last(), Some(log_id(2, 6)));
    assert_eq!(content.committed, None);
    Ok(())
}

#[test]
fn a_log_stays_as_short_as_what_is_needed_of_it() -> TestResult {
    let scratch = Scratch::new("log-rewrite")?;
    let log = LogStore::open(scratch.path())?;
    for index in 1..=5000u64 {
        log.write(vec![append(1, index % 50 + 100 * (index / 50))], false)?;
        if index % 50 == 0 {
            log.write(vec![Record::Purge(log_id(1, 100 * (index / 50) - 51))], true)?;
        }
    }
    let bytes = std::fs::metadata(scratch.path().join("log"))?.len();
    assert!(bytes < 4 << 20, "{bytes} bytes");
    assert_same(&LogStore::open(scratch.path())?.content(), &log.content());
    Ok(())
}

#[test]
fn a_node_knows_its_group_and_nothing_of_those_before() -> TestResult {
    let scratch = Scratch::new("place")?;
    let place = Place::take(scratch.path())?;
    assert_eq!(place.read()?, None);
    let group = |generation| Group { name: NodeId([3; 20]), generation };
    let seen = Seen { group: group(2), leader: Some(NodeId([1; 20])), ..Seen::default() };
    place.write(&seen)?;
    let old = place.folder(group(1))?;
    std::fs::write(old.join("log"), "x")?;
    let new = place.folder(group(2))?;
    place.tidy(Some(group(2)))?;
    assert!(!old.exists() && new.exists());
    let taken = Place::take(scratch.path()).map(drop);
    assert!(matches!(taken, Err(StorageProblem::InUse(_))), "{taken:?}");
    drop(place);
    let place = Place::take(scratch.path())?;
    assert_eq!(place.read()?, Some(seen));
    place.leave()?;
    assert_eq!(place.read()?, None);
    Ok(())
}

struct Builder;

impl StoreBuilder<TypeConfig, LogStore, Machine, Scratch> for Builder {
    async fn build(&self) -> Result<(Scratch, LogStore, Machine), StorageError> {
        let scratch = Scratch::new("suite").unwrap();
        let log = LogStore::open(scratch.path()).unwrap();
        let publisher = Board::new().publisher(Group::default());
        let machine = Machine::open(scratch.path(), publisher).unwrap();
        Ok((scratch, log, machine))
    }
}

/// What openraft asks of its storage, by its own tests.
#[test]
fn the_storage_passes_the_suite_of_openraft() {
    let passed = Suite::<TypeConfig, LogStore, Machine, Builder, Scratch>::test_all(Builder);
    assert!(passed.is_ok(), "{passed:?}");
}
