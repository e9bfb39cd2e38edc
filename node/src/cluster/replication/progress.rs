//! What a primary knows of a replica that follows it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use skep_keyspace::NodeId;
use skep_store::STRIPE_COUNT;
use tokio::sync::{Notify, watch};

use crate::cluster::clock;

/// It does not need anything that the lane has now.
const NOTHING: u64 = u64::MAX;

/// See the module. One per connection of a replica.
pub(crate) struct Progress {
    /// Which replica.
    pub(crate) node: NodeId,
    /// Bytes of the primary's lanes that it has applied.
    applied: AtomicU64,
    /// When it said so last, by the clock of leases.
    heard_at: AtomicU64,
    /// Nothing of any stripe is left to copy.
    is_complete: AtomicBool,
    /// The last token that somebody wants it to pass.
    wanted: AtomicU64,
    /// The last token that it has passed.
    passed: watch::Sender<u64>,
    /// From where on it needs each lane; [`NOTHING`] of one that is copied to it anew.
    needs: Box<[AtomicU64]>,
    /// When something was last sent to it, or applied by it, by the clock of leases.
    moved_at: AtomicU64,
    /// There is something to do for it.
    pub(super) wake: Notify,
}

impl Progress {
    pub(super) fn new(node: NodeId) -> Progress {
        Progress {
            node,
            applied: AtomicU64::new(0),
            heard_at: AtomicU64::new(clock::now()),
            is_complete: AtomicBool::new(false),
            wanted: AtomicU64::new(0),
            passed: watch::Sender::new(0),
            needs: (0..STRIPE_COUNT).map(|_| AtomicU64::new(NOTHING)).collect(),
            moved_at: AtomicU64::new(clock::now()),
            wake: Notify::new(),
        }
    }

    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Relaxed)
    }

    /// When it was heard last, by the clock of leases.
    pub(crate) fn heard_at(&self) -> u64 {
        self.heard_at.load(Relaxed)
    }

    /// How long it has not been heard.
    pub(crate) fn silence(&self) -> Duration {
        clock::since(self.heard_at())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete.load(Relaxed)
    }

    /// Answers whether it was before.
    pub(super) fn set_complete(&self, is_complete: bool) -> bool {
        self.is_complete.swap(is_complete, Relaxed)
    }

    pub(super) fn note_applied(&self, offset: u64) {
        let now = clock::now();
        self.heard_at.store(now, Relaxed);
        if self.applied.swap(offset, Relaxed) != offset {
            self.moved_at.store(now, Relaxed);
        }
    }

    /// Since when it has neither taken nor applied anything, by the clock of leases.
    pub(crate) fn stands_since(&self) -> u64 {
        self.moved_at.load(Relaxed)
    }

    /// Something could be sent to it: the stream takes little more than what it has read.
    pub(super) fn note_moved(&self) {
        self.moved_at.store(clock::now(), Relaxed);
    }

    /// Where it goes on in a lane.
    pub(super) fn set_needs(&self, lane: u8, from: Option<u64>) {
        self.needs[usize::from(lane)].store(from.unwrap_or(NOTHING), Relaxed);
    }

    /// How many bytes before the end of a lane it goes on.
    pub(crate) fn lacks_bytes(&self, lane: u8, end: u64) -> u64 {
        end.saturating_sub(self.needs[usize::from(lane)].load(Relaxed))
    }

    /// Returns when it has applied everything that is in the lanes now.
    pub(crate) async fn catch_up(&self) {
        let token = self.wanted.fetch_add(1, Relaxed) + 1;
        let mut passed = self.passed.subscribe();
        self.wake.notify_one();
        // The sender lives as long as this does.
        let _ = passed.wait_for(|passed| *passed >= token).await;
    }

    /// The token that a sweep which begins now stands for.
    pub(super) fn wanted(&self) -> u64 {
        self.wanted.load(Relaxed)
    }

    pub(super) fn note_passed(&self, token: u64) {
        self.passed.send_if_modified(|passed| {
            let is_new = token > *passed;
            *passed = token.max(*passed);
            is_new
        });
    }
}
