//! A trace served by several nodes: which node gets what, how evenly, what is a hit, and what
//! becomes of it when a node is lost.
//!
//! Each node caches on its own, by LRU or with the node's own store. A request goes to the owner of
//! its slot; when a node is lost, a second table says who owns what from then on, and what the lost
//! node had is gone. The same trace is served by a fleet that loses nothing, so that the loss can be
//! told from what the traffic does by itself.
//!
//! Bounds: at most [`WINDOWS_MAX`] windows of time, which grow longer with the trace.

mod windows;

pub use windows::{WINDOWS_MAX, Window};

use skep_keyspace::SLOT_COUNT;

use crate::error::{PlanError, Result};
use crate::model::mrc::Stack;
use crate::model::replica::{Replica, Setup};
use crate::model::weight::{NodeMemory, item_bytes};
use crate::trace::{Access, Operation};
use windows::Windows;

/// Nodes of a fleet, at most.
pub const NODES_MAX: usize = 1024;
/// A hit ratio this near to that of the fleet that lost nothing is as good.
pub const RECOVERED: f64 = 0.01;

/// How a node decides what to keep.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    /// Nothing is kept: only loads are counted.
    None,
    /// LRU by the model, with so much memory.
    Lru {
        /// The node's memory limit.
        memory_bytes: u64,
        /// What of it is there for items.
        node: NodeMemory,
    },
    /// The node's own store.
    Node(Setup),
}

/// When a node is lost, and who owns what from then on.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The node.
    pub node: usize,
    /// Accesses served before.
    pub after: u64,
    /// The owner of each slot afterwards, never the lost node.
    pub owners: Vec<u16>,
}

enum Cache {
    None,
    Lru(Box<Stack>, u64),
    Node(Box<Replica>),
}

impl Cache {
    fn new(engine: &Engine, number: usize) -> Result<Cache> {
        Ok(match engine {
            Engine::None => Cache::None,
            Engine::Lru { memory_bytes, node } => {
                Cache::Lru(Box::default(), node.items_bytes(*memory_bytes))
            }
            Engine::Node(setup) => {
                let setup = Setup { seed: setup.seed + number as u64, rate: Some(1.0), ..*setup };
                Cache::Node(Box::new(Replica::new(&setup)?))
            }
        })
    }

    /// Serves an access. Answers whether it was a hit.
    fn serve(&mut self, access: &Access, value_bytes: u32) -> bool {
        match self {
            Cache::None => false,
            Cache::Node(replica) => {
                replica.serve(access, value_bytes, access.time_ms) == Some(true)
            }
            Cache::Lru(stack, capacity_bytes) => {
                let Access { id, time_ms, ttl_ms, key_bytes, .. } = *access;
                let weight = item_bytes(key_bytes.into(), value_bytes.into(), ttl_ms > 0);
                let weight = u32::try_from(weight).unwrap_or(u32::MAX);
                match access.operation {
                    Operation::Get => {
                        let distance = stack.get(id, weight, time_ms, ttl_ms);
                        distance.is_some_and(|bytes| bytes <= *capacity_bytes)
                    }
                    Operation::Set => {
                        stack.set(id, weight, time_ms, ttl_ms);
                        false
                    }
                    Operation::Delete => {
                        stack.delete(id, time_ms);
                        false
                    }
                }
            }
        }
    }
}

/// What a node served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Accesses of any kind.
    pub accesses: u64,
    /// Requests among them.
    pub requests: u64,
    /// Requests that were hits.
    pub hits: u64,
}

impl Served {
    /// The share of requests that were hits; nothing without requests.
    pub fn hit_ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.hits as f64 / self.requests as f64)
    }

    fn add(&mut self, is_request: bool, is_hit: bool) {
        self.accesses += 1;
        self.requests += u64::from(is_request);
        self.hits += u64::from(is_hit);
    }
}

/// Nodes that serve a trace.
pub struct Fleet {
    owners: Vec<u16>,
    caches: Vec<Cache>,
    loss: Option<Loss>,
    accesses: u64,
    /// What each node served, before and after the loss.
    before: Vec<Served>,
    after: Vec<Served>,
    /// Accesses after the loss that went to another node than before.
    moved_accesses: u64,
    windows: Windows,
}

impl Fleet {
    /// Nodes without anything in them; `owners` says which owns each slot.
    ///
    /// # Errors
    /// Tables that are no tables of slots, nodes that are not there, or a node's memory too small.
    pub fn new(owners: &[u16], nodes: usize, engine: &Engine, loss: Option<Loss>) -> Result<Fleet> {
        if nodes == 0 || nodes > NODES_MAX {
            return Err(PlanError::usage(format!(
                "a trace is served by 1 to {NODES_MAX} nodes; {nodes} are none of that"
            )));
        }
        let lost = loss.as_ref().map(|loss| (loss.owners.as_slice(), loss.node));
        for (table, lost) in [(owners, usize::MAX)].into_iter().chain(lost) {
            let is_node = |&owner: &u16| usize::from(owner) < nodes && usize::from(owner) != lost;
            if table.len() != SLOT_COUNT || !table.iter().all(is_node) {
                return Err(PlanError::usage("every slot needs an owner among the nodes alive"));
            }
        }
        let caches: Result<Vec<Cache>> = (0..nodes).map(|node| Cache::new(engine, node)).collect();
        Ok(Fleet {
            owners: owners.to_vec(),
            caches: caches?,
            loss,
            accesses: 0,
            before: vec![Served::default(); nodes],
            after: vec![Served::default(); nodes],
            moved_accesses: 0,
            windows: Windows::new(nodes),
        })
    }

