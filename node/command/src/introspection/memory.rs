//! MEMORY: where the memory is, what to do about it, and giving it back.

use skep_resp::{Args, Reply, parse_i64};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::server::MemoryFacts;

const HELP: &[&str] = &[
    "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    Report what is wrong with the use of memory, and what to do.",
    "MALLOC-STATS",
    "    Show the allocator's own figures.",
    "PURGE",
    "    Give unused memory back to the system.",
    "STATS",
    "    Show where the memory is.",
    "USAGE <key> [SAMPLES <count>]",
    "    Tell how many bytes a key takes, its value and share of the index included.",
];

/// Below this nothing is worth a finding.
const SMALL_BYTES: u64 = 5 << 20;

/// `MEMORY USAGE key [SAMPLES count]`. Strings are measured whole, so SAMPLES changes nothing.
pub(crate) fn usage(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let options = args.from(3);
    let mut at = 0;
    while let Some(word) = options.get(at) {
        let count = options.get(at + 1).filter(|_| word.eq_ignore_ascii_case(b"SAMPLES"));
        let count = parse_i64(count.ok_or(CommandError::SYNTAX)?);
        if count.ok_or(CommandError::NOT_INTEGER)? < 0 {
            return Err(CommandError::SYNTAX);
        }
        at += 2;
    }
    let database = cx.database();
    let key = cx.key(&args[2]);
    match cx.view.peek(database, &key).map(|item| item.memory_bytes()) {
        Some(bytes) => cx.reply.integer(bytes as i64),
        None => cx.reply.null(),
    }
    Ok(())
}

/// `MEMORY STATS`.
pub(crate) fn stats(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let facts = cx.server.memory();
    let databases = cx.view.store().key_counts();
    let index_bytes = cx.view.store().footprint().index_bytes;
    let before = figures_before(&facts);
    let behind = figures_behind(&facts);
    cx.reply.map(before.len() + databases.len() + behind.len());
    before.iter().for_each(|(name, figure)| figure.write(cx.reply, name));
    for (database, count) in &databases {
        // One index serves all databases: each is shown its share by keys.
        let share = count.keys * index_bytes / facts.keys.max(1);
        cx.reply.bulk(format!("db.{database}").as_bytes());
        cx.reply.map(3);
        Figure::Whole(share).write(cx.reply, "overhead.hashtable.main");
        Figure::Whole(0).write(cx.reply, "overhead.hashtable.expires");
        Figure::Whole(0).write(cx.reply, "overhead.hashtable.slot-to-keys");
    }
    behind.iter().for_each(|(name, figure)| figure.write(cx.reply, name));
    Ok(())
}

/// A figure of MEMORY STATS.
enum Figure {
    Whole(u64),
    Difference(i64),
    Ratio(f64),
}

impl Figure {
    fn write(&self, reply: &mut Reply, name: &str) {
        reply.bulk(name.as_bytes());
        match *self {
            Figure::Whole(number) => reply.integer(number as i64),
            Figure::Difference(number) => reply.integer(number),
            Figure::Ratio(number) => reply.double(number),
        }
    }
}

/// A part of a whole; nothing of nothing is nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn difference(one: u64, other: u64) -> Figure {
    Figure::Difference(one as i64 - other as i64)
}

