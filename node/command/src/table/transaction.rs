//! Rows of the transactions family.

use crate::row::{Argument, Categories, Flags, Group, KeySpec, Row};
use crate::transaction;

const COMMON: Row = Row {
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::ALLOW_BUSY)
        .and(Flags::NOT_QUEUED),
    categories: Categories::TRANSACTION,
    group: Group::Transactions,
    ..Row::BASE
};

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "multi",
        since: "1.2.0",
        summary: "Begins a transaction: the commands that follow are queued.",
        run: transaction::multi,
        ..COMMON
    },
    Row {
        name: "exec",
        flags: Flags::NOSCRIPT
            .and(Flags::LOADING)
            .and(Flags::STALE)
            .and(Flags::SKIP_SLOWLOG)
            .and(Flags::NOT_QUEUED),
        since: "1.2.0",
        summary: "Runs the queued commands as one.",
        complexity: "Depends on the commands in the transaction",
        run: transaction::exec,
        ..COMMON
    },
    Row {
        name: "discard",
        since: "2.0.0",
        summary: "Forgets the queued commands.",
        complexity: "O(N) with N being the number of queued commands",
        run: transaction::discard,
        ..COMMON
    },
    Row {
        name: "watch",
        arity: -2,
        keys: &[KeySpec::range(&["RO"], 1, -1, 1)],
        since: "2.2.0",
        summary: "Makes the next EXEC refuse if any of these keys changes before it.",
        complexity: "O(1) for every key",
        arguments: &[Argument::key().multiple()],
        run: transaction::watch,
        ..COMMON
    },
    Row {
        name: "unwatch",
        flags: Flags::NOSCRIPT
            .and(Flags::LOADING)
            .and(Flags::STALE)
            .and(Flags::FAST)
            .and(Flags::ALLOW_BUSY),
        since: "2.2.0",
        summary: "Forgets all watched keys.",
        run: transaction::unwatch_all,
        ..COMMON
    },
];
