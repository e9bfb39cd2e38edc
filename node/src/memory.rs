//! What the process holds, measured a few times a second.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use skep_command::server::MemoryFacts;
use skep_store::Store;

use crate::allocator;

/// The last measurement.
#[derive(Default)]
pub(crate) struct Memory {
    measured_ms: AtomicU64,
    peak_bytes: AtomicU64,
    startup_bytes: AtomicU64,
    /// Since when the limit has been exceeded; 0: it is not.
    exceeded_since_ms: AtomicU64,
    /// For how long it was, before that.
    exceeded_ms: AtomicU64,
}

impl Memory {
    /// Whether the last measurement is older than the interval; claims the next one if so.
    pub(crate) fn is_due(&self, now_ms: u64, interval_ms: u64) -> bool {
        let last_ms = self.measured_ms.load(Relaxed);
        let due = now_ms.saturating_sub(last_ms) >= interval_ms;
        if due {
            self.measured_ms.store(now_ms, Relaxed);
        }
        due
    }

    /// Measures the allocator and tells the store what it does not know: what the rest of the
    /// process holds.
    pub(crate) fn measure(&self, store: &Store, limit_bytes: u64) {
        let held = allocator::figures().held_bytes();
        let outside = store.footprint().outside_bytes;
        store.set_limits(limit_bytes, held.saturating_sub(outside));
        self.peak_bytes.fetch_max(store.used_bytes(), Relaxed);
    }

    /// Notes whether the limit is exceeded now.
    pub(crate) fn note_limit(&self, store: &Store, limit_bytes: u64, now_ms: u64) {
        let exceeded = limit_bytes > 0 && store.used_bytes() > limit_bytes;
        let since_ms = self.exceeded_since_ms.load(Relaxed);
        match (exceeded, since_ms) {
            (true, 0) => self.exceeded_since_ms.store(now_ms, Relaxed),
            (false, 1..) => {
                self.exceeded_ms.fetch_add(now_ms.saturating_sub(since_ms), Relaxed);
                self.exceeded_since_ms.store(0, Relaxed);
            }
            _ => {}
        }
    }

    /// For how long the limit was exceeded altogether, and how long it has been by now.
    pub(crate) fn exceeded_ms(&self, now_ms: u64) -> (u64, u64) {
        let current_ms = match self.exceeded_since_ms.load(Relaxed) {
            0 => 0,
            since_ms => now_ms.saturating_sub(since_ms),
        };
        (self.exceeded_ms.load(Relaxed) + current_ms, current_ms)
    }

    /// Begins to count anew for how long the limit is exceeded.
    pub(crate) fn reset_exceeded(&self, now_ms: u64) {
        self.exceeded_ms.store(0, Relaxed);
        if self.exceeded_since_ms.load(Relaxed) != 0 {
            self.exceeded_since_ms.store(now_ms, Relaxed);
        }
    }

    /// Notes what is used before any key is there.
    pub(crate) fn note_startup(&self, store: &Store) {
        self.startup_bytes.store(store.used_bytes(), Relaxed);
    }

    /// Everything INFO and MEMORY tell.
    pub(crate) fn facts(&self, store: &Store, limit_bytes: u64, client_bytes: u64) -> MemoryFacts {
        let footprint = store.footprint();
        let allocator = allocator::figures();
        let used_bytes = store.used_bytes();
        self.peak_bytes.fetch_max(used_bytes, Relaxed);
        MemoryFacts {
            used_bytes,
            peak_bytes: self.peak_bytes.load(Relaxed),
            startup_bytes: self.startup_bytes.load(Relaxed),
            client_bytes,
            dataset_bytes: footprint.region_bytes() + footprint.outside_bytes,
            keys: store.key_count(),
            resident_bytes: resident_bytes().unwrap_or(used_bytes),
            allocated_bytes: allocator.allocated_bytes,
            active_bytes: allocator.active_bytes,
            allocator_resident_bytes: allocator.resident_bytes,
            dead_bytes: footprint.dead_bytes,
            limit_bytes,
        }
    }
}

/// The resident set of this process.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Processor time of this process.
pub(crate) struct CpuTimes {
    pub(crate) user_seconds: f64,
    pub(crate) system_seconds: f64,
}

/// Asks the system for the processor time used, in its ticks of a hundredth of a second.
pub(crate) fn cpu_times() -> CpuTimes {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name before the fields may contain blanks; it ends with the last parenthesis.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = |at: usize| {
        let field = fields.split_whitespace().nth(at).and_then(|field| field.parse::<f64>().ok());
        field.unwrap_or(0.0) / 100.0
    };
    CpuTimes { user_seconds: ticks(11), system_seconds: ticks(12) }
}

/// Memory of the machine.
pub(crate) fn total_system_bytes() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// The system's name and version, as INFO shows them.
pub(crate) fn system_name() -> String {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}"));
    let (kind, release) = (read("ostype"), read("osrelease"));
    let kind = kind.unwrap_or_else(|_| std::env::consts::OS.to_owned());
    let release = release.unwrap_or_default();
    format!("{} {} {}", kind.trim(), release.trim(), std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use skep_store::Options;

    use super::*;

    #[test]
    fn time_above_the_limit_adds_up() {
        let options = Options { databases: 1, reserve_bytes: 1 << 30, seed: 1 };
        let store = Store::new(&options).unwrap();
        let memory = Memory::default();
        store.set_limits(0, 1000);
        let above = store.used_bytes() - 1;
        memory.note_limit(&store, 0, 100);
        assert_eq!(memory.exceeded_ms(200), (0, 0), "no limit");
        memory.note_limit(&store, above, 200);
        assert_eq!(memory.exceeded_ms(250), (50, 50));
        memory.note_limit(&store, above, 260);
        memory.note_limit(&store, above + 1, 300);
        assert_eq!(memory.exceeded_ms(400), (100, 0));
        memory.note_limit(&store, above, 400);
        assert_eq!(memory.exceeded_ms(410), (110, 10));
        memory.reset_exceeded(420);
        assert_eq!(memory.exceeded_ms(421), (1, 1));
    }
}
