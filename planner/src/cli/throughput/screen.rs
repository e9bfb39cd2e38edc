//! The answer of `planner throughput`.

use super::arguments::Request;
use crate::cli::layouts::shares;
use crate::cli::traffic::Traffic;
use crate::error::{PlanError, Result};
use crate::model::placement::{self, NODES_MAX, Trials, imbalance};
use crate::model::throughput::{Cluster, Limit, Load, Throughput, throughput};
use crate::quantity::{decimals, grouped};
use crate::report::cell::finite;
use crate::report::chart::Bars;
use crate::report::{Block, Cell, Chart, Report, Table, Verdict};

/// The quantile of placements that is planned with, and the one for the unlucky.
const MEDIAN: f64 = 0.5;
const UNLUCKY: f64 = 0.95;
/// Nodes up to which a demand is planned for.
const SEARCH_MAX: u32 = 1000;
/// Placements for each number of nodes that is looked at.
const SEARCH_TRIALS: u32 = 300;

pub(super) fn fill(report: &mut Report, request: &Request) -> Result<()> {
    let cluster = &request.cluster;
    let load = load(request, cluster, request.trials, MEDIAN)?;
    let found = throughput(cluster, &load);
    report.steps.extend(found.steps.iter().cloned());
    report.block(Block::Lines(screen(request, &load, &found)));
    report.block(Block::Table(limits(&found)));
    report.binding = found.limits.first().map(|limit| limit.name.to_owned());
    results(report, request, &load, &found);
    if request.imbalance.is_none() && request.traffic.is_some() {
        let unlucky = throughput(cluster, &self::load(request, cluster, request.trials, UNLUCKY)?);
        report.line(format!(
            "unlucky    {}/s or less in one of 20 placements of these keys",
            decimals(unlucky.ops(), 0)
        ));
        report.figure("ops_per_second_p5", finite(unlucky.ops()));
    }
    warnings(report, request);
    if let Some((ops, survives)) = request.demand {
        judge(report, request, &found, ops, survives)?;
    }
    let bar = |limit: &Limit| (limit.name.to_owned(), limit.ops);
    let bars = found.limits.iter().map(bar).chain([("after a loss".to_owned(), found.after_loss)]);
    report.block(Block::Chart(Chart::Bars(Bars {
        title: "what bounds the cluster".to_owned(),
        label: "operations a second".to_owned(),
        bars: bars.collect(),
        mark: request.demand.map(|(ops, _)| ("asked for".to_owned(), ops)),
    })));
    Ok(())
}

/// What is asked of so many nodes, at a quantile of the imbalance.
fn load(request: &Request, cluster: &Cluster, trials: Trials, quantile: f64) -> Result<Load> {
    let hottest =
        request.traffic.as_ref().and_then(|traffic| traffic.popularity.head(1).first().copied());
    let imbalance = match (request.imbalance, &request.traffic) {
        (Some(given), _) => given,
        (None, None) if !request.layout.is_asked => 1.0,
        (None, traffic) => uneven(request, traffic.as_ref(), cluster, trials, quantile)?,
    };
    Ok(Load { reads: request.reads, imbalance, hottest })
}

/// What the layout and the traffic make of so many nodes: keys in their slots where these are known
/// and what is asked for is the middle, else keys placed by hash.
fn uneven(
    request: &Request,
    traffic: Option<&Traffic>,
    cluster: &Cluster,
    trials: Trials,
    quantile: f64,
) -> Result<f64> {
    let nodes = cluster.primaries as usize;
    if nodes > NODES_MAX {
        return Err(PlanError::usage(format!(
            "{nodes} nodes: keys are placed on at most {NODES_MAX}"
        )));
    }
    let layout = request.layout.among(nodes)?;
    let found = match traffic {
        None => layout.imbalance(),
        Some(Traffic { seen: Some(seen), .. }) if quantile == MEDIAN => seen.imbalance(&layout)?,
        Some(traffic) => {
            let plain = placement::Traffic::plain(&traffic.popularity);
            imbalance(&plain, &shares(&layout), trials)?.quantile(quantile)
        }
    };
    Ok(found.max(1.0))
}

