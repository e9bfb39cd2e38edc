//! What the raw runs say: the figures derived from [`Results`], each in one place.

use crate::peers::{REFERENCE, SKEP};
use crate::results::{ChurnRun, HitRatioRun, MemoryRun, Results, SpeedRun};
use crate::stats::{Spread, geometric_mean};
use crate::workload::KEY_BYTES;

/// A server that waited for its core more than this share of its ready time was disturbed.
pub(crate) const WAIT_SHARE_MAX: f64 = 0.10;

/// The items of a list, each once, in order of appearance.
pub(crate) fn distinct<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The runs of one server in one cell.
pub(crate) fn speed_runs<'a>(
    runs: &'a [SpeedRun],
    server: &str,
    cell: &str,
) -> impl Iterator<Item = &'a SpeedRun> + Clone {
    runs.iter().filter(move |run| run.server == server && run.cell == cell)
}

/// Processor time per operation over the runs of a server in a cell.
pub(crate) fn cpu_us(runs: &[SpeedRun], server: &str, cell: &str) -> Option<Spread> {
    Spread::of(speed_runs(runs, server, cell).map(|run| run.cpu_us_per_op))
}

/// One server's processor time over the reference's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    /// Of the medians.
    pub(crate) of_medians: f64,
    /// Turn by turn.
    pub(crate) pairwise: Spread,
}

/// Compares a server with the reference in a cell.
pub(crate) fn speed_ratio(runs: &[SpeedRun], server: &str, cell: &str) -> Option<Ratio> {
    let reference = cpu_us(runs, REFERENCE, cell)?;
    let of_medians = cpu_us(runs, server, cell)?.median / reference.median;
    let pairs = speed_runs(runs, server, cell).zip(speed_runs(runs, REFERENCE, cell));
    let pairwise = Spread::of(pairs.map(|(run, base)| run.cpu_us_per_op / base.cpu_us_per_op))?;
    Some(Ratio { of_medians, pairwise })
}

/// Processor time per operation with so many workers over that with one.
pub(crate) fn workers_ratio(results: &Results, workers: usize, cell: &str) -> Option<f64> {
    let median = |workers: usize| {
        let runs = results.workers.iter();
        let runs = runs.filter(|run| run.workers == workers && run.run.cell == cell);
        Spread::of(runs.map(|run| run.run.cpu_us_per_op)).map(|spread| spread.median)
    };
    Some(median(workers)? / median(1)?)
}

/// Resident bytes for each item beyond its key and value.
pub(crate) fn overhead_bytes(run: &MemoryRun) -> f64 {
    let growth = run.rss_after as f64 - run.rss_before as f64;
    growth / run.items as f64 - (KEY_BYTES + run.value_bytes) as f64
}

/// The same by the server's own account. Memcached's counts key and value as well.
pub(crate) fn used_overhead_bytes(run: &MemoryRun) -> Option<f64> {
    let growth = run.used_after? as f64 - run.used_before? as f64;
    Some(growth / run.items as f64 - (KEY_BYTES + run.value_bytes) as f64)
}

/// Our overhead at a value length.
pub(crate) fn skep_overhead(results: &Results, value_bytes: usize, expiry: bool) -> Option<f64> {
    let runs = results.memory.iter().filter(|run| {
        run.server == SKEP && run.value_bytes == value_bytes && run.has_expiry == expiry
    });
    Spread::of(runs.map(overhead_bytes)).map(|spread| spread.median)
}

/// Resident growth over live payload.
pub(crate) fn churn_ratio(run: &ChurnRun) -> f64 {
    (run.rss_refilled as f64 - run.rss_before as f64) / run.live_bytes as f64
}

/// Our churn ratio at a value length.
pub(crate) fn skep_churn(results: &Results, value_bytes: usize) -> Option<f64> {
    let runs = results.churn.iter();
    let runs = runs.filter(|run| run.server == SKEP && run.value_bytes == value_bytes);
    Spread::of(runs.map(churn_ratio)).map(|spread| spread.median)
}

/// How our misses on a trace compare.
#[derive(Clone, Debug)]
pub(crate) struct TraceVerdict<'a> {
    /// The trace.
    pub(crate) trace: &'a str,
    /// The peer with the fewest misses.
    pub(crate) best_peer: &'a HitRatioRun,
    /// Our misses over theirs.
    pub(crate) miss_ratio: f64,
    /// The share of the way from the best peer to Belady's rule that we go.
    pub(crate) gap_closed: Option<f64>,
}

/// Compares us with the best peer on every trace that has both.
pub(crate) fn trace_verdicts(results: &Results) -> Vec<TraceVerdict<'_>> {
    let traces = distinct(results.hit_ratio.iter().map(|run| run.trace.as_str()));
    traces.into_iter().filter_map(|trace| trace_verdict(results, trace)).collect()
}

