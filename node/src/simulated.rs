//! Time and chance of hosts that turmoil simulates: each host has a clock of its own, which may run
//! fast or slow and jump, and chance is the same in every run of a seed. Everything is per thread, as
//! a simulation is.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tokio::runtime::{Handle, Id};

/// What the wall clocks show when a simulation begins, apart from a moment.
pub(crate) const BEGIN_UNIX_US: u64 = 1_795_000_000_000_000;
/// Where clocks begin: not at 0, so that they can go back a little.
const BEGIN_NS: u64 = 10_000_000_000_000;

/// A host's clock: what it shows is `at_ns` at the moment `since_ns` of the simulation.
#[derive(Clone, Copy)]
struct Clock {
    since_ns: u64,
    at_ns: u64,
    /// Thousandths of the true rate.
    rate: u64,
}

impl Clock {
    fn at(&self, elapsed_ns: u64) -> u64 {
        self.at_ns + elapsed_ns.saturating_sub(self.since_ns) * self.rate / 1_000
    }
}

#[derive(Default)]
struct World {
    /// Which host a runtime is of.
    hosts: HashMap<Id, usize>,
    clocks: HashMap<usize, Clock>,
    chance: Chance,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

/// Begins a simulation on this thread.
pub(crate) fn begin(seed: u64) {
    WORLD.with_borrow_mut(|world| *world = World { chance: Chance(seed), ..World::default() });
}

/// Says which host this runtime is of. A host that crashes gets another runtime.
pub(crate) fn enter(host: usize) {
    WORLD.with_borrow_mut(|world| world.hosts.insert(Handle::current().id(), host));
}

/// Whether the caller is a simulated host.
pub(crate) fn is_on() -> bool {
    turmoil::sim_elapsed().is_some()
}

/// What the host's clock shows, in nanoseconds; nothing outside a simulation.
pub(crate) fn now() -> Option<u64> {
    let elapsed_ns = nanoseconds(turmoil::sim_elapsed()?);
    let runtime = Handle::try_current().ok()?.id();
    WORLD.with_borrow(|world| {
        let host = world.hosts.get(&runtime);
        let clock = host.and_then(|host| world.clocks.get(host)).copied();
        Some(clock.unwrap_or(TRUE).at(elapsed_ns))
    })
}

const TRUE: Clock = Clock { since_ns: 0, at_ns: BEGIN_NS, rate: 1_000 };

/// Has a host's clock jump ahead, and run at so many thousandths of the true rate from now on.
pub(crate) fn set_clock(host: usize, elapsed: Duration, jump: Duration, rate: u64) {
    WORLD.with_borrow_mut(|world| {
        let clock = world.clocks.entry(host).or_insert(TRUE);
        let since_ns = nanoseconds(elapsed);
        let at_ns = clock.at(since_ns) + nanoseconds(jump);
        *clock = Clock { since_ns, at_ns, rate };
    });
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Fills a buffer by the seed, within a simulation. Answers whether it is one.
pub(crate) fn fill(out: &mut [u8]) -> bool {
    if !is_on() {
        return false;
    }
    for chunk in out.chunks_mut(8) {
        let bytes = number().to_le_bytes();
        chunk.copy_from_slice(&bytes[..chunk.len()]);
    }
    true
}

/// The next number of the seed.
pub(crate) fn number() -> u64 {
    WORLD.with_borrow_mut(|world| world.chance.number())
}

/// Numbers that a seed decides: splitmix64.
#[derive(Default)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}
