//! A bench for tests of commands: one client of a small server of its own, driven in text.
//!
//! Requests take the way of the node's: parsed, prepared as a batch, dispatched. Replies are raw
//! RESP, with a blank for each line end, so that a test reads as a story:
//!
//! ```text
//! bench.expect(&[("SET name value", "+OK"), ("GET name", "$5 value"), ("GET other", "$-1")]);
//! ```
//! Time stands still until [`Bench::pass_ms`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use skep_keyspace::NodeId;
use skep_resp::{Args, Batch, Limits, Parser, Protocol, Reply};
use skep_store::{Counters, Options, Store, Writer};

use crate::acl::{Change, Denial, DenialLog, Entry, Users};
use crate::client::Client;
use crate::cluster::{ClusterRequest, Deferred, DeferredReply, Lease, Routes};
use crate::dispatch::Env;
use crate::error::CommandError;
use crate::server::{
    ChannelKind, ClientFilter, ClientInfo, Killed, LinkFacts, MemoryFacts, PauseScope, Server,
    SlowEntry,
};
use crate::statistics::Statistics;

/// When tests begin, in Unix milliseconds.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// See the module.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) server: TestServer,
    pub(crate) statistics: Statistics,
    pub(crate) now_ms: u64,
    /// Whether a node of a cluster may serve its slots.
    pub(crate) lease: Lease,
    /// As when somebody watches commands.
    pub(crate) exact_times: bool,
    writer: Writer,
}

impl Bench {
    /// A client with number 1 of an empty store.
    pub(crate) fn new() -> Bench {
        let options = Options { databases: 16, reserve_bytes: 1 << 30, seed: 42 };
        Bench {
            store: Store::new(&options).unwrap(),
            client: Client::new(1, true),
            server: TestServer::default(),
            statistics: Statistics::default(),
            now_ms: START_MS,
            exact_times: false,
            lease: Lease::Held,
            writer: Writer::new(7),
        }
    }

    /// The same, for a client that speaks RESP3.
    pub(crate) fn resp3() -> Bench {
        let mut bench = Bench::new();
        bench.client.protocol = Protocol::Resp3;
        bench
    }

    /// Sends a request, written as redis-cli takes it, and returns the reply: its bytes in text,
    /// line ends as blanks, other control characters and bytes above ASCII escaped.
    pub(crate) fn ask(&mut self, request: &str) -> String {
        readable(&self.run(format!("{request}\r\n").as_bytes()))
    }

    /// Sends a request of any bytes and returns the reply's bytes.
    pub(crate) fn ask_words(&mut self, words: &[&[u8]]) -> Vec<u8> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.run(&request)
    }

    /// Sends requests one by one and compares each reply with what is expected.
    #[track_caller]
    pub(crate) fn expect(&mut self, story: &[(&str, &str)]) {
        for (request, expected) in story {
            assert_eq!(self.ask(request), *expected, "{request}");
        }
    }

    /// Sends a request whose reply is to come later, and compares what it asks of the cluster.
    #[track_caller]
    pub(crate) fn expect_asked(&mut self, request: &str, expected: ClusterRequest) {
        assert_eq!(self.ask(request), "", "{request}");
        assert!(self.client.deferred.take().is_some(), "{request}");
        let asked = self.server.asked.lock();
        assert_eq!(asked.last().map(|one| &one.1), Some(&expected), "{request}");
    }

    /// Gives the default user a password, which the client does not know.
    pub(crate) fn require_password(&mut self, password: &str) {
        let change = Users::default_password(password.as_bytes());
        self.server.change_users(&self.client, change).expect("a password that fits");
        let (users, version) = self.server.users();
        self.client.sign_out((&users, version));
    }

    /// What the store has counted so far.
    pub(crate) fn counters(&self) -> Counters {
        self.writer.counters
    }

    /// Lets time pass.
    pub(crate) fn pass_ms(&mut self, milliseconds: u64) {
        self.now_ms += milliseconds;
    }

    /// Compares the store's accounts with a recount.
    #[track_caller]
    pub(crate) fn recount(&mut self) {
        self.writer.publish(&self.store);
        assert_eq!(self.store.audit(), Ok(()));
    }

    fn run(&mut self, request: &[u8]) -> Vec<u8> {
        let mut batch = Batch::default();
        let parsed = Parser::default().parse(request, &Limits::default(), &mut batch, usize::MAX);
        assert_eq!(parsed.error, None, "the test's request is malformed");
        assert_eq!(parsed.consumed, request.len(), "the test's request is incomplete");
        let mut reply = Reply::new(self.client.protocol);
        let routes = self.server.routes.clone();
        let mut env = Env {
            store: &self.store,
            writer: &mut self.writer,
            reply: &mut reply,
            client: &mut self.client,
            server: &self.server,
            statistics: &mut self.statistics,
            now_ms: self.now_ms,
            exact_times: self.exact_times,
            out_of_memory: self.server.out_of_memory,
            routes: routes.as_deref().map(|routes| (routes, self.lease)),
        };
        let (_, version) = self.server.users();
        env.client.follow_users(env.server, version);
        let mut next = 0;
        while next < batch.len() && !env.client.close_after_reply && !env.client.postponed {
            next = env.run_batch(&batch, request, next);
        }
        bytes_of(&reply)
    }
}

