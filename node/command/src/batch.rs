//! Pipelines are batches: while a command of one read runs, those behind it are looked up, hashed
//! and prefetched, so that their cache misses overlap with its work.
//!
//! The prefetch steps take no lock and decide nothing; a wrong guess costs a few nanoseconds.
//! Commands run in order, each under its own locks.

use skep_resp::{Args, Batch};
use skep_store::{Key, Trail};

use crate::dispatch::{Env, resolve};
use crate::row::Flags;
use crate::table::Command;

/// Commands looked up ahead of the one that runs: four more than it takes to get to the item, and
/// few enough that a short pipeline is run, not only looked up, while its tail is being fetched.
const AHEAD: usize = 12;
/// Commands between looking one up, which prefetches its slot's header, and prefetching its
/// bucket: time for the header to arrive.
const BUCKET_AFTER: usize = 4;
/// Commands between looking one up and prefetching its item.
const ITEM_AFTER: usize = 8;
/// Places for the commands looked up and not run.
const PLACES: usize = 16;
/// A command that takes this long moves the time at which the rest of its batch runs.
const LONG_NS: u64 = 1_000_000;
/// Arguments of a [`Flags::QUICK`] command that are worth measuring.
const QUICK_BYTES: usize = 64 << 10;
/// Commands after which a batch looks again whether clients are to pause.
const PAUSE_CHECK_COMMANDS: usize = 64;

/// Reply bytes after which a batch pauses, so that they are sent before more are made.
const REPLY_PAUSE_BYTES: usize = 1 << 20;

/// A command looked up.
#[derive(Clone, Copy)]
struct Prepared<'b> {
    command: Option<&'static Command>,
    key: Option<Key<'b>>,
    /// Where its item may be, once that has been looked up.
    trail: Option<Trail>,
}

/// The commands of a batch from the one that runs next to the last one looked up.
struct Lookahead<'b> {
    batch: &'b Batch,
    buffer: &'b [u8],
    first: usize,
    /// The next step: looking up the command of this number, and prefetching for earlier ones.
    step: usize,
    places: [Option<Prepared<'b>>; PLACES],
    /// The last command without subcommands that was looked up, with its name as the client wrote
    /// it. Pipelines repeat themselves.
    last: Option<(&'b [u8], &'static Command)>,
}

impl<'b> Lookahead<'b> {
    fn prepared(&self, number: usize) -> Option<&Prepared<'b>> {
        self.places[number % PLACES].as_ref()
    }

    /// The command that was looked up `after` steps ago.
    #[inline]
    fn earlier(&mut self, after: usize) -> Option<&mut Prepared<'b>> {
        let number = self.step.checked_sub(after)?;
        let is_there = number >= self.first && number < self.batch.len();
        if is_there { self.places[number % PLACES].as_mut() } else { None }
    }

    /// Goes as far ahead of command `next` as is useful.
    #[inline]
    fn advance(&mut self, env: &Env<'_>, next: usize) {
        let end = (next + AHEAD).min(self.batch.len() + ITEM_AFTER);
        let (store, database) = (env.store, env.client.database);
        while self.step < end {
            if self.step < self.batch.len() {
                let prepared = self.prepare(env, self.batch.args(self.step, self.buffer));
                prepared.key.iter().for_each(|key| store.prefetch_header(database, key));
                self.places[self.step % PLACES] = Some(prepared);
            }
            if let Some(Prepared { key: Some(key), trail, .. }) = self.earlier(BUCKET_AFTER) {
                *trail = store.prefetch_bucket(database, key);
            }
            if let Some(Prepared { trail: Some(trail), .. }) = self.earlier(ITEM_AFTER) {
                store.prefetch_item(trail);
            }
            self.step += 1;
        }
    }
}

impl<'b> Lookahead<'b> {
    /// Looks a command up.
    #[inline]
    fn prepare(&mut self, env: &Env<'_>, args: Args<'b>) -> Prepared<'b> {
        let name = args.get(0).unwrap_or_default();
        if let Some((last_name, command)) = self.last
            && last_name == name
        {
            return env.with_key(Some(command), args);
        }
        let command = resolve(args).ok();
        self.last = command.filter(|command| command.is_one_word).map(|command| (name, command));
        env.with_key(command, args)
    }
}

