//! Whole databases: FLUSHDB, FLUSHALL and SWAPDB.
//!
//! Flushing goes from stripe to stripe: other clients may see a database half empty, and keys
//! they write behind its back stay. Within EXEC nobody sees anything in between.

use skep_resp::{Args, parse_i64};
use skep_store::{Database, View};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::existing_database;

/// `FLUSHDB [ASYNC | SYNC]`.
pub(crate) fn flushdb(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    flush(cx, args, database..=database)
}

/// `FLUSHALL [ASYNC | SYNC]`.
pub(crate) fn flushall(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let last = Database::try_from(cx.view.store().databases().saturating_sub(1));
    flush(cx, args, 0..=last.unwrap_or(Database::MAX))
}

/// Empties databases. ASYNC and SYNC mean the same: no other command waits for more than a stripe.
fn flush(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    databases: std::ops::RangeInclusive<Database>,
) -> Result<(), CommandError> {
    let is_mode =
        |word: &[u8]| word.eq_ignore_ascii_case(b"ASYNC") || word.eq_ignore_ascii_case(b"SYNC");
    if args.len() > 2 || !args.get(1).is_none_or(is_mode) {
        return Err(CommandError::SYNTAX);
    }
    cx.view.each_stripe(&mut |view: &mut View<'_>, _| {
        for database in databases.clone() {
            view.clear(database);
        }
        true
    });
    cx.reply.ok();
    Ok(())
}

/// `SWAPDB index1 index2`.
pub(crate) fn swapdb(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if cx.server.routes().is_some() {
        return Err(CommandError::text("ERR SWAPDB is not allowed in cluster mode"));
    }
    let number = |argument: &[u8], error: &'static str| {
        parse_i64(argument)
            .and_then(|number| i32::try_from(number).ok())
            .ok_or(CommandError::text(error))
    };
    let one = number(&args[1], "ERR invalid first DB index")?;
    let other = number(&args[2], "ERR invalid second DB index")?;
    let (one, other) = (existing_database(cx, one)?, existing_database(cx, other)?);
    if one != other {
        cx.view.with_all_stripes(|view| view.swap(one, other));
    }
    cx.reply.ok();
    Ok(())
}
