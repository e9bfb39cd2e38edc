//! Who owns which slots, and who does once a node is lost.

use crate::error::Result;
use crate::model::layouts::{LayoutKind, make};

/// How slots are given to nodes: the kinds that need to be told nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LayoutName {
    /// Equal ranges, as redis-cli makes them; a lost node's slots are dealt to the others
    Even,
    /// A ring of virtual nodes
    Ring,
    /// The slot modulo the number of nodes: what loses most
    Modulo,
    /// Rendezvous hashing: the highest bid owns a slot
    Rendezvous,
}

impl LayoutName {
    fn kind(self) -> LayoutKind {
        match self {
            LayoutName::Even => LayoutKind::Even,
            LayoutName::Ring => LayoutKind::Ring,
            LayoutName::Modulo => LayoutKind::Modulo,
            LayoutName::Rendezvous => LayoutKind::Rendezvous,
        }
    }

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        self.kind().name()
    }

    /// The owner of each slot among so many nodes.
    pub(super) fn owners(self, nodes: usize, virtual_nodes: u32) -> Result<Vec<u16>> {
        let all: Vec<usize> = (0..nodes).collect();
        self.among(&all, virtual_nodes)
    }

    /// The owner of each slot once a node is lost.
    pub(super) fn owners_without(
        self,
        owners: &[u16],
        lost: usize,
        nodes: usize,
        virtual_nodes: u32,
    ) -> Result<Vec<u16>> {
        let survivors: Vec<usize> = (0..nodes).filter(|&node| node != lost).collect();
        if self != LayoutName::Even {
            return self.among(&survivors, virtual_nodes);
        }
        // Operators move what has to be moved: the lost node's slots, in turn to everybody else.
        let mut heirs = survivors.iter().cycle();
        let heir = |&owner: &u16| match usize::from(owner) == lost {
            true => heirs.next().map_or(owner, |&heir| heir as u16),
            false => owner,
        };
        Ok(owners.iter().map(heir).collect())
    }

    /// The owner of each slot among these nodes, which keep their numbers.
    fn among(self, nodes: &[usize], virtual_nodes: u32) -> Result<Vec<u16>> {
        let names: Vec<String> = nodes.iter().map(|node| format!("node-{}", node + 1)).collect();
        let layout = make(self.kind(), &names, &vec![1.0; nodes.len()], virtual_nodes)?;
        let node = |&owner: &u16| nodes[usize::from(owner)] as u16;
        Ok(layout.owners().iter().map(node).collect())
    }
}
