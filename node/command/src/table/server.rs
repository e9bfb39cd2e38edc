//! Rows of the server family.

use crate::introspection::{
    catalogue, config, debug, docs, getkeys, info, latency, lolwut, memory, module, monitor,
    persistence, replication, shutdown, slowlog, time,
};
use crate::row::ArgumentKind::{Integer, Pattern, String};
use crate::row::{Argument, Categories, Flags, Group, KeySpec, Row};

pub(super) const ANY_TIME: Flags = Flags::LOADING.and(Flags::STALE);
pub(super) const ADMIN_ANY_TIME: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(ANY_TIME);
const SLOW_LOG: Flags = Flags::ADMIN.and(ANY_TIME);
const DISK: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING);

pub(super) const ALL_NODES_SUCCEED: &[&str] =
    &["request_policy:all_nodes", "response_policy:all_succeeded"];
const ALL_SHARDS_SUCCEED: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];
const ALL_SHARDS_MIN: &[&str] = &["request_policy:all_shards", "response_policy:agg_min"];
const EACH_NODE: &[&str] =
    &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];
const EACH_SHARD: &[&str] =
    &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];
const NONDETERMINISTIC: &[&str] = &["nondeterministic_output"];
const NONDETERMINISTIC_ORDER: &[&str] = &["nondeterministic_output_order"];
const BY_SUBCOMMAND: &str = "Depends on the subcommand";

const COMMAND_NAMES: &[Argument] = &[Argument::new("command-name", String).optional().multiple()];
pub(super) const FULL_COMMAND: &[Argument] =
    &[Argument::new("command", String), Argument::new("arg", String).optional().multiple()];
const EVENT: &[Argument] = &[Argument::new("event", String)];
const EVENTS: &[Argument] = &[Argument::new("event", String).optional().multiple()];
const PRIMARY: &[Argument] = &[Argument::one_of(
    "args",
    &[
        Argument::block(
            "host-port",
            &[Argument::new("host", String), Argument::new("port", Integer)],
        ),
        Argument::block("no-one", &[Argument::word("no", "NO"), Argument::word("one", "ONE")]),
    ],
)];

pub(super) const COMMON: Row = Row { group: Group::Server, ..Row::BASE };

/// Rows of containers.
const CONTAINER: Row = Row { arity: -2, complexity: BY_SUBCOMMAND, ..COMMON };

/// Rows of HELP subcommands.
pub(super) const HELP: Row =
    Row { name: "help", arity: 2, flags: ANY_TIME, summary: "Explains the subcommands.", ..COMMON };

const CONFIG: Row = Row { flags: ADMIN_ANY_TIME, since: "2.0.0", ..COMMON };
const COMMAND: Row =
    Row { flags: ANY_TIME, categories: Categories::CONNECTION, since: "2.8.13", ..COMMON };
const LATENCY: Row =
    Row { flags: ADMIN_ANY_TIME, since: "2.8.13", tips: EACH_NODE, run: latency::ask, ..COMMON };
