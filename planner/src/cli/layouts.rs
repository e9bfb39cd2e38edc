//! Which node owns which slots, for commands that place keys on nodes, and who does once one is lost.
//!
//! Nodes are `node-1` to `node-N`, all of one weight: the same layouts as those of `planner slots`.

use clap::Args;
use skep_keyspace::ring::VIRTUAL_NODES_DEFAULT;
use skep_keyspace::{Layout, SLOT_COUNT};

use crate::cli::shards;
use crate::error::{PlanError, Result};
use crate::model::layouts::{LayoutKind, make};
use crate::report::Report;

/// How slots are given to nodes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Layout")]
pub(super) struct LayoutArgs {
    /// How slots are given to nodes [default: even]
    #[arg(long, value_enum, value_name = "LAYOUT")]
    layout: Option<LayoutName>,
    /// Virtual nodes of each node on the ring [default: 150]
    #[arg(long, visible_alias = "vnodes", value_name = "N")]
    virtual_nodes: Option<u32>,
}

/// A layout for any number of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    name: LayoutName,
    virtual_nodes: u32,
    /// Whether the caller asked for it.
    pub(super) is_asked: bool,
}

impl LayoutArgs {
    /// The layout that is asked for, or the even one.
    ///
    /// # Errors
    /// Virtual nodes where there is no ring.
    pub(super) fn read(&self, report: &mut Report) -> Result<Chosen> {
        let name = self.layout.unwrap_or(LayoutName::Even);
        if self.virtual_nodes.is_some() && name != LayoutName::Ring {
            return Err(PlanError::usage(format!(
                "--virtual-nodes are points on a ring, which --layout {} has not; use --layout ring",
                name.name()
            )));
        }
        let virtual_nodes = virtual_nodes(self.virtual_nodes)?;
        report.input("layout", name.name());
        if name == LayoutName::Ring {
            report.input("virtual_nodes", virtual_nodes);
        }
        Ok(Chosen { name, virtual_nodes, is_asked: self.layout.is_some() })
    }
}

impl Chosen {
    /// Who owns what among so many nodes.
    ///
    /// # Errors
    /// No nodes, more than there are slots, or a ring that none can be made of.
    pub(super) fn among(self, nodes: usize) -> Result<Layout> {
        let names = shards::numbered("node", u32::try_from(nodes).unwrap_or(u32::MAX))?;
        make(self.name.kind(), &names, &vec![1.0; nodes], self.virtual_nodes)
    }

    /// In words: "ring of 150 virtual nodes each".
    pub(super) fn text(self) -> String {
        match self.name {
            LayoutName::Ring => format!("ring of {} virtual nodes each", self.virtual_nodes),
            other => format!("{} layout", other.name()),
        }
    }
}

/// Points of each node on a ring, as asked for or as usual.
///
/// # Errors
/// None.
pub(super) fn virtual_nodes(asked: Option<u32>) -> Result<u32> {
    match asked.unwrap_or(VIRTUAL_NODES_DEFAULT) {
        0 => Err(PlanError::usage("--virtual-nodes 0: a ring needs some; give 150 or more")),
        count => Ok(count),
    }
}

/// The share of the slots that each node owns: what a key's chance of being there is.
pub(super) fn shares(layout: &Layout) -> Vec<f64> {
    layout.counts().into_iter().map(|count| f64::from(count) / SLOT_COUNT as f64).collect()
}

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
