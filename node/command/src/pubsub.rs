//! Publish and subscribe.
//!
//! Confirmations and messages are pushes: they answer no request, in RESP3 by their type, and
//! CLIENT REPLY does not leave them out. A command about several channels confirms each by itself.
//! Messages that reached the client before it unsubscribed stand before the confirmation.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;
use crate::server::ChannelKind;

/// The reply of PUBSUB HELP.
const HELP: &[&str] = &[
    "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CHANNELS [<pattern>]",
    "    List the channels that somebody is subscribed to, all or those that match <pattern>.",
    "NUMPAT",
    "    Count the patterns that somebody is subscribed to.",
    "NUMSUB [<channel> ...]",
    "    Count the subscribers of channels, patterns left out.",
    "SHARDCHANNELS [<pattern>]",
    "    List the shard channels that somebody is subscribed to, all or those that match",
    "    <pattern>.",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Count the subscribers of shard channels.",
    "HELP",
    "    Print this help.",
];

/// `SUBSCRIBE channel [channel ...]`.
pub(crate) fn subscribe(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    add(cx, args, ChannelKind::Channel, "subscribe")
}

/// `PSUBSCRIBE pattern [pattern ...]`.
pub(crate) fn psubscribe(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    add(cx, args, ChannelKind::Pattern, "psubscribe")
}

/// `SSUBSCRIBE shardchannel [shardchannel ...]`.
pub(crate) fn ssubscribe(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    add(cx, args, ChannelKind::Shard, "ssubscribe")
}

/// `UNSUBSCRIBE [channel ...]`.
pub(crate) fn unsubscribe(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    remove(cx, args, ChannelKind::Channel, "unsubscribe")
}

/// `PUNSUBSCRIBE [pattern ...]`.
pub(crate) fn punsubscribe(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    remove(cx, args, ChannelKind::Pattern, "punsubscribe")
}

/// `SUNSUBSCRIBE [shardchannel ...]`.
pub(crate) fn sunsubscribe(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    remove(cx, args, ChannelKind::Shard, "sunsubscribe")
}

fn add(cx: &mut Cx<'_>, args: Args<'_>, kind: ChannelKind, word: &str) -> Result<(), CommandError> {
    for name in args.iter().skip(1) {
        let is_new = cx.server.subscribe(cx.client, kind, name);
        *cx.client.subscriptions.of_mut(kind) += usize::from(is_new);
        confirm(cx, kind, word, Some(name));
    }
    Ok(())
}

fn remove(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    kind: ChannelKind,
    word: &str,
) -> Result<(), CommandError> {
    if args.len() > 1 {
        args.iter().skip(1).for_each(|name| remove_one(cx, kind, word, name));
        return Ok(());
    }
    let names = cx.server.subscriptions(cx.client, kind);
    names.iter().for_each(|name| remove_one(cx, kind, word, name));
    if names.is_empty() {
        confirm(cx, kind, word, None);
    }
    Ok(())
}

fn remove_one(cx: &mut Cx<'_>, kind: ChannelKind, word: &str, name: &[u8]) {
    let was = cx.server.unsubscribe(cx.client, kind, name);
    *cx.client.subscriptions.of_mut(kind) -= usize::from(was);
    cx.server.take_pushes(cx.client, cx.reply);
    confirm(cx, kind, word, Some(name));
}

/// Confirms a change with what the client is now subscribed to: shard channels count by
/// themselves, channels and patterns together.
fn confirm(cx: &mut Cx<'_>, kind: ChannelKind, word: &str, name: Option<&[u8]>) {
    let subscriptions = cx.client.subscriptions;
    let count = match kind {
        ChannelKind::Shard => subscriptions.shard_channels,
        ChannelKind::Channel | ChannelKind::Pattern => {
            subscriptions.channels + subscriptions.patterns
        }
    };
    cx.reply.push(3);
    cx.reply.bulk(word.as_bytes());
    match name {
        Some(name) => cx.reply.bulk(name),
        None => cx.reply.null(),
    }
    cx.reply.integer(count as i64);
}

/// `PUBLISH channel message`.
pub(crate) fn publish(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    send(cx, args, ChannelKind::Channel)
}

/// `SPUBLISH shardchannel message`.
pub(crate) fn spublish(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    send(cx, args, ChannelKind::Shard)
}

fn send(cx: &mut Cx<'_>, args: Args<'_>, kind: ChannelKind) -> Result<(), CommandError> {
    let count = cx.server.publish(kind, &args[1], &args[2]);
    // A message to the client itself stands behind the reply, or behind that of the transaction.
    cx.client.pushes_due |= cx.client.subscriptions.any();
    cx.reply.integer(count as i64);
    Ok(())
}

/// `PUBSUB CHANNELS [pattern]`.
pub(crate) fn channels(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    list(cx, args, ChannelKind::Channel)
}

/// `PUBSUB SHARDCHANNELS [pattern]`.
pub(crate) fn shard_channels(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    list(cx, args, ChannelKind::Shard)
}

