//! MULTI, EXEC, DISCARD, WATCH and UNWATCH: transactions as data.
//!
//! Queued commands are kept as arguments. EXEC runs them under one view that holds the stripes of
//! all their keys, so nobody sees a part of it. A watch is a flag that the stripe sets when the
//! key changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use skep_resp::{Args, OwnedArgs};
use skep_store::{Store, StripeSet};

use crate::acl::session::permit_queued;
use crate::client::{Client, ReplyMode, Transaction};
use crate::cx::Cx;
use crate::dispatch::{drop_reply, invoke, is_watchable, resolve, stripes_of};
use crate::error::CommandError;
use crate::row::Flags;
use crate::table::Command;

/// Memory that a queued command takes besides its arguments: itself and two allocations.
const QUEUED_COMMAND_BYTES: usize = size_of::<OwnedArgs>() + 2 * 16;
/// Memory that an argument takes besides its bytes, at most.
const QUEUED_ARGUMENT_BYTES: usize = 16;
/// Keys that a client may watch.
const MAX_WATCHES: usize = 1 << 20;

/// Adds a command to the client's transaction.
pub(crate) fn queue(client: &mut Client, command: &'static Command, args: Args<'_>) {
    if let Some(transaction) = &mut client.transaction {
        transaction.queued_bytes +=
            args.total_bytes() + QUEUED_COMMAND_BYTES + args.len() * QUEUED_ARGUMENT_BYTES;
        transaction.uses_memory |= command.row.flags.has(Flags::DENYOOM);
        transaction.commands.push(OwnedArgs::from(args));
    }
}

/// The stripes that a command needs for the sake of the client's transaction or watches, when it
/// is one that ends them.
pub(crate) fn stripes(store: &Store, client: &Client, command: &Command) -> Option<StripeSet> {
    match command.row.name {
        "exec" | "discard" | "unwatch" | "reset" => {}
        _ => return None,
    }
    let mut held = watched_stripes(store, client);
    if command.row.name == "exec" {
        for queued in client.transaction.iter().flat_map(|transaction| &transaction.commands) {
            let args = queued.as_args();
            match resolve(args) {
                Ok(command) if command.row.flags.has(Flags::ALL_KEYS) => {
                    return Some(StripeSet::ALL);
                }
                Ok(command) => held.extend(stripes_of(store, command.row, args)),
                Err(_) => {}
            }
        }
    }
    Some(held)
}

/// Whether a command, or the transaction that it would run, may change what replicas have.
pub(crate) fn may_write(client: &Client, command: &Command) -> bool {
    let writes = |command: &Command| {
        command.row.flags.has(Flags::WRITE) || command.row.flags.has(Flags::MAY_REPLICATE)
    };
    let mut queued = client.transaction.iter().flat_map(|queued| &queued.commands);
    writes(command)
        || (command.row.name == "exec"
            && queued.any(|args| resolve(args.as_args()).is_ok_and(writes)))
}

/// The stripes of the keys a client watches.
pub(crate) fn watched_stripes(store: &Store, client: &Client) -> StripeSet {
    let mut held = StripeSet::NONE;
    client.watches.iter().for_each(|(_, key)| held.insert(store.key(key).stripe()));
    held
}

/// Ends all watches of the client. The view holds their stripes.
pub(crate) fn unwatch(cx: &mut Cx<'_>) {
    for (database, key) in std::mem::take(&mut cx.client.watches) {
        let key = cx.view.key(&key);
        cx.view.unwatch(database, &key, &cx.client.watch_broken);
    }
    // A fresh flag, so that a late change of an old watch cannot break a new one.
    if cx.client.watch_broken.load(Relaxed) {
        cx.client.watch_broken = Arc::new(AtomicBool::new(false));
    }
}

pub(crate) fn multi(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    if cx.client.transaction.is_some() {
        return Err(CommandError::text("ERR MULTI calls can not be nested"));
    }
    cx.client.transaction = Some(Transaction::default());
    cx.reply.ok();
    Ok(())
}

pub(crate) fn discard(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    if cx.client.transaction.take().is_none() {
        return Err(CommandError::text("ERR DISCARD without MULTI"));
    }
    unwatch(cx);
    cx.reply.ok();
    Ok(())
}

pub(crate) fn exec(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let Some(transaction) = cx.client.transaction.take() else {
        return Err(CommandError::text("ERR EXEC without MULTI"));
    };
    notice_expired_watches(cx);
    let broken = cx.client.watch_broken.load(Relaxed);
    unwatch(cx);
    if transaction.failed {
        return Err(CommandError::text(
            "EXECABORT Transaction discarded because of previous errors.",
        ));
    }
    if broken {
        cx.reply.null_array();
        return Ok(());
    }
    if cx.client.reply_mode != ReplyMode::Off {
        cx.reply.array(transaction.commands.len());
    }
    cx.client.in_exec = true;
    for queued in &transaction.commands {
        let args = queued.as_args();
        // It was found when it was queued, and the table does not change.
        let Ok(command) = resolve(args) else { continue };
        let (before, silent) = (cx.reply.checkpoint(), cx.client.reply_mode == ReplyMode::Off);
        match permit_queued(cx.client, cx.server, command, args) {
            Ok(()) => invoke(cx, command, args),
            Err(error) => {
                cx.statistics.rejected(Some(command), &error);
                cx.reply.error_bytes(error.as_bytes());
            }
        }
        if is_watchable(command) {
            cx.server.tell_watchers(cx.client, args);
        }
        // CLIENT REPLY may be one of the commands.
        if silent && cx.client.reply_mode == ReplyMode::Off {
            drop_reply(cx.reply, Some(command), before);
        }
    }
    cx.client.in_exec = false;
    Ok(())
}

/// A watched key whose time has come counts as changed; looking at it removes it.
fn notice_expired_watches(cx: &mut Cx<'_>) {
    for (database, key) in &cx.client.watches {
        let key = cx.view.key(key);
        let _ = cx.view.peek(*database, &key);
    }
}

pub(crate) fn watch(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if cx.client.transaction.is_some() {
        return Err(CommandError::text("ERR WATCH inside MULTI is not allowed"));
    }
    let database = cx.database();
    if cx.client.watches.len() + args.len() > MAX_WATCHES {
        return Err(CommandError::text("ERR too many watched keys; EXEC or UNWATCH first"));
    }
    for bytes in args.iter().skip(1) {
        if cx.client.watches.insert((database, bytes.to_vec())) {
            let key = cx.key(bytes);
            cx.view.watch(database, &key, &cx.client.watch_broken);
        }
    }
    cx.reply.ok();
    Ok(())
}

pub(crate) fn unwatch_all(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    unwatch(cx);
    cx.reply.ok();
    Ok(())
}
