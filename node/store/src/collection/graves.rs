//! Large collections that are gone, and are yet to be taken apart: in small steps, so that nobody
//! waits for the end of ten million elements.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use super::Large;

/// Elements up to which a collection is dropped where it stands.
const AT_ONCE_MAX: usize = 512;
/// Buckets or pages that are dropped in one step of upkeep.
const STEPS: usize = 256;

/// See the module.
#[derive(Default)]
pub(crate) struct Graves {
    waiting: Mutex<Vec<Large>>,
    bytes: AtomicUsize,
}

impl Graves {
    /// Takes a collection whose key is gone.
    pub(crate) fn bury(&self, large: Large) {
        if large.len() > AT_ONCE_MAX {
            self.bytes.fetch_add(large.heap_bytes(), Relaxed);
            self.waiting.lock().push(large);
        }
    }

    /// Memory that is yet to be given back, as it was when the collections went.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Drops some of what waits. Answers whether there is more.
    pub(crate) fn decay(&self) -> bool {
        let Some(mut large) = self.waiting.lock().pop() else { return false };
        let before = large.heap_bytes();
        let is_left = (0..STEPS).all(|_| large.drop_some());
        if is_left {
            self.waiting.lock().push(large);
            return true;
        }
        self.bytes.fetch_sub(before.min(self.bytes()), Relaxed);
        !self.waiting.lock().is_empty()
    }
}