    /// Serves an access.
    pub fn serve(&mut self, access: &Access, value_bytes: u32) {
        let lost = self.loss.as_ref().filter(|loss| self.accesses >= loss.after);
        let slot = usize::from(access.slot());
        let node = usize::from(lost.map_or(self.owners[slot], |loss| loss.owners[slot]));
        self.moved_accesses += u64::from(node != usize::from(self.owners[slot]));
        let is_hit = self.caches[node].serve(access, value_bytes);
        let is_request = access.operation == Operation::Get;
        let served = if lost.is_some() { &mut self.after } else { &mut self.before };
        served[node].add(is_request, is_hit);
        self.windows.add(node, is_request, is_hit);
        self.accesses += 1;
    }

    /// Accesses served.
    pub fn accesses(&self) -> u64 {
        self.accesses
    }

    /// What each node served before the loss, or at all.
    pub fn before(&self) -> &[Served] {
        &self.before
    }

    /// What each node served after the loss.
    pub fn after(&self) -> &[Served] {
        &self.after
    }

    /// Accesses after the loss that went to another node than before it.
    pub fn moved_accesses(&self) -> u64 {
        self.moved_accesses
    }

    /// The trace in windows of equal length.
    pub fn windows(&self) -> &[Window] {
        self.windows.all()
    }

    /// Accesses of a window.
    pub fn window_accesses(&self) -> u64 {
        self.windows.accesses_each()
    }
}

/// The sum over nodes.
pub fn total(served: &[Served]) -> Served {
    served.iter().fold(Served::default(), |sum, one| Served {
        accesses: sum.accesses + one.accesses,
        requests: sum.requests + one.requests,
        hits: sum.hits + one.hits,
    })
}

/// The busiest node's accesses over the mean of `nodes`; 1 without any.
pub fn imbalance(served: &[Served], nodes: usize) -> f64 {
    let busiest = served.iter().map(|one| one.accesses).max().unwrap_or(0);
    match total(served).accesses {
        0 => 1.0,
        all => busiest as f64 * nodes as f64 / all as f64,
    }
}

/// What a loss did to the hit ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dip {
    /// The most that the hit ratio of a window fell below that of the fleet that lost nothing.
    pub deepest: f64,
    /// Hits that the loss cost in all.
    pub hits_lost: f64,
    /// Accesses after the loss until the survivors served within [`RECOVERED`] of what they would
    /// have, had there never been more of them; nothing if the trace ended before.
    pub recovery_accesses: Option<u64>,
    /// What remains: hit ratio of the fleet that lost nothing, less that of fewer nodes from the
    /// beginning, after the moment of the loss.
    pub lasting: f64,
}

/// Compares a fleet that lost a node with one that did not, and with one of the survivors alone,
/// on the same trace.
pub fn dip(intact: &Fleet, lossy: &Fleet, survivors: &Fleet) -> Option<Dip> {
    let loss = lossy.loss.as_ref()?;
    let each = lossy.window_accesses();
    // The window in which the loss happens is partly before it: it is not counted.
    let first = loss.after.div_ceil(each) as usize;
    let later = |fleet: &'_ Fleet| -> Vec<Option<f64>> {
        fleet.windows().iter().skip(first).map(Window::hit_ratio).collect()
    };
    let (intact_ratios, lossy_ratios, survivor_ratios) =
        (later(intact), later(lossy), later(survivors));
    let below = |ratios: &[Option<f64>]| -> Vec<f64> {
        let pairs = ratios.iter().zip(&lossy_ratios);
        pairs.map(|pair| pair.0.unwrap_or(0.0) - pair.1.unwrap_or(0.0)).collect()
    };
    let deepest = below(&intact_ratios).into_iter().fold(0.0, f64::max);
    let behind = below(&survivor_ratios);
    let bad = behind.iter().rposition(|&behind| behind > RECOVERED);
    let recovery_accesses = match bad {
        None => (!behind.is_empty()).then_some(0),
        Some(last) if last + 1 == behind.len() => None,
        Some(last) => Some(((first + last + 1) as u64 * each).saturating_sub(loss.after)),
    };
    let ratio = |ratios: &[Option<f64>]| {
        ratios.iter().flatten().sum::<f64>() / ratios.iter().flatten().count().max(1) as f64
    };
    let hits = |fleet: &Fleet| total(fleet.before()).hits + total(fleet.after()).hits;
    Some(Dip {
        deepest,
        hits_lost: (hits(intact) as f64 - hits(lossy) as f64).max(0.0),
        recovery_accesses,
        lasting: (ratio(&intact_ratios) - ratio(&survivor_ratios)).max(0.0),
    })
}

#[cfg(test)]
mod tests;
