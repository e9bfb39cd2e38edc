//! What commands see of the node: the implementation of [`Server`]. No logic of its own beyond
//! handing each question to the part that knows.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use skep_command::acl::{Change, Denial, Entry, Users};
use skep_command::cluster::{ClusterRequest, Deferred, DeferredReply, Routes};
use skep_command::server::{
    ChannelKind, ClientFilter, ClientInfo, Killed, LinkFacts, MemoryFacts, PauseScope, Server,
    SlowEntry,
};
use skep_command::{Client, CommandError};
use skep_keyspace::{NodeId, Slot};
use skep_resp::{Args, Reply};

use crate::clients::Connection;
use crate::node::{Node, unix_time_us};
use crate::settings::DebugAccess;
use crate::{figures, info, latency, monitors, slowlog};

impl Server for Node {
    fn clock_ns(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn wants_exact_times(&self) -> bool {
        self.exact_times.load(Relaxed)
    }

    fn max_transaction_bytes(&self) -> usize {
        self.settings.load().max_query_buffer_bytes
    }

    fn max_value_bytes(&self) -> usize {
        self.settings.load().max_bulk_bytes
    }

    fn unix_time_us(&self) -> u64 {
        unix_time_us()
    }

    fn started_unix_seconds(&self) -> u64 {
        self.started_unix_ms / 1000
    }

    fn random_bytes(&self, out: &mut [u8]) {
        crate::random::fill(out);
    }

    fn users(&self) -> (Arc<Users>, u64) {
        self.access.users()
    }

    fn change_users(&self, client: &Client, change: Change) -> Result<usize, CommandError> {
        Node::change_users(self, Some(client.id), &change)
    }

    fn load_users(&self, client: &Client) -> Result<(), CommandError> {
        Node::load_users(self, client.id)
    }

    fn save_users(&self) -> Result<(), CommandError> {
        Node::save_users(self)
    }

    fn login_wait_ms(&self, client: &Client, user: &[u8]) -> u64 {
        Node::login_wait_ms(self, client.id, user)
    }

    fn note_login(&self, client: &Client, user: &[u8], succeeded: bool) {
        Node::note_login(self, client.id, user, succeeded);
    }

    fn note_denial(&self, client: &Client, denial: Denial) {
        Node::note_denial(self, client, denial);
    }

    fn denials(&self, count: usize) -> Vec<Entry> {
        self.access.denials(count)
    }

    fn forget_denials(&self) {
        self.access.forget_denials();
    }

    fn config_get(&self, patterns: &[&[u8]]) -> Vec<(String, String)> {
        self.configuration.lock().get(patterns)
    }

    fn config_set(&self, pairs: &[(&[u8], &[u8])]) -> Result<(), CommandError> {
        self.change_configuration(pairs).map_err(|refused| CommandError::new(refused.to_string()))
    }

    fn config_rewrite(&self) -> Result<(), CommandError> {
        let rewritten = self.configuration.lock().saying(&self.access.users().0).rewrite();
        rewritten.map_err(|error| CommandError::new(error.to_string()))
    }

    fn reset_statistics(&self) {
        self.reset_figures();
    }

    fn publish_figures(
        &self,
        client: &Client,
        counters: &skep_store::Counters,
        statistics: &mut skep_command::statistics::Statistics,
    ) {
        if let Some(connection) = self.clients.get(client.id) {
            self.figures[connection.worker].take(counters, statistics);
        }
    }

    fn info(&self, sections: &[&str]) -> String {
        info::text(self, sections)
    }

    fn clients(&self, filter: &ClientFilter) -> Vec<ClientInfo> {
        let now_ms = self.now_ms();
        let describe = |id, line| ClientInfo { id, line };
        let selected = self.clients.select(filter, now_ms);
        selected.iter().map(|one| describe(one.id, one.describe(now_ms))).collect()
    }

    fn kill_clients(&self, asker: u64, filter: &ClientFilter) -> Killed {
        let selected = self.clients.select(filter, self.now_ms());
        for one in selected.iter().filter(|one| one.id != asker) {
            one.kill();
            // At once, so that the asker does not see it any more; its session only cleans up.
            self.gone(one);
        }
        Killed { count: selected.len(), asker: selected.iter().any(|one| one.id == asker) }
    }

    fn client_changed(&self, client: &Client) {
        if let Some(connection) = self.clients.get(client.id) {
            connection.show(client);
        }
    }

    fn pause_clients(&self, milliseconds: u64, scope: PauseScope) {
        self.pause.begin(self.now_ms(), milliseconds, scope);
    }

    fn unpause_clients(&self) {
        self.pause.end();
    }

    #[inline]
    fn paused(&self) -> Option<PauseScope> {
        match self.cluster() {
            Some(cluster) if cluster.duty.holds_writes() => {
                Some(self.pause.scope_at(|| self.now_ms()).unwrap_or(PauseScope::Writes))
            }
            _ => self.pause.scope_at(|| self.now_ms()),
        }
    }

    fn unblock_client(&self, _: u64, _: bool) -> bool {
        // No command of this node blocks its client yet.
        false
    }

    fn subscribe(&self, client: &Client, kind: ChannelKind, name: &[u8]) -> bool {
        let connection = self.clients.get(client.id);
        connection.is_some_and(|connection| self.pubsub.subscribe(&connection, kind, name))
    }

    fn unsubscribe(&self, client: &Client, kind: ChannelKind, name: &[u8]) -> bool {
        let connection = self.clients.get(client.id);
        connection.is_some_and(|connection| self.pubsub.unsubscribe(&connection, kind, name))
    }

    fn subscriptions(&self, client: &Client, kind: ChannelKind) -> Vec<Vec<u8>> {
        let Some(connection) = self.clients.get(client.id) else { return Vec::new() };
        let subscriptions = connection.subscriptions.lock();
        let of_kind = subscriptions.iter().filter(|(other, _)| *other == kind);
        of_kind.map(|(_, name)| name.to_vec()).collect()
    }

    fn publish(&self, kind: ChannelKind, channel: &[u8], message: &[u8]) -> usize {
        if let Some(cluster) = self.cluster() {
            cluster.spread(kind, channel, message);
        }
        self.publish_here(kind, channel, message)
    }

    fn take_pushes(&self, client: &Client, reply: &mut Reply) {
        if let Some(connection) = self.clients.get(client.id) {
            connection.take_messages().into_iter().for_each(|message| reply.raw_shared(message));
        }
    }

    fn watch_commands(&self, client: &Client, on: bool) {
        Node::watch_commands(self, client.id, on);
    }

    fn tell_watchers(&self, client: &Client, args: Args<'_>) {
        if !self.monitors.any() {
            return;
        }
        let Some(connection) = self.clients.get(client.id) else { return };
        let address = connection.peer.to_string();
        let line = monitors::line(unix_time_us(), client.database, &address, args);
        let overrun = self.monitors.tell(line, &self.settings.load().normal_output);
        self.output_limit_disconnections.fetch_add(overrun as u64, Relaxed);
    }

    fn channels(&self, kind: ChannelKind, pattern: Option<&[u8]>) -> Vec<Vec<u8>> {
        self.pubsub.names(kind, pattern)
    }

    fn subscriber_count(&self, kind: ChannelKind, channel: &[u8]) -> usize {
        self.pubsub.subscriber_count(kind, channel)
    }

    fn pattern_count(&self) -> usize {
        self.pubsub.name_count(ChannelKind::Pattern)
    }

    fn slow_log(&self, count: usize) -> Vec<SlowEntry> {
        self.slow_log.newest(count)
    }

    fn slow_log_len(&self) -> usize {
        self.slow_log.len()
    }

    fn slow_log_reset(&self) {
        self.slow_log.clear();
    }

    fn note_slow(&self, client: &Client, duration_us: u64, args: Args<'_>) {
        let settings = self.settings.load();
        let took_ms = duration_us / 1000;
        if settings.latency_threshold_ms > 0 && took_ms >= settings.latency_threshold_ms {
            self.latency.note("command", self.now_ms() / 1000, took_ms);
        }
        let threshold_us = u64::try_from(settings.slow_log_threshold_us);
        if threshold_us.is_ok_and(|threshold_us| duration_us >= threshold_us) {
            let connection = self.clients.get(client.id);
            let entry = SlowEntry {
                id: 0,
                unix_seconds: self.now_ms() / 1000,
                duration_us,
                args: slowlog::shorten(args),
                address: connection.map_or_else(String::new, |one| one.peer.to_string()),
                name: client.name.clone(),
            };
            self.slow_log.add(entry, settings.slow_log_len);
        }
    }

    fn latency(&self, words: Args<'_>, reply: &mut Reply) -> Result<(), CommandError> {
        let threshold_ms = self.settings.load().latency_threshold_ms;
        match words[0].to_ascii_lowercase().as_slice() {
            b"latest" => self.latency.latest(reply),
            b"history" => self.latency.history(&words[1], reply),
            b"reset" => {
                let names: Vec<_> = words.from(1).iter().collect();
                reply.integer(self.latency.reset(&names) as i64);
            }
            b"graph" => reply.verbatim("txt", self.latency.graph(&words[1])?.as_bytes()),
            b"doctor" => reply.verbatim("txt", self.latency.doctor(threshold_ms).as_bytes()),
            b"histogram" => {
                let total = figures::since(&self.figures, &self.reset.lock());
                latency::histogram(&total.statistics, words.from(1), reply);
            }
            _ => return Err(CommandError::SYNTAX),
        }
        Ok(())
    }

    fn memory(&self) -> MemoryFacts {
        self.memory_facts()
    }

    fn allocator_report(&self) -> String {
        crate::allocator::report()
    }

    fn purge_memory(&self) {
        // The allocator's own unused pages are given back by its background thread.
        self.store.trim();
    }

    fn sleep(&self, microseconds: u64) {
        std::thread::sleep(Duration::from_micros(microseconds));
    }

    fn set_active_expiry(&self, on: bool) {
        self.active_expiry.store(on, Relaxed);
    }

    fn log(&self, message: &str) {
        let text = format!("DEBUG LOG: {message}");
        crate::log::write(&self.settings.load(), crate::settings::LogLevel::Warning, &text);
    }

    fn debug_allowed(&self, client: &Client) -> bool {
        let connection = self.clients.get(client.id);
        let is_local = |one: &Connection| one.peer.ip().to_canonical().is_loopback();
        match self.settings.load().debug_access {
            DebugAccess::Nobody => false,
            DebugAccess::Local => connection.is_some_and(|one| is_local(&one)),
            DebugAccess::Everybody => true,
        }
    }

    fn shut_down(&self) {
        self.end();
    }

    fn routes(&self) -> Option<Arc<Routes>> {
        self.cluster().map(|cluster| cluster.routes())
    }

    fn ask_cluster(&self, asked_by: String, request: ClusterRequest) -> Deferred {
        match self.cluster() {
            Some(cluster) => cluster.ask(asked_by, request),
            None => DeferredReply::Error(CommandError::NO_CLUSTER).ready(),
        }
    }

    fn forward(
        &self,
        client: &mut Client,
        slot: Slot,
        args: Args<'_>,
        is_read: bool,
    ) -> Option<Deferred> {
        self.cluster()?.take_over(client, slot, args, is_read)
    }

    fn note_moved(&self, client: &Client) {
        Node::note_moved(self, &client.name);
    }

    fn replica_offsets(&self) -> Vec<(NodeId, u64)> {
        self.cluster().map(|cluster| cluster.replica_offsets()).unwrap_or_default()
    }

    fn links(&self) -> Vec<LinkFacts> {
        self.cluster().map(|cluster| cluster.links()).unwrap_or_default()
    }
}
