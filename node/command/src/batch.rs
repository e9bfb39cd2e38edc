//! Pipelines are batches: the commands of one read are looked up, hashed and prefetched together
//! before the first one runs, so that their cache misses overlap.
//!
//! The prefetch passes take no lock and decide nothing; a wrong guess costs a few nanoseconds.
//! Commands run in order, each under its own locks.

use skep_resp::{Args, Batch};
use skep_store::Key;

use crate::dispatch::{Env, resolve};
use crate::row::Flags;
use crate::table::Command;

/// Commands prepared together: enough to overlap misses, few enough to stay in the first cache.
const WINDOW: usize = 64;

/// Reply bytes after which a batch pauses, so that they are sent before more are made.
const REPLY_PAUSE_BYTES: usize = 1 << 20;

/// A command of the window, looked up.
#[derive(Clone, Copy)]
struct Prepared<'b> {
    args: Args<'b>,
    command: Option<&'static Command>,
    key: Option<Key<'b>>,
}

impl Env<'_> {
    /// Runs the commands of a batch from number `next` on. Returns the number of the first one
    /// that has not run: all have, or the client is to be closed, paused, or its replies sent.
    pub fn run_batch(&mut self, batch: &Batch, buffer: &[u8], next: usize) -> usize {
        let mut next = next;
        let mut clock_ns = self.server.clock_ns();
        while next < batch.len() {
            self.client.paused = self.server.paused();
            let end = batch.len().min(next + WINDOW);
            let mut window: [Option<Prepared<'_>>; WINDOW] = [const { None }; WINDOW];
            for (place, number) in window.iter_mut().zip(next..end) {
                *place = Some(self.prepare(batch.args(number, buffer)));
            }
            if end - next > 1 {
                self.prefetch(&window[..end - next]);
            }
            for prepared in window[..end - next].iter().flatten() {
                clock_ns = self.run_timed(prepared, clock_ns);
                if self.client.postponed {
                    self.charge(clock_ns);
                    return next;
                }
                next += 1;
                if self.must_stop() {
                    self.charge(clock_ns);
                    return next;
                }
            }
        }
        self.charge(clock_ns);
        next
    }

    fn must_stop(&self) -> bool {
        self.client.close_after_reply || self.reply.len_bytes() > REPLY_PAUSE_BYTES
    }

    /// Charges the commands since `since_ns` with the time that has passed.
    fn charge(&mut self, since_ns: u64) -> u64 {
        let now_ns = self.server.clock_ns();
        self.statistics.charge(now_ns.saturating_sub(since_ns));
        now_ns
    }

    /// Runs a command. One that may take long, or any one when exact times are wanted, is
    /// measured by itself; the others share the time of their run.
    #[inline]
    fn run_timed(&mut self, prepared: &Prepared<'_>, since_ns: u64) -> u64 {
        let is_fast = prepared.command.is_some_and(|command| command.row.flags.has(Flags::FAST));
        if is_fast && !self.exact_times {
            self.run(prepared.command, prepared.args, prepared.key);
            return since_ns;
        }
        let begin_ns = self.charge(since_ns);
        self.run(prepared.command, prepared.args, prepared.key);
        let end_ns = self.charge(begin_ns);
        // It may have been CLIENT PAUSE.
        self.client.paused = self.server.paused();
        let skipped = |command: &Command| command.row.flags.has(Flags::SKIP_SLOWLOG);
        if !prepared.command.is_some_and(skipped) {
            let duration_us = end_ns.saturating_sub(begin_ns) / 1000;
            self.server.note_slow(self.client, duration_us, prepared.args);
        }
        end_ns
    }

    #[inline]
    fn prepare<'b>(&self, args: Args<'b>) -> Prepared<'b> {
        let command = resolve(args).ok();
        let key = command
            .and_then(|command| command.only_key)
            .and_then(|at| args.get(at))
            .map(|key| self.store.key(key));
        Prepared { args, command, key }
    }

    /// Fetches what the window's commands will need: headers, then buckets, then items.
    fn prefetch(&self, window: &[Option<Prepared<'_>>]) {
        let database = self.client.database;
        let keys = || window.iter().flatten().filter_map(|prepared| prepared.key.as_ref());
        keys().for_each(|key| self.store.prefetch_header(database, key));
        keys().for_each(|key| self.store.prefetch_bucket(database, key));
        keys().for_each(|key| self.store.prefetch_item(database, key));
    }
}
