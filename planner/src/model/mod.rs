//! The arithmetic: pure functions, whose steps say formula, reason and source.

pub mod acl;
pub mod advise;
pub mod budget;
pub mod capacity;
pub mod checklist;
pub mod failover;
pub mod fleet;
pub mod glossary;
pub mod hotkeys;
pub mod items;
pub mod layouts;
pub mod measured;
pub mod mrc;
pub mod placement;
pub mod popularity;
pub mod profile;
pub mod quorum;
pub mod replica;
pub mod reshard;
pub mod sizes;
pub mod staffing;
pub mod throughput;
pub mod weight;
pub mod zipf;