fn bytes_of(reply: &Reply) -> Vec<u8> {
    let mut slices = [std::io::IoSlice::new(&[]); 64];
    let count = reply.unsent(&mut slices);
    let bytes: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
    assert_eq!(bytes.len(), reply.len_bytes(), "the reply has more slices than the bench reads");
    bytes
}

/// Bytes of RESP as [`Bench::ask`] shows them.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let body = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    body.escape_ascii().to_string().replace("\\r\\n", " ").replace("\\'", "'").replace("\\\"", "\"")
}

/// A server without anything behind it. Fields say what it answers and what it was asked to do.
pub(crate) struct TestServer {
    pub(crate) max_value_bytes: usize,
    /// The users and their version.
    pub(crate) users: Mutex<(Arc<Users>, u64)>,
    pub(crate) denials: Mutex<DenialLog>,
    /// How long AUTH has to wait.
    pub(crate) login_wait_ms: u64,
    pub(crate) out_of_memory: bool,
    pub(crate) subscriptions: Mutex<Vec<(ChannelKind, Vec<u8>)>>,
    /// Messages left for the client.
    pub(crate) mailbox: Mutex<Vec<u8>>,
    pub(crate) paused: Mutex<Option<PauseScope>>,
    /// What was asked for, in words, for the questions that have effects.
    pub(crate) requests: Mutex<Vec<String>>,
    /// The cluster, when the node belongs to one.
    pub(crate) routes: Option<Arc<Routes>>,
    /// What was asked of the cluster, and by whom.
    pub(crate) asked: Mutex<Vec<(String, ClusterRequest)>>,
    pub(crate) replica_offsets: Vec<(NodeId, u64)>,
    pub(crate) links: Vec<LinkFacts>,
    clock_ns: AtomicU64,
}

impl Default for TestServer {
    fn default() -> TestServer {
        TestServer {
            max_value_bytes: 512 << 20,
            users: Mutex::new((Arc::new(Users::new(false)), 0)),
            denials: Mutex::default(),
            login_wait_ms: 0,
            out_of_memory: false,
            subscriptions: Mutex::default(),
            mailbox: Mutex::default(),
            paused: Mutex::default(),
            requests: Mutex::default(),
            routes: None,
            asked: Mutex::default(),
            replica_offsets: Vec::new(),
            links: Vec::new(),
            clock_ns: AtomicU64::new(0),
        }
    }
}

impl TestServer {
    fn note(&self, request: impl Into<String>) {
        self.requests.lock().push(request.into());
    }
}

