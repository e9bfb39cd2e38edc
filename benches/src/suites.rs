//! Runs the suites that were asked for, keeps every run as it comes, prints the tables at the end.

use std::path::Path;
use std::time::Duration;

use crate::cluster::ClusterOptions;
use crate::cluster::failover::CAUSES;
use crate::error::{Error, Result};
use crate::generator::Stop;
use crate::hit_ratio::{self, Finding};
use crate::memory::{Filling, USUAL_FILLINGS};
use crate::peers::{self, Program};
use crate::results::{Invocation, Results};
use crate::speed::{self, Cell, Plan};
use crate::trace::{TRACES, Trace};
use crate::{
    Options, Suite, answers, churn, cluster, curves, latency, memory, prediction, process, report,
    repository, workers,
};

const USUAL_RUN: Stop = Stop::After(Duration::from_secs(2));
const USUAL_LATENCY_SECONDS: f64 = 10.0;
const WARM_UP: Duration = Duration::from_millis(300);
const REPS_MAX: usize = 1000;
const CONNECTIONS_MAX: usize = 1000;

/// Runs a suite, or all of them.
pub(crate) fn run(options: &Options, suite: &Suite) -> Result<()> {
    check(options)?;
    let programs = peers::find(&options.servers, &options.places())?;
    // Nodes of a cluster run where they like, and so do their clients.
    if !matches!(suite, Suite::Cluster(_)) {
        process::pin_self(&options.generator_core)?;
    }
    let mut session = Session { options, programs, results: Results::default() };
    session.results.invocations.push(Invocation::now(&session.programs));
    let outcome = session.suite(suite);
    // What was measured before a failure is shown all the same.
    print!("{}", report::sections(&session.results, options.style()));
    outcome
}

fn check(options: &Options) -> Result<()> {
    let reps_are_sound = (1..=REPS_MAX).contains(&options.reps);
    let connections_are_sound = (1..=CONNECTIONS_MAX).contains(&options.connections);
    match (reps_are_sound, connections_are_sound, options.keys) {
        (false, ..) => Err(Error::new(format!("--reps must be 1 to {REPS_MAX}"))),
        (_, false, _) => Err(Error::new(format!("--connections must be 1 to {CONNECTIONS_MAX}"))),
        (_, _, Some(keys)) if keys < options.connections as u64 => {
            Err(Error::new("--keys must be at least one for each connection"))
        }
        (true, true, _) => Ok(()),
    }
}

struct Session<'a> {
    options: &'a Options,
    programs: Vec<Program>,
    results: Results,
}