fn list(cx: &mut Cx<'_>, args: Args<'_>, kind: ChannelKind) -> Result<(), CommandError> {
    if args.len() > 3 {
        return Err(CommandError::subcommand_syntax("PUBSUB", &args[1]));
    }
    let channels = cx.server.channels(kind, args.get(2));
    cx.reply.array(channels.len());
    channels.iter().for_each(|channel| cx.reply.bulk(channel));
    Ok(())
}

/// `PUBSUB NUMSUB [channel ...]`.
pub(crate) fn numsub(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    count(cx, args, ChannelKind::Channel)
}

/// `PUBSUB SHARDNUMSUB [shardchannel ...]`.
pub(crate) fn shard_numsub(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    count(cx, args, ChannelKind::Shard)
}

fn count(cx: &mut Cx<'_>, args: Args<'_>, kind: ChannelKind) -> Result<(), CommandError> {
    let channels = args.from(2);
    cx.reply.array(channels.len() * 2);
    for channel in channels.iter() {
        cx.reply.bulk(channel);
        cx.reply.integer(cx.server.subscriber_count(kind, channel) as i64);
    }
    Ok(())
}

/// `PUBSUB NUMPAT`.
pub(crate) fn numpat(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.integer(cx.server.pattern_count() as i64);
    Ok(())
}

/// `PUBSUB HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.array(HELP.len());
    HELP.iter().for_each(|line| cx.reply.simple(line));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn each_channel_is_confirmed_with_the_count_so_far() {
        Bench::resp3().expect(&[
            (
                "SUBSCRIBE a b a",
                ">3 $9 subscribe $1 a :1 >3 $9 subscribe $1 b :2 >3 $9 subscribe $1 a :2",
            ),
            ("PSUBSCRIBE a*", ">3 $10 psubscribe $2 a* :3"),
            ("SSUBSCRIBE a", ">3 $10 ssubscribe $1 a :1"),
            ("UNSUBSCRIBE a", ">3 $11 unsubscribe $1 a :2"),
            ("UNSUBSCRIBE", ">3 $11 unsubscribe $1 b :1"),
            ("UNSUBSCRIBE", ">3 $11 unsubscribe _ :1"),
            ("PUNSUBSCRIBE", ">3 $12 punsubscribe $2 a* :0"),
            ("SUNSUBSCRIBE other", ">3 $12 sunsubscribe $5 other :1"),
        ]);
    }

    #[test]
    fn a_resp2_subscriber_may_do_little_else() {
        let mut bench = Bench::new();
        let refused = "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / \
                       PING / QUIT / RESET are allowed in this context";
        bench.expect(&[
            ("SUBSCRIBE a", "*3 $9 subscribe $1 a :1"),
            ("CLIENT ID", refused),
            ("PING", "*2 $4 pong $0 "),
            ("PING hi", "*2 $4 pong $2 hi"),
            ("UNSUBSCRIBE", "*3 $11 unsubscribe $1 a :0"),
            ("UNSUBSCRIBE", "*3 $11 unsubscribe $-1 :0"),
            ("CLIENT ID", ":1"),
        ]);
    }

    #[test]
    fn a_message_to_oneself_comes_behind_the_reply() {
        let mut bench = Bench::resp3();
        bench.ask("SUBSCRIBE a");
        bench.expect(&[
            ("PUBLISH a one", ":1 ~one"),
            ("PUBLISH b none", ":0"),
            ("MULTI", "+OK"),
            ("PUBLISH a two", "+QUEUED"),
            ("PING", "+QUEUED"),
            ("EXEC", "*2 :1 +PONG ~two"),
        ]);
    }

    #[test]
    fn messages_before_unsubscribing_come_before_its_confirmation() {
        let mut bench = Bench::resp3();
        bench.ask("SUBSCRIBE a");
        bench.server.mailbox.lock().extend_from_slice(b"~late\r\n");
        bench.expect(&[("UNSUBSCRIBE a", "~late >3 $11 unsubscribe $1 a :0")]);
    }

    #[test]
    fn pushes_are_sent_even_if_replies_are_not_wanted() {
        Bench::resp3().expect(&[
            ("CLIENT REPLY OFF", ""),
            ("SUBSCRIBE a", ">3 $9 subscribe $1 a :1"),
            ("SUBSCRIBE", ""),
            ("PUBLISH a one", "~one"),
        ]);
    }

    #[test]
    fn pubsub_tells_about_channels_and_shard_channels_apart() {
        Bench::resp3().expect(&[
            ("SUBSCRIBE a", ">3 $9 subscribe $1 a :1"),
            ("SSUBSCRIBE s", ">3 $10 ssubscribe $1 s :1"),
            ("PSUBSCRIBE p*", ">3 $10 psubscribe $2 p* :2"),
            ("PUBSUB CHANNELS", "*1 $1 a"),
            ("PUBSUB SHARDCHANNELS", "*1 $1 s"),
            ("PUBSUB NUMSUB a s", "*4 $1 a :1 $1 s :0"),
            ("PUBSUB SHARDNUMSUB a s", "*4 $1 a :0 $1 s :1"),
            ("PUBSUB NUMPAT", ":1"),
            (
                "PUBSUB CHANNELS a b",
                "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB \
                 HELP.",
            ),
        ]);
    }
}
