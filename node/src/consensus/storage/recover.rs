//! The way out when a majority of the voters is gone for good.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use openraft::{EntryPayload, Membership, StoredMembership};
use skep_cluster::{Change, Entry};
use skep_keyspace::NodeId;

use super::log::Record;
use super::machine::{State, snapshot_path};
use super::{LogStore, Place, StorageProblem, file};
use crate::consensus::types::{Group, LogEntry, LogId, Seen, Vote};

/// What `unsafe_recover` has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recovery {
    /// The cluster's name.
    pub(crate) cluster: String,
    /// Who voted before.
    pub(crate) voters: BTreeSet<NodeId>,
    /// The group's generation from now on.
    pub(crate) generation: u64,
    /// The version of the topology that it goes on from.
    pub(crate) version: u64,
}

/// Makes this node the only voter of its cluster, while it is stopped. All entries that it knows
/// count from now on, those too that nobody may have committed; entries that only the others knew
/// are lost. Nodes of the generation before are no longer listened to, and become observers of this
/// one when they hear of it. It must be done on one node only, the one with the highest version.
///
/// Who asked stands in the first entry of the new log and in the file `audit`.
///
/// # Errors
/// A directory that is in use, holds no cluster or is damaged; nothing has been changed then.
pub(crate) fn unsafe_recover(
    directory: &Path,
    me: NodeId,
    asked_by: &str,
) -> Result<Recovery, StorageProblem> {
    let place = Place::take(directory)?;
    let seen = place.read()?.ok_or_else(|| StorageProblem::Empty(place.path().to_path_buf()))?;
    let old = place.folder(seen.group)?;
    let content = LogStore::open(&old)?.content();
    let mut state = State::read(&old)?;
    let begin = state.applied.map_or(0, |applied| applied.index + 1);
    for (expected, entry) in (begin..).zip(content.entries.range(begin..).map(|(_, entry)| entry)) {
        if entry.log_id.index != expected {
            return Err(StorageProblem::Gap { path: old, index: expected });
        }
        // What was refused then is refused again.
        let _ = state.apply(entry.clone());
    }
    let mut voters: BTreeSet<NodeId> = state.membership.voter_ids().collect();
    if seen.topology.version > state.topology.version {
        state.topology = seen.topology;
        voters = seen.voters;
    }
    let term = content.vote.map_or(0, |vote| vote.leader_id.term) + 1;
    let leader_id = openraft::LeaderId::new(term, me);
    let last = state.applied.unwrap_or(LogId { leader_id, index: 0 });
    state.applied = Some(last);
    let membership = Membership::new(vec![BTreeSet::from([me])], ());
    state.membership = StoredMembership::new(Some(last), membership);

    let group = Group { generation: seen.group.generation + 1, ..seen.group };
    let recovery = Recovery {
        cluster: state.topology.cluster.clone(),
        voters,
        generation: group.generation,
        version: state.topology.version,
    };
    let audited = audit_entry(me, asked_by, LogId { leader_id, index: last.index + 1 });
    let records =
        vec![Record::Vote(Vote::new(term, me)), Record::Purge(last), Record::Append(audited)];
    // An attempt that did not come to its end may have left something.
    place.tidy(Some(seen.group))?;
    let new = place.folder(group)?;
    let other = |error| StorageProblem::io(&new)(std::io::Error::other(error));
    file::replace(&snapshot_path(&new), &state.snapshot().map_err(other)?)?;
    LogStore::open(&new)?.write(records, true)?;
    write_audit(&place, me, asked_by, &recovery)?;
    // From here on it is done.
    let voters = BTreeSet::from([me]);
    place.write(&Seen { group, leader: Some(me), voters, topology: state.topology })?;
    Ok(recovery)
}

/// An entry that changes nothing but says who asked. The node is alive, or nobody could ask it.
fn audit_entry(me: NodeId, asked_by: &str, log_id: LogId) -> LogEntry {
    let change = Change::Mark { node: me, is_failed: false };
    let asked_by = format!("unsafe-recover by {asked_by}");
    LogEntry { log_id, payload: EntryPayload::Normal(Entry { proposer: me, asked_by, change }) }
}

fn write_audit(
    place: &Place,
    me: NodeId,
    asked_by: &str,
    recovery: &Recovery,
) -> Result<(), StorageProblem> {
    let path = place.audit_path();
    let voters: Vec<String> = recovery.voters.iter().map(ToString::to_string).collect();
    let line = format!(
        "unsafe-recover: node {me} of cluster {:?} alone goes on from version {} in generation {}; \
         voters were {}; asked by {asked_by:?}\n",
        recovery.cluster,
        recovery.version,
        recovery.generation,
        voters.join(" "),
    );
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| {
        file.write_all(line.as_bytes())?;
        file.sync_all()
    });
    written.map_err(StorageProblem::io(&path))
}
