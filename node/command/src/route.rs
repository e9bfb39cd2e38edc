//! Whether a command may run on this node of a cluster, or where its client should go instead.
//!
//! The texts are Redis Cluster's: `MOVED`, `CROSSSLOT` and `CLUSTERDOWN`. A command for slots that
//! are this node's, while it may not serve them, waits for a bounded time: a failover is shorter.

use skep_keyspace::Slot;
use skep_resp::Args;
use skep_store::Key;

use crate::client::Client;
use crate::cluster::routes::{Lease, Place, Routes};
use crate::error::CommandError;
use crate::table::Command;
use crate::{keyspec, transaction};

/// How long a command waits for its slots to be served again.
const MAX_PARKED_MS: u64 = 2_000;

const CROSS_SLOT: CommandError =
    CommandError::text("CROSSSLOT Keys in request don't hash to the same slot");
const NOT_SERVED: CommandError = CommandError::text("CLUSTERDOWN Hash slot not served");
const READ_ONLY: CommandError =
    CommandError::text("READONLY You can't write against a read only replica.");
const NO_REPLICAS: CommandError =
    CommandError::text("NOREPLICAS Not enough good replicas to write.");
const DOWN: CommandError = CommandError::text("CLUSTERDOWN The cluster is down");

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It runs here.
    Here,
    /// It waits: this node should serve it, and cannot now.
    Wait,
    /// It runs at another node.
    There(Slot),
}

/// Where a client should go with a command for a slot.
pub(crate) fn moved(routes: &Routes, slot: Slot) -> CommandError {
    match routes.map.owner(slot) {
        Some(owner) => {
            let (host, port) = (&owner.address.host, owner.address.client_port);
            CommandError::new(format!("MOVED {} {host}:{port}", slot.number()))
        }
        None => NOT_SERVED,
    }
}

/// Whether another node may answer a command on behalf of this one: nothing of it is about the
/// connection.
pub(crate) fn may_be_forwarded(client: &Client, command: &Command) -> bool {
    let is_of_connection = ["watch", "exec", "ssubscribe"].contains(&command.row.name);
    client.transaction.is_none() && !is_of_connection
}

