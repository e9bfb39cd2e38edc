//! Who should vote. Pure.
//!
//! Few voters make commits quick, many survive more failures at once. Joint consensus makes any one
//! change safe; still there is one at a time, and nobody votes who has not caught up before.

use std::collections::{BTreeMap, BTreeSet};

use skep_cluster::Topology;
use skep_keyspace::NodeId;

/// How many of so many nodes vote. Two voters would be one too many: either one's death stops them.
pub(crate) fn voters_wanted(nodes: usize) -> usize {
    match nodes {
        0..=2 => nodes.min(1),
        3..=4 => 3,
        5..=49 => 5,
        50..=199 => 7,
        200..=999 => 9,
        _ => 15,
    }
}

/// Who votes now, and who should not.
pub(super) struct Present<'a> {
    pub(super) leader: NodeId,
    pub(super) voters: &'a BTreeSet<NodeId>,
    /// A change of voters has not come to its end.
    pub(super) is_joint: bool,
    pub(super) learners: &'a BTreeSet<NodeId>,
    /// Failed for long, or slow to catch up.
    pub(super) unfit: &'a BTreeSet<NodeId>,
}

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send it the log, so that it may vote later.
    Teach(NodeId),
    /// Let these vote, and nobody else.
    Appoint(BTreeSet<NodeId>),
    /// Send it nothing any more.
    Dismiss(NodeId),
}

/// The members that should vote: as many as `voters_wanted` of those that are fit, one in each zone
/// before there are two in one. The leader and those that vote already come first within a zone.
pub(super) fn choose(topology: &Topology, present: &Present<'_>) -> BTreeSet<NodeId> {
    let rank = |node: &NodeId| {
        let is_new = !present.voters.contains(node);
        (*node != present.leader, is_new, !present.learners.contains(node), *node)
    };
    let mut zones: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
    let fit = topology.nodes.iter().filter(|(node, _)| !present.unfit.contains(node));
    for (node, about) in fit {
        zones.entry(&about.zone).or_default().push(*node);
    }
    // The place in its zone says in which round a node's turn comes.
    let mut turns: Vec<(usize, NodeId)> = Vec::new();
    for nodes in zones.values_mut() {
        nodes.sort_unstable_by_key(rank);
        turns.extend(nodes.iter().copied().enumerate());
    }
    turns.sort_unstable_by_key(|(round, node)| (*round, rank(node)));
    let wanted = voters_wanted(turns.len());
    turns.into_iter().take(wanted).map(|(_, node)| node).collect()
}

/// The next step from what is to what should be. None if nothing is to be done, or one that is to
/// vote has yet to catch up.
pub(super) fn next_step(
    topology: &Topology,
    present: &Present<'_>,
    has_caught_up: impl Fn(&NodeId) -> bool,
) -> Option<Step> {
    let chosen = choose(topology, present);
    if chosen.is_empty() {
        return None;
    }
    let known = |node: &&NodeId| present.voters.contains(node) || present.learners.contains(node);
    if let Some(node) = chosen.iter().find(|node| !known(node)) {
        return Some(Step::Teach(*node));
    }
    if chosen != *present.voters || present.is_joint {
        let mut new = chosen.difference(present.voters);
        return new.all(has_caught_up).then_some(Step::Appoint(chosen));
    }
    present.learners.iter().find(|node| !chosen.contains(node)).map(|node| Step::Dismiss(*node))
}

#[cfg(test)]
mod tests {
    use skep_cluster::Node;

    use super::*;

    fn id(number: u8) -> NodeId {
        NodeId([number; 20])
    }

    fn ids(numbers: &[u8]) -> BTreeSet<NodeId> {
        numbers.iter().copied().map(id).collect()
    }

    fn topology(zones: &[(u8, &str)]) -> Topology {
        let node = |(number, zone): &(u8, &str)| {
            (id(*number), Node { zone: (*zone).to_owned(), ..Node::default() })
        };
        Topology { nodes: zones.iter().map(node).collect(), ..Topology::default() }
    }

    fn plain(count: u8) -> Topology {
        topology(&(1..=count).map(|number| (number, "")).collect::<Vec<_>>())
    }

