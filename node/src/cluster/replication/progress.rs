//! What a primary knows of a replica that follows it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use skep_keyspace::NodeId;
use tokio::sync::{Notify, watch};

use crate::cluster::clock;

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
    /// When it last applied more than before.
    moved: Mutex<(u64, u64)>,
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
            moved: Mutex::new((0, clock::now())),
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
        self.applied.store(offset, Relaxed);
        self.heard_at.store(now, Relaxed);
        let mut moved = self.moved.lock();
        if moved.0 != offset {
            *moved = (offset, now);
        }
    }

    /// Since when it has applied nothing more, by the clock of leases.
    pub(crate) fn stands_since(&self) -> u64 {
        self.moved.lock().1
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