impl Session<'_> {
    fn suite(&mut self, suite: &Suite) -> Result<()> {
        match suite {
            Suite::Speed => self.speed(),
            Suite::Workers => self.workers(),
            Suite::Memory => self.memory(),
            Suite::Churn => self.churn(),
            Suite::HitRatio => self.hit_ratio(),
            Suite::Prediction => self.prediction(),
            Suite::Curves => self.curves(),
            Suite::ClusterAnswers => self.cluster_answers(),
            Suite::Cluster(wanted) => self.cluster(wanted),
            Suite::Latency => self.latency(),
            Suite::All => {
                self.speed()?;
                if self.programs.iter().any(|program| program.name == peers::SKEP) {
                    self.workers()?;
                }
                self.memory()?;
                self.churn()?;
                self.hit_ratio()?;
                self.prediction()?;
                self.cluster_answers()?;
                self.latency()
            }
            Suite::Report { .. } | Suite::LimitServer { .. } => Ok(()),
        }
    }

    fn plan(&self, cells: &[&str], stop: Stop) -> Result<Plan> {
        let named = self.options.cells.iter().map(String::as_str);
        let names: Vec<&str> = match self.options.cells.is_empty() {
            true => cells.to_vec(),
            false => named.collect(),
        };
        let cells: Result<Vec<Cell>> = names.into_iter().map(str::parse).collect();
        Ok(Plan {
            cells: cells?,
            reps: self.options.reps,
            stop: self.options.stop(stop)?,
            warm_up: WARM_UP,
            connections: self.options.connections,
            key_count: self.options.keys,
            server_core: self.options.server_core.clone(),
        })
    }

    fn speed(&mut self) -> Result<()> {
        let plan = self.plan(speed::USUAL_CELLS, USUAL_RUN)?;
        let (results, json) = (&mut self.results, self.options.json.as_deref());
        speed::run(&self.programs, &plan, |run| {
            eprintln!(
                "  {} {} turn {}: {:.2} us/op, {:.0} kops/s, waited {:.0} %",
                run.cell,
                run.server,
                run.rep + 1,
                run.cpu_us_per_op,
                run.ops_per_second / 1000.0,
                run.server_wait_share * 100.0
            );
            results.speed.push(run);
            save(results, json)
        })
    }

    fn workers(&mut self) -> Result<()> {
        let plan = self.plan(workers::USUAL_CELLS, workers::USUAL_STOP)?;
        let (results, json) = (&mut self.results, self.options.json.as_deref());
        workers::run(&self.programs, &plan, &self.options.generator_core, |run| {
            let (workers, run_us) = (run.workers, run.run.cpu_us_per_op);
            eprintln!("  {} {workers} worker(s): {run_us:.2} us/op", run.run.cell);
            results.workers.push(run);
            save(results, json)
        })
    }

    fn fillings(&self) -> Vec<Filling> {
        let is_wanted = |filling: &&Filling| {
            self.options.value_bytes.is_none_or(|wanted| wanted == filling.value_bytes)
        };
        let mut fillings: Vec<Filling> = USUAL_FILLINGS.iter().filter(is_wanted).copied().collect();
        if let (true, Some(value_bytes)) = (fillings.is_empty(), self.options.value_bytes) {
            fillings.push(Filling { items: 1_000_000, value_bytes });
        }
        for filling in &mut fillings {
            filling.items = self.options.keys.unwrap_or(filling.items);
        }
        fillings
    }

    fn memory(&mut self) -> Result<()> {
        let fillings = self.fillings();
        let (results, json) = (&mut self.results, self.options.json.as_deref());
        memory::run(&self.programs, &fillings, &self.options.server_core, |run| {
            let bytes = crate::digest::overhead_bytes(&run);
            let expiry = if run.has_expiry { " with TTL" } else { "" };
            eprintln!("  {} B{expiry} {}: {bytes:.1} B over payload", run.value_bytes, run.server);
            results.memory.push(run);
            save(results, json)
        })
    }

    fn churn(&mut self) -> Result<()> {
        let fillings = self.fillings();
        let (results, json) = (&mut self.results, self.options.json.as_deref());
        churn::run(&self.programs, &fillings, &self.options.server_core, |run| {
            let ratio = crate::digest::churn_ratio(&run);
            eprintln!("  {} B {}: RSS {ratio:.2} of payload", run.value_bytes, run.server);
            results.churn.push(run);
            save(results, json)
        })
    }

    fn hit_ratio(&mut self) -> Result<()> {
        let traces = traces(&self.options.traces)?;
        let directory = self.options.data.clone().unwrap_or_else(|| repository("../shared/data"));
        let (options, results) = (self.options, &mut self.results);
        let (target_mib, core) = (options.target_mib, &options.server_core);
        hit_ratio::run(&self.programs, &traces, &directory, target_mib, core, |finding| {
            match finding {
                Finding::Run(run) => results.hit_ratio.push(run),
                Finding::Belady(run) => results.belady.push(run),
            }
            save(results, options.json.as_deref())
        })
    }

    fn curves(&self) -> Result<()> {
        let directory = self.options.data.clone().unwrap_or_else(|| repository("../shared/data"));
        let table = curves::run(&traces(&self.options.traces)?, &directory)?;
        print!("{}", table.render(self.options.style()));
        Ok(())
    }

    fn prediction(&mut self) -> Result<()> {
        let traces = traces(&self.options.traces)?;
        let directory = self.options.data.clone().unwrap_or_else(|| repository("../shared/data"));
        let (options, results) = (self.options, &mut self.results);
        let cores = format!("{},{}", options.server_core, options.generator_core);
        prediction::run(&self.programs, &traces, &directory, &cores, |run| {
            let hit_ratio = 1.0 - run.misses as f64 / run.requests as f64;
            eprintln!(
                "  {} {} at {} MiB: {:.2} % hits, predicted {:.2} %, from a sample {:.2} %",
                run.trace,
                run.policy,
                run.maxmemory >> 20,
                hit_ratio * 100.0,
                run.predicted_hit_ratio * 100.0,
                run.sampled_hit_ratio * 100.0
            );
            results.prediction.push(run);
            save(results, options.json.as_deref())
        })
    }

    fn cluster_answers(&mut self) -> Result<()> {
        let (options, results) = (self.options, &mut self.results);
        answers::run(options.reps, |run| {
            let (nodes, question, call_us) = (run.nodes, &run.question, run.call_us);
            let first_us = run.first_us;
            eprintln!("  {nodes} nodes, {question}: {call_us:.3} us, the first {first_us:.0} us");
            results.answers.push(run);
            save(results, options.json.as_deref())
        })
    }

    fn cluster(&mut self, wanted: &ClusterOptions) -> Result<()> {
        let skep = self.programs.iter().find(|program| program.name == peers::SKEP).cloned();
        let skep = skep.ok_or_else(|| Error::new("the cluster suite needs skep"))?;
        let causes = CAUSES.iter().map(|(name, _)| *name);
        let known: Vec<&str> =
            causes.chain([cluster::SLOW, cluster::COST, cluster::BUSY]).collect();
        if let Some(name) = wanted.figures.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Error::new(format!("no figure {name:?}; there are {}", known.join(", "))));
        }
        let is_wanted = |name: &&&str| {
            wanted.figures.is_empty() || wanted.figures.iter().any(|other| other == **name)
        };
        for name in known.iter().filter(is_wanted) {
            self.cluster_figure(wanted, &skep, name)?;
        }
        Ok(())
    }

    fn cluster_figure(
        &mut self,
        wanted: &ClusterOptions,
        skep: &Program,
        name: &str,
    ) -> Result<()> {
        let (path, logs) = (skep.path.as_path(), wanted.logs.as_deref());
        let json = self.options.json.as_deref();
        match name {
            cluster::BUSY => {
                let time = Duration::from_secs(wanted.busy_seconds);
                let run = cluster::busy::run(path, logs, wanted.busy_loops, time)?;
                eprintln!("  busy: {run:?}");
                self.results.busy.push(run);
                save(&self.results, json)
            }
            cluster::SLOW => {
                let time = Duration::from_secs(wanted.slow_seconds);
                let run = cluster::slow::run(path, logs, time)?;
                eprintln!("  slow replica: {run:?}");
                self.results.slow_replica.push(run);
                save(&self.results, json)
            }
            cluster::COST => {
                process::pin_self(&self.options.generator_core)?;
                let plan = self.plan(cluster::cost::USUAL_CELLS, USUAL_RUN)?;
                let (results, core) = (&mut self.results, &self.options.generator_core);
                cluster::cost::run(skep, &plan, core, |cost| {
                    let (cell, name, us) =
                        (&cost.run.cell, &cost.run.server, cost.run.cpu_us_per_op);
                    let replica = cost.replica_us_per_op;
                    eprintln!("  {cell} {name}: {us:.2} us/op, the replica's {replica:.2?}");
                    results.replication_cost.push(cost);
                    save(results, json)
                })
            }
            _ => {
                let cause = CAUSES.iter().find(|(other, _)| *other == name).copied();
                let cause = cause.ok_or_else(|| Error::new(format!("no figure {name:?}")))?;
                let results = &mut self.results;
                cluster::failover::run(path, logs, cause, wanted.runs, |run| {
                    let (gap, other, failed) = (run.gap_ms, run.other_gap_ms, run.failed_commands);
                    let (rep, leads) = (run.rep, if run.hits_leader { ", the leader" } else { "" });
                    eprintln!(
                        "  {name} {rep}{leads}: {gap:.1} ms without a write, to {:.0} ms \
                         ({other:.1} in other shards), {failed} failed {}; the old one \
                         acknowledged for {:.0?} ms",
                        run.gap_ends_ms,
                        run.first_failure.as_deref().unwrap_or_default(),
                        run.loss_window_ms,
                    );
                    results.failovers.push(run);
                    save(results, json)
                })
            }
        }
    }

    fn latency(&mut self) -> Result<()> {
        let plan = self.plan(&[], USUAL_RUN)?;
        let seconds = self.options.seconds.unwrap_or(USUAL_LATENCY_SECONDS);
        let (results, json) = (&mut self.results, self.options.json.as_deref());
        latency::run(&self.programs, &plan, seconds, |run| {
            let (p50, p99) = (run.latency.p50_us, run.latency.p99_us);
            eprintln!("  {} turn {}: p50 {p50:.0} us, p99 {p99:.0} us", run.server, run.rep + 1);
            results.latency.push(run);
            save(results, json)
        })
    }
}

fn traces(names: &[String]) -> Result<Vec<Trace>> {
    if names.is_empty() {
        return Ok(TRACES.to_vec());
    }
    let find = |name: &String| {
        let trace = TRACES.iter().find(|trace| trace.name == name).copied();
        trace.ok_or_else(|| Error::new(format!("no trace {name:?}")))
    };
    names.iter().map(find).collect()
}

fn save(results: &Results, path: Option<&Path>) -> Result<()> {
    path.map_or(Ok(()), |path| results.write(path))
}
