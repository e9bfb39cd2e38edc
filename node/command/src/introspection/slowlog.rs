//! SLOWLOG: the last commands that took long.

use skep_resp::{Args, parse_i64};

use crate::cx::Cx;
use crate::error::CommandError;

/// Entries shown unasked.
const DEFAULT_COUNT: usize = 10;

const HELP: &[&str] = &[
    "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GET [<count>]",
    "    Show the latest <count> entries (10 unless told, -1 for all): id, Unix time,",
    "    microseconds, arguments, client address, client name.",
    "LEN",
    "    Count the entries.",
    "RESET",
    "    Forget all entries.",
];

/// `SLOWLOG GET [count]`.
pub(crate) fn get(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    const RANGE: CommandError =
        CommandError::text("ERR count should be greater than or equal to -1");
    if args.len() > 3 {
        return Err(super::unknown_or_wrong_count("SLOWLOG", &args[1]));
    }
    let count = match args.get(2).map(parse_i64) {
        None => DEFAULT_COUNT,
        Some(Some(-1)) => usize::MAX,
        Some(count) => count.and_then(|count| usize::try_from(count).ok()).ok_or(RANGE)?,
    };
    let entries = cx.server.slow_log(count);
    cx.reply.array(entries.len());
    for entry in entries {
        cx.reply.array(6);
        cx.reply.integer(entry.id as i64);
        cx.reply.integer(entry.unix_seconds as i64);
        cx.reply.integer(entry.duration_us as i64);
        cx.reply.array(entry.args.len());
        entry.args.iter().for_each(|word| cx.reply.bulk(word));
        cx.reply.bulk(entry.address.as_bytes());
        cx.reply.bulk(&entry.name);
    }
    Ok(())
}

/// `SLOWLOG LEN`.
pub(crate) fn len(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let len = cx.server.slow_log_len();
    cx.reply.integer(len as i64);
    Ok(())
}

/// `SLOWLOG RESET`.
pub(crate) fn reset(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.server.slow_log_reset();
    cx.reply.ok();
    Ok(())
}

/// `SLOWLOG HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    super::help(cx, HELP)
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn counts_below_minus_one_are_refused() {
        const RANGE: &str = "-ERR count should be greater than or equal to -1";
        let mut bench = Bench::new();
        bench.expect(&[
            ("SLOWLOG GET -1", "*0"),
            ("SLOWLOG GET -2", RANGE),
            ("SLOWLOG GET x", RANGE),
            (
                "SLOWLOG GET 1 2",
                "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.",
            ),
            ("SLOWLOG LEN", ":0"),
            ("SLOWLOG RESET", "+OK"),
        ]);
        assert_eq!(*bench.server.requests.lock(), ["empty the slow log"]);
    }
}
