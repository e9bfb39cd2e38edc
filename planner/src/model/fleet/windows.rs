//! What a fleet did, in windows of equal length.

/// Windows of a trace, at most: with one more, all become twice as long.
pub const WINDOWS_MAX: usize = 64;
/// Accesses of a window to begin with.
const ACCESSES_MIN: u64 = 256;

/// A stretch of the trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Accesses.
    pub accesses: u64,
    /// Requests among them.
    pub requests: u64,
    /// Requests that were hits.
    pub hits: u64,
    /// Accesses of each node.
    pub nodes: Vec<u32>,
}

impl Window {
    /// The share of requests that were hits; nothing without requests.
    pub fn hit_ratio(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.hits as f64 / self.requests as f64)
    }

    /// The busiest node's accesses over the mean of those that have any.
    pub fn imbalance(&self) -> f64 {
        let busiest = self.nodes.iter().copied().max().unwrap_or(0);
        let alive = self.nodes.iter().filter(|&&accesses| accesses > 0).count();
        match self.accesses {
            0 => 1.0,
            all => f64::from(busiest) * alive as f64 / all as f64,
        }
    }

    fn absorb(&mut self, other: &Window) {
        self.accesses += other.accesses;
        self.requests += other.requests;
        self.hits += other.hits;
        for (sum, one) in self.nodes.iter_mut().zip(&other.nodes) {
            *sum = sum.saturating_add(*one);
        }
    }
}

/// All windows so far.
pub(super) struct Windows {
    all: Vec<Window>,
    accesses_each: u64,
    nodes: usize,
}

impl Windows {
    pub(super) fn new(nodes: usize) -> Windows {
        Windows { all: Vec::new(), accesses_each: ACCESSES_MIN, nodes }
    }

    pub(super) fn all(&self) -> &[Window] {
        &self.all
    }

    pub(super) fn accesses_each(&self) -> u64 {
        self.accesses_each
    }

    pub(super) fn add(&mut self, node: usize, is_request: bool, is_hit: bool) {
        if self.all.last().is_none_or(|window| window.accesses == self.accesses_each) {
            if self.all.len() == WINDOWS_MAX {
                self.halve();
            }
            self.all.push(Window { nodes: vec![0; self.nodes], ..Window::default() });
        }
        if let Some(window) = self.all.last_mut() {
            window.accesses += 1;
            window.requests += u64::from(is_request);
            window.hits += u64::from(is_hit);
            window.nodes[node] = window.nodes[node].saturating_add(1);
        }
    }

    /// Makes one window of each two.
    fn halve(&mut self) {
        self.accesses_each *= 2;
        let pairs = self.all.chunks(2).map(|pair| {
            let mut sum = pair[0].clone();
            pair[1..].iter().for_each(|other| sum.absorb(other));
            sum
        });
        self.all = pairs.collect();
    }
}
