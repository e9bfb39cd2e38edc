//! Where the memory is.

use super::{Metric, counter, gauge};
use crate::info::memory;

pub(super) const METRICS: &[Metric] = &[
    gauge("redis_memory_used_bytes", "used_memory", "What is compared with maxmemory.", |facts| {
        facts.memory().used_bytes as f64
    }),
    gauge("redis_memory_max_bytes", "maxmemory", "The limit; 0: none.", |facts| {
        facts.memory().limit_bytes as f64
    }),
    gauge("redis_config_maxmemory", "maxmemory", "The limit; 0: none.", |facts| {
        facts.memory().limit_bytes as f64
    }),
    gauge("redis_memory_used_rss_bytes", "used_memory_rss", "What the process holds.", |facts| {
        facts.memory().resident_bytes as f64
    }),
    gauge("redis_memory_used_peak_bytes", "used_memory_peak", "The most that was used.", |facts| {
        facts.memory().peak_bytes as f64
    }),
    gauge(
        "redis_memory_used_overhead_bytes",
        "used_memory_overhead",
        "Used for other things than data.",
        |facts| memory::overhead_bytes(facts.memory()) as f64,
    ),
    gauge(
        "redis_memory_used_startup_bytes",
        "used_memory_startup",
        "Used before any key was there.",
        |facts| facts.memory().startup_bytes as f64,
    ),
    gauge(
        "redis_memory_used_dataset_bytes",
        "used_memory_dataset",
        "Keys, values and their index.",
        |facts| facts.memory().dataset_bytes as f64,
    ),
    gauge(
        "skep_memory_dead_bytes",
        "used_memory_dead",
        "Records that are dead but not reclaimed yet.",
        |facts| facts.memory().dead_bytes as f64,
    ),
    gauge(
        "redis_mem_clients_normal",
        "mem_clients_normal",
        "Bytes of clients' buffers.",
        |facts| facts.memory().client_bytes as f64,
    ),
    gauge(
        "redis_total_system_memory_bytes",
        "total_system_memory",
        "Memory of the machine.",
        |facts| facts.system_bytes() as f64,
    ),
    gauge(
        "redis_allocator_allocated_bytes",
        "allocator_allocated",
        "Handed out by the allocator.",
        |facts| facts.memory().allocated_bytes as f64,
    ),
    gauge(
        "redis_allocator_active_bytes",
        "allocator_active",
        "In pages that the allocator uses.",
        |facts| facts.memory().active_bytes as f64,
    ),
    gauge(
        "redis_allocator_resident_bytes",
        "allocator_resident",
        "Pages of the allocator in memory.",
        |facts| facts.memory().allocator_resident_bytes as f64,
    ),
    gauge(
        "redis_allocator_frag_ratio",
        "allocator_frag_ratio",
        "Pages in use, by what is handed out of them.",
        |facts| memory::allocator_fragmentation(facts.memory()).ratio(),
    ),
    gauge(
        "redis_allocator_frag_bytes",
        "allocator_frag_bytes",
        "Pages in use beyond what is handed out of them.",
        |facts| memory::allocator_fragmentation(facts.memory()).bytes() as f64,
    ),
    gauge(
        "redis_allocator_rss_ratio",
        "allocator_rss_ratio",
        "The allocator's pages in memory, by those in use.",
        |facts| memory::allocator_residue(facts.memory()).ratio(),
    ),
    gauge(
        "redis_allocator_rss_bytes",
        "allocator_rss_bytes",
        "The allocator's pages in memory beyond those in use.",
        |facts| memory::allocator_residue(facts.memory()).bytes() as f64,
    ),
    gauge(
        "redis_rss_overhead_ratio",
        "rss_overhead_ratio",
        "What the process holds, by the allocator's part of it.",
        |facts| memory::outside_allocator(facts.memory()).ratio(),
    ),
    gauge(
        "redis_rss_overhead_bytes",
        "rss_overhead_bytes",
        "What the process holds outside the allocator.",
        |facts| memory::outside_allocator(facts.memory()).bytes() as f64,
    ),
    gauge(
        "redis_mem_fragmentation_ratio",
        "mem_fragmentation_ratio",
        "What the process holds, by what is used.",
        |facts| memory::fragmentation(facts.memory()).ratio(),
    ),
    gauge(
        "redis_memory_fragmentation_ratio",
        "mem_fragmentation_ratio",
        "The same, under the name that older dashboards use.",
        |facts| memory::fragmentation(facts.memory()).ratio(),
    ),
    gauge(
        "redis_mem_fragmentation_bytes",
        "mem_fragmentation_bytes",
        "What the process holds beyond what is used.",
        |facts| memory::fragmentation(facts.memory()).bytes() as f64,
    ),
    counter(
        "redis_eviction_exceeded_time_ms_total",
        "total_eviction_exceeded_time",
        "For how long the limit was exceeded.",
        |facts| facts.exceeded_ms().0 as f64,
    ),
    gauge(
        "skep_eviction_exceeded_time_ms",
        "current_eviction_exceeded_time",
        "For how long the limit has been exceeded by now; 0: it is not.",
        |facts| facts.exceeded_ms().1 as f64,
    ),
];
