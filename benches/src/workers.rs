//! What a second worker costs: the same work on disjoint keys, by one worker and by two.
//!
//! Every connection keeps to its own share of the keys, so no two workers want the same item; what
//! remains is what workers share: stripes' locks, caches, memory. On a machine with two cores the
//! second worker shares its core with the generator: it is then charged for cache misses and
//! switches that have nothing to do with it, so the ratio is an upper bound.

use crate::error::{Error, Result};
use crate::generator::Stop;
use crate::peers::{Program, SKEP};
use crate::results::WorkersRun;
use crate::server::{Server, Setup};
use crate::speed::{Plan, fill, measure};

/// What is run when no cell is named.
pub(crate) const USUAL_CELLS: &[&str] = &["get-64-p16", "set-64-p16", "get-64-p64"];

/// The work of one run when its amount is not given.
pub(crate) const USUAL_STOP: Stop = Stop::Operations(3_000_000);

/// The numbers of workers compared, with the cores each may use.
const SETUPS: [(usize, Cores); 2] = [(1, Cores::Server), (2, Cores::Both)];

#[derive(Clone, Copy)]
enum Cores {
    Server,
    Both,
}

/// Runs the cells with one worker and with two in turn.
pub(crate) fn run(
    programs: &[Program],
    plan: &Plan,
    generator_core: &str,
    mut keep: impl FnMut(WorkersRun) -> Result<()>,
) -> Result<()> {
    let skep = programs.iter().find(|program| program.name == SKEP);
    let skep = skep.ok_or_else(|| Error::new("the workers suite needs skep"))?;
    for value_bytes in plan.value_lengths() {
        let mut servers = Vec::new();
        for (workers, cores) in SETUPS {
            let cores = match cores {
                Cores::Server => plan.server_core.clone(),
                Cores::Both => format!("{},{generator_core}", plan.server_core),
            };
            let setup = Setup { workers, ..Setup::on_cores(&cores) };
            let server = Server::start(skep, &setup)?;
            fill(&server, plan.key_count(value_bytes), value_bytes)?;
            servers.push((workers, server));
        }
        for cell in plan.cells.iter().filter(|cell| cell.value_bytes == value_bytes) {
            for rep in 0..plan.reps {
                for (workers, server) in &servers {
                    let mut load = plan.load(*cell, server.program.kind, rep);
                    load.keys_are_disjoint = true;
                    let run = measure(server, &load, *cell, rep)?;
                    keep(WorkersRun { workers: *workers, run })?;
                }
            }
        }
    }
    Ok(())
}
