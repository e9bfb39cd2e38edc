//! What a hot key does to its node, and what can be done about it.
//!
//! The *node-share index* of a key or a group is `share of the traffic x nodes`: how many fair
//! shares of a node it takes. It is no probability: half of the traffic on ten nodes is an index of
//! 5. The article prints it as `hot_key_probability`.
//!
//! A mitigation changes where the key's reads and writes go. Loads are in *means*: the traffic of
//! all clients divided by the number of nodes, before any mitigation added work.

use super::placement::Copied;
use super::popularity::Group;
use crate::error::{PlanError, Result};

/// Index from which a key alone fills a fair node.
pub const INDEX_SATURATING: f64 = 1.0;
/// Index from which a key is worth a look.
pub const INDEX_HOT: f64 = 0.2;
/// Parts or copies of one key that are planned for.
pub const COPIES_MAX: u32 = 10_000;

/// How much of a node a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heat {
    /// A fair node or more.
    Saturating,
    /// A noticeable part.
    Hot,
    /// Lost in the crowd.
    Mild,
}

impl Heat {
    /// What an index means.
    pub fn of(index: f64) -> Heat {
        match index {
            index if index >= INDEX_SATURATING => Heat::Saturating,
            index if index >= INDEX_HOT => Heat::Hot,
            _ => Heat::Mild,
        }
    }

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Heat::Saturating => "saturating",
            Heat::Hot => "hot",
            Heat::Mild => "mild",
        }
    }
}

/// The node-share index: how many fair node-shares a share of the traffic is.
pub fn index(share: f64, nodes: usize) -> f64 {
    share * nodes as f64
}

/// A group of keys beside the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// The group's index, which a node suffers only if it has the whole group.
    pub group_index: f64,
    /// One key's index.
    pub key_index: f64,
    /// One key's traffic over the mean key's.
    pub times_mean: f64,
    /// One key's traffic over the mean of the keys outside; none if these get no traffic.
    pub times_cold: Option<f64>,
}

/// Compares a group with the mean of all `keys` keys and with those `outside` all hot groups.
///
/// `group` has keys, and `keys` is at least as many.
pub fn figures(group: Group, keys: u64, outside: Group, nodes: usize) -> Figures {
    let each = group.share / group.keys.max(1) as f64;
    let cold = outside.share / outside.keys.max(1) as f64;
    Figures {
        group_index: index(group.share, nodes),
        key_index: index(each, nodes),
        times_mean: each * keys as f64,
        times_cold: (outside.keys > 0 && cold > 0.0).then(|| each / cold),
    }
}

/// What to do about a hot key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mitigation {
    /// Leave it where it is.
    Nothing,
    /// So many nodes have it: reads go to one of them at random, writes to all.
    Replicate(u32),
    /// So many keys stand for it, and each operation concerns one: fields, or counts of one client.
    SpreadByPart(u32),
    /// So many keys stand for it; a write goes to one, a read asks all and merges.
    SpreadAndMerge(u32),
    /// It has a node of its own, with so many replicas to read from.
    Dedicated(u32),
}

/// What a mitigation does to one key, the other traffic being even.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The busiest node's load, in means.
    pub busiest: f64,
    /// What the key adds to a node that has it, in means.
    pub key_load: f64,
    /// All work over the work without the mitigation.
    pub total_work: f64,
    /// Nodes in addition.
    pub extra_nodes: u32,
}

