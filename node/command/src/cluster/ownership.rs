//! Which slots this node owns: ADDSLOTS, DELSLOTS and FLUSHSLOTS; and PLACE, for all nodes at once.
//!
//! What this node can see is checked before anybody is asked, with Redis' errors; who is asked
//! checks again, because the topology may have changed meanwhile.

use skep_keyspace::ring::VIRTUAL_NODES_DEFAULT;
use skep_keyspace::{SLOT_COUNT, Slot, SlotRange, SlotSet};
use skep_resp::{Args, parse_i64};
use skep_store::View;

use super::change::ask;
use super::routes::Place;
use super::show::routes;
use super::{ClusterRequest, Routes};
use crate::cx::Cx;
use crate::error::CommandError;

const NO_SLOT: CommandError = CommandError::text("ERR Invalid or out of range slot");
/// Most virtual nodes that PLACE takes: from a thousand on, shards differ by less than 5 %.
const MAX_VIRTUAL_NODES: u32 = 10_000;

/// What becomes of the slots.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Add,
    Delete,
}

/// `CLUSTER ADDSLOTS slot [slot ...]`.
pub(crate) fn addslots(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let slots = checked(&routes, single_slots(args)?, Wish::Add)?;
    add(cx, &routes, slots)
}

/// `CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]`.
pub(crate) fn addslotsrange(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let slots = checked(&routes, ranges(args, "cluster|addslotsrange")?, Wish::Add)?;
    add(cx, &routes, slots)
}

/// `CLUSTER DELSLOTS slot [slot ...]`.
pub(crate) fn delslots(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let slots = checked(&routes, single_slots(args)?, Wish::Delete)?;
    delete(cx, &routes, slots)
}

/// `CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]`.
pub(crate) fn delslotsrange(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let slots = checked(&routes, ranges(args, "cluster|delslotsrange")?, Wish::Delete)?;
    delete(cx, &routes, slots)
}

/// `CLUSTER FLUSHSLOTS`.
pub(crate) fn flushslots(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    if has_keys(cx) {
        return Err(CommandError::text("ERR DB must be empty to perform CLUSTER FLUSHSLOTS."));
    }
    let mine = routes.my_shard().filter(|_| !routes.is_replica());
    match mine.map(|(_, shard)| shard.slots.clone()) {
        Some(slots) if !slots.is_empty() => ask(cx, ClusterRequest::DeleteSlots(slots)),
        _ => {
            cx.reply.ok();
            Ok(())
        }
    }
}

/// `CLUSTER PLACE [VNODES virtual-nodes]`, of any node.
pub(crate) fn place(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    let virtual_nodes = match args.len() {
        2 => VIRTUAL_NODES_DEFAULT,
        4 if args[2].eq_ignore_ascii_case(b"VNODES") => virtual_nodes(&args[3])?,
        3 | 4 => return Err(CommandError::SYNTAX),
        _ => return Err(CommandError::subcommand_syntax("CLUSTER", &args[1])),
    };
    ask(cx, ClusterRequest::Place { virtual_nodes })
}

fn virtual_nodes(argument: &[u8]) -> Result<u32, CommandError> {
    let number = parse_i64(argument).ok_or(CommandError::NOT_INTEGER)?;
    let number = u32::try_from(number).ok().filter(|count| (1..=MAX_VIRTUAL_NODES).contains(count));
    let refuse = || format!("ERR VNODES must be a number of 1 to {MAX_VIRTUAL_NODES}");
    number.ok_or_else(|| CommandError::new(refuse()))
}

/// Serves more slots.
fn add(cx: &mut Cx<'_>, routes: &Routes, slots: SlotSet) -> Result<(), CommandError> {
    if routes.topology.is_proxy(routes.me) {
        return Err(CommandError::text(
            "ERR This node is a proxy (cluster-proxy yes) and holds no data; ask one that does",
        ));
    }
    ask(cx, ClusterRequest::AddSlots(slots))
}

/// Gives up slots that this node owns, if there is nothing in them.
fn delete(cx: &mut Cx<'_>, routes: &Routes, slots: SlotSet) -> Result<(), CommandError> {
    if let Some(slot) = slots.iter().find(|&slot| routes.place(slot) != Place::Primary) {
        let number = slot.number();
        return Err(CommandError::new(format!(
            "ERR Slot {number} is not served by this node; ask the primary that owns it"
        )));
    }
    if let Some(slot) = first_with_keys(cx, &slots) {
        let number = slot.number();
        return Err(CommandError::new(format!(
            "ERR Slot {number} has keys; delete them, or let another node take the slot over"
        )));
    }
    ask(cx, ClusterRequest::DeleteSlots(slots))
}

