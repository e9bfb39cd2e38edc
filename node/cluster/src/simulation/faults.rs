//! What goes wrong, and between whom.

use std::collections::BTreeMap;

use super::random::Random;

pub(super) const MS: u64 = 1_000_000;

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The nodes in the mask and the others do not hear each other.
    Partition(u32),
    /// Nobody hears a node, but it hears them.
    Mute(usize),
    /// A node hears nobody, but they hear it.
    Deafen(usize),
    /// So many messages in a thousand are lost.
    Lose(u64),
    /// A process stands still.
    Stop(usize),
    /// A process ends, and comes back without its memory.
    Crash(usize),
    /// The topology reaches nobody soon.
    SlowTopology,
    /// A primary is asked to hand over.
    HandOver(usize),
}

impl Fault {
    /// Any fault of one node, which is about to matter.
    pub(super) fn of(node: usize, random: &mut Random) -> Fault {
        match random.index(5) {
            0 => Fault::Stop(node),
            1 => Fault::Crash(node),
            2 => Fault::Mute(node),
            _ => Fault::Partition(1 << node),
        }
    }

    /// Any fault, most of them of the run's favourite kind.
    pub(super) fn any(nodes: usize, favourite: Favourite, random: &mut Random) -> Fault {
        let node = random.index(nodes);
        if random.chance(600) {
            match favourite {
                Favourite::None => {}
                Favourite::Crashes => return Fault::Crash(node),
                Favourite::Cuts => return Fault::Partition(1 << node),
                Favourite::HandOvers => return Fault::HandOver(node),
            }
        }
        match random.index(12) {
            0 | 1 => Fault::Partition(1 << node),
            2 | 3 => Fault::Partition(random.range(1, (1 << nodes) - 2) as u32),
            4 => Fault::Mute(node),
            5 => Fault::Deafen(node),
            6 => Fault::Lose(random.range(50, 400)),
            7 => Fault::Stop(node),
            8 => Fault::Crash(node),
            9 => Fault::SlowTopology,
            _ => Fault::HandOver(node),
        }
    }

    /// How long it lasts.
    pub(super) fn duration(self, random: &mut Random) -> u64 {
        match self {
            // Half of those that crash are back before anybody wonders.
            Fault::Crash(_) if random.chance(500) => random.range(20 * MS, 250 * MS),
            _ => random.range(20 * MS, 1_500 * MS),
        }
    }
}

/// What goes wrong most in a run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Favourite {
    None,
    Crashes,
    Cuts,
    HandOvers,
}

impl Favourite {
    const ALL: [Favourite; 4] =
        [Favourite::None, Favourite::Crashes, Favourite::Cuts, Favourite::HandOvers];

    /// That of a run.
    pub(super) fn of(seed: u64) -> Favourite {
        Favourite::ALL[(seed % 4) as usize]
    }

    /// The seed of one of the runs in which this is the favourite.
    pub(super) fn seed(self, number: u64) -> u64 {
        4 * number + self as u64
    }
}

/// What goes wrong at the moment.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) active: BTreeMap<u64, Fault>,
}

impl Faults {
    /// Whether a message from one node to another gets lost for good reason.
    pub(super) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.active.values().any(|fault| match *fault {
            Fault::Partition(mask) => (mask >> from & 1) != (mask >> to & 1),
            Fault::Mute(node) => node == from,
            Fault::Deafen(node) => node == to,
            _ => false,
        })
    }

    /// Whether a message gets lost by chance.
    pub(super) fn is_lost(&self, random: &mut Random) -> bool {
        self.active.values().any(|fault| match *fault {
            Fault::Lose(rate) => random.chance(rate),
            _ => false,
        })
    }

    /// Whether the topology comes late.
    pub(super) fn is_topology_slow(&self) -> bool {
        self.active.values().any(|fault| *fault == Fault::SlowTopology)
    }
}

/// How long a message is under way.
pub(super) fn delay(random: &mut Random) -> u64 {
    match random.chance(20) {
        true => random.range(5 * MS, 60 * MS),
        false => random.range(MS / 5, 2 * MS),
    }
}
