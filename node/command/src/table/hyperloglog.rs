//! Rows of the HyperLogLog family.

use crate::hyperloglog::commands;
use crate::row::ArgumentKind::String;
use crate::row::{Argument, Categories, Flags, Group, KeySpec, Row};

const KEY: Argument = Argument::key();

const COMMON: Row = Row {
    arity: -2,
    categories: Categories::HYPERLOGLOG,
    group: Group::HyperLogLog,
    since: "2.8.9",
    ..Row::BASE
};

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "pfadd",
        flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
        keys: &[KeySpec::first(&["RW", "insert"])],
        summary: "Adds elements to a count of different ones.",
        complexity: "O(1) for each element",
        arguments: &[KEY, Argument::new("element", String).optional().multiple()],
        run: commands::pfadd,
        ..COMMON
    },
    Row {
        name: "pfcount",
        flags: Flags::READONLY,
        keys: &[KeySpec::range(&["RW", "access"], 1, -1, 1)
            .noting("A node on its own keeps the estimate of a single key with it.")],
        summary: "Estimates how many different elements were added, to one key or to any of many.",
        complexity: "O(1) for one key, O(N) with N being the number of keys",
        arguments: &[KEY.multiple()],
        run: commands::pfcount,
        ..COMMON
    },
    Row {
        name: "pfmerge",
        flags: Flags::WRITE.and(Flags::DENYOOM),
        keys: &[
            KeySpec::range(&["RW", "access", "insert"], 1, 0, 1),
            KeySpec::range(&["RO", "access"], 2, -1, 1),
        ],
        summary: "Merges counts of different elements into one.",
        complexity: "O(N) with N being the number of keys",
        arguments: &[
            Argument { name: "destkey", ..KEY },
            Argument { name: "sourcekey", key_spec_index: Some(1), ..KEY }.optional().multiple(),
        ],
        run: commands::pfmerge,
        ..COMMON
    },
];
