//! What the questions about a whole cluster cost the node that is asked: `CLUSTER SLOTS`, `SHARDS`,
//! `NODES` and `RING`, from the bytes of the request to the pieces of the reply that a socket would be
//! given. No server is started; the path is the worker's (`Env::run_batch`).
//!
//! Two figures: a call whose answer is there already, and the first call of a version, which writes
//! it. What a version costs before anybody asks (`Routes::new`) stands beside them.

use std::hint::black_box;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use skep_cluster::topology::{Node, NodeAddress};
use skep_cluster::{Shard, ShardId, Topology};
use skep_command::cluster::{Lease, Routes};
use skep_command::statistics::Statistics;
use skep_command::{Client, Env};
use skep_keyspace::{NodeId, SLOT_COUNT, Slot};
use skep_resp::{Batch, Limits, Parser, Protocol, Reply};
use skep_store::{Options, Store, Writer};

use crate::error::{Context, Error, Result};
use crate::idle_server::IdleServer;
use crate::process::Processor;
use crate::results::{AnswersRun, Results};
use crate::stats::Spread;
use crate::table::Table;

/// Nodes, half of them replicas, and ranges of slots, no two neighbours of one shard.
const CLUSTERS: [(usize, usize); 2] = [(200, 1000), (2000, 4000)];
/// The cluster and the questions that there is a figure to reach for.
pub(crate) const TARGET_NODES: usize = 200;
pub(crate) const TARGET_QUESTIONS: [&str; 2] = ["SLOTS", "NODES"];
const QUESTIONS: [&str; 4] = ["SLOTS", "SHARDS", "NODES", "RING"];
/// Processor time is read in steps of the kernel's ticks: a run is many of them.
const RUN: Duration = Duration::from_millis(400);
/// Calls between two looks at the clock.
const CALLS: u64 = 2000;
/// A first call is timed so often, each of another version.
const VERSIONS: usize = 21;

/// Asks everything of each cluster, `reps` times in turn.
pub(crate) fn run(reps: usize, mut keep: impl FnMut(AnswersRun) -> Result<()>) -> Result<()> {
    for (nodes, ranges) in CLUSTERS {
        let topology = Arc::new(topology(nodes, ranges));
        let mut asker = Asker::new(Arc::clone(&topology))?;
        for rep in 0..reps {
            for question in QUESTIONS {
                for protocol in [Protocol::Resp2, Protocol::Resp3] {
                    let mut run = asker.measure(&topology, question, protocol)?;
                    (run.nodes, run.ranges, run.rep) = (nodes, ranges, rep);
                    keep(run)?;
                }
            }
        }
    }
    Ok(())
}

/// A made-up cluster: node `2n` is the primary of a shard, `2n + 1` its replica in sync.
fn topology(nodes: usize, ranges: usize) -> Topology {
    let mut topology = Topology { version: 1, cluster: "bees".to_owned(), ..Topology::default() };
    let shards = nodes / 2;
    for number in 0..nodes {
        let address = NodeAddress {
            host: format!("10.1.{}.{}", number / 250, number % 250),
            client_port: 7000,
            mesh_port: 17_000,
            bulk_port: 18_000,
        };
        topology.nodes.insert(id(number), Node { address, ..Node::default() });
    }
    let range_of = |slot: usize| slot * ranges / SLOT_COUNT;
    for number in 0..shards {
        let owns = |slot: &Slot| range_of(usize::from(slot.number())) % shards == number;
        let replicas: std::collections::BTreeSet<NodeId> = [id(2 * number + 1)].into();
        let shard = Shard {
            epoch: number as u64 + 1,
            primary: id(2 * number),
            in_sync: replicas.clone(),
            replicas,
            slots: (0..SLOT_COUNT as u16).filter_map(Slot::new).filter(owns).collect(),
            ..Shard::default()
        };
        topology.shards.insert(ShardId(id(2 * number)), shard);
    }
    topology.current_epoch = shards as u64;
    topology
}

/// Spread over all ids, as random ones are.
fn id(number: usize) -> NodeId {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let mut id = [0; 20];
    id.iter_mut().zip(mixed.iter().cycle()).for_each(|(byte, &from)| *byte = from);
    NodeId(id)
}

/// A worker with one client.
struct Asker {
    store: Store,
    writer: Writer,
    server: IdleServer,
    statistics: Statistics,
    client: Client,
    batch: Batch,
    reply: Reply,
    me: NodeId,
}

impl Asker {
    fn new(topology: Arc<Topology>) -> Result<Asker> {
        let options = Options { databases: 1, reserve_bytes: 1 << 30, seed: 42 };
        let me = id(0);
        Ok(Asker {
            store: Store::new(&options).context("making a store")?,
            writer: Writer::new(7),
            server: IdleServer { routes: ArcSwap::from_pointee(Routes::new(me, topology)) },
            statistics: Statistics::default(),
            client: Client::new(1, true),
            batch: Batch::default(),
            reply: Reply::new(Protocol::Resp2),
            me,
        })
    }

