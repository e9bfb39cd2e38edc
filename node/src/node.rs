//! The node: everything its threads share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use skep_command::Client;
use skep_command::server::{ChannelKind, MemoryFacts};
use skep_resp::Limits;
use skep_store::{Store, Writer};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::access::Access;
use crate::clients::{Clients, Connection};
use crate::cluster::Cluster;
use crate::config::{Configuration, Refused, make_room_for_clients, restart_needed};
use crate::figures::{Figures, Published, Rates};
use crate::latency::LatencyMonitor;
use crate::log;
use crate::memory::Memory;
use crate::monitors::Monitors;
use crate::pause::Pause;
use crate::pubsub::PubSub;
use crate::settings::{LogLevel, OutputLimit, Settings};
use crate::slowlog::SlowLog;

/// The most input that ranges of 32 bits can address, with room for what is unquoted behind it.
const MAX_ADDRESSABLE_BYTES: usize = 2 << 30;
/// Names of clients that are counted apart.
const CLIENT_NAMES_MAX: usize = 256;
/// How often the memory of the whole process is looked up.
const MEMORY_TICK_MS: u64 = 100;

/// Everything the node's threads share.
pub(crate) struct Node {
    pub(crate) store: Store,
    /// What the options say; `settings` are made of it.
    pub(crate) configuration: Mutex<Configuration>,
    pub(crate) settings: ArcSwap<Settings>,
    pub(crate) access: Access,
    pub(crate) clients: Clients,
    pub(crate) pubsub: PubSub,
    pub(crate) monitors: Monitors,
    pub(crate) slow_log: SlowLog,
    pub(crate) latency: LatencyMonitor,
    pub(crate) memory: Memory,
    pub(crate) pause: Pause,
    /// One for each thread that runs commands.
    pub(crate) figures: Box<[Figures]>,
    /// Counters at the last CONFIG RESETSTAT.
    pub(crate) reset: Mutex<Published>,
    pub(crate) rates: Mutex<Rates>,
    pub(crate) exact_times: AtomicBool,
    pub(crate) active_expiry: AtomicBool,
    pub(crate) started: Instant,
    pub(crate) started_unix_ms: u64,
    pub(crate) run_id: String,
    /// `MOVED` replies, by the name of the client.
    pub(crate) moved: Mutex<BTreeMap<Vec<u8>, u64>>,
    pub(crate) connections_received: AtomicU64,
    pub(crate) connections_rejected: AtomicU64,
    pub(crate) output_limit_disconnections: AtomicU64,
    pub(crate) input_limit_disconnections: AtomicU64,
    /// The node's part in a cluster; none for one that runs alone.
    pub(crate) cluster: OnceLock<Arc<Cluster>>,
    stopping: AtomicBool,
    stop: Notify,
}

