//! `skep`: the cache node.

mod allocator;
mod clients;
mod facade;
mod figures;
mod info;
mod latency;
mod listen;
mod memory;
mod node;
mod pause;
mod pubsub;
mod random;
mod session;
mod settings;
mod slowlog;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use settings::{OutputLimit, Settings};

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() {
    let mut settings = Settings {
        port: 6379,
        bind: vec!["127.0.0.1".to_owned()],
        backlog: 511,
        workers: 2,
        databases: 16,
        password: None,
        protected_mode: true,
        max_clients: 10_000,
        idle_timeout: None,
        keepalive: None,
        memory_limit_bytes: 0,
        policy: "noeviction".to_owned(),
        normal_output: OutputLimit::default(),
        pubsub_output: OutputLimit::default(),
        max_query_buffer_bytes: 1 << 30,
        max_bulk_bytes: 512 << 20,
        max_args: 1 << 20,
        slow_log_threshold_us: 10_000,
        slow_log_len: 128,
        latency_threshold_ms: 0,
        hz: 10,
        shutdown_timeout: Duration::from_secs(10),
    };
    let args: Vec<String> = std::env::args().collect();
    for pair in args[1..].chunks(2) {
        match pair[0].as_str() {
            "--port" => settings.port = pair[1].parse().expect("port"),
            "--workers" => settings.workers = pair[1].parse().expect("workers"),
            _ => {}
        }
    }
    allocator::start_returning_memory();
    let store = skep_store::Store::new(&skep_store::Options {
        databases: settings.databases,
        reserve_bytes: 96 << 30,
        seed: random::number(),
    })
    .expect("reserve");
    let listeners = listen::bind(&settings.bind, settings.port, settings.backlog, settings.workers)
        .expect("bind");
    let node = Arc::new(node::Node::new(store, settings, random::run_id()));
    let threads: Vec<_> = listeners
        .into_iter()
        .enumerate()
        .map(|(number, listeners)| {
            let node = Arc::clone(&node);
            std::thread::spawn(move || worker::run(node, number, listeners, random::number()))
        })
        .collect();
    for thread in threads {
        thread.join().expect("worker").expect("worker");
    }
}
