//! What is in the slots of this node: COUNTKEYSINSLOT, GETKEYSINSLOT and SLOT-STATS. Each stripe
//! is locked only while it is looked at.

use skep_keyspace::{SLOT_COUNT, Slot, SlotRange, SlotSet};
use skep_resp::{Args, Reply, parse_i64};
use skep_store::View;

use super::ownership::slot_argument;
use super::show::routes;
use crate::cx::Cx;
use crate::error::CommandError;

const TWICE: CommandError =
    CommandError::text("ERR Multiple filters of the same type are disallowed.");

/// `CLUSTER COUNTKEYSINSLOT slot`.
pub(crate) fn countkeysinslot(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    let number = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    let slot = slot(number).ok_or(CommandError::text("ERR Invalid slot"))?;
    let mut len = 0;
    cx.view.each_stripe_from(View::stripe_of(slot), &mut |view, _| {
        len = view.slot_len(0, slot);
        false
    });
    cx.reply.integer(len as i64);
    Ok(())
}

/// `CLUSTER GETKEYSINSLOT slot count`.
pub(crate) fn getkeysinslot(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    let number = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    let count = parse_i64(&args[3]).ok_or(CommandError::NOT_INTEGER)?;
    let (Some(slot), Ok(count)) = (slot(number), usize::try_from(count)) else {
        return Err(CommandError::text("ERR Invalid slot or number of keys"));
    };
    // Their number comes before the keys, so that they are collected aside.
    let mut keys = Reply::new(cx.reply.protocol());
    let mut taken = 0;
    cx.view.each_stripe_from(View::stripe_of(slot), &mut |view, _| {
        view.slot_keys(0, slot, count, |key, _| {
            keys.bulk(key);
            taken += 1;
        });
        false
    });
    cx.reply.array(taken);
    cx.reply.append(&mut keys);
    Ok(())
}

fn slot(number: i64) -> Option<Slot> {
    u16::try_from(number).ok().and_then(Slot::new)
}

/// Which slots SLOT-STATS is asked for, and in which order.
struct Selection {
    slots: SlotSet,
    limit: usize,
    order: Order,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Slot,
    Fewest,
    Most,
}

impl Selection {
    fn parse(args: Args<'_>) -> Result<Selection, CommandError> {
        let is = |at: usize, name: &str| {
            args.get(at).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
        };
        if args.len() == 5 && is(2, "SLOTSRANGE") {
            let (first, last) =
                (slot_argument(&args[3])?.number(), slot_argument(&args[4])?.number());
            if first > last {
                return Err(CommandError::new(format!(
                    "ERR Start slot number {first} is greater than end slot number {last}"
                )));
            }
            let mut slots = SlotSet::new();
            slots.insert_range(SlotRange { first, last });
            return Ok(Selection { slots, limit: SLOT_COUNT, order: Order::Slot });
        }
        if !is(2, "ORDERBY") {
            return Err(CommandError::subcommand_syntax("CLUSTER", &args[1]));
        }
        if !is(3, "KEY-COUNT") {
            return Err(CommandError::text("ERR Unrecognized sort metric for ORDERBY."));
        }
        Selection::parse_order(args.from(4))
    }

