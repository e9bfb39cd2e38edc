//! The figures the node is to reach, beside what was measured. A figure that falls short is shown.

use crate::answers;
use crate::cluster::tables::{self, Pick};
use crate::digest;
use crate::peers::SKEP;
use crate::results::Results;
use crate::table::Table;

/// One row of the table of targets.
struct Target {
    figure: &'static str,
    bound: Bound,
    unit: Unit,
    source: Source,
    /// What others reach, in words.
    peers: &'static str,
}

/// What counts as reached; the second number is the stretch goal, where there is one.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64, Option<f64>),
    AtLeast(f64),
}

#[derive(Clone, Copy)]
enum Unit {
    Times,
    Bytes,
    Share,
    Microseconds,
    Milliseconds,
    Count,
}

/// Where the figure comes from.
#[derive(Clone, Copy)]
enum Source {
    /// A cell of the speed table against the reference.
    Speed(&'static str),
    /// The worst cell of two workers against one.
    Workers,
    /// Overhead of an item: value length, with expiry.
    Overhead(usize, bool),
    /// Resident growth over payload: value length.
    Churn(usize),
    MissesMean,
    MissesWorst,
    Belady,
    /// CPU of a question about a whole cluster.
    Answers,
    /// Time without writes when a primary goes in this way.
    Gap(&'static str, Pick),
    LossWindow,
    PlannedFailures,
    FalseFailovers,
    CopiedStripes,
    /// Primary's CPU with a replica over that of a node alone: cell.
    ReplicationCost(&'static str),
}

const fn speed(figure: &'static str, cell: &'static str, target: f64, stretch: f64) -> Target {
    let bound = Bound::AtMost(target, Some(stretch));
    Target { figure, bound, unit: Unit::Times, source: Source::Speed(cell), peers: "" }
}

const fn memory(
    figure: &'static str,
    value_bytes: usize,
    has_expiry: bool,
    target: f64,
    stretch: f64,
) -> Target {
    let bound = Bound::AtMost(target, Some(stretch));
    let source = Source::Overhead(value_bytes, has_expiry);
    Target { figure, bound, unit: Unit::Bytes, source, peers: "" }
}

const fn churn(figure: &'static str, value_bytes: usize, target: f64, stretch: f64) -> Target {
    let bound = Bound::AtMost(target, Some(stretch));
    Target { figure, bound, unit: Unit::Times, source: Source::Churn(value_bytes), peers: "" }
}

const fn cluster(
    figure: &'static str,
    unit: Unit,
    source: Source,
    limit: f64,
    peers: &'static str,
) -> Target {
    Target { figure, bound: Bound::AtMost(limit, None), unit, source, peers }
}

const TARGETS: &[Target] = &[
    speed("server CPU per GET, 64 B, pipeline 1, over Valkey 9.1", "get-64-p1", 0.95, 0.80),
    speed("server CPU per SET, 64 B, pipeline 1, over Valkey 9.1", "set-64-p1", 0.95, 0.80),
    speed("GET 64 B, pipeline 16", "get-64-p16", 0.70, 0.60),
    speed("GET 64 B, pipeline 64", "get-64-p64", 0.60, 0.45),
    speed("SET 64 B, pipeline 16", "set-64-p16", 0.70, 0.60),
    speed("SET 64 B, pipeline 64", "set-64-p64", 0.55, 0.40),
    speed("GET 1 KiB, pipeline 16", "get-1024-p16", 0.75, 0.60),
    speed("SET 1 KiB, pipeline 16", "set-1024-p16", 0.75, 0.60),
    Target {
        figure: "two workers against one, disjoint keys, same total work: CPU per operation \
                 (worst cell)",
        bound: Bound::AtMost(1.15, Some(1.05)),
        unit: Unit::Times,
        source: Source::Workers,
        peers: "",
    },
    memory("memory over payload per item, 16-B key + 64-B value, 5 M keys", 64, false, 20.0, 16.0),
    memory("the same with TTL", 64, true, 24.0, 20.0),
    memory("the same at 1 KiB, 1 M keys", 1024, false, 32.0, 24.0),
    memory("the same at 1 KiB with TTL", 1024, true, 32.0, 24.0),
    churn("RSS / live payload after churn, 64 B", 64, 1.40, 1.25),
    churn("RSS / live payload after churn, 1 KiB", 1024, 1.15, 1.08),
    Target {
        figure: "misses at equal RSS over the best peer's, geometric mean of the traces",
        bound: Bound::AtMost(0.90, None),
        unit: Unit::Times,
        source: Source::MissesMean,
        peers: "",
    },
    Target {
        figure: "the same on the worst trace",
        bound: Bound::AtMost(1.0, None),
        unit: Unit::Times,
        source: Source::MissesWorst,
        peers: "",
    },
    Target {
        figure: "gap from the best peer to Belady closed, mean (stretch)",
        bound: Bound::AtLeast(0.45),
        unit: Unit::Share,
        source: Source::Belady,
        peers: "",
    },
    Target {
        figure: "CPU of CLUSTER SLOTS and CLUSTER NODES, 200 nodes in 1,000 ranges (worst)",
        bound: Bound::AtMost(10.0, None),
        unit: Unit::Microseconds,
        source: Source::Answers,
        peers: "",
    },
    cluster(
        "cluster: write gap when a primary is killed, median",
        Unit::Milliseconds,
        Source::Gap("kill", Pick::Median),
        500.0,
        "Valkey 1.4 s tuned, 20 s default",
    ),
    cluster(
        "the same, longest",
        Unit::Milliseconds,
        Source::Gap("kill", Pick::Max),
        1000.0,
        "Valkey 1.4 s tuned, 20 s default",
    ),
    cluster(
        "write gap when a primary is stopped, longest",
        Unit::Milliseconds,
        Source::Gap("stop", Pick::Max),
        1500.0,
        "Sentinel 5-6 s",
    ),
    cluster(
        "write gap when a primary is cut off, longest",
        Unit::Milliseconds,
        Source::Gap("partition", Pick::Max),
        1500.0,
        "",
    ),
    cluster(
        "write gap at CLUSTER FAILOVER, longest",
        Unit::Milliseconds,
        Source::Gap("hand-over", Pick::Max),
        15.0,
        "up to 5 s window",
    ),
    cluster(
        "write gap at SIGTERM of a primary, longest",
        Unit::Milliseconds,
        Source::Gap("terminate", Pick::Max),
        15.0,
        "up to 5 s window",
    ),
    cluster("commands failed at these two", Unit::Count, Source::PlannedFailures, 0.0, ""),
    cluster(
        "how long a primary that is cut off still acknowledges",
        Unit::Milliseconds,
        Source::LossWindow,
        300.0,
        "15 s",
    ),
    cluster(
        "false failovers while other work saturates all cores",
        Unit::Count,
        Source::FalseFailovers,
        0.0,
        "",
    ),
    cluster(
        "stripes copied to a replica ten times too slow, under writes",
        Unit::Count,
        Source::CopiedStripes,
        0.0,
        "45 full resyncs",
    ),
    cluster(
        "primary's CPU per SET with an asynchronous replica over a node alone, pipeline 1",
        Unit::Times,
        Source::ReplicationCost("set-64-p1"),
        1.15,
        "",
    ),
];

/// The table of targets with our column.
pub(crate) fn table(results: &Results) -> Table {
    let mut table = Table::new(["figure", "target", "stretch", "Skep", "verdict", "peers"]);
    for target in TARGETS {
        let (limit, stretch) = match target.bound {
            Bound::AtMost(limit, stretch) => (format!("<= {}", show(limit, target.unit)), stretch),
            Bound::AtLeast(limit) => (format!(">= {}", show(limit, target.unit)), None),
        };
        let stretch = stretch.map(|stretch| show(stretch, target.unit)).unwrap_or_default();
        let figure = measured(results, target.source);
        let shown = figure.map_or("not measured".to_owned(), |value| show(value, target.unit));
        let verdict = figure.map_or("", |value| verdict(value, target.bound));
        table.row([target.figure, &limit, &stretch, &shown, verdict, target.peers]);
    }
    table
}

fn measured(results: &Results, source: Source) -> Option<f64> {
    match source {
        Source::Speed(cell) => {
            digest::speed_ratio(&results.speed, SKEP, cell).map(|ratio| ratio.of_medians)
        }
        Source::Workers => {
            let cells = digest::distinct(results.workers.iter().map(|run| run.run.cell.as_str()));
            let ratios = cells.iter().filter_map(|cell| digest::workers_ratio(results, 2, cell));
            ratios.reduce(f64::max)
        }
        Source::Overhead(value_bytes, expiry) => {
            digest::skep_overhead(results, value_bytes, expiry)
        }
        Source::Churn(value_bytes) => digest::skep_churn(results, value_bytes),
        Source::MissesMean => digest::mean_miss_ratio(results),
        Source::MissesWorst => digest::worst_miss_ratio(results),
        Source::Belady => digest::mean_gap_closed(results),
        Source::Answers => answers::worst_us(results),
        Source::Gap(cause, pick) => tables::gap_ms(results, cause, pick),
        Source::LossWindow => tables::loss_window_ms(results),
        Source::PlannedFailures => tables::planned_failures(results),
        Source::FalseFailovers => tables::false_failovers(results),
        Source::CopiedStripes => tables::copied_stripes(results),
        Source::ReplicationCost(cell) => tables::cost_ratio(results, cell),
    }
}

fn show(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Times => format!("{value:.2}x"),
        Unit::Bytes => format!("{value:.1} B"),
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::Microseconds => format!("{value:.2} us"),
        Unit::Milliseconds => format!("{value:.0} ms"),
        Unit::Count => format!("{value:.0}"),
    }
}

fn verdict(value: f64, bound: Bound) -> &'static str {
    let (is_reached, is_stretched) = match bound {
        Bound::AtMost(limit, stretch) => {
            (value <= limit, stretch.is_some_and(|stretch| value <= stretch))
        }
        Bound::AtLeast(limit) => (value >= limit, false),
    };
    match (is_reached, is_stretched) {
        (_, true) => "stretch reached",
        (true, false) => "reached",
        (false, false) => "SHORT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Style;

    #[test]
    fn nothing_measured_is_shown_as_such() {
        let text = table(&Results::default()).render(Style::Markdown);
        assert_eq!(text.matches("not measured").count(), TARGETS.len());
        assert!(!text.contains("reached") && !text.contains("SHORT"));
    }

    #[test]
    fn a_figure_that_falls_short_is_said_to() {
        let bound = Bound::AtMost(0.70, Some(0.60));
        assert_eq!(verdict(0.71, bound), "SHORT");
        assert_eq!(verdict(0.70, bound), "reached");
        assert_eq!(verdict(0.60, bound), "stretch reached");
        assert_eq!(verdict(0.44, Bound::AtLeast(0.45)), "SHORT");
    }
}
