//! What cuts do on the whole: shares, looked at one by one or sampled, and the worst, which never is.

use serde_json::{Map, Value};

use super::arguments::Request;
use crate::model::failover::Cuts;
use crate::model::quorum::{Control, no_group_in_cut};
use crate::quantity::{decimals, grouped};
use crate::report::cell::finite;
use crate::report::chart::Bars;
use crate::report::{Block, Cell, Chart, Report, Step, Table, Unit};

/// Rows that a terminal shows before they become a sentence.
const ROWS_MAX: usize = 12;
/// Up to so many ways are written out: a number made of its logarithm is off in its last digits.
const WAYS_WRITTEN_MAX: f64 = 1e9;

pub(super) fn fill(report: &mut Report, request: &Request, cut: u32, found: &Cuts) {
    lines(report, request, cut, found);
    let mut table = Table::new("cuts", ["uncovered shards", "probability"]);
    let bars = found.uncovered.iter().enumerate();
    let has_many = found.uncovered.len() > ROWS_MAX;
    for (shards, probability) in bars.clone() {
        if !has_many || *probability > 0.0 {
            table.row([Cell::count(shards), Cell::Share(*probability, 2)]);
        }
    }
    if has_many {
        table.prose = Some(vec![quantiles(&found.uncovered)]);
    }
    report.block(Block::Table(table));
    report.block(Block::Chart(Chart::Bars(Bars {
        title: format!("shards that a random cut of {cut} leaves nobody to serve"),
        label: "probability, %".to_owned(),
        bars: bars.map(|(shards, share)| (shards.to_string(), share * 100.0)).collect(),
        mark: None,
    })));
    figures(report, found);
    if !found.is_exact {
        report.seed = Some(request.seed);
    }
    steps(report, request, cut, found);
}

/// Up to how many shards most cuts leave uncovered.
fn quantiles(shares: &[f64]) -> String {
    let all: f64 = shares.iter().sum();
    let up_to = |share: f64| {
        let mut sum = 0.0;
        let reached = |here: &f64| {
            sum += here;
            sum >= share * all
        };
        shares.iter().position(reached).unwrap_or(shares.len() - 1)
    };
    format!(
        "uncovered shards  half of the cuts {} or fewer, 95 % of them {}, 99 % of them {}, all that \
         were looked at {}",
        up_to(0.5),
        up_to(0.95),
        up_to(0.99),
        shares.len() - 1
    )
}

fn lines(report: &mut Report, request: &Request, cut: u32, found: &Cuts) {
    let machines = request.cluster.machines();
    let others = grouped((machines - cut as usize) as u64);
    let cut = grouped(cut.into());
    let seen = grouped(found.seen as u64);
    let seen = match found.is_exact {
        true => format!("all {seen} ways"),
        false => {
            format!("sampled, {seen} of {} ways with seed {}", ways(found.ln_ways), request.seed)
        }
    };
    let name = request.control.name();
    report.line(format!("cut {cut} of {}: {seen}", grouped(machines as u64)));
    report.line(format!(
        "  the other {others} keep a majority of the {name} in {}, the {cut} get it in {}, neither \
         side in {}{}",
        percent(found.others_decide),
        percent(found.cut_side_decides),
        percent(found.undecided),
        match (found.is_exact, found.is_quorum_sampled) {
            (true, _) => "",
            (false, true) => " of the sample",
            (false, false) => " (reckoned, not sampled)",
        },
    ));
    report.line(format!(
        "  the side with the majority serves every slot in {}{}; {}",
        percent(found.survive),
        if found.is_exact { "" } else { " of the sample" },
        worst_text(found, request)
    ));
}

/// The worst cut: what is known of it.
fn worst_text(found: &Cuts, request: &Request) -> String {
    let worst = &found.worst;
    let (least, most) = (worst.uncovered_shards_at_least(), worst.uncovered_shards_at_most);
    let slots = [&worst.others, &worst.cut_side].into_iter().flatten();
    let slots = grouped(slots.map(|outcome| outcome.uncovered_slots).max().unwrap_or(0).into());
    // Of shards that are equally many the largest are known if all have as many deciders.
    let is_largest = request.cluster.is_dedicated() && request.control == Control::Primaries;
    let slots = if is_largest { slots } else { format!("at least {slots}") };
    let mut text = match (least == most, most) {
        (true, 0) => "no cut leaves it a shard without a copy".to_owned(),
        (true, 1) => format!("the worst cut leaves 1 shard ({slots} slots) without a copy"),
        (true, _) => format!("the worst cut leaves {most} shards ({slots} slots) without a copy"),
        (false, _) => format!(
            "the worst cut leaves at least {least} shards ({slots} slots) and at most {most} without \
             a copy"
        ),
    };
    if worst.undecided.is_some() {
        text.push_str("; some cuts leave neither side a majority");
    } else if worst.may_be_undecided {
        text.push_str("; that some cut leaves neither side a majority is not excluded");
    }
    text
}

