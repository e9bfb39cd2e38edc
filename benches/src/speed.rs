//! Processor time per operation, throughput and latency: every server in turn, several times over.
//!
//! All servers of a cell run at once, idle but for the one under load, and take turns (A B C A B
//! C), so that what disturbs the machine disturbs them alike. Compare figures of one table only.

use std::str::FromStr;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::error::{Error, Result};
use crate::generator::{self, Load, Operation, Stop};
use crate::load::{self, Change};
use crate::peers::{Kind, LIMIT, Program};
use crate::process::Processor;
use crate::results::{Latency, SpeedRun};
use crate::server::{Server, Setup};

/// A kind of load: operation, value length, pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Read or write.
    pub(crate) operation: Operation,
    /// The length of the values.
    pub(crate) value_bytes: usize,
    /// Requests sent at once.
    pub(crate) pipeline: usize,
}

/// What is run when no cell is named.
pub(crate) const USUAL_CELLS: &[&str] = &[
    "get-64-p1",
    "get-64-p16",
    "get-64-p64",
    "set-64-p1",
    "set-64-p16",
    "set-64-p64",
    "get-1024-p1",
    "get-1024-p16",
    "get-1024-p64",
    "set-1024-p1",
    "set-1024-p16",
    "set-1024-p64",
];

const PIPELINE_MAX: usize = 1024;
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Values larger than this count as large: fewer keys.
const SMALL_VALUE_BYTES: usize = 256;
const SMALL_KEY_COUNT: u64 = 1_000_000;
const LARGE_KEY_COUNT: u64 = 300_000;

impl FromStr for Cell {
    type Err = Error;

    fn from_str(text: &str) -> Result<Cell> {
        let parse = || {
            let mut words = text.split('-');
            let operation = match words.next()? {
                "get" => Operation::Get,
                "set" => Operation::Set,
                _ => return None,
            };
            let value_bytes = words.next()?.parse().ok()?;
            let pipeline = words.next()?.strip_prefix('p')?.parse().ok()?;
            let is_sound = words.next().is_none()
                && (1..=PIPELINE_MAX).contains(&pipeline)
                && (1..=VALUE_BYTES_MAX).contains(&value_bytes);
            is_sound.then_some(Cell { operation, value_bytes, pipeline })
        };
        parse().ok_or_else(|| Error::new(format!("{text:?} is no cell; one is get-64-p16")))
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.operation {
            Operation::Get => "get",
            Operation::Set => "set",
        };
        write!(formatter, "{name}-{}-p{}", self.value_bytes, self.pipeline)
    }
}

/// The options of the suites that put load on servers.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Which cells.
    pub(crate) cells: Vec<Cell>,
    /// How many turns.
    pub(crate) reps: usize,
    /// How long a run is.
    pub(crate) stop: Stop,
    /// How long it runs before that.
    pub(crate) warm_up: Duration,
    /// Connections.
    pub(crate) connections: usize,
    /// Keys, when not as usual for the size.
    pub(crate) key_count: Option<u64>,
    /// The core of the servers.
    pub(crate) server_core: String,
}

impl Plan {
    /// The number of keys for values of a length.
    pub(crate) fn key_count(&self, value_bytes: usize) -> u64 {
        let usual =
            if value_bytes <= SMALL_VALUE_BYTES { SMALL_KEY_COUNT } else { LARGE_KEY_COUNT };
        self.key_count.unwrap_or(usual)
    }

    /// The load of a cell on a server.
    pub(crate) fn load(&self, cell: Cell, kind: Kind, rep: usize) -> Load {
        Load {
            dialect: kind.dialect(),
            has_multiget: kind == Kind::Memcached && cell.pipeline > 1,
            checks_content: kind != Kind::Limit,
            operation: cell.operation,
            value_bytes: cell.value_bytes,
            pipeline: cell.pipeline,
            connections: self.connections,
            key_count: self.key_count(cell.value_bytes),
            keys_are_disjoint: false,
            seed: rep as u64 + 1,
            warm_up: self.warm_up,
            stop: self.stop,
        }
    }

