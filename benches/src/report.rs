//! Turns results into tables: what a suite prints when it ends, and the whole of `RESULTS.md`.

use crate::digest::{self, WAIT_SHARE_MAX, distinct};
use crate::peers::{REFERENCE, SKEP};
use crate::results::{HitRatioRun, LatencyRun, MemoryRun, Results, SpeedRun};
use crate::stats::Spread;
use crate::table::{Style, Table};
use crate::{answers, cluster, prediction, targets};

const MIB: f64 = (1 << 20) as f64;

/// Everything there is, with a heading for each part.
pub(crate) fn sections(results: &Results, style: Style) -> String {
    let mut text = String::new();
    let mut section = |title: &str, note: &str, table: Table| {
        let mark = if style == Style::Markdown { "## " } else { "" };
        text.push_str(&format!("\n{mark}{title}\n\n{}\n", table.render(style)));
        if !note.is_empty() {
            text.push_str(&format!("{note}\n"));
        }
    };
    if !results.speed.is_empty() {
        section("Server CPU, us per operation", &disturbed(&results.speed), cpu(results));
        section("Throughput and closed-loop latency", THROUGHPUT_NOTE, throughput(results));
    }
    if !results.workers.is_empty() {
        section("Two workers against one", WORKERS_NOTE, workers(results));
    }
    if !results.latency.is_empty() {
        section("Latency under light load, us", LATENCY_NOTE, latency(&results.latency));
    }
    if !results.memory.is_empty() {
        section("Memory over payload, bytes per item", MEMORY_NOTE, memory(&results.memory));
    }
    if !results.churn.is_empty() {
        section("Memory after churn", CHURN_NOTE, churn(results));
    }
    if !results.hit_ratio.is_empty() {
        section("Hit ratio at equal resident memory", HITS_NOTE, hits(results));
        section("Misses against the best peer", BELADY_NOTE, verdicts(results));
    }
    if !results.prediction.is_empty() {
        section("Predicted hit ratio", PREDICTION_NOTE, prediction::table(&results.prediction));
    }
    if !results.answers.is_empty() {
        section("Questions about a whole cluster", ANSWERS_NOTE, answers::table(&results.answers));
    }
    if !results.failovers.is_empty() {
        let table = cluster::tables::failovers(&results.failovers);
        section("Primaries that go, as clients see it", FAILOVERS_NOTE, table);
    }
    if !results.busy.is_empty() {
        section("Nodes on a busy machine", BUSY_NOTE, cluster::tables::busy(&results.busy));
    }
    if !results.slow_replica.is_empty() {
        let table = cluster::tables::slow_replica(&results.slow_replica);
        section("A replica ten times too slow", SLOW_NOTE, table);
    }
    if !results.replication_cost.is_empty() {
        let table = cluster::tables::replication_cost(&results.replication_cost);
        section("Primary's CPU with a replica, us per SET", COST_NOTE, table);
    }
    text
}

const FAILOVERS_NOTE: &str = "Six nodes on two cores, three primaries with a replica each, default \
    timings. min / median / max of the longest time without an acknowledged write, one client per \
    shard, writing every half a millisecond. A client gives up a node that says nothing for 50 ms \
    (1 s where the change is planned) and then asks the others. Partition: the node's port of the \
    bridge drops everything; a client on its own host writes on.";
const BUSY_NOTE: &str = "Loops at normal priority beside six nodes and three clients on two cores.";
const SLOW_NOTE: &str = "The replica's process stands still nine milliseconds in ten while one \
    client writes 256 B values, 64 at once, as fast as the primary lets it.";
const COST_NOTE: &str = "min / median over the turns; one worker, 50 connections; ratio of the \
    medians. The replica runs on the generator's core.";
const THROUGHPUT_NOTE: &str = "Best run of each; p50 / p99 / p99.9 of a batch in us, median of \
    the runs. The noise of the machine is in them: use them for order only.";
const WORKERS_NOTE: &str = "One worker has its core to itself; the second shares its core with \
    the generator, so the ratio is an upper bound.";
