//! How much fits into so many nodes: the screen of the article's example.

use serde_json::json;
use skep_keyspace::Layout;
use skep_keyspace::layout::SHARDS_MAX;

use super::arguments::Request;
use crate::error::Result;
use crate::model::capacity::{
    ALERT_SHARE, Capacity, Cluster, Deductions, Fragmentation, Model, capacity,
};
use crate::quantity::{ByteUnit, Units, decimals};
use crate::report::cell::finite;
use crate::report::{Block, Remark, Report, Verdict};

/// Ranges of slots shown before the rest is only counted.
const RANGES_SHOWN: usize = 6;

pub(super) fn fill(report: &mut Report, request: &Request, primaries: u32) -> Result<()> {
    let cluster = Cluster { primaries, replicas: request.replicas, node_bytes: request.node_bytes };
    let chain = capacity(&cluster, &request.deductions)?;
    let bought = cluster.bought_bytes(request.deductions.model);
    let unit = ByteUnit::of(bought as u64, report.units);
    report.steps.extend(chain.steps.iter().cloned());
    report.block(Block::Lines(screen(&cluster, &request.deductions, &chain, unit)));
    let mut remarks = checks(report, &cluster, &request.deductions, &chain, unit)?;
    remarks.push(slots(primaries)?);
    report.block(Block::Remarks(remarks));
    results(report, &cluster, &chain, bought);
    warnings(report, &cluster, request.deductions.model);
    if let Some(data_bytes) = request.data_bytes {
        compare(report, &cluster, &chain, data_bytes, unit);
    }
    if let Some((ops, node_ops)) = request.ops {
        compare_ops(report, primaries, ops, node_ops);
    }
    Ok(())
}

/// The chain from memory to data, a line for each deduction.
fn screen(
    cluster: &Cluster,
    deductions: &Deductions,
    chain: &Capacity,
    unit: ByteUnit,
) -> Vec<String> {
    let model = deductions.model;
    let number = |bytes: f64| unit.number(bytes);
    let deduction = |label: &str, operand: &str, before: f64, after: f64, note: &str| {
        let taken = decimals((after - before) / unit.bytes as f64, 1);
        let left = number(after);
        // The screen is agreed upon to the byte: a row that names its model ends a column earlier.
        let width = if operand.ends_with(')') { 21 } else { 22 };
        format!("{label:<25}{operand:<width$}{taken:>7}{left:>8} {}{note}", unit.name)
    };
    let replication = match model {
        Model::Physical | Model::Measured => format!("none  ({})", model.name()),
        _ => format!("{:<6}({} model)", chain.replication_text, model.name()),
    };
    let fragmentation = match deductions.fragmentation {
        Fragmentation::Factor(factor) => format!("/{}", (factor * 1e4).round() / 1e4),
        Fragmentation::Waste(waste) => format!("{} %", decimals(waste * 100.0, 1)),
    };
    let reserve = format!("{} %", trimmed(deductions.reserve * 100.0));
    let shard = chain.usable_bytes / f64::from(cluster.primaries);
    let shard_unit = ByteUnit::of(shard as u64, Units::Binary);
    let shard_unit = if unit.bytes > shard_unit.bytes { shard_unit } else { unit };
    let ratio = cluster.bought_bytes(model) / chain.usable_bytes;
    vec![
        heading(cluster, model, unit),
        format!("{:<46}{:>7} {}", "primary memory", number(chain.primary_bytes), unit.name),
        deduction(
            "- replication overhead",
            &replication,
            chain.primary_bytes,
            chain.effective_bytes,
            " effective",
        ),
        deduction(
            "- fragmentation",
            &fragmentation,
            chain.effective_bytes,
            chain.unfragmented_bytes,
            "",
        ),
        deduction("- headroom", &reserve, chain.unfragmented_bytes, chain.usable_bytes, ""),
        format!(
            "{:<25}{:<13}{} per shard · {} {} bought per {} stored",
            "usable for data",
            unit.text(chain.usable_bytes),
            shard_unit.text(shard),
            decimals(ratio, 1),
            unit.name,
            unit.name,
        ),
    ]
}

