//! Whole nodes, but for their workers, on hosts that turmoil simulates: the real consensus, mesh,
//! control, replication and store, over QUIC on a network that loses, delays and cuts, in virtual
//! time.
//!
//! `SKEP_TURMOIL_SEEDS=1000 cargo test -p skep --bin skep cluster::tests` looks for long;
//! `SKEP_SEED=17 cargo test -p skep --bin skep cluster::tests::storms -- --nocapture` tells one run.
//!
//! A seed decides the hosts, the faults and their moments, what the network loses and how long it
//! takes, what clients do, clocks and ids. It does not decide the bytes of TLS, nor which branch of a
//! `select!` tokio looks at first. So two runs of a seed have the same faults but differ a little in
//! what happens between them; what a run finds, the next one mostly finds too.

mod clients;
mod history;
mod host;
mod storm;
mod waits;
mod world;

use std::time::Duration;

use skep_keyspace::Slot;

use world::World;

/// Seeds of the usual run, of each test.
const SEEDS_DEFAULT: u64 = 4;
/// Within which another host writes when a primary is gone.
const GAP_MAX: Duration = Duration::from_secs(1);
/// And when it still beacons, but hears no answers.
const DEAF_GAP_MAX: Duration = Duration::from_secs(5);
/// A primary of three hosts and one of two.
const SHARDS: [usize; 2] = [3, 2];
/// Members of the shards that storms come over.
const SHAPES: [&[usize]; 4] = [&SHARDS, &[3], &[2, 2, 2], &[2, 1]];
/// A slot of each.
const SLOTS: [u16; 2] = [0, 16_383];

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Whether somebody wants to read what happens.
fn is_told() -> bool {
    number("SKEP_SEED").is_some()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Says how to see a run again that fails.
struct Replay {
    test: &'static str,
    seed: u64,
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Replay { test, seed } = self;
            eprintln!(
                "SKEP_SEED={seed} cargo test -p skep --bin skep cluster::tests::{test} -- --nocapture \
                 tells this run"
            );
        }
    }
}

/// Runs a test for each seed.
fn each_seed(test: &'static str, run: impl Fn(u64)) {
    let seeds = match number("SKEP_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SKEP_TURMOIL_SEEDS").unwrap_or(SEEDS_DEFAULT),
    };
    for seed in seeds {
        let _replay = Replay { test, seed };
        run(seed);
    }
}

/// One of the two shards, by the seed.
fn slot_of(seed: u64) -> Slot {
    Slot::new(SLOTS[(seed % 2) as usize]).expect("a slot")
}

#[test]
fn a_crashed_primary_is_replaced_within_a_second_and_what_was_confirmed_remains() {
    let name = "a_crashed_primary_is_replaced_within_a_second_and_what_was_confirmed_remains";
    each_seed(name, |seed| {
        let mut world = World::formed(seed, &SHARDS);
        let slot = slot_of(seed);
        let (shard, epoch) = world.reign(slot);
        world.go(SECOND + Duration::from_millis(seed * 7 % 100));
        let primary = world.primary(slot);
        // Just now, so that little else can have saved it.
        let confirmed = |world: &World| world.history.lock().confirmed_by(primary);
        let before = confirmed(&world);
        world.until("a write is confirmed", |world| confirmed(world) > before);
        let (leads, begin) = (world.leader() == Some(primary), world.now());
        world.crash(primary);
        world.go(2 * SECOND);
        let gap = world.history.lock().gap(shard, begin, world.now());
        world.note(&format!("nobody wrote for {gap:?}, leads: {leads}"));
        assert!(gap < GAP_MAX, "nobody wrote for {gap:?} when host {primary} had crashed");
        assert_ne!(world.primary(slot), primary);
        assert!(world.reign(slot).1 > epoch);
        world.restart(primary);
        world.check_calm();
    });
}

#[test]
fn a_primary_that_starts_again_at_once_does_not_empty_its_replicas() {
    each_seed("a_primary_that_starts_again_at_once_does_not_empty_its_replicas", |seed| {
        let mut world = World::formed(seed, &SHARDS);
        world.go(SECOND);
        let primary = world.primary(slot_of(seed));
        world.crash(primary);
        // Before its replicas miss it.
        world.go(Duration::from_millis(20 + seed * 67 % 300));
        world.restart(primary);
        world.check_calm();
    });
}

#[test]
fn a_primary_that_is_cut_off_is_replaced_and_has_stopped_before() {
    each_seed("a_primary_that_is_cut_off_is_replaced_and_has_stopped_before", |seed| {
        let mut world = World::formed(seed, &SHARDS);
        let slot = slot_of(seed);
        let (shard, _) = world.reign(slot);
        world.go(SECOND);
        let (primary, begin) = (world.primary(slot), world.now());
        world.isolate(primary);
        // That it had stopped is checked by the order of acknowledgements.
        world.go(2 * SECOND);
        let gap = world.history.lock().gap(shard, begin, world.now());
        assert!(gap < GAP_MAX, "nobody wrote for {gap:?} when host {primary} was cut off");
        assert_ne!(world.primary(slot), primary);
        world.heal();
        world.check_calm();
    });
}

