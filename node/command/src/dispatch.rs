//! How one command runs: looked up, checked, its stripes locked, its handler called, its time
//! accounted.
//!
//! The order of checks is Redis's (`processCommand`), because clients' test suites see it: unknown
//! command, arity, authentication, memory, subscribed mode, pause, queueing by MULTI.

use skep_keyspace::Slot;
use skep_resp::{Args, Checkpoint, Reply};
use skep_store::{Key, Store, StripeSet, View, Writer};

use crate::acl::session::permit;
use crate::client::{Client, ReplyMode};
use crate::cluster::routes::{Lease, Routes};
use crate::cx::Cx;
use crate::error::CommandError;
use crate::route::{self, Way};
use crate::row::{Flags, Row};
use crate::server::{PauseScope, Server};
use crate::table::{self, Command};
use crate::{keyspec, transaction};

/// Most arguments an "unknown command" reply repeats, and how many bytes of them.
const UNKNOWN_ARGS_BYTES: usize = 128;

/// What a worker lends to the commands it runs.
pub struct Env<'a> {
    /// All keys.
    pub store: &'a Store,
    /// The worker's part of the store.
    pub writer: &'a mut Writer,
    /// Where replies go.
    pub reply: &'a mut Reply,
    /// The connection.
    pub client: &'a mut Client,
    /// The rest of the server.
    pub server: &'a dyn Server,
    /// The worker's counters of calls by command.
    pub statistics: &'a mut crate::statistics::Statistics,
    /// Unix time in milliseconds.
    pub now_ms: u64,
    /// Measure each command by itself; see [`Server::wants_exact_times`].
    pub exact_times: bool,
    /// Memory is used up and eviction could not help: commands that may use more are refused.
    pub out_of_memory: bool,
    /// Which slots are served here, and whether they may be now; nothing when the node runs alone.
    pub routes: Option<(&'a Routes, Lease)>,
}

/// Finds the command, or subcommand, that a request means.
#[inline]
pub(crate) fn resolve(args: Args<'_>) -> Result<&'static Command, CommandError> {
    let command = table::command(&args[0]).ok_or_else(|| unknown_command(args))?;
    if command.row.subcommands.is_empty() { Ok(command) } else { resolve_subcommand(command, args) }
}

fn resolve_subcommand(
    command: &'static Command,
    args: Args<'_>,
) -> Result<&'static Command, CommandError> {
    // Alone, a container is a command of its own (COMMAND), or has too few arguments.
    let Some(word) = args.get(1) else { return Ok(command) };
    command.subcommand(word).ok_or_else(|| {
        let word = &word[..word.len().min(UNKNOWN_ARGS_BYTES)];
        let container = command.row.name.to_ascii_uppercase();
        let behind = format!("'. Try {container} HELP.");
        CommandError::quoting("ERR unknown subcommand '", word, &behind)
    })
}

fn unknown_command(args: Args<'_>) -> CommandError {
    // Each word ends at a NUL, as in the format strings of Redis.
    let quotable = |word: &[u8], room: usize| {
        let word = &word[..word.len().min(room)];
        word.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
    };
    let name = quotable(&args[0], UNKNOWN_ARGS_BYTES);
    let mut text = [b"ERR unknown command '", &*name, b"', with args beginning with: "].concat();
    let mut shown_bytes = 0;
    for arg in args.iter().skip(1) {
        if shown_bytes >= UNKNOWN_ARGS_BYTES {
            break;
        }
        let shown = quotable(arg, UNKNOWN_ARGS_BYTES - shown_bytes);
        shown_bytes += shown.len() + 3;
        text.extend_from_slice(&[b"'", &*shown, b"' "].concat());
    }
    CommandError::of_bytes(text)
}

