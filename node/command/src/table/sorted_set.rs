//! Rows of the sorted set family.

mod combining;
mod range;

use crate::row::ArgumentKind::{Double, Integer, Key, Pattern, String};
use crate::row::{Argument, Categories, Flags, Group, KeyBegin, KeyFind, KeySpec, Row};
use crate::sorted_set::{add, get, pick, pop, remove};

pub(crate) use combining::ROWS as COMBINING_ROWS;
pub(crate) use range::ROWS as RANGE_ROWS;

const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.and(Flags::FAST);
const STORE: Flags = Flags::WRITE.and(Flags::DENYOOM);

const KEY: Argument = Argument::key();
const MEMBER: Argument = Argument::new("member", String);
const COUNT: Argument = Argument::new("count", Integer);
const READ_KEY: &[KeySpec] = &[KeySpec::first(&["RO", "access"])];
const REMOVE_FROM_KEY: &[KeySpec] = &[KeySpec::first(&["RW", "delete"])];
const POP_FROM_KEY: &[&str] = &["RW", "access", "delete"];

const COMMON: Row = Row {
    categories: Categories::SORTEDSET,
    group: Group::SortedSet,
    complexity: "O(log(N)) with N being the number of members",
    ..Row::BASE
};

/// Rows of commands that tell about members.
const LOOK: Row = Row { flags: READ_FAST, keys: READ_KEY, ..COMMON };

/// Rows of commands that pop members of one key.
const POP: Row = Row {
    arity: -2,
    flags: WRITE_FAST,
    keys: &[KeySpec::first(POP_FROM_KEY)],
    since: "5.0.0",
    complexity: "O(log(N)*M) with N being the number of members, M of those popped",
    arguments: &[KEY, COUNT.optional()],
    ..COMMON
};

/// Keys behind an argument that says how many there are.
const fn counted(flags: &'static [&'static str], count_at: u16) -> KeySpec {
    KeySpec {
        flags,
        begin: KeyBegin::Index(count_at),
        find: KeyFind::Count { count_at: 0, first: 1, step: 1 },
        notes: "",
    }
}