impl Mitigation {
    /// A description with its numbers.
    pub fn text(self) -> String {
        match self {
            Mitigation::Nothing => "none".to_owned(),
            Mitigation::Replicate(nodes) => format!("replicate to {nodes} nodes"),
            Mitigation::SpreadByPart(parts) => format!("spread over {parts} keys, ask one"),
            Mitigation::SpreadAndMerge(parts) => format!("spread over {parts} keys, read all"),
            Mitigation::Dedicated(replicas) => format!("own node with {replicas} replicas"),
        }
    }

    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Mitigation::Nothing => "none",
            Mitigation::Replicate(_) => "replicate",
            Mitigation::SpreadByPart(_) => "spread_by_part",
            Mitigation::SpreadAndMerge(_) => "spread_and_merge",
            Mitigation::Dedicated(_) => "dedicated",
        }
    }

    /// The load of a node that has the key, as a share of all traffic, and how many have it.
    fn load(self, share: f64, nodes: usize, reads: f64) -> (f64, usize) {
        let writes = 1.0 - reads;
        let count = |number: u32| f64::from(number.max(1));
        match self {
            Mitigation::Nothing => (share, 1),
            Mitigation::Replicate(copies) => {
                let copies = (copies.max(1) as usize).min(nodes);
                (share * (reads / copies as f64 + writes), copies)
            }
            Mitigation::SpreadByPart(parts) => (share / count(parts), parts.max(1) as usize),
            Mitigation::SpreadAndMerge(parts) => {
                (share * (reads + writes / count(parts)), parts.max(1) as usize)
            }
            Mitigation::Dedicated(replicas) => {
                (share * (reads / (f64::from(replicas) + 1.0) + writes), 0)
            }
        }
    }

    /// Work that it adds, as a share of all traffic.
    pub fn extra_work(self, share: f64, nodes: usize, reads: f64) -> f64 {
        let writes = 1.0 - reads;
        let more = |number: u32| f64::from(number.max(1)) - 1.0;
        match self {
            Mitigation::Nothing | Mitigation::SpreadByPart(_) => 0.0,
            Mitigation::Replicate(copies) => {
                share * writes * more(copies.min(u32::try_from(nodes).unwrap_or(u32::MAX)))
            }
            Mitigation::SpreadAndMerge(parts) => share * reads * more(parts),
            Mitigation::Dedicated(replicas) => share * writes * f64::from(replicas),
        }
    }

    /// What one key with `share` of the traffic does to `nodes` nodes if `reads` of its operations
    /// read and all other traffic is even.
    pub fn effect(self, share: f64, nodes: usize, reads: f64) -> Effect {
        let fair = nodes as f64;
        let (load, holders) = self.load(share, nodes, reads);
        let rest = (1.0 - share).max(0.0);
        // More parts than nodes: some node has the most of them.
        let parts_each = holders.div_ceil(nodes.max(1)).max(1) as f64;
        let key_load = load * parts_each * fair;
        let (busiest, extra_nodes) = match self {
            Mitigation::Dedicated(replicas) => (key_load.max(rest), replicas.saturating_add(1)),
            _ => (key_load + rest, 0),
        };
        let total_work = 1.0 + self.extra_work(share, nodes, reads);
        Effect { busiest, key_load, total_work, extra_nodes }
    }

    /// How the key is placed on the nodes once the mitigation is there; a dedicated node's load is
    /// not among them.
    pub fn copied(self, share: f64, nodes: usize, reads: f64) -> Vec<Copied> {
        let (load, holders) = self.load(share, nodes, reads);
        match self {
            Mitigation::Dedicated(_) => Vec::new(),
            Mitigation::Nothing | Mitigation::Replicate(_) => {
                vec![Copied { load, nodes: holders }]
            }
            // Each part is a key of its own, placed by its own hash.
            Mitigation::SpreadByPart(_) | Mitigation::SpreadAndMerge(_) => {
                vec![Copied { load, nodes: 1 }; holders]
            }
        }
    }

    /// Checks the numbers in it.
    ///
    /// # Errors
    /// None, or more than [`COPIES_MAX`], of what there must be some of.
    pub fn checked(self) -> Result<Mitigation> {
        let (count, argument) = match self {
            Mitigation::Nothing | Mitigation::Dedicated(0) => (1, ""),
            Mitigation::Replicate(nodes) => (nodes, "--replicate"),
            Mitigation::SpreadByPart(parts) | Mitigation::SpreadAndMerge(parts) => {
                (parts, "--spread")
            }
            Mitigation::Dedicated(replicas) => (replicas, "--dedicated-replicas"),
        };
        match count {
            1..=COPIES_MAX => Ok(self),
            _ => Err(PlanError::usage(format!("{argument} {count}: give 1 to {COPIES_MAX}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_articles_example_is_an_index_of_five_for_the_whole_group() {
        let group = Group { keys: 10_000, share: 0.5 };
        let outside = Group { keys: 990_000, share: 0.5 };
        let found = figures(group, 1_000_000, outside, 10);
        assert!((found.group_index - 5.0).abs() < 1e-12, "{found:?}");
        assert!((found.key_index - 0.0005).abs() < 1e-12, "{found:?}");
        assert!((found.times_mean - 50.0).abs() < 1e-9, "{found:?}");
        assert!((found.times_cold.unwrap() - 99.0).abs() < 1e-9, "{found:?}");
        assert_eq!(figures(group, 10_000, Group { keys: 0, share: 0.0 }, 10).times_cold, None);
    }

    #[test]
    fn indexes_have_names() {
        let cases = [
            (5.0, Heat::Saturating),
            (1.0, Heat::Saturating),
            (0.99, Heat::Hot),
            (0.2, Heat::Hot),
            (0.19, Heat::Mild),
            (0.0, Heat::Mild),
        ];
        for (index, heat) in cases {
            assert_eq!(Heat::of(index), heat, "{index}");
        }
    }

    #[test]
    fn one_key_replicated_to_ten_nodes_at_95_percent_reads() {
        for (share, before, after, work) in
            [(0.05, 1.45, 1.02, 1.02), (0.1, 1.9, 1.045, 1.045), (0.5, 5.5, 1.225, 1.225)]
        {
            let nothing = Mitigation::Nothing.effect(share, 10, 0.95);
            let replicated = Mitigation::Replicate(10).effect(share, 10, 0.95);
            assert!((nothing.busiest - before).abs() < 1e-9, "{share}: {nothing:?}");
            assert!((replicated.busiest - after).abs() < 0.004, "{share}: {replicated:?}");
            assert!((replicated.total_work - work).abs() < 0.004, "{share}: {replicated:?}");
        }
    }

    #[test]
    fn spreading_helps_writes_unless_each_operation_asks_one_part() {
        let merged = Mitigation::SpreadAndMerge(10).effect(0.5, 10, 0.0);
        assert!((merged.busiest - 1.0).abs() < 1e-9, "writes only: even again, {merged:?}");
        let read = Mitigation::SpreadAndMerge(10).effect(0.5, 10, 1.0);
        assert!((read.busiest - 5.5).abs() < 1e-9 && read.total_work > 5.4, "{read:?}");
        let parts = Mitigation::SpreadByPart(10).effect(0.5, 10, 0.95);
        assert!((parts.busiest - 1.0).abs() < 1e-9 && parts.total_work == 1.0, "{parts:?}");
    }

    #[test]
    fn a_dedicated_node_costs_machines_and_leaves_the_others_alone() {
        let found = Mitigation::Dedicated(2).effect(0.5, 10, 0.95);
        assert_eq!(found.extra_nodes, 3);
        // 0.5 x (0.95 / 3 + 0.05) x 10.
        assert!((found.busiest - 1.8333).abs() < 1e-3, "{found:?}");
    }

    fn mitigations() -> impl Strategy<Value = Mitigation> {
        (0u32..COPIES_MAX, 0usize..5).prop_map(|(count, kind)| match kind {
            0 => Mitigation::Nothing,
            1 => Mitigation::Replicate(count),
            2 => Mitigation::SpreadByPart(count),
            3 => Mitigation::SpreadAndMerge(count),
            _ => Mitigation::Dedicated(count),
        })
    }

    proptest! {
        #[test]
        fn effects_are_numbers_and_rise_with_the_share(
            mitigation in mitigations(), share in 0.0..0.9, nodes in 1usize..1000, reads in 0.0..=1.0,
        ) {
            let low = mitigation.effect(share, nodes, reads);
            let high = mitigation.effect(share + 0.05, nodes, reads);
            for value in [low.busiest, low.key_load, low.total_work] {
                prop_assert!(value.is_finite() && value >= 0.0, "{low:?}");
            }
            prop_assert!(low.total_work >= 1.0);
            prop_assert!(high.total_work >= low.total_work);
            prop_assert!(high.key_load >= low.key_load);
            let replicated = Mitigation::Replicate(2).effect(share, nodes, reads);
            let nothing = Mitigation::Nothing.effect(share, nodes, reads);
            prop_assert!(replicated.busiest <= nothing.busiest + 1e-12);
        }
    }
}
