//! INFO memory.

use std::fmt::Write as _;

use skep_command::server::MemoryFacts;

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

/// What is held beyond what it is held for.
pub(crate) struct Excess {
    held_bytes: u64,
    wanted_bytes: u64,
}

impl Excess {
    pub(crate) fn ratio(&self) -> f64 {
        self.held_bytes as f64 / self.wanted_bytes.max(1) as f64
    }

    pub(crate) fn bytes(&self) -> i64 {
        self.held_bytes as i64 - self.wanted_bytes as i64
    }
}

/// What the process holds, against what `maxmemory` counts.
pub(crate) fn fragmentation(facts: &MemoryFacts) -> Excess {
    Excess { held_bytes: facts.resident_bytes, wanted_bytes: facts.used_bytes }
}

/// The allocator's pages in use, against what they hold.
pub(crate) fn allocator_fragmentation(facts: &MemoryFacts) -> Excess {
    Excess { held_bytes: facts.active_bytes, wanted_bytes: facts.allocated_bytes }
}

/// The allocator's resident pages, against those in use.
pub(crate) fn allocator_residue(facts: &MemoryFacts) -> Excess {
    Excess { held_bytes: facts.allocator_resident_bytes, wanted_bytes: facts.active_bytes }
}

/// What the process holds, against the allocator's part of it.
pub(crate) fn outside_allocator(facts: &MemoryFacts) -> Excess {
    Excess { held_bytes: facts.resident_bytes, wanted_bytes: facts.allocator_resident_bytes }
}

/// What is used for other things than data.
pub(crate) fn overhead_bytes(facts: &MemoryFacts) -> u64 {
    facts.used_bytes.saturating_sub(facts.dataset_bytes)
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}%", part as f64 * 100.0 / whole.max(1) as f64)
}

pub(super) fn memory(facts: &Facts<'_>, out: &mut String) {
    let settings = facts.node.settings.load();
    let total = facts.system_bytes();
    let facts = facts.memory();
    let shown = |excess: &Excess| format!("{:.2}", excess.ratio());
    let (all, allocator) = (fragmentation(facts), allocator_fragmentation(facts));
    let (residue, outside) = (allocator_residue(facts), outside_allocator(facts));
    lines!(out,
        "used_memory": facts.used_bytes,
        "used_memory_human": human(facts.used_bytes),
        "used_memory_rss": facts.resident_bytes,
        "used_memory_rss_human": human(facts.resident_bytes),
        "used_memory_peak": facts.peak_bytes,
        "used_memory_peak_human": human(facts.peak_bytes),
        "used_memory_peak_perc": percent(facts.used_bytes, facts.peak_bytes),
        "used_memory_overhead": overhead_bytes(facts),
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
        "allocator_frag_ratio": shown(&allocator),
        "allocator_frag_bytes": allocator.bytes(),
        "allocator_rss_ratio": shown(&residue),
        "allocator_rss_bytes": residue.bytes(),
        "rss_overhead_ratio": shown(&outside),
        "rss_overhead_bytes": outside.bytes(),
        "mem_fragmentation_ratio": shown(&all),
        "mem_fragmentation_bytes": all.bytes(),
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
