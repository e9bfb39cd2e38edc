//! The answer of `planner hotkeys`.

use skep_keyspace::Slot;

use super::arguments::Request;
use super::mitigations;
use crate::cli::traffic::percent;
use crate::error::Result;
use crate::model::hotkeys::{Figures, Heat, Mitigation, figures, index};
use crate::model::placement::{self, Imbalance, TAIL_ERROR, imbalance};
use crate::model::popularity::{Group, Popularity};
use crate::quantity::decimals;
use crate::report::cell::finite;
use crate::report::{Block, Cell, Report, Step, Table, Unit, Verdict};

/// Numbers of keys that are shown where it is open how many there are.
const SIZES_SHOWN: [u64; 5] = [100, 1000, 10_000, 100_000, 1_000_000];

const GOLDSTEIN: &str =
    "L. Goldstein, \"Bounds on the constant in the mean central limit theorem\", 2010";

pub(super) fn fill(report: &mut Report, request: &Request) -> Result<()> {
    let traffic = &request.traffic;
    report.line(format!("traffic    {}", traffic.text));
    let owned = request.layout.imbalance();
    report.line(format!(
        "nodes      {}, {}; most slots over the mean {}",
        request.nodes,
        request.chosen.text(),
        decimals(owned, 3)
    ));
    report.figure("imbalance_slots", finite(owned));
    let first = keys(report, request);
    let open = (!traffic.of_any_size.is_empty()).then(|| by_size(request)).transpose()?;
    if let Some(table) = open {
        report.block(Block::Table(table));
    }
    let found = mitigations::placed(request, Mitigation::Nothing, &[])?;
    let seen = traffic.seen.as_ref();
    let exact = seen.map(|seen| seen.imbalance(&request.layout)).transpose()?;
    distribution(report, request, &found, exact);
    mitigations::fill(report, request, &found)?;
    steps(report, request, first, &found);
    if let Some((limit, risk)) = request.limit {
        judge(report, &found, limit, risk);
    }
    Ok(())
}

/// The hot keys or groups, each with its index. Returns the first one's figures.
fn keys(report: &mut Report, request: &Request) -> Option<(Group, Figures)> {
    let traffic = &request.traffic;
    let outside = outside(request);
    let has_places = traffic.named.iter().any(|named| named.slot.is_some());
    let columns =
        ["keys", "share", "group index", "key index", "x mean key", "x cold key", "one key is"];
    let columns = columns.into_iter().chain(has_places.then_some("node"));
    let mut table = Table::new("keys", columns);
    let mut first = None;
    for named in &traffic.named {
        let found = figures(named.group, traffic.keys, outside, request.nodes);
        let place = |slot: u16| match Slot::new(slot) {
            Some(slot) => Cell::Count(request.layout.owner(slot) as u64 + 1),
            None => Cell::Empty,
        };
        let cells = [
            Cell::text(named.label.as_str()),
            Cell::Share(named.group.share, 2),
            Cell::Number(found.group_index, 2),
            Cell::Number(found.key_index, 4),
            Cell::Number(found.times_mean, 1),
            found.times_cold.map_or(Cell::Empty, |times| Cell::Number(times, 1)),
            Cell::text(Heat::of(found.key_index).name()),
        ];
        let place = has_places.then(|| named.slot.map_or(Cell::Empty, place));
        table.row(cells.into_iter().chain(place));
        first.get_or_insert((named.group, found));
    }
    report.block(Block::Table(table));
    if let Some((_, found)) = first {
        report.figure("group_index", finite(found.group_index));
        report.figure("key_index", finite(found.key_index));
        report.figure("times_mean_key", finite(found.times_mean));
        report.figure("times_cold_key", found.times_cold.map(finite));
    }
    first
}

/// What is outside all hot groups; of a law or a list, what is outside its first key.
fn outside(request: &Request) -> Group {
    let traffic = &request.traffic;
    let is_groups = traffic.named.iter().any(|named| named.group.keys > 1);
    let hot = if is_groups { traffic.named.len() } else { 1 };
    let named = traffic.named.iter().take(hot).map(|named| named.group);
    let (keys, share) = named.fold((0u64, 0.0), |(keys, share), group| {
        (keys.saturating_add(group.keys), share + group.share)
    });
    Group { keys: traffic.keys.saturating_sub(keys), share: (1.0 - share).max(0.0) }
}

