//! What this node may do now, as its workers ask before and after each batch of commands.
//!
//! A worker registers before it looks at the lease, and the control thread publishes a lease before
//! it looks at who is registered. So once [`Duty::quiesced`] has returned, no batch is under way that
//! saw the lease before: what is read then is the last of the reign.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use skep_command::cluster::{Lease, Routes};
use tokio::sync::Notify;

use super::clock;

/// How often a wait for batches looks again.
const QUIET_POLL: Duration = Duration::from_micros(200);
/// How long a parked session waits until it looks again by itself.
const PARKED_POLL: Duration = Duration::from_millis(5);

/// A counter on a cache line of its own: each is written by one thread for every batch.
#[derive(Default)]
#[repr(align(64))]
struct Batches(AtomicU64);

/// See the module.
pub(crate) struct Duty {
    routes: ArcSwap<Routes>,
    /// Until when the primary may acknowledge, by the clock of leases.
    lease_until: AtomicU64,
    /// Until when a replica's data is young enough, by the same clock.
    fresh_until: AtomicU64,
    /// The primary has too few replicas to write.
    lacks_replicas: AtomicBool,
    /// Replicas lag so far that writes must wait.
    holds_writes: AtomicBool,
    /// For each thread that runs commands: odd while it does.
    batches: Box<[Batches]>,
    changed: Notify,
}

/// A batch that has begun.
pub(crate) struct Shift {
    pub(crate) routes: Guard<Arc<Routes>>,
    pub(crate) lease: Lease,
    thread: usize,
}

impl Duty {
    /// Of so many threads that run commands.
    pub(crate) fn new(routes: Routes, threads: usize) -> Duty {
        Duty {
            routes: ArcSwap::from_pointee(routes),
            lease_until: AtomicU64::new(0),
            fresh_until: AtomicU64::new(0),
            lacks_replicas: AtomicBool::new(false),
            holds_writes: AtomicBool::new(false),
            batches: (0..threads).map(|_| Batches::default()).collect(),
            changed: Notify::new(),
        }
    }

    /// A thread begins a batch.
    #[inline]
    pub(crate) fn begin(&self, thread: usize) -> Shift {
        self.batches[thread].0.fetch_add(1, SeqCst);
        let lease_until = self.lease_until.load(SeqCst);
        let routes = self.routes.load();
        let until = match routes.is_replica() {
            true => self.fresh_until.load(SeqCst),
            false => lease_until,
        };
        let lease = match is_over(until) {
            true => Lease::Lapsed,
            false if self.lacks_replicas.load(SeqCst) => Lease::ReadsOnly,
            false => Lease::Held,
        };
        Shift { routes, lease, thread }
    }

    /// A batch has ended. Answers whether its replies may be sent: not when the lease has run out
    /// meanwhile, because another node may have taken over before they are read.
    #[inline]
    pub(crate) fn end(&self, shift: &Shift) -> bool {
        let is_valid = match shift.lease {
            _ if shift.routes.is_replica() => true,
            Lease::Held | Lease::ReadsOnly => !is_over(self.lease_until.load(SeqCst)),
            Lease::Lapsed => true,
        };
        self.batches[shift.thread].0.fetch_add(1, SeqCst);
        is_valid
    }

    /// Returns when every batch that has begun before is over.
    pub(crate) async fn quiesced(&self) {
        for batches in &self.batches {
            let began = batches.0.load(SeqCst);
            while began % 2 == 1 && batches.0.load(SeqCst) == began {
                tokio::time::sleep(QUIET_POLL).await;
            }
        }
    }

    /// The cluster as this node sees it.
    pub(crate) fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    pub(crate) fn set_routes(&self, routes: Routes) {
        self.routes.store(Arc::new(routes));
        self.changed.notify_waiters();
    }

    /// Whether the node may acknowledge now.
    pub(crate) fn holds_lease(&self) -> bool {
        !is_over(self.lease_until.load(SeqCst))
    }

    pub(crate) fn set_lease(&self, until: u64) {
        self.lease_until.store(until, SeqCst);
        self.changed.notify_waiters();
    }

    pub(crate) fn set_fresh(&self, until: u64) {
        self.fresh_until.store(until, SeqCst);
    }

    pub(crate) fn set_lacks_replicas(&self, lacks: bool) {
        self.lacks_replicas.store(lacks, SeqCst);
    }

    /// Whether writes must wait until replicas have caught up.
    #[inline]
    pub(crate) fn holds_writes(&self) -> bool {
        self.holds_writes.load(SeqCst)
    }

    /// Makes writes wait, or go on. Answers whether that is new.
    pub(crate) fn set_holds_writes(&self, holds: bool) -> bool {
        let is_new = self.holds_writes.swap(holds, SeqCst) != holds;
        self.changed.notify_waiters();
        is_new
    }

    /// Waits until something here has changed, or for a moment; the caller looks again.
    pub(crate) async fn changed(&self) {
        let changed = self.changed.notified();
        // Whether it comes in time does not matter.
        let _ = tokio::time::timeout(PARKED_POLL, changed).await;
    }
}

/// Whether a moment is over. `u64::MAX` never is, and costs no look at the clock.
#[inline]
fn is_over(until: u64) -> bool {
    until != u64::MAX && clock::now() >= until
}

#[cfg(test)]
mod tests {
    use skep_keyspace::NodeId;

    use super::*;

    fn duty() -> Duty {
        Duty::new(Routes::new(NodeId::default(), Arc::default()), 2)
    }

    #[test]
    fn replies_of_a_batch_that_outlived_its_lease_are_withheld() {
        let duty = duty();
        assert_eq!(duty.begin(0).lease, Lease::Lapsed);
        duty.set_lease(u64::MAX);
        let shift = duty.begin(1);
        assert_eq!(shift.lease, Lease::Held);
        assert!(duty.end(&shift));
        let shift = duty.begin(1);
        duty.set_lease(clock::now());
        assert!(!duty.end(&shift));
        let shift = duty.begin(1);
        assert_eq!(shift.lease, Lease::Lapsed);
        assert!(duty.end(&shift), "it has acknowledged nothing that needs a lease");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_is_taken_back_is_gone_once_the_batches_of_before_have_ended() {
        let duty = Arc::new(duty());
        duty.set_lease(u64::MAX);
        let shift = duty.begin(1);
        duty.set_lease(0);
        let waiting = tokio::spawn({
            let duty = Arc::clone(&duty);
            async move { duty.quiesced().await }
        });
        for _ in 0..10 {
            tokio::time::advance(QUIET_POLL).await;
        }
        assert!(!waiting.is_finished());
        // One that begins later is not waited for.
        let _later = duty.begin(0);
        duty.end(&shift);
        waiting.await.unwrap();
    }

    #[test]
    fn too_few_replicas_leave_reads() {
        let duty = duty();
        duty.set_lease(u64::MAX);
        duty.set_lacks_replicas(true);
        assert_eq!(duty.begin(0).lease, Lease::ReadsOnly);
    }
}
