//! The answer of `planner mrc`.

use super::arguments::Request;
use crate::error::{PlanError, Result};
use crate::model::mrc::{Curve, Shards};
use crate::model::replica::Replica;
use crate::quantity::{ByteUnit, decimals, grouped};
use crate::report::cell::finite;
use crate::report::chart::{Axis, Lines, Scale};
use crate::report::{Block, Cell, Chart, Report, Step, Table, Unit, Verdict};

/// Rows of the curve's table.
const ROWS: usize = 16;
/// Points of the chart.
const POINTS: usize = 160;
/// The curve begins with this share of the memory beyond which nothing is won.
const FIRST_SHARE: f64 = 1.0 / 512.0;

const SHARDS: &str = "Waldspurger et al., \"Efficient MRC Construction with SHARDS\", FAST 2015";
const MATTSON: &str = "Mattson et al., \"Evaluation techniques for storage hierarchies\", 1970; \
    Olken, LBL-12370, 1981";
const MINIATURE: &str = "Waldspurger et al., \"Cache Modeling and Optimization using Miniature \
    Simulations\", ATC 2017; node/store, run as it is";

/// The curve with its parts.
struct Found<'a> {
    request: &'a Request,
    curve: Curve,
    groups: Vec<Curve>,
}

impl Found<'_> {
    /// The hit ratio at a memory, and how far off it may be.
    fn hit_ratio(&self, memory_bytes: u64) -> (f64, f64) {
        let items = self.request.node.items_bytes(memory_bytes);
        let values: Vec<f64> = self.groups.iter().map(|group| group.hit_ratio(items)).collect();
        (self.curve.hit_ratio(items), Shards::margin(&values))
    }

    /// The memory for a hit ratio, and how far off it may be, if any memory gives it.
    fn memory(&self, hit_ratio: f64) -> Option<(u64, Option<f64>)> {
        let memory = |curve: &Curve| {
            curve.bytes_for(hit_ratio).map(|items| self.request.node.memory_bytes(items))
        };
        let found = memory(&self.curve)?;
        let values: Vec<f64> = self.groups.iter().filter_map(memory).map(|b| b as f64).collect();
        // A part that never gets there has no number to tell.
        let margin = (values.len() == self.groups.len()).then(|| Shards::margin(&values));
        Some((found, margin))
    }
}

pub(super) fn fill(
    report: &mut Report,
    request: &Request,
    shards: &Shards,
    replicas: &[Replica],
) -> Result<()> {
    if shards.requests() == 0 {
        return Err(PlanError::source(
            &request.trace,
            "has no requests (reads) in it; a hit ratio needs some",
        ));
    }
    let found = Found { request, curve: shards.curve(), groups: shards.group_curves() };
    summary(report, shards, &found);
    answers(report, &found, replicas);
    report.block(Block::Table(curve(&found)));
    report.block(Block::Chart(chart(&found, replicas)));
    steps(report, shards, &found, replicas);
    results(report, shards, &found);
    Ok(())
}

fn summary(report: &mut Report, shards: &Shards, found: &Found<'_>) {
    let objects = decimals(shards.objects(), 0);
    let bytes =
        ByteUnit::of(shards.objects_bytes() as u64, report.units).text(shards.objects_bytes());
    let about = if shards.rate() < 1.0 { "about " } else { "" };
    report.line(format!(
        "trace   {}: {} requests, {about}{objects} objects stored anew, {bytes} of them",
        found.request.trace,
        grouped(shards.requests()),
    ));
    let sampled = grouped(shards.sampled_objects() as u64);
    report.line(match shards.rate() < 1.0 {
        false => "sample  everything: the curve is exact for LRU".to_owned(),
        true => format!(
            "sample  {} % of objects ({sampled} alive at the end); +- is 19 times in 20",
            decimals(shards.rate() * 100.0, 2),
        ),
    });
    report.line(format!(
        "most    {} % can be hits: the rest asks for the first time, or after expiry",
        decimals(found.curve.hit_ratio_max() * 100.0, 2)
    ));
}

