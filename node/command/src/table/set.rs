//! Rows of the set family.

use crate::row::ArgumentKind::{Integer, Key, Pattern, String};
use crate::row::{Argument, Categories, Flags, Group, KeyBegin, KeyFind, KeySpec, Row};
use crate::set::{change, combine, get, pick};

const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const STORE: Flags = Flags::WRITE.and(Flags::DENYOOM);

const KEY: Argument = Argument::key();
const MEMBER: Argument = Argument::new("member", String);
const COUNT: Argument = Argument::new("count", Integer);
const DESTINATION: Argument =
    Argument { key_spec_index: Some(0), ..Argument::new("destination", Key) };
const SOURCES: Argument = Argument { key_spec_index: Some(1), ..KEY.multiple() };
const READ_KEY: &[KeySpec] = &[KeySpec::first(&["RO", "access"])];
const LOOK_AT_KEY: &[KeySpec] = &[KeySpec::first(&["RO"])];

const COMMON: Row = Row { categories: Categories::SET, group: Group::Set, ..Row::BASE };

/// Rows of commands that reply with what several sets make.
const COMBINE: Row = Row {
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::range(&["RO", "access"], 1, -1, 1)],
    complexity: "O(N) with N being the number of members of all sets",
    arguments: &[KEY.multiple()],
    tips: &["nondeterministic_output_order"],
    ..COMMON
};

/// Rows of commands that store what several sets make.
const COMBINE_AND_STORE: Row = Row {
    arity: -3,
    flags: STORE,
    keys: &[
        KeySpec::range(&["OW", "update"], 1, 0, 1),
        KeySpec::range(&["RO", "access"], 2, -1, 1),
    ],
    arguments: &[DESTINATION, SOURCES],
    tips: &[],
    ..COMBINE
};

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "sadd",
        arity: -3,
        flags: STORE.and(Flags::FAST),
        keys: &[KeySpec::first(&["RW", "insert"])],
        summary: "Adds members to a set, and tells how many are new.",
        complexity: "O(N) with N being the number of members given",
        history: &[("2.4.0", "Takes several members.")],
        arguments: &[KEY, MEMBER.multiple()],
        run: change::sadd,
        ..COMMON
    },
    Row {
        name: "srem",
        arity: -3,
        flags: WRITE_FAST,
        keys: &[KeySpec::first(&["RW", "delete"])],
        summary: "Removes members of a set, and the key with the last one.",
        complexity: "O(N) with N being the number of members given",
        history: &[("2.4.0", "Takes several members.")],
        arguments: &[KEY, MEMBER.multiple()],
        run: change::srem,
        ..COMMON
    },
    Row {
        name: "smove",
        arity: 4,
        flags: WRITE_FAST,
        keys: &[
            KeySpec::range(&["RW", "access", "delete"], 1, 0, 1),
            KeySpec::range(&["RW", "insert"], 2, 0, 1),
        ],
        summary: "Moves a member from one set to another.",
        arguments: &[
            Argument { key_spec_index: Some(0), ..Argument::new("source", Key) },
            Argument { key_spec_index: Some(1), ..Argument::new("destination", Key) },
            MEMBER,
        ],
        run: change::smove,
        ..COMMON
    },
    Row {
        name: "sismember",
        arity: 3,
        flags: READ_FAST,
        keys: LOOK_AT_KEY,
        summary: "Tells whether a set has a member.",
        arguments: &[KEY, MEMBER],
        run: get::sismember,
        ..COMMON
    },
    Row {
        name: "smismember",
        arity: -3,
        flags: READ_FAST,
        keys: READ_KEY,
        since: "6.2.0",
        summary: "Tells which of some members a set has.",
        complexity: "O(N) with N being the number of members given",
        arguments: &[KEY, MEMBER.multiple()],
        run: get::smismember,
        ..COMMON
    },
    Row {
        name: "scard",
        arity: 2,
        flags: READ_FAST,
        keys: LOOK_AT_KEY,
        summary: "Tells how many members a set has.",
        arguments: &[KEY],
        run: get::scard,
        ..COMMON
    },
    Row {
        name: "smembers",
        arity: 2,
        flags: Flags::READONLY,
        keys: READ_KEY,
        summary: "Tells all members of a set.",
        complexity: "O(N) with N being the number of members",
        arguments: &[KEY],
        tips: &["nondeterministic_output_order"],
        run: get::smembers,
        ..COMMON
    },
    Row {
        name: "spop",
        arity: -2,
        flags: WRITE_FAST,
        keys: &[KeySpec::first(&["RW", "access", "delete"])],
        summary: "Takes members out of a set at random.",
        complexity: "O(N) with N being the number of members taken",
        history: &[("3.2.0", "Takes a count.")],
        arguments: &[KEY, COUNT.optional().since("3.2.0")],
        tips: &["nondeterministic_output"],
        run: pick::spop,
        ..COMMON
    },
    Row {
        name: "srandmember",
        arity: -2,
        flags: Flags::READONLY,
        keys: READ_KEY,
        summary: "Picks members of a set at random.",
        complexity: "O(N) with N being the number of members picked",
        history: &[("2.6.0", "Takes a count.")],
        arguments: &[KEY, COUNT.optional().since("2.6.0")],
        tips: &["nondeterministic_output"],
        run: pick::srandmember,
        ..COMMON
    },
    Row {
        name: "sinter",
        summary: "Tells the members that all of some sets have.",
        complexity: "O(N*M) with N being the members of the smallest set and M the number of sets",
        run: combine::sinter,
        ..COMBINE
    },
    Row {
        name: "sintercard",
        arity: -3,
        flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
        keys: &[KeySpec {
            flags: &["RO", "access"],
            begin: KeyBegin::Index(1),
            find: KeyFind::Count { count_at: 0, first: 1, step: 1 },
            notes: "",
        }],
        since: "7.0.0",
        summary: "Tells how many members all of some sets have.",
        complexity: "O(N*M) with N being the members of the smallest set and M the number of sets",
        arguments: &[
            Argument::new("numkeys", Integer),
            KEY.multiple(),
            Argument::new("limit", Integer).behind("LIMIT").optional(),
        ],
        run: combine::sintercard,
        ..COMMON
    },
    Row {
        name: "sinterstore",
        summary: "Stores the members that all of some sets have.",
        complexity: "O(N*M) with N being the members of the smallest set and M the number of sets",
        run: combine::sinterstore,
        ..COMBINE_AND_STORE
    },
    Row {
        name: "sunion",
        summary: "Tells the members that any of some sets has.",
        run: combine::sunion,
        ..COMBINE
    },
    Row {
        name: "sunionstore",
        summary: "Stores the members that any of some sets has.",
        run: combine::sunionstore,
        ..COMBINE_AND_STORE
    },
    Row {
        name: "sdiff",
        summary: "Tells the members of a set that some others do not have.",
        run: combine::sdiff,
        ..COMBINE
    },
    Row {
        name: "sdiffstore",
        summary: "Stores the members of a set that some others do not have.",
        run: combine::sdiffstore,
        ..COMBINE_AND_STORE
    },
    Row {
        name: "sscan",
        arity: -3,
        flags: Flags::READONLY,
        keys: READ_KEY,
        since: "2.8.0",
        summary: "Walks over the members of a set in small steps.",
        complexity: "O(1) a step, O(N) for all N members",
        arguments: &[
            KEY,
            Argument::new("cursor", Integer),
            Argument::new("pattern", Pattern).behind("MATCH").optional(),
            COUNT.behind("COUNT").optional(),
        ],
        tips: &["nondeterministic_output"],
        run: get::sscan,
        ..COMMON
    },
];
