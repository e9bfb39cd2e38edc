//! What a thread runs commands with: its part of the store, its counters, its place in the duty.
//!
//! Workers run what their clients say, the bulk thread what other nodes forward; both do it here.

use skep_command::statistics::Statistics;
use skep_command::{Client, Env};
use skep_resp::{Batch, Reply};
use skep_store::Writer;

use crate::cluster::Duty;
use crate::node::Node;

/// See the module.
pub(crate) struct Runner {
    pub(crate) writer: Writer,
    statistics: Statistics,
    /// Its number among the threads that run commands.
    thread: usize,
}

/// Commands to run, from command `next` of a batch on.
pub(crate) struct Turn<'a> {
    /// Of a node in a cluster.
    pub(crate) duty: Option<&'a Duty>,
    pub(crate) client: &'a mut Client,
    pub(crate) reply: &'a mut Reply,
    pub(crate) batch: &'a Batch,
    /// The bytes that the batch is of.
    pub(crate) input: &'a [u8],
    pub(crate) next: usize,
    /// Unix time in milliseconds.
    pub(crate) now_ms: u64,
    /// Measure each command by itself.
    pub(crate) exact_times: bool,
}

/// How far a turn has come.
pub(crate) struct Ran {
    /// The first command that has not run.
    pub(crate) next: usize,
    /// Whether the replies may be sent: not when the node's lease ran out while they were made.
    pub(crate) may_answer: bool,
}

impl Runner {
    pub(crate) fn new(thread: usize, seed: u64) -> Runner {
        Runner { writer: Writer::new(seed), statistics: Statistics::default(), thread }
    }

    /// Runs commands; see [`Env::run_batch`].
    #[inline]
    pub(crate) fn run(&mut self, node: &Node, turn: Turn<'_>) -> Ran {
        let Turn { duty, client, reply, batch, input, next, now_ms, exact_times } = turn;
        let out_of_memory = node.make_room(&mut self.writer, now_ms);
        let shift = duty.map(|duty| duty.begin(self.thread));
        let mut env = Env {
            store: &node.store,
            writer: &mut self.writer,
            reply,
            client,
            server: node,
            statistics: &mut self.statistics,
            now_ms,
            exact_times,
            out_of_memory,
            routes: shift.as_ref().map(|shift| (&**shift.routes, shift.lease)),
        };
        let next = env.run_batch(batch, input, next);
        let may_answer = duty.zip(shift).is_none_or(|(duty, shift)| duty.end(&shift));
        self.writer.publish(&node.store);
        node.store.work_off(&mut self.writer);
        Ran { next, may_answer }
    }

    /// Ends what a closing connection leaves in the store.
    pub(crate) fn disconnect(&mut self, node: &Node, client: &mut Client, reply: &mut Reply) {
        let mut env = Env {
            store: &node.store,
            writer: &mut self.writer,
            reply,
            client,
            server: node,
            statistics: &mut self.statistics,
            now_ms: node.now_ms(),
            exact_times: false,
            out_of_memory: false,
            routes: None,
        };
        env.disconnect();
    }

    /// Publishes its counters.
    pub(crate) fn publish_figures(&mut self, node: &Node) {
        node.figures[self.thread].take(&self.writer.counters, &mut self.statistics);
    }
}
