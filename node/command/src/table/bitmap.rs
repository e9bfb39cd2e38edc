//! Rows of the bitmap family.

use crate::bitmap::{bit, combine, field, search};
use crate::row::ArgumentKind::{Integer, String};
use crate::row::{Argument, Categories, Flags, Group, KeySpec, Row};

const READ_FAST: Flags = Flags::READONLY.and(Flags::FAST);
const STORE: Flags = Flags::WRITE.and(Flags::DENYOOM);

const READ_KEY: &[KeySpec] = &[KeySpec::first(&["RO", "access"])];
const KEY: Argument = Argument::key();
const OFFSET: Argument = Argument::new("offset", Integer);
const ENCODING: Argument = Argument::new("encoding", String);
const GET: Argument = Argument::block("get-block", &[ENCODING, OFFSET]).behind("GET");

/// `[end [BYTE | BIT]]`, the unit alone being young.
const END_AND_UNIT: &[Argument] = &[Argument::new("end", Integer), UNIT];
const UNIT: Argument =
    Argument::one_of("unit", &[Argument::word("byte", "BYTE"), Argument::word("bit", "BIT")])
        .optional()
        .since("7.0.0");

const UNITS_SINCE_7: &[(&str, &str)] = &[("7.0.0", "The options BYTE and BIT.")];
const OVERFLOWS: &[Argument] =
    &[Argument::word("wrap", "WRAP"), Argument::word("sat", "SAT"), Argument::word("fail", "FAIL")];

const COMMON: Row =
    Row { categories: Categories::BITMAP, group: Group::Bitmap, since: "2.6.0", ..Row::BASE };

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "setbit",
        arity: 4,
        flags: STORE.and(Flags::QUICK),
        keys: &[KeySpec::first(&["RW", "access", "update"])],
        since: "2.2.0",
        summary: "Sets or clears a bit and tells what it was.",
        arguments: &[KEY, OFFSET, Argument::new("value", Integer)],
        run: bit::setbit,
        ..COMMON
    },
    Row {
        name: "getbit",
        arity: 3,
        flags: READ_FAST,
        keys: READ_KEY,
        since: "2.2.0",
        summary: "Tells a bit.",
        arguments: &[KEY, OFFSET],
        run: bit::getbit,
        ..COMMON
    },
    Row {
        name: "bitcount",
        arity: -2,
        flags: Flags::READONLY,
        keys: READ_KEY,
        summary: "Counts the ones in a bitmap or a part of it.",
        complexity: "O(N) with N being the length of the part in bytes",
        history: UNITS_SINCE_7,
        arguments: &[
            KEY,
            Argument::block(
                "range",
                &[Argument::new("start", Integer), Argument::new("end", Integer), UNIT],
            )
            .optional(),
        ],
        run: search::bitcount,
        ..COMMON
    },
    Row {
        name: "bitpos",
        arity: -3,
        flags: Flags::READONLY,
        keys: READ_KEY,
        since: "2.8.7",
        summary: "Finds the first one or zero in a bitmap or a part of it.",
        complexity: "O(N) with N being the length of the part in bytes",
        history: UNITS_SINCE_7,
        arguments: &[
            KEY,
            Argument::new("bit", Integer),
            Argument::block(
                "range",
                &[
                    Argument::new("start", Integer),
                    Argument::block("end-unit-block", END_AND_UNIT).optional(),
                ],
            )
            .optional(),
        ],
        run: search::bitpos,
        ..COMMON
    },
    Row {
        name: "bitop",
        arity: -4,
        flags: STORE,
        keys: &[
            KeySpec::range(&["OW", "update"], 2, 0, 1),
            KeySpec::range(&["RO", "access"], 3, -1, 1),
        ],
        summary: "Combines bitmaps into another.",
        complexity: "O(N*M) with N being the number of bitmaps and M the length of the longest",
        history: &[("8.2.0", "The operations DIFF, DIFF1, ANDOR and ONE.")],
        arguments: &[
            Argument::one_of(
                "operation",
                &[
                    Argument::word("and", "AND"),
                    Argument::word("or", "OR"),
                    Argument::word("xor", "XOR"),
                    Argument::word("not", "NOT"),
                    Argument::word("diff", "DIFF").since("8.2.0"),
                    Argument::word("diff1", "DIFF1").since("8.2.0"),
                    Argument::word("andor", "ANDOR").since("8.2.0"),
                    Argument::word("one", "ONE").since("8.2.0"),
                ],
            ),
            Argument { name: "destkey", ..KEY },
            Argument { key_spec_index: Some(1), ..KEY }.multiple(),
        ],
        run: combine::bitop,
        ..COMMON
    },
    Row {
        name: "bitfield",
        arity: -2,
        flags: STORE,
        keys: &[KeySpec::first(&["RW", "access", "update", "variable_flags"])
            .noting("The key is only read when there is nothing but GET.")],
        since: "3.2.0",
        summary: "Reads, writes and adds to integers of any width in a bitmap.",
        complexity: "O(1) for each integer",
        arguments: &[
            KEY,
            Argument::one_of("operation", &[GET, Argument::block("write", WRITES)])
                .optional()
                .multiple(),
        ],
        run: field::bitfield,
        ..COMMON
    },
    Row {
        name: "bitfield_ro",
        arity: -2,
        flags: READ_FAST,
        keys: READ_KEY,
        since: "6.0.0",
        summary: "Reads integers of any width in a bitmap.",
        complexity: "O(1) for each integer",
        arguments: &[KEY, Argument { multiple_token: true, ..GET }.optional().multiple()],
        run: field::bitfield_ro,
        ..COMMON
    },
];

const WRITES: &[Argument] = &[
    Argument::one_of("overflow-block", OVERFLOWS).behind("OVERFLOW").optional(),
    Argument::one_of(
        "write-operation",
        &[
            Argument::block("set-block", &[ENCODING, OFFSET, Argument::new("value", Integer)])
                .behind("SET"),
            Argument::block(
                "incrby-block",
                &[ENCODING, OFFSET, Argument::new("increment", Integer)],
            )
            .behind("INCRBY"),
        ],
    ),
];