    struct Case {
        voters: BTreeSet<NodeId>,
        learners: BTreeSet<NodeId>,
        unfit: BTreeSet<NodeId>,
    }

    impl Case {
        fn new(voters: &[u8], learners: &[u8], unfit: &[u8]) -> Case {
            Case { voters: ids(voters), learners: ids(learners), unfit: ids(unfit) }
        }

        fn present(&self) -> Present<'_> {
            let Case { voters, learners, unfit } = self;
            Present { leader: id(1), voters, is_joint: false, learners, unfit }
        }

        fn step(&self, topology: &Topology, caught_up: &[u8]) -> Option<Step> {
            let caught_up = ids(caught_up);
            next_step(topology, &self.present(), |node| caught_up.contains(node))
        }
    }

    #[test]
    fn numbers_of_voters_are_odd_and_never_more_than_nodes() {
        for nodes in 1..2000 {
            let voters = voters_wanted(nodes);
            assert!(voters % 2 == 1 && voters <= nodes, "{voters} of {nodes}");
        }
    }

    #[test]
    fn voters_are_taught_before_they_are_appointed_all_at_once() {
        let three = plain(3);
        assert_eq!(Case::new(&[1], &[], &[]).step(&three, &[]), Some(Step::Teach(id(2))));
        assert_eq!(Case::new(&[1], &[2], &[]).step(&three, &[]), Some(Step::Teach(id(3))));
        assert_eq!(Case::new(&[1], &[2, 3], &[]).step(&three, &[2]), None);
        let appoint = Some(Step::Appoint(ids(&[1, 2, 3])));
        assert_eq!(Case::new(&[1], &[2, 3], &[]).step(&three, &[2, 3]), appoint);
        assert_eq!(Case::new(&[1, 2, 3], &[], &[]).step(&three, &[2, 3]), None);
        assert_eq!(Case::new(&[1], &[], &[]).step(&plain(2), &[]), None);
    }

    #[test]
    fn a_voter_that_fails_is_replaced_and_one_that_is_forgotten_dismissed() {
        let six = plain(6);
        let case = Case::new(&[1, 2, 3, 4, 5], &[], &[5]);
        assert_eq!(case.step(&six, &[]), Some(Step::Teach(id(6))));
        let case = Case::new(&[1, 2, 3, 4, 5], &[6], &[5]);
        assert_eq!(case.step(&six, &[6]), Some(Step::Appoint(ids(&[1, 2, 3, 4, 6]))));
        let case = Case::new(&[1, 2, 3, 4, 6], &[5], &[5]);
        assert_eq!(case.step(&six, &[]), Some(Step::Dismiss(id(5))));
        // Nobody is left to replace two of them, so fewer vote, and a majority is smaller.
        let case = Case::new(&[1, 2, 3, 4, 5], &[], &[4, 5]);
        assert_eq!(case.step(&plain(5), &[]), Some(Step::Appoint(ids(&[1, 2, 3]))));
        let case = Case::new(&[1, 2, 3, 9], &[], &[]);
        assert_eq!(case.step(&plain(3), &[]), Some(Step::Appoint(ids(&[1, 2, 3]))));
    }

    #[test]
    fn voters_stand_in_as_many_zones_as_there_are() {
        let zones = [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (5, "b"), (6, "c"), (7, "c")];
        let topology = topology(&zones);
        let case = Case::new(&[1, 2, 3], &[], &[]);
        let chosen = choose(&topology, &case.present());
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for node in &chosen {
            *counts.entry(&topology.nodes[node].zone).or_default() += 1;
        }
        assert_eq!(counts.into_values().collect::<Vec<_>>(), [2, 2, 1]);
        assert!(chosen.contains(&id(1)), "the leader stays");
        // What was chosen is chosen again.
        let again = Case { voters: chosen.clone(), ..case };
        assert_eq!(choose(&topology, &again.present()), chosen);
    }

    #[test]
    fn a_change_that_a_leader_left_halfway_is_finished() {
        let case = Case::new(&[1, 2, 3], &[], &[]);
        let present = Present { is_joint: true, ..case.present() };
        let step = next_step(&plain(3), &present, |_| false);
        assert_eq!(step, Some(Step::Appoint(ids(&[1, 2, 3]))));
    }
}
