//! CLIENT PAUSE: commands of all clients wait until a moment in time, or until UNPAUSE.
//!
//! Asking whether there is a pause is one load from memory that nobody writes meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use skep_command::server::PauseScope;
use tokio::sync::Notify;

/// Longest wait until a session looks again.
const MAX_WAIT_MS: u64 = 60_000;

/// Whether and until when clients wait.
#[derive(Default)]
pub(crate) struct Pause {
    /// 0: no pause.
    until_ms: AtomicU64,
    writes_only: AtomicBool,
    ended: Notify,
}

impl Pause {
    /// Pauses. A longer or stricter pause that is in force stays so, as in Redis.
    pub(crate) fn begin(&self, now_ms: u64, milliseconds: u64, scope: PauseScope) {
        let until_ms = now_ms.saturating_add(milliseconds);
        let in_force = self.scope_at(|| now_ms);
        let writes_only = scope == PauseScope::Writes && in_force != Some(PauseScope::All);
        self.writes_only.store(writes_only, Relaxed);
        if in_force.is_some() {
            self.until_ms.fetch_max(until_ms, Relaxed);
        } else {
            self.until_ms.store(until_ms, Relaxed);
        }
    }

    pub(crate) fn end(&self) {
        self.until_ms.store(0, Relaxed);
        self.ended.notify_waiters();
    }

    /// Which commands wait now. The time is asked for only when there is a pause at all.
    #[inline]
    pub(crate) fn scope_at(&self, now_ms: impl FnOnce() -> u64) -> Option<PauseScope> {
        let until_ms = self.until_ms.load(Relaxed);
        if until_ms == 0 || now_ms() >= until_ms {
            return None;
        }
        let writes_only = self.writes_only.load(Relaxed);
        Some(if writes_only { PauseScope::Writes } else { PauseScope::All })
    }

    /// Waits until the pause may have ended; the caller looks again.
    pub(crate) async fn wait(&self, now_ms: u64) {
        // Made before looking, so that an end in between is not missed.
        let ended = self.ended.notified();
        let left_ms = self.until_ms.load(Relaxed).saturating_sub(now_ms);
        if left_ms > 0 {
            let left = Duration::from_millis(left_ms.min(MAX_WAIT_MS));
            let _ = tokio::time::timeout(left, ended).await;
        }
    }
}
