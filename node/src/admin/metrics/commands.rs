//! Commands one by one: how often, how long, how wrong.

use skep_command::server::SlowEntry;
use skep_command::statistics::CommandStatistics;

use super::{Kind, Metric, Samples, gauge, labelled};
use crate::info::Facts;

pub(super) const METRICS: &[Metric] = &[
    labelled("redis_commands_total", Kind::Counter, "Times a command ran.", |facts, out| {
        each_command(facts, out, |one| one.calls as f64);
    }),
    labelled(
        "redis_commands_duration_seconds_total",
        Kind::Counter,
        "Time a command ran.",
        |facts, out| each_command(facts, out, seconds),
    ),
    labelled(
        "redis_commands_rejected_calls_total",
        Kind::Counter,
        "Times a command was refused before it ran.",
        |facts, out| each_command(facts, out, |one| one.rejected as f64),
    ),
    labelled(
        "redis_commands_failed_calls_total",
        Kind::Counter,
        "Times a command ran and failed.",
        |facts, out| each_command(facts, out, |one| one.failed as f64),
    ),
    labelled(
        "redis_latency_percentiles_usec",
        Kind::Summary,
        "Durations of a command in microseconds.",
        percentiles,
    ),
    labelled(
        "skep_command_duration_seconds",
        Kind::Histogram,
        "Durations of a command.",
        histograms,
    ),
    labelled("redis_errors_total", Kind::Counter, "Error replies by code.", |facts, out| {
        let mut errors: Vec<_> = facts.figures.statistics.errors().collect();
        errors.sort_unstable();
        errors.iter().for_each(|(code, count)| out.add(&[("err", code)], *count as f64));
    }),
    gauge("redis_slowlog_length", "", "Commands in the slow log.", |facts| {
        facts.node.slow_log.len() as f64
    }),
    labelled(
        "redis_slowlog_last_id",
        Kind::Gauge,
        "The number of the last slow command.",
        |facts, out| last_slow(facts).iter().for_each(|last| out.add(&[], last.id as f64)),
    ),
    labelled(
        "redis_last_slow_execution_duration_seconds",
        Kind::Gauge,
        "How long the last slow command took.",
        |facts, out| {
            let last = last_slow(facts);
            last.iter().for_each(|last| out.add(&[], last.duration_us as f64 / 1e6));
        },
    ),
];

fn last_slow(facts: &Facts<'_>) -> Option<SlowEntry> {
    facts.node.slow_log.newest(1).pop()
}

fn seconds(one: &CommandStatistics) -> f64 {
    one.nanoseconds as f64 / 1e9
}

fn each_command(facts: &Facts<'_>, out: &mut Samples<'_>, value: fn(&CommandStatistics) -> f64) {
    for (name, one) in facts.figures.statistics.commands() {
        out.add(&[("cmd", name)], value(one));
    }
}

/// Commands that have run, with how often that was measured.
fn measured<'f>(
    facts: &'f Facts<'_>,
) -> impl Iterator<Item = (&'static str, &'f CommandStatistics, u64)> {
    let all = facts.figures.statistics.commands();
    all.map(|(name, one)| (name, one, one.durations.iter().map(|&count| u64::from(count)).sum()))
        .filter(|(_, _, count)| *count > 0)
}

fn percentiles(facts: &Facts<'_>, out: &mut Samples<'_>) {
    for (name, one, count) in measured(facts) {
        for (quantile, share) in [("0.5", 0.5), ("0.99", 0.99), ("0.999", 0.999)] {
            out.add(&[("cmd", name), ("quantile", quantile)], one.duration_us(share));
        }
        out.add_to("_sum", &[("cmd", name)], one.nanoseconds as f64 / 1e3);
        out.add_to("_count", &[("cmd", name)], count as f64);
    }
}

fn histograms(facts: &Facts<'_>, out: &mut Samples<'_>) {
    for (name, one, count) in measured(facts) {
        let mut below = 0;
        // The last bucket has no upper bound.
        let bounded = one.durations.len() - 1;
        for (bucket, in_bucket) in one.durations[..bounded].iter().enumerate() {
            below += u64::from(*in_bucket);
            let bound = ((1u64 << bucket) as f64 / 1e6).to_string();
            out.add_to("_bucket", &[("cmd", name), ("le", &bound)], below as f64);
        }
        out.add_to("_bucket", &[("cmd", name), ("le", "+Inf")], count as f64);
        out.add_to("_sum", &[("cmd", name)], seconds(one));
        out.add_to("_count", &[("cmd", name)], count as f64);
    }
}
