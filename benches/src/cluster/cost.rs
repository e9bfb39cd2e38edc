//! What a replica costs its primary: processor time per SET of a node alone, of a cluster of one
//! node, and of a primary with an asynchronous replica, in turn.
//!
//! The servers share the servers' core; the replica is beside the generator, so that what it costs is
//! not in the primary's time but through caches.

use std::net::SocketAddr;
use std::process::Command;

use super::fixture::{self, Cluster, Form};
use crate::connection::Connection;
use crate::error::{Context, Error, Result};
use crate::generator;
use crate::load::{self, Change};
use crate::peers::Program;
use crate::process::Processor;
use crate::results::{ReplicationCostRun, SpeedRun};
use crate::server::{Server, Setup};
use crate::speed::{Cell, Plan, fill, percentiles};

/// What is run when no cell is named.
pub(crate) const USUAL_CELLS: &[&str] = &["set-64-p1", "set-64-p16"];

/// The three, as they are called in results.
pub(crate) const ALONE: &str = "alone";
pub(crate) const CLUSTERED: &str = "cluster of one";
pub(crate) const REPLICATED: &str = "one replica";

struct Subject {
    name: &'static str,
    address: SocketAddr,
    pid: u32,
    replica: Option<u32>,
}

/// Runs the cells on each in turn.
pub(crate) fn run(
    skep: &Program,
    plan: &Plan,
    generator_core: &str,
    mut keep: impl FnMut(ReplicationCostRun) -> Result<()>,
) -> Result<()> {
    for value_bytes in plan.value_lengths() {
        let limit = Some(fixture::MEMORY_BYTES);
        let setup = Setup { maxmemory: limit, ..Setup::on_cores(&plan.server_core) };
        let alone = Server::start(skep, &setup)?;
        fill(&alone, plan.key_count(value_bytes), value_bytes)?;
        let mut subjects =
            vec![Subject { name: ALONE, address: alone.address, pid: alone.pid(), replica: None }];
        let mut clusters = Vec::new();
        for (name, replicas) in [(CLUSTERED, 0), (REPLICATED, 1)] {
            let form = Form { nodes: replicas + 1, replicas, has_network: false };
            let cluster = Cluster::start(&skep.path, form, None)?;
            let subject = subject(name, &cluster, plan, generator_core)?;
            let connection = Connection::open(subject.address, skep.kind.dialect())?;
            let change = Change::Store { value_bytes, expiry_seconds: None };
            let numbers = 0..plan.key_count(value_bytes);
            load::apply_over(connection, skep.kind.dialect(), change, numbers)?;
            subjects.push(subject);
            clusters.push(cluster);
        }
        for cell in plan.cells.iter().filter(|cell| cell.value_bytes == value_bytes) {
            for rep in 0..plan.reps {
                for subject in &subjects {
                    keep(measure(subject, skep, plan, *cell, rep)?)?;
                }
            }
        }
    }
    Ok(())
}

fn subject(
    name: &'static str,
    cluster: &Cluster,
    plan: &Plan,
    generator_core: &str,
) -> Result<Subject> {
    let mut pids = Vec::new();
    let cores = [plan.server_core.as_str(), generator_core];
    for (node, core) in cluster.addresses().iter().zip(cores) {
        let pid = cluster.pid(*node)?.as_raw_nonzero().get().unsigned_abs();
        pin(pid, core)?;
        pids.push(pid);
    }
    let mut pids = pids.into_iter();
    let nothing = || Error::new("a cluster without nodes");
    let address = *cluster.addresses().first().ok_or_else(nothing)?;
    Ok(Subject { name, address, pid: pids.next().ok_or_else(nothing)?, replica: pids.next() })
}

fn pin(pid: u32, core: &str) -> Result<()> {
    let output = Command::new("taskset")
        .args(["--all-tasks", "--pid", "--cpu-list", core, &pid.to_string()])
        .output()
        .context("taskset (Debian package util-linux)")?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Error::new(format!("cannot bind process {pid} to core {core}"))),
    }
}

fn measure(
    subject: &Subject,
    skep: &Program,
    plan: &Plan,
    cell: Cell,
    rep: usize,
) -> Result<ReplicationCostRun> {
    let load = plan.load(cell, skep.kind, rep);
    let probe = || {
        let replica = subject.replica.map(Processor::read).transpose()?;
        let own = Processor::read(std::process::id())?;
        Ok((Processor::read(subject.pid)?, replica.unwrap_or_default(), own))
    };
    let measured = generator::run(subject.address, &load, probe)?;
    let (before, after) = measured.probes;
    let used = after.0.since(before.0);
    let operations = measured.operations.max(1);
    let per_operation = |ns: u64| ns as f64 / 1e3 / operations as f64;
    let run = SpeedRun {
        server: subject.name.to_owned(),
        cell: cell.to_string(),
        rep,
        cpu_us_per_op: per_operation(used.run_ns),
        ops_per_second: operations as f64 / measured.seconds,
        operations,
        latency: percentiles(&measured.latency_ns),
        server_wait_share: used.wait_share(),
        generator_wait_share: after.2.since(before.2).wait_share(),
    };
    let replica = after.1.since(before.1);
    let replica_us_per_op = subject.replica.map(|_| per_operation(replica.run_ns));
    Ok(ReplicationCostRun { run, replica_us_per_op })
}