impl Node {
    pub(crate) fn new(store: Store, configuration: Configuration, run_id: String) -> Node {
        let settings = configuration.settings();
        let node = Node {
            access: Access::new(configuration.users().clone()),
            configuration: Mutex::new(configuration),
            // One more for the commands that other nodes forward.
            figures: (0..=settings.workers).map(|_| Figures::default()).collect(),
            store,
            settings: ArcSwap::from_pointee(settings),
            clients: Clients::default(),
            pubsub: PubSub::default(),
            monitors: Monitors::default(),
            slow_log: SlowLog::default(),
            latency: LatencyMonitor::default(),
            memory: Memory::default(),
            pause: Pause::default(),
            reset: Mutex::default(),
            rates: Mutex::default(),
            exact_times: AtomicBool::new(false),
            active_expiry: AtomicBool::new(true),
            started: Instant::now(),
            started_unix_ms: unix_time_us() / 1000,
            run_id,
            moved: Mutex::default(),
            connections_received: AtomicU64::new(0),
            connections_rejected: AtomicU64::new(0),
            output_limit_disconnections: AtomicU64::new(0),
            input_limit_disconnections: AtomicU64::new(0),
            cluster: OnceLock::new(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
        };
        node.settings_changed();
        node.memory.measure(&node.store, node.settings.load().memory_limit_bytes);
        node.memory.note_startup(&node.store);
        node
    }

    /// CONFIG SET: all of it is put in force, or none.
    pub(crate) fn change_configuration(&self, pairs: &[(&[u8], &[u8])]) -> Result<(), Refused> {
        let mut configuration = self.configuration.lock();
        let next = configuration.with(pairs)?;
        let settings = next.settings();
        if settings.max_clients > self.settings.load().max_clients {
            let (workers, addresses) = (settings.workers, settings.bind.len());
            let room = make_room_for_clients(settings.max_clients, workers, addresses);
            room.map_err(|possible| {
                let reason = format!(
                    "The operating system is not able to handle the specified number of \
                     clients, try with {possible}"
                );
                Refused::failed("maxclients", reason)
            })?;
        }
        *configuration = next;
        let before = self.settings.swap(Arc::new(settings));
        self.settings_changed();
        let sets =
            |name: &str| pairs.iter().any(|(one, _)| one.eq_ignore_ascii_case(name.as_bytes()));
        let settings = self.settings.load();
        if sets("requirepass") {
            self.change_password(settings.password.as_deref());
        }
        if before.users_hear_all != settings.users_hear_all {
            self.let_users_hear_all(settings.users_hear_all);
        }
        Ok(())
    }

    /// Puts a configuration that was read again in force, as far as that can be done while
    /// running. Answers the options that only a restart brings in force.
    pub(crate) fn reload(&self, fresh: Configuration) -> Vec<&'static str> {
        let mut configuration = self.configuration.lock();
        let left = restart_needed(&configuration, &fresh);
        *configuration = configuration.reloaded(fresh);
        let before = self.settings.swap(Arc::new(configuration.settings()));
        self.settings_changed();
        let settings = self.settings.load();
        if before.password != settings.password {
            self.change_password(settings.password.as_deref());
        }
        if before.users_hear_all != settings.users_hear_all {
            self.let_users_hear_all(settings.users_hear_all);
        }
        left
    }

    /// Logs what happened to the node.
    pub(crate) fn notice(&self, text: &str) {
        log::write(&self.settings.load(), LogLevel::Notice, text);
    }

    /// Logs what calls for action.
    pub(crate) fn warn(&self, text: &str) {
        log::write(&self.settings.load(), LogLevel::Warning, text);
    }

    /// Brings what is derived from the settings up to date.
    fn settings_changed(&self) {
        let settings = self.settings.load();
        self.store.set_policy(settings.policy, settings.lfu_log_factor, settings.lfu_decay_minutes);
        self.decide_exact_times();
        self.memory.measure(&self.store, settings.memory_limit_bytes);
    }

    /// Durations that ordinary commands may reach are measured one by one, and commands that
    /// somebody watches run one by one.
    fn decide_exact_times(&self) {
        let slow = (0..1000).contains(&self.settings.load().slow_log_threshold_us);
        self.exact_times.store(slow || self.monitors.any(), Relaxed);
    }

    /// Has a client told of every command that runs, or no longer.
    pub(crate) fn watch_commands(&self, id: u64, on: bool) {
        match self.clients.get(id).filter(|_| on) {
            Some(connection) => self.monitors.add(&connection),
            None => self.monitors.remove(id),
        }
        self.decide_exact_times();
    }

    /// Unix time in milliseconds.
    #[inline]
    pub(crate) fn now_ms(&self) -> u64 {
        unix_time_us() / 1000
    }

