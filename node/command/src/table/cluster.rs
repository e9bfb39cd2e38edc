//! Rows of the cluster family.

use crate::cluster::{change, keys, ownership, show};
use crate::row::ArgumentKind::{Integer, String};
use crate::row::{Argument, Categories, Flags, Group, Row};

const NODE: &[Argument] = &[Argument::new("node-id", String)];
const SLOT: Argument = Argument::new("slot", Integer);
const RANGE: &[Argument] =
    &[Argument::new("start-slot", Integer), Argument::new("end-slot", Integer)];
const RANGES: &[Argument] = &[Argument::block("range", RANGE).multiple()];
const NONDETERMINISTIC: &[&str] = &["nondeterministic_output"];
const PER_NODE: &str = "O(N) with N being the number of nodes";
const PER_SLOT: &str = "O(N) with N being the number of slots named";

const COMMON: Row = Row { group: Group::Cluster, since: "3.0.0", ..Row::BASE };
/// About the connection: whole commands.
const CONNECTION: Row = Row {
    flags: Flags::FAST.and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    ..COMMON
};
/// Shows something.
const SHOW: Row = Row { arity: 2, flags: Flags::STALE, ..COMMON };
/// Shows something that is known while data is loaded.
const SHOW_EARLY: Row = Row { flags: Flags::LOADING.and(Flags::STALE), ..SHOW };
/// Shows something to administrators.
const INSPECT: Row = Row { arity: 3, flags: Flags::ADMIN.and(Flags::STALE), ..COMMON };
/// Changes the cluster.
const CHANGE: Row =
    Row { arity: 2, flags: Flags::ADMIN.and(Flags::STALE).and(Flags::NO_ASYNC_LOADING), ..COMMON };
/// Changes the cluster if there are no keys: looks at all of them.
const CHANGE_IF_EMPTY: Row = Row { flags: CHANGE.flags.and(Flags::ALL_KEYS), ..CHANGE };

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "asking",
        flags: Flags::FAST,
        summary: "Announces a command that follows an ASK redirection; without effect.",
        run: show::asking,
        ..CONNECTION
    },
    Row {
        name: "cluster",
        arity: -2,
        summary: "Commands about the cluster.",
        complexity: "Depends on the subcommand",
        subcommands: CLUSTER_ROWS,
        ..COMMON
    },
    Row {
        name: "readonly",
        summary: "Lets this connection read what a replica has, old as it may be.",
        run: show::readonly,
        ..CONNECTION
    },
    Row { name: "readwrite", summary: "Takes READONLY back.", run: show::readwrite, ..CONNECTION },
];