fn screen(request: &Request, load: &Load, found: &Throughput) -> Vec<String> {
    let cluster = &request.cluster;
    let rate = |value: f64| format!("{}/s", decimals(value, 0));
    let row = |label: &str, value: String, note: String| {
        format!("{label:<11}{value:>16}   {note}").trim_end().to_owned()
    };
    let imbalance = match (request.imbalance, &request.traffic) {
        (Some(_), _) => "as given".to_owned(),
        (None, Some(traffic)) => {
            let how = if traffic.seen.is_some() { "in their slots" } else { "by hash, median" };
            format!("{}, {how}, {}", traffic.text, request.layout.text())
        }
        (None, None) if request.layout.is_asked => {
            format!("even traffic on the slots of the {}", request.layout.text())
        }
        (None, None) => "even traffic, which is an upper bound".to_owned(),
    };
    let readers = match (cluster.reads_replicas, cluster.replicas) {
        (true, replicas) => format!("reads of a key go to {} nodes, writes to one", replicas + 1),
        (false, _) => "all operations on a key go to one node".to_owned(),
    };
    let after = match cluster.replicas {
        0 => "the others take over what it had, after misses".to_owned(),
        _ => "its replica is promoted".to_owned(),
    };
    vec![
        row(
            "ideal",
            rate(found.ideal),
            format!("{} x {}", grouped(cluster.primaries.into()), rate(found.key_ops)),
        ),
        row("imbalance", format!("/ {}", decimals(load.imbalance, 3)), imbalance),
        row(
            "serves",
            rate(found.ops()),
            found
                .limits
                .first()
                .map_or(String::new(), |limit| format!("driven by {}: {}", limit.name, limit.why)),
        ),
        row("one key", rate(found.key_ops), readers),
        row("one lost", rate(found.after_loss), after),
    ]
}

fn limits(found: &Throughput) -> Table {
    let mut table = Table::new("limits", ["limit", "operations a second", "because"]);
    for limit in &found.limits {
        table.row([
            Cell::text(limit.name),
            Cell::Number(limit.ops, 0),
            Cell::text(limit.why.as_str()),
        ]);
    }
    table
}

fn results(report: &mut Report, request: &Request, load: &Load, found: &Throughput) {
    report.figure("ops_per_second", finite(found.ops()));
    report.figure("ideal_ops_per_second", finite(found.ideal));
    report.figure("imbalance", finite(load.imbalance));
    report.figure("key_ops_per_second", finite(found.key_ops));
    report.figure("key_write_ops_per_second", finite(request.cluster.node_ops()));
    report.figure("after_loss_ops_per_second", finite(found.after_loss));
    if let Some(bytes) = found.bytes {
        report.figure("received_bytes_per_op", finite(bytes.received));
        report.figure("sent_bytes_per_op", finite(bytes.sent));
        report.figure("carried_bytes_per_op", finite(bytes.everywhere));
    }
}

fn warnings(report: &mut Report, request: &Request) {
    if request.imbalance.is_none() && request.traffic.is_none() {
        report.warn(
            "even_traffic",
            "even traffic is assumed, which no hash gives",
            match request.layout.is_asked {
                true => "say how it is spread over keys: --zipf, --hot, --trace or --from",
                false => {
                    "give --layout (a ring of 150 virtual nodes each is uneven by itself), --zipf, \
                     or --imbalance"
                }
            },
        );
    }
    if request.cluster.reads_replicas {
        report.warn(
            "stale_reads",
            "a replica answers with what it had when it last heard of its primary",
            "read from the primary what must be fresh, and watch the replication lag",
        );
    }
    if request.cluster.network.is_some() {
        report.warn(
            "packets",
            "the network is reckoned with full segments",
            "small values that are not pipelined need up to 100 bytes more for each packet",
        );
    }
}

/// Compares with what is asked for, and looks for the smallest cluster that serves it.
fn judge(
    report: &mut Report,
    request: &Request,
    found: &Throughput,
    ops: f64,
    survives: bool,
) -> Result<()> {
    let served = if survives { found.after_loss } else { found.ops() };
    let after = if survives { " after losing a node" } else { "" };
    let rate = |value: f64| format!("{}/s", decimals(value, 0));
    if served > 0.0 {
        report.figure("ops_filled", finite(ops / served));
    }
    if served >= ops {
        report.line(format!("demand     {} fit{after}: {} are served", rate(ops), rate(served)));
        return Ok(());
    }
    report.verdict = Verdict::Violated;
    report.line(format!("demand     {} do NOT fit{after}: {} are served", rate(ops), rate(served)));
    let fix = match smallest(request, ops, survives)? {
        Some(nodes) => {
            report.figure("nodes_needed", nodes);
            format!("give --nodes {nodes}, the smallest number that serves it")
        }
        None => format!("no {SEARCH_MAX} nodes serve it: what bounds it is no number of nodes"),
    };
    let what = format!("{} are more than the {} served{after}", rate(ops), rate(served));
    report.warn("too_many_operations", what, fix);
    Ok(())
}

/// The fewest nodes that serve a demand; more nodes serve more.
fn smallest(request: &Request, ops: f64, survives: bool) -> Result<Option<u32>> {
    let trials = Trials { count: request.trials.count.min(SEARCH_TRIALS), ..request.trials };
    let serves = |primaries: u32| -> Result<bool> {
        let cluster = Cluster { primaries, ..request.cluster };
        let found = throughput(&cluster, &load(request, &cluster, trials, MEDIAN)?);
        Ok(ops <= if survives { found.after_loss } else { found.ops() })
    };
    let (mut low, mut high) = (1, SEARCH_MAX);
    if !serves(high)? {
        return Ok(None);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if serves(middle)? { high = middle } else { low = middle + 1 }
    }
    // A ring is not more uneven with every node: fewer may do.
    while low > 1 && serves(low - 1)? {
        low -= 1;
    }
    Ok(Some(low))
}
