//! Hit ratios at equal resident memory.
//!
//! `maxmemory` means something else to every server, so it is no basis for a comparison. For every
//! server, policy and trace the limit is sought that makes the process's resident memory, right
//! after the last request, equal a target; the replay with that limit is the result. Nothing is
//! subtracted: an empty server's memory is the user's memory too.

use std::path::Path;
use std::time::Instant;

use crate::belady;
use crate::error::Result;
use crate::peers::{Kind, Program};
use crate::process::Resident;
use crate::replay::replay;
use crate::results::{BeladyRun, HitRatioRun};
use crate::server::{Server, Setup};
use crate::stats::Secant;
use crate::trace::{Request, Trace};

/// Resident memory this near to the target is equal to it. Memcached's limit goes by megabytes.
const TOLERANCE: f64 = 0.015;
const TRIALS_MAX: usize = 6;
const MIB: u64 = 1 << 20;
/// Redis and its kin refuse to hold anything with less.
const MAXMEMORY_MIN: u64 = 2 * MIB;
/// Where the search begins: limit over target.
const FIRST_GUESS: f64 = 0.8;

/// A server with a policy.
struct Contender<'a> {
    program: &'a Program,
    policy: &'static str,
    /// Limit over resident memory, as the last trace had it.
    guess: f64,
}

/// The policies worth comparing of a kind of server; what is not an option of it is only a name.
fn policies(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Skep => &["allkeys-adaptive"],
        Kind::Redis => &["allkeys-lru", "allkeys-lfu"],
        Kind::Memcached => &["segmented-lru"],
        Kind::MemcachedSingle | Kind::Limit => &[],
    }
}

/// Something finished: to be kept at once.
pub(crate) enum Finding {
    /// A server's replay.
    Run(HitRatioRun),
    /// The oracle's.
    Belady(BeladyRun),
}

/// Compares all servers on the traces. `target_mib` overrides each trace's own.
pub(crate) fn run(
    programs: &[Program],
    traces: &[Trace],
    directory: &Path,
    target_mib: Option<u64>,
    server_core: &str,
    mut keep: impl FnMut(Finding) -> Result<()>,
) -> Result<()> {
    let mut contenders: Vec<Contender> = programs
        .iter()
        .flat_map(|program| policies(program.kind).iter().map(move |policy| (program, policy)))
        .map(|(program, policy)| Contender { program, policy, guess: FIRST_GUESS })
        .collect();
    for trace in traces {
        let requests = trace.read(directory)?;
        let target_rss = target_mib.unwrap_or(trace.target_mib) * MIB;
        keep(Finding::Belady(BeladyRun {
            trace: trace.name.to_owned(),
            capacity_bytes: target_rss,
            item_overhead_bytes: belady::ITEM_OVERHEAD_BYTES,
            requests: requests.len() as u64,
            misses: belady::misses(&requests, target_rss),
        }))?;
        for contender in &mut contenders {
            let run = calibrate(contender, trace, &requests, target_rss, server_core)?;
            contender.guess = run.maxmemory as f64 / run.rss as f64;
            keep(Finding::Run(run))?;
        }
    }
    Ok(())
}

/// Replays with one limit after the other until the resident memory is right, and returns the
/// replay that came nearest.
fn calibrate(
    contender: &Contender<'_>,
    trace: &Trace,
    requests: &[Request],
    target_rss: u64,
    server_core: &str,
) -> Result<HitRatioRun> {
    let mut secant = Secant::new(target_rss as f64, MAXMEMORY_MIN as f64);
    let mut tried: Vec<u64> = Vec::new();
    let mut best: Option<HitRatioRun> = None;
    loop {
        let proposed = match tried.is_empty() {
            true => contender.guess * target_rss as f64,
            false => secant.propose(),
        };
        let maxmemory = whole_megabytes(contender.program.kind, proposed as u64);
        let is_exhausted = tried.contains(&maxmemory) || tried.len() == TRIALS_MAX;
        if let (true, Some(mut best)) = (is_exhausted, best.take_if(|_| is_exhausted)) {
            best.trials = tried.len();
            return Ok(best);
        }
        tried.push(maxmemory);
        let mut run = trial(contender, trace, requests, maxmemory, server_core)?;
        run.target_rss = target_rss;
        secant.record(maxmemory as f64, run.rss as f64);
        let distance = secant.distance(run.rss as f64);
        run.is_calibrated = distance <= TOLERANCE;
        run.trials = tried.len();
        if run.is_calibrated {
            return Ok(run);
        }
        let is_nearer =
            best.as_ref().is_none_or(|best| distance < secant.distance(best.rss as f64));
        if is_nearer {
            best = Some(run);
        }
    }
}

fn whole_megabytes(kind: Kind, bytes: u64) -> u64 {
    match kind {
        Kind::Memcached | Kind::MemcachedSingle => (bytes + MIB / 2) / MIB * MIB,
        Kind::Skep | Kind::Redis | Kind::Limit => bytes,
    }
}

fn trial(
    contender: &Contender<'_>,
    trace: &Trace,
    requests: &[Request],
    maxmemory: u64,
    server_core: &str,
) -> Result<HitRatioRun> {
    let mut setup = Setup::on_cores(server_core);
    setup.maxmemory = Some(maxmemory);
    // Ours is compared as it comes.
    setup.policy = (contender.program.kind == Kind::Redis).then_some(contender.policy);
    let server = Server::start(contender.program, &setup)?;
    let begin = Instant::now();
    let counts = replay(server.connect()?, server.dialect(), requests)?;
    let seconds = begin.elapsed().as_secs_f64();
    let resident = Resident::read(server.pid())?;
    eprintln!(
        "  {} {} {}: maxmemory {:.1} MiB -> RSS {:.1} MiB, {} misses, {seconds:.0} s",
        trace.name,
        contender.program.name,
        contender.policy,
        maxmemory as f64 / MIB as f64,
        resident.bytes as f64 / MIB as f64,
        counts.misses,
    );
    Ok(HitRatioRun {
        trace: trace.name.to_owned(),
        server: contender.program.name.to_owned(),
        policy: contender.policy.to_owned(),
        maxmemory,
        target_rss: 0,
        rss: resident.bytes,
        rss_peak: resident.peak_bytes,
        requests: counts.requests,
        misses: counts.misses,
        bytes_requested: counts.bytes_requested,
        bytes_missed: counts.bytes_missed,
        stores_refused: counts.stores_refused,
        trials: 0,
        is_calibrated: false,
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_memcached_is_limited_in_whole_megabytes() {
        assert_eq!(whole_megabytes(Kind::Memcached, 5 * MIB + MIB / 2), 6 * MIB);
        assert_eq!(whole_megabytes(Kind::Memcached, 5 * MIB + 7), 5 * MIB);
        assert_eq!(whole_megabytes(Kind::Redis, 5 * MIB + 7), 5 * MIB + 7);
    }
}
