//! The latency monitor: events that took longer than `latency-monitor-threshold`, and the
//! durations of commands by power of two.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use skep_command::CommandError;
use skep_command::statistics::{DURATION_BUCKETS, Statistics};
use skep_resp::{Args, Reply};

/// Samples kept of an event.
const MAX_SAMPLES: usize = 160;
/// Kinds of events kept.
const MAX_EVENTS: usize = 64;

/// Columns of the longest bar of LATENCY GRAPH, and of the rule above the bars.
const BAR_COLUMNS: u64 = 40;
const RULE_COLUMNS: usize = 80;

/// Spikes by event.
#[derive(Default)]
pub(crate) struct LatencyMonitor {
    events: Mutex<BTreeMap<String, Event>>,
}

#[derive(Default)]
struct Event {
    /// Unix seconds and milliseconds taken, oldest first.
    samples: VecDeque<(u64, u64)>,
    max_ms: u64,
}

impl LatencyMonitor {
    /// Notes a spike. Spikes of one second are one sample: the worst.
    pub(crate) fn note(&self, event: &str, unix_seconds: u64, took_ms: u64) {
        let mut events = self.events.lock();
        if events.len() >= MAX_EVENTS && !events.contains_key(event) {
            return;
        }
        let entry = events.entry(event.to_owned()).or_default();
        entry.max_ms = entry.max_ms.max(took_ms);
        match entry.samples.back_mut() {
            Some((second, worst)) if *second == unix_seconds => *worst = (*worst).max(took_ms),
            _ => entry.samples.push_back((unix_seconds, took_ms)),
        }
        if entry.samples.len() > MAX_SAMPLES {
            entry.samples.pop_front();
        }
    }

    /// `LATENCY LATEST`: event, time, latest and worst.
    pub(crate) fn latest(&self, reply: &mut Reply) {
        let events = self.events.lock();
        reply.array(events.len());
        for (name, event) in &*events {
            let (second, took_ms) = event.samples.back().copied().unwrap_or_default();
            reply.array(4);
            reply.bulk(name.as_bytes());
            reply.integer(second as i64);
            reply.integer(took_ms as i64);
            reply.integer(event.max_ms as i64);
        }
    }

    /// `LATENCY HISTORY event`.
    pub(crate) fn history(&self, name: &[u8], reply: &mut Reply) {
        let events = self.events.lock();
        let event = std::str::from_utf8(name).ok().and_then(|name| events.get(name));
        let samples = event.map(|event| &event.samples).into_iter().flatten();
        reply.array(event.map_or(0, |event| event.samples.len()));
        for &(second, took_ms) in samples {
            reply.array(2);
            reply.integer(second as i64);
            reply.integer(took_ms as i64);
        }
    }

    /// `LATENCY RESET [event ...]`: how many were forgotten.
    pub(crate) fn reset(&self, names: &[&[u8]]) -> usize {
        let mut events = self.events.lock();
        let before = events.len();
        if names.is_empty() {
            events.clear();
        } else {
            events.retain(|name, _| !names.contains(&name.as_bytes()));
        }
        before - events.len()
    }

    /// `LATENCY DOCTOR`.
    pub(crate) fn doctor(&self, threshold_ms: u64) -> String {
        if threshold_ms == 0 {
            return "The latency monitor is off. Turn it on with CONFIG SET \
                    latency-monitor-threshold <milliseconds>, then ask again.\n"
                .to_owned();
        }
        let events = self.events.lock();
        if events.is_empty() {
            return format!("No event took {threshold_ms} ms or more since the last reset.\n");
        }
        let line = |(name, event): (&String, &Event)| {
            let count = event.samples.len();
            format!(
                "{name}: {count} spikes, worst {} ms. See LATENCY HISTORY {name}.\n",
                event.max_ms
            )
        };
        events.iter().map(line).collect()
    }

    /// `LATENCY GRAPH event`: a head as in Redis, then one bar per sample.
    pub(crate) fn graph(&self, name: &[u8]) -> Result<String, CommandError> {
        let events = self.events.lock();
        let event = std::str::from_utf8(name).ok().and_then(|name| events.get(name));
        let Some(event) = event else {
            let name = String::from_utf8_lossy(name);
            return Err(CommandError::new(format!("ERR No samples available for event '{name}'")));
        };
        let took = event.samples.iter().map(|&(_, took_ms)| took_ms);
        let (high, low) = (took.clone().max().unwrap_or(0), took.min().unwrap_or(0));
        let name = String::from_utf8_lossy(name);
        let head = format!(
            "{name} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
            event.max_ms,
            "-".repeat(RULE_COLUMNS)
        );
        let bar = |&(second, took_ms): &(u64, u64)| {
            let width = (took_ms * BAR_COLUMNS / event.max_ms.max(1)) as usize;
            format!("{second} {:<40} {took_ms} ms\n", "#".repeat(width))
        };
        Ok(head + &event.samples.iter().map(bar).collect::<String>())
    }
}

