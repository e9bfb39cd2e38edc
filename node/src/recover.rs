//! `skep unsafe-recover`: one node goes on alone when the majority of the voters is gone for good.

use std::path::Path;

use skep_mesh::{CredentialError, CredentialFiles, Credentials};

use crate::config::RecoverRequest;
use crate::consensus::{StorageProblem, unsafe_recover};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecoverError {
    #[error(
        "the node in {0} would go on alone with what it knows; changes that only the lost voters know \
         are lost, and a lost voter that comes back is overruled. On one node only, stopped, and the \
         one with the highest version (topology_version in CLUSTER INFO): say it again with --yes"
    )]
    Unconfirmed(String),
    #[error("who the node is says its certificate: {0}")]
    Credentials(#[from] CredentialError),
    #[error(transparent)]
    Storage(#[from] StorageProblem),
}

/// Makes a stopped node the only voter of its cluster. Answers the text for standard output.
pub(crate) fn run(request: &RecoverRequest) -> Result<String, RecoverError> {
    let RecoverRequest { directory, asked_by, is_confirmed } = request;
    let shown = directory.display();
    if !is_confirmed {
        return Err(RecoverError::Unconfirmed(shown.to_string()));
    }
    let me = identity(directory)?;
    let recovery = unsafe_recover(directory, me, asked_by)?;
    let voters: Vec<String> = recovery.voters.iter().map(ToString::to_string).collect();
    Ok(format!(
        "node {me} is the only voter of cluster '{}' now, from version {} in generation {}\n\
         voters were {}; the record is in {shown}/topology/audit\n\
         next: start it; the other nodes find it and follow\n",
        recovery.cluster,
        recovery.version,
        recovery.generation,
        voters.join(", "),
    ))
}

fn identity(directory: &Path) -> Result<skep_keyspace::NodeId, CredentialError> {
    Ok(Credentials::load(CredentialFiles::in_folder(directory))?.identity().node)
}