    fn measure(
        &mut self,
        topology: &Arc<Topology>,
        question: &str,
        protocol: Protocol,
    ) -> Result<AnswersRun> {
        let request = format!("*2\r\n$7\r\nCLUSTER\r\n${}\r\n{question}\r\n", question.len());
        self.client.protocol = protocol;
        self.reply.set_protocol(protocol);
        let (mut version_us, mut first_us) = (Vec::new(), Vec::new());
        let mut reply_bytes = 0;
        for _ in 0..VERSIONS {
            let begin = Instant::now();
            let routes = Routes::new(self.me, Arc::clone(topology));
            version_us.push(begin.elapsed().as_secs_f64() * 1e6);
            self.server.routes.store(Arc::new(routes));
            let begin = Instant::now();
            reply_bytes = self.call(request.as_bytes());
            first_us.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        let nothing = || Error::new("nothing was timed");
        Ok(AnswersRun {
            nodes: 0,
            ranges: 0,
            rep: 0,
            question: question.to_owned(),
            is_resp3: protocol == Protocol::Resp3,
            reply_bytes,
            version_us: Spread::of(version_us).ok_or_else(nothing)?.median,
            first_us: Spread::of(first_us).ok_or_else(nothing)?.median,
            call_us: self.cached(request.as_bytes(), reply_bytes)?,
        })
    }

    /// Processor time of a call whose answer is there, in microseconds.
    fn cached(&mut self, request: &[u8], reply_bytes: usize) -> Result<f64> {
        let (begin, before) = (Instant::now(), Processor::read(std::process::id())?);
        let mut calls = 0;
        while begin.elapsed() < RUN {
            for _ in 0..CALLS {
                if self.call(request) != reply_bytes {
                    return Err(Error::new("two answers of one version differ"));
                }
            }
            calls += CALLS;
        }
        let spent = Processor::read(std::process::id())?.since(before);
        Ok(spent.run_ns as f64 / 1e3 / calls as f64)
    }

    /// One request, all the way but for the socket. The length of the reply.
    fn call(&mut self, request: &[u8]) -> usize {
        self.batch.clear();
        let parsed =
            Parser::default().parse(request, &Limits::default(), &mut self.batch, usize::MAX);
        black_box(parsed.consumed);
        let routes = self.server.routes.load();
        let mut env = Env {
            store: &self.store,
            writer: &mut self.writer,
            reply: &mut self.reply,
            client: &mut self.client,
            server: &self.server,
            statistics: &mut self.statistics,
            now_ms: 0,
            exact_times: false,
            out_of_memory: false,
            routes: Some((&routes, Lease::Held)),
        };
        env.run_batch(&self.batch, request, 0);
        let length = self.reply.len_bytes();
        let mut pieces = [IoSlice::new(&[]); 64];
        black_box(self.reply.unsent(&mut pieces));
        self.reply.clear();
        length
    }
}

/// Processor time of a call, over the turns.
fn call_us(runs: &[AnswersRun], nodes: usize, question: &str, is_resp3: bool) -> Option<Spread> {
    let of = |run: &&AnswersRun| {
        (run.nodes, run.question.as_str(), run.is_resp3) == (nodes, question, is_resp3)
    };
    Spread::of(runs.iter().filter(of).map(|run| run.call_us))
}

/// The figure to reach: the median of the question that costs most.
pub(crate) fn worst_us(results: &Results) -> Option<f64> {
    let protocols = [false, true];
    let all =
        TARGET_QUESTIONS.iter().flat_map(|question| protocols.map(|is_resp3| (question, is_resp3)));
    let found = all.filter_map(|(question, is_resp3)| {
        call_us(&results.answers, TARGET_NODES, question, is_resp3)
    });
    found.map(|spread| spread.median).reduce(f64::max)
}

/// The table of all runs.
pub(crate) fn table(runs: &[AnswersRun]) -> Table {
    let mut table = Table::new([
        "nodes",
        "ranges",
        "question",
        "reply, bytes",
        "call, us",
        "first call, us",
        "new version, us",
    ]);
    let is_first = |run: &&AnswersRun| run.rep == 0;
    for run in runs.iter().filter(is_first) {
        let same = || {
            let key = |run: &AnswersRun| (run.nodes, run.question.clone(), run.is_resp3);
            runs.iter().filter(move |other| key(other) == key(run))
        };
        let spread = |figure: fn(&AnswersRun) -> f64, digits: usize| {
            let spread = Spread::of(same().map(figure));
            spread.map_or(String::new(), |spread| {
                format!("{:.digits$} / {:.digits$}", spread.min, spread.median)
            })
        };
        table.row([
            run.nodes.to_string(),
            run.ranges.to_string(),
            format!("{}, RESP{}", run.question, if run.is_resp3 { 3 } else { 2 }),
            run.reply_bytes.to_string(),
            spread(|run| run.call_us, 3),
            spread(|run| run.first_us, 0),
            spread(|run| run.version_us, 0),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_clusters_are_whole_and_as_fragmented_as_they_say() {
        for (nodes, ranges) in CLUSTERS {
            let topology = topology(nodes, ranges);
            assert_eq!(topology.check_invariants(), Ok(()));
            assert!(topology.is_covered());
            let found = topology.shards.values().map(|shard| shard.slots.ranges().count());
            assert_eq!((topology.nodes.len(), found.sum::<usize>()), (nodes, ranges));
        }
    }

    #[test]
    fn every_question_is_answered_in_full() {
        let topology = Arc::new(topology(20, 40));
        let mut asker = Asker::new(Arc::clone(&topology)).unwrap();
        for question in QUESTIONS {
            let request = format!("*2\r\n$7\r\nCLUSTER\r\n${}\r\n{question}\r\n", question.len());
            let bytes = asker.call(request.as_bytes());
            assert!(bytes > 1500, "{question}: {bytes}");
            assert_eq!(asker.call(request.as_bytes()), bytes);
        }
    }
}
