//! Rows of the string family.

use crate::row::ArgumentKind::{Double, Integer, String, UnixTime};
use crate::row::{Argument, Categories, Flags, Group, KeyBegin, KeyFind, KeySpec, Row};
use crate::string::{compare, counter, get, lcs, many, range, set};

const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const STORE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const STORE_FAST: Flags = STORE.and(Flags::FAST);
const STORE_QUICK: Flags = STORE.and(Flags::QUICK);

const KEY: Argument = Argument::key();
const VALUE: Argument = Argument::new("value", String);
const KEY_AND_VALUE: &[Argument] = &[KEY, VALUE];
const PAIRS: Argument = Argument::block("data", KEY_AND_VALUE).multiple();
const READ_KEY: &[KeySpec] = &[KeySpec::first(&["RO", "access"])];
const CHANGE_KEY: &[KeySpec] = &[KeySpec::first(&["RW", "access", "update"])];
const OVERWRITE_KEY: &[KeySpec] = &[KeySpec::first(&["OW", "update"])];

const SECONDS: Argument = Argument::new("seconds", Integer).behind("EX");
const MILLISECONDS: Argument = Argument::new("milliseconds", Integer).behind("PX");
const UNIX_SECONDS: Argument = Argument::new("unix-time-seconds", UnixTime).behind("EXAT");
const UNIX_MILLISECONDS: Argument =
    Argument::new("unix-time-milliseconds", UnixTime).behind("PXAT");
const KEEP_TTL: Argument = Argument::word("keepttl", "KEEPTTL");

const COMMON: Row = Row { categories: Categories::STRING, group: Group::String, ..Row::BASE };

/// Rows of commands that add to a number.
const COUNTER: Row = Row { arity: 3, flags: STORE_FAST, keys: CHANGE_KEY, ..COMMON };

