//! Rows of the list family.

use crate::list::{change, ends, moving, position, read};
use crate::row::ArgumentKind::{Integer, String};
use crate::row::{Argument, Categories, Flags, Group, KeyBegin, KeyFind, KeySpec, Row};

const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const STORE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const STORE_FAST: Flags = STORE.and(Flags::FAST);

const KEY: Argument = Argument::key();
const ELEMENT: Argument = Argument::new("element", String);
const START: Argument = Argument::new("start", Integer);
const STOP: Argument = Argument::new("stop", Integer);
const READ_KEY: &[KeySpec] = &[KeySpec::first(&["RO", "access"])];
const INSERT_KEY: &[KeySpec] = &[KeySpec::first(&["RW", "insert"])];
const TAKE_KEY: &[KeySpec] = &[KeySpec::first(&["RW", "access", "delete"])];
const DELETE_KEY: &[KeySpec] = &[KeySpec::first(&["RW", "delete"])];

const COMMON: Row =
    Row { categories: Categories::LIST, group: Group::List, since: "1.0.0", ..Row::BASE };

const PUSH: Row = Row {
    arity: -3,
    flags: STORE_FAST,
    keys: INSERT_KEY,
    complexity: "O(N) with N being the number of elements given",
    arguments: &[KEY, ELEMENT.multiple()],
    ..COMMON
};

const POP: Row = Row {
    arity: -2,
    flags: WRITE_FAST,
    keys: TAKE_KEY,
    complexity: "O(N) with N being the number of elements taken",
    history: &[("6.2.0", "The argument count.")],
    arguments: &[KEY, Argument::new("count", Integer).optional().since("6.2.0")],
    ..COMMON
};

const ENDS: &[Argument] = &[Argument::word("left", "LEFT"), Argument::word("right", "RIGHT")];
const MOVE_KEYS: &[KeySpec] =
    &[KeySpec::first(&["RW", "access", "delete"]), KeySpec::range(&["RW", "insert"], 2, 0, 1)];
