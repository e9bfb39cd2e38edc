//! The general allocator: jemalloc, for everything outside the store's region. All that knows
//! which allocator it is stands in this file.

use jemalloc_ctl::{epoch, stats};

#[global_allocator]
static GLOBAL: jemallocator::Jemalloc = jemallocator::Jemalloc;

/// The version, for INFO and MEMORY.
pub(crate) const NAME: &str = "jemalloc-5.3.1";

/// Bytes as the allocator counts them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AllocatorFigures {
    pub(crate) allocated_bytes: u64,
    pub(crate) active_bytes: u64,
    pub(crate) resident_bytes: u64,
    pub(crate) metadata_bytes: u64,
}

impl AllocatorFigures {
    /// What counts against the memory limit: pages in use, and the allocator's own data. Freed pages
    /// on their way back to the system do not: keys must not be evicted for what is free already.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.active_bytes + self.metadata_bytes
    }
}

/// Asks the allocator.
pub(crate) fn figures() -> AllocatorFigures {
    let _ = epoch::advance();
    let read = |value: Result<usize, _>| value.map_or(0, |bytes: usize| bytes as u64);
    AllocatorFigures {
        allocated_bytes: read(stats::allocated::read().map_err(drop)),
        active_bytes: read(stats::active::read().map_err(drop)),
        resident_bytes: read(stats::resident::read().map_err(drop)),
        metadata_bytes: read(stats::metadata::read().map_err(drop)),
    }
}

/// The allocator's own report.
pub(crate) fn report() -> String {
    let mut text = Vec::new();
    match jemalloc_ctl::stats_print::stats_print(&mut text, Default::default()) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => format!("The allocator has no report: {error}\n"),
    }
}

/// Has unused pages given back by a thread of the allocator's own, so that memory returns to the
/// system though nobody allocates.
pub(crate) fn start_returning_memory() {
    // Without the thread, pages return when the allocator is next used.
    let _ = jemalloc_ctl::background_thread::write(true);
}

#[cfg(test)]
mod tests {
    use jemalloc_ctl::thread;

    #[test]
    fn it_rounds_as_plans_reckon() {
        let allocated = thread::allocatedp::read().unwrap();
        let sizes = [1, 8, 9, 24, 40, 100, 129, 200, 513, 4_097, 14_336, 14_337];
        let large = [16_384, 20_000, 20_481, 33_000, 60_000, 70_000, 1 << 20];
        for bytes in sizes.into_iter().chain(large) {
            let before = allocated.get();
            let taken: Vec<u8> = std::hint::black_box(Vec::with_capacity(bytes));
            let made_bytes = allocated.get() - before;
            assert_eq!(made_bytes, skep_store::cost::allocated_bytes(bytes) as u64, "{bytes}");
            drop(taken);
        }
    }
}
