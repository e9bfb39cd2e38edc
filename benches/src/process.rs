//! What the kernel says about a process: processor time, waiting time, resident memory.
//!
//! Processor time is read from `schedstat` of every thread: nanoseconds really run, free of the
//! tick-sized steps of `/proc/PID/stat` and undisturbed by what else the machine does. The time
//! spent waiting in the run queue stands beside it and tells a disturbed run from a quiet one.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::stats::Settling;

/// Processor time of a process, all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Processor {
    /// Time run.
    pub(crate) run_ns: u64,
    /// Time ready to run while something else ran.
    pub(crate) wait_ns: u64,
}

impl Processor {
    /// Reads the counters of all threads that live now.
    pub(crate) fn read(pid: u32) -> Result<Processor> {
        let directory = format!("/proc/{pid}/task");
        let mut sum = Processor::default();
        for entry in fs::read_dir(&directory).context(&directory)? {
            let path = entry.context(&directory)?.path().join("schedstat");
            // A thread that ends between the listing and the reading is no reason to stop.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let thread = parse_schedstat(&text).ok_or_else(|| {
                Error::new(format!("{}: not a schedstat line: {text:?}", path.display()))
            })?;
            sum.run_ns += thread.run_ns;
            sum.wait_ns += thread.wait_ns;
        }
        Ok(sum)
    }

    /// What was added since `earlier`.
    pub(crate) fn since(self, earlier: Processor) -> Processor {
        Processor {
            run_ns: self.run_ns.saturating_sub(earlier.run_ns),
            wait_ns: self.wait_ns.saturating_sub(earlier.wait_ns),
        }
    }

    /// The share of its ready time that the process had to wait for a core.
    pub(crate) fn wait_share(self) -> f64 {
        let ready_ns = self.run_ns + self.wait_ns;
        if ready_ns == 0 { 0.0 } else { self.wait_ns as f64 / ready_ns as f64 }
    }
}

/// Reads `run_ns wait_ns timeslices`.
fn parse_schedstat(text: &str) -> Option<Processor> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (run_ns, wait_ns) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some(Processor { run_ns, wait_ns })
}

/// Resident memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resident {
    /// Now.
    pub(crate) bytes: u64,
    /// The highest it has ever been.
    pub(crate) peak_bytes: u64,
}

impl Resident {
    /// Reads the exact figure of `smaps_rollup` where there is one, else the one of `status`.
    pub(crate) fn read(pid: u32) -> Result<Resident> {
        let status_path = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&status_path).context(&status_path)?;
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let bytes = kilobytes_field(&rollup, "Rss:")
            .or_else(|| kilobytes_field(&status, "VmRSS:"))
            .ok_or_else(|| Error::new(format!("{status_path}: no VmRSS")))?;
        let peak_bytes = kilobytes_field(&status, "VmHWM:").unwrap_or(bytes);
        Ok(Resident { bytes, peak_bytes: peak_bytes.max(bytes) })
    }

    /// Waits until the resident memory has stopped moving, a bounded time at most.
    ///
    /// Servers go on after the last command: tables are moved in steps, pages are given back.
    pub(crate) fn read_settled(pid: u32) -> Result<(Resident, Settled)> {
        let mut settling = Settling::default();
        loop {
            let resident = Resident::read(pid)?;
            if let Some(is_stable) = settling.observe(resident.bytes) {
                let waited_ms = settling.waited_ms();
                return Ok((resident, Settled { waited_ms, is_stable }));
            }
            std::thread::sleep(Duration::from_millis(Settling::STEP_MS));
        }
    }
}

/// How [`Resident::read_settled`] ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    /// Time waited.
    pub(crate) waited_ms: u64,
    /// False when the memory still moved at the deadline.
    pub(crate) is_stable: bool,
}

/// Reads `NAME:   123 kB`.
fn kilobytes_field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number = line.split_ascii_whitespace().next()?.parse::<u64>().ok()?;
    number.checked_mul(1024)
}

/// Binds this whole process to one core; the servers it starts bind themselves to theirs.
pub(crate) fn pin_self(core: &str) -> Result<()> {
    let pid = std::process::id().to_string();
    let output = Command::new("taskset")
        .args(["--all-tasks", "--pid", "--cpu-list", core, &pid])
        .output()
        .context("taskset (Debian package util-linux)")?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Error::new(format!(
            "cannot run on core {core}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_gives_run_time_and_wait_time() {
        let expected = Processor { run_ns: 48_452, wait_ns: 17 };
        assert_eq!(parse_schedstat("48452 17 3\n"), Some(expected));
        assert_eq!(parse_schedstat(""), None);
        assert_eq!(parse_schedstat("48452"), None);
        assert_eq!(parse_schedstat("a b c"), None);
        assert_eq!(parse_schedstat("-1 2 3"), None);
    }

    #[test]
    fn wait_share_is_of_the_ready_time() {
        let half = Processor { run_ns: 30, wait_ns: 10 };
        assert!((half.wait_share() - 0.25).abs() < 1e-9);
        assert_eq!(Processor::default().wait_share(), 0.0);
    }

    #[test]
    fn memory_fields_are_read_in_bytes_and_by_their_whole_name() {
        let text = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(kilobytes_field(text, "VmRSS:"), Some(1 << 20));
        assert_eq!(kilobytes_field(text, "VmHWM:"), Some(2 << 20));
        assert_eq!(kilobytes_field(text, "RSS:"), None);
        assert_eq!(kilobytes_field("Rss: x kB", "Rss:"), None);
    }

    #[test]
    fn this_process_runs_and_is_resident() {
        let pid = std::process::id();
        assert!(Processor::read(pid).unwrap().run_ns > 0);
        let resident = Resident::read(pid).unwrap();
        assert!(resident.bytes > 0 && resident.peak_bytes >= resident.bytes);
    }
}
