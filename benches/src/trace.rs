//! The access traces of real systems that servers are compared on. The planner reads them.
//!
//! Three of the four traces have no sizes. There an object's size is a fixed function of its id: a
//! log-normal whose draws know nothing of popularity, which flatters policies that look at sizes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use skep_planner::trace::Reader;

use crate::error::{Error, Result};

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The object.
    pub(crate) id: u64,
    /// Its size.
    pub(crate) value_bytes: u32,
}

/// A trace and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    /// Its name in tables.
    pub(crate) name: &'static str,
    file: &'static str,
    /// Requests in it.
    requests: usize,
    /// Different objects in it.
    objects: usize,
    /// The resident memory at which servers are compared. Well above what an empty server needs,
    /// and well below what all objects together would.
    pub(crate) target_mib: u64,
}

/// The traces of the data directory.
pub(crate) const TRACES: [Trace; 4] = [
    Trace {
        name: "oltp",
        file: "oltp.lis.zst",
        requests: 914_145,
        objects: 186_880,
        target_mib: 64,
    },
    Trace {
        name: "scarab",
        file: "scarab-recs.u64be.xz",
        requests: 1_245_184,
        objects: 258_368,
        target_mib: 64,
    },
    Trace {
        name: "w106",
        file: "w106.u32be.xz",
        requests: 5_292_456,
        objects: 275_171,
        target_mib: 64,
    },
    // A sixth of the objects' 279 MB, and the least that every server can be made to hold:
    // memcached takes 44 MiB with its smallest limit.
    Trace {
        name: "adaptsize",
        file: "adaptsize.txt.xz",
        requests: 66_987,
        objects: 36_815,
        target_mib: 48,
    },
];

impl Trace {
    /// Where it lies in the directory of traces.
    pub(crate) fn path(&self, directory: &Path) -> PathBuf {
        directory.join(self.file)
    }

    /// Reads the whole trace, and makes sure that it is the one we know.
    pub(crate) fn read(&self, directory: &Path) -> Result<Vec<Request>> {
        let path = self.path(directory);
        let accesses = Reader::open(&path, None).map_err(|error| Error::new(error.to_string()))?;
        let requests: Result<Vec<Request>, _> = accesses
            .map(|access| {
                access.map(|access| Request { id: access.id, value_bytes: access.size_bytes() })
            })
            .collect();
        let requests = requests.map_err(|error| Error::new(error.to_string()))?;
        let objects = requests.iter().map(|request| request.id).collect::<HashSet<_>>().len();
        match (requests.len(), objects) == (self.requests, self.objects) {
            true => Ok(requests),
            false => Err(Error::new(format!(
                "{}: {} requests for {objects} objects, but {} for {} were expected",
                path.display(),
                requests.len(),
                self.requests,
                self.objects
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The traces are too large for the repository: where they are not, this checks nothing.
    #[test]
    fn the_traces_are_those_of_the_data_directory() {
        let directory = std::env::var_os("SKEP_BENCH_DATA").map(PathBuf::from);
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
        let directory = directory.unwrap_or(beside);
        if !directory.is_dir() {
            eprintln!("skipped: no traces in {}", directory.display());
            return;
        }
        for trace in TRACES {
            // Reading checks the numbers of requests and objects.
            let requests = trace.read(&directory).unwrap();
            assert!(requests.iter().all(|request| request.value_bytes > 0), "{}", trace.name);
        }
    }
}
