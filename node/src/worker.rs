//! A worker: one thread, one core, one event loop, some of the connections.
//!
//! Commands run to completion on the worker that read them. Besides its sessions a worker runs a
//! small share of the store's upkeep on a timer: expiry, compaction, counters.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use skep_command::Client;
use skep_resp::{Batch, Reply};
use skep_store::Upkeep;
use tokio::task::LocalSet;

use crate::node::Node;
use crate::runner::{Runner, Turn};
use crate::session;

/// Size of the buffer that all sessions of a worker read into.
const INPUT_BYTES: usize = 64 << 10;
/// Connections accepted in a row before other work gets a turn.
const ACCEPT_BATCH: usize = 64;
/// Time between upkeep steps when there is a lot to do.
const BUSY_TICK: Duration = Duration::from_millis(2);

/// What the sessions of one thread share.
pub(crate) struct Worker {
    pub(crate) node: Arc<Node>,
    pub(crate) number: usize,
    /// The shared read buffer; taken out while it is in use.
    pub(crate) input: RefCell<Vec<u8>>,
    lent: RefCell<Lent>,
    /// Unix time of the last batch or tick, for what need not be exact.
    recent_ms: Cell<u64>,
    runner: RefCell<Runner>,
}

/// Memory lent to the session that runs. All sessions use the same, so it stays in the caches, and
/// a session that waits holds none.
#[derive(Default)]
struct Lent {
    batch: Batch,
    reply: Reply,
}

/// Runs a worker until the node stops.
pub(crate) fn run(
    node: Arc<Node>,
    number: usize,
    listeners: Vec<TcpListener>,
    seed: u64,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .event_interval(127)
        .build()?;
    let worker = Rc::new(Worker {
        node,
        number,
        input: RefCell::new(vec![0; INPUT_BYTES]),
        lent: RefCell::default(),
        recent_ms: Cell::new(crate::node::unix_time_us() / 1000),
        runner: RefCell::new(Runner::new(number, seed)),
    });
    LocalSet::new().block_on(&runtime, async move {
        for listener in listeners {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::task::spawn_local(accept(Rc::clone(&worker), listener));
        }
        upkeep(&worker).await;
        Ok(())
    })
}

/// Accepts connections until the node stops.
async fn accept(worker: Rc<Worker>, listener: tokio::net::TcpListener) {
    let mut in_a_row = 0;
    while !worker.node.is_stopping() {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = worker.node.stopping() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Replies are written whole; waiting for more would only delay them.
                let _ = stream.set_nodelay(true);
                if let Some(connection) = worker.node.admit(&stream, peer, worker.number) {
                    if worker.node.is_stopping() {
                        connection.close_when_idle();
                    }
                    let worker = Rc::clone(&worker);
                    tokio::task::spawn_local(session::serve(worker, stream, connection));
                }
            }
            // Out of descriptors, or the peer went: neither is helped by trying at once.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        in_a_row += 1;
        if in_a_row == ACCEPT_BATCH {
            in_a_row = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// Runs the store's upkeep until the node has stopped and its sessions are gone.
async fn upkeep(worker: &Worker) {
    let mut pause = BUSY_TICK;
    while !worker.node.has_drained(worker.number) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = worker.node.stopping() => tokio::time::sleep(session::DRAIN_POLL).await,
        }
        let busy = worker.tick();
        pause = if busy { BUSY_TICK } else { worker.node.tick_interval() };
    }
}

impl Worker {
    /// Runs a batch from command `next` on; see [`Runner::run`].
    #[inline]
    pub(crate) fn run_batch(
        &self,
        client: &mut Client,
        reply: &mut Reply,
        batch: &Batch,
        input: &[u8],
        next: usize,
    ) -> usize {
        let now_ms = self.node.now_ms();
        self.recent_ms.set(now_ms);
        reply.set_protocol(client.protocol);
        client.follow_users(&*self.node, self.node.access.version());
        let duty = self.node.cluster().map(|cluster| &cluster.duty);
        let exact_times = self.node.exact_times.load(Relaxed);
        let turn =
            Turn { duty, client: &mut *client, reply, batch, input, next, now_ms, exact_times };
        let ran = self.runner.borrow_mut().run(&self.node, turn);
        if !ran.may_answer {
            self.revoke(client);
        }
        ran.next
    }

    /// Ends a connection whose last replies must not be sent: the node's lease ran out while they were
    /// made. Whether its commands have lasted is as unknown as after any lost connection.
    #[cold]
    fn revoke(&self, client: &Client) {
        if let Some(connection) = self.node.clients.get(client.id) {
            connection.kill();
        }
    }

    /// Lends a session memory for commands and replies, where it has none of its own.
    #[inline]
    pub(crate) fn lend(&self, batch: &mut Batch, reply: &mut Reply) {
        let mut lent = self.lent.borrow_mut();
        if batch.is_bare() {
            std::mem::swap(batch, &mut lent.batch);
        }
        if reply.capacity_bytes() == 0 && reply.is_empty() {
            std::mem::swap(reply, &mut lent.reply);
        }
    }

    /// Takes the memory of an empty batch and an empty reply back.
    #[inline]
    pub(crate) fn take_back(&self, batch: &mut Batch, reply: &mut Reply) {
        debug_assert!(batch.is_empty() && reply.is_empty(), "still in use");
        let mut lent = self.lent.borrow_mut();
        if lent.batch.is_bare() {
            std::mem::swap(batch, &mut lent.batch);
        } else if !batch.is_bare() {
            *batch = Batch::default();
        }
        if lent.reply.capacity_bytes() == 0 {
            std::mem::swap(reply, &mut lent.reply);
        } else if reply.capacity_bytes() > 0 {
            *reply = Reply::default();
        }
    }

    /// Unix time in milliseconds, late by a tick at most.
    #[inline]
    pub(crate) fn recent_ms(&self) -> u64 {
        self.recent_ms.get()
    }

    /// Counts received bytes.
    #[inline]
    pub(crate) fn traffic_in(&self, len: usize) {
        self.node.figures[self.number].input_bytes.fetch_add(len as u64, Relaxed);
    }

    /// Counts sent bytes.
    #[inline]
    pub(crate) fn traffic_out(&self, len: usize) {
        self.node.figures[self.number].output_bytes.fetch_add(len as u64, Relaxed);
    }

    /// Ends what a closing connection leaves in the store.
    pub(crate) fn disconnect(&self, client: &mut Client, reply: &mut Reply) {
        self.runner.borrow_mut().disconnect(&self.node, client, reply);
    }

    /// One step of upkeep. Answers whether there is more to do soon.
    fn tick(&self) -> bool {
        let mut runner = self.runner.borrow_mut();
        runner.publish_figures(&self.node);
        runner.writer.set_samples(self.node.settings.load().samples);
        self.node.tick(self.number);
        let now_ms = self.node.now_ms();
        self.recent_ms.set(now_ms);
        let upkeep = Upkeep { now_ms, expire: self.node.expires_actively() };
        self.node.store.upkeep(&mut runner.writer, &upkeep)
    }
}
