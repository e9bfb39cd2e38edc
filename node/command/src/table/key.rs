//! Rows of the key family.

use crate::key::{database, exists, expire, object, remove, rename, scan};
use crate::row::ArgumentKind::{Integer, Pattern, String, UnixTime};
use crate::row::{Argument, Categories, Flags, Group, KeySpec, Row};

const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const READ_ALL: Flags = Flags::READONLY.and(Flags::ALL_KEYS);
const WRITE_ALL: Flags = Flags::WRITE.and(Flags::ALL_KEYS);
const KEYSPACE_DANGEROUS: Categories = Categories::KEYSPACE.and(Categories::DANGEROUS);

const KEY: &[Argument] = &[Argument::key()];
const KEYS: &[Argument] = &[Argument::key().multiple()];
const KEY_AND_NEW_KEY: &[Argument] =
    &[Argument::key(), Argument { name: "newkey", key_spec_index: Some(1), ..Argument::key() }];
const CONDITION: Argument = Argument::one_of(
    "condition",
    &[
        Argument::word("nx", "NX"),
        Argument::word("xx", "XX"),
        Argument::word("gt", "GT"),
        Argument::word("lt", "LT"),
    ],
)
.optional()
.since("7.0.0");
/// An option of our own.
const IF_EQUAL: Argument = Argument::new("ifeq-value", String).behind("IFEQ").optional();
const FLUSH_TYPE: &[Argument] = &[Argument::one_of(
    "flush-type",
    &[
        Argument::word("async", "ASYNC").since("4.0.0"),
        Argument::word("sync", "SYNC").since("6.2.0"),
    ],
)
.optional()];
const CONDITION_ADDED: &[(&str, &str)] =
    &[("7.0.0", "Takes NX, XX, GT and LT."), ("Skep 0.1.0", "Takes IFEQ, which Redis does not.")];
const MISSING_ADDED: &[(&str, &str)] = &[("2.8.0", "Answers -2 when there is no such key.")];
const FLUSH_HISTORY: &[(&str, &str)] = &[("4.0.0", "Takes ASYNC."), ("6.2.0", "Takes SYNC.")];
const ALL_SHARDS_SUM: &[&str] = &["request_policy:all_shards", "response_policy:agg_sum"];
const MULTI_SHARD_SUM: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];
const ALL_SHARDS_SUCCEED: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];
const NONDETERMINISTIC: &[&str] = &["nondeterministic_output"];

const COMMON: Row = Row { categories: Categories::KEYSPACE, group: Group::Generic, ..Row::BASE };

/// Rows of commands that read one key's expiry.
const TTL: Row = Row {
    arity: 2,
    flags: READ_FAST,
    keys: &[KeySpec::first(&["RO", "access"])],
    arguments: KEY,
    ..COMMON
};

/// Rows of commands that set one key's expiry.
const EXPIRE: Row =
    Row { arity: -3, flags: WRITE_FAST, keys: &[KeySpec::first(&["RW", "update"])], ..COMMON };

