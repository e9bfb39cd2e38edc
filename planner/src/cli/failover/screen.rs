//! The screen: each loss with what is left, and what random cuts do.

use super::arguments::Request;
use super::{cut, domains, losses, verdict};
use crate::error::Result;
use crate::model::failover::cuts;
use crate::quantity::{grouped, spoken_seconds};
use crate::report::cell::finite;
use crate::report::{Report, Step, Unit};

const SPEC: &str = "Redis Cluster specification; Ongaro and Ousterhout, Raft, 2014; Redis Sentinel";
/// Machines that are lost by name whose shards are shown, and ranges of slots.
const SHOWN_MAX: usize = 6;

pub(super) fn fill(report: &mut Report, request: &Request) -> Result<()> {
    report.line(heading(request));
    let found = request.cut.map(|cut| cuts(&request.cluster, cut, request.service, request.seed));
    let found = found.transpose()?;
    let rows = losses::rows(request, found.as_ref());
    losses::fill(report, &rows);
    named(report, request);
    if let (Some(cut), Some(found)) = (request.cut, &found) {
        cut::fill(report, request, cut, found);
    }
    explain(report, request);
    coverage(report, request);
    stale_clients(report, request);
    verdict::fill(report, request, &rows, found.as_ref());
    Ok(())
}

fn heading(request: &Request) -> String {
    let shards = request.cluster.shards();
    let (count, needed) = request.cluster.needed();
    let machines = request.cluster.machines();
    let copies = shards * request.cluster.copies();
    let whole = match machines == copies {
        true => counted(machines, "machine", "machines"),
        false => {
            format!("{} copies on {} machines", grouped(copies as u64), grouped(machines as u64))
        }
    };
    format!(
        "cluster  {} with {} each = {whole}; {} of {} {} decide",
        counted(shards, "primary", "primaries"),
        counted(request.replicas as usize, "replica", "replicas"),
        grouped(needed.into()),
        grouped(count.into()),
        request.control.name(),
    )
}

fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{} {}", grouped(count as u64), if count == 1 { one } else { more })
}

/// What the machines have that are lost by name, and which slots nobody has then.
fn named(report: &mut Report, request: &Request) {
    let Some((_, lost)) = &request.named else { return };
    let names = domains::machine_names(request.domains.as_ref(), lost.len());
    let shards = |what: &str, shards: &[usize]| -> Option<String> {
        let numbers: Vec<String> = shards.iter().map(|at| (at + 1).to_string()).collect();
        (!numbers.is_empty()).then(|| format!("{what} of shard {}", numbers.join(", ")))
    };
    let machines: Vec<usize> = (0..lost.len()).filter(|machine| lost[*machine]).collect();
    for machine in machines.iter().take(SHOWN_MAX) {
        let (primaries, replicas) = request.cluster.held(*machine);
        let held = [shards("primary", &primaries), shards("replica", &replicas)];
        let held: Vec<String> = held.into_iter().flatten().collect();
        let held = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
        report.line(format!("lost  {}: {held}", names[*machine]));
    }
    if machines.len() > SHOWN_MAX {
        report.line(format!("lost  and {} more", machines.len() - SHOWN_MAX));
    }
    let ranges = request.cluster.uncovered_ranges(lost);
    let text: Vec<String> = ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
    if !text.is_empty() {
        let more = if text.len() > SHOWN_MAX { " ..." } else { "" };
        let some = text[..text.len().min(SHOWN_MAX)].join(" ");
        report.line(format!("slots without a copy  {some}{more}"));
    }
    report.figure("named_uncovered_ranges", text);
}

fn explain(report: &mut Report, request: &Request) {
    let (count, needed) = request.cluster.needed();
    report.figure("deciders", count);
    report.figure("deciders_needed", needed);
    report.steps.push(Step {
        id: "majority",
        label: format!("{} that must agree", request.control.name()),
        formula: format!("{count} / 2 + 1, or the quorum asked for"),
        value: f64::from(needed),
        unit: Unit::Count,
        why: "two sides of a cut never both have more than half".to_owned(),
        source: SPEC,
    });
    let conflicts = request.cluster.conflicts();
    if let Some(domains) = &request.domains
        && conflicts > 0
    {
        let what = domains.loss.name();
        report.warn(
            "copies_together",
            format!("{} with copies that share a {what}", counted(conflicts, "shard", "shards")),
            format!("spread the machines over more {}, or use smaller ones", domains.loss.plural()),
        );
    }
}

/// What a slot that nobody serves does to the others.
fn coverage(report: &mut Report, request: &Request) {
    let Some(is_needed) = request.full_coverage else { return };
    report.line(match is_needed {
        true => {
            "coverage  cluster-require-full-coverage yes (Redis's default): one uncovered slot stops \
             the whole cluster"
        }
        false => {
            "coverage  cluster-require-full-coverage no: uncovered slots fail alone, the others go on"
        }
    });
    report.steps.push(Step {
        id: "full_coverage",
        label: "slots that fail when one has no copy".to_owned(),
        formula: match is_needed {
            true => "cluster-require-full-coverage yes: all 16,384".to_owned(),
            false => "cluster-require-full-coverage no: that one".to_owned(),
        },
        value: if is_needed { 16_384.0 } else { 1.0 },
        unit: Unit::Count,
        why: "a node that knows of an uncovered slot answers CLUSTERDOWN to every command"
            .to_owned(),
        source: "redis.conf, cluster-require-full-coverage",
    });
}

/// The article's outage was not the cluster's: its clients went on asking the demoted primary.
fn stale_clients(report: &mut Report, request: &Request) {
    report.figure("stale_client_seconds", finite(request.map_refresh_seconds));
    report.steps.push(Step {
        id: "stale_clients",
        label: "clients may ask a demoted primary".to_owned(),
        formula: "the time between two looks at the slot map".to_owned(),
        value: request.map_refresh_seconds,
        unit: Unit::Seconds,
        why: "a client that ignores MOVED learns of a failover only when it refreshes its map"
            .to_owned(),
        source: "the article, \"Real-World Case Study\": 60 s, then 5 s; the outage lasted 8 minutes",
    });
    report.line(format!(
        "clients  ones that ignore MOVED ask the demoted primary for up to {}: refresh on MOVED",
        spoken_seconds(request.map_refresh_seconds)
    ));
}
