//! Whole clusters of cores under a seeded discrete-event simulation: five to seven nodes, two shards
//! with replicas, clocks up to a twentieth off, messages that are late, lost and repeated, partitions
//! of all shapes, processes that stand still or crash, hand-overs, and a Raft that holds proposals
//! back. Every instant is checked (`checks`), and in the end, after all faults, the cluster must work.
//!
//! `SKEP_SIMULATION_SEEDS=100000 cargo test -p skep-cluster simulation` looks for long;
//! `SKEP_SEED=17 cargo test -p skep-cluster simulation -- --nocapture` tells one run.

mod checks;
mod clock;
mod faults;
mod node;
mod raft;
mod random;
mod setup;
mod traffic;
mod world;

use crate::shard::PlantedBug;
use faults::{Fault, Favourite, MS};
use world::{Event, World};

/// Seeds of a normal run.
const SEEDS_DEFAULT: u64 = 250;
/// Within so many seeds a planted bug must show.
const SEEDS_FOR_A_BUG: u64 = 2_000;

/// A bug that is planted, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plant {
    /// In the core.
    Core(PlantedBug),
    /// The grace is shorter than the lease.
    GraceBelowLease,
    /// Promotions count whatever revision they name.
    PromoteWithoutRevision,
    /// Extensions count whatever revision they name.
    ExtendWithoutRevision,
    /// A replica that started again stays in sync.
    RestartKeepsInSync,
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_seed_breaks_a_promise() {
    if let Some(seed) = number("SKEP_SEED") {
        let outcome = World::new(seed, None, true).run();
        assert_eq!(outcome, Ok(()), "seed {seed}");
        return;
    }
    let (mut promotions, mut losses) = (0, 0);
    for seed in 0..number("SKEP_SIMULATION_SEEDS").unwrap_or(SEEDS_DEFAULT) {
        let mut world = World::new(seed, None, false);
        let outcome = world.run();
        assert_eq!(outcome, Ok(()), "SKEP_SEED={seed} tells this run");
        promotions += world.checks.promotions;
        losses += world.checks.losses;
    }
    // A run in which nothing happens would prove nothing.
    assert!(promotions > 100 && losses > 100, "{promotions} promotions, {losses} losses");
}

/// The median and the longest time that a shard acknowledges nothing when its primary suffers a fault
/// and all else is well, in milliseconds.
fn gaps_ms(fault: Fault) -> (u64, u64) {
    let gap = |seed: u64| {
        let mut world = World::calm(seed, None, false);
        world.after(1_000 * MS + seed % 50 * MS, Event::Begin(fault));
        assert_eq!(world.run(), Ok(()), "seed {seed}");
        world.checks.gaps[&setup::shard(0)] / MS
    };
    let mut gaps: Vec<u64> = (0..30).map(gap).collect();
    gaps.sort_unstable();
    println!("{fault:?}: median {} ms, longest {} ms", gaps[15], gaps[29]);
    (gaps[15], gaps[29])
}

#[test]
fn a_lost_primary_is_replaced_within_half_a_second_of_simulated_time() {
    for fault in [Fault::Partition(1), Fault::Stop(0), Fault::Crash(0)] {
        let (median, longest) = gaps_ms(fault);
        assert!(median < 450 && longest < 500, "{fault:?}: {median} {longest}");
    }
}

#[test]
fn a_planned_change_stops_a_shard_for_milliseconds_of_simulated_time() {
    let (median, longest) = gaps_ms(Fault::HandOver(0));
    assert!(median < 60 && longest < 120, "{median} {longest}");
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 0..10 {
        let mut worlds = [0; 2].map(|_| World::new(seed, None, false));
        for world in &mut worlds {
            assert_eq!(world.run(), Ok(()));
        }
        let [one, other] = worlds;
        assert_eq!(one.truth, other.truth);
        assert_eq!((one.now, one.checks.losses), (other.now, other.checks.losses));
    }
}

#[test]
fn every_planted_bug_is_found() {
    use PlantedBug as Bug;
    // Each with the runs in which it shows soonest.
    let plants = [
        (Plant::Core(Bug::LeaseFromAnswer), Favourite::Cuts),
        (Plant::Core(Bug::AnswersAfterProposing), Favourite::None),
        (Plant::Core(Bug::AnswersOldReign), Favourite::None),
        (Plant::Core(Bug::NeededFromCommit), Favourite::Cuts),
        (Plant::Core(Bug::DroppedFromProposal), Favourite::None),
        (Plant::Core(Bug::RestartedActs), Favourite::Crashes),
        (Plant::Core(Bug::JoinsWithoutWaiting), Favourite::Crashes),
        (Plant::Core(Bug::ResumesAfterHandOver), Favourite::HandOvers),
        (Plant::Core(Bug::HandsOverEarly), Favourite::HandOvers),
        (Plant::GraceBelowLease, Favourite::None),
        (Plant::PromoteWithoutRevision, Favourite::None),
        (Plant::ExtendWithoutRevision, Favourite::None),
        (Plant::RestartKeepsInSync, Favourite::Crashes),
    ];
    for (plant, favourite) in plants {
        let find = |seed: u64| Some((seed, World::new(seed, Some(plant), false).run().err()?));
        let found = (0..SEEDS_FOR_A_BUG).map(|number| favourite.seed(number)).find_map(find);
        println!("{plant:?}: {found:?}");
        assert!(found.is_some(), "{plant:?} is not found by {SEEDS_FOR_A_BUG} seeds");
    }
}