/// `10,626`, or `10^299`.
fn ways(ln_ways: f64) -> String {
    let number = ln_ways.exp();
    match number < WAYS_WRITTEN_MAX {
        true => decimals(number, 0),
        false => format!("10^{}", decimals(ln_ways / std::f64::consts::LN_10, 0)),
    }
}

/// A share that is no certainty is not shown as one.
fn percent(share: f64) -> String {
    match share {
        share if share > 0.0 && share < 0.0005 => "less than 0.1 %".to_owned(),
        share if share < 1.0 && share > 0.9995 => "more than 99.9 %".to_owned(),
        share => format!("{} %", decimals(share * 100.0, 1)),
    }
}

fn figures(report: &mut Report, found: &Cuts) {
    let worst = &found.worst;
    let slots = [&worst.others, &worst.cut_side].into_iter().flatten();
    let slots = slots.map(|outcome| outcome.uncovered_slots).max().unwrap_or(0);
    let ways = found.ln_ways.exp().round();
    let ways = if ways < WAYS_WRITTEN_MAX { finite(ways) } else { Value::Null };
    let figures: Map<String, Value> = [
        ("ways", ways),
        ("ways_log10", finite(found.ln_ways / std::f64::consts::LN_10)),
        ("seen", Value::from(found.seen)),
        ("is_sampled", Value::from(!found.is_exact)),
        ("survived", finite(found.survive)),
        ("majority_kept", finite(found.others_decide)),
        ("cut_side_majority", finite(found.cut_side_decides)),
        ("no_majority", finite(found.undecided)),
        ("majority_is_sampled", Value::from(found.is_quorum_sampled)),
        ("worst_is_exact", Value::from(worst.is_exact())),
        ("worst_uncovered_shards_at_least", Value::from(worst.uncovered_shards_at_least())),
        ("worst_uncovered_shards_at_most", Value::from(worst.uncovered_shards_at_most)),
        ("worst_uncovered_slots_at_least", Value::from(slots)),
        ("may_leave_no_majority", Value::from(worst.may_be_undecided)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    report.figure("cuts", Value::Object(figures));
}

fn steps(report: &mut Report, request: &Request, cut: u32, found: &Cuts) {
    let (shards, copies) = (request.cluster.shards(), request.cluster.copies());
    if request.cluster.is_dedicated() {
        report.steps.push(Step {
            id: "covered",
            label: format!("a random cut of {cut} has no shard whole"),
            formula: format!("product over {shards} shards of what hypergeometric draws leave"),
            value: no_group_in_cut(shards as u32, copies as u32, cut),
            unit: Unit::Ratio,
            why: "a shard is lost to the others only if every copy of it is cut off".to_owned(),
            source: "combinatorics",
        });
    }
    let (_, needed) = request.cluster.needed();
    report.steps.push(Step {
        id: "worst_cut",
        label: "most shards without a copy on the side that goes on".to_owned(),
        formula: format!(
            "{copies} machines for each, those with fewest {} first, while {needed} of these are left",
            request.control.name()
        ),
        value: found.worst.uncovered_shards_at_most as f64,
        unit: Unit::Count,
        why: match found.worst.is_exact() {
            true => "a sample of cuts hardly ever has the worst in it, so that is constructed",
            false => "machines have copies of several shards, so this is a bound, not a cut",
        }
        .to_owned(),
        source: "combinatorics",
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_shares_are_never_more_certain_than_they_are() {
        assert_eq!(ways(10_626f64.ln()), "10,626");
        assert_eq!((ways(30.0), ways(1e5)), ("10^13".to_owned(), "10^43,429".to_owned()));
        assert!(
            quantiles(&[0.0, 0.6, 0.4]).contains("half of the cuts 1 or fewer, 95 % of them 2")
        );
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(0.999_999), "more than 99.9 %");
        assert_eq!((percent(0.0).as_str(), percent(1e-9).as_str()), ("0.0 %", "less than 0.1 %"));
    }
}
