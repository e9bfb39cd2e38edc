//! The figures of a cluster as tables, and as numbers to reach.

use super::cost::{ALONE, REPLICATED};
use crate::digest::distinct;
use crate::results::{BusyRun, FailoverRun, ReplicationCostRun, Results, SlowReplicaRun};
use crate::stats::Spread;
use crate::table::Table;

/// One number of the failovers of a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pick {
    Median,
    Max,
}

/// The time without writes, in milliseconds.
pub(crate) fn gap_ms(results: &Results, cause: &str, pick: Pick) -> Option<f64> {
    let runs = results.failovers.iter().filter(|run| run.cause == cause);
    let spread = Spread::of(runs.map(|run| run.gap_ms))?;
    Some(match pick {
        Pick::Median => spread.median,
        Pick::Max => spread.max,
    })
}

/// The longest that a primary which is cut off went on to acknowledge, in milliseconds.
pub(crate) fn loss_window_ms(results: &Results) -> Option<f64> {
    let windows = results.failovers.iter().filter_map(|run| run.loss_window_ms);
    windows.reduce(f64::max)
}

/// Commands that failed although everything went as planned.
pub(crate) fn planned_failures(results: &Results) -> Option<f64> {
    let is_planned = |run: &&FailoverRun| ["hand-over", "terminate"].contains(&run.cause.as_str());
    let counts = results.failovers.iter().filter(is_planned).map(|run| run.failed_commands as f64);
    counts.reduce(|sum, count| sum + count)
}

/// Failovers of nodes that were well.
pub(crate) fn false_failovers(results: &Results) -> Option<f64> {
    results.busy.iter().map(|run| run.failovers as f64).reduce(|sum, count| sum + count)
}

/// Stripes that were copied to a slow replica.
pub(crate) fn copied_stripes(results: &Results) -> Option<f64> {
    results
        .slow_replica
        .iter()
        .map(|run| run.copied_stripes as f64)
        .reduce(|sum, count| sum + count)
}

/// Processor time of a primary with a replica over that of a node alone, by medians.
pub(crate) fn cost_ratio(results: &Results, cell: &str) -> Option<f64> {
    let median = |server: &str| cost(&results.replication_cost, server, cell).map(|us| us.median);
    Some(median(REPLICATED)? / median(ALONE)?)
}

fn cost(runs: &[ReplicationCostRun], server: &str, cell: &str) -> Option<Spread> {
    let runs = runs.iter().filter(|run| run.run.server == server && run.run.cell == cell);
    Spread::of(runs.map(|run| run.run.cpu_us_per_op))
}

/// How primaries went, and what clients noticed.
pub(crate) fn failovers(runs: &[FailoverRun]) -> Table {
    let mut table = Table::new([
        "the primary is",
        "leads the agreement",
        "runs",
        "write gap, ms",
        "p90",
        "other shards' gap",
        "still acknowledged by the old one, ms",
        "failed commands",
    ]);
    for cause in distinct(runs.iter().map(|run| run.cause.as_str())) {
        for hits_leader in [false, true] {
            let of: Vec<&FailoverRun> = runs
                .iter()
                .filter(|run| run.cause == cause && run.hits_leader == hits_leader)
                .collect();
            let spread = |figure: &dyn Fn(&FailoverRun) -> Option<f64>| {
                let spread = Spread::of(of.iter().filter_map(|run| figure(run)));
                spread.map_or(String::new(), |Spread { min, median, max }| {
                    format!("{min:.0} / {median:.0} / {max:.0}")
                })
            };
            if of.is_empty() {
                continue;
            }
            table.row([
                cause.to_owned(),
                if hits_leader { "yes" } else { "no" }.to_owned(),
                of.len().to_string(),
                spread(&|run| Some(run.gap_ms)),
                p90(of.iter().map(|run| run.gap_ms)).map_or(String::new(), |ms| format!("{ms:.0}")),
                spread(&|run| Some(run.other_gap_ms)),
                spread(&|run| run.loss_window_ms),
                of.iter().map(|run| run.failed_commands).sum::<u64>().to_string(),
            ]);
        }
    }
    table
}

fn p90(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) * 9 / 10).copied()
}

