//! Bytes with a version, and files that are replaced whole.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StorageProblem;
use super::journal::{FRAME_BYTES, frame, read_frame};

/// The first byte of everything that consensus stores or sends.
const VERSION: u8 = 1;
/// The longest file that is read. A topology of 2,000 nodes has about a megabyte.
pub(super) const FILE_BYTES_MAX: u64 = 256 << 20;

/// The version, and the value in postcard's encoding.
///
/// # Errors
/// A value that postcard cannot hold; none of ours is.
pub(in crate::consensus) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_extend(value, vec![VERSION])
}

/// Reads what `encode` wrote.
///
/// # Errors
/// Another version, or bytes that are no such value, too many of them too.
pub(in crate::consensus) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => match postcard::take_from_bytes(rest) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(format!("{} bytes too many", rest.len())),
            Err(error) => Err(error.to_string()),
        },
        Some((version, _)) => Err(format!("version {version} instead of {VERSION}")),
        None => Err("no bytes".to_owned()),
    }
}

/// Replaces the file by one that holds `value`. On disk when this returns.
///
/// # Errors
/// Those of the system; the file is then the old or the new one.
pub(super) fn replace<T: Serialize>(path: &Path, value: &T) -> Result<(), StorageProblem> {
    let payload = encode(value).map_err(|error| StorageProblem::Version {
        path: path.to_path_buf(),
        text: error.to_string(),
    })?;
    replace_bytes(path, &frame(&payload, 0)).map(drop)
}

/// Replaces the file and returns the new one, open at its end.
///
/// # Errors
/// As `replace`.
pub(super) fn replace_bytes(path: &Path, bytes: &[u8]) -> Result<File, StorageProblem> {
    let new = path.with_extension("new");
    let mut file = File::create(&new).map_err(StorageProblem::io(&new))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(StorageProblem::io(&new))?;
    fs::rename(&new, path).map_err(StorageProblem::io(path))?;
    sync_parent(path)?;
    Ok(file)
}

/// Reads what `replace` wrote. `None` if there is no such file.
///
/// # Errors
/// Those of the system, damage, another version.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StorageProblem> {
    let Some(bytes) = read_bytes(path)? else { return Ok(None) };
    let damaged = || StorageProblem::Damaged { path: path.to_path_buf(), offset: 0 };
    let found = read_frame(&bytes, 0).filter(|found| found.end == bytes.len());
    let payload = &bytes[FRAME_BYTES..found.ok_or_else(damaged)?.end];
    let version = |text| StorageProblem::Version { path: path.to_path_buf(), text };
    decode(payload).map(Some).map_err(version)
}

/// The whole file. `None` if there is none.
///
/// # Errors
/// Those of the system, and a file that is far too long.
pub(super) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, StorageProblem> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
            return Err(StorageProblem::Damaged {
                path: path.to_path_buf(),
                offset: FILE_BYTES_MAX,
            });
        }
        _ => {}
    }
    fs::read(path).map(Some).map_err(StorageProblem::io(path))
}

/// Makes what happened to a directory's entries last.
///
/// # Errors
/// Those of the system.
pub(super) fn sync_parent(path: &Path) -> Result<(), StorageProblem> {
    let Some(folder) = path.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StorageProblem::io(folder))
}
