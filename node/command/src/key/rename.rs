//! RENAME, RENAMENX, COPY and MOVE: a value, with its expiry, under another name or in another
//! database. Large values are shared, not copied.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::database_argument;

const SAME_OBJECT: CommandError =
    CommandError::text("ERR source and destination objects are the same");

/// `RENAME key newkey`.
pub(crate) fn rename(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    rename_key(cx, args, true)?;
    cx.reply.ok();
    Ok(())
}

/// `RENAMENX key newkey`: does nothing when the new key is there already.
pub(crate) fn renamenx(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let renamed = rename_key(cx, args, false)?;
    cx.reply.integer(i64::from(renamed));
    Ok(())
}

/// Renames a key and answers whether it did.
fn rename_key(cx: &mut Cx<'_>, args: Args<'_>, replace: bool) -> Result<bool, CommandError> {
    let database = cx.database();
    let (source, target) = (cx.key(&args[1]), cx.key(&args[2]));
    if cx.view.find(database, &source).is_none() {
        return Err(CommandError::NO_SUCH_KEY);
    }
    if source.bytes == target.bytes {
        return Ok(false);
    }
    if !replace && cx.view.find(database, &target).is_some() {
        return Ok(false);
    }
    Ok(cx.view.move_value((database, &source), (database, &target))?)
}

/// `COPY source destination [DB destination-db] [REPLACE]`.
pub(crate) fn copy(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let (mut target_database, mut replace) = (database, false);
    let mut options = args.iter().skip(3);
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"REPLACE") {
            replace = true;
        } else if option.eq_ignore_ascii_case(b"DB") {
            let number = options.next().ok_or(CommandError::SYNTAX)?;
            target_database = database_argument(cx, number)?;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    let (source, target) = (cx.key(&args[1]), cx.key(&args[2]));
    if target_database != 0 && cx.server.routes().is_some() {
        const REFUSED: &str = "ERR Copying to another database is not allowed in cluster mode";
        return Err(CommandError::text(REFUSED));
    }
    if target_database == database && source.bytes == target.bytes {
        return Err(SAME_OBJECT);
    }
    let is_there = cx.view.read(database, &source).is_some();
    let is_free = replace || cx.view.find(target_database, &target).is_none();
    let copied = is_there
        && is_free
        && cx.view.copy_value((database, &source), (target_database, &target))?;
    cx.reply.integer(i64::from(copied));
    Ok(())
}

/// `MOVE key db`: does nothing when the key is there already.
pub(crate) fn move_key(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    if cx.server.routes().is_some() {
        return Err(CommandError::text("ERR MOVE is not allowed in cluster mode"));
    }
    let target_database = database_argument(cx, &args[2])?;
    if target_database == database {
        return Err(SAME_OBJECT);
    }
    let key = cx.key(&args[1]);
    let is_there = cx.view.find(database, &key).is_some();
    let moved = is_there
        && cx.view.find(target_database, &key).is_none()
        && cx.view.move_value((database, &key), (target_database, &key))?;
    cx.reply.integer(i64::from(moved));
    Ok(())
}