/// Rows of OBJECT's subcommands about one key.
const OBJECT: Row = Row {
    arity: 3,
    flags: Flags::READONLY,
    keys: &[KeySpec::range(&["RO"], 2, 0, 1)],
    since: "2.2.3",
    arguments: KEY,
    tips: NONDETERMINISTIC,
    ..COMMON
};

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "del",
        arity: -2,
        flags: Flags::WRITE,
        keys: &[KeySpec::range(&["RM", "delete"], 1, -1, 1)],
        summary: "Removes keys.",
        complexity: "O(N) with N being the number of keys",
        arguments: KEYS,
        tips: MULTI_SHARD_SUM,
        run: remove::del,
        ..COMMON
    },
    Row {
        name: "unlink",
        arity: -2,
        flags: WRITE_FAST,
        keys: &[KeySpec::range(&["RM", "delete"], 1, -1, 1)],
        since: "4.0.0",
        summary: "Removes keys; the same as DEL, which never blocks either.",
        complexity: "O(N) with N being the number of keys",
        arguments: KEYS,
        tips: MULTI_SHARD_SUM,
        run: remove::del,
        ..COMMON
    },
    Row {
        name: "exists",
        arity: -2,
        flags: READ_FAST,
        keys: &[KeySpec::range(&["RO"], 1, -1, 1)],
        summary: "Counts how many of the named keys are there.",
        complexity: "O(N) with N being the number of keys",
        arguments: KEYS,
        tips: MULTI_SHARD_SUM,
        history: &[("3.0.3", "Takes several keys.")],
        run: exists::exists,
        ..COMMON
    },
    Row {
        name: "touch",
        arity: -2,
        flags: READ_FAST,
        keys: &[KeySpec::range(&["RO"], 1, -1, 1)],
        since: "3.2.1",
        summary: "Counts as an access to keys, and tells how many of them are there.",
        complexity: "O(N) with N being the number of keys",
        arguments: KEYS,
        tips: MULTI_SHARD_SUM,
        run: exists::touch,
        ..COMMON
    },
    Row {
        name: "type",
        arity: 2,
        flags: READ_FAST,
        keys: &[KeySpec::first(&["RO"])],
        summary: "Tells what type of value a key holds.",
        arguments: KEY,
        run: exists::type_of,
        ..COMMON
    },
    Row {
        name: "randomkey",
        flags: READ_ALL,
        summary: "Picks a key at random.",
        tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
        run: exists::randomkey,
        ..COMMON
    },
    Row {
        name: "keys",
        arity: 2,
        flags: READ_ALL,
        categories: KEYSPACE_DANGEROUS,
        summary: "Lists all keys that match a pattern.",
        complexity: "O(N) with N being the number of keys in the database",
        arguments: &[Argument::new("pattern", Pattern)],
        tips: &["request_policy:all_shards", "nondeterministic_output_order"],
        run: exists::keys,
        ..COMMON
    },
    Row {
        name: "dbsize",
        flags: READ_ALL.and(Flags::FAST),
        group: Group::Server,
        summary: "Counts the keys of the database.",
        tips: ALL_SHARDS_SUM,
        run: exists::dbsize,
        ..COMMON
    },
    Row {
        name: "rename",
        arity: 3,
        flags: Flags::WRITE,
        keys: &[
            KeySpec::first(&["RW", "access", "delete"]),
            KeySpec::range(&["OW", "update"], 2, 0, 1),
        ],
        summary: "Gives a key another name, replacing a key of that name.",
        arguments: KEY_AND_NEW_KEY,
        run: rename::rename,
        ..COMMON
    },
    Row {
        name: "renamenx",
        arity: 3,
        flags: WRITE_FAST,
        keys: &[
            KeySpec::first(&["RW", "access", "delete"]),
            KeySpec::range(&["OW", "insert"], 2, 0, 1),
        ],
        summary: "Gives a key another name unless that name is taken.",
        arguments: KEY_AND_NEW_KEY,
        history: &[("3.2.0", "Answers 0 instead of an error when both names are the same.")],
        run: rename::renamenx,
        ..COMMON
    },
    Row {
        name: "copy",
        arity: -3,
        flags: Flags::WRITE.and(Flags::DENYOOM),
        keys: &[KeySpec::first(&["RO", "access"]), KeySpec::range(&["OW", "update"], 2, 0, 1)],
        since: "6.2.0",
        summary: "Copies a key's value to another key.",
        complexity: "O(1) for strings",
        arguments: &[
            Argument { name: "source", ..Argument::key() },
            Argument { name: "destination", key_spec_index: Some(1), ..Argument::key() },
            Argument::new("destination-db", Integer).behind("DB").optional(),
            Argument::word("replace", "REPLACE").optional(),
        ],
        run: rename::copy,
        ..COMMON
    },
    Row {
        name: "move",
        arity: 3,
        flags: WRITE_FAST,
        keys: &[KeySpec::first(&["RW", "access", "update"])],
        summary: "Moves a key to another database unless it is there already.",
        arguments: &[Argument::key(), Argument::new("db", Integer)],
        run: rename::move_key,
        ..COMMON
    },
    Row {
        name: "expire",
        summary: "Sets in how many seconds a key expires.",
        arguments: &[Argument::key(), Argument::new("seconds", Integer), CONDITION, IF_EQUAL],
        history: CONDITION_ADDED,
        run: expire::expire,
        ..EXPIRE
    },
    Row {
        name: "pexpire",
        since: "2.6.0",
        summary: "Sets in how many milliseconds a key expires.",
        arguments: &[Argument::key(), Argument::new("milliseconds", Integer), CONDITION, IF_EQUAL],
        history: CONDITION_ADDED,
        run: expire::pexpire,
        ..EXPIRE
    },
    Row {
        name: "expireat",
        since: "1.2.0",
        summary: "Sets the Unix second at which a key expires.",
        arguments: &[
            Argument::key(),
            Argument::new("unix-time-seconds", UnixTime),
            CONDITION,
            IF_EQUAL,
        ],
        history: CONDITION_ADDED,
        run: expire::expireat,
        ..EXPIRE
    },
    Row {
        name: "pexpireat",
        since: "2.6.0",
        summary: "Sets the Unix millisecond at which a key expires.",
        arguments: &[
            Argument::key(),
            Argument::new("unix-time-milliseconds", UnixTime),
            CONDITION,
            IF_EQUAL,
        ],
        history: CONDITION_ADDED,
        run: expire::pexpireat,
        ..EXPIRE
    },
    Row {
        name: "ttl",
        summary: "Tells in how many seconds a key expires.",
        tips: NONDETERMINISTIC,
        history: MISSING_ADDED,
        run: expire::ttl,
        ..TTL
    },
    Row {
        name: "pttl",
        since: "2.6.0",
        summary: "Tells in how many milliseconds a key expires.",
        tips: NONDETERMINISTIC,
        history: MISSING_ADDED,
        run: expire::pttl,
        ..TTL
    },
    Row {
        name: "expiretime",
        since: "7.0.0",
        summary: "Tells the Unix second at which a key expires.",
        run: expire::expiretime,
        ..TTL
    },
    Row {
        name: "pexpiretime",
        since: "7.0.0",
        summary: "Tells the Unix millisecond at which a key expires.",
        run: expire::pexpiretime,
        ..TTL
    },
    Row {
        name: "persist",
        arity: 2,
        since: "2.2.0",
        summary: "Makes a key stay until it is removed.",
        arguments: KEY,
        run: expire::persist,
        ..EXPIRE
    },
    Row {
        name: "scan",
        arity: -2,
        flags: READ_ALL,
        since: "2.8.0",
        summary: "Lists the keys of the database in small steps.",
        complexity: "O(1) for a step, O(N) for all of them with N being the number of keys",
        arguments: &[
            Argument::new("cursor", Integer),
            Argument::new("pattern", Pattern).behind("MATCH").optional(),
            Argument::new("count", Integer).behind("COUNT").optional(),
            Argument::new("type", String).behind("TYPE").optional().since("6.0.0"),
        ],
        tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
        history: &[("6.0.0", "Takes TYPE.")],
        run: scan::scan,
        ..COMMON
    },
    Row {
        name: "object",
        arity: -2,
        categories: Categories::NONE,
        since: "2.2.3",
        summary: "Commands that describe how a value is kept.",
        complexity: "Depends on the subcommand",
        subcommands: OBJECT_ROWS,
        ..COMMON
    },
    Row {
        name: "swapdb",
        arity: 3,
        flags: WRITE_ALL.and(Flags::FAST),
        categories: KEYSPACE_DANGEROUS,
        group: Group::Server,
        since: "4.0.0",
        summary: "Exchanges the contents of two databases.",
        complexity: "O(N) with N being the number of watched keys of both databases",
        arguments: &[Argument::new("index1", Integer), Argument::new("index2", Integer)],
        run: database::swapdb,
        ..COMMON
    },
    Row {
        name: "flushdb",
        arity: -1,
        flags: WRITE_ALL,
        categories: KEYSPACE_DANGEROUS,
        group: Group::Server,
        summary: "Removes all keys of the database.",
        complexity: "O(N) with N being the number of keys in the database",
        arguments: FLUSH_TYPE,
        tips: ALL_SHARDS_SUCCEED,
        history: FLUSH_HISTORY,
        run: database::flushdb,
        ..COMMON
    },
    Row {
        name: "flushall",
        arity: -1,
        flags: WRITE_ALL,
        categories: KEYSPACE_DANGEROUS,
        group: Group::Server,
        summary: "Removes all keys of all databases.",
        complexity: "O(N) with N being the number of keys in all databases",
        arguments: FLUSH_TYPE,
        tips: ALL_SHARDS_SUCCEED,
        history: FLUSH_HISTORY,
        run: database::flushall,
        ..COMMON
    },
];

const OBJECT_ROWS: &[Row] = &[
    Row {
        name: "encoding",
        summary: "Tells in which form a value is kept.",
        run: object::encoding,
        ..OBJECT
    },
    Row {
        name: "freq",
        since: "4.0.0",
        summary: "Tells how often a key has been used lately, on a logarithmic scale.",
        run: object::freq,
        ..OBJECT
    },
    Row {
        name: "idletime",
        summary: "Tells for about how many seconds a key has not been used.",
        run: object::idletime,
        ..OBJECT
    },
    Row {
        name: "refcount",
        summary: "Tells how many references to a value there are.",
        run: object::refcount,
        ..OBJECT
    },
    Row {
        name: "help",
        arity: 2,
        flags: Flags::LOADING.and(Flags::STALE),
        since: "6.2.0",
        summary: "Explains the subcommands.",
        run: object::help,
        ..COMMON
    },
];
