//! The shape of a row of the command table: everything there is to know about one command.

use crate::cx::Handler;

/// One command or subcommand.
#[derive(Clone, Copy)]
pub struct Row {
    /// Lower-case name; of a subcommand, without its container.
    pub name: &'static str,
    /// Arguments including the name; negative means at least that many.
    pub arity: i16,
    /// What kind of command it is.
    pub flags: Flags,
    /// ACL categories that do not follow from the flags and the group, such as `@dangerous`.
    pub categories: Categories,
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// The group it is documented in.
    pub group: Group,
    /// The version of Redis it appeared in.
    pub since: &'static str,
    /// One sentence of our own.
    pub summary: &'static str,
    /// Order of growth of its cost.
    pub complexity: &'static str,
    /// What happened to it since: versions, each with a sentence of our own.
    pub history: &'static [(&'static str, &'static str)],
    /// `deprecated` or `syscmd`, where COMMAND DOCS says so.
    pub doc_flags: &'static [&'static str],
    /// The version it was deprecated in, or "".
    pub deprecated_since: &'static str,
    /// What to use instead of a deprecated one, or "".
    pub replaced_by: &'static str,
    /// The grammar of its arguments.
    pub arguments: &'static [Argument],
    /// Its subcommands, when it is a container.
    pub subcommands: &'static [Row],
    /// Hints for clients and proxies that COMMAND INFO passes on.
    pub tips: &'static [&'static str],
    /// What it does.
    pub run: Handler,
}

/// A set of command flags; see Redis's documentation of `COMMAND` for the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

