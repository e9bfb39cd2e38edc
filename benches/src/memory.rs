//! Resident memory per item: what a server's process grows by when it is filled.

use crate::error::Result;
use crate::load::{self, Change};
use crate::peers::{LIMIT, Program};
use crate::process::Resident;
use crate::results::MemoryRun;
use crate::server::{Server, Setup};

/// A filling: how many items of what length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling {
    /// Items.
    pub(crate) items: u64,
    /// The length of their values.
    pub(crate) value_bytes: usize,
}

/// The two fillings of the table.
pub(crate) const USUAL_FILLINGS: [Filling; 2] = [
    Filling { items: 5_000_000, value_bytes: 64 },
    Filling { items: 1_000_000, value_bytes: 1024 },
];

/// Far enough away that nothing expires during the run.
const EXPIRY_SECONDS: u32 = 1_000_000;

/// Fills every server, without and with expiry.
pub(crate) fn run(
    programs: &[Program],
    fillings: &[Filling],
    server_core: &str,
    mut keep: impl FnMut(MemoryRun) -> Result<()>,
) -> Result<()> {
    for filling in fillings {
        for has_expiry in [false, true] {
            for program in programs.iter().filter(|program| program.name != LIMIT) {
                keep(measure(program, *filling, has_expiry, server_core)?)?;
            }
        }
    }
    Ok(())
}

fn measure(
    program: &Program,
    filling: Filling,
    has_expiry: bool,
    server_core: &str,
) -> Result<MemoryRun> {
    let Filling { items, value_bytes } = filling;
    let server = Server::start(program, &Setup::on_cores(server_core))?;
    let (before, _) = Resident::read_settled(server.pid())?;
    let used_before = server.used_memory_bytes()?;
    let expiry_seconds = has_expiry.then_some(EXPIRY_SECONDS);
    load::apply(&server, Change::Store { value_bytes, expiry_seconds }, 0..items)?;
    load::check_item_count(&server, items)?;
    let (after, settled) = Resident::read_settled(server.pid())?;
    Ok(MemoryRun {
        server: program.name.to_owned(),
        items,
        value_bytes,
        has_expiry,
        rss_before: before.bytes,
        rss_after: after.bytes,
        used_before,
        used_after: server.used_memory_bytes()?,
        rss_peak: after.peak_bytes,
        settle_ms: settled.waited_ms,
        is_settled: settled.is_stable,
    })
}