const MEMORY: Row = Row { arity: 2, since: "4.0.0", tips: EACH_SHARD, ..COMMON };

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "command",
        arity: -1,
        summary: "Describes all commands.",
        complexity: "O(N) with N being the number of commands",
        tips: NONDETERMINISTIC_ORDER,
        subcommands: COMMAND_ROWS,
        run: catalogue::command,
        ..COMMAND
    },
    Row {
        name: "config",
        since: "2.0.0",
        summary: "Commands about the options of the running server.",
        subcommands: CONFIG_ROWS,
        ..CONTAINER
    },
    Row {
        name: "info",
        arity: -1,
        flags: ANY_TIME,
        categories: Categories::DANGEROUS,
        summary: "Shows the server's figures.",
        history: &[("7.0.0", "Takes several sections.")],
        arguments: &[Argument::new("section", String).optional().multiple()],
        tips: EACH_SHARD,
        run: info::info,
        ..COMMON
    },
    Row {
        name: "memory",
        since: "4.0.0",
        summary: "Commands about the use of memory.",
        subcommands: MEMORY_ROWS,
        ..CONTAINER
    },
    Row {
        name: "slowlog",
        since: "2.2.12",
        summary: "Commands about the log of slow commands.",
        subcommands: SLOWLOG_ROWS,
        ..CONTAINER
    },
    Row {
        name: "latency",
        since: "2.8.13",
        summary: "Commands about what takes long.",
        subcommands: LATENCY_ROWS,
        ..CONTAINER
    },
    Row {
        name: "debug",
        arity: -2,
        flags: ADMIN_ANY_TIME.and(Flags::ALL_KEYS),
        summary: "Commands for testing servers and clients.",
        complexity: BY_SUBCOMMAND,
        doc_flags: &["syscmd"],
        run: debug::debug,
        ..COMMON
    },
    Row {
        name: "shutdown",
        arity: -1,
        flags: ADMIN_ANY_TIME.and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY),
        summary: "Ends the server.",
        history: &[("7.0.0", "Takes NOW, FORCE and ABORT.")],
        arguments: &[
            Argument::one_of(
                "save-selector",
                &[Argument::word("nosave", "NOSAVE"), Argument::word("save", "SAVE")],
            )
            .optional(),
            Argument::word("now", "NOW").optional().since("7.0.0"),
            Argument::word("force", "FORCE").optional().since("7.0.0"),
            Argument::word("abort", "ABORT").optional().since("7.0.0"),
        ],
        run: shutdown::shutdown,
        ..COMMON
    },
    Row {
        name: "monitor",
        flags: ADMIN_ANY_TIME,
        since: "1.0.0",
        summary: "Tells of every command that runs, as it runs.",
        complexity: "",
        run: monitor::monitor,
        ..COMMON
    },
    Row {
        name: "time",
        flags: ANY_TIME.and(Flags::FAST),
        since: "2.6.0",
        summary: "Tells the server's time.",
        tips: NONDETERMINISTIC,
        run: time::time,
        ..COMMON
    },
    Row {
        name: "lolwut",
        arity: -1,
        flags: Flags::READONLY.and(Flags::FAST),
        since: "5.0.0",
        summary: "Draws a beehive and tells the version.",
        complexity: "",
        arguments: &[Argument::new("version", Integer).behind("VERSION").optional()],
        run: lolwut::lolwut,
        ..COMMON
    },
    Row {
        name: "lastsave",
        flags: ANY_TIME.and(Flags::FAST),
        categories: Categories::ADMIN.and(Categories::DANGEROUS),
        summary: "Tells when data was last saved: here, when the server started.",
        tips: NONDETERMINISTIC,
        run: persistence::lastsave,
        ..COMMON
    },
    Row {
        name: "save",
        flags: DISK.and(Flags::NO_MULTI),
        summary: "Refused: this server keeps nothing on disk.",
        complexity: "O(N) with N being the number of keys in all databases",
        run: persistence::refuse,
        ..COMMON
    },
    Row {
        name: "bgsave",
        arity: -1,
        flags: DISK,
        summary: "Refused: this server keeps nothing on disk.",
        history: &[("3.2.2", "Takes SCHEDULE.")],
        arguments: &[Argument::word("schedule", "SCHEDULE").optional().since("3.2.2")],
        run: persistence::refuse,
        ..COMMON
    },
    Row {
        name: "bgrewriteaof",
        flags: DISK,
        summary: "Refused: this server keeps nothing on disk.",
        run: persistence::refuse,
        ..COMMON
    },
    Row {
        name: "role",
        flags: Flags::NOSCRIPT.and(ANY_TIME).and(Flags::FAST),
        categories: Categories::ADMIN.and(Categories::DANGEROUS),
        since: "2.8.12",
        summary: "Tells the server's part in replication.",
        run: replication::role,
        ..COMMON
    },
    Row {
        name: "replicaof",
        arity: 3,
        flags: DISK.and(Flags::STALE),
        since: "5.0.0",
        summary: "Makes the server independent (NO ONE); following another server is refused.",
        arguments: PRIMARY,
        run: replication::replicaof,
        ..COMMON
    },
    Row {
        name: "slaveof",
        arity: 3,
        flags: DISK.and(Flags::STALE),
        summary: "The former name of REPLICAOF.",
        doc_flags: &["deprecated"],
        deprecated_since: "5.0.0",
        replaced_by: "`REPLICAOF`",
        arguments: PRIMARY,
        run: replication::replicaof,
        ..COMMON
    },
    Row {
        name: "wait",
        arity: 3,
        flags: Flags::BLOCKING,
        categories: Categories::CONNECTION,
        group: Group::Generic,
        since: "3.0.0",
        summary: "Waits until so many replicas have what this connection wrote, and counts them: \
                  where there are none, at once.",
        arguments: &[Argument::new("numreplicas", Integer), Argument::new("timeout", Integer)],
        tips: ALL_SHARDS_MIN,
        run: replication::wait,
        ..COMMON
    },
    Row {
        name: "waitaof",
        arity: 4,
        flags: Flags::BLOCKING,
        categories: Categories::CONNECTION,
        group: Group::Generic,
        since: "7.2.0",
        summary: "Tells how many logs on disk have what this connection wrote: without any 0, \
                  at once.",
        arguments: &[
            Argument::new("numlocal", Integer),
            Argument::new("numreplicas", Integer),
            Argument::new("timeout", Integer),
        ],
        tips: ALL_SHARDS_MIN,
        run: replication::waitaof,
        ..COMMON
    },
    Row {
        name: "module",
        since: "4.0.0",
        summary: "Commands about loaded modules, of which there are none.",
        subcommands: &[
            Row {
                name: "list",
                arity: 2,
                flags: Flags::ADMIN.and(Flags::NOSCRIPT),
                since: "4.0.0",
                summary: "Lists the loaded modules.",
                complexity: "O(N) with N being the number of modules",
                tips: NONDETERMINISTIC_ORDER,
                run: module::list,
                ..COMMON
            },
            Row { since: "5.0.0", run: module::help, ..HELP },
        ],
        ..CONTAINER
    },
    Row {
        name: "acl",
        since: "6.0.0",
        summary: "Commands about users and what they may do.",
        subcommands: super::acl::ROWS,
        ..CONTAINER
    },
];