const LATENCY_NOTE: &str = "Open loop at a fixed rate, timed from the moment a request was due; \
    median of the runs.";
const MEMORY_NOTE: &str = "RSS growth / items - key - value; in brackets the same by the server's \
    own `used_memory` (memcached: `bytes`). `*`: RSS still moved when it was read.";
const CHURN_NOTE: &str = "A random half deleted, as many new keys with values 1.3x as large. The \
    ratio is RSS growth over live keys and values.";
const HITS_NOTE: &str = "GET, on a miss SET, in batches of 64. `!`: RSS is not within 1.5 % of \
    the target. Where a trace has no sizes they do not depend on popularity, which flatters \
    policies that look at sizes (all but adaptsize). Traces: oltp from the ARC paper, scarab, w106 \
    (CloudPhysics) and adaptsize from the Caffeine simulator's resources.";
const PREDICTION_NOTE: &str = "A node's hit ratio in a replay, and what `planner mrc --simulate` \
    says of it; a point is a hundredth of the requests.";
const ANSWERS_NOTE: &str = "Half of the nodes are replicas; min / median over the turns. Call: \
    CPU from the bytes of a request to the pieces of its reply, the answer being there. First call: \
    it is written, once for each version of the topology, protocol and question. New version: what \
    each costs before anybody asks.";
const BELADY_NOTE: &str = "Belady: an oracle with the same memory, all of it for items, 40 bytes \
    of key and overhead for each.";

/// The whole of `RESULTS.md`.
pub(crate) fn page(results: &Results) -> String {
    let mut text = String::from(PAGE_HEAD);
    text.push_str(&targets::table(results).render(Style::Markdown));
    text.push_str(PAGE_TARGETS_NOTE);
    for invocation in &results.invocations {
        text.push_str(&format!(
            "* `{}`: {}, commit {}, {}, Linux {}\n",
            invocation.command,
            invocation.date,
            invocation.commit,
            invocation.processor,
            invocation.kernel
        ));
    }
    let mut versions = Table::new(["server", "version"]);
    let all = results.invocations.iter().flat_map(|invocation| &invocation.versions);
    let all: std::collections::BTreeMap<_, _> = all.collect();
    all.iter().for_each(|(name, version)| versions.row([name.as_str(), version.as_str()]));
    if !all.is_empty() {
        text.push_str(&format!("\n{}", versions.render(Style::Markdown)));
    }
    text.push_str(&sections(results, Style::Markdown));
    text
}

const PAGE_HEAD: &str = "# Recorded results\n\n\
    Made by `skep-bench report --json FILE...` from the raw runs; nothing here is written by \
    hand. How it is measured, and what to beware of: `README.md`.\n\n\
    ## Figures to reach\n\n";
const PAGE_TARGETS_NOTE: &str = "\nSpeed: ratio of the medians of server CPU per operation, \
    paired in one run with Valkey 9.1. Memory: resident, not as accounted.\n\n## Runs\n\n";

fn disturbed(runs: &[SpeedRun]) -> String {
    let count = runs.iter().filter(|run| run.server_wait_share > WAIT_SHARE_MAX).count();
    format!(
        "min / median over the runs. `~`: in some of them the server waited for its core more \
         than {:.0} % of its ready time ({count} of {} runs). Ratio: of the medians, and turn by \
         turn: median (lowest to highest).",
        WAIT_SHARE_MAX * 100.0,
        runs.len()
    )
}

fn names_of(runs: &[SpeedRun]) -> (Vec<&str>, Vec<&str>) {
    let cells = distinct(runs.iter().map(|run| run.cell.as_str()));
    (cells, distinct(runs.iter().map(|run| run.server.as_str())))
}