impl Server for TestServer {
    fn clock_ns(&self) -> u64 {
        self.clock_ns.fetch_add(1000, Relaxed)
    }

    fn wants_exact_times(&self) -> bool {
        false
    }

    fn max_transaction_bytes(&self) -> usize {
        1 << 30
    }

    fn max_value_bytes(&self) -> usize {
        self.max_value_bytes
    }

    fn unix_time_us(&self) -> u64 {
        START_MS * 1000
    }

    fn random_bytes(&self, out: &mut [u8]) {
        out.fill(7);
    }

    fn users(&self) -> (Arc<Users>, u64) {
        self.users.lock().clone()
    }

    fn change_users(&self, _: &Client, change: Change) -> Result<usize, CommandError> {
        let mut users = self.users.lock();
        let changed = users.0.after(&change)?;
        *users = (Arc::new(changed.users), users.1 + 1);
        Ok(changed.deleted)
    }

    fn load_users(&self, _: &Client) -> Result<(), CommandError> {
        self.note("load the users");
        Ok(())
    }

    fn save_users(&self) -> Result<(), CommandError> {
        self.note("save the users");
        Ok(())
    }

    fn login_wait_ms(&self, _: &Client, _: &[u8]) -> u64 {
        self.login_wait_ms
    }

    fn note_login(&self, client: &Client, user: &[u8], succeeded: bool) {
        let user = String::from_utf8_lossy(user);
        self.note(format!("client {} tried to be {user}: {succeeded}", client.id));
    }

    fn note_denial(&self, client: &Client, denial: Denial) {
        self.denials.lock().note(denial, format!("id={}", client.id), START_MS, 128);
    }

    fn denials(&self, count: usize) -> Vec<Entry> {
        self.denials.lock().newest(count)
    }

    fn forget_denials(&self) {
        self.denials.lock().clear();
    }

    fn config_get(&self, _: &[&[u8]]) -> Vec<(String, String)> {
        Vec::new()
    }

    fn config_set(&self, pairs: &[(&[u8], &[u8])]) -> Result<(), CommandError> {
        self.note(format!("set {} options", pairs.len()));
        Ok(())
    }

    fn config_rewrite(&self) -> Result<(), CommandError> {
        self.note("rewrite the configuration");
        Ok(())
    }

    fn publish_figures(&self, _: &Client, _: &Counters, _: &mut Statistics) {}

    fn reset_statistics(&self) {
        self.note("reset statistics");
    }

    fn info(&self, sections: &[&str]) -> String {
        format!("sections:{}", sections.join(","))
    }

    fn clients(&self, _: &ClientFilter) -> Vec<ClientInfo> {
        Vec::new()
    }

    fn kill_clients(&self, _: u64, filter: &ClientFilter) -> Killed {
        self.note(format!("kill {filter:?}"));
        Killed::default()
    }

    fn client_changed(&self, client: &Client) {
        self.note(format!("client {} changed", client.id));
    }

    fn pause_clients(&self, milliseconds: u64, scope: PauseScope) {
        self.note(format!("pause {scope:?} for {milliseconds}"));
        *self.paused.lock() = Some(scope);
    }

    fn unpause_clients(&self) {
        self.note("unpause");
        *self.paused.lock() = None;
    }

    fn paused(&self) -> Option<PauseScope> {
        *self.paused.lock()
    }

    fn unblock_client(&self, id: u64, with_error: bool) -> bool {
        self.note(format!("unblock {id}, with error: {with_error}"));
        false
    }

    fn subscribe(&self, _: &Client, kind: ChannelKind, name: &[u8]) -> bool {
        let mut subscriptions = self.subscriptions.lock();
        let subscription = (kind, name.to_vec());
        let is_new = !subscriptions.contains(&subscription);
        if is_new {
            subscriptions.push(subscription);
        }
        is_new
    }