const COMMAND_ROWS: &[Row] = &[
    Row {
        name: "count",
        arity: 2,
        summary: "Counts the commands.",
        run: catalogue::count,
        ..COMMAND
    },
    Row {
        name: "docs",
        arity: -2,
        since: "7.0.0",
        summary: "Documents commands: what they do, since when, and their grammar.",
        complexity: "O(N) with N being the number of commands asked for",
        arguments: COMMAND_NAMES,
        tips: NONDETERMINISTIC_ORDER,
        run: docs::docs,
        ..COMMAND
    },
    Row {
        name: "getkeys",
        arity: -3,
        summary: "Tells which arguments of a full command are keys.",
        complexity: "O(N) with N being the number of the command's arguments",
        arguments: FULL_COMMAND,
        run: getkeys::getkeys,
        ..COMMAND
    },
    Row {
        name: "getkeysandflags",
        arity: -3,
        since: "7.0.0",
        summary: "Tells which arguments of a full command are keys, and what happens to them.",
        complexity: "O(N) with N being the number of the command's arguments",
        arguments: FULL_COMMAND,
        run: getkeys::getkeysandflags,
        ..COMMAND
    },
    Row { since: "5.0.0", categories: Categories::CONNECTION, run: catalogue::help, ..HELP },
    Row {
        name: "info",
        arity: -2,
        summary: "Describes commands: flags, keys, categories.",
        complexity: "O(N) with N being the number of commands asked for",
        history: &[("7.0.0", "Describes all commands when none is named.")],
        arguments: COMMAND_NAMES,
        tips: NONDETERMINISTIC_ORDER,
        run: catalogue::info,
        ..COMMAND
    },
    Row {
        name: "list",
        arity: -2,
        since: "7.0.0",
        summary: "Lists the names of all commands, or of those that fit.",
        complexity: "O(N) with N being the number of commands",
        arguments: &[Argument::one_of(
            "filterby",
            &[
                Argument::new("module-name", String).behind("MODULE"),
                Argument::new("category", String).behind("ACLCAT"),
                Argument::new("pattern", Pattern).behind("PATTERN"),
            ],
        )
        .behind("FILTERBY")
        .optional()],
        tips: NONDETERMINISTIC_ORDER,
        run: catalogue::list,
        ..COMMAND
    },
];