    /// Decides about a new connection; one that is refused has been told why.
    pub(crate) fn admit(
        &self,
        stream: &TcpStream,
        peer: SocketAddr,
        worker: usize,
    ) -> Option<Arc<Connection>> {
        self.connections_received.fetch_add(1, Relaxed);
        let settings = self.settings.load();
        let local = stream.local_addr().unwrap_or(peer);
        let refuse = |text: &str| {
            self.connections_rejected.fetch_add(1, Relaxed);
            // The socket is fresh, so a short text fits into its buffer.
            let _ = stream.try_write(format!("-{text}\r\n").as_bytes());
            None
        };
        if settings.protected_mode
            && self.access.users().0.let_everybody_in()
            && !peer.ip().to_canonical().is_loopback()
        {
            return refuse(PROTECTED_MODE);
        }
        let id = self.clients.next_id();
        let descriptor = stream.as_raw_fd();
        let connection =
            Arc::new(Connection::new(id, (peer, local), descriptor, worker, self.now_ms()));
        if !self.clients.add(&connection, settings.max_clients) {
            return refuse("ERR max number of clients reached");
        }
        if let Some(keepalive) = settings.keepalive {
            // As in Redis: three probes, a third of the silence apart.
            let keepalive = socket2::TcpKeepalive::new()
                .with_time(keepalive)
                .with_interval((keepalive / 3).max(Duration::from_secs(1)))
                .with_retries(3);
            let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive);
        }
        Some(connection)
    }

    pub(crate) fn new_client(&self, connection: &Connection) -> Client {
        let mut client = Client::new(connection.id, false);
        let (users, version) = self.access.users();
        client.sign_out((&users, version));
        connection.show(&client);
        client
    }

    /// Sends a message to the subscribers of this node. Returns how many there are.
    pub(crate) fn publish_here(&self, kind: ChannelKind, channel: &[u8], message: &[u8]) -> usize {
        let limit = self.settings.load().pubsub_output;
        let published = self.pubsub.publish(kind, channel, message, &limit);
        self.output_limit_disconnections.fetch_add(published.overrun as u64, Relaxed);
        published.receivers
    }

    /// Counts a `MOVED` reply to a client of some name; of too many names, together.
    pub(crate) fn note_moved(&self, name: &[u8]) {
        let mut moved = self.moved.lock();
        let is_known = moved.contains_key(name) || moved.len() < CLIENT_NAMES_MAX;
        *moved.entry(if is_known { name.to_vec() } else { b"(others)".to_vec() }).or_default() += 1;
    }

    /// Forgets a connection that has ended.
    pub(crate) fn gone(&self, connection: &Connection) {
        self.pubsub.forget(connection);
        self.clients.remove(connection.id);
        if self.monitors.any() {
            self.watch_commands(connection.id, false);
        }
    }

    /// What a client may send.
    #[inline]
    pub(crate) fn limits(&self, client: &Client) -> Limits {
        let settings = self.settings.load();
        if !client.is_authenticated() {
            return Limits::unauthenticated();
        }
        Limits {
            max_bulk_bytes: settings.max_bulk_bytes.min(MAX_ADDRESSABLE_BYTES),
            max_args: settings.max_args,
            max_query_buffer_bytes: settings.max_query_buffer_bytes.min(MAX_ADDRESSABLE_BYTES),
            ..Limits::default()
        }
    }

    /// How much may be unsent for a connection.
    pub(crate) fn output_limit(&self, is_subscribed: bool) -> OutputLimit {
        let settings = self.settings.load();
        if is_subscribed { settings.pubsub_output } else { settings.normal_output }
    }

    pub(crate) fn note_output_overrun(&self) {
        self.output_limit_disconnections.fetch_add(1, Relaxed);
    }

    pub(crate) fn note_query_buffer_overflow(&self) {
        self.input_limit_disconnections.fetch_add(1, Relaxed);
    }

    /// Makes room for a batch that may write. Answers whether there is none.
    #[inline]
    pub(crate) fn make_room(&self, writer: &mut Writer, now_ms: u64) -> bool {
        !self.store.make_room(writer, now_ms)
    }

    /// Sets the counters of INFO back to zero.
    pub(crate) fn reset_figures(&self) {
        *self.reset.lock() = crate::figures::total(&self.figures);
        self.memory.reset_exceeded(self.now_ms());
        self.access.reset_figures();
        for counter in [
            &self.connections_received,
            &self.connections_rejected,
            &self.output_limit_disconnections,
            &self.input_limit_disconnections,
        ] {
            counter.store(0, Relaxed);
        }
    }

    /// Where the memory is.
    pub(crate) fn memory_facts(&self) -> MemoryFacts {
        let limit_bytes = self.settings.load().memory_limit_bytes;
        self.memory.facts(&self.store, limit_bytes, self.client_buffer_bytes())
    }

    /// The configuration file in use, or nothing.
    pub(crate) fn config_file(&self) -> String {
        let configuration = self.configuration.lock();
        configuration.file().map_or_else(String::new, |file| file.display().to_string())
    }

    /// Bytes of all connections' buffers.
    pub(crate) fn client_buffer_bytes(&self) -> u64 {
        let all = self.clients.select(&Default::default(), self.now_ms());
        all.iter().map(|one| one.buffer_bytes() as u64).sum()
    }

    /// The node's part in a cluster, if it has one.
    #[inline]
    pub(crate) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.get()
    }

    /// Waits until commands that were put off may perhaps run; the caller looks again.
    pub(crate) async fn unpaused(&self) {
        match self.cluster() {
            Some(cluster) if self.pause.scope_at(|| self.now_ms()).is_none() => {
                cluster.duty.changed().await;
            }
            _ => self.pause.wait(self.now_ms()).await,
        }
    }

    /// Asks clients to leave that have said nothing for a while, and are told nothing either: they
    /// come back to where they are served now.
    pub(crate) fn close_idle_clients(&self, idle_ms: u64) {
        let now_ms = self.now_ms();
        self.clients.each(|connection| {
            let is_subscribed = connection.visible.lock().is_subscribed();
            if connection.idle_ms(now_ms) >= idle_ms && !is_subscribed {
                connection.close_when_idle();
            }
        });
    }

    /// Forgets all keys.
    pub(crate) fn clear_all(&self) {
        let mut writer = Writer::new(crate::random::number());
        for lane in 0..=u8::MAX {
            self.store.empty_lane(&mut writer, lane, 0);
        }
    }

    pub(crate) fn expires_actively(&self) -> bool {
        self.active_expiry.load(Relaxed) && self.pause.scope_at(|| self.now_ms()).is_none()
    }

    /// Time between upkeep steps when there is little to do.
    pub(crate) fn tick_interval(&self) -> Duration {
        Duration::from_millis(1000 / u64::from(self.settings.load().hz.clamp(1, 500)))
    }

    /// The shared part of a worker's tick; the first worker does it.
    pub(crate) fn tick(&self, worker: usize) {
        if worker != 0 {
            return;
        }
        let now_ms = self.now_ms();
        if self.memory.is_due(now_ms, MEMORY_TICK_MS) {
            let settings = self.settings.load();
            self.memory.measure(&self.store, settings.memory_limit_bytes);
            self.memory.note_limit(&self.store, settings.memory_limit_bytes, now_ms);
            self.close_clients_beyond_limits(now_ms, &settings);
            self.rates.lock().measure(&self.figures, Instant::now());
        }
    }

    /// Closes clients that have been silent, have left too much unread, or have not said who they are,
    /// for too long.
    fn close_clients_beyond_limits(&self, now_ms: u64, settings: &Settings) {
        let login_timeout =
            settings.login_timeout.filter(|_| !self.access.users().0.let_everybody_in());
        self.clients.each(|connection| {
            if login_timeout.is_some_and(|limit| connection.is_late_to_log_in(now_ms, limit)) {
                return connection.kill();
            }
            let idle_ms = u128::from(connection.idle_ms(now_ms));
            let silent = settings.idle_timeout.is_some_and(|limit| idle_ms > limit.as_millis());
            if !silent && connection.output_bytes() == 0 {
                return;
            }
            let subscribed = connection.visible.lock().is_subscribed();
            let limit = if subscribed { settings.pubsub_output } else { settings.normal_output };
            if connection.exceeds(&limit, now_ms) {
                self.note_output_overrun();
                connection.kill();
            } else if silent && !subscribed {
                // Subscribers are expected to be silent.
                connection.kill();
            }
        });
    }

    /// Begins to end: at once, or for a node of a cluster when its shard is in other hands.
    pub(crate) fn end(&self) {
        match self.cluster() {
            Some(cluster) => cluster.end(),
            None => self.begin_stop(),
        }
    }

    /// Begins to stop: no more connections; sessions end when their replies are sent.
    pub(crate) fn begin_stop(&self) {
        self.stopping.store(true, Relaxed);
        // Paused clients are to be answered, too.
        self.pause.end();
        self.stop.notify_waiters();
        for connection in self.clients.select(&Default::default(), self.now_ms()) {
            connection.close_when_idle();
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// Waits until the node begins to stop.
    pub(crate) async fn stopping(&self) {
        let stop = self.stop.notified();
        if !self.is_stopping() {
            stop.await;
        }
    }

    /// Whether the node is stopping and no session of this worker is left, or time is up.
    pub(crate) fn has_drained(&self, worker: usize) -> bool {
        self.is_stopping() && self.clients.count_of(worker) == 0
    }
}

/// Unix time in microseconds.
pub(crate) fn unix_time_us() -> u64 {
    #[cfg(test)]
    if let Some(now) = crate::simulated::now() {
        return crate::simulated::BEGIN_UNIX_US + now / 1000;
    }
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

const PROTECTED_MODE: &str = "DENIED Skep is running in protected mode because protected mode is \
    enabled and no password is set. In this mode connections are only accepted from the host it \
    runs on. To connect from elsewhere, do one of these: 1) set a password, with 'CONFIG SET \
    requirepass <password>' from that host, or with 'requirepass <password>' in the configuration \
    file and a restart; 2) only where nobody untrusted can reach the port, switch the mode off \
    with 'CONFIG SET protected-mode no' from that host, or by starting with '--protected-mode no'.";

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Machine;

    fn node() -> Node {
        let options = skep_store::Options { databases: 1, reserve_bytes: 64 << 20, seed: 1 };
        let store = Store::new(&options).unwrap();
        Node::new(store, Configuration::new(Machine::detect()), String::new())
    }

    /// What a client hears that connects from `peer`.
    async fn answer(node: &Node, peer: [u8; 4]) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let connection = node.admit(&stream, SocketAddr::from((peer, 9)), 0);
        drop(stream);
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        assert_eq!(connection.is_none(), !heard.is_empty());
        heard
    }

    #[tokio::test]
    async fn without_a_password_only_this_host_is_served() {
        let node = node();
        let heard = answer(&node, [192, 0, 2, 1]).await;
        assert!(heard.starts_with("-DENIED ") && heard.ends_with("\r\n"), "{heard}");
        assert!(heard.contains("requirepass") && heard.contains("protected-mode no"), "{heard}");
        assert_eq!(answer(&node, [127, 0, 0, 1]).await, "");
    }

    #[tokio::test]
    async fn a_password_or_a_decision_opens_the_node_at_once() {
        for (name, value) in [("requirepass", "s3cret"), ("protected-mode", "no")] {
            let node = node();
            node.change_configuration(&[(name.as_bytes(), value.as_bytes())]).unwrap();
            assert_eq!(answer(&node, [192, 0, 2, 1]).await, "", "{name}");
        }
    }

    #[test]
    fn what_config_set_changes_reaches_the_store() {
        let node = node();
        let pairs: [(&[u8], &[u8]); 2] =
            [(b"maxmemory-policy", b"volatile-ttl"), (b"slowlog-log-slower-than", b"5")];
        node.change_configuration(&pairs).unwrap();
        assert_eq!(node.store.policy(), skep_store::Policy::VolatileTtl);
        assert!(node.exact_times.load(Relaxed));
    }
}
