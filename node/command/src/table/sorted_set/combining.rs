//! Rows of commands that combine sorted sets.

use super::{COMMON, Flags, Integer, KEY, Key, STORE, counted};
use crate::row::{Argument, KeySpec, Row};
use crate::sorted_set::combine;

const NUMKEYS: Argument = Argument::new("numkeys", Integer);
const KEYS: Argument = KEY.multiple();
const DESTINATION: Argument =
    Argument { key_spec_index: Some(0), ..Argument::new("destination", Key) };
const SOURCES: Argument = Argument { key_spec_index: Some(1), ..KEYS };
const WEIGHTS: Argument = Argument::new("weight", Integer).behind("WEIGHTS").optional().multiple();
const AGGREGATE: Argument = Argument::one_of(
    "aggregate",
    &[Argument::word("sum", "SUM"), Argument::word("min", "MIN"), Argument::word("max", "MAX")],
)
.behind("AGGREGATE")
.optional();
const WITH_SCORES: Argument = Argument::word("withscores", "WITHSCORES").optional();

const UNION_COST: &str = "O(N)+O(M*log(M)) with N being the number of members of all sets, M of the \
                          result's";
const INTERSECTION_COST: &str = "O(N*K)+O(M*log(M)) with N being the number of members of the \
                                 smallest of K sets, M of the result's";
const DIFFERENCE_COST: &str = "O(L+N*K)+O(M*log(M)) with L being the number of members of all K \
                               sets, N of the first one's, M of the result's";

/// Rows of commands that reply with the result.
const REPLY: Row = Row {
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    keys: &[counted(&["RO", "access"], 1)],
    since: "6.2.0",
    arguments: &[NUMKEYS, KEYS, WEIGHTS, AGGREGATE, WITH_SCORES],
    ..COMMON
};

/// Rows of commands that store the result.
const STORING: Row = Row {
    arity: -4,
    flags: STORE.and(Flags::MOVABLE_KEYS),
    keys: &[KeySpec::first(&["OW", "update"]), counted(&["RO", "access"], 2)],
    since: "2.0.0",
    arguments: &[DESTINATION, NUMKEYS, SOURCES, WEIGHTS, AGGREGATE],
    ..COMMON
};

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "zunion",
        summary: "Tells the members that are in any of some sorted sets.",
        complexity: UNION_COST,
        run: combine::zunion,
        ..REPLY
    },
    Row {
        name: "zinter",
        summary: "Tells the members that are in all of some sorted sets.",
        complexity: INTERSECTION_COST,
        run: combine::zinter,
        ..REPLY
    },
    Row {
        name: "zdiff",
        summary: "Tells the members that are in the first of some sorted sets only.",
        complexity: DIFFERENCE_COST,
        arguments: &[NUMKEYS, KEYS, WITH_SCORES],
        run: combine::zdiff,
        ..REPLY
    },
    Row {
        name: "zintercard",
        since: "7.0.0",
        summary: "Tells how many members are in all of some sorted sets.",
        complexity: INTERSECTION_COST,
        arguments: &[NUMKEYS, KEYS, Argument::new("limit", Integer).behind("LIMIT").optional()],
        run: combine::zintercard,
        ..REPLY
    },
    Row {
        name: "zunionstore",
        summary: "Makes a key the sorted set of the members that are in any of some others.",
        complexity: UNION_COST,
        run: combine::zunionstore,
        ..STORING
    },
    Row {
        name: "zinterstore",
        summary: "Makes a key the sorted set of the members that are in all of some others.",
        complexity: INTERSECTION_COST,
        run: combine::zinterstore,
        ..STORING
    },
    Row {
        name: "zdiffstore",
        since: "6.2.0",
        summary: "Makes a key the sorted set of the members that are in the first of some others only.",
        complexity: DIFFERENCE_COST,
        arguments: &[DESTINATION, NUMKEYS, SOURCES],
        run: combine::zdiffstore,
        ..STORING
    },
];
