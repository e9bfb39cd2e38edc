//! Arguments that name a trace, for every command that reads one, and the reading.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Common;
use crate::cli::listen;
use crate::cli::progress::Progress;
use crate::error::{PlanError, Result};
use crate::live;
use crate::model::replica::Policy;
use crate::quantity::{Count, Rate, Seconds, Size};
use crate::report::Report;
use crate::report::cell::finite;
use crate::trace::{Access, Format, Reader, Sizes};

/// Values are not taken for larger.
const VALUE_BYTES_MAX: u64 = 512 << 20;

/// Which trace to read.
#[derive(Args, Debug)]
#[command(next_help_heading = "Trace")]
pub(super) struct TraceArgs {
    /// An access trace, possibly compressed (.xz, .zst, .gz); - for the standard input
    #[arg(value_name = "TRACE")]
    trace: Option<PathBuf>,
    /// How it is written [default: as its name or its first line says]
    #[arg(long, value_enum, value_name = "FORMAT")]
    trace_format: Option<Format>,
    /// Listen to a server instead (MONITOR, which slows it down): redis://user:password@host:port
    #[arg(long, value_name = "URL", conflicts_with_all = ["trace", "trace_format"])]
    from: Option<String>,
    /// How long to listen
    #[arg(long, value_name = "SECONDS", default_value = "10s", requires = "from")]
    seconds: Seconds,
    /// Read only so many accesses
    #[arg(long, value_name = "COUNT")]
    requests: Option<Count>,
    /// How fast accesses come, if the trace does not say
    #[arg(long, value_name = "RATE", default_value = "10k/s")]
    pace: Rate,
    /// Size of values that the trace does not tell [default: log-normal, 700 B in the middle]
    #[arg(long, value_name = "SIZE")]
    value_size: Option<Size>,
}

impl TraceArgs {
    /// Reads the trace; what is done with an access gets the size of its value too.
    pub(super) fn each(
        &self,
        common: &Common,
        report: &mut Report,
        mut visit: impl FnMut(&Access, &mut Sizes) -> Result<()>,
    ) -> Result<()> {
        let other = self.value_size.as_ref().map(|size| report.size_input("value", size));
        let mut sizes = Sizes::new(other.map(|bytes| bytes.min(VALUE_BYTES_MAX) as u32));
        if let Some(Count(count)) = self.requests {
            report.input("requests_max", count);
        }
        let most = self.requests.map_or(u64::MAX, |count| count.0);
        let mut progress = Progress::new("accesses", common);
        let mut step = |access: &Access| {
            progress.step();
            visit(access, &mut sizes)
        };
        match (&self.trace, &self.from) {
            (_, Some(source)) => self.listen(source, most, report, &mut step),
            (Some(path), None) => self.read(path, most, report, &mut step),
            (None, None) => Err(PlanError::usage(
                "name a trace to read: a file of accesses (CSV with a column key, what MONITOR \
                 prints, and others; see --trace-format), or - for the standard input; or --from \
                 redis://host:port to listen to a server",
            )),
        }
    }

    fn read(
        &self,
        path: &Path,
        most: u64,
        report: &mut Report,
        visit: &mut dyn FnMut(&Access) -> Result<()>,
    ) -> Result<()> {
        let per_second = self.pace.0;
        if per_second <= 0.0 {
            return Err(PlanError::usage("--pace 0: a trace at rest says nothing; give a rate"));
        }
        report.input("trace", path.display().to_string());
        let mut reader = Reader::open(path, self.trace_format)?;
        let has_times = reader.has_times();
        for number in 0..most {
            let Some(mut access) = reader.read()? else { break };
            if !has_times {
                access.time_ms = (number as f64 * 1000.0 / per_second) as u64;
            }
            visit(&access)?;
        }
        Ok(())
    }

    fn listen(
        &self,
        source: &str,
        most: u64,
        report: &mut Report,
        visit: &mut dyn FnMut(&Access) -> Result<()>,
    ) -> Result<()> {
        let length = listen::length(self.seconds)?;
        let live = live::connect(source)?;
        report.input("from", live.shown());
        report.input("seconds", finite(self.seconds.0));
        listen::listen(live, length, most, &mut |_, access| visit(access))
    }

    /// How many accesses there are to read: reads them all, so that they can be read again.
    pub(super) fn count(&self, common: &Common) -> Result<u64> {
        if self.trace.as_deref() == Some(Path::new("-")) {
            return Err(PlanError::usage(
                "the standard input cannot be read twice, so where its half is nobody knows; give \
                 --lose-after",
            ));
        }
        let mut count = 0;
        let mut unused = Report::new("count", common.units());
        self.each(common, &mut unused, |_, _| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// What people call the trace.
    pub(super) fn name(&self) -> String {
        let name = self.trace.as_ref().and_then(|path| path.file_name());
        let unnamed = if self.from.is_some() { "live sample" } else { "trace" };
        name.map_or(unnamed.to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

/// The name of an eviction policy, as an argument.
pub(super) fn policy(name: &str) -> Result<Policy, String> {
    Policy::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Policy::NAMES.iter().map(|(_, name)| *name).collect();
        format!("\"{name}\" is no eviction policy; use {}", names.join(", "))
    })
}

#[cfg(test)]
pub(super) mod testing {
    //! Traces in files, for the tests of commands that read them.

    use std::path::PathBuf;

    use crate::random::SplitMix;

    /// A trace in a file, gone when dropped.
    pub(in crate::cli) struct TraceFile(PathBuf);

    impl TraceFile {
        pub(in crate::cli) fn new(name: &str, text: &str) -> TraceFile {
            let name = format!("planner-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::write(&path, text).unwrap();
            TraceFile(path)
        }

        /// Requests for skewed objects of 500 bytes.
        pub(in crate::cli) fn skewed(name: &str, requests: usize, objects: f64) -> TraceFile {
            let mut random = SplitMix::new(3);
            let mut text = "time,key,size\n".to_owned();
            for number in 0..requests {
                let object = (objects * random.unit().powi(2)) as u64;
                text += &format!("{},object:{object},500\n", number / 1000);
            }
            TraceFile::new(name, &text)
        }

        /// The words of a command that reads it.
        pub(in crate::cli) fn line(&self, command: &str, arguments: &str) -> Vec<String> {
            let path = self.0.display().to_string();
            let words = ["planner", command, &path].map(str::to_owned).into_iter();
            words.chain(arguments.split_whitespace().map(str::to_owned)).collect()
        }
    }

    impl Drop for TraceFile {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}
