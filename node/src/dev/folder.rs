//! Where the cluster's files are: an authority, and a folder for each node.
//!
//! ```text
//! <directory>/authority/   see `skep_mesh::authority`
//! <directory>/<node>/      node.pem, roots.pem, what the node keeps, and its log
//! ```

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use skep_mesh::ClusterName;
use skep_mesh::authority;

use super::DevError;
use super::plan::Plan;
use crate::ca::{self, CaError};
use crate::random;

const AUTHORITY: &str = "authority";
const LOG: &str = "log";
/// Of a log, at most this is shown when its node has ended.
const LOG_TAIL_BYTES: u64 = 400;

/// The directory; removed with all in it when this is dropped, unless it was asked for.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

impl Folder {
    /// Makes the directory, or takes the one that was asked for, which must not hold a cluster yet.
    pub(super) fn make(wanted: Option<&Path>) -> Result<Folder, DevError> {
        if let Some(path) = wanted {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            if path.join(AUTHORITY).exists() {
                let shown = path.display();
                return Err(DevError::Usage(format!(
                    "{shown} holds the files of a cluster already; name another directory"
                )));
            }
            fs::create_dir_all(&path).map_err(|error| DevError::Folder(path.clone(), error))?;
            return Ok(Folder { path, is_temporary: false });
        }
        // Processes killed before us may have had our number.
        let leaf = format!("skep-dev-{:08x}", random::number() >> 32);
        let path = std::env::temp_dir().join(leaf);
        fs::create_dir(&path).map_err(|error| DevError::Folder(path.clone(), error))?;
        Ok(Folder { path, is_temporary: true })
    }

    /// Makes the authority and each node's certificate.
    pub(super) fn fill(&self, plan: &Plan, cluster: &ClusterName) -> Result<(), DevError> {
        let authority = self.path.join(AUTHORITY);
        authority::init(&authority, cluster).map_err(CaError::from)?;
        for node in &plan.nodes {
            let host = node.address.ip().to_string();
            ca::issue(&authority, crate::random::id(), &[host], Some(&self.of(&node.name)))?;
        }
        Ok(())
    }

    /// Whether it goes with the cluster.
    pub(super) fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A node's folder.
    pub(super) fn of(&self, node: &str) -> PathBuf {
        self.path.join(node)
    }

    /// A node's log, to be written to.
    pub(super) fn log(&self, node: &str) -> io::Result<fs::File> {
        fs::OpenOptions::new().create(true).append(true).open(self.of(node).join(LOG))
    }

    /// What a node's log ends with, in one line.
    pub(super) fn log_tail(&self, node: &str) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = fs::File::open(self.of(node).join(LOG))?;
            let from = file.metadata()?.len().saturating_sub(LOG_TAIL_BYTES);
            file.seek(SeekFrom::Start(from))?;
            let mut tail = Vec::new();
            file.take(LOG_TAIL_BYTES).read_to_end(&mut tail)?;
            Ok(tail)
        };
        let tail = read().unwrap_or_default();
        let tail = String::from_utf8_lossy(&tail);
        tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // What cannot be removed is in the system's own place for leftovers.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use skep_tests::{Scratch, TestResult};

    use super::*;
    use crate::config::DevRequest;
    use crate::dev::plan::Size;

    fn plan() -> Plan {
        let request = DevRequest { nodes: Some(2), ..DevRequest::default() };
        let size = Size::of(&request, 1 << 30).unwrap();
        Plan::on_ports(size, Ipv4Addr::LOCALHOST.into(), 7000)
    }

    #[test]
    fn a_directory_that_was_asked_for_stays_and_is_not_taken_twice() -> TestResult {
        let scratch = Scratch::new("dev")?;
        let wanted = scratch.path().join("kept");
        let folder = Folder::make(Some(&wanted))?;
        folder.fill(&plan(), &"dev".parse()?)?;
        for node in ["7000", "7001"] {
            for file in ["node.pem", "roots.pem"] {
                assert!(folder.of(node).join(file).exists(), "{node}: {file}");
            }
        }
        drop(folder);
        assert!(wanted.join("7001/node.pem").exists());
        let told = Folder::make(Some(&wanted)).unwrap_err().to_string();
        assert!(told.contains("holds the files of a cluster already"), "{told}");
        Ok(())
    }

    #[test]
    fn a_temporary_directory_goes_with_its_logs_whose_end_is_told_in_a_line() -> TestResult {
        let folder = Folder::make(None)?;
        let path = folder.path().to_owned();
        fs::create_dir(folder.of("7000"))?;
        assert_eq!(folder.log_tail("7000"), "");
        io::Write::write_all(&mut folder.log("7000")?, b"one\n\n  two\n")?;
        assert_eq!(folder.log_tail("7000"), "one / two");
        drop(folder);
        assert!(!path.exists());
        Ok(())
    }
}