/// Whether a node suffers depends on how many keys a group is: for several numbers of keys.
fn by_size(request: &Request) -> Result<Table> {
    let columns = ["all keys", "hot keys", "key index", "median", "p95", "p99"];
    let mut table = Table::new("sizes", columns)
        .titled("busiest node over the mean, by how many keys there are (--keys)");
    for keys in SIZES_SHOWN {
        let groups: Vec<Group> =
            request.traffic.of_any_size.iter().map(|group| group.among(keys)).collect();
        let Ok(popularity) = Popularity::groups(keys, &groups) else { continue };
        let traffic = placement::Traffic::plain(&popularity);
        let found = imbalance(&traffic, &request.shares, request.trials)?;
        let hot: u64 = groups.iter().map(|group| group.keys).sum();
        let largest = popularity.head(1).first().copied().unwrap_or(0.0);
        table.row([
            Cell::Count(keys),
            Cell::Count(hot),
            Cell::Number(index(largest, request.nodes), 4),
            Cell::Number(found.quantile(0.5), 2),
            Cell::Number(found.quantile(0.95), 2),
            Cell::Number(found.quantile(0.99), 2),
        ]);
    }
    Ok(table)
}

fn distribution(report: &mut Report, request: &Request, found: &Imbalance, exact: Option<f64>) {
    let quantile = |share| decimals(found.quantile(share), 2);
    report.line(format!(
        "imbalance  the busiest of {} nodes has {} times the mean (median); p95 {}, p99 {}",
        request.nodes,
        quantile(0.5),
        quantile(0.95),
        quantile(0.99),
    ));
    for (name, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        report.figure(&format!("imbalance_{name}"), finite(found.quantile(share)));
    }
    if let Some(exact) = exact {
        report.line(format!(
            "as it is   {} times the mean, with these keys in their slots",
            decimals(exact, 2)
        ));
        report.figure("imbalance_seen", finite(exact));
    }
    report.figure("imbalance_mean", finite(found.mean()));
    report.figure("imbalance_error", finite(found.tail_error));
    let columns = ["above the mean", "probability", "standard error"];
    let mut table = Table::new("risk", columns)
        .titled("how probable it is that the busiest node has more than so many times the mean");
    for ratio in &request.above {
        let (probability, error) = found.probability_above(*ratio);
        table.row([Cell::Number(*ratio, 2), Cell::Share(probability, 1), Cell::Share(error, 1)]);
    }
    report.block(Block::Table(table));
    if found.tail_error > TAIL_ERROR * 1.001 {
        report.warn(
            "approximate",
            format!(
                "small keys were summed up: each node's load is right to {} of the mean",
                percent(found.tail_error)
            ),
            "lower --trials or --nodes so that more keys are placed one by one",
        );
    }
}

fn steps(
    report: &mut Report,
    request: &Request,
    first: Option<(Group, Figures)>,
    found: &Imbalance,
) {
    let nodes = request.nodes;
    let mut step = |id, label: &str, formula: String, value, why: String, source| {
        let label = label.to_owned();
        report.steps.push(Step { id, label, formula, value, unit: Unit::Ratio, why, source });
    };
    if let Some((group, figures)) = first {
        step(
            "group_index",
            "node-share index of the group",
            format!("{} x {nodes} nodes", percent(group.share)),
            figures.group_index,
            "how many fair node-shares it takes if one node has all of it; no probability, as it \
             may exceed 1"
                .to_owned(),
            "the article, \"Hot key detection\", where it is called hot_key_probability",
        );
        step(
            "key_index",
            "node-share index of one key",
            format!("{} / {} keys", decimals(figures.group_index, 3), group.keys),
            figures.key_index,
            "a node has whole keys, so this is what a hash cannot even out".to_owned(),
            "arithmetic",
        );
        step(
            "times_mean",
            "one key over the mean key",
            format!("({} / {}) x {}", percent(group.share), group.keys, request.traffic.keys),
            figures.times_mean,
            "the mean key has one part in as many as there are keys".to_owned(),
            "arithmetic",
        );
    }
    step(
        "imbalance",
        "busiest node over the mean, median",
        format!("{} placements on {nodes} nodes", request.trials.count),
        found.quantile(0.5),
        format!(
            "{} keys are placed one by one; {} small ones are a normal draw with the multinomial's \
             covariance, right to {} of the mean for each node",
            found.head_keys,
            found.tail_keys,
            percent(found.tail_error)
        ),
        GOLDSTEIN,
    );
}

/// Compares with what the caller tolerates.
fn judge(report: &mut Report, found: &Imbalance, limit: f64, risk: f64) {
    let (probability, _) = found.probability_above(limit);
    report.figure("limit", finite(limit));
    report.figure("probability_above_limit", finite(probability));
    let text = format!(
        "more than {limit} times the mean has a probability of {}, {} allowed",
        percent(probability),
        percent(risk)
    );
    report.line(format!("limit      {text}"));
    report.binding = Some("imbalance".to_owned());
    if probability > risk {
        report.verdict = Verdict::Violated;
        report.warn(
            "too_uneven",
            text,
            "replicate or spread the hottest keys, move slots by traffic, or allow more --risk",
        );
    }
}
