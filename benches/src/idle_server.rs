//! A server without anything behind it, so that a command can be timed without a socket: all it knows
//! is a version of a cluster's topology. Commands that ask it for more are not for timing here.

use std::sync::Arc;

use arc_swap::ArcSwap;
use skep_command::acl::{Change, Denial, Entry, Users};
use skep_command::cluster::Routes;
use skep_command::server::{
    ChannelKind, ClientFilter, ClientInfo, Killed, MemoryFacts, PauseScope, SlowEntry,
};
use skep_command::statistics::Statistics;
use skep_command::{Client, CommandError, Server};
use skep_resp::{Args, Reply};
use skep_store::Counters;

const MAX_BYTES: usize = 512 << 20;

/// See the module.
pub(crate) struct IdleServer {
    /// Replaced whole with each version, as in the node.
    pub(crate) routes: ArcSwap<Routes>,
}

impl Server for IdleServer {
    fn routes(&self) -> Option<Arc<Routes>> {
        Some(self.routes.load_full())
    }

    fn clock_ns(&self) -> u64 {
        0
    }
    fn wants_exact_times(&self) -> bool {
        false
    }
    fn max_transaction_bytes(&self) -> usize {
        MAX_BYTES
    }
    fn max_value_bytes(&self) -> usize {
        MAX_BYTES
    }
    fn unix_time_us(&self) -> u64 {
        0
    }
    fn started_unix_seconds(&self) -> u64 {
        0
    }
    fn random_bytes(&self, out: &mut [u8]) {
        out.fill(0);
    }
    fn users(&self) -> (Arc<Users>, u64) {
        (Arc::new(Users::new(false)), 0)
    }
    fn change_users(&self, _: &Client, _: Change) -> Result<usize, CommandError> {
        Ok(0)
    }
    fn load_users(&self, _: &Client) -> Result<(), CommandError> {
        Ok(())
    }
    fn save_users(&self) -> Result<(), CommandError> {
        Ok(())
    }
    fn login_wait_ms(&self, _: &Client, _: &[u8]) -> u64 {
        0
    }
    fn note_login(&self, _: &Client, _: &[u8], _: bool) {}
    fn note_denial(&self, _: &Client, _: Denial) {}
    fn denials(&self, _: usize) -> Vec<Entry> {
        Vec::new()
    }
    fn forget_denials(&self) {}
    fn config_get(&self, _: &[&[u8]]) -> Vec<(String, String)> {
        Vec::new()
    }
    fn config_set(&self, _: &[(&[u8], &[u8])]) -> Result<(), CommandError> {
        Ok(())
    }
    fn config_rewrite(&self) -> Result<(), CommandError> {
        Ok(())
    }
    fn publish_figures(&self, _: &Client, _: &Counters, _: &mut Statistics) {}
    fn reset_statistics(&self) {}
    fn info(&self, _: &[&str]) -> String {
        String::new()
    }
    fn clients(&self, _: &ClientFilter) -> Vec<ClientInfo> {
        Vec::new()
    }
    fn kill_clients(&self, _: u64, _: &ClientFilter) -> Killed {
        Killed::default()
    }
    fn client_changed(&self, _: &Client) {}
    fn pause_clients(&self, _: u64, _: PauseScope) {}
    fn unpause_clients(&self) {}
    fn unblock_client(&self, _: u64, _: bool) -> bool {
        false
    }
    fn subscribe(&self, _: &Client, _: ChannelKind, _: &[u8]) -> bool {
        false
    }
    fn unsubscribe(&self, _: &Client, _: ChannelKind, _: &[u8]) -> bool {
        false
    }
    fn subscriptions(&self, _: &Client, _: ChannelKind) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn publish(&self, _: ChannelKind, _: &[u8], _: &[u8]) -> usize {
        0
    }
    fn watch_commands(&self, _: &Client, _: bool) {}
    fn tell_watchers(&self, _: &Client, _: Args<'_>) {}
    fn channels(&self, _: ChannelKind, _: Option<&[u8]>) -> Vec<Vec<u8>> {
        Vec::new()
    }
    fn subscriber_count(&self, _: ChannelKind, _: &[u8]) -> usize {
        0
    }
    fn pattern_count(&self) -> usize {
        0
    }
    fn slow_log(&self, _: usize) -> Vec<SlowEntry> {
        Vec::new()
    }
    fn slow_log_len(&self) -> usize {
        0
    }
    fn slow_log_reset(&self) {}
    fn note_slow(&self, _: &Client, _: u64, _: Args<'_>) {}
    fn latency(&self, _: Args<'_>, _: &mut Reply) -> Result<(), CommandError> {
        Ok(())
    }
    fn memory(&self) -> MemoryFacts {
        MemoryFacts::default()
    }
    fn allocator_report(&self) -> String {
        String::new()
    }
    fn purge_memory(&self) {}
    fn sleep(&self, _: u64) {}
    fn set_active_expiry(&self, _: bool) {}
    fn log(&self, _: &str) {}
    fn debug_allowed(&self, _: &Client) -> bool {
        false
    }
    fn shut_down(&self) {}
}
