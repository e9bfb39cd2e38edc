//! Clients that wait for replicas of other nodes.

use std::time::Duration;

use skep_command::cluster::{ClusterRequest, DeferredReply};
use skep_keyspace::Slot;
use tokio::task::JoinHandle;

use super::clients::command;
use super::world::{World, id};
use super::{SHARDS, each_seed};

/// More than there are streams between two nodes, of either kind.
const WAITS: usize = 1_100;
/// So many times as many as may be under way at once are more than there are streams, too.
const ROUNDS: usize = 5;
const CONNECT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(400);

/// A host of the first shard, and the primary of the second.
const NEAR: usize = 0;
const FAR: usize = 3;
/// The first shard has as many, the second never.
const REPLICAS: u64 = 2;

/// A slot of the second shard.
fn last() -> Slot {
    Slot::new(super::SLOTS[1]).expect("a slot")
}

/// Has clients of the near host wait for replicas of the far one without an end.
fn wait(world: &World) -> Vec<JoinHandle<DeferredReply>> {
    let (shard, _) = world.reign(last());
    let life = world.life(NEAR);
    let waits = (0..WAITS).map(|_| {
        let request =
            ClusterRequest::Wait { replicas: REPLICAS, timeout_ms: 0, elsewhere: vec![shard] };
        life.control.spawn(life.clone().request("a client".to_owned(), request))
    });
    waits.collect()
}

#[test]
fn waits_at_another_node_hold_up_nothing_else_there_and_end_with_their_clients() {
    let name = "waits_at_another_node_hold_up_nothing_else_there_and_end_with_their_clients";
    each_seed(name, |seed| {
        let mut world = World::formed(seed, &SHARDS);
        assert_eq!(world.primary(last()), FAR);
        for round in 0..ROUNDS {
            let waits = wait(&world);
            world.go(CONNECT);
            assert!(waits.iter().all(|wait| !wait.is_finished()), "round {round}");
            let is_there =
                world.on(NEAR, |life| async move { life.is_there(id(FAR), PATIENCE).await });
            assert!(is_there, "round {round}: control streams are used up");
            let set = command(&["SET", "foo", "1"]);
            let slot = Slot::of(b"foo");
            assert_eq!(world.primary(slot), FAR);
            let done = world.on(NEAR, |life| life.forward(slot, set, false));
            assert_eq!(done, DeferredReply::Raw(b"+OK\r\n".to_vec()), "round {round}");
            waits.iter().for_each(JoinHandle::abort);
        }
        world.check_calm();
    });
}