/// Decides about a command of a client. `key` is the command's only key, if the batch has it.
///
/// # Errors
/// Why nobody can serve it.
#[inline]
pub(crate) fn way(
    (routes, lease): (&Routes, Lease),
    client: &mut Client,
    command: &Command,
    args: Args<'_>,
    (key, now_ms): (Option<&Key<'_>>, u64),
) -> Result<Way, CommandError> {
    let slot = match key {
        Some(key) => Some(key.slot()),
        None => slot_of(client, command, args)?,
    };
    let Some(slot) = slot else {
        // FLUSHALL and the like.
        return match transaction::may_write(client, command) {
            false => Ok(Way::Here),
            true if routes.is_replica() => Err(READ_ONLY),
            true if lease == Lease::Lapsed => wait(client, now_ms),
            true => Ok(Way::Here),
        };
    };
    match routes.place(slot) {
        Place::Primary if lease == Lease::Lapsed => wait(client, now_ms),
        Place::Primary => {
            client.parked_since_ms = None;
            let may_run = lease == Lease::Held || !transaction::may_write(client, command);
            if may_run { Ok(Way::Here) } else { Err(NO_REPLICAS) }
        }
        Place::Replica(_)
            if client.reads_replica
                && lease != Lease::Lapsed
                && !transaction::may_write(client, command) =>
        {
            Ok(Way::Here)
        }
        Place::Replica(_) | Place::Elsewhere(_) => {
            client.parked_since_ms = None;
            Ok(Way::There(slot))
        }
        Place::Nowhere => Err(NOT_SERVED),
    }
}

#[cold]
fn wait(client: &mut Client, now_ms: u64) -> Result<Way, CommandError> {
    let since_ms = *client.parked_since_ms.get_or_insert(now_ms);
    if now_ms.saturating_sub(since_ms) < MAX_PARKED_MS {
        return Ok(Way::Wait);
    }
    client.parked_since_ms = None;
    Err(DOWN)
}

/// The slot of a command's keys: of a shard channel, or of all that EXEC would run.
fn slot_of(
    client: &Client,
    command: &Command,
    args: Args<'_>,
) -> Result<Option<Slot>, CommandError> {
    let mut slot = None;
    match command.row.name {
        "ssubscribe" => join(&mut slot, args.iter().skip(1))?,
        // Of this connection, wherever the slot is by now.
        "sunsubscribe" => {}
        "spublish" => join(&mut slot, args.iter().skip(1).take(1))?,
        "exec" => {
            for queued in client.transaction.iter().flat_map(|queued| &queued.commands) {
                let args = queued.as_args();
                if let Ok(command) = crate::dispatch::resolve(args) {
                    join_keys(&mut slot, command, args)?;
                }
            }
        }
        _ => join_keys(&mut slot, command, args)?,
    }
    Ok(slot)
}

fn join_keys(
    slot: &mut Option<Slot>,
    command: &Command,
    args: Args<'_>,
) -> Result<(), CommandError> {
    let mut result = Ok(());
    // A command whose keys cannot be found touches none: its handler reports the error.
    let _ = keyspec::keys(command.row, args, |at, _| {
        if result.is_ok() {
            result = join(slot, args.get(at).into_iter());
        }
    });
    result
}

/// Adds keys, all of which must be of one slot.
fn join<'k>(
    slot: &mut Option<Slot>,
    keys: impl Iterator<Item = &'k [u8]>,
) -> Result<(), CommandError> {
    for key in keys {
        let other = Slot::of(key);
        if *slot.get_or_insert(other) != other {
            return Err(CROSS_SLOT);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skep_cluster::topology::{Change, Entry, Node, NodeAddress, ShardId, Topology};
    use skep_keyspace::Slot;

    use super::MAX_PARKED_MS;
    use crate::cluster::fixture::id;
    use crate::cluster::routes::{Lease, Routes};
    use crate::testing::Bench;

    /// Three nodes: 1 and 2 own the lower and the upper half but for the last slot, 3 is a replica
    /// of 2.
    fn topology() -> Topology {
        let mut topology = Topology::default();
        let about = |number: u8| Node {
            address: NodeAddress {
                host: format!("10.0.0.{number}"),
                client_port: 7000 + u16::from(number),
                ..NodeAddress::default()
            },
            ..Node::default()
        };
        let slots = |range: std::ops::Range<u16>| range.filter_map(Slot::new).collect();
        let (node, shard) = (id(1), ShardId(id(101)));
        let found = Change::Found { cluster: "test".into(), node, about: about(1), shard };
        let admit = |number: u8| Change::Admit {
            node: id(number),
            about: about(number),
            shard: ShardId(id(100 + number)),
            epoch: 0,
            claims: Default::default(),
        };
        let changes = [
            found,
            admit(2),
            admit(3),
            Change::AddSlots { shard: ShardId(id(101)), slots: slots(0..8192) },
            Change::AddSlots { shard: ShardId(id(102)), slots: slots(8192..16383) },
            Change::Replicate { node: id(3), shard: ShardId(id(102)) },
        ];
        for change in changes {
            let entry = Entry { proposer: id(1), asked_by: "test".into(), change };
            topology.apply(&entry).expect("a change that fits");
        }
        topology
    }

    fn bench(me: u8) -> Bench {
        let mut bench = Bench::new();
        bench.server.routes = Some(Arc::new(Routes::new(id(me), Arc::new(topology()))));
        bench
    }

    #[test]
    fn keys_of_others_are_redirected_and_own_ones_are_served() {
        // "foo" is of slot 12182, "bar" of 5061, "{bar}2" too.
        bench(1).expect(&[
            ("SET bar 1", "+OK"),
            ("GET foo", "-MOVED 12182 10.0.0.2:7002"),
            ("MSET bar 1 {bar}2 2", "+OK"),
            ("MGET bar foo", "-CROSSSLOT Keys in request don't hash to the same slot"),
            ("PING", "+PONG"),
            ("SPUBLISH foo hello", "-MOVED 12182 10.0.0.2:7002"),
        ]);
        bench(2).expect(&[("SET foo 1", "+OK"), ("GET bar", "-MOVED 5061 10.0.0.1:7001")]);
    }

    #[test]
    fn a_replica_serves_reads_to_those_who_ask_for_it() {
        bench(3).expect(&[("GET foo", "-MOVED 12182 10.0.0.2:7002")]);
        let mut bench = bench(3);
        bench.client.reads_replica = true;
        bench.expect(&[
            ("GET foo", "$-1"),
            ("SET foo 1", "-MOVED 12182 10.0.0.2:7002"),
            ("GET bar", "-MOVED 5061 10.0.0.1:7001"),
        ]);
    }

    #[test]
    fn a_replica_is_not_flushed() {
        let refused = "-READONLY You can't write against a read only replica.";
        bench(3).expect(&[
            ("FLUSHALL", refused),
            ("MULTI", "+OK"),
            ("FLUSHDB", refused),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ]);
        bench(1).expect(&[("FLUSHALL", "+OK")]);
    }

    #[test]
    fn a_replica_whose_data_is_too_old_sends_readers_to_the_primary() {
        let mut bench = bench(3);
        bench.client.reads_replica = true;
        bench.lease = Lease::Lapsed;
        bench.expect(&[("GET foo", "-MOVED 12182 10.0.0.2:7002")]);
    }

    #[test]
    fn with_too_few_replicas_a_primary_reads_and_does_not_write() {
        let mut bench = bench(1);
        bench.expect(&[("SET bar 1", "+OK")]);
        bench.lease = Lease::ReadsOnly;
        bench.expect(&[
            ("SET bar 2", "-NOREPLICAS Not enough good replicas to write."),
            ("GET bar", "$1 1"),
        ]);
    }

    #[test]
    fn a_slot_of_nobody_is_not_served() {
        // CRC16 of this key is slot 16383.
        let key = (0..u32::MAX)
            .map(|number| number.to_string())
            .find(|key| Slot::of(key.as_bytes()).number() == 16383)
            .expect("some key is of that slot");
        bench(1).expect(&[(&format!("GET {key}"), "-CLUSTERDOWN Hash slot not served")]);
    }

    #[test]
    fn a_transaction_is_redirected_as_a_whole() {
        bench(1).expect(&[
            ("MULTI", "+OK"),
            ("SET foo 1", "-MOVED 12182 10.0.0.2:7002"),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
            ("MULTI", "+OK"),
            ("SET bar 1", "+QUEUED"),
            ("SET {baz}1 1", "+QUEUED"),
            ("EXEC", "-CROSSSLOT Keys in request don't hash to the same slot"),
            ("GET bar", "$-1"),
        ]);
    }

    #[test]
    fn without_a_lease_commands_wait_for_a_while_and_then_are_told() {
        let mut bench = bench(1);
        bench.lease = Lease::Lapsed;
        bench.expect(&[("SET bar 1", "")]);
        assert!(bench.client.postponed);
        bench.client.postponed = false;
        bench.pass_ms(MAX_PARKED_MS);
        bench.expect(&[("SET bar 1", "-CLUSTERDOWN The cluster is down"), ("PING", "+PONG")]);
        bench.lease = Lease::Held;
        bench.expect(&[("SET bar 1", "+OK")]);
    }
}
