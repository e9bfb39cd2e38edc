//! Commands that carry a plan out, batch by batch.
//!
//! `redis-cli --cluster reshard` chooses slots itself, the lowest of a node, so it cannot follow a
//! plan; the script says which. Stopped halfway, `--resume` tells what is left.

use skep_keyspace::order::Step as Hop;

use super::arguments::{Emit, Request};
use crate::cli::shards::endpoint;
use crate::model::reshard::Owners;
use crate::model::reshard::saved::{Part, gathered};
use crate::report::{Block, Report};

/// Moves the slots of a range one by one. Keys with line breaks in their names stop it.
const SCRIPT: &str = r#"# bash, with redis-cli 7 or later; a password comes from REDISCLI_AUTH
set -eu
at() { redis-cli -e -h "$1" -p "$2" "${@:3}"; }
migrate() { # source host and port, target host and port, first and last slot
  local source=("$1" "$2") target=("$3" "$4") source_id target_id slot keys reply
  source_id=$(at "${source[@]}" CLUSTER MYID)
  target_id=$(at "${target[@]}" CLUSTER MYID)
  for slot in $(seq "$5" "$6"); do
    at "${target[@]}" CLUSTER SETSLOT "$slot" IMPORTING "$source_id" > /dev/null
    at "${source[@]}" CLUSTER SETSLOT "$slot" MIGRATING "$target_id" > /dev/null
    while [ "$(at "${source[@]}" CLUSTER COUNTKEYSINSLOT "$slot")" != 0 ]; do
      mapfile -t keys < <(at "${source[@]}" CLUSTER GETKEYSINSLOT "$slot" 100)
      reply=$(at "${source[@]}" MIGRATE "${target[@]}" '' 0 60000 \
        ${REDISCLI_AUTH:+AUTH "$REDISCLI_AUTH"} KEYS "${keys[@]}")
      [ "$reply" = OK ] || { echo "slot $slot: $reply" >&2; exit 1; }
    done
    at "${target[@]}" CLUSTER SETSLOT "$slot" NODE "$target_id" > /dev/null
    at "${source[@]}" CLUSTER SETSLOT "$slot" NODE "$target_id" > /dev/null
  done
}"#;

pub(super) fn fill(report: &mut Report, request: &Request, owners: &Owners, batches: &[Vec<Hop>]) {
    let Some(emit) = request.emit else { return };
    let mut lines: Vec<String> = match emit {
        Emit::RedisCli => SCRIPT.lines().map(str::to_owned).collect(),
        Emit::Node => Vec::new(),
    };
    for (number, batch) in (1..).zip(batches) {
        lines.push(format!("# batch {number} of {}", batches.len()));
        for part in gathered(batch) {
            match emit {
                Emit::RedisCli => lines.extend(script(owners, &part)),
                Emit::Node => lines.extend(native(owners, &part)),
            }
        }
    }
    report.figure("commands", lines.clone());
    report.block(Block::Commands(lines));
}

fn script(owners: &Owners, part: &Part) -> Vec<String> {
    let (from_host, from_port) = endpoint(&owners.names[part.source]);
    let (to_host, to_port) = endpoint(&owners.names[part.target]);
    let ranges = part.slots.ranges();
    let line =
        |first, last| format!("migrate {from_host} {from_port} {to_host} {to_port} {first} {last}");
    ranges.map(|range| line(range.first, range.last)).collect()
}

/// The words of Valkey 9, which our nodes take too.
fn native(owners: &Owners, part: &Part) -> [String; 2] {
    let (source, target) = (&owners.names[part.source], &owners.names[part.target]);
    let id = owners.ids[part.target].clone().unwrap_or_else(|| format!("<id of {target}>"));
    let ranges = part.slots.ranges().map(|range| format!("{} {}", range.first, range.last));
    let ranges: Vec<String> = ranges.collect();
    let words = ranges.join(" ");
    [format!("# at {source}"), format!("CLUSTER MIGRATESLOTS SLOTSRANGE {words} NODE {id}")]
}
