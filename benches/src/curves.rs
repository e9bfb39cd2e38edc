//! How fast the planner computes hit-ratio curves of real traces, and how near sampled ones come to
//! the exact one.

use std::path::Path;
use std::time::Instant;

use skep_planner::model::mrc::{Curve, OBJECTS_MIN, Sampling, Shards};
use skep_planner::trace::{Access, Reader};

use crate::error::{Error, Result};
use crate::table::Table;
use crate::trace::Trace;

/// What is compared with the exact curve: its name, and how the sample is taken.
const SAMPLES: [(&str, Sampling); 3] = [
    ("1 % of objects", Sampling { rate: 0.01, objects_min: 0 }),
    ("1 %, 8,000 at least", Sampling { rate: 0.01, objects_min: OBJECTS_MIN }),
    ("10 % of objects", Sampling { rate: 0.1, objects_min: 0 }),
];
const EXACT: Sampling = Sampling { rate: 1.0, objects_min: 0 };
/// Memories at which curves are compared, spread evenly up to where nothing more is won.
const MEMORIES: u64 = 100;
/// Times are the shortest of so many.
const TURNS: usize = 3;
/// What an item takes besides its value.
const OVERHEAD_BYTES: u32 = 40;

/// Computes all curves of the traces.
pub(crate) fn run(traces: &[Trace], directory: &Path) -> Result<Table> {
    let mut table = Table::new([
        "trace",
        "curve",
        "objects",
        "rate",
        "M requests/s",
        "times exact",
        "mean error",
        "largest",
    ]);
    for trace in traces {
        let accesses: Result<Vec<Access>, _> = Reader::open(&trace.path(directory), None)
            .and_then(Iterator::collect)
            .map_err(|error| Error::new(error.to_string()));
        let accesses = accesses?;
        let (exact, exact_seconds) = compute(&accesses, EXACT);
        let curve = exact.curve();
        for (name, sampling) in [("exact", EXACT)].into_iter().chain(SAMPLES) {
            let (shards, seconds) = match name {
                "exact" => compute(&accesses, EXACT),
                _ => compute(&accesses, sampling),
            };
            let seconds = if name == "exact" { seconds.min(exact_seconds) } else { seconds };
            let (mean, largest) = errors(&curve, &shards.curve());
            table.row([
                trace.name.to_owned(),
                name.to_owned(),
                shards.sampled_objects().to_string(),
                format!("{:.2} %", shards.rate() * 100.0),
                format!("{:.1}", accesses.len() as f64 / seconds / 1e6),
                format!("{:.1}", exact_seconds / seconds),
                format!("{mean:.4}"),
                format!("{largest:.4}"),
            ]);
        }
    }
    Ok(table)
}

/// Reads nothing: the trace is in memory, so that only the model is timed.
fn compute(accesses: &[Access], sampling: Sampling) -> (Shards, f64) {
    let turn = |_| {
        let begin = Instant::now();
        let mut shards = Shards::new(sampling);
        for access in accesses {
            shards.observe(access, || access.size_bytes() + OVERHEAD_BYTES);
        }
        (shards, begin.elapsed().as_secs_f64())
    };
    let turns = (0..TURNS).map(turn);
    let best = turns.min_by(|one, other| one.1.total_cmp(&other.1));
    best.unwrap_or_else(|| (Shards::new(sampling), f64::INFINITY))
}

/// The mean and the largest distance between two curves.
fn errors(exact: &Curve, sampled: &Curve) -> (f64, f64) {
    let memories = (1..=MEMORIES).map(|part| exact.largest_bytes() / MEMORIES * part);
    let error = |bytes| (exact.hit_ratio(bytes) - sampled.hit_ratio(bytes)).abs();
    let errors: Vec<f64> = memories.map(error).collect();
    (errors.iter().sum::<f64>() / errors.len() as f64, errors.into_iter().fold(0.0, f64::max))
}