/// Without decimals where there are none.
fn trimmed(value: f64) -> String {
    let text = decimals(value, 1);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn heading(cluster: &Cluster, model: Model, unit: ByteUnit) -> String {
    let nodes = cluster.nodes(model);
    let plural =
        |count: u64, one: &str| if count == 1 { one.to_owned() } else { format!("{one}s") };
    let replicas = match cluster.replicas {
        0 => "no replicas".to_owned(),
        count => format!("{count} {} each", plural(count.into(), "replica")),
    };
    let node_unit = ByteUnit::of(cluster.node_bytes, Units::Binary);
    let node_unit = if unit.bytes.is_power_of_two() { node_unit } else { unit };
    format!(
        "{:<14}{} {} x {}, {replicas} = {nodes} {}, {} bought",
        "cluster",
        cluster.primaries,
        match cluster.primaries {
            1 => "primary",
            _ => "primaries",
        },
        node_unit.brief(cluster.node_bytes),
        plural(nodes, "node"),
        unit.brief(cluster.bought_bytes(model) as u64),
    )
}

/// What the other readings of the same inputs say.
fn checks(
    report: &mut Report,
    cluster: &Cluster,
    deductions: &Deductions,
    chain: &Capacity,
    unit: ByteUnit,
) -> Result<Vec<Remark>> {
    let primaries = cluster.primaries;
    let memory = trimmed(chain.primary_bytes / unit.bytes as f64);
    let mut remarks: Vec<Remark> = Vec::new();
    let mut add = |text: String, hint: &str| {
        let head = if remarks.is_empty() { "check" } else { "" };
        remarks.push(Remark { head, text, hint: hint.to_owned() });
    };
    let other = |model| capacity(cluster, &Deductions { model, ..*deductions });
    let is_physical = matches!(deductions.model, Model::Physical | Model::Measured);
    if !is_physical && deductions.model != Model::Colocated {
        let physical = other(Model::Physical)?.usable_bytes;
        let text = format!(
            "{} fits physically: replicas live on their own nodes, so they cost machines, not space.",
            unit.text(physical)
        );
        add(text, "--model physical");
        report.alternatives.push(json!({ "model": "physical", "usable_bytes": physical as u64 }));
    }
    let is_survive = matches!(deductions.model, Model::Survive(_));
    if primaries > 1 && !is_survive && deductions.model != Model::Colocated {
        let survive = other(Model::Survive(1))?.usable_bytes;
        let same = (survive - chain.usable_bytes).abs() < chain.usable_bytes * 1e-9;
        let text = format!(
            "{} {}is what still fits if one of the {primaries} shards is lost for good \
             ({memory} x {}/{primaries}).",
            unit.text(survive),
            if same { "also " } else { "" },
            primaries - 1,
        );
        add(text, "--model survive");
        let value = json!({ "model": "survive", "survive": 1, "usable_bytes": survive as u64 });
        report.alternatives.push(value);
    }
    let node = ByteUnit::of(cluster.node_bytes, report.units);
    let alert = node.text(cluster.node_bytes as f64 * ALERT_SHARE);
    add(format!("alert at {} % of a node = {alert}", ALERT_SHARE * 100.0), "");
    Ok(remarks)
}

/// The even layout's ranges; primaries beyond the slots own none.
fn slots(primaries: u32) -> Result<Remark> {
    let layout = Layout::even((primaries as usize).min(SHARDS_MAX))?;
    let ranges = layout.ranges().into_iter().flatten().take(RANGES_SHOWN);
    let mut text = ranges.map(|range| range.to_string()).collect::<Vec<_>>().join("  ");
    if primaries as usize > RANGES_SHOWN {
        text += &format!("  ... {primaries} ranges");
    }
    Ok(Remark { head: "slots", text, hint: "planner slots".to_owned() })
}

fn results(report: &mut Report, cluster: &Cluster, chain: &Capacity, bought: f64) {
    report.figure("usable_bytes", chain.usable_bytes as u64);
    let shard = chain.usable_bytes / f64::from(cluster.primaries);
    report.figure("usable_bytes_per_shard", shard as u64);
    report.figure("primary_bytes", chain.primary_bytes as u64);
    report.figure("effective_bytes", chain.effective_bytes as u64);
    report.figure("unfragmented_bytes", chain.unfragmented_bytes as u64);
    report.figure("bought_bytes", bought as u64);
    report.figure("bought_per_stored", finite(bought / chain.usable_bytes));
    report.figure("alert_bytes_per_node", (cluster.node_bytes as f64 * ALERT_SHARE) as u64);
    report.binding = Some("memory".to_owned());
}

fn warnings(report: &mut Report, cluster: &Cluster, model: Model) {
    match cluster.primaries {
        1 => report.warn(
            "no_cluster",
            "one primary is no cluster: nothing is sharded",
            "give --masters 3 or more for a cluster",
        ),
        2 => report.warn(
            "no_majority",
            "two primaries cannot elect: losing one loses the majority",
            "give --masters 3 or more",
        ),
        _ => {}
    }
    if cluster.primaries > 16_384 {
        report.warn(
            "more_primaries_than_slots",
            "there are 16,384 slots: further primaries own none",
            "give --masters 16384 or fewer",
        );
    }
    if cluster.replicas == 0 {
        report.warn(
            "no_replicas",
            "without replicas a lost node is lost data",
            "give --replicas 1 or more",
        );
    }
    if model == Model::Colocated && u64::from(cluster.replicas) >= u64::from(cluster.primaries) {
        report.warn(
            "copies_share_machines",
            "more copies than machines: two copies of a slot share a machine",
            "give fewer --replicas or more --masters",
        );
    }
}

/// Says whether given data fits.
fn compare(
    report: &mut Report,
    cluster: &Cluster,
    chain: &Capacity,
    data_bytes: f64,
    unit: ByteUnit,
) {
    let share = data_bytes / chain.usable_bytes;
    report.figure("data_bytes", data_bytes as u64);
    report.figure("filled", finite(share));
    let data = unit.text(data_bytes);
    let filled = format!("{} % of what is usable", decimals(share * 100.0, 1));
    if share <= 1.0 {
        report.line(format!("data   {data} fits: {filled}"));
        return;
    }
    report.verdict = Verdict::Violated;
    report.line(format!("data   {data} does NOT fit: {filled}"));
    let node = ByteUnit::of(cluster.node_bytes, report.units);
    let needed = share * cluster.node_bytes as f64;
    report.warn(
        "does_not_fit",
        format!("{data} is more than the {} usable", unit.text(chain.usable_bytes)),
        format!("give nodes of {} or drop --masters to see how many are needed", node.text(needed)),
    );
}

fn compare_ops(report: &mut Report, primaries: u32, ops: f64, node_ops: f64) {
    let most = f64::from(primaries) * node_ops;
    let share = ops / most;
    report.figure("ops_filled", finite(share));
    let text = format!("{}/s of at most {}/s", decimals(ops, 0), decimals(most, 0));
    if share <= 1.0 {
        report.line(format!("ops    {text}, if they are spread evenly (planner throughput)"));
        return;
    }
    report.verdict = Verdict::Violated;
    report.binding = Some("throughput".to_owned());
    report.warn("too_many_operations", text, "give more --masters, or read from replicas");
}
