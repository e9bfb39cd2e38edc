//! Weather by the seed: faults one after the other, some at the same time, with calm between them.

use std::time::Duration;

use super::world::World;
use crate::simulated::Chance;

/// Storms in a run.
const STORMS: u64 = 4;
/// A storm at most.
const STORM_MS: u64 = 2_500;
const JUMP_MAX_S: u64 = 3_600;

/// What a storm has broken that a later step mends.
#[derive(Default)]
struct Broken {
    /// The host that has crashed. Never two: what only they have would be gone.
    crashed: Option<usize>,
}

/// Runs all storms of a seed, and checks what is left.
pub(super) fn run(world: &mut World, seed: u64) {
    let mut chance = Chance(seed ^ 0x5703);
    for _ in 0..STORMS {
        let mut broken = Broken::default();
        for _ in 0..1 + chance.below(2) {
            strike(world, &mut chance, &mut broken);
            world.go(Duration::from_millis(chance.below(STORM_MS / 2)));
        }
        // Whether hosts start again before or after the network is whole.
        if chance.below(2) == 0 {
            world.heal();
            world.go(Duration::from_millis(chance.below(STORM_MS / 2)));
        }
        if let Some(host) = broken.crashed {
            world.restart(host);
            world.go(Duration::from_millis(chance.below(STORM_MS / 2)));
        }
        world.heal();
        world.settle();
        world.go(Duration::from_millis(300));
    }
    world.check_calm();
}

fn strike(world: &mut World, chance: &mut Chance, broken: &mut Broken) {
    let count = world.hosts.len() as u64;
    let host = chance.below(count) as usize;
    match chance.below(7) {
        0 | 1 if broken.crashed.is_none() => {
            world.crash(host);
            broken.crashed = Some(host);
        }
        0..=2 => {
            let (some, others) = sides(chance, count);
            world.cut(&some, &others);
            world.cut(&others, &some);
        }
        3 => {
            let (some, others) = sides(chance, count);
            world.cut(&some, &others);
        }
        4 => world.lose(chance.below(150)),
        5 => world.delay(Duration::from_millis(5 + chance.below(60))),
        _ => {
            let jump = Duration::from_secs(chance.below(JUMP_MAX_S));
            let rate = 950 + chance.below(101);
            world.set_clock(host, jump, rate);
        }
    }
}

/// Two sides, neither of which is empty.
fn sides(chance: &mut Chance, count: u64) -> (Vec<usize>, Vec<usize>) {
    let all = (1u64 << count) - 1;
    let some = 1 + chance.below(all - 1);
    (0..count as usize).partition(|host| some >> host & 1 == 1)
}
