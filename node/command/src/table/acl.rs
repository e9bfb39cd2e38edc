//! Rows of ACL's subcommands.

use super::server::{ADMIN_ANY_TIME, ALL_NODES_SUCCEED, ANY_TIME, COMMON, HELP};
use crate::acl::commands as acl;
use crate::row::ArgumentKind::{Integer, String};
use crate::row::{Argument, Flags, Row};

const BY_USERS: &str = "O(N) with N being the number of users";

const ADMIN: Row = Row { arity: 2, flags: ADMIN_ANY_TIME, since: "6.0.0", ..COMMON };
const ANYBODY: Row = Row { flags: Flags::NOSCRIPT.and(ANY_TIME), ..ADMIN };

const USERNAME: Argument = Argument::new("username", String);

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "cat",
        arity: -2,
        summary: "Lists the categories of commands, or the commands of one.",
        complexity: "O(N) with N being the number of commands",
        arguments: &[Argument::new("category", String).optional()],
        run: acl::cat,
        ..ANYBODY
    },
    Row {
        name: "deluser",
        arity: -3,
        summary: "Removes users and ends their connections.",
        complexity: "O(N) with N being the number of connections",
        arguments: &[USERNAME.multiple()],
        tips: ALL_NODES_SUCCEED,
        run: acl::deluser,
        ..ADMIN
    },
    Row {
        name: "dryrun",
        arity: -4,
        since: "7.0.0",
        summary: "Tells whether a user may run a command, without running it.",
        arguments: &[
            USERNAME,
            Argument::new("command", String),
            Argument::new("arg", String).optional().multiple(),
        ],
        run: acl::dryrun,
        ..ADMIN
    },
    Row {
        name: "genpass",
        arity: -2,
        summary: "Makes a random password.",
        arguments: &[Argument::new("bits", Integer).optional()],
        run: acl::genpass,
        ..ANYBODY
    },
    Row {
        name: "getuser",
        arity: 3,
        summary: "Shows what a user may do.",
        complexity: "O(N) with N being the number of the user's passwords and rules",
        history: &[
            ("6.2.0", "Shows channel patterns."),
            ("7.0.0", "Shows selectors, and patterns as rules."),
        ],
        arguments: &[USERNAME],
        run: acl::getuser,
        ..ADMIN
    },
    Row { since: "6.0.0", run: acl::help, ..HELP },
    Row {
        name: "list",
        summary: "Shows all users as lines of a file.",
        complexity: BY_USERS,
        run: acl::list,
        ..ADMIN
    },
    Row {
        name: "load",
        summary: "Reads the users from the ACL file.",
        complexity: BY_USERS,
        run: acl::load,
        ..ADMIN
    },
    Row {
        name: "log",
        arity: -2,
        summary: "Shows the latest refusals, or forgets them.",
        complexity: "O(N) with N being the number of entries shown",
        history: &[("7.2.0", "Shows the entry's number and when it was made and changed.")],
        arguments: &[Argument::one_of(
            "operation",
            &[Argument::new("count", Integer), Argument::word("reset", "RESET")],
        )
        .optional()],
        run: acl::log,
        ..ADMIN
    },
    Row {
        name: "save",
        summary: "Writes the users to the ACL file.",
        complexity: BY_USERS,
        tips: ALL_NODES_SUCCEED,
        run: acl::save,
        ..ADMIN
    },
    Row {
        name: "setuser",
        arity: -3,
        summary: "Adds a user, or changes what one may do.",
        complexity: "O(N) with N being the number of rules",
        history: &[
            ("6.2.0", "Takes channel patterns."),
            ("7.0.0", "Takes selectors, and patterns for reading and for writing."),
        ],
        arguments: &[USERNAME, Argument::new("rule", String).optional().multiple()],
        tips: ALL_NODES_SUCCEED,
        run: acl::setuser,
        ..ADMIN
    },
    Row {
        name: "users",
        summary: "Lists the names of all users.",
        complexity: BY_USERS,
        run: acl::users,
        ..ADMIN
    },
    Row {
        name: "whoami",
        arity: 2,
        summary: "Tells who this connection has authenticated as.",
        run: acl::whoami,
        ..ANYBODY
    },
];