fn cpu(results: &Results) -> Table {
    let runs = &results.speed;
    let (cells, servers) = names_of(runs);
    let ratio_head = format!("{SKEP}/{REFERENCE}");
    let head = std::iter::once("cell").chain(servers.iter().copied());
    let mut table = Table::new(head.chain([ratio_head.as_str(), "turn by turn"]));
    for cell in cells {
        let mut row = vec![cell.to_owned()];
        for server in &servers {
            let mut of_cell = digest::speed_runs(runs, server, cell);
            let mark =
                if of_cell.any(|run| run.server_wait_share > WAIT_SHARE_MAX) { " ~" } else { "" };
            let spread = digest::cpu_us(runs, server, cell);
            row.push(spread.map_or(String::new(), |spread| {
                format!("{:.2} / {:.2}{mark}", spread.min, spread.median)
            }));
        }
        let ratio = digest::speed_ratio(runs, SKEP, cell);
        row.push(ratio.map_or(String::new(), |ratio| format!("{:.2}x", ratio.of_medians)));
        row.push(ratio.map_or(String::new(), |Ratio { pairwise, .. }| {
            format!("{:.2} ({:.2} to {:.2})", pairwise.median, pairwise.min, pairwise.max)
        }));
        table.row(row);
    }
    table
}

use crate::digest::Ratio;

fn throughput(results: &Results) -> Table {
    let runs = &results.speed;
    let (cells, servers) = names_of(runs);
    let mut table = Table::new(std::iter::once("cell").chain(servers.iter().copied()));
    for cell in cells {
        let mut row = vec![cell.to_owned()];
        for server in &servers {
            let runs = || digest::speed_runs(runs, server, cell);
            let rate = Spread::of(runs().map(|run| run.ops_per_second));
            let latency = median_latency(runs().map(|run| run.latency));
            row.push(
                rate.map_or(String::new(), |rate| format!("{:.0}k; {latency}", rate.max / 1000.0)),
            );
        }
        table.row(row);
    }
    table
}

fn median_latency(runs: impl Iterator<Item = crate::results::Latency> + Clone) -> String {
    let median = |figure: fn(crate::results::Latency) -> f64| {
        let spread = Spread::of(runs.clone().map(figure));
        spread.map_or(String::new(), |spread| format!("{:.0}", spread.median))
    };
    let (p50, p99, p999) =
        (median(|run| run.p50_us), median(|run| run.p99_us), median(|run| run.p999_us));
    format!("{p50} / {p99} / {p999}")
}

fn workers(results: &Results) -> Table {
    let mut table = Table::new(["cell", "1 worker, us", "2 workers, us", "ratio of medians"]);
    for cell in distinct(results.workers.iter().map(|run| run.run.cell.as_str())) {
        let show = |workers: usize| {
            let runs = results.workers.iter();
            let runs = runs.filter(|run| run.workers == workers && run.run.cell == cell);
            let spread = Spread::of(runs.map(|run| run.run.cpu_us_per_op));
            spread
                .map_or(String::new(), |spread| format!("{:.2} / {:.2}", spread.min, spread.median))
        };
        let ratio = digest::workers_ratio(results, 2, cell);
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}x"));
        table.row([cell.to_owned(), show(1), show(2), ratio]);
    }
    table
}

fn latency(runs: &[LatencyRun]) -> Table {
    let mut table = Table::new(["server", "kops/s", "p50 / p99 / p99.9"]);
    for server in distinct(runs.iter().map(|run| run.server.as_str())) {
        let of_server = || runs.iter().filter(move |run| run.server == server);
        let rate = of_server().next().map_or(0, |run| run.ops_per_second_offered / 1000);
        let latency = median_latency(of_server().map(|run| run.latency));
        table.row([server, &rate.to_string(), &latency]);
    }
    table
}

fn memory(runs: &[MemoryRun]) -> Table {
    let mut fillings: Vec<(u64, usize, bool)> = Vec::new();
    for run in runs {
        let filling = (run.items, run.value_bytes, run.has_expiry);
        if !fillings.contains(&filling) {
            fillings.push(filling);
        }
    }
    let heads = fillings.iter().map(|(items, value_bytes, has_expiry)| {
        let expiry = if *has_expiry { "TTL" } else { "no TTL" };
        format!("{:.1} M x {value_bytes} B, {expiry}", *items as f64 / 1e6)
    });
    let mut table = Table::new(std::iter::once("server".to_owned()).chain(heads));
    for server in distinct(runs.iter().map(|run| run.server.as_str())) {
        let mut row = vec![server.to_owned()];
        for filling in &fillings {
            let run = runs.iter().rfind(|run| {
                run.server == server && (run.items, run.value_bytes, run.has_expiry) == *filling
            });
            row.push(run.map_or(String::new(), overhead));
        }
        table.row(row);
    }
    table
}