impl Env<'_> {
    /// Runs one command, or queues it, and writes its reply unless the client wants none. One that
    /// must wait for the end of a pause has no effect but `client.postponed`.
    ///
    /// `command` and `key` are what the batch has prepared, if it could.
    pub(crate) fn run(
        &mut self,
        command: Option<&'static Command>,
        args: Args<'_>,
        key: Option<Key<'_>>,
    ) {
        let before = self.reply.checkpoint();
        let silent = self.client.reply_mode != ReplyMode::On;
        if silent && self.client.reply_mode == ReplyMode::SkipNext {
            self.client.reply_mode = ReplyMode::Skipping;
        }
        self.client.last_command = command;
        let command = command.map_or_else(|| resolve(args), Ok);
        match command.and_then(|command| self.admit(command, args)) {
            Ok(Admitted::Run(command)) if self.routes.is_some() => {
                self.call_if_routed_here(command, args, key);
            }
            Ok(Admitted::Run(command)) => {
                self.call::<false>(command, args, key);
                if self.exact_times {
                    self.tell_watchers(command, args);
                }
            }
            Ok(Admitted::Queued) => self.reply.simple("QUEUED"),
            Ok(Admitted::Postponed) => self.client.postponed = true,
            Err(error) => self.refuse(args, &error),
        }
        if silent {
            self.silence(before);
        }
        if self.client.pushes_due {
            self.client.pushes_due = false;
            self.server.take_pushes(self.client, self.reply);
        }
    }

    /// Tells those who watch commands, if there are any, that one has run.
    #[cold]
    #[inline(never)]
    fn tell_watchers(&self, command: &Command, args: Args<'_>) {
        if is_watchable(command) {
            self.server.tell_watchers(self.client, args);
        }
    }

    /// Answers a command that may not run. One that cannot be queued spoils its transaction.
    #[cold]
    fn refuse(&mut self, args: Args<'_>, error: &CommandError) {
        self.statistics.rejected(table::command(&args[0]), error);
        if is_from_a_web_page(&args[0]) {
            self.client.close_after_reply = true;
            return;
        }
        if args[0].eq_ignore_ascii_case(b"exec") {
            return self.abort_transaction(error);
        }
        if let Some(transaction) = &mut self.client.transaction {
            transaction.failed = true;
        }
        self.reply.error_bytes(error.as_bytes());
    }

    /// Answers an EXEC that may not run: that ends its transaction.
    fn abort_transaction(&mut self, error: &CommandError) {
        self.client.transaction = None;
        self.disconnect();
        if error.is_redirection() {
            return self.reply.error_bytes(error.as_bytes());
        }
        let cause = error.as_str();
        let cause = cause.strip_prefix("ERR ").unwrap_or(cause);
        self.reply.error(&format!("EXECABORT Transaction discarded because of: {cause}"));
    }

    /// Drops a reply that CLIENT REPLY suppresses.
    #[cold]
    fn silence(&mut self, before: Checkpoint) {
        let skipping = self.client.reply_mode == ReplyMode::Skipping;
        if skipping && self.client.postponed {
            self.client.reply_mode = ReplyMode::SkipNext;
        } else if skipping {
            self.client.reply_mode = ReplyMode::On;
        }
        // CLIENT REPLY ON itself answers.
        let wanted = !skipping && self.client.reply_mode == ReplyMode::On;
        if !wanted {
            drop_reply(self.reply, self.client.last_command, before);
        }
    }

    fn admit(
        &mut self,
        command: &'static Command,
        args: Args<'_>,
    ) -> Result<Admitted, CommandError> {
        check_arity(command, args)?;
        let flags = command.row.flags;
        if !self.client.is_unrestricted() {
            permit(self.client, self.server, command, args)?;
        }
        if self.out_of_memory {
            self.admit_without_memory(command, args)?;
        }
        if self.client.subscriptions.any()
            && self.client.protocol == skep_resp::Protocol::Resp2
            && !is_allowed_while_subscribed(command)
        {
            return Err(subscribed_error(command));
        }
        if self.client.paused.is_some() && self.must_wait(command) {
            return Ok(Admitted::Postponed);
        }
        let Some(transaction) = &self.client.transaction else {
            return Ok(Admitted::Run(command));
        };
        if flags.has(Flags::NOT_QUEUED) {
            return Ok(Admitted::Run(command));
        }
        if flags.has(Flags::NO_MULTI) {
            return Err(CommandError::text("ERR Command not allowed inside a transaction"));
        }
        if transaction.queued_bytes > self.server.max_transaction_bytes() {
            return Err(CommandError::text(
                "ERR transaction is too large; raise client-query-buffer-limit or send less",
            ));
        }
        match self.way(command, args, None)? {
            Way::Here => {}
            Way::Wait => return Ok(Admitted::Postponed),
            Way::There(slot) => return Err(self.moved(slot)),
        }
        transaction::queue(self.client, command, args);
        Ok(Admitted::Queued)
    }

    /// Whether a command may run on this node, as far as its keys are concerned.
    #[cold]
    fn way(
        &mut self,
        command: &Command,
        args: Args<'_>,
        key: Option<&Key<'_>>,
    ) -> Result<Way, CommandError> {
        let Some(routes) = self.routes else { return Ok(Way::Here) };
        route::way(routes, self.client, command, args, (key, self.now_ms))
    }

    /// Runs an admitted command of a node in a cluster, if its keys are here. Apart, so that a node on
    /// its own pays only for asking whether it is.
    #[cold]
    #[inline(never)]
    fn call_if_routed_here(
        &mut self,
        command: &'static Command,
        args: Args<'_>,
        key: Option<Key<'_>>,
    ) {
        match self.way(command, args, key.as_ref()) {
            Ok(Way::Here) => {}
            Ok(Way::Wait) => {
                self.client.postponed = true;
                return;
            }
            Ok(Way::There(slot)) => return self.redirect(command, args, slot),
            Err(error) => return self.refuse(args, &error),
        }
        match key.is_some() {
            true => self.call::<false>(command, args, key),
            false => self.call::<true>(command, args, key),
        }
        if self.exact_times {
            self.tell_watchers(command, args);
        }
    }

    /// Answers a command for another node: that node does, or the client is sent there.
    fn redirect(&mut self, command: &'static Command, args: Args<'_>, slot: Slot) {
        if route::may_be_forwarded(self.client, command) {
            let is_read = !transaction::may_write(self.client, command);
            self.client.deferred = self.server.forward(self.client, slot, args, is_read);
        }
        if self.client.deferred.is_none() {
            let error = self.moved(slot);
            self.refuse(args, &error);
        }
    }

    fn moved(&self, slot: Slot) -> CommandError {
        self.server.note_moved(self.client);
        self.routes.map_or(CommandError::NO_CLUSTER, |(routes, _)| route::moved(routes, slot))
    }

    /// Whether a pause holds this command back: all, or those that change what replicas would see.
    #[cold]
    fn must_wait(&self, command: &Command) -> bool {
        self.client.paused == Some(PauseScope::All) || transaction::may_write(self.client, command)
    }

    /// Refuses what may need more memory.
    #[cold]
    fn admit_without_memory(
        &mut self,
        command: &'static Command,
        args: Args<'_>,
    ) -> Result<(), CommandError> {
        // Where to go instead is said first, as in Redis.
        self.way(command, args, None)?;
        if command.row.flags.has(Flags::DENYOOM) {
            return Err(CommandError::OUT_OF_MEMORY);
        }
        let uses_memory = |transaction: &crate::client::Transaction| transaction.uses_memory;
        if command.row.name == "exec" && self.client.transaction.as_ref().is_some_and(uses_memory) {
            return Err(CommandError::OUT_OF_MEMORY);
        }
        Ok(())
    }

    /// Runs an admitted command. What it changes is one group for replicas if `IS_GROUP`.
    #[inline(always)]
    fn call<const IS_GROUP: bool>(
        &mut self,
        command: &'static Command,
        args: Args<'_>,
        key: Option<Key<'_>>,
    ) {
        let held = match &key {
            Some(key) => StripeSet::one(key.stripe()),
            None if command.row.flags.has(Flags::ALL_KEYS) => StripeSet::NONE,
            None => transaction::stripes(self.store, self.client, command)
                .unwrap_or_else(|| stripes_of(self.store, command.row, args)),
        };
        // As in `context`, but in place: moving it costs a SET a hundredth.
        let mut cx = Cx {
            view: View::new(self.store, self.writer, held, self.now_ms),
            reply: &mut *self.reply,
            client: &mut *self.client,
            server: self.server,
            statistics: &mut *self.statistics,
            prepared: key,
        };
        cx.view.set_quiet(cx.client.no_touch);
        if IS_GROUP {
            cx.view.begin_group();
        }
        invoke(&mut cx, command, args);
        if IS_GROUP {
            cx.view.end_group();
        }
    }

    /// Ends what a closing connection, or transaction, leaves in the store: its watches.
    pub fn disconnect(&mut self) {
        let held = transaction::watched_stripes(self.store, self.client);
        transaction::unwatch(&mut self.context(held, None));
    }

    /// What a handler gets, with these stripes locked.
    #[inline]
    fn context<'c>(&'c mut self, held: StripeSet, prepared: Option<Key<'c>>) -> Cx<'c> {
        Cx {
            view: View::new(self.store, self.writer, held, self.now_ms),
            reply: &mut *self.reply,
            client: &mut *self.client,
            server: self.server,
            statistics: &mut *self.statistics,
            prepared,
        }
    }
}

