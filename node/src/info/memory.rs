//! INFO memory.

use std::fmt::Write as _;

use crate::allocator;
use crate::info::Facts;

/// A size as people read it: `1.50M`.
fn human(bytes: u64) -> String {
    let units = [("T", 40), ("G", 30), ("M", 20), ("K", 10)];
    let unit = units.iter().find(|(_, shift)| bytes >= 1 << shift);
    match unit {
        Some((letter, shift)) => format!("{:.2}{letter}", bytes as f64 / (1u64 << shift) as f64),
        None => format!("{bytes}B"),
    }
}

fn ratio(part: u64, whole: u64) -> String {
    format!("{:.2}", part as f64 / whole.max(1) as f64)
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}%", part as f64 * 100.0 / whole.max(1) as f64)
}

fn difference(one: u64, other: u64) -> i64 {
    one as i64 - other as i64
}

pub(super) fn memory(facts: &Facts<'_>, out: &mut String) {
    let node = facts.node;
    let facts = node.memory_facts();
    let settings = node.settings.load();
    let total = crate::memory::total_system_bytes();
    lines!(out,
        "used_memory": facts.used_bytes,
        "used_memory_human": human(facts.used_bytes),
        "used_memory_rss": facts.resident_bytes,
        "used_memory_rss_human": human(facts.resident_bytes),
        "used_memory_peak": facts.peak_bytes,
        "used_memory_peak_human": human(facts.peak_bytes),
        "used_memory_peak_perc": percent(facts.used_bytes, facts.peak_bytes),
        "used_memory_overhead": facts.used_bytes.saturating_sub(facts.dataset_bytes),
        "used_memory_startup": facts.startup_bytes,
        "used_memory_dataset": facts.dataset_bytes,
        "used_memory_dataset_perc": percent(facts.dataset_bytes, facts.used_bytes),
        "used_memory_dead": facts.dead_bytes,
        "allocator_allocated": facts.allocated_bytes,
        "allocator_active": facts.active_bytes,
        "allocator_resident": facts.allocator_resident_bytes,
        "total_system_memory": total,
        "total_system_memory_human": human(total),
        "used_memory_lua": 0,
        "used_memory_vm_eval": 0,
        "used_memory_lua_human": "0B",
        "used_memory_scripts_eval": 0,
        "number_of_cached_scripts": 0,
        "number_of_functions": 0,
        "number_of_libraries": 0,
        "used_memory_vm_functions": 0,
        "used_memory_vm_total": 0,
        "used_memory_vm_total_human": "0B",
        "used_memory_functions": 0,
        "used_memory_scripts": 0,
        "used_memory_scripts_human": "0B",
        "maxmemory": facts.limit_bytes,
        "maxmemory_human": human(facts.limit_bytes),
        "maxmemory_policy": settings.policy.name(),
        "allocator_frag_ratio": ratio(facts.active_bytes, facts.allocated_bytes),
        "allocator_frag_bytes": difference(facts.active_bytes, facts.allocated_bytes),
        "allocator_rss_ratio": ratio(facts.allocator_resident_bytes, facts.active_bytes),
        "allocator_rss_bytes": difference(facts.allocator_resident_bytes, facts.active_bytes),
        "rss_overhead_ratio": ratio(facts.resident_bytes, facts.allocator_resident_bytes),
        "rss_overhead_bytes": difference(facts.resident_bytes, facts.allocator_resident_bytes),
        "mem_fragmentation_ratio": ratio(facts.resident_bytes, facts.used_bytes),
        "mem_fragmentation_bytes": difference(facts.resident_bytes, facts.used_bytes),
        "mem_not_counted_for_evict": 0,
        "mem_replication_backlog": 0,
        "mem_total_replication_buffers": 0,
        "mem_clients_slaves": 0,
        "mem_clients_normal": facts.client_bytes,
        "mem_cluster_links": 0,
        "mem_aof_buffer": 0,
        "mem_allocator": allocator::NAME,
        "active_defrag_running": 0,
        "lazyfree_pending_objects": 0,
        "lazyfreed_objects": 0,
    );
}