impl Env<'_> {
    /// Runs the commands of a batch from number `next` on. Returns the number of the first one
    /// that has not run: all have, or the client is to be closed, paused, or its replies sent.
    pub fn run_batch(&mut self, batch: &Batch, buffer: &[u8], next: usize) -> usize {
        let mut clock_ns = self.server.clock_ns();
        let next = if batch.len() == next + 1 {
            // Alone, a command has nothing to overlap with.
            self.client.paused = self.server.paused();
            let args = batch.args(next, buffer);
            let prepared = self.with_key(resolve(args).ok(), args);
            clock_ns = self.run_timed(&prepared, args, clock_ns);
            next + usize::from(!self.client.postponed)
        } else {
            self.run_ahead(batch, buffer, next, &mut clock_ns)
        };
        self.charge(clock_ns);
        next
    }

    /// Runs several commands, looking ahead.
    fn run_ahead(
        &mut self,
        batch: &Batch,
        buffer: &[u8],
        first: usize,
        clock_ns: &mut u64,
    ) -> usize {
        let places = [const { None }; PLACES];
        let mut lookahead = Lookahead { batch, buffer, first, step: first, places, last: None };
        for next in first..batch.len() {
            if (next - first).is_multiple_of(PAUSE_CHECK_COMMANDS) {
                self.client.paused = self.server.paused();
            }
            lookahead.advance(self, next);
            let Some(prepared) = lookahead.prepared(next) else { return next };
            *clock_ns = self.run_timed(prepared, batch.args(next, buffer), *clock_ns);
            if self.client.postponed {
                return next;
            }
            if self.must_stop() {
                return next + 1;
            }
        }
        batch.len()
    }

    fn must_stop(&self) -> bool {
        self.client.close_after_reply
            || self.client.deferred.is_some()
            || self.reply.len_bytes() > REPLY_PAUSE_BYTES
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
    fn run_timed(&mut self, prepared: &Prepared<'_>, args: Args<'_>, since_ns: u64) -> u64 {
        if is_quick(prepared.command, args) && !self.exact_times {
            self.run(prepared.command, args, prepared.key);
            return since_ns;
        }
        let begin_ns = self.charge(since_ns);
        self.run(prepared.command, args, prepared.key);
        if self.client.postponed {
            return begin_ns;
        }
        let end_ns = self.charge(begin_ns);
        if end_ns.saturating_sub(begin_ns) >= LONG_NS {
            // What follows must not be told the time from before.
            self.now_ms = self.now_ms.max(self.server.unix_time_us() / 1000);
        }
        // It may have been CLIENT PAUSE.
        self.client.paused = self.server.paused();
        let is_noted = |command: &Command| !command.row.flags.has(Flags::SKIP_SLOWLOG);
        // What is no command may be a misspelt one with a password.
        if prepared.command.is_some_and(is_noted) {
            let duration_us = end_ns.saturating_sub(begin_ns) / 1000;
            self.server.note_slow(self.client, duration_us, args);
        }
        end_ns
    }

    /// Adds the key that the row says is the only one.
    #[inline]
    fn with_key<'b>(&self, command: Option<&'static Command>, args: Args<'b>) -> Prepared<'b> {
        let key = command
            .and_then(|command| command.only_key)
            .and_then(|at| args.get(at))
            .map(|key| self.store.key(key));
        Prepared { command, key, trail: None }
    }
}

/// Tells whether a command takes so little time that a look at the clock would cost a good part
/// of it.
#[inline]
fn is_quick(command: Option<&Command>, args: Args<'_>) -> bool {
    let flags = command.map_or(Flags::NONE, |command| command.row.flags);
    flags.has(Flags::FAST) || flags.has(Flags::QUICK) && args.total_bytes() < QUICK_BYTES
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn subcommands_that_follow_each_other_are_told_apart() {
        Bench::new().expect(&[
            ("CLIENT SETNAME me\r\nCLIENT GETNAME\r\nCLIENT ID", "+OK $2 me :1"),
            ("CONFIG RESETSTAT\r\nCONFIG SET a b\r\nCONFIG GET a", "+OK +OK *0"),
        ]);
    }
}