/// `LATENCY HISTOGRAM [command ...]`: cumulative calls by power of two of microseconds.
pub(crate) fn histogram(statistics: &Statistics, names: Args<'_>, reply: &mut Reply) {
    let wanted = |name: &str| {
        names.is_empty()
            || names.iter().any(|one| {
                let container = name.split('|').next().unwrap_or(name);
                one.eq_ignore_ascii_case(name.as_bytes())
                    || one.eq_ignore_ascii_case(container.as_bytes())
            })
    };
    let commands: Vec<_> =
        statistics.commands().filter(|(name, one)| one.calls > 0 && wanted(name)).collect();
    reply.map(commands.len());
    for (name, one) in commands {
        reply.bulk(name.as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        reply.integer(one.calls as i64);
        reply.bulk(b"histogram_usec");
        let last = one.durations.iter().rposition(|&count| count > 0).unwrap_or(0);
        let mut sum = 0u64;
        let mut pairs = Vec::new();
        for (bucket, &count) in one.durations.iter().enumerate().take(last + 1) {
            sum += u64::from(count);
            if count > 0 {
                pairs.push((1i64 << bucket.min(DURATION_BUCKETS), sum));
            }
        }
        reply.map(pairs.len());
        for (limit_us, calls) in pairs {
            reply.integer(limit_us);
            reply.integer(calls as i64);
        }
    }
}

#[cfg(test)]
mod tests {
    use skep_resp::Protocol;

    use super::*;

    fn shown(write: impl FnOnce(&mut Reply)) -> String {
        let mut reply = Reply::new(Protocol::Resp3);
        write(&mut reply);
        String::from_utf8_lossy(&reply.into_bytes()).replace("\r\n", " ").trim_end().to_owned()
    }

    fn monitor() -> LatencyMonitor {
        let monitor = LatencyMonitor::default();
        for (unix_seconds, took_ms) in [(100, 8), (100, 20), (100, 9), (101, 10)] {
            monitor.note("command", unix_seconds, took_ms);
        }
        monitor
    }

    #[test]
    fn spikes_of_a_second_are_one_sample_the_worst() {
        let monitor = monitor();
        assert_eq!(shown(|reply| monitor.latest(reply)), "*1 *4 $7 command :101 :10 :20");
        assert_eq!(shown(|reply| monitor.history(b"command", reply)), "*2 *2 :100 :20 *2 :101 :10");
        assert_eq!(shown(|reply| monitor.history(b"other", reply)), "*0");
    }

    #[test]
    fn a_graph_has_a_bar_for_each_sample() {
        let graph = monitor().graph(b"command").unwrap();
        let lines: Vec<&str> = graph.lines().collect();
        assert_eq!(lines[0], "command - high 20 ms, low 10 ms (all time high 20 ms)");
        assert_eq!(lines[2], format!("100 {} 20 ms", "#".repeat(40)));
        assert_eq!(lines[3], format!("101 {:<40} 10 ms", "#".repeat(20)));
        let missing = monitor().graph(b"other").unwrap_err();
        assert_eq!(missing.as_str(), "ERR No samples available for event 'other'");
    }

    #[test]
    fn forgetting_counts_what_was_there() {
        let monitor = monitor();
        assert_eq!(monitor.reset(&[b"other"]), 0);
        assert_eq!(monitor.reset(&[b"other", b"command"]), 1);
        assert_eq!(monitor.reset(&[]), 0);
    }

    #[test]
    fn samples_and_events_are_bounded() {
        let monitor = LatencyMonitor::default();
        for second in 0..2 * MAX_SAMPLES as u64 {
            monitor.note("command", second, 1);
        }
        for event in 0..2 * MAX_EVENTS {
            monitor.note(&format!("event {event}"), 1, 1);
        }
        let events = monitor.events.lock();
        assert_eq!(events["command"].samples.len(), MAX_SAMPLES);
        assert_eq!(events.len(), MAX_EVENTS);
    }

    #[test]
    fn the_doctor_says_how_to_turn_the_monitor_on() {
        assert!(monitor().doctor(0).contains("CONFIG SET latency-monitor-threshold"));
        assert!(LatencyMonitor::default().doctor(5).contains("No event took 5 ms or more"));
        assert!(monitor().doctor(5).contains("command: 2 spikes, worst 20 ms"));
    }
}
