//! A file of frames that only grows, until it is replaced by a shorter one of the same meaning.
//!
//! A frame tells how much of the file was on disk for sure when it was written. So what a crash has
//! left unfinished at the end can be told from damage: bytes that no frame vouches for were never
//! acknowledged, and are cut off; bytes that a later frame vouches for were, and that is an error.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::StorageProblem;
use super::file::{read_bytes, replace_bytes, sync_parent};

const MARK: [u8; 4] = [0xa5, b'S', b'k', b'J'];
/// Before the payload: mark, length (4), how much was durable (8), CRC32 of those and the payload.
pub(super) const FRAME_BYTES: usize = MARK.len() + 4 + 8 + 4;
const CHECKED_BYTES: usize = FRAME_BYTES - 4;

/// A frame that is whole.
pub(super) struct Frame {
    /// Where the payload stands.
    pub(super) payload: Range<usize>,
    /// Where the next frame begins.
    pub(super) end: usize,
    durable: u64,
}

/// Puts a frame around a payload. `durable`: bytes of the file that are on disk for sure.
pub(super) fn frame(payload: &[u8], durable: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FRAME_BYTES + payload.len());
    bytes.extend_from_slice(&MARK);
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&durable.to_le_bytes());
    bytes.extend_from_slice(&sum(&bytes, payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn sum(head: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize()
}

/// The frame at an offset, if a whole one is there.
pub(super) fn read_frame(bytes: &[u8], at: usize) -> Option<Frame> {
    let (head, rest) = bytes.get(at..)?.split_at_checked(FRAME_BYTES)?;
    let (checked, stored) = head.split_at(CHECKED_BYTES);
    let (mark, numbers) = checked.split_at(MARK.len());
    let (length, durable) = numbers.split_at(4);
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let payload = rest.get(..length)?;
    if mark != MARK || stored != sum(checked, payload).to_le_bytes() {
        return None;
    }
    let begin = at + FRAME_BYTES;
    let durable = u64::from_le_bytes(durable.try_into().ok()?);
    Some(Frame { payload: begin..begin + length, end: begin + length, durable })
}

/// The payloads of a file's frames, up to where it was left unfinished.
///
/// # Errors
/// The offset of damage.
fn scan(bytes: &[u8]) -> Result<Vec<Range<usize>>, u64> {
    let (mut payloads, mut at) = (Vec::new(), 0);
    while let Some(found) = read_frame(bytes, at) {
        payloads.push(found.payload);
        at = found.end;
    }
    let later = (at + 1..bytes.len()).filter_map(|begin| read_frame(bytes, begin));
    if later.map(|found| found.durable).any(|durable| durable > at as u64) {
        return Err(at as u64);
    }
    Ok(payloads)
}

/// The file, open for adding.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Its length.
    pub(super) bytes: u64,
    durable: u64,
    /// A write failed: what stands at the end is unknown, so nothing may follow it.
    is_broken: bool,
}

impl Journal {
    /// Opens a file or makes an empty one; returns the payloads in it too.
    ///
    /// # Errors
    /// Those of the system, and damage.
    pub(super) fn open(path: &Path) -> Result<(Journal, Vec<Vec<u8>>), StorageProblem> {
        let bytes = read_bytes(path)?.unwrap_or_default();
        let damaged = |offset| StorageProblem::Damaged { path: path.to_path_buf(), offset };
        let payloads = scan(&bytes).map_err(damaged)?;
        let end = payloads.last().map_or(0, |payload| payload.end) as u64;
        let io = StorageProblem::io(path);
        let open = || {
            let options = OpenOptions::new().create(true).truncate(false).write(true).clone();
            let mut file = options.open(path)?;
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
            file.sync_all()?;
            Ok(file)
        };
        let file = open().map_err(io)?;
        sync_parent(path)?;
        let payloads = payloads.into_iter().map(|payload| bytes[payload].to_vec()).collect();
        let path = path.to_path_buf();
        Ok((Journal { path, file, bytes: end, durable: end, is_broken: false }, payloads))
    }

    /// Adds payloads; with `sync` they, and all before them, are on disk when this returns.
    ///
    /// # Errors
    /// Those of the system. The journal takes nothing more after one.
    pub(super) fn add(&mut self, payloads: &[Vec<u8>], sync: bool) -> Result<(), StorageProblem> {
        let framed = payloads.iter().map(|payload| frame(payload, self.durable));
        let bytes: Vec<u8> = framed.flatten().collect();
        let mut write = || {
            if self.is_broken {
                return Err(std::io::Error::other("a write before this one failed"));
            }
            self.file.write_all(&bytes)?;
            if sync { self.file.sync_data() } else { Ok(()) }
        };
        let written = write();
        self.is_broken |= written.is_err();
        written.map_err(StorageProblem::io(&self.path))?;
        self.bytes += bytes.len() as u64;
        if sync {
            self.durable = self.bytes;
        }
        Ok(())
    }

    /// Replaces all that was ever added.
    ///
    /// # Errors
    /// As `add`.
    pub(super) fn replace(&mut self, payloads: &[Vec<u8>]) -> Result<(), StorageProblem> {
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload, 0)).collect();
        // Until it has succeeded, which of the two files is the journal is unknown.
        let was_broken = std::mem::replace(&mut self.is_broken, true);
        self.file = replace_bytes(&self.path, &bytes)?;
        self.bytes = bytes.len() as u64;
        self.durable = self.bytes;
        self.is_broken = was_broken;
        Ok(())
    }
}
