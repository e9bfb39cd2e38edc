//! Rows of commands about ranges of a sorted set.

use super::{COMMON, Double, Flags, Integer, KEY, Key, READ_KEY, REMOVE_FROM_KEY, STORE, String};
use crate::row::{Argument, KeySpec, Row};
use crate::sorted_set::{remove, select};

const START: Argument = Argument::new("start", Integer);
const STOP: Argument = Argument::new("stop", Integer);
const MIN_SCORE: Argument = Argument::new("min", Double);
const MAX_SCORE: Argument = Argument::new("max", Double);
const MIN_NAME: Argument = Argument::new("min", String);
const MAX_NAME: Argument = Argument::new("max", String);
const WITH_SCORES: Argument = Argument::word("withscores", "WITHSCORES").optional();
const SORT_BY: Argument = Argument::one_of(
    "sortby",
    &[Argument::word("byscore", "BYSCORE"), Argument::word("bylex", "BYLEX")],
)
.optional();
const REVERSED: Argument = Argument::word("rev", "REV").optional();
const LIMIT: Argument =
    Argument::block("limit", &[Argument::new("offset", Integer), Argument::new("count", Integer)])
        .behind("LIMIT")
        .optional();

/// Rows of commands that read a range.
const READ: Row = Row {
    arity: -4,
    flags: Flags::READONLY,
    keys: READ_KEY,
    complexity: "O(log(N)+M) with N being the number of members, M of those told",
    ..COMMON
};

/// Rows of commands that remove a range.
const REMOVE: Row = Row {
    arity: 4,
    flags: Flags::WRITE,
    keys: REMOVE_FROM_KEY,
    complexity: "O(log(N)*M) with N being the number of members, M of those removed",
    ..COMMON
};

/// Rows of commands for which ZRANGE is there now.
const OLD: Row = Row { doc_flags: &["deprecated"], deprecated_since: "6.2.0", ..READ };

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "zrange",
        since: "1.2.0",
        summary: "Tells the members of a sorted set within a range of ranks, scores or names.",
        history: &[("6.2.0", "Takes `REV`, `BYSCORE`, `BYLEX` and `LIMIT`.")],
        arguments: &[
            KEY,
            Argument::new("start", String),
            Argument::new("stop", String),
            SORT_BY.since("6.2.0"),
            REVERSED.since("6.2.0"),
            LIMIT.since("6.2.0"),
            WITH_SCORES,
        ],
        run: select::zrange,
        ..READ
    },
    Row {
        name: "zrangestore",
        arity: -5,
        flags: STORE,
        keys: &[KeySpec::first(&["OW", "update"]), KeySpec::range(&["RO", "access"], 2, 0, 1)],
        since: "6.2.0",
        summary: "Makes a key the sorted set of a range of another one.",
        complexity: "O(log(N)+M) with N being the number of members, M of those stored",
        arguments: &[
            Argument { key_spec_index: Some(0), ..Argument::new("dst", Key) },
            Argument { key_spec_index: Some(1), ..Argument::new("src", Key) },
            MIN_NAME,
            MAX_NAME,
            SORT_BY,
            REVERSED,
            LIMIT,
        ],
        run: select::zrangestore,
        ..COMMON
    },
    Row {
        name: "zrevrange",
        since: "1.2.0",
        summary: "Tells the members of a sorted set within a range of ranks, from the highest on.",
        replaced_by: "`ZRANGE` with the `REV` argument",
        arguments: &[KEY, START, STOP, WITH_SCORES],
        run: select::zrevrange,
        ..OLD
    },
    Row {
        name: "zrangebyscore",
        since: "1.0.5",
        summary: "Tells the members of a sorted set within a range of scores.",
        history: &[("2.0.0", "Takes `WITHSCORES`.")],
        replaced_by: "`ZRANGE` with the `BYSCORE` argument",
        arguments: &[KEY, MIN_SCORE, MAX_SCORE, WITH_SCORES.since("2.0.0"), LIMIT],
        run: select::zrangebyscore,
        ..OLD
    },
    Row {
        name: "zrevrangebyscore",
        since: "2.2.0",
        summary: "Tells the members of a sorted set within a range of scores, from the highest on.",
        history: &[("2.1.6", "Takes ends that are not in the range.")],
        replaced_by: "`ZRANGE` with the `REV` and `BYSCORE` arguments",
        arguments: &[KEY, MAX_SCORE, MIN_SCORE, WITH_SCORES, LIMIT],
        run: select::zrevrangebyscore,
        ..OLD
    },
    Row {
        name: "zrangebylex",
        since: "2.8.9",
        summary: "Tells the members of a sorted set within a range of names.",
        replaced_by: "`ZRANGE` with the `BYLEX` argument",
        arguments: &[KEY, MIN_NAME, MAX_NAME, LIMIT],
        run: select::zrangebylex,
        ..OLD
    },
    Row {
        name: "zrevrangebylex",
        since: "2.8.9",
        summary: "Tells the members of a sorted set within a range of names, from the last on.",
        replaced_by: "`ZRANGE` with the `REV` and `BYLEX` arguments",
        arguments: &[KEY, MAX_NAME, MIN_NAME, LIMIT],
        run: select::zrevrangebylex,
        ..OLD
    },
    Row {
        name: "zremrangebyrank",
        since: "2.0.0",
        summary: "Removes the members of a sorted set within a range of ranks.",
        arguments: &[KEY, START, STOP],
        run: remove::zremrangebyrank,
        ..REMOVE
    },
    Row {
        name: "zremrangebyscore",
        since: "1.2.0",
        summary: "Removes the members of a sorted set within a range of scores.",
        arguments: &[KEY, MIN_SCORE, MAX_SCORE],
        run: remove::zremrangebyscore,
        ..REMOVE
    },
    Row {
        name: "zremrangebylex",
        since: "2.8.9",
        summary: "Removes the members of a sorted set within a range of names.",
        arguments: &[KEY, MIN_NAME, MAX_NAME],
        run: remove::zremrangebylex,
        ..REMOVE
    },
];