macro_rules! bits {
    ($set:ident { $($(#[$doc:meta])* $name:ident = $bit:expr, $text:expr;)* }) => {
        impl $set {
            /// The empty set.
            pub const NONE: $set = $set(0);
            $($(#[$doc])* pub const $name: $set = $set(1 << $bit);)*
            /// All members with the words Redis uses, in the order it lists them.
            pub const WORDS: &'static [($set, &'static str)] = &[$(($set::$name, $text)),*];
            /// The union of two sets.
            pub const fn and(self, other: $set) -> $set { $set(self.0 | other.0) }
            /// Tells whether all members of `other` are in this set.
            #[inline]
            pub const fn has(self, other: $set) -> bool { self.0 & other.0 == other.0 }
        }
    };
}

bits! { Flags {
    /// Changes keys.
    WRITE = 0, "write";
    /// Reads keys and changes none.
    READONLY = 1, "readonly";
    /// May use memory: refused when there is none.
    DENYOOM = 2, "denyoom";
    /// For administrators.
    ADMIN = 3, "admin";
    /// About publishing and subscribing.
    PUBSUB = 4, "pubsub";
    /// Not for scripts.
    NOSCRIPT = 5, "noscript";
    /// Blocks the client.
    BLOCKING = 6, "blocking";
    /// Allowed while data is being loaded.
    LOADING = 7, "loading";
    /// Allowed on a replica with stale data.
    STALE = 8, "stale";
    /// Left out of MONITOR.
    SKIP_MONITOR = 9, "skip_monitor";
    /// Left out of the slow log.
    SKIP_SLOWLOG = 10, "skip_slowlog";
    /// Takes constant or logarithmic time.
    FAST = 11, "fast";
    /// Allowed before authentication.
    NO_AUTH = 12, "no_auth";
    /// May be replicated in spite of not writing. As in Redis, not listed by COMMAND.
    MAY_REPLICATE = 13, "";
    /// May come without any key though it has key specifications.
    NO_MANDATORY_KEYS = 17, "no_mandatory_keys";
    /// Refused while a replica loads data in the background.
    NO_ASYNC_LOADING = 18, "no_async_loading";
    /// Not allowed inside MULTI.
    NO_MULTI = 14, "no_multi";
    /// Keys cannot be told from the arguments alone.
    MOVABLE_KEYS = 15, "movablekeys";
    /// Allowed while a script or function is busy.
    ALLOW_BUSY = 16, "allow_busy";
    /// Not in Redis's sense fast, but its cost is that of its arguments and one value, so it is
    /// measured with its batch as the fast ones are. Ours; not listed by COMMAND.
    QUICK = 29, "";
    /// Works on every key: takes all stripes (inside MULTI) or walks them one by one. Ours; not
    /// listed by COMMAND.
    ALL_KEYS = 30, "";
    /// Takes effect at once inside MULTI instead of being queued (EXEC, DISCARD, ...). Ours.
    NOT_QUEUED = 31, "";
}}

/// A set of ACL categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Categories(pub u32);

bits! { Categories {
    /// Generic key commands.
    KEYSPACE = 0, "@keyspace";
    /// Reads.
    READ = 1, "@read";
    /// Writes.
    WRITE = 2, "@write";
    /// Sets.
    SET = 3, "@set";
    /// Sorted sets.
    SORTEDSET = 4, "@sortedset";
    /// Lists.
    LIST = 5, "@list";
    /// Hashes.
    HASH = 6, "@hash";
    /// Strings.
    STRING = 7, "@string";
    /// Bitmaps.
    BITMAP = 8, "@bitmap";
    /// HyperLogLog.
    HYPERLOGLOG = 9, "@hyperloglog";
    /// Geo indexes.
    GEO = 10, "@geo";
    /// Streams.
    STREAM = 11, "@stream";
    /// Publish and subscribe.
    PUBSUB = 12, "@pubsub";
    /// Administration.
    ADMIN = 13, "@admin";
    /// Constant or logarithmic time.
    FAST = 14, "@fast";
    /// Everything that is not fast.
    SLOW = 15, "@slow";
    /// Blocking.
    BLOCKING = 16, "@blocking";
    /// Could hurt.
    DANGEROUS = 17, "@dangerous";
    /// About the connection.
    CONNECTION = 18, "@connection";
    /// Transactions.
    TRANSACTION = 19, "@transaction";
    /// Scripts.
    SCRIPTING = 20, "@scripting";
}}

/// Where some of a command's keys are, and what happens to them.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// What happens to the keys: words such as `RO`, `RW`, `OW`, `RM`, `access`, `update`,
    /// `insert`, `delete`, in the order COMMAND INFO shows them.
    pub flags: &'static [&'static str],
    /// Where the search begins.
    pub begin: KeyBegin,
    /// How many keys follow and how far apart.
    pub find: KeyFind,
    /// What the flags cannot say, in a sentence of our own, or "".
    pub notes: &'static str,
}

/// Where keys begin.
#[derive(Clone, Copy, Debug)]
pub enum KeyBegin {
    /// At this argument.
    Index(u16),
    /// Behind this keyword, searched from an argument (negative: from the end).
    Keyword(&'static str, i16),
}

/// How keys follow each other.
#[derive(Clone, Copy, Debug)]
pub enum KeyFind {
    /// Up to `last` (0: just the first; -1: to the last argument, -2: to the one before, relative
    /// to the beginning when positive), every `step`, at most a `limit`th of what is left (0: all).
    Range {
        /// The last key.
        last: i16,
        /// Arguments from key to key.
        step: u16,
        /// Fraction of the remaining arguments.
        limit: u16,
    },
    /// An argument tells how many keys there are.
    Count {
        /// Position of that argument behind the beginning.
        count_at: u16,
        /// Position of the first key behind the beginning.
        first: u16,
        /// Arguments from key to key.
        step: u16,
    },
}

/// Groups of commands as documentation lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Keys of any type.
    Generic,
    /// Strings.
    String,
    /// Hashes.
    Hash,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Lists.
    List,
    /// Bitmaps.
    Bitmap,
    /// HyperLogLog.
    HyperLogLog,
    /// Publish and subscribe.
    Pubsub,
    /// Transactions.
    Transactions,
    /// The connection.
    Connection,
    /// The server.
    Server,
    /// The cluster.
    Cluster,
}

/// One argument of a command's grammar, as COMMAND DOCS shows it.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ArgumentKind,
    /// What help shows in its place, where that is not the name.
    pub display: &'static str,
    /// The word that precedes it, or "".
    pub token: &'static str,
    /// `optional`, `multiple` and `multiple_token`.
    pub optional: bool,
    /// May be repeated.
    pub multiple: bool,
    /// The token is repeated as well.
    pub multiple_token: bool,
    /// Which key specification it fills, for keys.
    pub key_spec_index: Option<u8>,
    /// The version it appeared in, or "".
    pub since: &'static str,
    /// The version it was deprecated in, or "".
    pub deprecated_since: &'static str,
    /// What it consists of, for blocks and alternatives.
    pub arguments: &'static [Argument],
}

