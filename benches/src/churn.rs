//! Resident memory after churn: a random half is deleted, and as many new keys come with larger
//! values, so that the holes fit nothing. What a general allocator cannot give back shows here.

use crate::error::Result;
use crate::load::{self, Change};
use crate::memory::Filling;
use crate::peers::{LIMIT, Program};
use crate::process::Resident;
use crate::results::ChurnRun;
use crate::server::{Server, Setup};
use crate::workload::{KEY_BYTES, is_in_deleted_half};

/// New values are 1.3 times as long as the old ones, rounded.
fn refill_value_bytes(value_bytes: usize) -> usize {
    (value_bytes * 13 + 5) / 10
}

/// Fills, halves and refills every server.
pub(crate) fn run(
    programs: &[Program],
    fillings: &[Filling],
    server_core: &str,
    mut keep: impl FnMut(ChurnRun) -> Result<()>,
) -> Result<()> {
    for filling in fillings {
        for program in programs.iter().filter(|program| program.name != LIMIT) {
            keep(measure(program, *filling, server_core)?)?;
        }
    }
    Ok(())
}

fn measure(program: &Program, filling: Filling, server_core: &str) -> Result<ChurnRun> {
    let Filling { items, value_bytes } = filling;
    let server = Server::start(program, &Setup::on_cores(server_core))?;
    let settled = || Resident::read_settled(server.pid());
    let (before, _) = settled()?;

    let store = |value_bytes| Change::Store { value_bytes, expiry_seconds: None };
    load::apply(&server, store(value_bytes), 0..items)?;
    load::check_item_count(&server, items)?;
    let (filled, _) = settled()?;

    let deleted = (0..items).filter(|&number| is_in_deleted_half(number)).count() as u64;
    let kept = items - deleted;
    load::apply(&server, Change::Delete, (0..items).filter(|&number| is_in_deleted_half(number)))?;
    load::check_item_count(&server, kept)?;
    let (halved, _) = settled()?;

    let refill_value_bytes = refill_value_bytes(value_bytes);
    load::apply(&server, store(refill_value_bytes), items..items + deleted)?;
    load::check_item_count(&server, items)?;
    let (refilled, end) = settled()?;

    let payload = |count: u64, value_bytes: usize| count * (KEY_BYTES + value_bytes) as u64;
    Ok(ChurnRun {
        server: program.name.to_owned(),
        value_bytes,
        refill_value_bytes,
        items,
        live_bytes: payload(kept, value_bytes) + payload(deleted, refill_value_bytes),
        rss_before: before.bytes,
        rss_filled: filled.bytes,
        rss_deleted: halved.bytes,
        rss_refilled: refilled.bytes,
        settle_ms: end.waited_ms,
        is_settled: end.is_stable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_values_are_a_third_larger_nearly() {
        assert_eq!(refill_value_bytes(64), 83);
        assert_eq!(refill_value_bytes(1024), 1331);
    }
}
