//! Commands about the connection itself: greeting, authentication, the selected database, and
//! CLIENT with its subcommands.
//!
//! They touch no keys. What others may see of a client is told to the server when it changes.

pub(crate) mod client;
pub(crate) mod control;
pub(crate) mod hello;
pub(crate) mod list;
#[cfg(test)]
mod tests;

use skep_resp::{Args, Protocol};

use crate::client::ReplyMode;
use crate::cx::Cx;
use crate::error::CommandError;
use crate::server::ChannelKind;
use crate::{key, transaction};

/// `PING [message]`. A RESP2 subscriber gets an array, because its connection carries messages.
pub(crate) fn ping(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if args.len() > 2 {
        return Err(CommandError::wrong_arity("ping"));
    }
    if cx.client.subscriptions.any() && cx.client.protocol == Protocol::Resp2 {
        cx.reply.array(2);
        cx.reply.bulk(b"pong");
        cx.reply.bulk(args.get(1).unwrap_or_default());
    } else {
        match args.get(1) {
            Some(message) => cx.reply.bulk(message),
            None => cx.reply.simple("PONG"),
        }
    }
    Ok(())
}

/// `ECHO message`.
pub(crate) fn echo(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    cx.reply.bulk(&args[1]);
    Ok(())
}

/// `QUIT`: what was sent behind it is not looked at.
pub(crate) fn quit(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.ok();
    cx.client.close_after_reply = true;
    Ok(())
}

/// `SELECT index`.
pub(crate) fn select(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = key::database_argument(cx, &args[1])?;
    key::check_database_of_cluster(cx, database, "SELECT")?;
    cx.client.database = database;
    cx.reply.ok();
    Ok(())
}

/// `RESET`: the connection is as if new, but for its id and its library's name.
pub(crate) fn reset(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.client.transaction = None;
    transaction::unwatch(cx);
    for kind in [ChannelKind::Channel, ChannelKind::Shard, ChannelKind::Pattern] {
        for name in cx.server.subscriptions(cx.client, kind) {
            cx.server.unsubscribe(cx.client, kind, &name);
        }
    }
    cx.client.monitors = false;
    cx.server.watch_commands(cx.client, false);
    // Messages that came before still go out, in the protocol they are in.
    cx.server.take_pushes(cx.client, cx.reply);
    let client = &mut *cx.client;
    client.subscriptions = Default::default();
    client.database = 0;
    client.protocol = Protocol::Resp2;
    let (users, version) = cx.server.users();
    client.sign_out((&users, version));
    client.name.clear();
    client.no_evict = false;
    client.no_touch = false;
    client.reply_mode = ReplyMode::On;
    client.reads_replica = false;
    cx.reply.set_protocol(Protocol::Resp2);
    cx.server.client_changed(cx.client);
    cx.reply.simple("RESET");
    Ok(())
}

/// Whether a name may stand in a line of CLIENT LIST: printable ASCII without blanks.
fn is_nameable(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_graphic)
}
