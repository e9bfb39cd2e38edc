//! LASTSAVE, SAVE, BGSAVE and BGREWRITEAOF: a cache keeps nothing on disk, and says so.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

/// `LASTSAVE`: as in Redis without any save, the time the server started.
pub(crate) fn lastsave(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let started = cx.server.started_unix_seconds();
    cx.reply.integer(started as i64);
    Ok(())
}

/// `SAVE`, `BGSAVE [SCHEDULE]` and `BGREWRITEAOF`.
pub(crate) fn refuse(_: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let is_schedule = |word: &[u8]| word.eq_ignore_ascii_case(b"SCHEDULE");
    if args.len() > 2 || !args.get(1).is_none_or(is_schedule) {
        return Err(CommandError::SYNTAX);
    }
    Err(CommandError::text(
        "ERR This node keeps its data in memory only: there is no persistence, so nothing was \
         saved",
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn saving_is_refused_with_the_reason() {
        let mut bench = Bench::new();
        for request in ["SAVE", "BGSAVE", "BGSAVE SCHEDULE", "BGREWRITEAOF"] {
            let reply = bench.ask(request);
            assert!(reply.starts_with("-ERR ") && reply.contains("no persistence"), "{reply}");
        }
        bench.expect(&[("BGSAVE now", "-ERR syntax error"), ("LASTSAVE", ":1700000000")]);
    }
}
