//! Access traces of real systems: which objects were asked for, in what order, how large they are.
//!
//! Three of the four traces have no sizes. There an object's size is a fixed function of its id: a
//! log-normal whose draws know nothing of popularity, which flatters policies that look at sizes.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use crate::error::{Context, Error, Result};
use crate::workload::SplitMix;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The object.
    pub(crate) id: u64,
    /// Its size.
    pub(crate) value_bytes: u32,
}

/// How a trace is written.
#[derive(Clone, Copy, Debug)]
enum Format {
    /// Lines `start count ...`: the ids from `start` on.
    Ranges,
    /// One big-endian number of so many bytes for each request.
    BigEndian(usize),
    /// Lines `time id bytes`.
    Sized,
}

/// A trace and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    /// Its name in tables.
    pub(crate) name: &'static str,
    file: &'static str,
    format: Format,
    /// The tool that decompresses it.
    tool: &'static str,
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
        format: Format::Ranges,
        tool: "zstd",
        requests: 914_145,
        objects: 186_880,
        target_mib: 64,
    },
    Trace {
        name: "scarab",
        file: "scarab-recs.u64be.xz",
        format: Format::BigEndian(8),
        tool: "xz",
        requests: 1_245_184,
        objects: 258_368,
        target_mib: 64,
    },
    Trace {
        name: "w106",
        file: "w106.u32be.xz",
        format: Format::BigEndian(4),
        tool: "xz",
        requests: 5_292_456,
        objects: 275_171,
        target_mib: 64,
    },
    // A sixth of the objects' 279 MB, and the least that every server can be made to hold:
    // memcached takes 44 MiB with its smallest limit.
    Trace {
        name: "adaptsize",
        file: "adaptsize.txt.xz",
        format: Format::Sized,
        tool: "xz",
        requests: 66_987,
        objects: 36_815,
        target_mib: 48,
    },
];

/// Larger objects are taken for damage.
const VALUE_BYTES_MAX: u32 = 64 << 20;
/// Ids one line may stand for.
const RANGE_MAX: u64 = 1 << 20;

impl Trace {
    /// Reads the whole trace, and makes sure that it is the one we know.
    pub(crate) fn read(&self, directory: &Path) -> Result<Vec<Request>> {
        let path = directory.join(self.file);
        let mut child = Command::new(self.tool)
            .arg("-dc")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context(format!("{} (Debian packages xz-utils, zstd)", self.tool))?;
        let output = child.stdout.take().ok_or_else(|| Error::new("no output"))?;
        let requests = decode(self.format, BufReader::new(output));
        let status = child.wait().context(self.tool)?;
        if !status.success() {
            return Err(Error::new(format!("{}: {} failed", path.display(), self.tool)));
        }
        let requests = requests?;
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

fn decode(format: Format, input: BufReader<ChildStdout>) -> Result<Vec<Request>> {
    match format {
        Format::Ranges => decode_lines(input, ranges),
        Format::Sized => decode_lines(input, sized),
        Format::BigEndian(width) => decode_numbers(input, width),
    }
}

fn decode_lines(
    input: impl BufRead,
    decode: impl Fn(&str, &mut Vec<Request>) -> Option<()>,
) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    for line in input.lines() {
        let line = line.context("reading a trace")?;
        decode(&line, &mut requests)
            .ok_or_else(|| Error::new(format!("not a line of this trace: {line:?}")))?;
    }
    Ok(requests)
}

fn ranges(line: &str, requests: &mut Vec<Request>) -> Option<()> {
    let mut words = line.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
    let (start, count) = (words.next()??, words.next()??);
    if count > RANGE_MAX {
        return None;
    }
    let ids = start..start.checked_add(count)?;
    requests.extend(ids.map(|id| Request { id, value_bytes: size_of(id) }));
    Some(())
}

fn sized(line: &str, requests: &mut Vec<Request>) -> Option<()> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let id = words.next()?.parse().ok()?;
    let value_bytes = words.next()?.parse().ok()?;
    if value_bytes > VALUE_BYTES_MAX {
        return None;
    }
    requests.push(Request { id, value_bytes });
    Some(())
}

fn decode_numbers(mut input: impl Read, width: usize) -> Result<Vec<Request>> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).context("reading a trace")?;
    let numbers = bytes.chunks_exact(width);
    if !numbers.remainder().is_empty() {
        return Err(Error::new("the trace ends inside a number"));
    }
    let id = |number: &[u8]| number.iter().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
    let ids = numbers.map(id);
    Ok(ids.map(|id| Request { id, value_bytes: size_of(id) }).collect())
}

const SIZE_MEDIAN: f64 = 700.0;
const SIZE_SIGMA: f64 = 0.9;
const SIZE_MIN: f64 = 64.0;
const SIZE_MAX: f64 = 8192.0;

/// The size of an object without one: log-normal, by Box and Muller from two draws of the id.
fn size_of(id: u64) -> u32 {
    let mut draws = SplitMix::new(id);
    let (first, second) = (draws.unit(), draws.unit());
    let normal = (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos();
    (SIZE_MEDIAN * (SIZE_SIGMA * normal).exp()).clamp(SIZE_MIN, SIZE_MAX) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn each_format_gives_its_requests() {
        let lines = decode_lines(&b"5 3 0 0\n9 1 0 0\n"[..], ranges).unwrap();
        assert_eq!(lines.iter().map(|request| request.id).collect::<Vec<_>>(), [5, 6, 7, 9]);
        assert_eq!(lines[0].value_bytes, size_of(5));
        let real = decode_lines(&b"1 0 68\n2 1 7454\n"[..], sized).unwrap();
        assert_eq!(real[1], Request { id: 1, value_bytes: 7454 });
        let numbers = decode_numbers(&[0, 0, 1, 2, 0, 0, 0, 9][..], 4).unwrap();
        assert_eq!(numbers.iter().map(|request| request.id).collect::<Vec<_>>(), [258, 9]);
    }

    #[test]
    fn damage_is_an_error() {
        for line in ["5", "a b", "5 99999999999", "18446744073709551615 2"] {
            assert!(decode_lines(line.as_bytes(), ranges).is_err(), "{line}");
        }
        assert!(decode_lines(&b"1 2\n"[..], sized).is_err());
        assert!(decode_lines(&b"1 2 99999999999\n"[..], sized).is_err());
        assert!(decode_numbers(&[0, 0, 1][..], 4).is_err());
    }

    #[test]
    fn sizes_have_the_median_the_spread_and_the_bounds_agreed() {
        let mut sizes: Vec<u32> = (0..100_000).map(size_of).collect();
        sizes.sort_unstable();
        let at = |share: f64| f64::from(sizes[(share * sizes.len() as f64) as usize]);
        assert!((at(0.5) / 700.0 - 1.0).abs() < 0.02, "{}", at(0.5));
        // One sigma above the median of a log-normal.
        assert!((at(0.8413) / (700.0 * 0.9f64.exp()) - 1.0).abs() < 0.02, "{}", at(0.8413));
        assert!(sizes[0] >= 64 && sizes[sizes.len() - 1] == 8192, "{}", sizes[0]);
    }

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
