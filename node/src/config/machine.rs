//! What this process may use of the machine: memory and cores.
//!
//! Inside a container the limit of its control group (v1 or v2) counts, not the machine's memory.

use std::fmt;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Version 1 writes "no limit" as a number close to the largest there is.
const UNLIMITED_BYTES: u64 = 1 << 60;
/// Address space reserved per byte of memory: room for holes and for raising the limit.
const RESERVE_FACTOR: u64 = 4;
/// Never reserved more than this.
const MAX_RESERVE_BYTES: u64 = 512 << 30;
/// Never reserved less, if the system grants it.
const MIN_RESERVE_BYTES: u64 = 1 << 30;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The most this process may hold.
    pub(crate) memory_bytes: u64,
    /// What says so.
    pub(crate) memory_source: MemorySource,
    /// The limit on address space (`ulimit -v`), if any.
    pub(crate) address_space_bytes: Option<u64>,
    /// Cores this process may use: by affinity and control group.
    pub(crate) cores: usize,
}

/// What bounds the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemorySource {
    /// The machine's memory.
    Ram,
    /// The limit of the control group.
    ControlGroup,
    /// `ulimit -v`.
    AddressSpace,
}

impl fmt::Display for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MemorySource::Ram => "RAM",
            MemorySource::ControlGroup => "the cgroup limit",
            MemorySource::AddressSpace => "the address space (ulimit -v)",
        })
    }
}

impl Machine {
    /// Looks at the machine.
    pub(crate) fn detect() -> Machine {
        let address_space_bytes = getrlimit(Resource::As).current;
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let candidates = [
            (Some(crate::memory::total_system_bytes()), MemorySource::Ram),
            (group_limit_bytes(Path::new("/sys/fs/cgroup"), &groups), MemorySource::ControlGroup),
            // The program, its threads and what is freed but not yet given back need some, too.
            (address_space_bytes.map(|bytes| bytes / 3 * 2), MemorySource::AddressSpace),
        ];
        let known = candidates.into_iter().filter_map(|(bytes, source)| Some((bytes?, source)));
        let (memory_bytes, memory_source) = known
            .filter(|(bytes, _)| *bytes > 0)
            .min_by_key(|(bytes, _)| *bytes)
            .unwrap_or((1 << 30, MemorySource::Ram));
        Machine {
            memory_bytes,
            memory_source,
            address_space_bytes,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// How much address space the store asks for.
    pub(crate) fn reserve_bytes(&self, limit_bytes: u64) -> usize {
        let wanted = self.memory_bytes.max(limit_bytes).saturating_mul(RESERVE_FACTOR);
        let wanted = wanted.clamp(MIN_RESERVE_BYTES, MAX_RESERVE_BYTES);
        let granted = self.address_space_bytes.map_or(wanted, |bytes| wanted.min(bytes / 8 * 5));
        usize::try_from(granted).unwrap_or(usize::MAX)
    }
}

/// The lowest memory limit of the control groups this process is in, from the text of
/// `/proc/self/cgroup` and the tree mounted at `root`.
fn group_limit_bytes(root: &Path, groups: &str) -> Option<u64> {
    let mut lowest: Option<u64> = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (tree, file) = if controllers.is_empty() {
            (root.to_owned(), "memory.max")
        } else if controllers.split(',').any(|one| one == "memory") {
            (root.join("memory"), "memory.limit_in_bytes")
        } else {
            continue;
        };
        // A limit of any group above counts, too. Inside a container the path may be the
        // outside's and missing here; then the root of the tree is the container's own group.
        let own = tree.join(path.trim_start_matches('/'));
        let up = own.ancestors().take_while(|directory| directory.starts_with(&tree));
        let limits = up.filter_map(|directory| read_limit(&directory.join(file)));
        lowest = limits.chain(lowest).min();
    }
    lowest
}

fn read_limit(file: &Path) -> Option<u64> {
    let bytes = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
    (bytes < UNLIMITED_BYTES).then_some(bytes)
}

/// Descriptors used for other things than clients.
const RESERVED_DESCRIPTORS: u64 = 32;

/// Descriptors of a worker besides its listeners: its event loop.
const DESCRIPTORS_PER_WORKER: u64 = 4;

/// Raises the limit on open files to what `clients` need beside the workers, each of which listens
/// on some addresses. If the system allows fewer, answers how many clients it has room for.
pub(crate) fn make_room_for_clients(
    clients: usize,
    workers: usize,
    addresses: usize,
) -> Result<(), usize> {
    let per_worker = DESCRIPTORS_PER_WORKER + addresses as u64;
    let reserved = RESERVED_DESCRIPTORS + workers as u64 * per_worker;
    let wanted = clients as u64 + reserved;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = limit.maximum.map_or(wanted, |maximum| maximum.max(wanted));
    let raised = [
        Rlimit { current: Some(wanted), maximum: Some(maximum) },
        Rlimit { current: limit.maximum, maximum: limit.maximum },
    ];
    let set = |new: &Rlimit| setrlimit(Resource::Nofile, *new).is_ok();
    let _ = set(&raised[0]) || set(&raised[1]);
    let current = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    if current >= wanted {
        return Ok(());
    }
    Err(usize::try_from(current.saturating_sub(reserved)).unwrap_or(0).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
        let root = std::env::temp_dir().join(format!("skep-{}-{name}", std::process::id()));
        for (file, text) in files {
            let file = root.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        root
    }

    #[test]
    fn the_lowest_limit_on_the_way_up_counts() {
        let root = tree(
            "v2",
            &[
                ("kube/memory.max", "2000000\n"),
                ("kube/pod/memory.max", "max\n"),
                ("other/memory.max", "10\n"),
            ],
        );
        assert_eq!(group_limit_bytes(&root, "0::/kube/pod\n"), Some(2_000_000));
        assert_eq!(group_limit_bytes(&root, "0::/elsewhere\n"), None);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn version_one_is_found_where_the_container_mounts_it() {
        let root = tree("v1", &[("memory/memory.limit_in_bytes", "4096\n")]);
        let groups = "8:pids:/x\n4:cpu,memory:/docker/0123\n0::/\n";
        assert_eq!(group_limit_bytes(&root, groups), Some(4096));
        std::fs::write(root.join("memory/memory.limit_in_bytes"), "9223372036854771712").unwrap();
        assert_eq!(group_limit_bytes(&root, groups), None);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_limit_on_address_space_bounds_the_reservation() {
        let machine = Machine {
            memory_bytes: 24 << 30,
            memory_source: MemorySource::Ram,
            address_space_bytes: None,
            cores: 2,
        };
        assert_eq!(machine.reserve_bytes(0), 96 << 30);
        let machine = Machine { address_space_bytes: Some(8 << 30), ..machine };
        assert_eq!(machine.reserve_bytes(0), 5 << 30);
    }
}
