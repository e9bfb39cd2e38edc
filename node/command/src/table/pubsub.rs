//! Rows of the pubsub family.

use crate::pubsub;
use crate::row::ArgumentKind::{Pattern, String};
use crate::row::{Argument, Flags, Group, KeySpec, Row};

const CHANNEL: Argument = Argument::new("channel", String);
const PATTERN: Argument = Argument::new("pattern", Pattern);
const SHARD_CHANNEL: Argument = Argument::new("shardchannel", String);

const LOADING: Flags = Flags::LOADING.and(Flags::STALE);

const COMMON: Row = Row {
    flags: Flags::PUBSUB.and(Flags::NOSCRIPT).and(LOADING),
    group: Group::Pubsub,
    since: "2.0.0",
    ..Row::BASE
};

const PUBLISH: Row = Row {
    arity: 3,
    flags: Flags::PUBSUB.and(LOADING).and(Flags::FAST).and(Flags::MAY_REPLICATE),
    ..COMMON
};

const INSPECT: Row = Row { arity: -2, flags: Flags::PUBSUB.and(LOADING), since: "2.8.0", ..COMMON };

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "subscribe",
        arity: -2,
        summary: "Listens to channels.",
        complexity: "O(N) with N being the number of channels",
        arguments: &[CHANNEL.multiple()],
        run: pubsub::subscribe,
        ..COMMON
    },
    Row {
        name: "psubscribe",
        arity: -2,
        summary: "Listens to all channels that match any of the patterns.",
        complexity: "O(N) with N being the number of patterns",
        arguments: &[PATTERN.multiple()],
        run: pubsub::psubscribe,
        ..COMMON
    },
    Row {
        name: "ssubscribe",
        arity: -2,
        keys: &[KeySpec::range(&["not_key"], 1, -1, 1)],
        since: "7.0.0",
        summary: "Listens to shard channels.",
        complexity: "O(N) with N being the number of shard channels",
        arguments: &[SHARD_CHANNEL.multiple()],
        run: pubsub::ssubscribe,
        ..COMMON
    },
    Row {
        name: "unsubscribe",
        arity: -1,
        summary: "Stops listening to channels, to all of them when none is named.",
        complexity: "O(N) with N being the number of channels",
        arguments: &[CHANNEL.optional().multiple()],
        run: pubsub::unsubscribe,
        ..COMMON
    },
    Row {
        name: "punsubscribe",
        arity: -1,
        summary: "Stops listening to patterns, to all of them when none is named.",
        complexity: "O(N) with N being the number of patterns",
        arguments: &[PATTERN.optional().multiple()],
        run: pubsub::punsubscribe,
        ..COMMON
    },
    Row {
        name: "sunsubscribe",
        arity: -1,
        keys: &[KeySpec::range(&["not_key"], 1, -1, 1)],
        since: "7.0.0",
        summary: "Stops listening to shard channels, to all of them when none is named.",
        complexity: "O(N) with N being the number of shard channels",
        arguments: &[SHARD_CHANNEL.optional().multiple()],
        run: pubsub::sunsubscribe,
        ..COMMON
    },
    Row {
        name: "publish",
        summary: "Sends a message to everybody who listens to the channel.",
        complexity: "O(N+M) with N being the subscribers of the channel and M all patterns",
        arguments: &[CHANNEL, Argument::new("message", String)],
        run: pubsub::publish,
        ..PUBLISH
    },
    Row {
        name: "spublish",
        keys: &[KeySpec::first(&["not_key"])],
        since: "7.0.0",
        summary: "Sends a message to everybody who listens to the shard channel.",
        complexity: "O(N) with N being the subscribers of the shard channel",
        arguments: &[SHARD_CHANNEL, Argument::new("message", String)],
        run: pubsub::spublish,
        ..PUBLISH
    },
    Row {
        name: "pubsub",
        arity: -2,
        flags: Flags::NONE,
        since: "2.8.0",
        summary: "Commands that tell who listens to what.",
        complexity: "Depends on the subcommand",
        subcommands: PUBSUB_ROWS,
        ..COMMON
    },
];

const PUBSUB_ROWS: &[Row] = &[
    Row {
        name: "channels",
        summary: "Lists the channels that have subscribers.",
        complexity: "O(N) with N being the number of such channels",
        arguments: &[PATTERN.optional()],
        run: pubsub::channels,
        ..INSPECT
    },
    Row {
        name: "help",
        arity: 2,
        flags: LOADING,
        since: "6.2.0",
        summary: "Explains the subcommands.",
        run: pubsub::help,
        ..INSPECT
    },
    Row {
        name: "numpat",
        arity: 2,
        summary: "Counts the patterns that have subscribers.",
        run: pubsub::numpat,
        ..INSPECT
    },
    Row {
        name: "numsub",
        summary: "Counts the subscribers of channels.",
        complexity: "O(N) with N being the number of channels asked for",
        arguments: &[CHANNEL.optional().multiple()],
        run: pubsub::numsub,
        ..INSPECT
    },
    Row {
        name: "shardchannels",
        since: "7.0.0",
        summary: "Lists the shard channels that have subscribers.",
        complexity: "O(N) with N being the number of such shard channels",
        arguments: &[PATTERN.optional()],
        run: pubsub::shard_channels,
        ..INSPECT
    },
    Row {
        name: "shardnumsub",
        since: "7.0.0",
        summary: "Counts the subscribers of shard channels.",
        complexity: "O(N) with N being the number of shard channels asked for",
        arguments: &[SHARD_CHANNEL.optional().multiple()],
        run: pubsub::shard_numsub,
        ..INSPECT
    },
];