fn overhead(run: &MemoryRun) -> String {
    let used = digest::used_overhead_bytes(run);
    let used = used.map_or(String::new(), |bytes| format!(" ({bytes:.1})"));
    let mark = if run.is_settled { "" } else { " *" };
    format!("{:.1}{used}{mark}", digest::overhead_bytes(run))
}

fn churn(results: &Results) -> Table {
    let mut table = Table::new([
        "server",
        "values",
        "RSS filled, MiB",
        "after the deletes",
        "after the refill",
        "live payload, MiB",
        "ratio",
        "settled after, ms",
    ]);
    for run in &results.churn {
        let mib = |bytes: u64| format!("{:.1}", bytes.saturating_sub(run.rss_before) as f64 / MIB);
        table.row([
            run.server.clone(),
            format!("{} -> {} B", run.value_bytes, run.refill_value_bytes),
            mib(run.rss_filled),
            mib(run.rss_deleted),
            mib(run.rss_refilled),
            format!("{:.1}", run.live_bytes as f64 / MIB),
            format!("{:.2}", digest::churn_ratio(run)),
            format!("{}{}", run.settle_ms, if run.is_settled { "" } else { " *" }),
        ]);
    }
    table
}

fn hits(results: &Results) -> Table {
    let mut table = Table::new([
        "trace",
        "server",
        "policy",
        "misses",
        "hit ratio",
        "byte hit ratio",
        "RSS, MiB",
        "peak, MiB",
        "maxmemory, MiB",
        "trials",
    ]);
    for run in &results.hit_ratio {
        table.row(hit_row(run));
    }
    table
}

fn hit_row(run: &HitRatioRun) -> [String; 10] {
    let share = |missed: u64, all: u64| format!("{:.4}", 1.0 - missed as f64 / all.max(1) as f64);
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / MIB);
    let mark = if run.is_calibrated { "" } else { " !" };
    [
        run.trace.clone(),
        run.server.clone(),
        run.policy.clone(),
        run.misses.to_string(),
        share(run.misses, run.requests),
        share(run.bytes_missed, run.bytes_requested),
        format!("{} (of {}){mark}", mib(run.rss), mib(run.target_rss)),
        mib(run.rss_peak),
        mib(run.maxmemory),
        run.trials.to_string(),
    ]
}

fn verdicts(results: &Results) -> Table {
    let head = ["trace", "best peer", "its misses", "Belady's", "Skep / best peer", "gap closed"];
    let mut table = Table::new(head);
    for belady in &results.belady {
        let verdicts = digest::trace_verdicts(results);
        let verdict = verdicts.iter().find(|verdict| verdict.trace == belady.trace);
        let peer = |show: fn(&HitRatioRun) -> String| {
            verdict.map_or(String::new(), |verdict| show(verdict.best_peer))
        };
        let gap = verdict.and_then(|verdict| verdict.gap_closed);
        table.row([
            belady.trace.clone(),
            peer(|run| format!("{} {}", run.server, run.policy)),
            peer(|run| run.misses.to_string()),
            belady.misses.to_string(),
            verdict.map_or(String::new(), |verdict| format!("{:.3}", verdict.miss_ratio)),
            gap.map_or(String::new(), |gap| format!("{:.0} %", gap * 100.0)),
        ]);
    }
    if let Some(mean) = digest::mean_miss_ratio(results) {
        let mean = format!("{mean:.3}");
        table.row(["geometric mean", "", "", "", &mean, ""]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_runs_invents_nothing() {
        let text = page(&Results::default());
        assert!(text.contains("not measured"));
        assert!(!text.contains("## Server CPU"));
    }
}