/// Nodes on a busy machine.
pub(crate) fn busy(runs: &[BusyRun]) -> Table {
    let mut table = Table::new([
        "busy loops",
        "seconds",
        "failovers",
        "topology changes",
        "writes",
        "longest gap, ms",
        "failed commands",
    ]);
    for run in runs {
        table.row([
            run.loops.to_string(),
            format!("{:.0}", run.seconds),
            run.failovers.to_string(),
            run.topology_changes.to_string(),
            run.writes.to_string(),
            format!("{:.0}", run.gap_ms),
            run.failed_commands.to_string(),
        ]);
    }
    table
}

/// A slow replica.
pub(crate) fn slow_replica(runs: &[SlowReplicaRun]) -> Table {
    let mut table = Table::new([
        "seconds",
        "writes",
        "slowest batch of 64, ms",
        "most lag, MiB",
        "out of sync, of looks",
        "failovers",
        "resyncs without copies",
        "with copies",
        "stripes copied",
    ]);
    for run in runs {
        table.row([
            format!("{:.0}", run.seconds),
            run.writes.to_string(),
            format!("{:.0}", run.batch_ms_max),
            format!("{:.1}", run.lag_bytes_max as f64 / f64::from(1 << 20)),
            format!("{} of {}", run.looks_out_of_sync, run.looks),
            run.failovers.to_string(),
            run.partial_resyncs.to_string(),
            run.full_resyncs.to_string(),
            run.copied_stripes.to_string(),
        ]);
    }
    table
}

/// What a replica costs.
pub(crate) fn replication_cost(runs: &[ReplicationCostRun]) -> Table {
    let servers = distinct(runs.iter().map(|run| run.run.server.as_str()));
    let head = std::iter::once("cell").chain(servers.iter().copied());
    let mut table = Table::new(head.chain(["the replica itself", "one replica/alone"]));
    for cell in distinct(runs.iter().map(|run| run.run.cell.as_str())) {
        let mut row = vec![cell.to_owned()];
        for server in &servers {
            let spread = cost(runs, server, cell);
            row.push(spread.map_or(String::new(), |spread| {
                format!("{:.2} / {:.2}", spread.min, spread.median)
            }));
        }
        let replica = runs.iter().filter(|run| run.run.cell == cell);
        let replica = Spread::of(replica.filter_map(|run| run.replica_us_per_op));
        row.push(
            replica.map_or(String::new(), |spread| {
                format!("{:.2} / {:.2}", spread.min, spread.median)
            }),
        );
        let median = |server: &str| cost(runs, server, cell).map(|spread| spread.median);
        let ratio = median(REPLICATED).zip(median(ALONE)).map(|(with, without)| with / without);
        row.push(ratio.map_or(String::new(), |ratio| format!("{ratio:.2}x")));
        table.row(row);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Style;

    fn run(cause: &str, hits_leader: bool, gap_ms: f64) -> FailoverRun {
        FailoverRun { cause: cause.to_owned(), hits_leader, gap_ms, ..FailoverRun::default() }
    }

    #[test]
    fn gaps_are_told_apart_by_cause_and_by_who_leads() {
        let failovers =
            vec![run("kill", false, 400.0), run("kill", true, 500.0), run("stop", true, 900.0)];
        let table = failovers_table(&failovers);
        assert_eq!(table.matches("| kill |").count(), 2);
        assert!(table.contains("| stop | yes | 1 | 900 / 900 / 900 | 900 |"), "{table}");
        let results = Results { failovers, ..Results::default() };
        assert_eq!(gap_ms(&results, "kill", Pick::Max), Some(500.0));
        assert_eq!(gap_ms(&results, "kill", Pick::Median), Some(450.0));
        assert_eq!(gap_ms(&results, "partition", Pick::Max), None);
        assert_eq!(planned_failures(&results), None);
    }

    fn failovers_table(runs: &[FailoverRun]) -> String {
        failovers(runs).render(Style::Markdown)
    }

    #[test]
    fn the_ninetieth_percentile_is_one_of_the_figures() {
        assert_eq!(p90([5.0, 1.0, 3.0].into_iter()), Some(3.0));
        assert_eq!(p90((1..=50).map(f64::from)), Some(45.0));
        assert_eq!(p90(std::iter::empty()), None);
    }
}