fn figures_before(facts: &MemoryFacts) -> [(&'static str, Figure); 10] {
    [
        ("peak.allocated", Figure::Whole(facts.peak_bytes)),
        ("total.allocated", Figure::Whole(facts.used_bytes)),
        ("startup.allocated", Figure::Whole(facts.startup_bytes)),
        ("replication.backlog", Figure::Whole(0)),
        ("clients.slaves", Figure::Whole(0)),
        ("clients.normal", Figure::Whole(facts.client_bytes)),
        ("cluster.links", Figure::Whole(0)),
        ("aof.buffer", Figure::Whole(0)),
        ("lua.caches", Figure::Whole(0)),
        ("functions.caches", Figure::Whole(0)),
    ]
}

fn figures_behind(facts: &MemoryFacts) -> [(&'static str, Figure); 17] {
    let used = facts.used_bytes;
    let since_start = used.saturating_sub(facts.startup_bytes);
    let percent = |part, whole| Figure::Ratio(ratio(part, whole) * 100.0);
    let (allocated, active) = (facts.allocated_bytes, facts.active_bytes);
    let (resident, process) = (facts.allocator_resident_bytes, facts.resident_bytes);
    [
        ("overhead.total", Figure::Whole(used.saturating_sub(facts.dataset_bytes))),
        ("keys.count", Figure::Whole(facts.keys)),
        ("keys.bytes-per-key", Figure::Whole(since_start.checked_div(facts.keys).unwrap_or(0))),
        ("dataset.bytes", Figure::Whole(facts.dataset_bytes)),
        ("dataset.percentage", percent(facts.dataset_bytes.min(since_start), since_start)),
        ("peak.percentage", percent(used, facts.peak_bytes)),
        ("allocator.allocated", Figure::Whole(allocated)),
        ("allocator.active", Figure::Whole(active)),
        ("allocator.resident", Figure::Whole(resident)),
        ("allocator-fragmentation.ratio", Figure::Ratio(ratio(active, allocated))),
        ("allocator-fragmentation.bytes", difference(active, allocated)),
        ("allocator-rss.ratio", Figure::Ratio(ratio(resident, active))),
        ("allocator-rss.bytes", difference(resident, active)),
        ("rss-overhead.ratio", Figure::Ratio(ratio(process, resident))),
        ("rss-overhead.bytes", difference(process, resident)),
        ("fragmentation", Figure::Ratio(ratio(process, used))),
        ("fragmentation.bytes", difference(process, used)),
    ]
}

/// `MEMORY DOCTOR`: findings as what, evidence, what to do.
pub(crate) fn doctor(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let report = findings(&cx.server.memory());
    cx.reply.verbatim("txt", report.as_bytes());
    Ok(())
}

fn findings(facts: &MemoryFacts) -> String {
    let mut report = String::new();
    let mut find = |found: bool, text: String| {
        if found {
            report.push_str(&text);
            report.push('\n');
        }
    };
    let mib = |bytes: u64| bytes >> 20;
    let (used, limit) = (facts.used_bytes, facts.limit_bytes);
    let is_small = used < SMALL_BYTES;
    find(
        limit > 0 && used > limit / 100 * 95,
        format!(
            "Memory is short: {} of {} MiB are used. Keys are evicted or commands refused; raise \
             maxmemory, or store less.",
            mib(used),
            mib(limit)
        ),
    );
    find(
        limit == 0,
        "There is no memory limit: the system may end this process when memory is short. Set \
         maxmemory."
            .to_owned(),
    );
    find(
        !is_small && facts.peak_bytes > used / 2 * 3,
        format!(
            "The peak was much higher than now: {} MiB then, {} MiB now. The resident size may \
             lag behind; MEMORY PURGE gives memory back.",
            mib(facts.peak_bytes),
            mib(used)
        ),
    );
    find(
        !is_small && facts.resident_bytes > used / 5 * 7,
        format!(
            "The process holds much more than it uses: {} MiB resident for {} MiB used. MEMORY \
             PURGE gives memory back.",
            mib(facts.resident_bytes),
            mib(used)
        ),
    );
    find(
        !is_small && facts.dead_bytes > facts.dataset_bytes / 3,
        format!(
            "Removed values take {} of {} MiB: compaction is behind. It catches up when there is \
             less load; more workers help.",
            mib(facts.dead_bytes),
            mib(facts.dataset_bytes)
        ),
    );
    find(
        !is_small && facts.client_bytes > used / 10,
        format!(
            "Clients' buffers take {} MiB. CLIENT LIST shows whose (qbuf, omem); \
             client-output-buffer-limit bounds them.",
            mib(facts.client_bytes)
        ),
    );
    if report.is_empty() {
        report.push_str("No problem found with the use of memory.\n");
    }
    report
}

/// `MEMORY PURGE`.
pub(crate) fn purge(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.server.purge_memory();
    cx.reply.ok();
    Ok(())
}

/// `MEMORY MALLOC-STATS`.
pub(crate) fn malloc_stats(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let text = cx.server.allocator_report();
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// `MEMORY HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    super::help(cx, HELP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn the_usage_of_a_key_covers_its_value() {
        let mut bench = Bench::new();
        bench.ask(&format!("SET large {}", "x".repeat(1000)));
        let usage = bench.ask("MEMORY USAGE large SAMPLES 0");
        let bytes: u64 = usage.trim_start_matches(':').parse().unwrap_or(0);
        assert!((1005..1100).contains(&bytes), "{usage}");
        bench.expect(&[
            ("MEMORY USAGE missing", "$-1"),
            ("MEMORY USAGE large SAMPLES -1", "-ERR syntax error"),
            ("MEMORY USAGE large SAMPLES x", "-ERR value is not an integer or out of range"),
            ("MEMORY USAGE large SAMPLES", "-ERR syntax error"),
            ("MEMORY USAGE large OTHER 1", "-ERR syntax error"),
        ]);
    }

    #[test]
    fn looking_at_the_usage_is_no_lookup() {
        let mut bench = Bench::new();
        bench.expect(&[("SET key value", "+OK"), ("MEMORY USAGE missing", "$-1")]);
        bench.ask("MEMORY USAGE key");
        let counters = bench.counters();
        assert_eq!((counters.hits, counters.misses), (0, 0));
    }

    #[test]
    fn stats_are_a_map_with_one_entry_for_each_database_in_use() {
        let mut bench = Bench::resp3();
        let empty = bench.ask("MEMORY STATS");
        assert!(empty.starts_with("%27 $14 peak.allocated :0 $15 total.allocated "), "{empty}");
        bench.ask("SET key value");
        let stats = bench.ask("MEMORY STATS");
        assert!(stats.starts_with("%28 "), "{stats}");
        assert!(stats.contains(" $4 db.0 %3 $23 overhead.hashtable.main :"), "{stats}");
        assert!(stats.contains(" $18 dataset.percentage ,0 "), "{stats}");
    }

    #[test]
    fn the_doctor_names_the_evidence_and_the_remedy() {
        let healthy = MemoryFacts {
            used_bytes: 50 << 20,
            peak_bytes: 50 << 20,
            dataset_bytes: 40 << 20,
            resident_bytes: 55 << 20,
            limit_bytes: 100 << 20,
            ..MemoryFacts::default()
        };
        assert_eq!(findings(&healthy), "No problem found with the use of memory.\n");
        let unlimited = findings(&MemoryFacts { limit_bytes: 0, ..healthy });
        assert!(unlimited.contains("Set maxmemory"), "{unlimited}");
        let short = findings(&MemoryFacts { limit_bytes: 50 << 20, ..healthy });
        assert!(short.contains("50 of 50 MiB are used"), "{short}");
        let sick = findings(&MemoryFacts {
            peak_bytes: 90 << 20,
            resident_bytes: 80 << 20,
            dead_bytes: 20 << 20,
            client_bytes: 6 << 20,
            ..healthy
        });
        assert_eq!(sick.lines().count(), 4, "{sick}");
    }

    #[test]
    fn purging_is_the_servers_business() {
        let mut bench = Bench::resp3();
        bench.expect(&[
            ("MEMORY PURGE", "+OK"),
            ("MEMORY MALLOC-STATS", "=21 txt:nothing allocated"),
            ("MEMORY nosuch", "-ERR unknown subcommand 'nosuch'. Try MEMORY HELP."),
        ]);
        assert_eq!(*bench.server.requests.lock(), ["purge memory"]);
    }
}