/// What was asked for: hit ratios at memories, and memories for hit ratios.
fn answers(report: &mut Report, found: &Found<'_>, replicas: &[Replica]) {
    let columns: &[&str] = match replicas.is_empty() {
        true => &["memory", "hit ratio", "+-"],
        false => &["memory", "hit ratio", "+-", "node", "keys held", "evicted", "slots run"],
    };
    let mut table = Table::new("memories", columns.iter().copied());
    for (at, &memory) in found.request.memories.iter().enumerate() {
        let (ratio, margin) = found.hit_ratio(memory);
        let mut row = vec![Cell::Bytes(memory), Cell::Share(ratio, 2), Cell::Share(margin, 2)];
        if let Some(replica) = replicas.get(at) {
            let whole = |count: u64| Cell::Count((count as f64 / replica.rate()) as u64);
            row.extend([
                Cell::Share(replica.hit_ratio(), 2),
                whole(replica.keys()),
                whole(replica.evicted()),
                Cell::Share(replica.rate(), 1),
            ]);
            if replica.refused() > 0 {
                let refused = grouped(replica.refused());
                report.warn(
                    "refused",
                    format!("{refused} values were refused: nothing could be evicted for them"),
                    "give more --mem, or a --policy that evicts",
                );
            }
        }
        table.row(row);
    }
    if !table.rows.is_empty() {
        let title = match replicas.is_empty() {
            true => "hit ratio by memory (LRU)".to_owned(),
            false => {
                let policy = found.request.policy.name();
                format!("hit ratio by memory: LRU, and a node with {policy}")
            }
        };
        report.block(Block::Table(table.titled(title)));
    }
    let mut table = Table::new("targets", ["hit ratio", "memory", "+-"]);
    for &target in &found.request.targets {
        let (memory, margin) = match found.memory(target) {
            Some((memory, margin)) => (Cell::Bytes(memory), margin),
            None => (Cell::text("no memory does"), None),
        };
        let margin = margin.map_or(Cell::Empty, |bytes| Cell::Bytes(bytes as u64));
        table.row([Cell::Share(target, 2), memory, margin]);
        if found.memory(target).is_none() {
            report.verdict = Verdict::Violated;
            let most = decimals(found.curve.hit_ratio_max() * 100.0, 2);
            report.warn(
                "unreachable",
                format!(
                    "{} % hits need more than memory: at most {most} % can be",
                    decimals(target * 100.0, 2)
                ),
                "fill the cache before objects are first asked for, or let them live longer",
            );
        }
    }
    if !table.rows.is_empty() {
        report.block(Block::Table(table.titled("memory for a hit ratio (LRU)")));
    }
}

/// Memories from little to where nothing more is won, in equal ratios.
fn memories(found: &Found<'_>, count: usize) -> Vec<u64> {
    let largest = found.curve.largest_bytes().max(1024) as f64;
    let ratio = (1.0 / FIRST_SHARE).powf(1.0 / (count - 1) as f64);
    let items = (0..count).map(|at| largest * FIRST_SHARE * ratio.powi(at as i32));
    items.map(|items| found.request.node.memory_bytes(items.ceil() as u64)).collect()
}

fn curve(found: &Found<'_>) -> Table {
    let columns = ["memory", "hit ratio", "low", "high"];
    let mut table = Table::new("curve", columns).titled("the curve (LRU)");
    for memory in memories(found, ROWS) {
        let (ratio, margin) = found.hit_ratio(memory);
        let (low, high) = ((ratio - margin).max(0.0), (ratio + margin).min(1.0));
        let shares = [ratio, low, high].map(|share| Cell::Share(share, 2));
        table.row([Cell::Bytes(memory)].into_iter().chain(shares));
    }
    table
}