const SOURCE: Argument = Argument { name: "source", ..Argument::key() };
const DESTINATION: Argument =
    Argument { name: "destination", key_spec_index: Some(1), ..Argument::key() };

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "lpush",
        summary: "Puts elements before a list, one after the other.",
        history: &[("2.4.0", "Takes several elements.")],
        run: ends::lpush,
        ..PUSH
    },
    Row {
        name: "rpush",
        summary: "Puts elements behind a list.",
        history: &[("2.4.0", "Takes several elements.")],
        run: ends::rpush,
        ..PUSH
    },
    Row {
        name: "lpushx",
        since: "2.2.0",
        summary: "Puts elements before a list that is there.",
        history: &[("4.0.0", "Takes several elements.")],
        run: ends::lpushx,
        ..PUSH
    },
    Row {
        name: "rpushx",
        since: "2.2.0",
        summary: "Puts elements behind a list that is there.",
        history: &[("4.0.0", "Takes several elements.")],
        run: ends::rpushx,
        ..PUSH
    },
    Row { name: "lpop", summary: "Takes the first elements of a list.", run: ends::lpop, ..POP },
    Row { name: "rpop", summary: "Takes the last elements of a list.", run: ends::rpop, ..POP },
    Row {
        name: "lmpop",
        arity: -4,
        flags: Flags::WRITE.and(Flags::MOVABLE_KEYS),
        keys: &[KeySpec {
            flags: &["RW", "access", "delete"],
            begin: KeyBegin::Index(1),
            find: KeyFind::Count { count_at: 0, first: 1, step: 1 },
            notes: "",
        }],
        since: "7.0.0",
        summary: "Takes elements of the first of some lists that is there.",
        complexity: "O(N+M) with N being the number of keys and M that of elements taken",
        arguments: &[
            Argument::new("numkeys", Integer),
            Argument::key().multiple(),
            Argument::one_of("where", ENDS),
            Argument::new("count", Integer).behind("COUNT").optional(),
        ],
        run: ends::lmpop,
        ..COMMON
    },
    Row {
        name: "llen",
        arity: 2,
        flags: Flags::READONLY.and(Flags::FAST),
        keys: &[KeySpec::first(&["RO"])],
        summary: "Tells how many elements a list has.",
        arguments: &[KEY],
        run: read::llen,
        ..COMMON
    },
    Row {
        name: "lindex",
        arity: 3,
        flags: Flags::READONLY,
        keys: READ_KEY,
        summary: "Tells an element of a list.",
        complexity: "O(log N) with N being the length of the list",
        arguments: &[KEY, Argument::new("index", Integer)],
        run: read::lindex,
        ..COMMON
    },
    Row {
        name: "lrange",
        arity: 4,
        flags: Flags::READONLY,
        keys: READ_KEY,
        summary: "Tells a range of a list.",
        complexity: "O(log N + M) with N being the length of the list and M that of the range",
        arguments: &[KEY, START, STOP],
        run: read::lrange,
        ..COMMON
    },
    Row {
        name: "lset",
        arity: 4,
        flags: STORE,
        keys: &[KeySpec::first(&["RW", "update"])],
        summary: "Replaces an element of a list.",
        complexity: "O(log N) with N being the length of the list",
        arguments: &[KEY, Argument::new("index", Integer), ELEMENT],
        run: change::lset,
        ..COMMON
    },
    Row {
        name: "linsert",
        arity: 5,
        flags: STORE,
        keys: INSERT_KEY,
        since: "2.2.0",
        summary: "Puts an element beside another one of a list.",
        complexity: "O(N) with N being the length of the list",
        arguments: &[
            KEY,
            Argument::one_of(
                "where",
                &[Argument::word("before", "BEFORE"), Argument::word("after", "AFTER")],
            ),
            Argument::new("pivot", String),
            ELEMENT,
        ],
        run: change::linsert,
        ..COMMON
    },
    Row {
        name: "lrem",
        arity: 4,
        flags: Flags::WRITE,
        keys: DELETE_KEY,
        summary: "Removes elements of a list that are equal to a value.",
        complexity: "O(N) with N being the length of the list",
        arguments: &[KEY, Argument::new("count", Integer), ELEMENT],
        run: change::lrem,
        ..COMMON
    },
    Row {
        name: "ltrim",
        arity: 4,
        flags: Flags::WRITE,
        keys: DELETE_KEY,
        summary: "Removes all elements of a list but a range.",
        complexity: "O(N) with N being the number of elements removed",
        arguments: &[KEY, START, STOP],
        run: change::ltrim,
        ..COMMON
    },
    Row {
        name: "lpos",
        arity: -3,
        flags: Flags::READONLY,
        keys: READ_KEY,
        since: "6.0.6",
        summary: "Tells where in a list a value is.",
        complexity: "O(N) with N being the length of the list",
        arguments: &[
            KEY,
            ELEMENT,
            Argument::new("rank", Integer).behind("RANK").optional(),
            Argument::new("num-matches", Integer).behind("COUNT").optional(),
            Argument::new("len", Integer).behind("MAXLEN").optional(),
        ],
        run: position::lpos,
        ..COMMON
    },
    Row {
        name: "lmove",
        arity: 5,
        flags: STORE,
        keys: MOVE_KEYS,
        since: "6.2.0",
        summary: "Moves an element from an end of a list to an end of another one.",
        arguments: &[
            SOURCE,
            DESTINATION,
            Argument::one_of("wherefrom", ENDS),
            Argument::one_of("whereto", ENDS),
        ],
        run: moving::lmove,
        ..COMMON
    },
    Row {
        name: "rpoplpush",
        arity: 3,
        flags: STORE,
        keys: MOVE_KEYS,
        since: "1.2.0",
        summary: "Moves the last element of a list to the beginning of another one.",
        doc_flags: &["deprecated"],
        deprecated_since: "6.2.0",
        replaced_by: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
        arguments: &[SOURCE, DESTINATION],
        run: moving::rpoplpush,
        ..COMMON
    },
];