/// The replicas hear it, so they do not want its place before its connections are given up, which
/// takes two seconds of silence: longer than any other fault.
#[test]
fn a_primary_that_only_hears_nobody_stops_and_is_replaced_all_the_same() {
    each_seed("a_primary_that_only_hears_nobody_stops_and_is_replaced_all_the_same", |seed| {
        let mut world = World::formed(seed, &SHARDS);
        let slot = slot_of(seed);
        let (shard, _) = world.reign(slot);
        world.go(SECOND);
        let (primary, begin) = (world.primary(slot), world.now());
        world.deafen(primary);
        world.go(2 * DEAF_GAP_MAX);
        let gap = world.history.lock().gap(shard, begin, world.now());
        world.note(&format!("nobody wrote for {gap:?}"));
        assert!(gap < DEAF_GAP_MAX, "nobody wrote for {gap:?} when host {primary} was deaf");
        world.heal();
        world.check_calm();
    });
}

#[test]
fn a_replica_that_hears_nobody_takes_no_place_and_costs_a_second_at_most() {
    each_seed("a_replica_that_hears_nobody_takes_no_place_and_costs_a_second_at_most", |seed| {
        let mut world = World::formed(seed, &SHARDS);
        let slot = slot_of(seed);
        let (shard, epoch) = world.reign(slot);
        world.go(SECOND);
        let (replica, begin) = (world.primary(slot) + 1, world.now());
        world.deafen(replica);
        world.go(DEAF_GAP_MAX);
        let gap = world.history.lock().gap(shard, begin, world.now());
        world.note(&format!("nobody wrote for {gap:?}"));
        assert!(gap < GAP_MAX, "nobody wrote for {gap:?} when host {replica} was deaf");
        assert_eq!(world.reign(slot), (shard, epoch));
        world.heal();
        world.check_calm();
    });
}

#[test]
fn loss_and_latency_cost_no_primary_its_reign() {
    each_seed("loss_and_latency_cost_no_primary_its_reign", |seed| {
        let mut world = World::formed(seed, &SHARDS);
        let reigns =
            |world: &World| SLOTS.map(|slot| world.reign(Slot::new(slot).expect("a slot")));
        let before = reigns(&world);
        world.lose(50);
        world.delay(Duration::from_millis(20));
        world.go(5 * SECOND);
        assert_eq!(reigns(&world), before);
        world.heal();
        world.check_calm();
    });
}

#[test]
fn a_clock_that_jumps_or_drifts_costs_at_most_availability() {
    each_seed("a_clock_that_jumps_or_drifts_costs_at_most_availability", |seed| {
        let mut world = World::formed(seed, &SHARDS);
        world.lose(20);
        for host in 0..world.hosts.len() {
            world.set_clock(host, HOUR, if host % 2 == 0 { 950 } else { 1_050 });
            world.go(SECOND);
        }
        world.heal();
        world.check_calm();
    });
}

/// A replica whose clock jumps has not waited for its primary, whatever the clock says.
#[test]
fn a_replica_whose_clock_jumps_does_not_take_the_place_of_one_that_holds_its_lease() {
    let name = "a_replica_whose_clock_jumps_does_not_take_the_place_of_one_that_holds_its_lease";
    each_seed(name, |seed| {
        let mut world = World::formed(seed, &SHARDS);
        world.go(SECOND + Duration::from_millis(seed * 13 % 50));
        // The other host of the shard of two.
        let (primary, replica) = (3, 4);
        world.cut(&[primary], &[0, 1, 2, replica]);
        world.cut(&[0, 1, 2, replica], &[primary]);
        world.go(Duration::from_millis(10));
        world.set_clock(replica, HOUR, 1_000);
        // Whatever makes the replica look at its clock.
        world.mark(0, 1);
        world.go(2 * SECOND);
        world.heal();
        world.check_calm();
    });
}

#[test]
fn storms() {
    each_seed("storms", |seed| {
        let shape = SHAPES[(seed % SHAPES.len() as u64) as usize];
        let mut world = World::formed(seed, shape);
        storm::run(&mut world, seed);
        let history = world.history.lock();
        let writes: usize = history.writes.values().map(Vec::len).sum();
        assert!(writes > 100 && history.reads > 100 && history.writes_forwarded > 20);
        world.note(&format!("{writes} writes, {} reads, trace {:x}", history.reads, history.trace));
    });
}