enum Admitted {
    Run(&'static Command),
    Queued,
    Postponed,
}

/// Drops a reply that the client does not want, unless it is a push.
pub(crate) fn drop_reply(reply: &mut Reply, command: Option<&Command>, before: Checkpoint) {
    let pushes = command.is_some_and(|command| answers_by_push(command.row));
    if !(pushes && reply.begins_push(before)) {
        reply.rollback(before);
    }
}

/// Calls a handler and turns its error into a reply.
#[inline]
pub(crate) fn invoke(cx: &mut Cx<'_>, command: &'static Command, args: Args<'_>) {
    match (command.row.run)(cx, args) {
        Ok(()) => cx.statistics.called(command),
        Err(error) => {
            cx.statistics.failed(command, &error);
            cx.reply.error_bytes(error.as_bytes());
        }
    }
}

/// The stripes of a command's keys.
pub(crate) fn stripes_of(store: &Store, row: &Row, args: Args<'_>) -> StripeSet {
    let mut held = StripeSet::NONE;
    // A command whose keys cannot be found touches none: its handler reports the error.
    let _ = keyspec::keys(row, args, |at, _| {
        if let Some(key) = args.get(at) {
            held.insert(store.key(key).stripe());
        }
    });
    held
}

/// Whether those who watch commands are told of this one: not of those that administer.
pub(crate) fn is_watchable(command: &Command) -> bool {
    let flags = command.row.flags;
    !flags.has(Flags::ADMIN) && !flags.has(Flags::SKIP_MONITOR)
}

/// Whether a request has as many arguments as its command takes.
pub(crate) fn fits_arity(row: &Row, args: Args<'_>) -> bool {
    let (count, arity) = (args.len() as i64, i64::from(row.arity));
    if arity >= 0 { count == arity } else { count >= -arity }
}

fn check_arity(command: &Command, args: Args<'_>) -> Result<(), CommandError> {
    if fits_arity(command.row, args) {
        return Ok(());
    }
    Err(CommandError::wrong_arity(&command.full_name))
}

/// Whether a request is a line of HTTP. A page in a browser on this host can send such lines, with
/// commands in the body, past every firewall; so they end the connection, unanswered.
fn is_from_a_web_page(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"post") || word.eq_ignore_ascii_case(b"host:")
}

fn is_allowed_while_subscribed(command: &Command) -> bool {
    const ALLOWED: [&str; 3] = ["ping", "quit", "reset"];
    // A subcommand such as LATENCY RESET has a full name of its own.
    answers_by_push(command.row) || ALLOWED.contains(&command.full_name.as_str())
}

/// Whether a command is one of the SUBSCRIBE family, whose replies are pushes.
fn answers_by_push(row: &Row) -> bool {
    row.flags.has(Flags::PUBSUB) && row.name.ends_with("subscribe")
}

fn subscribed_error(command: &Command) -> CommandError {
    CommandError::new(format!(
        "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
         allowed in this context",
        command.full_name
    ))
}