/// Types of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A string.
    String,
    /// A 64-bit integer.
    Integer,
    /// A number.
    Double,
    /// A key.
    Key,
    /// A pattern.
    Pattern,
    /// A Unix time.
    UnixTime,
    /// A word without a value.
    PureToken,
    /// One of several.
    OneOf,
    /// Several together.
    Block,
}

impl Row {
    /// What most rows share; each sets what differs.
    pub const BASE: Row = Row {
        name: "",
        arity: 1,
        flags: Flags::NONE,
        categories: Categories::NONE,
        keys: &[],
        group: Group::Generic,
        since: "1.0.0",
        summary: "",
        complexity: "O(1)",
        history: &[],
        doc_flags: &[],
        deprecated_since: "",
        replaced_by: "",
        arguments: &[],
        subcommands: &[],
        tips: &[],
        run: crate::cx::container,
    };
}

impl KeySpec {
    /// Keys at arguments `first` to `last` (see [`KeyFind::Range`]), every `step`.
    pub const fn range(
        flags: &'static [&'static str],
        first: u16,
        last: i16,
        step: u16,
    ) -> KeySpec {
        KeySpec {
            flags,
            begin: KeyBegin::Index(first),
            find: KeyFind::Range { last, step, limit: 0 },
            notes: "",
        }
    }

    /// One key, at the first argument.
    pub const fn first(flags: &'static [&'static str]) -> KeySpec {
        KeySpec::range(flags, 1, 0, 1)
    }

    /// The same keys with a note.
    pub const fn noting(self, notes: &'static str) -> KeySpec {
        KeySpec { notes, ..self }
    }
}

impl Argument {
    /// An argument without anything special.
    pub const fn new(name: &'static str, kind: ArgumentKind) -> Argument {
        Argument {
            name,
            kind,
            display: "",
            token: "",
            optional: false,
            multiple: false,
            multiple_token: false,
            key_spec_index: None,
            since: "",
            deprecated_since: "",
            arguments: &[],
        }
    }

    /// The key of the first key specification.
    pub const fn key() -> Argument {
        Argument { key_spec_index: Some(0), ..Argument::new("key", ArgumentKind::Key) }
    }

    /// A word without a value.
    pub const fn word(name: &'static str, token: &'static str) -> Argument {
        Argument { token, ..Argument::new(name, ArgumentKind::PureToken) }
    }

    /// One of several.
    pub const fn one_of(name: &'static str, arguments: &'static [Argument]) -> Argument {
        Argument { arguments, ..Argument::new(name, ArgumentKind::OneOf) }
    }

    /// Several together.
    pub const fn block(name: &'static str, arguments: &'static [Argument]) -> Argument {
        Argument { arguments, ..Argument::new(name, ArgumentKind::Block) }
    }

    /// The same argument behind a token.
    pub const fn behind(self, token: &'static str) -> Argument {
        Argument { token, ..self }
    }

    /// The same argument, optional.
    pub const fn optional(self) -> Argument {
        Argument { optional: true, ..self }
    }

    /// The same argument, repeatable.
    pub const fn multiple(self) -> Argument {
        Argument { multiple: true, ..self }
    }

    /// The same argument, shown as something else than its name.
    pub const fn shown_as(self, display: &'static str) -> Argument {
        Argument { display, ..self }
    }

    /// The same argument with the version it appeared in.
    pub const fn since(self, since: &'static str) -> Argument {
        Argument { since, ..self }
    }
}