/// Whether this node has any key.
pub(super) fn has_keys(cx: &mut Cx<'_>) -> bool {
    let mut keys = 0;
    cx.each_stripe(&mut |view, _| {
        keys += view.count(0).keys;
        keys == 0
    });
    keys > 0
}

/// The lowest slot of a set that has keys.
fn first_with_keys(cx: &mut Cx<'_>, slots: &SlotSet) -> Option<Slot> {
    let mut first: Option<Slot> = None;
    cx.each_stripe(&mut |view, stripe| {
        let mut of_stripe = View::slots_of(stripe).filter(|&slot| slots.contains(slot));
        let found = of_stripe.find(|&slot| view.slot_len(0, slot) > 0);
        first = first.into_iter().chain(found).min();
        true
    });
    first
}

/// A number of a slot.
pub(crate) fn slot_argument(argument: &[u8]) -> Result<Slot, CommandError> {
    let number = parse_i64(argument).and_then(|number| u16::try_from(number).ok());
    number.and_then(Slot::new).ok_or(NO_SLOT)
}

fn single_slots(args: Args<'_>) -> Result<Vec<SlotRange>, CommandError> {
    let slots = args.iter().skip(2).map(slot_argument);
    slots.map(|slot| slot.map(Slot::number).map(|n| SlotRange { first: n, last: n })).collect()
}

fn ranges(args: Args<'_>, full_name: &str) -> Result<Vec<SlotRange>, CommandError> {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::wrong_arity(full_name));
    }
    let mut ranges = Vec::new();
    let mut numbers = args.iter().skip(2);
    while let (Some(first), Some(last)) = (numbers.next(), numbers.next()) {
        let (first, last) = (slot_argument(first)?.number(), slot_argument(last)?.number());
        if first > last {
            return Err(CommandError::new(format!(
                "ERR start slot number {first} is greater than end slot number {last}"
            )));
        }
        ranges.push(SlotRange { first, last });
    }
    Ok(ranges)
}