    fn parse_order(options: Args<'_>) -> Result<Selection, CommandError> {
        const RANGE: CommandError = CommandError::text(
            "ERR Limit has to lie in between 1 and 16384 (maximum number of slots).",
        );
        let (mut limit, mut order) = (None, None);
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let is = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
            if is("LIMIT") {
                let number = options.next().ok_or(CommandError::SYNTAX)?;
                let number = parse_i64(number).and_then(|number| usize::try_from(number).ok());
                let number = number.filter(|number| (1..=SLOT_COUNT).contains(number));
                if limit.replace(number.ok_or(RANGE)?).is_some() {
                    return Err(TWICE);
                }
            } else if is("ASC") || is("DESC") {
                let wanted = if is("ASC") { Order::Fewest } else { Order::Most };
                if order.replace(wanted).is_some() {
                    return Err(TWICE);
                }
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        let mut slots = SlotSet::new();
        slots.insert_range(SlotRange { first: 0, last: (SLOT_COUNT - 1) as u16 });
        let (limit, order) = (limit.unwrap_or(SLOT_COUNT), order.unwrap_or(Order::Most));
        Ok(Selection { slots, limit, order })
    }
}

/// `CLUSTER SLOT-STATS SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]`,
/// of the slots of this node's shard.
pub(crate) fn slot_stats(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let routes = routes(cx)?;
    let Selection { slots: wanted, limit, order } = Selection::parse(args)?;
    let mine = routes.my_shard().map(|(_, shard)| shard.slots.clone()).unwrap_or_default();
    let mut found: Vec<(Slot, usize)> = Vec::new();
    cx.each_stripe(&mut |view, stripe| {
        let is_meant = |slot: &Slot| mine.contains(*slot) && wanted.contains(*slot);
        let slots = View::slots_of(stripe).filter(is_meant);
        found.extend(slots.map(|slot| (slot, view.slot_len(0, slot))));
        true
    });
    found.sort_unstable_by_key(|&(slot, keys)| match order {
        Order::Slot => (0, slot),
        Order::Fewest => (keys as i64, slot),
        Order::Most => (-(keys as i64), slot),
    });
    found.truncate(limit);
    cx.reply.array(found.len());
    for (slot, keys) in found {
        cx.reply.array(2);
        cx.reply.integer(i64::from(slot.number()));
        cx.reply.map(1);
        cx.reply.bulk(b"key-count");
        cx.reply.integer(keys as i64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cluster::fixture;

    #[test]
    fn the_keys_of_a_slot_are_counted_and_listed_up_to_a_number() {
        let mut bench = fixture::bench(1);
        for number in 0..100 {
            bench.expect(&[(&format!("SET {{b}}{number} 1"), "+OK")]);
        }
        bench.expect(&[
            ("SET bar 1", "+OK"),
            ("CLUSTER COUNTKEYSINSLOT 3300", ":100"),
            ("CLUSTER COUNTKEYSINSLOT 0", ":0"),
            ("CLUSTER GETKEYSINSLOT 0 5", "*0"),
            ("CLUSTER GETKEYSINSLOT 3300 0", "*0"),
            ("MULTI", "+OK"),
            ("CLUSTER COUNTKEYSINSLOT 3300", "+QUEUED"),
            ("GET bar", "+QUEUED"),
            ("EXEC", "*2 :100 $1 1"),
        ]);
        for count in [1, 7, 100, 1000] {
            let reply = bench.ask(&format!("CLUSTER GETKEYSINSLOT 3300 {count}"));
            let mut keys: Vec<&str> =
                reply.split(' ').filter(|word| word.contains("{b}")).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), count.min(100), "{reply}");
            assert!(reply.starts_with(&format!("*{} $", keys.len())), "{reply}");
        }
        let range = "-ERR Invalid slot or number of keys";
        bench.expect(&[
            ("CLUSTER COUNTKEYSINSLOT 16384", "-ERR Invalid slot"),
            ("CLUSTER COUNTKEYSINSLOT x", "-ERR value is not an integer or out of range"),
            ("CLUSTER GETKEYSINSLOT 1 -1", range),
            ("CLUSTER GETKEYSINSLOT 16384 1", range),
            ("CLUSTER GETKEYSINSLOT 1 x", "-ERR value is not an integer or out of range"),
        ]);
    }

    #[test]
    fn figures_of_slots_are_those_of_the_nodes_own_slots_in_the_order_asked_for() {
        let mut bench = fixture::bench(1);
        bench.expect(&[("MSET {b}1 1 {b}2 2", "+OK"), ("SET hello 3", "+OK")]);
        let most = "*2 *2 :3300 *2 $9 key-count :2 *2 :866 *2 $9 key-count :1";
        let twice = "-ERR Multiple filters of the same type are disallowed.";
        let limit = "-ERR Limit has to lie in between 1 and 16384 (maximum number of slots).";
        let usage = "-ERR unknown subcommand or wrong number of arguments for 'SLOT-STATS'. \
                     Try CLUSTER HELP.";
        bench.expect(&[
            ("CLUSTER SLOT-STATS ORDERBY key-count LIMIT 2", most),
            ("CLUSTER SLOT-STATS ORDERBY key-count ASC LIMIT 1", "*1 *2 :0 *2 $9 key-count :0"),
            ("CLUSTER SLOT-STATS SLOTSRANGE 866 866", "*1 *2 :866 *2 $9 key-count :1"),
            ("CLUSTER SLOT-STATS SLOTSRANGE 6000 7000", "*0"),
            (
                "CLUSTER SLOT-STATS SLOTSRANGE 2 1",
                "-ERR Start slot number 2 is greater than end slot number 1",
            ),
            ("CLUSTER SLOT-STATS ORDERBY key-count ASC DESC", twice),
            ("CLUSTER SLOT-STATS ORDERBY key-count LIMIT 1 LIMIT 2", twice),
            ("CLUSTER SLOT-STATS ORDERBY key-count LIMIT 0", limit),
            ("CLUSTER SLOT-STATS ORDERBY key-count FOO", "-ERR syntax error"),
            ("CLUSTER SLOT-STATS ORDERBY size", "-ERR Unrecognized sort metric for ORDERBY."),
            ("CLUSTER SLOT-STATS SLOTSRANGE 1", usage),
        ]);
    }
}
