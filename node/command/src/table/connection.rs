//! Rows of the connection family.

use crate::connection::{self, client, control, hello, list};
use crate::row::ArgumentKind::{Integer, String};
use crate::row::{Argument, Categories, Flags, Group, Row};

const LOADING: Flags = Flags::LOADING.and(Flags::STALE);
const BEFORE_AUTH: Flags =
    LOADING.and(Flags::NOSCRIPT).and(Flags::FAST).and(Flags::NO_AUTH).and(Flags::ALLOW_BUSY);

const ALL_NODES_SUCCEED: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];
const NONDETERMINISTIC: &[&str] = &["nondeterministic_output"];
const PER_CLIENT: &str = "O(N) with N being the number of connections";

const MESSAGE: Argument = Argument::new("message", String);
const CLIENT_ID: Argument = Argument::new("client-id", Integer);
const ON: Argument = Argument::word("on", "ON");
const OFF: Argument = Argument::word("off", "OFF");
const YES: Argument = Argument::word("yes", "YES");
const NO: Argument = Argument::word("no", "NO");
const ENABLED: &[Argument] = &[Argument::one_of("enabled", &[ON, OFF])];

const COMMON: Row = Row {
    flags: LOADING.and(Flags::FAST),
    categories: Categories::CONNECTION,
    group: Group::Connection,
    ..Row::BASE
};

/// Rows of CLIENT's subcommands about the asker.
const CLIENT: Row = Row { arity: 2, flags: Flags::NOSCRIPT.and(LOADING), ..COMMON };

/// Rows of CLIENT's subcommands about others.
const OTHERS: Row = Row { flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(LOADING), ..CLIENT };

/// The rows.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "ping",
        arity: -1,
        flags: Flags::FAST,
        summary: "Answers, so that the client knows somebody is there.",
        arguments: &[MESSAGE.optional()],
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        run: connection::ping,
        ..COMMON
    },
    Row {
        name: "echo",
        arity: 2,
        summary: "Answers with what it is given.",
        arguments: &[MESSAGE],
        run: connection::echo,
        ..COMMON
    },
    Row {
        name: "select",
        arity: 2,
        summary: "Chooses the database that the next commands work on.",
        arguments: &[Argument::new("index", Integer)],
        run: connection::select,
        ..COMMON
    },
    Row {
        name: "quit",
        arity: -1,
        flags: BEFORE_AUTH.and(Flags::NOT_QUEUED),
        summary: "Ends the connection.",
        doc_flags: &["deprecated"],
        deprecated_since: "7.2.0",
        replaced_by: "just closing the connection",
        run: connection::quit,
        ..COMMON
    },
    Row {
        name: "reset",
        flags: BEFORE_AUTH.and(Flags::NOT_QUEUED),
        since: "6.2.0",
        summary: "Makes the connection as good as new.",
        run: connection::reset,
        ..COMMON
    },
    Row {
        name: "hello",
        arity: -1,
        flags: BEFORE_AUTH,
        since: "6.0.0",
        summary: "Chooses the protocol and tells about the server.",
        history: &[("6.2.0", "The version may be left out, to be told about the server only.")],
        arguments: &[Argument::block(
            "arguments",
            &[
                Argument::new("protover", Integer),
                Argument::block(
                    "auth",
                    &[Argument::new("username", String), Argument::new("password", String)],
                )
                .behind("AUTH")
                .optional(),
                Argument::new("clientname", String).behind("SETNAME").optional(),
            ],
        )
        .optional()],
        run: hello::hello,
        ..COMMON
    },
    Row {
        name: "auth",
        arity: -2,
        flags: BEFORE_AUTH,
        summary: "Proves who the client is.",
        complexity: "O(N) with N being the number of the user's passwords",
        history: &[("6.0.0", "Takes a user's name before the password.")],
        arguments: &[
            Argument::new("username", String).optional().since("6.0.0"),
            Argument::new("password", String),
        ],
        run: hello::auth,
        ..COMMON
    },
    Row {
        name: "client",
        arity: -2,
        flags: Flags::NONE,
        categories: Categories::NONE,
        since: "2.4.0",
        summary: "Commands about connections.",
        complexity: "Depends on the subcommand",
        subcommands: CLIENT_ROWS,
        ..COMMON
    },
];