fn trace_verdict<'a>(results: &'a Results, trace: &'a str) -> Option<TraceVerdict<'a>> {
    let runs = || results.hit_ratio.iter().filter(|run| run.trace == trace);
    let fewest =
        |ours: bool| runs().filter(|run| (run.server == SKEP) == ours).min_by_key(|run| run.misses);
    let (skep, best_peer) = (fewest(true)?, fewest(false)?);
    let belady = results.belady.iter().rfind(|run| run.trace == trace);
    let gap_closed = belady.and_then(|belady| {
        let gap = best_peer.misses as f64 - belady.misses as f64;
        (gap > 0.0).then(|| (best_peer.misses as f64 - skep.misses as f64) / gap)
    });
    let miss_ratio = skep.misses as f64 / best_peer.misses as f64;
    Some(TraceVerdict { trace, best_peer, miss_ratio, gap_closed })
}

/// The geometric mean of our misses over the best peer's.
pub(crate) fn mean_miss_ratio(results: &Results) -> Option<f64> {
    let ratios: Vec<f64> =
        trace_verdicts(results).iter().map(|verdict| verdict.miss_ratio).collect();
    geometric_mean(&ratios)
}

/// Our worst trace: the largest ratio.
pub(crate) fn worst_miss_ratio(results: &Results) -> Option<f64> {
    let verdicts = trace_verdicts(results);
    Spread::of(verdicts.iter().map(|verdict| verdict.miss_ratio)).map(|spread| spread.max)
}

/// The mean share of the gap to Belady's rule that we close.
pub(crate) fn mean_gap_closed(results: &Results) -> Option<f64> {
    let verdicts = trace_verdicts(results);
    let shares: Vec<f64> = verdicts.iter().filter_map(|verdict| verdict.gap_closed).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{BeladyRun, Latency};

    fn speed(server: &str, rep: usize, cpu_us_per_op: f64) -> SpeedRun {
        SpeedRun {
            server: server.to_owned(),
            cell: "get-64-p16".to_owned(),
            rep,
            cpu_us_per_op,
            ops_per_second: 1.0,
            operations: 1,
            latency: Latency { p50_us: 1.0, p99_us: 1.0, p999_us: 1.0 },
            server_wait_share: 0.0,
            generator_wait_share: 0.0,
        }
    }

    #[test]
    fn ratios_are_of_medians_and_turn_by_turn() {
        let mut runs = Vec::new();
        for (rep, (ours, theirs)) in [(1.0, 2.0), (2.0, 2.0), (0.9, 3.0)].into_iter().enumerate() {
            runs.extend([speed(SKEP, rep, ours), speed(REFERENCE, rep, theirs)]);
        }
        let ratio = speed_ratio(&runs, SKEP, "get-64-p16").unwrap();
        assert!((ratio.of_medians - 0.5).abs() < 1e-9);
        assert!((ratio.pairwise.min - 0.3).abs() < 1e-9 && ratio.pairwise.max == 1.0);
        assert!(speed_ratio(&runs, SKEP, "get-64-p1").is_none());
        assert!(speed_ratio(&runs[..1], SKEP, "get-64-p16").is_none());
    }

    #[test]
    fn overhead_is_growth_without_key_and_value() {
        let run = MemoryRun {
            server: SKEP.to_owned(),
            items: 1000,
            value_bytes: 64,
            has_expiry: false,
            rss_before: 5000,
            rss_after: 105_000,
            used_before: Some(0),
            used_after: None,
            rss_peak: 0,
            settle_ms: 0,
            is_settled: true,
        };
        assert!((overhead_bytes(&run) - 20.0).abs() < 1e-9);
        assert_eq!(used_overhead_bytes(&run), None);
    }

    fn hits(server: &str, policy: &str, misses: u64) -> HitRatioRun {
        HitRatioRun {
            trace: "oltp".to_owned(),
            server: server.to_owned(),
            policy: policy.to_owned(),
            maxmemory: 1,
            target_rss: 1,
            rss: 1,
            rss_peak: 1,
            requests: 1000,
            misses,
            bytes_requested: 1,
            bytes_missed: 1,
            stores_refused: 0,
            trials: 1,
            is_calibrated: true,
            seconds: 1.0,
        }
    }

    #[test]
    fn a_trace_is_judged_against_its_best_peer_and_the_oracle() {
        let hit_ratio =
            vec![hits("redis70", "lru", 300), hits("redis70", "lfu", 200), hits(SKEP, "x", 150)];
        let belady = vec![BeladyRun {
            trace: "oltp".to_owned(),
            capacity_bytes: 1,
            item_overhead_bytes: 40,
            requests: 1000,
            misses: 100,
        }];
        let results = Results { hit_ratio, belady, ..Results::default() };
        let verdicts = trace_verdicts(&results);
        assert_eq!(verdicts[0].best_peer.policy, "lfu");
        assert_eq!(verdicts[0].miss_ratio, 0.75);
        assert_eq!(mean_gap_closed(&results), Some(0.5));
        assert!((mean_miss_ratio(&results).unwrap() - 0.75).abs() < 1e-9);
        assert!(mean_miss_ratio(&Results::default()).is_none());
    }
}