    /// The value lengths of the cells, each once, in order.
    pub(crate) fn value_lengths(&self) -> Vec<usize> {
        let mut lengths = Vec::new();
        for cell in &self.cells {
            if !lengths.contains(&cell.value_bytes) {
                lengths.push(cell.value_bytes);
            }
        }
        lengths
    }
}

/// Runs the cells; every finished run is handed over at once.
pub(crate) fn run(
    programs: &[Program],
    plan: &Plan,
    mut keep: impl FnMut(SpeedRun) -> Result<()>,
) -> Result<()> {
    for value_bytes in plan.value_lengths() {
        let servers = start_and_fill(programs, plan, value_bytes)?;
        for cell in plan.cells.iter().filter(|cell| cell.value_bytes == value_bytes) {
            for rep in 0..plan.reps {
                for server in &servers {
                    let load = plan.load(*cell, server.program.kind, rep);
                    keep(measure(server, &load, *cell, rep)?)?;
                }
            }
        }
    }
    Ok(())
}

fn start_and_fill(programs: &[Program], plan: &Plan, value_bytes: usize) -> Result<Vec<Server>> {
    let mut servers = Vec::with_capacity(programs.len());
    for program in programs {
        let mut setup = Setup::on_cores(&plan.server_core);
        setup.limit_value_bytes = value_bytes;
        let server = Server::start(program, &setup)?;
        fill(&server, plan.key_count(value_bytes), value_bytes)?;
        servers.push(server);
    }
    Ok(servers)
}

/// Stores all the keys; the parse-only server stores nothing.
pub(crate) fn fill(server: &Server, key_count: u64, value_bytes: usize) -> Result<()> {
    if server.program.name == LIMIT {
        return Ok(());
    }
    let change = Change::Store { value_bytes, expiry_seconds: None };
    load::apply(server, change, 0..key_count)?;
    load::check_item_count(server, key_count)
}

/// One run of a load on a server.
pub(crate) fn measure(server: &Server, load: &Load, cell: Cell, rep: usize) -> Result<SpeedRun> {
    let own_pid = std::process::id();
    let probe = || Ok((Processor::read(server.pid())?, Processor::read(own_pid)?));
    let measured = generator::run(server.address, load, probe)?;
    let ((server_before, own_before), (server_after, own_after)) = measured.probes;
    let used = server_after.since(server_before);
    let operations = measured.operations.max(1);
    Ok(SpeedRun {
        server: server.program.name.to_owned(),
        cell: cell.to_string(),
        rep,
        cpu_us_per_op: used.run_ns as f64 / 1e3 / operations as f64,
        ops_per_second: operations as f64 / measured.seconds,
        operations,
        latency: percentiles(&measured.latency_ns),
        server_wait_share: used.wait_share(),
        generator_wait_share: own_after.since(own_before).wait_share(),
    })
}

/// The percentiles that are reported.
pub(crate) fn percentiles(latency_ns: &Histogram<u64>) -> Latency {
    let at = |quantile: f64| latency_ns.value_at_quantile(quantile) as f64 / 1e3;
    Latency { p50_us: at(0.5), p99_us: at(0.99), p999_us: at(0.999) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_its_name() {
        for name in USUAL_CELLS {
            assert_eq!(name.parse::<Cell>().unwrap().to_string(), *name);
        }
        for name in ["", "get-64", "del-64-p1", "get-64-p0", "get-0-p1", "get-64-p1-x", "get-64-16"]
        {
            assert!(name.parse::<Cell>().is_err(), "{name}");
        }
    }

    #[test]
    fn percentiles_are_in_microseconds() {
        let mut latency_ns = generator::histogram().unwrap();
        (1..=1000).for_each(|us| latency_ns.saturating_record(us * 1000));
        let latency = percentiles(&latency_ns);
        // Three significant digits are kept.
        assert!((latency.p50_us - 500.0).abs() < 1.0, "{latency:?}");
        assert!((latency.p99_us - 990.0).abs() < 2.0, "{latency:?}");
        assert!((latency.p999_us - 999.0).abs() < 2.0, "{latency:?}");
    }
}
