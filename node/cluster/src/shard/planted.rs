//! Bugs that tests plant in a core, one at a time, to see that the simulator finds each. Outside
//! tests there are none, and the questions cost nothing.

use super::ShardCore;

/// A mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The lease counts from when the answer came, not from when the beacon was sent.
    LeaseFromAnswer,
    /// A replica goes on answering after it has proposed its promotion.
    AnswersAfterProposing,
    /// A replica answers beacons of reigns that are over.
    AnswersOldReign,
    /// A replica is needed for the lease only when its primary has learned that it is in sync.
    NeededFromCommit,
    /// A replica is not needed any more once its primary has proposed to shrink.
    DroppedFromProposal,
    /// A primary that started again acts on what it finds in the topology.
    RestartedActs,
    /// A replica is taken into the in-sync set without waiting for what it lacks.
    JoinsWithoutWaiting,
    /// A primary that proposed to hand over resumes when its time is up.
    ResumesAfterHandOver,
    /// A hand-over does not wait for the last effects.
    HandsOverEarly,
}

impl ShardCore {
    /// Whether a bug is planted.
    #[cfg(test)]
    pub(super) fn has(&self, bug: Bug) -> bool {
        self.planted == Some(bug)
    }

    /// Whether a bug is planted.
    #[cfg(not(test))]
    pub(super) fn has(&self, _bug: Bug) -> bool {
        false
    }
}
