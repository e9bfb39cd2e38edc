//! ROLE, REPLICAOF, WAIT and WAITAOF, for a node on its own: a primary without replicas.

use skep_resp::{Args, parse_i64};

use crate::cx::Cx;
use crate::error::CommandError;

/// `ROLE`: a primary, its replication offset, and its replicas.
pub(crate) fn role(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.array(3);
    cx.reply.bulk(b"master");
    cx.reply.integer(0);
    cx.reply.array(0);
    Ok(())
}

/// `REPLICAOF NO ONE`, which changes nothing, and `REPLICAOF host port`, which is refused.
pub(crate) fn replicaof(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if args[1].eq_ignore_ascii_case(b"NO") && args[2].eq_ignore_ascii_case(b"ONE") {
        cx.reply.ok();
        return Ok(());
    }
    match parse_i64(&args[2]) {
        Some(0..=65535) => Err(CommandError::text(
            "ERR This node cannot follow another server; only REPLICAOF NO ONE is understood",
        )),
        _ => Err(CommandError::text("ERR Invalid master port")),
    }
}

/// `WAIT numreplicas timeout`: how many replicas have what this client wrote. There is none, and
/// none can appear while the client waits, so the answer is given at once instead of at the end of
/// the timeout (which, when 0, would never come).
pub(crate) fn wait(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    parse_i64(&args[1]).ok_or(CommandError::NOT_INTEGER)?;
    check_timeout(&args[2])?;
    cx.reply.integer(0);
    Ok(())
}

/// `WAITAOF numlocal numreplicas timeout`: as WAIT, for logs on disk, of which there is none.
pub(crate) fn waitaof(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    const LOCAL_RANGE: CommandError =
        CommandError::text("ERR value is out of range, value must between 0 and 1");
    const POSITIVE: CommandError =
        CommandError::text("ERR value is out of range, must be positive");
    let local = match parse_i64(&args[1]) {
        Some(local @ 0..=1) => local,
        Some(_) => return Err(LOCAL_RANGE),
        None => return Err(CommandError::NOT_INTEGER),
    };
    match parse_i64(&args[2]) {
        Some(0..) => {}
        _ => return Err(POSITIVE),
    }
    check_timeout(&args[3])?;
    if local > 0 {
        return Err(CommandError::text(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    cx.reply.array(2);
    cx.reply.integer(0);
    cx.reply.integer(0);
    Ok(())
}

/// Checks a timeout in milliseconds.
fn check_timeout(argument: &[u8]) -> Result<(), CommandError> {
    match parse_i64(argument) {
        Some(0..) => Ok(()),
        Some(_) => Err(CommandError::text("ERR timeout is negative")),
        None => Err(CommandError::text("ERR timeout is not an integer or out of range")),
    }
}
