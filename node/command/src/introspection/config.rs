//! CONFIG: the options of the running node. What options there are is the server's business.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

const HELP: &[&str] = &[
    "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GET <pattern> [<pattern> ...]",
    "    Show the options whose names match any of the patterns.",
    "SET <option> <value> [<option> <value> ...]",
    "    Set options: all of them, or none.",
    "RESETSTAT",
    "    Set the counters of INFO back to zero.",
    "REWRITE",
    "    Write the options to the configuration file.",
];

/// `CONFIG GET pattern [pattern ...]`.
pub(crate) fn get(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let patterns: Vec<&[u8]> = args.iter().skip(2).collect();
    let options = cx.server.config_get(&patterns);
    cx.reply.map(options.len());
    for (name, value) in options {
        cx.reply.bulk(name.as_bytes());
        cx.reply.bulk(value.as_bytes());
    }
    Ok(())
}

/// `CONFIG SET option value [option value ...]`.
pub(crate) fn set(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if args.len() % 2 == 1 {
        return Err(CommandError::SYNTAX);
    }
    let words: Vec<&[u8]> = args.iter().skip(2).collect();
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    cx.server.config_set(&pairs)?;
    cx.reply.ok();
    Ok(())
}

/// `CONFIG REWRITE`.
pub(crate) fn rewrite(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.server.config_rewrite()?;
    cx.reply.ok();
    Ok(())
}

/// `CONFIG RESETSTAT`.
pub(crate) fn resetstat(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    super::publish_figures(cx);
    cx.server.reset_statistics();
    cx.reply.ok();
    Ok(())
}

/// `CONFIG HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    super::help(cx, HELP)
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn options_are_set_in_pairs_or_not_at_all() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("CONFIG SET hz 1 port 2", "+OK"),
            ("CONFIG SET hz 1 port", "-ERR syntax error"),
            ("CONFIG SET hz", "-ERR wrong number of arguments for 'config|set' command"),
            ("CONFIG", "-ERR wrong number of arguments for 'config' command"),
            ("CONFIG nosuch", "-ERR unknown subcommand 'nosuch'. Try CONFIG HELP."),
        ]);
        assert_eq!(*bench.server.requests.lock(), ["set 2 options"]);
    }

    #[test]
    fn rewriting_and_resetting_are_the_servers_business() {
        let mut bench = Bench::new();
        bench.expect(&[("CONFIG REWRITE", "+OK"), ("CONFIG RESETSTAT", "+OK")]);
        let asked = bench.server.requests.lock();
        assert_eq!(*asked, ["rewrite the configuration", "reset statistics"]);
    }

    #[test]
    fn options_are_a_map() {
        Bench::resp3().expect(&[("CONFIG GET a b*", "%0")]);
        Bench::new().expect(&[("CONFIG GET a", "*0")]);
    }
}
