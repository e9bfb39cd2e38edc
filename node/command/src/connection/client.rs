//! CLIENT subcommands about the asking connection alone: its id, names and modes.

use skep_resp::Args;

use crate::client::ReplyMode;
use crate::connection::is_nameable;
use crate::cx::Cx;
use crate::error::CommandError;

/// A name that would break the lines of CLIENT LIST.
pub(crate) const BAD_NAME: CommandError =
    CommandError::text("ERR Client names cannot contain spaces, newlines or special characters.");
const NO_TRACKING: CommandError = CommandError::text(
    "ERR client side caching is not available on this server, use CLIENT TRACKING OFF",
);
const NOT_TRACKING: CommandError = CommandError::text(
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
     OPTOUT mode enabled",
);

/// The reply of CLIENT HELP.
const HELP: &[&str] = &[
    "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CACHING (YES|NO)",
    "    Say whether to track the keys of the next command, where tracking asks for that.",
    "GETREDIR",
    "    Tell the id of the client that gets this connection's invalidations.",
    "GETNAME",
    "    Tell this connection's name.",
    "ID",
    "    Tell this connection's id.",
    "INFO",
    "    Describe this connection.",
    "KILL <ip:port>",
    "    Close the connection from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Close the connections that all of these are true of:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      Connected from this address.",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      Connected to this address of ours.",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Of this type.",
    "    * USER <username>",
    "      Authenticated as this user.",
    "    * SKIPME (YES|NO)",
    "      Whether to spare this connection (default: yes).",
    "    * ID <client-id>",
    "      With this id.",
    "    * MAXAGE <maxage>",
    "      Connected for at least this many seconds.",
    "LIST [options ...]",
    "    Describe connections. Options are:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Those of this type.",
    "    * ID <client-id> [<client-id> ...]",
    "      Those with these ids.",
    "UNPAUSE",
    "    End a pause: commands go on.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Hold back everybody's commands, or just writes, for <timeout> milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Say whether this connection wants replies.",
    "SETNAME <name>",
    "    Name this connection.",
    "SETINFO <option> <value>",
    "    Tell about the client. Options are:",
    "    * LIB-NAME: the name of its library.",
    "    * LIB-VER: the version of its library.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    End the blocking command that a client waits in.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "    Switch invalidation messages for client side caching.",
    "TRACKINGINFO",
    "    Describe this connection's tracking.",
    "NO-EVICT (ON|OFF)",
    "    Spare this connection when clients take too much memory.",
    "NO-TOUCH (ON|OFF)",
    "    Let this connection's reads leave no trace in the access state of keys.",
    "HELP",
    "    Print this help.",
];

/// `CLIENT HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.array(HELP.len());
    HELP.iter().for_each(|line| cx.reply.simple(line));
    Ok(())
}

/// `CLIENT ID`.
pub(crate) fn id(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.integer(cx.client.id as i64);
    Ok(())
}

/// `CLIENT GETNAME`.
pub(crate) fn getname(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    if cx.client.name.is_empty() {
        cx.reply.null();
    } else {
        cx.reply.bulk(&cx.client.name);
    }
    Ok(())
}

/// `CLIENT SETNAME connection-name`: an empty one takes the name away.
pub(crate) fn setname(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if !is_nameable(&args[2]) {
        return Err(BAD_NAME);
    }
    cx.client.name = args[2].to_vec();
    cx.server.client_changed(cx.client);
    cx.reply.ok();
    Ok(())
}

/// `CLIENT SETINFO LIB-NAME libname | LIB-VER libver`.
pub(crate) fn setinfo(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (option, value) = (&args[2], &args[3]);
    let target = if option.eq_ignore_ascii_case(b"LIB-NAME") {
        &mut cx.client.library_name
    } else if option.eq_ignore_ascii_case(b"LIB-VER") {
        &mut cx.client.library_version
    } else {
        return Err(CommandError::quoting("ERR Unrecognized option '", option, "'"));
    };
    if !is_nameable(value) {
        return Err(CommandError::quoting(
            "ERR ",
            option,
            " cannot contain spaces, newlines or special characters.",
        ));
    }
    *target = value.to_vec();
    cx.server.client_changed(cx.client);
    cx.reply.ok();
    Ok(())
}

/// `CLIENT REPLY ON | OFF | SKIP`. Only ON answers; the dispatcher leaves out the other replies.
pub(crate) fn reply(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let word = &args[2];
    if word.eq_ignore_ascii_case(b"ON") {
        cx.client.reply_mode = ReplyMode::On;
        cx.reply.ok();
    } else if word.eq_ignore_ascii_case(b"OFF") {
        cx.client.reply_mode = ReplyMode::Off;
    } else if word.eq_ignore_ascii_case(b"SKIP") {
        if cx.client.reply_mode != ReplyMode::Off {
            cx.client.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::SYNTAX);
    }
    Ok(())
}

/// `CLIENT NO-EVICT ON | OFF`.
pub(crate) fn no_evict(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    cx.client.no_evict = switch(&args[2])?;
    cx.reply.ok();
    Ok(())
}

/// `CLIENT NO-TOUCH ON | OFF`.
pub(crate) fn no_touch(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    cx.client.no_touch = switch(&args[2])?;
    cx.reply.ok();
    Ok(())
}

fn switch(word: &[u8]) -> Result<bool, CommandError> {
    match word {
        on if on.eq_ignore_ascii_case(b"ON") => Ok(true),
        off if off.eq_ignore_ascii_case(b"OFF") => Ok(false),
        _ => Err(CommandError::SYNTAX),
    }
}

/// `CLIENT TRACKING ON | OFF ...`: nothing is tracked, so that only OFF can be done.
pub(crate) fn tracking(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if switch(&args[2])? {
        return Err(NO_TRACKING);
    }
    cx.reply.ok();
    Ok(())
}

/// `CLIENT CACHING YES | NO`: as Redis answers a connection without tracking.
pub(crate) fn caching(_: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    Err(NOT_TRACKING)
}

/// `CLIENT GETREDIR`: no tracking.
pub(crate) fn getredir(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.integer(-1);
    Ok(())
}

/// `CLIENT TRACKINGINFO`: no tracking.
pub(crate) fn trackinginfo(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.map(3);
    cx.reply.bulk(b"flags");
    cx.reply.set(1);
    cx.reply.bulk(b"off");
    cx.reply.bulk(b"redirect");
    cx.reply.integer(-1);
    cx.reply.bulk(b"prefixes");
    cx.reply.array(0);
    Ok(())
}