/// The slots of ranges, each of them once, and all of them nobody's (to add) or somebody's.
fn checked(routes: &Routes, ranges: Vec<SlotRange>, wish: Wish) -> Result<SlotSet, CommandError> {
    let refuse =
        |slot: Slot, why: &str| Err(CommandError::new(format!("ERR Slot {} {why}", slot.number())));
    let mut slots = SlotSet::new();
    for slot in ranges.into_iter().flat_map(SlotRange::slots).filter_map(Slot::new) {
        match routes.place(slot) {
            Place::Nowhere if wish == Wish::Delete => {
                return refuse(slot, "is already unassigned");
            }
            Place::Nowhere => {}
            _ if wish == Wish::Add => return refuse(slot, "is already busy"),
            _ => {}
        }
        if !slots.insert(slot) {
            return refuse(slot, "specified multiple times");
        }
    }
    debug_assert!(slots.len() <= SLOT_COUNT, "a set has each slot once");
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use skep_keyspace::SlotSet;

    use crate::cluster::ClusterRequest;
    use crate::cluster::fixture;

    fn set(text: &str) -> SlotSet {
        text.parse().unwrap()
    }

    #[test]
    fn slots_that_are_nobodys_can_be_had() {
        let mut bench = fixture::bench(1);
        bench.expect_asked(
            "CLUSTER ADDSLOTS 16383 16000",
            ClusterRequest::AddSlots(set("16000,16383")),
        );
        bench.expect_asked(
            "CLUSTER ADDSLOTSRANGE 16000 16001 16010 16010",
            ClusterRequest::AddSlots(set("16000-16001,16010")),
        );
    }

    #[test]
    fn any_node_can_be_asked_to_place_what_nobody_owns() {
        let place = |virtual_nodes| ClusterRequest::Place { virtual_nodes };
        for number in [1, 3, 4] {
            fixture::bench(number).expect_asked("CLUSTER PLACE", place(150));
        }
        let mut bench = fixture::bench(1);
        bench.expect_asked("CLUSTER PLACE vnodes 1", place(1));
        bench.expect_asked("CLUSTER PLACE VNODES 10000", place(10_000));
        let out_of_range = "-ERR VNODES must be a number of 1 to 10000";
        bench.expect(&[
            ("CLUSTER PLACE VNODES 0", out_of_range),
            ("CLUSTER PLACE VNODES 10001", out_of_range),
            ("CLUSTER PLACE VNODES x", "-ERR value is not an integer or out of range"),
            ("CLUSTER PLACE VNODES", "-ERR syntax error"),
            ("CLUSTER PLACE SLOTS 5", "-ERR syntax error"),
        ]);
        let usage = bench.ask("CLUSTER PLACE VNODES 5 6");
        assert!(usage.starts_with("-ERR unknown subcommand or wrong number"), "{usage}");
        assert_eq!(bench.server.asked.lock().len(), 2);
    }

    #[test]
    fn a_proxy_asks_for_no_slots_and_for_no_primary() {
        let mut topology = fixture::topology();
        topology.nodes.get_mut(&fixture::id(3)).unwrap().is_proxy = true;
        let mut bench = fixture::bench_of(3, topology.clone());
        let holds_nothing =
            "-ERR This node is a proxy (cluster-proxy yes) and holds no data; ask one that does";
        bench.expect(&[
            ("CLUSTER ADDSLOTS 16000", holds_nothing),
            ("CLUSTER ADDSLOTSRANGE 16000 16001", holds_nothing),
        ]);
        let replicate = |number| format!("CLUSTER REPLICATE {}", fixture::id(number));
        let no_replica = "-ERR A proxy (cluster-proxy yes) neither is nor has a replica";
        bench.expect(&[(&replicate(1), no_replica)]);
        fixture::bench_of(4, topology.clone()).expect(&[(&replicate(3), no_replica)]);
        fixture::bench_of(1, topology)
            .expect_asked("CLUSTER ADDSLOTS 16000", ClusterRequest::AddSlots(set("16000")));
    }

    #[test]
    fn what_redis_refuses_is_refused_in_its_words() {
        let mut bench = fixture::bench(1);
        bench.expect(&[
            ("CLUSTER ADDSLOTS 16000 5", "-ERR Slot 5 is already busy"),
            ("CLUSTER ADDSLOTS 16000 16000", "-ERR Slot 16000 specified multiple times"),
            ("CLUSTER ADDSLOTS 16000 16384", "-ERR Invalid or out of range slot"),
            ("CLUSTER ADDSLOTS -1", "-ERR Invalid or out of range slot"),
            ("CLUSTER DELSLOTS x", "-ERR Invalid or out of range slot"),
            ("CLUSTER DELSLOTS 16000", "-ERR Slot 16000 is already unassigned"),
            ("CLUSTER DELSLOTS 5 5", "-ERR Slot 5 specified multiple times"),
            (
                "CLUSTER DELSLOTSRANGE 6 5",
                "-ERR start slot number 6 is greater than end slot number 5",
            ),
            (
                "CLUSTER ADDSLOTSRANGE 1 2 3",
                "-ERR wrong number of arguments for 'cluster|addslotsrange' command",
            ),
            (
                "CLUSTER DELSLOTSRANGE 1",
                "-ERR wrong number of arguments for 'cluster|delslotsrange' command",
            ),
        ]);
        assert_eq!(*bench.server.asked.lock(), []);
    }

    #[test]
    fn only_the_primary_gives_up_slots_and_only_empty_ones() {
        let mut bench = fixture::bench(1);
        // Its slot is 3300.
        bench.expect(&[("SET b 1", "+OK")]);
        let elsewhere = "-ERR Slot 6000 is not served by this node; ask the primary that owns it";
        let full = "-ERR Slot 3300 has keys; delete them, or let another node take the slot over";
        bench.expect(&[
            ("CLUSTER DELSLOTS 5 6000", elsewhere),
            ("CLUSTER DELSLOTSRANGE 0 5000", full),
            ("CLUSTER FLUSHSLOTS", "-ERR DB must be empty to perform CLUSTER FLUSHSLOTS."),
        ]);
        assert_eq!(*bench.server.asked.lock(), []);
        bench.expect_asked("CLUSTER DELSLOTS 5", ClusterRequest::DeleteSlots(set("5")));
        bench.expect(&[("DEL b", ":1")]);
        bench.expect_asked("CLUSTER FLUSHSLOTS", ClusterRequest::DeleteSlots(set("0-5460")));
        let mut bench = fixture::bench(4);
        bench.expect(&[("CLUSTER FLUSHSLOTS", "+OK")]);
        assert!(bench.ask("CLUSTER DELSLOTS 5").starts_with("-ERR Slot 5 is not served"));
    }
}
