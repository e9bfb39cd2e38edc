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
    check_timeout(cx, &args[2])?;
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
    check_timeout(cx, &args[3])?;
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

/// Checks a timeout in milliseconds from now.
fn check_timeout(cx: &Cx<'_>, argument: &[u8]) -> Result<(), CommandError> {
    let latest = i64::MAX - cx.now_ms() as i64;
    match parse_i64(argument) {
        Some(timeout) if timeout > latest => Err(CommandError::text("ERR timeout is out of range")),
        Some(0..) => Ok(()),
        Some(_) => Err(CommandError::text("ERR timeout is negative")),
        None => Err(CommandError::text("ERR timeout is not an integer or out of range")),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn a_node_on_its_own_is_a_primary_without_replicas() {
        Bench::new().expect(&[
            ("ROLE", "*3 $6 master :0 *0"),
            ("REPLICAOF NO ONE", "+OK"),
            ("SLAVEOF no one", "+OK"),
            ("REPLICAOF host port", "-ERR Invalid master port"),
            (
                "REPLICAOF host 6379",
                "-ERR This node cannot follow another server; only REPLICAOF NO ONE is understood",
            ),
        ]);
    }

    #[test]
    fn waiting_for_replicas_answers_at_once_and_checks_its_arguments_as_redis_does() {
        Bench::new().expect(&[
            ("WAIT 1 0", ":0"),
            ("WAIT -1 1", ":0"),
            ("WAIT x 1", "-ERR value is not an integer or out of range"),
            ("WAIT 0 x", "-ERR timeout is not an integer or out of range"),
            ("WAIT 0 -1", "-ERR timeout is negative"),
            ("WAIT 0 9223372036854775807", "-ERR timeout is out of range"),
            ("WAITAOF 0 1 0", "*2 :0 :0"),
            ("WAITAOF 2 0 0", "-ERR value is out of range, value must between 0 and 1"),
            ("WAITAOF 0 -1 0", "-ERR value is out of range, must be positive"),
            (
                "WAITAOF 1 0 0",
                "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
            ),
        ]);
    }
}
