//! What each mitigation buys, in load and in extra work, for the hottest keys together.

use serde_json::json;

use super::arguments::Request;
use crate::cli::traffic::percent;
use crate::error::Result;
use crate::model::hotkeys::{Heat, INDEX_HOT, Mitigation, index};
use crate::model::placement::{self, Imbalance, imbalance};
use crate::quantity::decimals;
use crate::report::cell::finite;
use crate::report::chart::{Axis, Lines, Scale};
use crate::report::{Block, Cell, Chart, Report, Table};

/// Hottest keys that mitigations are applied to if the caller does not say, at most.
const TREAT_MAX: usize = 64;
/// Points of a curve.
const POINTS: usize = 40;

/// Places the keys, with a mitigation for the first ones.
pub(super) fn placed(
    request: &Request,
    mitigation: Mitigation,
    treated: &[f64],
) -> Result<Imbalance> {
    let copied =
        treated.iter().flat_map(|share| mitigation.copied(*share, request.nodes, request.reads));
    let traffic = placement::Traffic {
        popularity: &request.traffic.popularity,
        skip: treated.len(),
        copied: copied.collect(),
    };
    imbalance(&traffic, &request.shares, request.trials)
}

/// The hottest keys' shares: those that mitigations are applied to.
fn treated(request: &Request) -> Vec<f64> {
    let head = request.traffic.popularity.head(TREAT_MAX);
    match request.treat {
        Some(count) => request.traffic.popularity.head(count.max(1) as usize),
        None => {
            let is_hot = |share: &&f64| index(**share, request.nodes) >= INDEX_HOT;
            let hot: Vec<f64> = head.iter().take_while(is_hot).copied().collect();
            if hot.is_empty() { head.into_iter().take(1).collect() } else { hot }
        }
    }
}

/// The table, the advice and the curves; `before` is how it is without any mitigation.
pub(super) fn fill(report: &mut Report, request: &Request, before: &Imbalance) -> Result<()> {
    let treated = treated(request);
    let Some(hottest) = treated.first().copied() else { return Ok(()) };
    let columns = ["mitigation", "node of first key", "median", "p95", "total work", "extra nodes"];
    let title = format!(
        "what it buys for the {}: the busiest node over the mean, {} of operations read",
        match treated.len() {
            1 => "hottest key".to_owned(),
            count => format!("{count} hottest keys"),
        },
        percent(request.reads),
    );
    let mut table = Table::new("mitigations", columns).titled(title);
    let mut curves = Vec::new();
    for mitigation in &request.mitigations {
        let effect = mitigation.effect(hottest, request.nodes, request.reads);
        let found = placed(request, *mitigation, &treated)?;
        let extra: f64 = treated
            .iter()
            .map(|share| mitigation.extra_work(*share, request.nodes, request.reads))
            .sum();
        // A node that is there for one key is a node that may be the busiest.
        let floor = match mitigation {
            Mitigation::Dedicated(_) => effect.key_load,
            _ => 0.0,
        };
        let (median, p95) = (found.quantile(0.5).max(floor), found.quantile(0.95).max(floor));
        let extra_nodes = u64::from(effect.extra_nodes) * treated.len() as u64;
        table.row([
            Cell::text(mitigation.text()),
            Cell::Number(effect.busiest, 2),
            Cell::Number(median, 2),
            Cell::Number(p95, 2),
            Cell::Number(1.0 + extra, 2),
            Cell::Count(extra_nodes),
        ]);
        report.alternatives.push(json!({
            "mitigation": mitigation.name(), "busiest_node": finite(effect.busiest),
            "imbalance_p50": finite(median), "imbalance_p95": finite(p95),
            "total_work": finite(1.0 + extra), "extra_nodes": extra_nodes,
        }));
        curves.push((mitigation.text(), curve(&found, floor)));
    }
    report.block(Block::Table(table));
    report.line(advice(request, hottest, before));
    report.figure("treated_keys", treated.len());
    report.block(Block::Chart(Chart::Lines(Lines {
        title: "busiest node over the mean, by the share of placements".to_owned(),
        x: Axis { label: "share of placements, %".to_owned(), scale: Scale::Linear },
        y: Axis { label: "times the mean".to_owned(), scale: Scale::Linear },
        curves,
    })));
    Ok(())
}

fn curve(found: &Imbalance, floor: f64) -> Vec<(f64, f64)> {
    let point = |at: usize| {
        let share = at as f64 / POINTS as f64;
        (share * 100.0, found.quantile(share).max(floor))
    };
    (0..=POINTS).map(point).collect()
}

fn advice(request: &Request, hottest: f64, before: &Imbalance) -> String {
    let key_index = index(hottest, request.nodes);
    match Heat::of(key_index) {
        Heat::Mild if before.quantile(0.95) < 1.0 + INDEX_HOT => {
            "advice     none of it is needed: no key is hot, and the nodes are nearly even".to_owned()
        }
        Heat::Mild => {
            "advice     no key alone is hot; fewer, larger nodes or slots moved by traffic even it out"
                .to_owned()
        }
        Heat::Hot => format!(
            "advice     the hottest key takes {} of a node: replicas or parts pay off if its node is full",
            percent(key_index)
        ),
        Heat::Saturating => format!(
            "advice     the hottest key takes {} nodes' fair share: no layout helps, only copies or parts",
            decimals(key_index, 1)
        ),
    }
}