/// Rows of commands that tell a part of a string.
const GET_RANGE: Row = Row {
    arity: 4,
    flags: Flags::READONLY,
    keys: READ_KEY,
    complexity: "O(N) with N being the length of what is told, at most",
    arguments: &[KEY, Argument::new("start", Integer), Argument::new("end", Integer)],
    run: range::getrange,
    ..COMMON
};

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "get",
        arity: 2,
        flags: READ_FAST,
        keys: READ_KEY,
        summary: "Tells a key's string.",
        arguments: &[KEY],
        run: get::get,
        ..COMMON
    },
    Row {
        name: "set",
        arity: -3,
        flags: STORE_QUICK,
        keys: &[KeySpec::first(&["RW", "access", "update", "variable_flags"])
            .noting("The key is read when GET or a comparison is given, else overwritten unseen.")],
        summary: "Writes a string to a key, on condition and for a time if asked to.",
        history: &[
            ("2.6.12", "The options EX, PX, NX and XX."),
            ("6.0.0", "The option KEEPTTL."),
            ("6.2.0", "The options GET, EXAT and PXAT."),
            ("7.0.0", "NX and GET together."),
            ("8.1.0", "The option IFEQ, as in Valkey."),
            ("8.4.0", "The options IFNE, IFDEQ and IFDNE."),
        ],
        arguments: &[
            KEY,
            VALUE,
            Argument::one_of(
                "condition",
                &[
                    Argument::word("nx", "NX"),
                    Argument::word("xx", "XX"),
                    Argument::new("ifeq-value", String).behind("IFEQ").since("8.1.0"),
                    Argument::new("ifne-value", String).behind("IFNE").since("8.4.0"),
                    Argument::new("ifdeq-digest", String).behind("IFDEQ").since("8.4.0"),
                    Argument::new("ifdne-digest", String).behind("IFDNE").since("8.4.0"),
                ],
            )
            .optional()
            .since("2.6.12"),
            Argument::word("get", "GET").optional().since("6.2.0"),
            Argument::one_of(
                "expiration",
                &[
                    SECONDS.since("2.6.12"),
                    MILLISECONDS.since("2.6.12"),
                    UNIX_SECONDS.since("6.2.0"),
                    UNIX_MILLISECONDS.since("6.2.0"),
                    KEEP_TTL.since("6.0.0"),
                ],
            )
            .optional(),
        ],
        run: set::set,
        ..COMMON
    },
    Row {
        name: "setnx",
        arity: 3,
        flags: STORE_FAST,
        keys: &[KeySpec::first(&["OW", "insert"])],
        summary: "Writes a string to a key that is not there yet.",
        doc_flags: &["deprecated"],
        deprecated_since: "2.6.12",
        replaced_by: "`SET` with the `NX` argument",
        arguments: KEY_AND_VALUE,
        run: set::setnx,
        ..COMMON
    },
    Row {
        name: "setex",
        arity: 4,
        flags: STORE_QUICK,
        keys: OVERWRITE_KEY,
        since: "2.0.0",
        summary: "Writes a string to a key for some seconds.",
        doc_flags: &["deprecated"],
        deprecated_since: "2.6.12",
        replaced_by: "`SET` with the `EX` argument",
        arguments: &[KEY, Argument::new("seconds", Integer), VALUE],
        run: set::setex,
        ..COMMON
    },
    Row {
        name: "psetex",
        arity: 4,
        flags: STORE_QUICK,
        keys: OVERWRITE_KEY,
        since: "2.6.0",
        summary: "Writes a string to a key for some milliseconds.",
        doc_flags: &["deprecated"],
        deprecated_since: "2.6.12",
        replaced_by: "`SET` with the `PX` argument",
        arguments: &[KEY, Argument::new("milliseconds", Integer), VALUE],
        run: set::psetex,
        ..COMMON
    },
    Row {
        name: "getset",
        arity: 3,
        flags: STORE_FAST,
        keys: CHANGE_KEY,
        summary: "Writes a string to a key and tells the one before.",
        doc_flags: &["deprecated"],
        deprecated_since: "6.2.0",
        replaced_by: "`SET` with the `!GET` argument",
        arguments: KEY_AND_VALUE,
        run: get::getset,
        ..COMMON
    },
    Row {
        name: "getdel",
        arity: 2,
        flags: WRITE_FAST,
        keys: &[KeySpec::first(&["RW", "access", "delete"])],
        since: "6.2.0",
        summary: "Removes a key and tells its string.",
        arguments: &[KEY],
        run: get::getdel,
        ..COMMON
    },
    Row {
        name: "getex",
        arity: -2,
        flags: WRITE_FAST,
        keys: &[KeySpec::first(&["RW", "access", "update"])
            .noting("Written to as well, because its expiry may change.")],
        since: "6.2.0",
        summary: "Tells a key's string and sets or removes its expiry.",
        arguments: &[
            KEY,
            Argument::one_of(
                "expiration",
                &[
                    SECONDS,
                    MILLISECONDS,
                    UNIX_SECONDS,
                    UNIX_MILLISECONDS,
                    Argument::word("persist", "PERSIST"),
                ],
            )
            .optional(),
        ],
        run: get::getex,
        ..COMMON
    },
    Row {
        name: "mget",
        arity: -2,
        flags: READ_FAST,
        keys: &[KeySpec::range(&["RO", "access"], 1, -1, 1)],
        summary: "Tells the strings of many keys.",
        complexity: "O(N) with N being the number of keys",
        arguments: &[KEY.multiple()],
        tips: &["request_policy:multi_shard"],
        run: many::mget,
        ..COMMON
    },
    Row {
        name: "mset",
        arity: -3,
        flags: STORE,
        keys: &[KeySpec::range(&["OW", "update"], 1, -1, 2)],
        since: "1.0.1",
        summary: "Writes strings to many keys at once.",
        complexity: "O(N) with N being the number of keys",
        arguments: &[PAIRS],
        tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
        run: many::mset,
        ..COMMON
    },
    Row {
        name: "msetnx",
        arity: -3,
        flags: STORE,
        keys: &[KeySpec::range(&["OW", "insert"], 1, -1, 2)],
        since: "1.0.1",
        summary: "Writes strings to many keys at once unless any of them is there.",
        complexity: "O(N) with N being the number of keys",
        arguments: &[PAIRS],
        run: many::msetnx,
        ..COMMON
    },
    Row {
        name: "msetex",
        arity: -4,
        flags: STORE.and(Flags::MOVABLE_KEYS),
        keys: &[KeySpec {
            flags: &["OW", "update"],
            begin: KeyBegin::Index(1),
            find: KeyFind::Count { count_at: 0, first: 1, step: 2 },
            notes: "",
        }],
        since: "8.4.0",
        summary: "Writes strings to many keys at once, on condition and for a time if asked to.",
        complexity: "O(N) with N being the number of keys",
        arguments: &[
            Argument::new("numkeys", Integer),
            PAIRS,
            Argument::one_of(
                "condition",
                &[Argument::word("nx", "NX"), Argument::word("xx", "XX")],
            )
            .optional(),
            Argument::one_of(
                "expiration",
                &[SECONDS, MILLISECONDS, UNIX_SECONDS, UNIX_MILLISECONDS, KEEP_TTL],
            )
            .optional(),
        ],
        tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
        run: many::msetex,
        ..COMMON
    },
    Row {
        name: "incr",
        arity: 2,
        summary: "Adds one to a key's integer.",
        arguments: &[KEY],
        run: counter::incr,
        ..COUNTER
    },
    Row {
        name: "decr",
        arity: 2,
        summary: "Takes one off a key's integer.",
        arguments: &[KEY],
        run: counter::decr,
        ..COUNTER
    },
    Row {
        name: "incrby",
        summary: "Adds to a key's integer.",
        arguments: &[KEY, Argument::new("increment", Integer)],
        run: counter::incrby,
        ..COUNTER
    },
    Row {
        name: "decrby",
        summary: "Takes something off a key's integer.",
        arguments: &[KEY, Argument::new("decrement", Integer)],
        run: counter::decrby,
        ..COUNTER
    },
    Row {
        name: "incrbyfloat",
        since: "2.6.0",
        summary: "Adds to a key's number, fractions and all.",
        arguments: &[KEY, Argument::new("increment", Double)],
        run: counter::incrbyfloat,
        ..COUNTER
    },
    Row {
        name: "append",
        arity: 3,
        flags: STORE_FAST,
        keys: &[KeySpec::first(&["RW", "insert"])],
        since: "2.0.0",
        summary: "Lengthens a key's string, or creates it.",
        complexity: "O(N) with N being the length of what is added, on average",
        arguments: KEY_AND_VALUE,
        run: range::append,
        ..COMMON
    },
    Row {
        name: "strlen",
        arity: 2,
        flags: READ_FAST,
        keys: &[KeySpec::first(&["RO"])],
        since: "2.2.0",
        summary: "Tells the length of a key's string.",
        arguments: &[KEY],
        run: range::strlen,
        ..COMMON
    },
    Row {
        name: "getrange",
        since: "2.4.0",
        summary: "Tells a part of a key's string.",
        ..GET_RANGE
    },
    Row {
        name: "substr",
        summary: "Tells a part of a key's string.",
        doc_flags: &["deprecated"],
        deprecated_since: "2.0.0",
        replaced_by: "`GETRANGE`",
        ..GET_RANGE
    },
    Row {
        name: "setrange",
        arity: 4,
        flags: STORE,
        keys: &[KeySpec::first(&["RW", "update"])],
        since: "2.2.0",
        summary: "Overwrites a part of a key's string, and lengthens it when needed.",
        complexity: "O(N) with N being the length of what is written and of the gap before it",
        arguments: &[KEY, Argument::new("offset", Integer), VALUE],
        run: range::setrange,
        ..COMMON
    },
    Row {
        name: "lcs",
        arity: -3,
        flags: Flags::READONLY,
        keys: &[KeySpec::range(&["RO", "access"], 1, 1, 1)],
        since: "7.0.0",
        summary: "Finds the longest common subsequence of two strings.",
        complexity: "O(N*M) with N and M being the lengths of the strings",
        arguments: &[
            Argument { name: "key1", ..KEY },
            Argument { name: "key2", ..KEY },
            Argument::word("len", "LEN").optional(),
            Argument::word("idx", "IDX").optional(),
            Argument::new("min-match-len", Integer).behind("MINMATCHLEN").optional(),
            Argument::word("withmatchlen", "WITHMATCHLEN").optional(),
        ],
        run: lcs::lcs,
        ..COMMON
    },
    Row {
        name: "delifeq",
        arity: 3,
        flags: WRITE_FAST,
        keys: &[KeySpec::first(&["RM", "delete"])],
        since: "9.0.0",
        summary: "Removes a key that holds a certain string; from Valkey.",
        arguments: KEY_AND_VALUE,
        run: compare::delifeq,
        ..COMMON
    },
    Row {
        name: "delex",
        arity: -2,
        flags: WRITE_FAST,
        keys: &[KeySpec::first(&["RW", "delete"])],
        since: "8.4.0",
        summary: "Removes a key, if asked to only when its string compares in a certain way.",
        complexity: "O(N) with N being the length of the string for digests, O(1) else",
        arguments: &[
            KEY,
            Argument::one_of(
                "condition",
                &[
                    Argument::new("ifeq-value", String).behind("IFEQ"),
                    Argument::new("ifne-value", String).behind("IFNE"),
                    Argument::new("ifdeq-digest", String).behind("IFDEQ"),
                    Argument::new("ifdne-digest", String).behind("IFDNE"),
                ],
            )
            .optional(),
        ],
        run: compare::delex,
        ..COMMON
    },
    Row {
        name: "digest",
        arity: 2,
        flags: READ_FAST,
        keys: READ_KEY,
        since: "8.4.0",
        summary: "Tells the digest of a key's string, to compare it by.",
        complexity: "O(N) with N being the length of the string",
        arguments: &[KEY],
        run: compare::digest_of,
        ..COMMON
    },
];
