//! CLIENT PAUSE: commands of all clients wait until a moment in time, or until UNPAUSE.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use skep_command::server::PauseScope;
use tokio::sync::Notify;

/// Whether and until when clients wait.
#[derive(Default)]
pub(crate) struct Pause {
    until_ms: AtomicU64,
    writes_only: AtomicBool,
    ended: Notify,
}

impl Pause {
    /// Pauses. A longer or stricter pause that is in force stays so, as in Redis.
    pub(crate) fn begin(&self, now_ms: u64, milliseconds: u64, scope: PauseScope) {
        let until_ms = now_ms.saturating_add(milliseconds);
        let in_force = self.is_on(now_ms);
        let was_all = in_force && !self.writes_only.load(Relaxed);
        self.writes_only.store(scope == PauseScope::Writes && !was_all, Relaxed);
        if in_force {
            self.until_ms.fetch_max(until_ms, Relaxed);
        } else {
            self.until_ms.store(until_ms, Relaxed);
        }
    }

    pub(crate) fn end(&self) {
        self.until_ms.store(0, Relaxed);
        self.ended.notify_waiters();
    }

    #[inline]
    pub(crate) fn is_on(&self, now_ms: u64) -> bool {
        let until_ms = self.until_ms.load(Relaxed);
        until_ms != 0 && now_ms < until_ms
    }

    /// As `is_on`, asking for the time only when there is a pause at all.
    #[inline]
    pub(crate) fn is_on_at(&self, now_ms: impl FnOnce() -> u64) -> bool {
        self.until_ms.load(Relaxed) != 0 && self.is_on(now_ms())
    }

    pub(crate) fn writes_only(&self) -> bool {
        self.writes_only.load(Relaxed)
    }

    /// Waits until the pause may have ended; the caller looks again.
    pub(crate) async fn wait(&self, now_ms: u64) {
        let left = self.until_ms.load(Relaxed).saturating_sub(now_ms);
        let ended = self.ended.notified();
        if left > 0 {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(left), ended).await;
        }
    }
}