    fn unsubscribe(&self, _: &Client, kind: ChannelKind, name: &[u8]) -> bool {
        let mut subscriptions = self.subscriptions.lock();
        let before = subscriptions.len();
        subscriptions.retain(|one| *one != (kind, name.to_vec()));
        subscriptions.len() < before
    }

    fn subscriptions(&self, _: &Client, kind: ChannelKind) -> Vec<Vec<u8>> {
        let subscriptions = self.subscriptions.lock();
        subscriptions.iter().filter(|one| one.0 == kind).map(|one| one.1.clone()).collect()
    }

    fn publish(&self, kind: ChannelKind, channel: &[u8], message: &[u8]) -> usize {
        let count = self.subscriber_count(kind, channel);
        for _ in 0..count {
            self.mailbox.lock().extend_from_slice(&[b"~", message, b"\r\n"].concat());
        }
        count
    }

    fn take_pushes(&self, _: &Client, reply: &mut Reply) {
        reply.raw(&std::mem::take(&mut *self.mailbox.lock()));
    }

    fn watch_commands(&self, client: &Client, on: bool) {
        self.note(format!("client {} watches: {on}", client.id));
    }

    fn tell_watchers(&self, _: &Client, args: Args<'_>) {
        let words: Vec<_> = args.iter().map(String::from_utf8_lossy).collect();
        self.note(format!("ran {}", words.join(" ")));
    }

    fn channels(&self, kind: ChannelKind, _: Option<&[u8]>) -> Vec<Vec<u8>> {
        let subscriptions = self.subscriptions.lock();
        subscriptions.iter().filter(|one| one.0 == kind).map(|one| one.1.clone()).collect()
    }

    fn subscriber_count(&self, kind: ChannelKind, channel: &[u8]) -> usize {
        let subscriptions = self.subscriptions.lock();
        subscriptions.iter().filter(|one| one.0 == kind && one.1 == channel).count()
    }

    fn pattern_count(&self) -> usize {
        let subscriptions = self.subscriptions.lock();
        subscriptions.iter().filter(|one| one.0 == ChannelKind::Pattern).count()
    }

    fn slow_log(&self, _: usize) -> Vec<SlowEntry> {
        Vec::new()
    }

    fn slow_log_len(&self) -> usize {
        0
    }

    fn slow_log_reset(&self) {
        self.note("empty the slow log");
    }

    fn note_slow(&self, _: &Client, _: u64, _: Args<'_>) {}

    fn latency(&self, words: Args<'_>, reply: &mut Reply) -> Result<(), CommandError> {
        reply.bulk(&words[0]);
        Ok(())
    }

    fn memory(&self) -> MemoryFacts {
        MemoryFacts::default()
    }

    fn started_unix_seconds(&self) -> u64 {
        START_MS / 1000
    }

    fn allocator_report(&self) -> String {
        "nothing allocated".to_owned()
    }

    fn log(&self, message: &str) {
        self.note(format!("log {message}"));
    }

    fn purge_memory(&self) {
        self.note("purge memory");
    }

    fn sleep(&self, microseconds: u64) {
        self.note(format!("sleep {microseconds}"));
    }

    fn set_active_expiry(&self, on: bool) {
        self.note(format!("active expiry: {on}"));
    }

    fn debug_allowed(&self, _: &Client) -> bool {
        true
    }

    fn shut_down(&self) {
        self.note("shut down");
    }

    fn routes(&self) -> Option<Arc<Routes>> {
        self.routes.clone()
    }

    fn ask_cluster(&self, asked_by: String, request: ClusterRequest) -> Deferred {
        self.asked.lock().push((asked_by, request));
        Box::pin(std::future::ready(DeferredReply::Ok))
    }

    fn replica_offsets(&self) -> Vec<(NodeId, u64)> {
        self.replica_offsets.clone()
    }

    fn links(&self) -> Vec<LinkFacts> {
        self.links.clone()
    }
}