const CLUSTER_ROWS: &[Row] = &[
    Row {
        name: "addslots",
        arity: -3,
        summary: "Gives slots that nobody owns to a node.",
        complexity: PER_SLOT,
        arguments: &[SLOT.multiple()],
        run: ownership::addslots,
        ..CHANGE
    },
    Row {
        name: "addslotsrange",
        arity: -4,
        since: "7.0.0",
        summary: "Gives ranges of slots that nobody owns to a node.",
        complexity: PER_SLOT,
        arguments: RANGES,
        run: ownership::addslotsrange,
        ..CHANGE
    },
    Row {
        name: "bumpepoch",
        summary: "Gives the node's shard an epoch above all others.",
        tips: NONDETERMINISTIC,
        run: change::bumpepoch,
        ..CHANGE
    },
    Row {
        name: "count-failure-reports",
        summary: "Tells whether the cluster holds a node for failed.",
        complexity: "O(N) with N being the number of shards",
        arguments: NODE,
        tips: NONDETERMINISTIC,
        run: show::count_failure_reports,
        ..INSPECT
    },
    Row {
        name: "countkeysinslot",
        arity: 3,
        flags: Flags::STALE.and(Flags::ALL_KEYS),
        summary: "Counts the keys of a slot.",
        arguments: &[SLOT],
        run: keys::countkeysinslot,
        ..COMMON
    },
    Row {
        name: "delslots",
        arity: -3,
        summary: "Takes slots that are empty from a node.",
        complexity: PER_SLOT,
        arguments: &[SLOT.multiple()],
        run: ownership::delslots,
        ..CHANGE_IF_EMPTY
    },
    Row {
        name: "delslotsrange",
        arity: -4,
        since: "7.0.0",
        summary: "Takes ranges of slots that are empty from a node.",
        complexity: PER_SLOT,
        arguments: RANGES,
        run: ownership::delslotsrange,
        ..CHANGE_IF_EMPTY
    },
    Row {
        name: "failover",
        arity: -2,
        summary: "Makes a replica the primary of its shard.",
        arguments: &[Argument::one_of(
            "options",
            &[Argument::word("force", "FORCE"), Argument::word("takeover", "TAKEOVER")],
        )
        .optional()],
        run: change::failover,
        ..CHANGE
    },
    Row {
        name: "flushslots",
        summary: "Takes all slots from a node that has no keys.",
        run: ownership::flushslots,
        ..CHANGE_IF_EMPTY
    },
    Row {
        name: "forget",
        arity: 3,
        summary: "Turns a node out of the cluster.",
        arguments: NODE,
        run: change::forget,
        ..CHANGE
    },
    Row {
        name: "getkeysinslot",
        arity: 4,
        flags: Flags::STALE.and(Flags::ALL_KEYS),
        summary: "Lists keys of a slot.",
        complexity: "O(N) with N being the number of keys asked for",
        arguments: &[SLOT, Argument::new("count", Integer)],
        tips: NONDETERMINISTIC,
        run: keys::getkeysinslot,
        ..COMMON
    },
    Row {
        name: "help",
        since: "5.0.0",
        summary: "Explains the subcommands.",
        run: show::help,
        ..SHOW_EARLY
    },
    Row {
        name: "info",
        summary: "Shows whether the cluster is well, in figures.",
        complexity: "O(N) with N being the number of shards",
        tips: NONDETERMINISTIC,
        run: show::info,
        ..SHOW
    },
    Row {
        name: "keyslot",
        arity: 3,
        summary: "Computes the slot of a key.",
        complexity: "O(N) with N being the bytes of the key",
        arguments: &[Argument::new("key", String)],
        run: show::keyslot,
        ..SHOW
    },
    Row {
        name: "links",
        since: "7.0.0",
        summary: "Lists the connections between a node and the others.",
        complexity: PER_NODE,
        tips: NONDETERMINISTIC,
        run: show::links,
        ..SHOW
    },
    Row {
        name: "meet",
        arity: -4,
        summary: "Joins a node's cluster, or takes the node in.",
        history: &[("4.0.0", "The mesh port can be given.")],
        arguments: &[
            Argument::new("ip", String),
            Argument::new("port", Integer),
            Argument::new("cluster-bus-port", Integer).optional().since("4.0.0"),
        ],
        run: change::meet,
        ..CHANGE
    },
    Row { name: "myid", summary: "Shows a node's id.", run: show::myid, ..SHOW },
    Row {
        name: "myshardid",
        since: "7.2.0",
        summary: "Shows the id of a node's shard.",
        tips: NONDETERMINISTIC,
        run: show::myshardid,
        ..SHOW
    },
    Row {
        name: "nodes",
        summary: "Lists the nodes, a line each.",
        complexity: PER_NODE,
        tips: NONDETERMINISTIC,
        run: show::nodes,
        ..SHOW
    },
    Row {
        name: "place",
        arity: -2,
        since: "7.2.0",
        summary: "Gives the slots that nobody owns to all shards, by consistent hashing.",
        complexity: "O(N) with N being the number of shards times virtual nodes",
        arguments: &[Argument::new("virtual-nodes", Integer).behind("VNODES").optional()],
        run: ownership::place,
        ..CHANGE
    },
    Row { name: "replicas", since: "5.0.0", ..REPLICAS },
    Row {
        name: "replicate",
        arity: 3,
        summary: "Makes a node the replica of a primary.",
        arguments: NODE,
        run: change::replicate,
        ..CHANGE
    },
    Row {
        name: "reset",
        arity: -2,
        flags: Flags::ADMIN.and(Flags::STALE).and(Flags::NOSCRIPT).and(Flags::ALL_KEYS),
        summary: "Makes a node without keys leave the cluster.",
        complexity: PER_NODE,
        arguments: &[Argument::one_of(
            "reset-type",
            &[Argument::word("hard", "HARD"), Argument::word("soft", "SOFT")],
        )
        .optional()],
        run: change::reset,
        ..CHANGE
    },
    Row {
        name: "ring",
        since: "7.2.0",
        summary: "Shows as JSON what a client needs to find the nodes of keys by itself.",
        complexity: "O(N) with N being the number of shards and their ranges of slots",
        tips: NONDETERMINISTIC,
        run: show::ring,
        ..SHOW_EARLY
    },
    Row {
        name: "saveconfig",
        summary: "Does nothing: what the nodes agree on is always saved.",
        run: show::saveconfig,
        ..CHANGE
    },
    Row {
        name: "set-config-epoch",
        arity: 3,
        summary: "Gives the shard of a fresh node its first epoch.",
        arguments: &[Argument::new("config-epoch", Integer)],
        run: change::set_config_epoch,
        ..CHANGE
    },
    Row {
        name: "shards",
        since: "7.0.0",
        summary: "Lists the shards with their slots and nodes.",
        complexity: PER_NODE,
        tips: NONDETERMINISTIC,
        run: show::shards,
        ..SHOW_EARLY
    },
    Row {
        name: "slaves",
        doc_flags: &["deprecated"],
        deprecated_since: "5.0.0",
        replaced_by: "`CLUSTER REPLICAS`",
        ..REPLICAS
    },
    Row {
        name: "slot-stats",
        arity: -4,
        flags: Flags::LOADING.and(Flags::STALE).and(Flags::ALL_KEYS),
        since: "8.2.0",
        summary: "Shows how many keys are in the slots of a node.",
        complexity: "O(N) with N being the number of slots, O(N*log(N)) with ORDERBY",
        arguments: SLOT_STATS,
        tips: &["nondeterministic_output", "request_policy:all_shards"],
        run: keys::slot_stats,
        ..COMMON
    },
    Row {
        name: "slots",
        summary: "Lists ranges of slots with their nodes.",
        complexity: PER_NODE,
        history: &[
            ("4.0.0", "Ids of nodes."),
            ("7.0.0", "A place for more about each node, empty here."),
        ],
        doc_flags: &["deprecated"],
        deprecated_since: "7.0.0",
        replaced_by: "`CLUSTER SHARDS`",
        tips: NONDETERMINISTIC,
        run: show::slots,
        ..SHOW_EARLY
    },
];

const REPLICAS: Row = Row {
    summary: "Lists the replicas of a primary.",
    complexity: "O(N) with N being the number of replicas",
    arguments: NODE,
    tips: NONDETERMINISTIC,
    run: show::replicas,
    ..INSPECT
};

const SLOT_STATS: &[Argument] = &[Argument::one_of(
    "filter",
    &[
        Argument::block("slotsrange", RANGE).behind("SLOTSRANGE"),
        Argument::block(
            "orderby",
            &[
                Argument::new("metric", String),
                Argument::new("limit", Integer).behind("LIMIT").optional(),
                Argument::one_of(
                    "order",
                    &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")],
                )
                .optional(),
            ],
        )
        .behind("ORDERBY"),
    ],
)];