const CLIENT_ROWS: &[Row] = &[
    Row {
        name: "caching",
        arity: 3,
        since: "6.0.0",
        summary: "Says whether to track the keys of the next command.",
        arguments: &[Argument::one_of("mode", &[YES, NO])],
        run: client::caching,
        ..CLIENT
    },
    Row {
        name: "getname",
        since: "2.6.9",
        summary: "Tells the connection's name.",
        run: client::getname,
        ..CLIENT
    },
    Row {
        name: "getredir",
        since: "6.0.0",
        summary: "Tells which client gets the connection's invalidations.",
        run: client::getredir,
        ..CLIENT
    },
    Row {
        name: "help",
        flags: LOADING,
        since: "5.0.0",
        summary: "Explains the subcommands.",
        run: client::help,
        ..CLIENT
    },
    Row {
        name: "id",
        since: "5.0.0",
        summary: "Tells the connection's unique id.",
        run: client::id,
        ..CLIENT
    },
    Row {
        name: "info",
        since: "6.2.0",
        summary: "Describes the connection.",
        tips: NONDETERMINISTIC,
        run: list::info,
        ..CLIENT
    },
    Row {
        name: "kill",
        arity: -3,
        since: "2.4.0",
        summary: "Closes connections.",
        complexity: PER_CLIENT,
        history: KILL_HISTORY,
        arguments: KILL_ARGUMENTS,
        run: list::kill,
        ..OTHERS
    },
    Row {
        name: "list",
        arity: -2,
        since: "2.4.0",
        summary: "Describes all connections, or some.",
        complexity: PER_CLIENT,
        history: LIST_HISTORY,
        arguments: LIST_ARGUMENTS,
        tips: NONDETERMINISTIC,
        run: list::list,
        ..OTHERS
    },
    Row {
        name: "no-evict",
        arity: 3,
        since: "7.0.0",
        summary: "Spares the connection when clients take too much memory.",
        arguments: ENABLED,
        run: client::no_evict,
        ..OTHERS
    },
    Row {
        name: "no-touch",
        arity: 3,
        since: "7.2.0",
        summary: "Lets the connection's reads leave no trace in the access state of keys.",
        arguments: ENABLED,
        run: client::no_touch,
        ..CLIENT
    },
    Row {
        name: "pause",
        arity: -3,
        since: "3.0.0",
        summary: "Holds back commands of all clients for a time.",
        history: &[("6.2.0", "May hold back writes only.")],
        arguments: &[
            Argument::new("timeout", Integer),
            Argument::one_of(
                "mode",
                &[Argument::word("write", "WRITE"), Argument::word("all", "ALL")],
            )
            .optional()
            .since("6.2.0"),
        ],
        run: control::pause,
        ..OTHERS
    },
    Row {
        name: "reply",
        arity: 3,
        since: "3.2.0",
        summary: "Says whether the connection wants replies.",
        arguments: &[Argument::one_of("action", &[ON, OFF, Argument::word("skip", "SKIP")])],
        run: client::reply,
        ..CLIENT
    },
    Row {
        name: "setinfo",
        arity: 4,
        since: "7.2.0",
        summary: "Tells about the client's library.",
        arguments: &[Argument::one_of(
            "attr",
            &[
                Argument::new("libname", String).behind("LIB-NAME"),
                Argument::new("libver", String).behind("LIB-VER"),
            ],
        )],
        tips: ALL_NODES_SUCCEED,
        run: client::setinfo,
        ..CLIENT
    },
    Row {
        name: "setname",
        arity: 3,
        since: "2.6.9",
        summary: "Names the connection.",
        arguments: &[Argument::new("connection-name", String)],
        tips: ALL_NODES_SUCCEED,
        run: client::setname,
        ..CLIENT
    },
    Row {
        name: "tracking",
        arity: -3,
        since: "6.0.0",
        summary: "Switches invalidation messages for client side caching.",
        complexity: "O(1), more with some of the options",
        arguments: TRACKING_ARGUMENTS,
        run: client::tracking,
        ..CLIENT
    },
    Row {
        name: "trackinginfo",
        since: "6.2.0",
        summary: "Describes the connection's tracking.",
        run: client::trackinginfo,
        ..CLIENT
    },
    Row {
        name: "unblock",
        arity: -3,
        since: "5.0.0",
        summary: "Ends the blocking command that another client waits in.",
        complexity: "O(log N) with N being the number of connections",
        arguments: &[
            CLIENT_ID,
            Argument::one_of(
                "unblock-type",
                &[Argument::word("timeout", "TIMEOUT"), Argument::word("error", "ERROR")],
            )
            .optional(),
        ],
        run: control::unblock,
        ..OTHERS
    },
    Row {
        name: "unpause",
        since: "6.2.0",
        summary: "Lets the commands of a pause go on.",
        complexity: "O(N) with N being the number of clients that wait",
        run: control::unpause,
        ..OTHERS
    },
];

