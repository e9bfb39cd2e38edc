//! The directory: whose cluster this node belongs to, and the folder of that group.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::{StorageProblem, file};
use crate::consensus::types::{Group, Seen};

/// A directory that is locked by this process.
pub(in crate::consensus) struct Place {
    folder: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes `<directory>/topology`, which it makes if there is none.
    ///
    /// # Errors
    /// Those of the system; another process that has it.
    pub(in crate::consensus) fn take(directory: &Path) -> Result<Place, StorageProblem> {
        let folder = directory.join("topology");
        fs::create_dir_all(&folder).map_err(StorageProblem::io(&folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(StorageProblem::io(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Place { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StorageProblem::InUse(folder)),
            Err(TryLockError::Error(error)) => Err(StorageProblem::Io { path, error }),
        }
    }

    /// What was last written by `write`.
    ///
    /// # Errors
    /// Those of the system, damage, another version.
    pub(in crate::consensus) fn read(&self) -> Result<Option<Seen>, StorageProblem> {
        file::read(&self.group_path())
    }

    /// Makes this the node's cluster. On disk when this returns.
    ///
    /// # Errors
    /// Those of the system.
    pub(in crate::consensus) fn write(&self, seen: &Seen) -> Result<(), StorageProblem> {
        file::replace(&self.group_path(), seen)
    }

    /// The node belongs to no cluster any more. On disk when this returns.
    ///
    /// # Errors
    /// Those of the system.
    pub(in crate::consensus) fn leave(&self) -> Result<(), StorageProblem> {
        let path = self.group_path();
        if path.exists() {
            fs::remove_file(&path).map_err(StorageProblem::io(&path))?;
            file::sync_parent(&path)?;
        }
        Ok(())
    }

    /// The folder of a group, made if there is none.
    ///
    /// # Errors
    /// Those of the system.
    pub(in crate::consensus) fn folder(&self, group: Group) -> Result<PathBuf, StorageProblem> {
        let path = self.folder.join(format!("{}-{}", group.name, group.generation));
        fs::create_dir_all(&path).map_err(StorageProblem::io(&path))?;
        file::sync_parent(&path)?;
        Ok(path)
    }

    /// Removes the folders of all groups but one.
    ///
    /// # Errors
    /// Those of the system.
    pub(in crate::consensus) fn tidy(&self, keep: Option<Group>) -> Result<(), StorageProblem> {
        let keep = keep.map(|group| self.folder(group)).transpose()?;
        for entry in fs::read_dir(&self.folder).map_err(StorageProblem::io(&self.folder))? {
            let path = entry.map_err(StorageProblem::io(&self.folder))?.path();
            if path.is_dir() && Some(&path) != keep.as_ref() {
                fs::remove_dir_all(&path).map_err(StorageProblem::io(&path))?;
            }
        }
        Ok(())
    }

    pub(super) fn audit_path(&self) -> PathBuf {
        self.folder.join("audit")
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    fn group_path(&self) -> PathBuf {
        self.folder.join("group")
    }
}