const CONFIG_ROWS: &[Row] = &[
    Row {
        name: "get",
        arity: -3,
        summary: "Shows the options whose names match.",
        complexity: "O(N) with N being the number of options asked for",
        history: &[("7.0.0", "Takes several patterns.")],
        arguments: &[Argument::new("parameter", String).multiple()],
        run: config::get,
        ..CONFIG
    },
    Row { since: "5.0.0", run: config::help, ..HELP },
    Row {
        name: "resetstat",
        arity: 2,
        summary: "Sets the counters of INFO back to zero.",
        tips: ALL_NODES_SUCCEED,
        run: config::resetstat,
        ..CONFIG
    },
    Row {
        name: "rewrite",
        arity: 2,
        since: "2.8.0",
        summary: "Writes the options to the configuration file.",
        tips: ALL_NODES_SUCCEED,
        run: config::rewrite,
        ..CONFIG
    },
    Row {
        name: "set",
        arity: -4,
        summary: "Sets options: all that are given, or none.",
        complexity: "O(N) with N being the number of options given",
        history: &[("7.0.0", "Takes several options.")],
        arguments: &[Argument::block(
            "data",
            &[Argument::new("parameter", String), Argument::new("value", String)],
        )
        .multiple()],
        tips: ALL_NODES_SUCCEED,
        run: config::set,
        ..CONFIG
    },
];

const MEMORY_ROWS: &[Row] = &[
    Row {
        name: "doctor",
        summary: "Reports what is wrong with the use of memory.",
        run: memory::doctor,
        ..MEMORY
    },
    Row { since: "4.0.0", run: memory::help, ..HELP },
    Row {
        name: "malloc-stats",
        summary: "Shows the allocator's own figures.",
        complexity: "Depends on how much memory is allocated",
        run: memory::malloc_stats,
        ..MEMORY
    },
    Row {
        name: "purge",
        summary: "Gives unused memory back to the system.",
        complexity: "Depends on how much memory is unused",
        tips: ALL_SHARDS_SUCCEED,
        run: memory::purge,
        ..MEMORY
    },
    Row { name: "stats", summary: "Shows where the memory is.", run: memory::stats, ..MEMORY },
    Row {
        name: "usage",
        arity: -3,
        flags: Flags::READONLY,
        keys: &[KeySpec::range(&["RO"], 2, 0, 1)],
        summary: "Tells how many bytes a key takes.",
        complexity: "O(1) for strings",
        arguments: &[Argument::key(), Argument::new("count", Integer).behind("SAMPLES").optional()],
        tips: &[],
        run: memory::usage,
        ..MEMORY
    },
];

const SLOWLOG_ROWS: &[Row] = &[
    Row {
        name: "get",
        arity: -2,
        flags: SLOW_LOG,
        since: "2.2.12",
        summary: "Shows the latest slow commands.",
        complexity: "O(N) with N being the number of entries shown",
        history: &[("4.0.0", "Shows the client's address and name as well.")],
        arguments: &[Argument::new("count", Integer).optional()],
        tips: &["request_policy:all_nodes", "nondeterministic_output"],
        run: slowlog::get,
        ..COMMON
    },
    Row { since: "6.2.0", run: slowlog::help, ..HELP },
    Row {
        name: "len",
        arity: 2,
        flags: SLOW_LOG,
        since: "2.2.12",
        summary: "Counts the entries of the slow log.",
        tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        run: slowlog::len,
        ..COMMON
    },
    Row {
        name: "reset",
        arity: 2,
        flags: SLOW_LOG,
        since: "2.2.12",
        summary: "Empties the slow log.",
        complexity: "O(N) with N being the number of entries",
        tips: ALL_NODES_SUCCEED,
        run: slowlog::reset,
        ..COMMON
    },
];

const LATENCY_ROWS: &[Row] = &[
    Row { name: "doctor", arity: 2, summary: "Reports what took long.", ..LATENCY },
    Row {
        name: "graph",
        arity: 3,
        summary: "Draws the samples of an event.",
        arguments: EVENT,
        ..LATENCY
    },
    Row { since: "2.8.13", run: latency::help, ..HELP },
    Row {
        name: "histogram",
        arity: -2,
        since: "7.0.0",
        summary: "Shows how long calls of commands took, by powers of two.",
        complexity: "O(N) with N being the number of commands that have been called",
        arguments: &[Argument::new("command", String).optional().multiple()],
        ..LATENCY
    },
    Row {
        name: "history",
        arity: 3,
        summary: "Shows the samples of an event.",
        arguments: EVENT,
        ..LATENCY
    },
    Row { name: "latest", arity: 2, summary: "Shows the latest sample of every event.", ..LATENCY },
    Row {
        name: "reset",
        arity: -2,
        summary: "Forgets the samples of events.",
        arguments: EVENTS,
        tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
        ..LATENCY
    },
];