const NORMAL: Argument = Argument::word("normal", "NORMAL");
const PRIMARY: Argument = Argument::word("master", "MASTER");
const REPLICA: Argument = Argument::word("replica", "REPLICA");
const PUBSUB: Argument = Argument::word("pubsub", "PUBSUB");

const KILL_HISTORY: &[(&str, &str)] = &[
    ("2.8.12", "Takes options."),
    ("2.8.12", "`ID` option."),
    ("3.2.0", "`TYPE` knows `master`."),
    ("5.0.0", "`TYPE` knows `replica`, which `slave` stays another word for."),
    ("6.2.0", "`LADDR` option."),
    ("7.4.0", "`MAXAGE` option."),
];

const ADDRESS: Argument = Argument { display: "ip:port", ..Argument::new("addr", String) };

const KILL_ARGUMENTS: &[Argument] = &[Argument::one_of(
    "filter",
    &[
        Argument { name: "old-format", deprecated_since: "2.8.12", ..ADDRESS },
        Argument::one_of(
            "new-format",
            &[
                CLIENT_ID.behind("ID").optional().since("2.8.12"),
                Argument::one_of(
                    "client-type",
                    &[
                        NORMAL,
                        PRIMARY.since("3.2.0"),
                        Argument::word("slave", "SLAVE"),
                        REPLICA.since("5.0.0"),
                        PUBSUB,
                    ],
                )
                .behind("TYPE")
                .optional()
                .since("2.8.12"),
                Argument::new("username", String).behind("USER").optional(),
                ADDRESS.behind("ADDR").optional(),
                Argument { name: "laddr", ..ADDRESS }.behind("LADDR").optional().since("6.2.0"),
                Argument::one_of("skipme", &[YES, NO]).behind("SKIPME").optional(),
                Argument::new("maxage", Integer).behind("MAXAGE").optional().since("7.4.0"),
            ],
        )
        .multiple(),
    ],
)];

const LIST_HISTORY: &[(&str, &str)] = &[
    ("2.8.12", "Field `id`."),
    ("5.0.0", "`TYPE` option."),
    ("6.0.0", "Field `user`."),
    ("6.2.0", "Fields `argv-mem`, `tot-mem`, `laddr` and `redir`, and the `ID` option."),
    ("7.0.0", "Fields `resp`, `multi-mem`, `rbs` and `rbp`."),
    ("7.0.3", "Field `ssub`."),
    ("7.2.0", "Fields `lib-name` and `lib-ver`."),
];

const LIST_ARGUMENTS: &[Argument] = &[
    Argument::one_of("client-type", &[NORMAL, PRIMARY, REPLICA, PUBSUB])
        .behind("TYPE")
        .optional()
        .since("5.0.0"),
    CLIENT_ID.behind("ID").optional().multiple().since("6.2.0"),
];

const TRACKING_ARGUMENTS: &[Argument] = &[
    Argument::one_of("status", &[ON, OFF]),
    CLIENT_ID.behind("REDIRECT").optional(),
    Argument {
        multiple_token: true,
        ..Argument::new("prefix", String).behind("PREFIX").optional().multiple()
    },
    Argument::word("bcast", "BCAST").optional(),
    Argument::word("optin", "OPTIN").optional(),
    Argument::word("optout", "OPTOUT").optional(),
    Argument::word("noloop", "NOLOOP").optional(),
];
