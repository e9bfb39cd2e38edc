use proptest::prelude::*;

use super::*;
use crate::random::SplitMix;

fn lru(memory_bytes: u64) -> Engine {
    Engine::Lru { memory_bytes, node: NodeMemory::bare() }
}

fn modulo(nodes: u16) -> Vec<u16> {
    (0..SLOT_COUNT as u16).map(|slot| slot % nodes).collect()
}

/// The lost node's slots go to the others in turn; nothing else moves.
fn minimal(owners: &[u16], lost: u16, nodes: u16) -> Vec<u16> {
    let mut heirs = (0..nodes).filter(|&node| node != lost).cycle();
    let heir = |&owner: &u16| if owner == lost { heirs.next().unwrap() } else { owner };
    owners.iter().map(heir).collect()
}

/// All slots anew, as `slot % survivors` has it.
fn remapped(lost: u16, nodes: u16) -> Vec<u16> {
    let survivors: Vec<u16> = (0..nodes).filter(|&node| node != lost).collect();
    (0..SLOT_COUNT).map(|slot| survivors[slot % survivors.len()]).collect()
}

fn requests(count: usize, seed: u64) -> Vec<Access> {
    let mut random = SplitMix::new(seed);
    let draw = |_| Access::of_number((3000.0 * random.unit().powi(2)) as u64);
    (0..count).map(draw).collect()
}

fn play(fleet: &mut Fleet, accesses: &[Access]) {
    accesses.iter().for_each(|access| fleet.serve(access, 500));
}

#[test]
fn one_node_hits_as_often_as_a_cache_of_its_size() {
    let accesses = requests(20_000, 1);
    let mut fleet = Fleet::new(&modulo(1), 1, &lru(300_000), None).unwrap();
    play(&mut fleet, &accesses);
    let mut stack = Stack::default();
    let weight = item_bytes(16, 500, false) as u32;
    let hits = accesses
        .iter()
        .filter(|access| stack.get(access.id, weight, 0, 0).is_some_and(|bytes| bytes <= 300_000));
    assert_eq!(total(fleet.before()).hits, hits.count() as u64);
}

#[test]
fn a_loss_costs_little_where_little_moves_and_much_where_all_does() {
    let accesses = requests(60_000, 2);
    let owners = modulo(5);
    let play_with = |owners: &[u16], loss: Option<Vec<u16>>| {
        let loss = loss.map(|owners| Loss { node: 2, after: 30_000, owners });
        let mut fleet = Fleet::new(owners, 5, &lru(1 << 20), loss).unwrap();
        play(&mut fleet, &accesses);
        fleet
    };
    let intact = play_with(&owners, None);
    let after = |later: Vec<u16>| {
        let survivors = play_with(&later, None);
        dip(&intact, &play_with(&owners, Some(later)), &survivors).unwrap()
    };
    let (little, much) = (after(minimal(&owners, 2, 5)), after(remapped(2, 5)));
    assert!(little.deepest > 0.05 && much.deepest > 2.0 * little.deepest, "{little:?} {much:?}");
    assert!(much.hits_lost > 2.0 * little.hits_lost, "{little:?} {much:?}");
    assert!(much.recovery_accesses.is_some_and(|count| count > 500), "{much:?}");
    assert!((little.lasting - much.lasting).abs() < 0.02, "{little:?} {much:?}");
    assert_eq!(dip(&intact, &intact, &intact), None);
}

#[test]
fn the_lost_node_serves_nothing_afterwards_and_the_survivors_all() {
    let owners = modulo(4);
    let loss = Loss { node: 1, after: 4000, owners: minimal(&owners, 1, 4) };
    let mut fleet = Fleet::new(&owners, 4, &Engine::None, Some(loss)).unwrap();
    play(&mut fleet, &requests(10_000, 3));
    assert!(fleet.before()[1].accesses > 500);
    assert_eq!(fleet.after()[1], Served::default());
    assert_eq!(total(fleet.before()).accesses, 4000);
    assert_eq!(total(fleet.after()).accesses, 6000);
    assert!(imbalance(fleet.after(), 3) >= 1.0);
}

#[test]
fn owners_that_are_no_owners_are_refused() {
    let bad = |owners: &[u16], nodes| Fleet::new(owners, nodes, &Engine::None, None).err();
    assert!(bad(&[0, 1], 2).is_some());
    assert!(bad(&modulo(3), 2).is_some());
    assert!(bad(&modulo(1), 0).is_some());
    let loss = Loss { node: 0, after: 0, owners: modulo(2) };
    assert!(Fleet::new(&modulo(2), 2, &Engine::None, Some(loss)).is_err());
}

proptest! {
    #[test]
    fn windows_add_up_to_everything(count in 0usize..40_000, nodes in 1u16..6) {
        let mut fleet = Fleet::new(&modulo(nodes), nodes.into(), &Engine::None, None).unwrap();
        play(&mut fleet, &requests(count, 4));
        let windows = fleet.windows();
        prop_assert!(windows.len() <= WINDOWS_MAX);
        prop_assert_eq!(windows.iter().map(|window| window.accesses).sum::<u64>(), count as u64);
        for (node, served) in fleet.before().iter().enumerate() {
            let sum: u64 = windows.iter().map(|window| u64::from(window.nodes[node])).sum();
            prop_assert_eq!(sum, served.accesses);
        }
        for window in windows.iter().rev().skip(1) {
            prop_assert_eq!(window.accesses, fleet.window_accesses());
        }
    }
}
