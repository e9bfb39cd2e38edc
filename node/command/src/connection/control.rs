//! CLIENT PAUSE, UNPAUSE and UNBLOCK: holding back and letting go other clients.

use skep_resp::{Args, parse_i64};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::server::PauseScope;

const BAD_MODE: CommandError = CommandError::text("ERR CLIENT PAUSE mode must be WRITE or ALL");
const BAD_REASON: CommandError =
    CommandError::text("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
const TIMEOUT_NOT_INTEGER: CommandError =
    CommandError::text("ERR timeout is not an integer or out of range");
const TIMEOUT_NEGATIVE: CommandError = CommandError::text("ERR timeout is negative");
const TIMEOUT_OUT_OF_RANGE: CommandError = CommandError::text("ERR timeout is out of range");

/// `CLIENT PAUSE timeout [WRITE | ALL]`.
pub(crate) fn pause(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let scope = match args.get(3) {
        _ if args.len() > 4 => return Err(CommandError::subcommand_syntax("CLIENT", &args[1])),
        None => PauseScope::All,
        Some(word) if word.eq_ignore_ascii_case(b"ALL") => PauseScope::All,
        Some(word) if word.eq_ignore_ascii_case(b"WRITE") => PauseScope::Writes,
        Some(_) => return Err(BAD_MODE),
    };
    let timeout_ms = parse_i64(&args[2]).ok_or(TIMEOUT_NOT_INTEGER)?;
    let timeout_ms = u64::try_from(timeout_ms).map_err(|_| TIMEOUT_NEGATIVE)?;
    if cx.now_ms().checked_add(timeout_ms).is_none_or(|end_ms| end_ms > i64::MAX as u64) {
        return Err(TIMEOUT_OUT_OF_RANGE);
    }
    cx.server.pause_clients(timeout_ms, scope);
    cx.reply.ok();
    Ok(())
}

/// `CLIENT UNPAUSE`.
pub(crate) fn unpause(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.server.unpause_clients();
    cx.reply.ok();
    Ok(())
}

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`.
pub(crate) fn unblock(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let with_error = match args.get(3) {
        _ if args.len() > 4 => return Err(CommandError::subcommand_syntax("CLIENT", &args[1])),
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"TIMEOUT") => false,
        Some(word) if word.eq_ignore_ascii_case(b"ERROR") => true,
        Some(_) => return Err(BAD_REASON),
    };
    let id = parse_i64(&args[2]).ok_or(CommandError::NOT_INTEGER)?;
    let unblocked = u64::try_from(id).is_ok_and(|id| cx.server.unblock_client(id, with_error));
    cx.reply.integer(i64::from(unblocked));
    Ok(())
}