/// Rows of commands that tell a member's place.
const RANK: Row = Row {
    arity: -3,
    since: "2.0.0",
    history: &[("7.2.0", "Tells the score as well, with `WITHSCORE`.")],
    arguments: &[KEY, MEMBER, Argument::word("withscore", "WITHSCORE").optional()],
    ..LOOK
};

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "zadd",
        arity: -4,
        flags: STORE.and(Flags::FAST),
        keys: &[KeySpec::first(&["RW", "update"])],
        since: "1.2.0",
        summary: "Gives members of a sorted set their scores, and tells how many members are new.",
        complexity: "O(log(N)) for each member given, with N being the number of members",
        history: &[
            ("2.4.0", "Takes several members."),
            ("3.0.2", "Takes `XX`, `NX`, `CH` and `INCR`."),
            ("6.2.0", "Takes `GT` and `LT`."),
        ],
        arguments: &[
            KEY,
            Argument::one_of(
                "condition",
                &[Argument::word("nx", "NX"), Argument::word("xx", "XX")],
            )
            .optional()
            .since("3.0.2"),
            Argument::one_of(
                "comparison",
                &[Argument::word("gt", "GT"), Argument::word("lt", "LT")],
            )
            .optional()
            .since("6.2.0"),
            Argument::word("change", "CH").optional().since("3.0.2"),
            Argument::word("increment", "INCR").optional().since("3.0.2"),
            Argument::block(
                "data",
                &[Argument::new("score", Double), Argument::new("member", String)],
            )
            .multiple(),
        ],
        run: add::zadd,
        ..COMMON
    },
    Row {
        name: "zincrby",
        arity: 4,
        flags: STORE.and(Flags::FAST),
        keys: &[KeySpec::first(&["RW", "access", "update"])],
        since: "1.2.0",
        summary: "Adds to the score of a member of a sorted set.",
        arguments: &[KEY, Argument::new("increment", Integer), MEMBER],
        run: add::zincrby,
        ..COMMON
    },
    Row {
        name: "zrem",
        arity: -3,
        flags: WRITE_FAST,
        keys: REMOVE_FROM_KEY,
        since: "1.2.0",
        summary: "Removes members of a sorted set, and the key with the last one.",
        complexity: "O(M*log(N)) with N being the number of members, M of those removed",
        history: &[("2.4.0", "Takes several members.")],
        arguments: &[KEY, MEMBER.multiple()],
        run: remove::zrem,
        ..COMMON
    },
    Row {
        name: "zcard",
        arity: 2,
        keys: &[KeySpec::first(&["RO"])],
        since: "1.2.0",
        summary: "Tells how many members a sorted set has.",
        complexity: "O(1)",
        arguments: &[KEY],
        run: get::zcard,
        ..LOOK
    },
    Row {
        name: "zscore",
        arity: 3,
        since: "1.2.0",
        summary: "Tells the score of a member of a sorted set.",
        complexity: "O(1)",
        arguments: &[KEY, MEMBER],
        run: get::zscore,
        ..LOOK
    },
    Row {
        name: "zmscore",
        arity: -3,
        since: "6.2.0",
        summary: "Tells the scores of members of a sorted set.",
        complexity: "O(N) with N being the number of members given",
        arguments: &[KEY, MEMBER.multiple()],
        run: get::zmscore,
        ..LOOK
    },
    Row {
        name: "zrank",
        summary: "Tells how many members of a sorted set come before one.",
        run: get::zrank,
        ..RANK
    },
    Row {
        name: "zrevrank",
        summary: "Tells how many members of a sorted set come behind one.",
        run: get::zrevrank,
        ..RANK
    },
    Row {
        name: "zcount",
        arity: 4,
        since: "2.0.0",
        summary: "Tells how many members of a sorted set have scores within a range.",
        arguments: &[KEY, Argument::new("min", Double), Argument::new("max", Double)],
        run: get::zcount,
        ..LOOK
    },
    Row {
        name: "zlexcount",
        arity: 4,
        since: "2.8.9",
        summary: "Tells how many members of a sorted set are within a range of names.",
        arguments: &[KEY, Argument::new("min", String), Argument::new("max", String)],
        run: get::zlexcount,
        ..LOOK
    },
    Row {
        name: "zpopmin",
        summary: "Takes the members with the lowest scores out of a sorted set.",
        run: pop::zpopmin,
        ..POP
    },
    Row {
        name: "zpopmax",
        summary: "Takes the members with the highest scores out of a sorted set.",
        run: pop::zpopmax,
        ..POP
    },
    Row {
        name: "zmpop",
        arity: -4,
        flags: Flags::WRITE.and(Flags::MOVABLE_KEYS),
        keys: &[counted(POP_FROM_KEY, 1)],
        since: "7.0.0",
        summary: "Takes members out of the first sorted set of some that is there.",
        complexity: "O(K) + O(M*log(N)) for K keys, N members and M that are popped",
        arguments: &[
            Argument::new("numkeys", Integer),
            KEY.multiple(),
            Argument::one_of(
                "where",
                &[Argument::word("min", "MIN"), Argument::word("max", "MAX")],
            ),
            COUNT.behind("COUNT").optional(),
        ],
        run: pop::zmpop,
        ..POP
    },
    Row {
        name: "zrandmember",
        arity: -2,
        flags: Flags::READONLY,
        since: "6.2.0",
        summary: "Picks members of a sorted set at random.",
        complexity: "O(N) with N being the number of members picked",
        arguments: &[
            KEY,
            Argument::block(
                "options",
                &[COUNT, Argument::word("withscores", "WITHSCORES").optional()],
            )
            .optional(),
        ],
        tips: &["nondeterministic_output"],
        run: pick::zrandmember,
        ..LOOK
    },
    Row {
        name: "zscan",
        arity: -3,
        flags: Flags::READONLY,
        since: "2.8.0",
        summary: "Walks over the members of a sorted set in small steps.",
        complexity: "O(1) a step, O(N) for all N members",
        arguments: &[
            KEY,
            Argument::new("cursor", Integer),
            Argument::new("pattern", Pattern).behind("MATCH").optional(),
            COUNT.behind("COUNT").optional(),
        ],
        tips: &["nondeterministic_output"],
        run: get::zscan,
        ..LOOK
    },
];