fn chart(found: &Found<'_>, replicas: &[Replica]) -> Chart {
    let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let points = memories(found, POINTS).into_iter();
    let points = points.map(|memory| (megabytes(memory), found.hit_ratio(memory).0));
    let mut curves = vec![("LRU".to_owned(), points.collect())];
    if !replicas.is_empty() {
        let memories = found.request.memories.iter();
        let points =
            memories.zip(replicas).map(|(m, replica)| (megabytes(*m), replica.hit_ratio()));
        let mut points: Vec<(f64, f64)> = points.collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        curves.push((found.request.policy.name().to_owned(), points));
    }
    Chart::Lines(Lines {
        title: format!("hit ratio by memory: {}", found.request.trace),
        x: Axis { label: "memory, MB".to_owned(), scale: Scale::Logarithmic },
        y: Axis { label: "hit ratio".to_owned(), scale: Scale::Linear },
        curves,
    })
}

fn steps(report: &mut Report, shards: &Shards, found: &Found<'_>, replicas: &[Replica]) {
    report.steps.push(Step {
        id: "sample_rate",
        label: "share of objects looked at".to_owned(),
        formula: format!(
            "from 1 down to {}, while there are more than {} objects",
            found.request.sampling.rate,
            grouped(found.request.sampling.objects_min as u64)
        ),
        value: shards.rate(),
        unit: Unit::Ratio,
        why: "all requests of an object count or none, by its hash: distances scale with the rate"
            .to_owned(),
        source: SHARDS,
    });
    let expected = shards.requests() as f64 * shards.rate();
    report.steps.push(Step {
        id: "adjustment",
        label: "requests added to the smallest distance".to_owned(),
        formula: format!(
            "{} requests in all, less what {} sampled ones stand for",
            grouped(shards.requests()),
            grouped(shards.sampled_requests())
        ),
        value: shards.requests() as f64 - shards.counted(),
        unit: Unit::Count,
        why: format!(
            "a sample has too many or too few of the few most popular objects, which any cache \
             holds ({} were expected at the last rate)",
            decimals(expected, 0)
        ),
        source: SHARDS,
    });
    report.steps.push(Step {
        id: "hit_ratio_max",
        label: "hit ratio of an endless cache".to_owned(),
        formula: "requests whose object was stored before / requests".to_owned(),
        value: found.curve.hit_ratio_max(),
        unit: Unit::Ratio,
        why: "a request is a hit if its object and all that were used since fit into the cache"
            .to_owned(),
        source: MATTSON,
    });
    if found.request.node.process_bytes > 0 {
        let memory = found.request.memories.first().copied();
        let memory =
            memory.unwrap_or_else(|| found.request.node.memory_bytes(found.curve.largest_bytes()));
        report.steps.push(found.request.node.step(memory));
    }
    for (memory, replica) in found.request.memories.iter().zip(replicas) {
        report.steps.push(Step {
            id: "simulation",
            label: format!("hit ratio of a node with {} bytes", grouped(*memory)),
            formula: format!(
                "its store, asked and filled by the trace, {} % of its slots",
                decimals(replica.rate() * 100.0, 1)
            ),
            value: replica.hit_ratio(),
            unit: Unit::Ratio,
            why: "eviction is not modelled but run: GET, and on a miss SET".to_owned(),
            source: MINIATURE,
        });
    }
}

fn results(report: &mut Report, shards: &Shards, found: &Found<'_>) {
    report.figure("requests", shards.requests());
    report.figure("objects", finite(shards.objects()));
    report.figure("objects_bytes", shards.objects_bytes() as u64);
    report.figure("sample_rate", finite(shards.rate()));
    report.figure("sampled_objects", shards.sampled_objects());
    report.figure("sampled_requests", shards.sampled_requests());
    report.figure("hit_ratio_max", finite(found.curve.hit_ratio_max()));
    let largest = found.request.node.memory_bytes(found.curve.largest_bytes());
    report.figure("memory_max_bytes", largest);
    report.binding = Some("memory".to_owned());
}
