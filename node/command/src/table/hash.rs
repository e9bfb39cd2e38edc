//! Rows of the hash family.

use crate::hash::{counter, get, pick, set};
use crate::row::ArgumentKind::{Double, Integer, Pattern, String};
use crate::row::{Argument, Categories, Flags, Group, KeySpec, Row};

const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const STORE_FAST: Flags = Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST);

const KEY: Argument = Argument::key();
const FIELD: Argument = Argument::new("field", String);
const VALUE: Argument = Argument::new("value", String);
const PAIRS: Argument = Argument::block("data", &[FIELD, VALUE]).multiple();
const READ_KEY: &[KeySpec] = &[KeySpec::first(&["RO", "access"])];
const LOOK_AT_KEY: &[KeySpec] = &[KeySpec::first(&["RO"])];
const CHANGE_KEY: &[KeySpec] = &[KeySpec::first(&["RW", "access", "update"])];
const UPDATE_KEY: &[KeySpec] = &[KeySpec::first(&["RW", "update"])];

const COMMON: Row =
    Row { categories: Categories::HASH, group: Group::Hash, since: "2.0.0", ..Row::BASE };

/// Rows of commands that tell all of a hash.
const WHOLE: Row = Row {
    arity: 2,
    flags: Flags::READONLY,
    keys: READ_KEY,
    complexity: "O(N) with N being the number of fields",
    arguments: &[KEY],
    tips: &["nondeterministic_output_order"],
    ..COMMON
};

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "hset",
        arity: -4,
        flags: STORE_FAST,
        keys: UPDATE_KEY,
        summary: "Gives fields of a hash their values, and tells how many fields are new.",
        complexity: "O(N) with N being the number of fields given",
        history: &[("4.0.0", "Takes several fields.")],
        arguments: &[KEY, PAIRS],
        run: set::hset,
        ..COMMON
    },
    Row {
        name: "hmset",
        arity: -4,
        flags: STORE_FAST,
        keys: UPDATE_KEY,
        summary: "Gives fields of a hash their values.",
        complexity: "O(N) with N being the number of fields given",
        doc_flags: &["deprecated"],
        deprecated_since: "4.0.0",
        replaced_by: "`HSET` with multiple field-value pairs",
        arguments: &[KEY, PAIRS],
        run: set::hmset,
        ..COMMON
    },
    Row {
        name: "hsetnx",
        arity: 4,
        flags: STORE_FAST,
        keys: &[KeySpec::first(&["RW", "insert"])],
        summary: "Gives a field of a hash a value if it has none yet.",
        arguments: &[KEY, FIELD, VALUE],
        run: set::hsetnx,
        ..COMMON
    },
    Row {
        name: "hdel",
        arity: -3,
        flags: WRITE_FAST,
        keys: &[KeySpec::first(&["RW", "delete"])],
        summary: "Removes fields of a hash, and the key with the last one.",
        complexity: "O(N) with N being the number of fields given",
        history: &[("2.4.0", "Takes several fields.")],
        arguments: &[KEY, FIELD.multiple()],
        run: set::hdel,
        ..COMMON
    },
    Row {
        name: "hget",
        arity: 3,
        flags: READ_FAST,
        keys: READ_KEY,
        summary: "Tells the value of a field of a hash.",
        arguments: &[KEY, FIELD],
        run: get::hget,
        ..COMMON
    },
    Row {
        name: "hmget",
        arity: -3,
        flags: READ_FAST,
        keys: READ_KEY,
        summary: "Tells the values of fields of a hash.",
        complexity: "O(N) with N being the number of fields given",
        arguments: &[KEY, FIELD.multiple()],
        run: get::hmget,
        ..COMMON
    },
    Row {
        name: "hgetall",
        summary: "Tells all fields of a hash and their values.",
        run: get::hgetall,
        ..WHOLE
    },
    Row { name: "hkeys", summary: "Tells all fields of a hash.", run: get::hkeys, ..WHOLE },
    Row { name: "hvals", summary: "Tells all values of a hash.", run: get::hvals, ..WHOLE },
    Row {
        name: "hlen",
        arity: 2,
        flags: READ_FAST,
        keys: LOOK_AT_KEY,
        summary: "Tells how many fields a hash has.",
        arguments: &[KEY],
        run: get::hlen,
        ..COMMON
    },
    Row {
        name: "hexists",
        arity: 3,
        flags: READ_FAST,
        keys: LOOK_AT_KEY,
        summary: "Tells whether a hash has a field.",
        arguments: &[KEY, FIELD],
        run: get::hexists,
        ..COMMON
    },
    Row {
        name: "hstrlen",
        arity: 3,
        flags: READ_FAST,
        keys: LOOK_AT_KEY,
        since: "3.2.0",
        summary: "Tells the length of a field's value.",
        arguments: &[KEY, FIELD],
        run: get::hstrlen,
        ..COMMON
    },
    Row {
        name: "hincrby",
        arity: 4,
        flags: STORE_FAST,
        keys: CHANGE_KEY,
        summary: "Adds to the whole number in a field of a hash.",
        arguments: &[KEY, FIELD, Argument::new("increment", Integer)],
        run: counter::hincrby,
        ..COMMON
    },
    Row {
        name: "hincrbyfloat",
        arity: 4,
        flags: STORE_FAST,
        keys: CHANGE_KEY,
        since: "2.6.0",
        summary: "Adds to the number in a field of a hash.",
        arguments: &[KEY, FIELD, Argument::new("increment", Double)],
        run: counter::hincrbyfloat,
        ..COMMON
    },
    Row {
        name: "hrandfield",
        arity: -2,
        flags: Flags::READONLY,
        keys: READ_KEY,
        since: "6.2.0",
        summary: "Picks fields of a hash at random.",
        complexity: "O(N) with N being the number of fields picked",
        arguments: &[
            KEY,
            Argument::block(
                "options",
                &[
                    Argument::new("count", Integer),
                    Argument::word("withvalues", "WITHVALUES").optional(),
                ],
            )
            .optional(),
        ],
        tips: &["nondeterministic_output"],
        run: pick::hrandfield,
        ..COMMON
    },
    Row {
        name: "hscan",
        arity: -3,
        flags: Flags::READONLY,
        keys: READ_KEY,
        since: "2.8.0",
        summary: "Walks over the fields of a hash in small steps.",
        complexity: "O(1) a step, O(N) for all N fields",
        arguments: &[
            KEY,
            Argument::new("cursor", Integer),
            Argument::new("pattern", Pattern).behind("MATCH").optional(),
            Argument::new("count", Integer).behind("COUNT").optional(),
            Argument::word("novalues", "NOVALUES").optional(),
        ],
        tips: &["nondeterministic_output"],
        run: get::hscan,
        ..COMMON
    },
];
