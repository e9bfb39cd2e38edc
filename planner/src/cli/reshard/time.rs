//! How long a plan takes, and which large keys pause.

use serde_json::{Value, json};
use skep_keyspace::order::Step as Hop;

use super::arguments::Request;
use crate::model::reshard::{Forecast, Owners, forecast};
use crate::quantity::{ByteUnit, grouped, spoken_seconds};
use crate::report::cell::finite;
use crate::report::{Block, Cell, Report, Step, Table, Unit};

/// A pause that clients with usual timeouts notice.
const PAUSE_SECONDS: f64 = 1.0;

pub(super) fn fill(report: &mut Report, request: &Request, owners: &Owners, hops: &[Hop]) {
    forecasted(report, request, hops);
    big_keys(report, request, owners, hops);
}

fn forecasted(report: &mut Report, request: &Request, hops: &[Hop]) {
    if !request.knows_sizes {
        report.figure("forecast", Value::Null);
        return;
    }
    let sizes = &request.sizes;
    let slots: Vec<(u64, u64)> = hops
        .iter()
        .map(|hop| usize::from(hop.step.slot))
        .map(|slot| (sizes.bytes[slot], sizes.keys[slot]))
        .collect();
    let bytes: u64 = slots.iter().map(|slot| slot.0).sum();
    let keys: u64 = slots.iter().map(|slot| slot.1).sum();
    let found = forecast(&slots, &request.speed, request.seed);
    let Forecast { p50_seconds, p90_seconds, least_seconds, most_seconds } = found;
    let unit = ByteUnit::of(bytes, report.units);
    report.line(format!(
        "time     {} (p50), {} (p90) for {} keys, {}; {} to {} at the ends of the speeds",
        spoken_seconds(p50_seconds),
        spoken_seconds(p90_seconds),
        grouped(keys),
        unit.text(bytes as f64),
        spoken_seconds(least_seconds),
        spoken_seconds(most_seconds),
    ));
    report.figure(
        "forecast",
        json!({
            "p50_seconds": finite(p50_seconds), "p90_seconds": finite(p90_seconds),
            "least_seconds": finite(least_seconds), "most_seconds": finite(most_seconds),
            "keys": keys, "bytes": bytes,
        }),
    );
    let (speed, count) = (&request.speed, slots.len() as u64);
    let step = |id, label: &str, value| Step {
        id,
        label: label.to_owned(),
        formula: format!(
            "sum over {} slots of max(bytes / {:.0}..{:.0} per second, keys / {:.0}..{:.0} per \
             second) / {} + {} x {}",
            grouped(count),
            speed.bytes_per_second.0,
            speed.bytes_per_second.1,
            speed.keys_per_second.0,
            speed.keys_per_second.1,
            speed.parallel,
            grouped(count),
            spoken_seconds(speed.slot_seconds),
        ),
        value,
        unit: Unit::Seconds,
        why: "a slot is as slow as its bytes or its keys; which speed of the range it will be is \
              drawn 1,001 times"
            .to_owned(),
        source: "default keys/s: redis-cli --cluster reshard on Redis 7.0 and 8.2, 61,023 keys of \
                 64 bytes, loopback; default bytes/s: half to nearly all of 1 Gbit/s (assumed); \
                 default hand-over: four round trips of 0.5 ms (assumed)",
    };
    report.steps.push(step("time_p50", "time, p50", p50_seconds));
    report.steps.push(step("time_p90", "time, p90", p90_seconds));
}

fn big_keys(report: &mut Report, request: &Request, owners: &Owners, hops: &[Hop]) {
    if request.big_keys.is_empty() {
        report.figure("big_keys", Value::Null);
        return;
    }
    let (low, high) = request.speed.bytes_per_second;
    let middle = (low * high).sqrt();
    let columns = ["key", "slot", "from", "to", "bytes", "pause", "at worst"];
    let mut table = Table::new("big_keys", columns).titled("keys that pause their node");
    let mut results: Vec<Value> = Vec::new();
    let mut keys = request.big_keys.clone();
    keys.sort_by(|one, other| other.bytes.cmp(&one.bytes).then(one.key.cmp(&other.key)));
    let mut worst = 0.0f64;
    for key in &keys {
        for hop in hops.iter().filter(|hop| hop.step.slot == key.slot) {
            let (pause, at_worst) = (key.bytes as f64 / middle, key.bytes as f64 / low);
            let from = &owners.names[usize::from(hop.step.source)];
            let to = &owners.names[usize::from(hop.step.target)];
            worst = worst.max(at_worst);
            table.row([
                Cell::text(&key.key),
                Cell::Count(key.slot.into()),
                Cell::text(from),
                Cell::text(to),
                Cell::Bytes(key.bytes),
                Cell::Seconds(pause),
                Cell::Seconds(at_worst),
            ]);
            results.push(json!({
                "key": key.key, "slot": key.slot, "from": from, "to": to, "bytes": key.bytes,
                "pause_seconds": finite(pause), "worst_pause_seconds": finite(at_worst),
            }));
        }
    }
    report.figure("big_keys", results);
    if table.rows.is_empty() {
        report.line("pauses   none of the large keys moves");
        return;
    }
    report.block(Block::Table(table));
    report.steps.push(Step {
        id: "pause",
        label: "longest pause".to_owned(),
        formula: format!("bytes / {low:.0} per second"),
        value: worst,
        unit: Unit::Seconds,
        why: "MIGRATE sends a key whole, and its node answers nobody meanwhile".to_owned(),
        source: "Redis, MIGRATE: both instances are blocked while the key is transferred",
    });
    if worst > PAUSE_SECONDS {
        report.warn(
            "pause",
            format!("a node may answer nobody for {}", spoken_seconds(worst)),
            "split the key, move its slot at a quiet hour, and keep cluster-node-timeout above it",
        );
    }
}
